"""LastWords: what worker processes tell as they die: a traceback, from outside of Python.

A call into compiled code that never returns cannot be interrupted by Python, and one that
crashes ends the process.  The interpreter can still write down where it was.
"""

import contextlib
import faulthandler
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, final

GRACE = 2.0  # s, for Python to notice the end of its time by itself
TIMEOUT = "Timeout ("  # how the interpreter begins


@final
class LastWords:
    """A file that the worker processes of one machine write to when they die.

    Attributes
    ----------
    path : str
    """

    def __init__(self) -> None:
        held = Path(f"/proc/{os.getpid()}/fd")
        self._file: Any = None
        self.path = os.devnull
        with contextlib.suppress(OSError):  # a full disk; nothing will be told then
            if held.is_dir():  # a file without a name: a kill leaves nothing behind
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                self.path = str(held / str(self._file.fileno()))
            else:
                self._file = tempfile.NamedTemporaryFile(buffering=0)  # noqa: SIM115
                self.path = self._file.name

    def taken(self) -> str | None:
        """Return what has been told since the last time; None if nothing was."""
        if self._file is None or self._file.closed:
            return None
        self._file.seek(0)
        text = self._file.read().decode("utf-8", errors="replace")
        self._file.truncate(0)
        return _of_the_pixel(text.strip()) or None

    def close(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()


def is_timeout(told: str | None) -> bool:
    """Say whether a worker died by its own time limit.

    Examples
    --------
    >>> is_timeout("Timeout (0:00:03)!"), is_timeout("Fatal Python error"), is_timeout(None)
    (True, False, False)
    """
    return told is not None and told.startswith(TIMEOUT)


def speak_when_dying(path: str) -> None:
    """Let this process tell where it was when it crashes, or hangs beyond its limit.

    Parameters
    ----------
    path : str
        Of the file, which all workers add to.
    """
    flags = os.O_WRONLY | os.O_APPEND
    try:
        descriptor = os.open(path, flags)
    except OSError:  # it can still end itself, without a word
        descriptor = os.open(os.devnull, flags)
    faulthandler.enable(descriptor, all_threads=False)
    _place().append(descriptor)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End this process if the block takes too long, where it is one that may be ended.

    Parameters
    ----------
    seconds : float
        That Python has to end the block by itself; some more are given.
    """
    place = _place()
    if not place:
        yield
        return
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=place[0])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _of_the_pixel(text: str) -> str:
    """Return what is told without the threads that only watch; the main one is last."""
    head, *threads = text.split("\n\nThread ")
    if not text.startswith(TIMEOUT) or not threads:
        return text
    return f"{head.splitlines()[0]}\nThread {threads[-1]}"


@cache
def _place() -> list[int]:
    """Where this process speaks to; empty for all but worker processes."""
    return []
