"""The data of a call: from arrays, Quantity or NDData, with their mask and weights."""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, final

from graphfit.cube.astropy_fit.axes import WHERE, divide_axes
from graphfit.cube.astropy_fit.weights import Weights, read_weights
from graphfit.cube.inputs.axes import CubeAxes
from graphfit.cube.inputs.reading import require_numbers
from graphfit.cube.inputs.reading_objects import from_object, values_source
from graphfit.cube.inputs.source import (
    DaskSource,
    Source,
    flags,
    in_unit,
    with_all_axes,
)
from graphfit.errors import DataError, SettingError


class Given(NamedTuple):
    """What a call says about its data; an NDData says it by its attributes."""

    data: Any
    data_unit: Any = None
    weights: Any = None
    mask: Any = None
    world: Any = None


@final
@dataclass(frozen=True, eq=False)
class Cube:
    """Data to fit.

    Attributes
    ----------
    axes : CubeAxes
    source : Source
        The data.
    unit : Unit or None
        Theirs.
    weights : Weights or None
    masks : tuple of Source
        With all axes of the cube, of length 1 where they repeat.  True in any of them
        leaves a point out.
    """

    axes: CubeAxes
    source: Source
    unit: Any
    weights: Weights | None
    masks: tuple[Source, ...]


def unpack(given: Given) -> Given:
    """Return what a call says, with the attributes of an NDData in their places.

    What the call says itself comes before what the NDData says, with a warning.

    Parameters
    ----------
    given : Given
    """
    from astropy.nddata import NDData
    from astropy.utils.exceptions import AstropyUserWarning

    if not isinstance(given.data, NDData):
        return given
    cube = given.data
    named = {
        "data_unit": cube.unit,
        "weights": cube.uncertainty,
        "mask": cube.mask,
        "world": cube.wcs,
    }
    found = {}
    for name, value in named.items():
        said = getattr(given, name)
        if value is not None and said is not None:
            warnings.warn(
                f"{name} is given, and the NDData has its own; the given one is used.",
                AstropyUserWarning,
                stacklevel=3,
            )
        found[name] = value if said is None else said
    return Given(cube.data, **found)


def read_cube(
    given: Given, fitting_axes: Any, n_inputs: int, equivalencies: Any = None
) -> Cube:
    """Return the data of a call, in one unit, with shapes checked.

    Parameters
    ----------
    given : Given
        Unpacked.
    fitting_axes : int or tuple of int
    n_inputs : int
        Of the model.
    equivalencies : list, optional
        For the conversion of data to another ``data_unit``.

    Raises
    ------
    DataError, SettingError
        For data, weights, masks and axes that do not go together.
    """
    from astropy.units import Unit

    found = from_object(given.data, "data")
    require_numbers(found.source)
    if not found.shape:
        msg = f"{WHERE}: data must have at least one axis, got a single number."
        raise DataError(msg)
    axes = divide_axes(found.shape, fitting_axes, n_inputs)
    if not axes.points:
        msg = (
            f"{WHERE}: data of shape {axes.shape} have no points along the fitting axes "
            f"{axes.fitting}."
        )
        raise DataError(msg)
    unit = found.unit if given.data_unit is None else Unit(given.data_unit)
    known = equivalencies if isinstance(equivalencies, list) else []
    masks = () if found.mask is None else (found.mask,)
    if given.mask is not None:
        masks = (_mask(given.mask, axes.shape), *masks)
    return Cube(
        axes,
        in_unit(found.source, found.unit, unit, known),
        unit,
        read_weights(given.weights, axes.shape, unit),
        masks,
    )


def native_chunks(cube: Cube, weights: Any) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of dask's data along the iterating axes, checked.

    Parameters
    ----------
    cube : Cube
    weights : as the call gives them

    Raises
    ------
    SettingError
        If the data, or weights, are no dask array.
    DataError
        If a chunk is not whole along the fitting axes, or weights are chunked otherwise.
    """
    from astropy.nddata import NDUncertainty

    if not isinstance(cube.source, DaskSource):
        msg = (
            "Can only set preserve_native_chunks=True if input data is a dask array; leave "
            "it out for other arrays."
        )
        raise SettingError(msg)
    data, axes = cube.source.array, cube.axes
    wrapped = isinstance(weights, NDUncertainty)
    inner = weights.array if wrapped else weights
    lazy = hasattr(inner, "dask")
    if inner is not None and not lazy and not wrapped:
        msg = (
            "Can only set preserve_native_chunks=True if input weights is a dask array (if "
            "specified); use dask.array.from_array(weights, chunks=data.chunks)."
        )
        raise SettingError(msg)
    if any(len(data.chunks[axis]) > 1 for axis in axes.fitting):
        msg = (
            "When using preserve_native_chunks=True, the chunk size should match the data "
            f"size along the fitting axes; data are cut {data.chunks}, rechunk them with "
            f"{dict.fromkeys(axes.fitting, -1)}."
        )
        raise DataError(msg)
    if lazy and tuple(inner.chunks) != tuple(data.chunks):
        msg = (
            "When using preserve_native_chunks=True, the weights should have the same chunk "
            f"size as the data; got {inner.chunks}, the data have {data.chunks}: use "
            "weights.rechunk(data.chunks)."
        )
        raise DataError(msg)
    return tuple(data.chunks[axis] for axis in axes.iterating)


def _mask(mask: Any, shape: tuple[int, ...]) -> Source:
    source = values_source(mask, "mask")
    if source.dtype.kind not in "bui":
        msg = (
            f"{WHERE}: mask must be boolean, True where a point is to be left out; got "
            f"{source.dtype}. E.g. mask=~np.isfinite(data)."
        )
        raise DataError(msg)
    return with_all_axes(flags(source), shape)
