"""The axes of a cube: those one fit spans, and those it repeats over."""

import operator
from typing import Any

from graphfit.errors import DataError


def normal_axes(
    axes: Any, ndim: int, label: str = "data", name: str = "fitting_axes"
) -> tuple[int, ...]:
    """Return axes counted from the front.

    Parameters
    ----------
    axes : int or sequence of int
        Negative ones count from the end.
    ndim : int
        Number of axes of the cube.
    label : str
        Of the cube, for messages.
    name : str
        Of the argument, for messages.

    Raises
    ------
    DataError
        If one is no axis of the cube, or there twice, or there is none.

    Examples
    --------
    >>> normal_axes(-1, 3)
    (2,)
    """
    try:
        given = tuple(operator.index(axis) for axis in _listed(axes))
    except TypeError:
        msg = f"{label}: {name} must be whole numbers, got {axes!r}."
        raise DataError(msg) from None
    wrong = [axis for axis in given if not -ndim <= axis < ndim]
    if wrong or not given:
        got = f"got {axes!r}" if wrong else "got none"
        msg = (
            f"{label} has {ndim} ax{'es' if ndim > 1 else 'is'}: {name} must be "
            f"between {-ndim} and {ndim - 1}, {got}."
        )
        raise DataError(msg)
    normal = tuple(axis % ndim for axis in given)
    if len(set(normal)) < len(normal):
        msg = f"{label}: {name} {axes!r} names an axis twice; name each once."
        raise DataError(msg)
    return normal


def other_axes(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Return the axes that are not among the given ones, in order.

    Examples
    --------
    >>> other_axes((0,), 3)
    (1, 2)
    """
    return tuple(axis for axis in range(ndim) if axis not in axes)


def _listed(axes: Any) -> tuple[Any, ...]:
    try:
        return tuple(axes)
    except TypeError:
        return (axes,)
