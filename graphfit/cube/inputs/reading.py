"""read_cube: what a user calls a cube, as one record that reads slice by slice."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.reading_objects import KINDS, from_object
from graphfit.cube.inputs.source import ArraySource, Source, scaled
from graphfit.cube.inputs.units import as_unit, factor_between, unit_or_none, with_unit
from graphfit.errors import DataError

__all__ = ["CubeInput", "read_cube"]


def read_cube(
    data: Any,
    *,
    label: str = "data",
    hdu: int | str | tuple[str, int] | None = None,
    unit: Any = None,
) -> CubeInput:
    """Look at a cube; its values are read later, slice by slice.

    Parameters
    ----------
    data : array-like or path
        A numpy array (masked or mapped too), a dask array, a Quantity, an NDData, a
        SpectralCube, an xarray.DataArray, a zarr array, or the path of a FITS file or of a
        zarr folder.  A FITS file that is compressed as a whole (``.fits.gz``) is read
        at once.
    label : str
        What messages call it; a FITS image goes by its file's name.
    hdu : int, str or (str, int), optional
        The HDU of a FITS file; by default the first image.
    unit : unit or str, optional
        The unit of values that have none; values that have one are converted to it.

    Returns
    -------
    CubeInput

    Raises
    ------
    DataError
        For what is no cube of real numbers, files that are missing or cut short, units
        that cannot be converted.

    Warns
    -----
    DataWarning
        For parts that cannot be understood and are left out: a WCS, a unit.

    Examples
    --------
    >>> cube = read_cube(np.ma.masked_less(np.arange(8.0).reshape(2, 2, 2), 1.0))
    >>> cube.shape, cube.unit
    ((2, 2, 2), None)
    >>> cube.mask.read((slice(0, 1), slice(0, 1), slice(0, 2)))
    array([[[ True, False]]])
    """
    is_path = isinstance(data, (str, os.PathLike))
    if hdu is not None and not is_path:
        msg = (
            f"{label}: hdu= chooses in a FITS file, and {label} is no path but "
            f"{type(data).__name__}; leave it out."
        )
        raise DataError(msg)
    cube = _from_path(data, label, hdu) if is_path else from_object(data, label)
    require_numbers(cube.source)
    _require_values(cube.source)
    return cube if unit is None else _in_unit(cube, as_unit(unit, label))


def _from_path(path: Any, label: str, hdu: Any) -> CubeInput:
    place = Path(os.fspath(path))
    if place.is_dir():
        return _from_zarr_path(place, label, hdu)
    if not place.exists():
        msg = f"{label}: there is no file {os.path.abspath(place)}. Check the path."
        raise DataError(msg)
    from graphfit.io.fits_source import is_fits, open_fits

    if not is_fits(place):
        msg = (
            f"{label}: {place} is neither a FITS file nor a zarr folder; {label} must be "
            f"{KINDS}."
        )
        raise DataError(msg)
    image = open_fits(place, hdu)
    values: Source
    if isinstance(image.source, np.ndarray):
        values = ArraySource(image.source, image.label, image.identity)
    else:
        values = image.source
    return CubeInput(
        values,
        unit=unit_or_none(image.unit, image.label),
        wcs=image.wcs,
        header=image.cards,
    )


def _from_zarr_path(place: Path, label: str, hdu: Any) -> CubeInput:
    if hdu is not None:
        msg = (
            f"{label}: hdu= chooses in a FITS file, and {place} is a folder; name an array "
            "of a zarr group by its path: 'run.zarr/name'."
        )
        raise DataError(msg)
    from graphfit.io.zarr_source import open_zarr

    image = open_zarr(place, label)
    unit = unit_or_none(image.unit, label)
    coords = {
        name: with_unit(values, text, f"{label}.{name}")
        for name, (values, text) in image.coords.items()
    }
    return CubeInput(image.source, unit, dims=image.dims, coords=coords)


def require_numbers(source: Source) -> None:
    """Refuse values that are no real numbers.

    Raises
    ------
    DataError
        Naming their type.
    """
    if source.dtype.kind in "fiub":
        return
    hint = (
        " Fit its real part, or its absolute value." * (source.dtype.kind == "c")
        or f" {source.label} must be {KINDS}."
    )
    msg = (
        f"{source.label} must be real numbers, got values of type {source.dtype}.{hint}"
    )
    raise DataError(msg)


def _require_values(source: Source) -> None:
    shape, label = source.shape, source.label
    if not shape or 0 in shape:
        msg = (
            f"{label} must have an axis to fit along, and values; got shape {shape}. "
            "Check what was selected."
        )
        raise DataError(msg)


def _in_unit(cube: CubeInput, unit: Any) -> CubeInput:
    """Return a cube in the unit asked for."""
    if cube.unit is None:
        return replace(cube, unit=unit)
    factor = factor_between(cube.unit, unit, cube.label)
    noise = None if cube.noise is None else scaled(cube.noise, abs(factor))
    return replace(cube, unit=unit, source=scaled(cube.source, factor), noise=noise)
