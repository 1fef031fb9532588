"""How the functions that compiled drivers are made of are compiled.

They are small and handed a dozen arrays, each of which is seven machine words: calling
one costs more than what it does.  So LLVM is told to expand them in place, and numba not to
count references, which compiled code that allocates nothing has no use for.  (A function
that would allocate is refused when it is compiled.)
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


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
    return _njit(function, forceinline=True)


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
    return _njit(function, forceinline=False)


def _njit(function: Function, *, forceinline: bool) -> Function:
    options: dict[str, Any] = {"_nrt": False}  # not among numba's published options
    decorate = njit(error_model="numpy", nogil=True, forceinline=forceinline, **options)
    return cast(Function, decorate(function))
