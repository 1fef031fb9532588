"""Machine code kept on disk, where only its owner may write.

A cache is a convenience: whatever is wrong with its folder or with one of its files, the
code is compiled anew.  So nothing here raises because of a disk, and :meth:`FileCache.load`
returns either the bytes that were stored under the key, or None.

A file is ``MAGIC + digest + payload``.  The digest covers the key as well, so a file under
another file's name is as wrong as a damaged one.  Files appear by renaming a complete
temporary file, so that any number of processes may write the same key at once.
"""

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

MAGIC = b"graphfit cache 1\n"
LARGEST_FOLDER = 256 * 2**20  # bytes
MOST_FILES = 10_000  # what can be listed on each write without being felt
_DIGEST = hashlib.sha256().digest_size
_DAY = 86_400.0  # seconds
# A temporary file lives for milliseconds; an older one is what a killed process left.
_TEMPORARY = ".tmp"
_HOUR = 3_600.0


def cache_folder() -> Path | None:
    r"""Return where this user's caches belong by the platform's convention.

    ``$XDG_CACHE_HOME/graphfit`` or ``~/.cache/graphfit``; ``~/Library/Caches/graphfit`` on
    macOS; ``%LOCALAPPDATA%\graphfit`` on Windows.

    Returns
    -------
    Path or None
        An absolute path, which need not exist; None where the user has no home folder.

    Examples
    --------
    >>> cache_folder().name
    'graphfit'
    """
    if sys.platform == "win32":
        named = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        named = ""
    else:
        named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):  # the convention: a relative path is to be ignored
        return Path(named) / "graphfit"
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and the user is not in the system's list
        return None
    if not home.is_absolute():
        return None
    beneath = {"win32": ("AppData", "Local"), "darwin": ("Library", "Caches")}
    return home.joinpath(*beneath.get(sys.platform, (".cache",)), "graphfit")


def is_private(status: os.stat_result) -> bool:
    """Return whether a file or folder is this user's, and nobody else can write to it.

    Windows has no such bits; there the folder is below the user's own profile.
    """
    if sys.platform == "win32":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def is_private_folder(path: Path) -> bool:
    """Return whether `path` is a folder which only this user can enter.

    Parameters
    ----------
    path : Path
        It need not exist.

    Returns
    -------
    bool
        Also False where the system does not let us see it.
    """
    try:
        status = path.stat()
    except OSError:
        return False
    open_to_others = sys.platform != "win32" and bool(status.st_mode & 0o077)
    return stat.S_ISDIR(status.st_mode) and is_private(status) and not open_to_others


def make_private_folder(path: Path) -> bool:
    """Make a folder which only this user can enter, unless it is there.

    Parameters
    ----------
    path : Path
        Made, with missing parents, but only inside a folder of the user's own.  So root,
        acting for somebody, leaves no folder behind that they could not use.

    Returns
    -------
    bool
        Whether there is such a folder now.
    """
    try:
        if not path.exists():
            missing = [path]
            while not missing[-1].parent.exists():
                missing.append(missing[-1].parent)
            status = missing[-1].parent.stat()
            if sys.platform != "win32" and status.st_uid != os.geteuid():
                return False
            for folder in reversed(missing):
                folder.mkdir(mode=0o700, exist_ok=True)  # others may be making it too
    except OSError:
        return False
    return is_private_folder(path)


@final
@dataclass(frozen=True, slots=True)
class FileCache:
    """Payloads on disk by key; the oldest go when there are too many.

    Parameters
    ----------
    folder : Path or None
        Where the files are, by default; made on the first write.  None keeps nothing.
    largest : int
        Bytes that the folder may hold after a write.
    most : int
        Files that the folder may hold after a write.

    Notes
    -----
    A folder that another user owns, or may write to or read, is not used at all: its files
    would be run as machine code.

    Examples
    --------
    >>> cache = FileCache(None)
    >>> cache.store("0f3a", b"code")
    >>> cache.load("0f3a") is None
    True
    """

    folder: Path | None
    largest: int = LARGEST_FOLDER
    most: int = MOST_FILES

    def load(self, key: str) -> bytes | None:
        """Return what was stored under `key`, or None if it is not there unharmed.

        Parameters
        ----------
        key : str
            A digest in hexadecimal digits: it names the file.

        Returns
        -------
        bytes or None
            The payload.
        """
        if self.folder is None or not is_private_folder(self.folder):
            return None
        path = self.folder / key
        try:
            content = _read_regular(path)
        except OSError:
            return None
        payload = content[len(MAGIC) + _DIGEST :]
        if content[: len(MAGIC) + _DIGEST] != MAGIC + _digest(key, payload):
            return None
        mark_used(path)
        return payload

    def store(self, key: str, payload: bytes) -> None:
        """Keep `payload` under `key`, if the disk allows it.

        Parameters
        ----------
        key : str
            A digest in hexadecimal digits, of everything that `payload` depends on.
        payload : bytes
            What :meth:`load` shall return; not kept if it would fill a quarter of the
            folder.
        """
        if self.folder is None or 4 * len(payload) > self.largest:
            return
        if not make_private_folder(self.folder):
            return
        try:
            write_whole(self.folder / key, MAGIC + _digest(key, payload) + payload)
        except OSError:
            return
        drop_oldest(self.folder, self.largest, self.most)


def _digest(key: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(key.encode())
    digest.update(b"\n")
    digest.update(payload)
    return digest.digest()


def _read_regular(path: Path) -> bytes:
    """Read a file of this user's own; anything else than a regular file is an OSError."""
    # O_NONBLOCK: do not wait for ever for the writer of a named pipe.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not is_private(status):
            msg = f"{path} is not a file of this user's own"
            raise PermissionError(msg)
        return file.read()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that others see complete or not at all.

    Parameters
    ----------
    path : Path
        In a folder that exists; replaced if it exists itself.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    descriptor, temporary = tempfile.mkstemp(_TEMPORARY, ".", path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    finally:  # a full disk, Ctrl-C: leave no litter
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def mark_used(path: Path) -> None:
    """Make a file the youngest, once a day: code in use is not to be dropped.

    Parameters
    ----------
    path : Path
        Nothing happens if its times cannot be set.
    """
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > _DAY:
            os.utime(path)


def drop_oldest(folder: Path, largest: int, most: int) -> None:
    """Remove a folder's oldest files until it is within its bounds.

    Parameters
    ----------
    folder : Path
        Folders inside it are left alone.
    largest : int
        Bytes that may stay.
    most : int
        Files that may stay.
    """
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # another process has just removed it
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime, status.st_size, entry.path))
    old_enough = time.time() - _HOUR
    size = count = 0
    for modified, length, path in sorted(found, reverse=True):
        size, count = size + length, count + 1
        if path.endswith(_TEMPORARY):
            drop = modified < old_enough
        else:
            drop = size > largest or count > most
        if drop:
            with contextlib.suppress(OSError):
                os.unlink(path)
