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
from typing import final

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
        try:
            descriptor, self.path = tempfile.mkstemp(prefix="graphfit-", suffix=".txt")
        except OSError:  # a full disk; nothing will be told then
            self.path = os.devnull
        else:
            os.close(descriptor)

    def taken(self) -> str | None:
        """Return what has been told since the last time; None if nothing was."""
        try:
            text = Path(self.path).read_text(encoding="utf-8", errors="replace")
            os.truncate(self.path, 0)
        except OSError:  # somebody has tidied up
            return None
        return _of_the_pixel(text.strip()) or None

    def close(self) -> None:
        """Remove the file."""
        if self.path == os.devnull:
            return
        with contextlib.suppress(OSError):
            Path(self.path).unlink(missing_ok=True)


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
    # One line at a time reaches the file, for it is appended to without a buffer.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
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
