"""Which axes of a cube one fit spans, and which the fits repeat over."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, final

import numpy as np

from graphfit.errors import SettingError
from graphfit.typing import AnyArray

WHERE = "gf.parallel_fit_dask"


@final
@dataclass(frozen=True)
class Axes:
    """The axes of a cube, divided.

    Attributes
    ----------
    shape : tuple of int
        Of the cube.
    fitting : tuple of int, >= 0
        In the order of the model's inputs.
    """

    shape: tuple[int, ...]
    fitting: tuple[int, ...]

    @property
    def iterating(self) -> tuple[int, ...]:
        """The axes that fits repeat over, in their order."""
        return tuple(i for i in range(len(self.shape)) if i not in self.fitting)

    @property
    def fitting_shape(self) -> tuple[int, ...]:
        """The lengths of the fitting axes."""
        return tuple(self.shape[i] for i in self.fitting)

    @property
    def iterating_shape(self) -> tuple[int, ...]:
        """The lengths of the iterating axes: the shape of the maps."""
        return tuple(self.shape[i] for i in self.iterating)

    def apart(self, array: AnyArray) -> AnyArray:
        """Return a view with the iterating axes first, the fitting axes last."""
        order = self.iterating + self.fitting
        return np.moveaxis(array, order, tuple(range(len(order))))

    def whole(self, where: Sequence[slice]) -> tuple[slice, ...]:
        """Return slices of the cube for slices of the map."""
        found = [slice(None)] * len(self.shape)
        for axis, part in zip(self.iterating, where, strict=True):
            found[axis] = part
        return tuple(found)


def divide_axes(shape: tuple[int, ...], fitting_axes: Any, n_inputs: int) -> Axes:
    """Return the axes as a call gives them.

    Parameters
    ----------
    shape : tuple of int
        Of the data.
    fitting_axes : int or sequence of int
        Negative ones count from the end.
    n_inputs : int
        Of the model.

    Raises
    ------
    SettingError
        For axes that do not exist, appear twice, or are not as many as the inputs.

    Examples
    --------
    >>> axes = divide_axes((53, 105, 100), -3, 1)
    >>> axes.fitting, axes.iterating, axes.iterating_shape
    ((0,), (1, 2), (105, 100))
    """
    given = fitting_axes if isinstance(fitting_axes, tuple | list) else (fitting_axes,)
    if not all(isinstance(axis, Integral) for axis in given):
        msg = (
            f"{WHERE}: fitting_axes must be an axis of the data or a tuple of them, one an "
            f"input of the model, got {fitting_axes!r}; e.g. fitting_axes=0 for a spectrum "
            "along the first axis."
        )
        raise SettingError(msg)
    if len(given) != n_inputs:
        msg = (
            f"Model is {n_inputs}-dimensional, but got {len(given)} value(s) in "
            "fitting_axes=; give one axis for each input of the model, in their order."
        )
        raise SettingError(msg)
    ndim = len(shape)
    for axis in given:
        if not -ndim <= axis < ndim:
            msg = (
                f"Fitting index {axis} out of range for {ndim}-dimensional data; axes go "
                f"from {-ndim} to {ndim - 1}."
            )
            raise SettingError(msg)
    fitting = tuple(int(axis) % ndim for axis in given)
    if len(set(fitting)) < len(fitting):
        msg = f"{WHERE}: fitting_axes={fitting_axes!r} names one axis twice."
        raise SettingError(msg)
    return Axes(tuple(shape), fitting)
