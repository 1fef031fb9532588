"""World coordinates along the fitting axes: from arrays, from a WCS, or pixel indices."""

import threading
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.astropy_fit.axes import Axes
from graphfit.cube.astropy_fit.fields import as_array, broadcasts, is_lazy, part, real
from graphfit.errors import DataError, SettingError
from graphfit.typing import AnyArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class World:
    """One coordinate for each fitting axis, in the order of the model's inputs.

    Attributes
    ----------
    fields : tuple of array
        Each with as many axes as the cube, of length 1 where it does not vary.
    units : tuple of Unit or None
        Theirs.
    """

    fields: tuple[Any, ...]
    units: tuple[Any, ...]

    def varies(self, axes: Axes) -> bool:
        """Whether a coordinate differs from fit to fit."""
        return any(field.shape[i] > 1 for field in self.fields for i in axes.iterating)


@final
class WcsCoordinate:
    """One world coordinate of a WCS as an array, of which only slices are computed.

    Parameters
    ----------
    wcs : APE-14 low-level WCS
    number : int
        Of the world axis.
    shape : tuple of int
        Of the cube; axes on which the coordinate does not depend have length 1.
    """

    def __init__(self, wcs: Any, number: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.dtype = np.dtype(np.float64)
        self._wcs = wcs
        self._number = number
        self._turn = threading.Lock()  # wcslib keeps state while it computes

    def __getitem__(self, where: Any) -> FloatArray:
        """Return the coordinate on slices of the cube."""
        cut = where if isinstance(where, tuple) else (where,)
        cut += (slice(None),) * (self.ndim - len(cut))
        ranges = [
            np.arange(length)[one] for length, one in zip(self.shape, cut, strict=True)
        ]
        index = np.meshgrid(*ranges, indexing="ij")
        with self._turn:
            world = self._wcs.array_index_to_world_values(*index)
        if self._wcs.world_n_dim > 1:
            world = world[self._number]
        return np.asarray(world, dtype=np.float64).reshape(index[0].shape)


def read_world(world: Any, axes: Axes) -> World:
    """Return the world coordinates of a call.

    Parameters
    ----------
    world : None, APE-14 WCS, tuple of arrays, or one array for one fitting axis
        Arrays are 1-D along their fitting axis, or broadcast to the data.
    axes : Axes

    Raises
    ------
    SettingError
        If it is none of these.
    DataError
        If its shape or its number of axes does not fit the data.
    """
    from astropy.wcs.wcsapi import BaseHighLevelWCS, BaseLowLevelWCS

    if world is None:
        lengths = axes.fitting_shape
        indices = [np.arange(length) for length in lengths]
        pairs = zip(indices, axes.fitting, strict=True)
        fields = tuple(_along(array, axis, axes) for array, axis in pairs)
        return World(fields, (None,) * len(lengths))
    # Some are both (astropy's own WCS): then what is low is the thing itself.
    if isinstance(world, BaseHighLevelWCS):
        world = world.low_level_wcs
    if isinstance(world, BaseLowLevelWCS):
        return _of_wcs(world, axes)
    if isinstance(world, np.ndarray) or is_lazy(world):
        world = (world,)
    if isinstance(world, tuple | list):
        return _of_arrays(tuple(world), axes)
    msg = (
        "world should be None, a WCS object or a tuple of arrays, one for each fitting "
        f"axis; got {world!r}."
    )
    raise SettingError(msg)


def shared_world(world: World, axes: Axes) -> tuple[AnyArray, ...] | None:
    """Return the coordinates of every fit, shape of the fitting axes; None if they vary."""
    if world.varies(axes):
        return None
    first = axes.whole([slice(0, 1)] * len(axes.iterating))
    found = [_read(part(field, first)) for field in world.fields]
    return tuple(of_fit(axes.apart(values), axes) for values in found)


def of_fit(values: AnyArray, axes: Axes) -> AnyArray:
    """Return one fit's coordinate, shape of the fitting axes, from values apart."""
    own = values[(0,) * len(axes.iterating)]
    return np.broadcast_to(own, axes.fitting_shape)


# --- arrays ------------------------------------------------------------------------


def _of_arrays(world: tuple[Any, ...], axes: Axes) -> World:
    if len(world) != len(axes.fitting):
        msg = (
            f"The number of world arrays ({len(world)}) must match number of fitting axes "
            f"({len(axes.fitting)}); give one array for each, in the order of fitting_axes."
        )
        raise DataError(msg)
    fields, units = [], []
    for given, axis in zip(world, axes.fitting, strict=True):
        units.append(getattr(given, "unit", None))
        array = as_array(getattr(given, "value", given), "world")
        fields.append(_field(array, axis, axes))
    return World(tuple(fields), tuple(units))


def _field(array: Any, axis: int, axes: Axes) -> Any:
    if len(array.shape) == 1:
        if array.shape[0] != axes.shape[axis]:
            msg = (
                f"world[{axis}] has length {array.shape[0]} but data along dimension {axis} "
                f"has length {axes.shape[axis]}; a 1-D array goes along its fitting axis."
            )
            raise DataError(msg)
        return _along(_read(array), axis, axes)
    if not array.shape or not broadcasts(array.shape, axes.shape):
        msg = (
            "The arrays in the world tuple should be broadcastable to the shape of the data "
            f"(expected {axes.shape}), got {tuple(array.shape)}); or be 1-D, along their "
            "fitting axis."
        )
        raise DataError(msg)
    ndim = len(axes.shape)
    return array.reshape((1,) * (ndim - len(array.shape)) + tuple(array.shape))


def _along(array: AnyArray, axis: int, axes: Axes) -> AnyArray:
    shape = [1] * len(axes.shape)
    shape[axis] = array.size
    return array.reshape(shape)


def _read(array: Any) -> AnyArray:
    return real(array.compute() if is_lazy(array) else array)


# --- a WCS -------------------------------------------------------------------------


def _of_wcs(wcs: Any, axes: Axes) -> World:
    ndim = len(axes.shape)
    if wcs.pixel_n_dim != ndim:
        msg = (
            f"The WCS pixel_n_dim ({wcs.pixel_n_dim}) does not match the number of "
            f"dimensions in the data ({ndim}); give the WCS of this cube, e.g. "
            "wcs.celestial or wcs.sub(...) of a larger one."
        )
        raise DataError(msg)
    # Pixel axes of a WCS are those of the array in reverse.  [world, axis of the array]
    depends = np.asarray(wcs.axis_correlation_matrix, dtype=bool)[:, ::-1]
    numbers = _assigned(depends, axes)
    fields, units = [], []
    from astropy.units import Unit

    for number in numbers:
        shape = tuple(
            length if on else 1
            for length, on in zip(axes.shape, depends[number], strict=True)
        )
        fields.append(WcsCoordinate(wcs, number, shape))
        units.append(Unit(wcs.world_axis_units[number]))
    return World(tuple(fields), tuple(units))


def _assigned(depends: AnyArray, axes: Axes) -> list[int]:
    """Return the world axis that goes with each fitting axis.

    Where several world axes depend on several pixel axes, as right ascension and
    declination do, each pixel axis gets the world axis nearest to it in number.
    """
    from scipy.optimize import linear_sum_assignment

    fitting = list(axes.fitting)
    involved = np.flatnonzero(depends[:, fitting].any(axis=1))
    if len(involved) != len(fitting):
        msg = (
            "The number of WCS world axes corresponding to the fitting axes "
            f"({len(involved)}) does not match the number of fitting axes "
            f"({len(fitting)}); fit both axes of a pair such as right ascension and "
            "declination, or give world as arrays."
        )
        raise DataError(msg)
    ndim = depends.shape[1]
    numbers = np.array([ndim - 1 - axis for axis in fitting])  # as the WCS counts
    distance = np.abs(numbers[:, None] - involved[None, :]).astype(float)
    distance[~depends[np.ix_(involved, np.array(fitting))].T] = 1e6
    _, chosen = linear_sum_assignment(distance)
    return [int(involved[i]) for i in chosen]
