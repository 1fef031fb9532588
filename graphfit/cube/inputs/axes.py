"""The axes of a cube: those one fit spans, and those it repeats over."""

import math
import operator
from dataclasses import dataclass
from typing import Any, final

from graphfit.errors import DataError
from graphfit.typing import AnyArray

Region = tuple[slice, ...]


@final
@dataclass(frozen=True)
class CubeAxes:
    """Which axes of a cube a fit spans, and which it repeats over.

    Attributes
    ----------
    shape : tuple of int
        Of the cube.
    fitting : tuple of int
        The axes of one fit, in the order of the model's inputs.
    """

    shape: tuple[int, ...]
    fitting: tuple[int, ...]

    @property
    def iterating(self) -> tuple[int, ...]:
        """The other axes, in order."""
        return other_axes(self.fitting, len(self.shape))

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Lengths of the iterating axes."""
        return tuple(self.shape[i] for i in self.iterating)

    @property
    def fit_shape(self) -> tuple[int, ...]:
        """Lengths of the fitting axes, in their order."""
        return tuple(self.shape[i] for i in self.fitting)

    @property
    def points(self) -> int:
        """N, the data points of one fit."""
        return math.prod(self.fit_shape)

    def where(self, region: Region) -> Region:
        """Return the cube's slices of a region of the map: fitting axes whole."""
        slices = [slice(None)] * len(self.shape)
        for axis, part in zip(self.iterating, region, strict=True):
            slices[axis] = part
        return tuple(slices)

    def rows(self, values: AnyArray) -> AnyArray:
        """Return a slice of the cube as (P, N): pixels in rows."""
        moved = values.transpose(*self.iterating, *self.fitting)
        return moved.reshape(-1, self.points)


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
        given = tuple(_whole(axis) for axis in _listed(axes))
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


def _whole(axis: Any) -> int:
    if isinstance(axis, bool):
        raise TypeError
    return operator.index(axis)


def _listed(axes: Any) -> tuple[Any, ...]:
    try:
        return tuple(axes)
    except TypeError:
        return (axes,)
