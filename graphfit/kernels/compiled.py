"""How inner functions of the compiled drivers are compiled."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function for use inside drivers; it keeps its Python signature.

    A driver is cached on disk together with what it calls, so these are not.  Division
    by zero gives what IEEE 754 says, as in numpy.

    Parameters
    ----------
    function : callable
        Loops over float64 and int64 arrays.

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
    return cast(Function, njit(error_model="numpy", nogil=True, forceinline=True, _nrt=False)(function))
