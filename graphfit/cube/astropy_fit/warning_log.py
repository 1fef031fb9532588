"""Warnings of fits, kept for the one they belong to.

``warnings.catch_warnings`` changes the whole process, so threads that use it at the same
time hear each other's warnings, and may leave the process changed.  Here one change serves
all threads for as long as any of them listens, and each hears its own.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, final


@contextmanager
def heard_warnings() -> Iterator[list[str]]:
    """Yield a list to which the warnings of this thread are added, as text.

    Nothing else becomes of them: no message, no error.

    Examples
    --------
    >>> with heard_warnings() as heard:
    ...     warnings.warn("too few steps")
    >>> heard
    ['UserWarning: too few steps']
    """
    router = _router()
    heard: list[str] = []
    former = router.listen(heard)
    try:
        yield heard
    finally:
        router.leave(former)


@cache
def _router() -> "_Router":
    return _Router()


@final
class _Router:
    """Hands each warning to the thread that it came from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own = threading.local()
        self._listeners = 0
        self._saved: Any = None
        self._show: Any = None

    def listen(self, heard: list[str]) -> list[str] | None:
        with self._lock:
            if not self._listeners:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                self._show = warnings.showwarning
                warnings.simplefilter("always")
                warnings.showwarning = self._route
            self._listeners += 1
        former: list[str] | None = getattr(self._own, "heard", None)
        self._own.heard = heard
        return former

    def leave(self, former: list[str] | None) -> None:
        self._own.heard = former
        with self._lock:
            self._listeners -= 1
            if not self._listeners:
                self._saved.__exit__(None, None, None)
                self._saved = self._show = None

    def _route(
        self, message: Any, category: Any, *arguments: Any, **named: Any
    ) -> None:
        heard = getattr(self._own, "heard", None)
        if heard is not None:
            heard.append(f"{category.__name__}: {message}")
        elif self._show is not None:  # of a thread that has nothing to do with fits
            self._show(message, category, *arguments, **named)
