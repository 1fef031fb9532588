"""Cubes that come as objects of numpy, dask, astropy, spectral-cube, xarray and zarr.

An object tells by the names of its classes which package it is of, so that none is
imported to find out.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.source import (
    ArraySource,
    Source,
    array_source,
    broadcast,
    converted,
    dask_source,
    scaled,
)
from graphfit.cube.inputs.spectral_cube_source import SpectralCubeSource
from graphfit.cube.inputs.stored_source import StoredSource, is_stored
from graphfit.cube.inputs.units import factor_between, unit_or_none, with_unit
from graphfit.errors import DataError, DataWarning
from graphfit.io.fits_source import kept_cards
from graphfit.typing import AnyArray

KINDS = (
    "a numpy or dask array, a Quantity, an NDData, a SpectralCube, an xarray.DataArray, a "
    "zarr array, or the path of a FITS file or a zarr folder"
)


def from_object(data: Any, label: str) -> CubeInput:
    """Return what an object holds.

    Parameters
    ----------
    data : object
        Of one of the kinds that :func:`graphfit.cube.inputs.reading.read_cube` lists; no
        path.
    label : str
        For messages.

    Raises
    ------
    DataError
        If it is of no such kind.
    """
    if isinstance(data, CubeInput):
        return data
    known = {
        (kind.__module__.partition(".")[0], kind.__name__) for kind in type(data).mro()
    }
    for name, read in _READERS:
        if name in known:
            return read(data, label)
    return CubeInput(*_numbers(data, label))


def values_source(values: Any, label: str) -> Source:
    """Return the source of numbers without a mask or unit: numpy, dask, zarr, HDF5, lists.

    Parameters
    ----------
    values : array-like
    label : str
        For messages.

    Raises
    ------
    DataError
        If they make no array.
    """
    package = type(values).__module__.partition(".")[0]
    if package == "dask":
        return dask_source(values, label)
    if package == "zarr":
        return from_zarr(values, label).source
    if is_stored(values):
        return StoredSource(values, label)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        msg = f"{label} makes no array ({error}); it must be {KINDS}."
        raise DataError(msg) from error
    return array_source(array, label)


def mask_source(mask: Any, shape: tuple[int, ...], label: str) -> Source:
    """Return a mask in the shape of a cube.

    Parameters
    ----------
    mask : array-like of bool
        True leaves a voxel out; broadcast to the shape as numpy does.
    shape : tuple of int
        Of the cube.
    label : str
        For messages.

    Raises
    ------
    DataError
        If it is not boolean, or of another shape.
    """
    source = values_source(mask, label)
    if source.dtype != bool:
        msg = (
            f"{label} must be boolean (True leaves a voxel out), got {source.dtype}; e.g. "
            "mask=~np.isfinite(data)."
        )
        raise DataError(msg)
    return broadcast(source, shape)


def from_quantity(data: Any, label: str) -> CubeInput:
    """Return what an astropy Quantity holds; projections of spectral-cube have a WCS."""
    unit = data.unit
    plain = np.asarray(data.value)
    return CubeInput(array_source(plain, label), unit, wcs=getattr(data, "wcs", None))


def from_masked_quantity(data: Any, label: str) -> CubeInput:
    """Return what an astropy ``Masked`` array or Quantity holds."""
    cube = from_object(data.unmasked, label)
    hidden = mask_source(np.asarray(data.mask), cube.shape, f"{label} mask")
    return CubeInput(cube.source, cube.unit, mask=hidden)


def from_nddata(data: Any, label: str) -> CubeInput:
    """Return what an NDData holds: values, mask, uncertainty, WCS, unit."""
    source, unit, hidden = _parts(data.data, label)
    if data.unit is not None:
        unit = data.unit
    if data.mask is not None:
        hidden = mask_source(data.mask, source.shape, f"{label}.mask")
    noise = None
    if data.uncertainty is not None and data.uncertainty.array is not None:
        noise = _noise(data.uncertainty, source.shape, unit, label)
    return CubeInput(source, unit, data.wcs, hidden, noise)


def from_spectral_cube(data: Any, label: str) -> CubeInput:
    """Return what a SpectralCube holds."""
    hidden = None
    if data.mask is not None:
        hidden = SpectralCubeSource(data, "mask", f"{label} mask")
    source = SpectralCubeSource(data, "values", label)
    return CubeInput(
        source, data.unit, data.wcs, hidden, header=kept_cards(data.header)
    )


def from_xarray(data: Any, label: str) -> CubeInput:
    """Return what an xarray.DataArray holds: values, dims, coordinates, unit."""
    if data.chunks is None and not getattr(data.variable, "_in_memory", True):
        data = data.chunk()  # a file, read block by block
    source, unit, hidden = _parts(data.data, label)
    if unit is None:
        unit = unit_or_none(data.attrs.get("units"), label)
    dims = tuple(str(name) for name in data.dims)
    coords = {
        str(name): with_unit(
            np.asarray(data.coords[name].values),
            data.coords[name].attrs.get("units"),
            f"{label}.{name}",
        )
        for name in data.dims
        if name in data.coords
    }
    return CubeInput(source, unit, mask=hidden, dims=dims, coords=coords)


def from_zarr(data: Any, label: str) -> CubeInput:
    """Return what a zarr.Array holds."""
    from graphfit.io.zarr_source import zarr_image

    image = zarr_image(data, label)
    unit = unit_or_none(image.unit, label)
    return CubeInput(image.source, unit, dims=image.dims)


def _refuse(data: Any, label: str) -> CubeInput:
    kind = type(data).__name__
    msg = f"{label} is a {kind}: choose one variable, array or HDU. It must be {KINDS}."
    raise DataError(msg)


def _numbers(data: Any, label: str) -> tuple[Source, Any, Any, Source | None]:
    source, unit, hidden = _parts(data, label)
    return source, unit, None, hidden


def _parts(data: Any, label: str) -> tuple[Source, Any, Source | None]:
    """Return values, unit and mask of an array of numpy's kind or dask's."""
    unit = getattr(data, "unit", None) if isinstance(data, np.ndarray) else None
    if isinstance(getattr(data, "_meta", None), np.ma.MaskedArray):  # dask's blocks
        import dask.array as da

        blocks = dask_source(da.ma.getmaskarray(data), f"{label} mask")
        return dask_source(da.ma.getdata(data), label), unit, blocks
    if not isinstance(data, np.ma.MaskedArray):
        return values_source(data, label), unit, None
    source = values_source(np.ma.getdata(data), label)
    if np.ma.getmask(data) is np.ma.nomask:
        return source, unit, None
    return source, unit, ArraySource(np.ma.getmaskarray(data), f"{label} mask")


def _noise(
    uncertainty: Any, shape: tuple[int, ...], unit: Any, label: str
) -> Source | None:
    known = of_known_type(uncertainty)
    if known is not None:
        return noise_source(known, shape, unit, f"{label}.uncertainty")
    msg = (
        f"{label}.uncertainty is of type {uncertainty.uncertainty_type!r}, which says "
        "nothing about standard deviations, and is left out; give a StdDevUncertainty, "
        "VarianceUncertainty or InverseVariance, or noise=."
    )
    warnings.warn(msg, DataWarning, stacklevel=5)
    return None


def of_known_type(uncertainty: Any) -> Any:
    """Return an NDUncertainty that `noise_source` reads; None if it has no such form."""
    if uncertainty.uncertainty_type in _UNCERTAINTIES:
        return uncertainty
    from astropy.nddata import StdDevUncertainty

    try:
        return uncertainty.represent_as(StdDevUncertainty)
    except Exception:  # boundary: a user's kind of uncertainty  # noqa: BLE001
        return None


def noise_source(
    uncertainty: Any, shape: tuple[int, ...], unit: Any, name: str
) -> Source:
    """Return the standard deviations that an NDUncertainty stands for.

    Parameters
    ----------
    uncertainty : NDUncertainty
        Of a known type.
    shape : tuple of int
        Of the cube.
    unit : Unit or None
        Of the cube: that of the standard deviations.
    name : str
        For messages.

    Raises
    ------
    DataError
        If its unit or its shape does not go with the cube's.
    """
    power, convert = _UNCERTAINTIES[uncertainty.uncertainty_type]
    source = values_source(uncertainty.array, name)
    if convert is not None:
        source = converted(source, convert)
    if uncertainty.unit is not None and unit is not None:
        own = uncertainty.unit ** (1.0 / power)
        source = scaled(source, factor_between(own, unit, name))
    return broadcast(source, shape)


def _root(values: AnyArray) -> AnyArray:
    with np.errstate(invalid="ignore"):  # below 0: NaN, which no noise may be
        return np.sqrt(values)


def _inverse_root(values: AnyArray) -> AnyArray:
    with np.errstate(invalid="ignore"):  # 0 is how no data are written: NaN
        return 1.0 / np.sqrt(np.where(values == 0.0, np.nan, values))


# Of each type: the power of the data's unit, and the way to standard deviations.
_UNCERTAINTIES: dict[str, tuple[int, Callable[[AnyArray], AnyArray] | None]] = {
    "std": (1, None),
    "var": (2, _root),
    "ivar": (-2, _inverse_root),
}

_READERS: tuple[tuple[tuple[str, str], Callable[[Any, str], CubeInput]], ...] = (
    (("spectral_cube", "BaseSpectralCube"), from_spectral_cube),
    (("xarray", "DataArray"), from_xarray),
    (("xarray", "Dataset"), _refuse),
    (("zarr", "Array"), from_zarr),
    (("zarr", "Group"), _refuse),
    (("astropy", "HDUList"), _refuse),
    (("astropy", "_BaseHDU"), _refuse),
    (("astropy", "NDData"), from_nddata),
    (("astropy", "Masked"), from_masked_quantity),
    (("astropy", "Quantity"), from_quantity),
)
