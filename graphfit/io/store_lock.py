"""StoreLock: one process at a time writes to a store."""

import contextlib
import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any, final

from graphfit.errors import OutputError
from graphfit.io.durable import explained

JUST_MADE = (
    10.0  # s; a lock file without content and older than this was left by a crash
)
SAME_START = 2.0  # s; a clock that is being set moves the start of a process by less


@final
class StoreLock:
    """A file that names the process that writes; removed when it is done.

    A lock whose process has ended on this machine is taken over.  Whether a process of
    another machine still runs cannot be seen from here, so its lock stays.

    Parameters
    ----------
    path : Path
        The lock file.
    store : Path
        The store, for the message.

    Raises
    ------
    OutputError
        If another process, or another part of this one, has the store open.
    """

    __slots__ = ("_path", "_pid")

    def __init__(self, path: Path, store: Path) -> None:
        self._path = path
        self._pid = os.getpid()
        content = json.dumps(_this_process()).encode()
        with explained("write", path):
            while not _create(path, content):
                holder = _read(path)
                if holder is not None and _is_alive(holder):
                    raise OutputError(_refusal(holder, path, store))
                _take_away(path, holder)

    @property
    def is_held(self) -> bool:
        """Whether this process, not a fork of it, holds the lock still."""
        return os.getpid() == self._pid

    def release(self) -> None:
        """Remove the lock, once, and only in the process that holds it."""
        if self.is_held:
            self._pid = -1
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _create(path: Path, content: bytes) -> bool:
    """Make the lock file, or return False where there is one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, content)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """Return the holder; None if the file has gone, or is no lock (any more)."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        content = None
    if isinstance(content, dict) and {"pid", "host", "started"} <= content.keys():
        return content
    with contextlib.suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime < JUST_MADE:
            return {"pid": 0, "host": "", "started": 0.0}  # it is just being written
    return None


def _take_away(path: Path, holder: dict[str, Any] | None) -> None:
    """Remove a stale lock, but not one that somebody has put there meanwhile."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if _read(aside) == holder:
        aside.unlink()
    else:
        aside.rename(path)


def _this_process() -> dict[str, Any]:
    import psutil

    pid = os.getpid()
    return {
        "pid": pid,
        "host": socket.gethostname(),
        "started": psutil.Process(pid).create_time(),
    }


def _is_alive(holder: dict[str, Any]) -> bool:
    """Whether the holder may still write.  A reused number has another start."""
    import psutil

    if holder["host"] != socket.gethostname():
        return True
    try:
        process = psutil.Process(int(holder["pid"]))
        started = float(process.create_time())
        if process.status() == psutil.STATUS_ZOMBIE:  # killed, its parent not told yet
            return False
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return abs(started - float(holder["started"])) < SAME_START


def _refusal(holder: dict[str, Any], path: Path, store: Path) -> str:
    if not holder["host"]:
        return (
            f"{store} is being opened by another process; choose another store=, or try "
            "again in a moment."
        )
    if holder["host"] != socket.gethostname():
        return (
            f"{store} is in use by process {holder['pid']} on {holder['host']}. If that run "
            f"has ended, remove {path} and run the same call again; else choose another "
            "store=."
        )
    if holder["pid"] == os.getpid():
        return (
            f"{store} is open already in this process; close it first, or choose another "
            "store=."
        )
    return (
        f"{store} is in use by process {holder['pid']} of this machine; wait until it has "
        "ended, or choose another store=."
    )
