"""A limit on the time of one fit, in whatever thread it runs."""

import _thread
import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from graphfit.scheduling.last_words import deadline

AGAIN = 1.0  # s, until code that let the error through its fingers gets it again


class TimeLimitError(BaseException):
    """A fit took too long.  No Exception: a user's `except Exception` lets it through."""


def raise_in(identity: int, error: type[BaseException]) -> None:
    """Raise an error in another thread, as soon as that runs Python code.

    Parameters
    ----------
    identity : int
        Of the thread.
    error : type
        Made without arguments.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(identity), ctypes.py_object(error)
    )


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
    never returns cannot be ended there.  The processes of ``scheduler="processes"`` are
    ended as a whole in that case, two seconds later.

    Code that catches every error gets it again, every second.

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
        with deadline(seconds), _by_alarm(seconds):
            yield
    else:
        with _by_watcher(seconds):
            yield


@contextmanager
def _by_alarm(seconds: float) -> Iterator[None]:
    over = False

    def ring(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not over:
            raise TimeLimitError

    former = signal.signal(signal.SIGALRM, ring)
    began = time.monotonic()
    left = interval = 0.0
    try:
        left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        yield
    finally:
        try:
            over = True
        finally:  # also if it rings just now
            over = True
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, former)
            if left:  # somebody else's alarm goes on
                rest = max(1e-3, left - (time.monotonic() - began))
                signal.setitimer(signal.ITIMER_REAL, rest, interval)


@contextmanager
def _by_watcher(seconds: float) -> Iterator[None]:
    identity = threading.get_ident()
    over = False
    lock = threading.Lock()
    gate = threading.Lock()  # an Event's own code could be interrupted half-way
    gate.acquire()

    def watch() -> None:
        wait = seconds
        while not gate.acquire(timeout=wait):
            wait = AGAIN
            with lock:
                if not over:
                    raise_in(identity, TimeLimitError)

    try:
        # Not a Thread: its own start would wait, and could be interrupted half-way.
        _thread.start_new_thread(watch, ())
        yield
    finally:
        try:
            with lock:
                over = True
        finally:  # also if the error comes just now
            over = True
            gate.release()
