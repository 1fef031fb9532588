"""How the functions that compiled drivers are made of are compiled.

They are small and handed a dozen arrays, each of which is seven machine words: calling
one costs more than what it does.  So LLVM is told to expand them in place, and numba not to
count references, which compiled code that allocates nothing has no use for.  (A function
that would allocate is refused when it is compiled.)

Numba is imported when a driver has to be compiled, or when one of these is called from
Python; not before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any, Protocol, TypeVar, cast, final

Function = TypeVar("Function", bound=Callable[..., object])


class Translator(Protocol):
    """What makes numba's object for a function that only compiled code calls."""

    def __call__(self, function: Callable[..., Any], /, *, in_place: bool) -> Any:
        """Return a dispatcher of numba."""


_translator: ContextVar[Translator | None] = ContextVar("translator", default=None)


@contextmanager
def translated_by(translator: Translator) -> Iterator[None]:
    """Let functions be translated as parts of a driver, while numba compiles it.

    Parameters
    ----------
    translator : callable
        Asked once for each function; the process keeps what it returns.
    """
    token = _translator.set(translator)
    try:
        yield
    finally:
        _translator.reset(token)


def compiled(function: Function) -> Function:
    """Compile a function to be expanded in the driver that calls it.

    A driver is cached on disk together with all it calls, so these are not.  Division
    by zero gives what IEEE 754 says, as in numpy.

    Parameters
    ----------
    function : callable
        Loops over float64 and int64 arrays that its caller owns.

    Returns
    -------
    callable
        The same function, compiled for the types of its first call.

    Examples
    --------
    >>> import numpy as np
    >>> @compiled
    ... def total(a):
    ...     s = 0.0
    ...     for value in a:
    ...         s += value
    ...     return s
    >>> total(np.ones(3))
    3.0
    """
    return cast(Function, Compiled(function, in_place=True))


def compiled_apart(function: Function) -> Function:
    """Compile a function to be called: one that is large, or seldom used.

    Parameters
    ----------
    function : callable
        As for `compiled`.

    Returns
    -------
    callable
        The same function, compiled for the types of its first call.
    """
    return cast(Function, Compiled(function, in_place=False))


@final
class Compiled:
    """A function that numba compiles when it is needed; see :func:`compiled`.

    Parameters
    ----------
    function : callable
        What numba can compile.
    in_place : bool
        Whether it is expanded in its callers.
    """

    def __init__(self, function: Callable[..., Any], *, in_place: bool) -> None:
        update_wrapper(self, function)
        self._function = function
        self._in_place = in_place
        self._dispatcher: Any = None
        self._part: Any = None

    def __call__(self, *args: Any) -> Any:
        return self._compiled()(*args)

    def __reduce__(self) -> str:
        return self._function.__qualname__

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a name that it meets in a function: the type of the value."""
        translator = _translator.get()
        if translator is None:
            return self._compiled()._numba_type_
        if self._part is None:
            self._part = translator(self._function, in_place=self._in_place)
        return self._part._numba_type_

    def _compiled(self) -> Any:
        if self._dispatcher is None:
            from numba import njit

            options: dict[str, Any] = {"_nrt": False}  # not among the published ones
            decorate = njit(
                error_model="numpy", nogil=True, forceinline=self._in_place, **options
            )
            self._dispatcher = decorate(self._function)
        return self._dispatcher
