"""A limit on the time of one pixel, in whatever thread it runs."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimitError(BaseException):
    """A pixel took too long.  No Exception: a user's `except Exception` lets it through."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitError in this thread once `seconds` have passed.

    Parameters
    ----------
    seconds : float or None
        None: no limit.

    Notes
    -----
    In a process's main thread an alarm interrupts sleeping and waiting as well.  In other
    threads the error is raised when Python code runs next: a call into compiled code that
    never returns cannot be ended there, only in a process (``scheduler="processes"``).

    Examples
    --------
    >>> try:
    ...     with time_limit(0.01):
    ...         while True:
    ...             pass
    ... except TimeLimitError:
    ...     print("too long")
    too long
    """
    if seconds is None:
        yield
    elif threading.current_thread() is threading.main_thread() and hasattr(
        signal, "setitimer"
    ):
        yield from _by_alarm(seconds)
    else:
        yield from _by_watcher(seconds)


def _by_alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise TimeLimitError

    former = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, former)


def _by_watcher(seconds: float) -> Iterator[None]:
    identity = threading.get_ident()
    lock = threading.Lock()
    over = False

    def ring() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(identity), ctypes.py_object(TimeLimitError)
                )

    watcher = threading.Timer(seconds, ring)
    watcher.daemon = True
    watcher.start()
    try:
        yield
    finally:
        with lock:
            over = True
        watcher.cancel()
