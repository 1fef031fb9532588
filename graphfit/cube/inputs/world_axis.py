"""WorldAxis: the independent variable along one fitting axis."""

import warnings
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.derived_source import BroadcastSource, broadcast, in_unit
from graphfit.cube.inputs.filled_source import filled
from graphfit.cube.inputs.reading_objects import from_object
from graphfit.cube.inputs.source import ArraySource, Source
from graphfit.cube.inputs.units import as_unit
from graphfit.cube.inputs.wcs_axes import WcsAxes, is_wcs, low_level, wcs_axes
from graphfit.cube.inputs.wcs_source import WcsSource
from graphfit.errors import DataError, DataWarning


@final
@dataclass(frozen=True, eq=False)
class WorldAxis:
    """The coordinates along one fitting axis.

    Attributes
    ----------
    name : str
        E.g. ``"velocity"``.
    unit : astropy.units.Unit or None
    source : Source
        Of the cube's shape.
    is_shared : bool
        Whether it is the same at every pixel.
    """

    name: str
    unit: Any
    source: Source
    is_shared: bool


def world_axis(
    given: Any, cube: CubeInput, axis: int, fitting: tuple[int, ...]
) -> WorldAxis:
    """Return the coordinates along one fitting axis.

    Parameters
    ----------
    given : None, WCS, WcsAxes, or array-like
        As the user gave them; None takes the cube's own.
    cube : CubeInput
    axis : int
        The fitting axis.
    fitting : tuple of int
        All fitting axes.

    Raises
    ------
    DataError
        For shapes that do not fit.
    """
    if given is None and cube.wcs is not None:
        given = cube.wcs
    if given is not None and is_wcs(given):
        given = wcs_axes(given, cube.shape, fitting, cube.label)
    if isinstance(given, WcsAxes):
        return _from_wcs(given, cube, axis, fitting)
    if given is not None:
        return _from_values(given, cube, axis, fitting)
    name = cube.dims[axis] if cube.dims else f"axis_{axis}"
    values = cube.coords.get(name)
    if values is not None:
        kind = np.asarray(values).dtype.kind
        if kind in "fiu":
            return _along(name, getattr(values, "unit", None), values, cube, axis)
        msg = (
            f"{cube.label}.{name} holds no numbers (type {kind!r}); the fit goes over the "
            "numbers of the pixels. Give world= for other coordinates."
        )
        warnings.warn(msg, DataWarning, stacklevel=4)
    return _along(name, None, np.arange(cube.shape[axis]), cube, axis)


def axis_name(cube: CubeInput, axis: int) -> str:
    """Return what an axis of a cube is called: by its input, its WCS, its number."""
    if cube.dims:
        return cube.dims[axis]
    if cube.wcs is not None:
        wcs = low_level(cube.wcs)
        if wcs.pixel_n_dim == cube.ndim:
            axes = wcs_axes(wcs, cube.shape, None, cube.label)
            number = axes.own(axis)
            if number is not None and axes.name(number):
                return axes.name(number)
    return f"axis_{axis}"


def axis_in_unit(axis: WorldAxis, wanted: Any, label: str) -> WorldAxis:
    """Return an axis in another unit.

    Parameters
    ----------
    axis : WorldAxis
    wanted : unit, str or None
        None leaves it as it is; an axis without a unit takes it.
    label : str
        Of the cube, for messages.

    Raises
    ------
    DataError
        If the unit cannot be understood, or the axis be converted to it.
    """
    if wanted is None:
        return axis
    from astropy import units

    unit = as_unit(wanted, f"{label}: world axis {axis.name!r}")
    try:
        source = in_unit(axis.source, axis.unit, unit)
    except units.UnitsError as error:
        msg = (
            f"{label}: world axis {axis.name!r} is in {axis.unit.to_string()}, which "
            f"cannot be converted to {unit.to_string()}; convert the axis first and "
            "give it by world=."
        )
        raise DataError(msg) from error
    return WorldAxis(axis.name, unit, source, axis.is_shared)


def _along(name: str, unit: Any, values: Any, cube: CubeInput, axis: int) -> WorldAxis:
    """Return coordinates along an axis, one-dimensional."""
    array = np.array(getattr(values, "value", values), dtype=float)
    label = f"{cube.label}: world axis {name!r}"
    source = broadcast(ArraySource(array, label), cube.shape, (axis,))
    return WorldAxis(name, unit, source, is_shared=True)


def _from_wcs(
    axes: WcsAxes, cube: CubeInput, axis: int, fitting: tuple[int, ...]
) -> WorldAxis:
    number = axes.assigned(fitting)[fitting.index(axis)]
    if number is None:
        msg = (
            f"{cube.label}: no coordinate of the WCS varies along axis {axis}; give "
            "world= for it, or another fitting_axes."
        )
        raise DataError(msg)
    name = axes.name(number) or axis_name(cube, axis)
    varying = axes.varies_with(number)
    label = f"{cube.label}: world axis {name!r}"
    source: Source = WcsSource(axes, number, label)
    is_shared = set(varying) <= set(fitting)
    if is_shared:  # once for all pixels
        values = axes.values(number, (slice(None),) * cube.ndim)
        own = values.reshape([cube.shape[a] for a in sorted(varying)])
        source = broadcast(ArraySource(own, label), cube.shape, tuple(sorted(varying)))
    return WorldAxis(name, axes.unit(number), source, is_shared)


def _from_values(
    given: Any, cube: CubeInput, axis: int, fitting: tuple[int, ...]
) -> WorldAxis:
    name = axis_name(cube, axis)
    label = f"{cube.label}: world axis {name!r}"
    found = from_object(given, label)
    source = filled(found)
    if found.source.dtype.kind not in "fiu":
        msg = (
            f"{label} must hold real numbers, got values of type {found.source.dtype}."
        )
        raise DataError(msg)
    length = cube.shape[axis]
    if len(source.shape) == 1 and source.shape == (length,):
        source = broadcast(source, cube.shape, (axis,))
    else:
        source = _over_the_cube(source, cube, axis, fitting, label)
    return WorldAxis(name, found.unit, source, _is_shared(source, fitting))


def _over_the_cube(
    source: Source,
    cube: CubeInput,
    axis: int,
    fitting: tuple[int, ...],
    label: str,
) -> Source:
    plane = tuple(sorted(fitting))
    if len(source.shape) > 1:
        try:
            return broadcast(source, cube.shape)
        except DataError:
            if source.shape == tuple(cube.shape[a] for a in plane):
                return broadcast(source, cube.shape, plane)
    msg = (
        f"{label} has shape {source.shape}; it must be one-dimensional with "
        f"{cube.shape[axis]} values along axis {axis}, or broadcast to the data's shape "
        f"{cube.shape}."
    )
    raise DataError(msg)


def _is_shared(source: Source, fitting: tuple[int, ...]) -> bool:
    """Whether a source of the cube's shape is the same along all iterating axes."""
    axes, lengths = tuple(range(len(source.shape))), source.shape
    if isinstance(source, BroadcastSource):
        axes, lengths = source.axes, source.source.shape
    pairs = zip(axes, lengths, strict=True)
    return all(length == 1 or axis in fitting for axis, length in pairs)
