"""World coordinates along the fitting axes, as a call of parallel_fit_dask gives them."""

from dataclasses import replace
from typing import Any

import numpy as np

from graphfit.cube.inputs.axes import CubeAxes
from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.source import Source
from graphfit.cube.inputs.wcs_axes import WcsAxes, is_wcs, low_level, wcs_axes
from graphfit.cube.inputs.world_axis import WorldAxis, world_axis
from graphfit.errors import DataError, SettingError


def read_world(world: Any, source: Source, axes: CubeAxes) -> tuple[WorldAxis, ...]:
    """Return the world coordinates of a call, one axis an input of the model.

    Parameters
    ----------
    world : None, APE-14 WCS, tuple of arrays, or one array for one fitting axis
        Arrays are 1-D along their fitting axis, or broadcast to the data.
    source : Source
        Of the data.
    axes : CubeAxes

    Raises
    ------
    SettingError
        If it is none of these.
    DataError
        If its shape or its number of axes does not fit the data.
    """
    cube = CubeInput(source)  # without a WCS: a call says by `world` that it is meant
    if world is not None and is_wcs(world):
        return _of_wcs(_wcs_axes(world, axes), cube, axes)
    given = (None,) * len(axes.fitting) if world is None else _arrays(world, axes)
    return tuple(
        world_axis(one, cube, axis, axes.fitting)
        for one, axis in zip(given, axes.fitting, strict=True)
    )


def _of_wcs(wcs: WcsAxes, cube: CubeInput, axes: CubeAxes) -> tuple[WorldAxis, ...]:
    from astropy.units import dimensionless_unscaled

    found = (world_axis(wcs, cube, axis, axes.fitting) for axis in axes.fitting)
    # A WCS without units has those of plain numbers; an array without may have any.
    return tuple(
        replace(one, unit=dimensionless_unscaled) if one.unit is None else one
        for one in found
    )


def _wcs_axes(world: Any, axes: CubeAxes) -> WcsAxes:
    low, ndim = low_level(world), len(axes.shape)
    if low.pixel_n_dim != ndim:
        msg = (
            f"The WCS pixel_n_dim ({low.pixel_n_dim}) does not match the number of "
            f"dimensions in the data ({ndim}); give the WCS of this cube, e.g. "
            "wcs.celestial or wcs.sub(...) of a larger one."
        )
        raise DataError(msg)
    wcs = wcs_axes(low, axes.shape, None, "data")
    fitting = set(axes.fitting)
    involved = [n for n in range(low.world_n_dim) if fitting & {*wcs.varies_with(n)}]
    if len(involved) != len(fitting):
        msg = (
            "The number of WCS world axes corresponding to the fitting axes "
            f"({len(involved)}) does not match the number of fitting axes "
            f"({len(fitting)}); fit both axes of a pair such as right ascension and "
            "declination, or give world as arrays."
        )
        raise DataError(msg)
    return wcs


def _arrays(world: Any, axes: CubeAxes) -> tuple[Any, ...]:
    from dask.base import is_dask_collection

    if isinstance(world, np.ndarray) or is_dask_collection(world):
        world = (world,)
    if not isinstance(world, tuple | list):
        msg = (
            "world should be None, a WCS object or a tuple of arrays, one for each fitting "
            f"axis; got {world!r}."
        )
        raise SettingError(msg)
    if len(world) != len(axes.fitting):
        msg = (
            f"The number of world arrays ({len(world)}) must match number of fitting axes "
            f"({len(axes.fitting)}); give one array for each, in the order of fitting_axes."
        )
        raise DataError(msg)
    for array, axis in zip(world, axes.fitting, strict=True):
        _require_shape(tuple(np.shape(array)), axis, axes)
    return tuple(world)


def _require_shape(shape: tuple[int, ...], axis: int, axes: CubeAxes) -> None:
    length = axes.shape[axis]
    if len(shape) == 1 and shape[0] != length:
        msg = (
            f"world[{axis}] has length {shape[0]} but data along dimension {axis} has "
            f"length {length}; a 1-D array goes along its fitting axis."
        )
        raise DataError(msg)
    trailing = axes.shape[len(axes.shape) - len(shape) :]
    fits = len(shape) <= len(axes.shape) and all(
        own in (1, n) for own, n in zip(shape, trailing, strict=True)
    )
    if len(shape) != 1 and not (shape and fits):
        msg = (
            "The arrays in the world tuple should be broadcastable to the shape of the data "
            f"(expected {axes.shape}), got {shape}); or be 1-D, along their fitting axis."
        )
        raise DataError(msg)
