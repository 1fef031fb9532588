"""The data of a call: from arrays, Quantity or NDData, with their mask and weights."""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE, Axes, divide_axes
from graphfit.cube.astropy_fit.fields import as_array, as_field, broadcasts, is_lazy
from graphfit.cube.astropy_fit.weights import Weights, read_weights
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
    """Data to fit, lazily.

    Attributes
    ----------
    axes : Axes
    data : array of the shape of the cube
    unit : Unit or None
        Of the data.
    weights : Weights or None
    masks : tuple of array that broadcast to the cube
        True in any of them leaves a point out.
    """

    axes: Axes
    data: Any
    unit: Any
    weights: Weights | None
    masks: tuple[Any, ...]


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
    """Return the data of a call, with units taken off and shapes checked.

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
    data, unit, own_mask = _plain(given.data, given.data_unit, equivalencies)
    data = as_array(data, "data")
    shape = tuple(int(length) for length in data.shape)
    if not shape:
        msg = f"{WHERE}: data must have at least one axis, got a single number."
        raise DataError(msg)
    axes = divide_axes(shape, fitting_axes, n_inputs)
    if not all(axes.fitting_shape):
        msg = (
            f"{WHERE}: data of shape {shape} have no points along the fitting axes "
            f"{axes.fitting}."
        )
        raise DataError(msg)
    masks = tuple(
        _mask(mask, shape) for mask in (given.mask, own_mask) if mask is not None
    )
    return Cube(axes, data, unit, read_weights(given.weights, shape, unit), masks)


def native_chunks(data: Any, weights: Any, axes: Axes) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of dask's data along the iterating axes, checked.

    Parameters
    ----------
    data, weights : as the call gives them
    axes : Axes

    Raises
    ------
    SettingError
        If the data, or weights, are no dask array.
    DataError
        If a chunk is not whole along the fitting axes, or weights are chunked otherwise.
    """
    from astropy.nddata import NDUncertainty

    if not is_lazy(data):
        msg = (
            "Can only set preserve_native_chunks=True if input data is a dask array; leave "
            f"it out for {type(data).__name__}."
        )
        raise SettingError(msg)
    wrapped = isinstance(weights, NDUncertainty)
    inner = weights.array if wrapped else weights
    lazy = inner is not None and is_lazy(inner)
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


def _plain(data: Any, unit: Any, equivalencies: Any) -> tuple[Any, Any, Any]:
    """Return data without unit and mask, their unit, and their mask."""
    from astropy.units import Quantity, Unit

    unit = None if unit is None else Unit(unit)
    mask = None
    if isinstance(data, np.ma.MaskedArray):
        mask, data = np.ma.getmaskarray(data), data.data
    elif hasattr(data, "unmasked"):  # astropy's Masked
        mask, data = data.mask, data.unmasked
    if isinstance(data, Quantity):
        if unit is None:
            return data.value, data.unit, mask
        known = equivalencies if isinstance(equivalencies, list) else []
        return data.to_value(unit, equivalencies=known), unit, mask
    return data, unit, mask


def _mask(mask: Any, shape: tuple[int, ...]) -> Any:
    field = as_field(mask, shape, "mask")
    if np.dtype(field.dtype).kind == "f":
        msg = (
            f"{WHERE}: mask must be boolean, True where a point is to be left out; got "
            f"{field.dtype}. E.g. mask=~np.isfinite(data)."
        )
        raise DataError(msg)
    assert broadcasts(field.shape, shape)
    return field
