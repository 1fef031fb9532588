"""What the signal tools take: a cube of numpy or dask, and arrays that go with it."""

import math
from typing import Any, Literal

import numpy as np

from graphfit.errors import DataError
from graphfit.typing import AnyArray

REAL = "fiu"  # kinds of numpy types that are real numbers


def is_dask(array: Any) -> bool:
    """Return whether `array` is a dask array, without loading dask to find out.

    Examples
    --------
    >>> is_dask(np.zeros(3))
    False
    """
    return type(array).__module__.partition(".")[0] == "dask"


def require_cube(cube: Any, where: str) -> Any:
    """Return the cube as a numpy or dask array of real numbers.

    Parameters
    ----------
    cube : array-like or dask array
        The masked values of a numpy masked array become NaN.
    where : str
        The name of the caller, for messages.

    Raises
    ------
    DataError
        For other containers, values with a unit, values that are no real numbers, no
        values, and dask arrays whose shape is not known.
    """
    cube = _array(cube, "the cube", where)
    if not cube.ndim or not cube.size:
        msg = (
            f"{where}: the cube must have at least one axis and one value, got shape "
            f"{cube.shape}."
        )
        raise DataError(msg)
    return cube


def _array(value: Any, name: str, where: str, kinds: str = REAL) -> Any:
    """Return a numpy or dask array whose type is one of `kinds`."""
    plain = isinstance(value, (np.ndarray, np.generic, list, tuple, int, float))
    if not plain and not is_dask(value):
        msg = (
            f"{where}: {name} is a {type(value).__name__}; give a numpy or a dask array, "
            "such as .data of an xarray.DataArray, or .filled_data[:].value of a "
            "SpectralCube."
        )
        raise DataError(msg)
    unit = getattr(value, "unit", None)
    if unit is not None:
        msg = (
            f"{where}: {name} has the unit {str(unit)!r}, which would be lost; give its "
            "plain numbers (.value), and put the unit back on the maps."
        )
        raise DataError(msg)
    if isinstance(value, np.ma.MaskedArray):
        value = _filled(value)
    array = value if is_dask(value) else np.asarray(value)
    if any(math.isnan(length) for length in array.shape):
        msg = (
            f"{where}: {name} is a dask array of unknown shape {array.shape}; call its "
            "compute_chunk_sizes() first."
        )
        raise DataError(msg)
    if array.dtype.kind not in kinds:
        allowed = "True or False" if kinds == "b" else "real numbers"
        msg = f"{where}: {name} must hold {allowed}, got values of type {array.dtype}."
        raise DataError(msg)
    return array


def _filled(array: Any) -> AnyArray:
    """Return a masked array as a plain one: NaN, or False, where it is masked."""
    if array.dtype.kind == "b":
        return np.asarray(array.filled(False))
    floats = np.result_type(array.dtype, np.float32)
    return np.asarray(array.astype(floats).filled(math.nan))


def axis_number(cube: Any, axis: int, where: str) -> int:
    """Return the spectral axis, counted from the front.

    Raises
    ------
    DataError
        If the cube has no such axis.
    """
    if not isinstance(axis, (int, np.integer)) or not -cube.ndim <= axis < cube.ndim:
        msg = (
            f"{where}: axis={axis!r}, but the cube of shape {cube.shape} has the axes 0 "
            f"to {cube.ndim - 1}; give the number of the spectral one."
        )
        raise DataError(msg)
    return int(axis % cube.ndim)


def beside(
    value: Any,
    name: str,
    cube: Any,
    axis: int,
    where: str,
    *,
    kind: Literal["noise", "x", "mask"],
) -> Any:
    """Return an array that goes with the cube: same axes, each of full length or 1.

    Parameters
    ----------
    value : array-like or dask array
        One number, one value for each voxel, or an array that broadcasts with the cube's
        own axes; for ``"x"`` one value a channel, shape (N,), else one a pixel.
    name : str
        For messages.
    cube : array
    axis : int
    where : str
    kind : {"noise", "x", "mask"}
        What it is.

    Raises
    ------
    DataError
        For a shape that does not fit, or values of another kind.
    """
    array = _array(value, name, where, "b" if kind == "mask" else REAL)
    shape = cube.shape
    pixels = (*shape[:axis], *shape[axis + 1 :])
    if array.ndim == len(shape):
        fits = all(n in (1, full) for n, full in zip(array.shape, shape, strict=True))
    elif array.ndim == 0:
        array, fits = array.reshape((1,) * len(shape)), kind == "noise"
    elif kind == "x":
        fits = array.shape == (shape[axis],)
        if fits:
            array = array.reshape(
                tuple(n if i == axis else 1 for i, n in enumerate(shape))
            )
    else:
        fits = array.shape == pixels
        if fits:
            array = array.reshape((*pixels[:axis], 1, *pixels[axis:]))
    if not fits:
        other = (
            f"({shape[axis]},), one a channel"
            if kind == "x"
            else f"{pixels}, one a pixel"
        )
        msg = (
            f"{where}: {name} has shape {array.shape}, which does not fit the cube of shape "
            f"{shape} with axis={axis}; give {other}, or {shape}, one a voxel."
        )
        raise DataError(msg)
    return array


def channel_positions(x: Any, cube: Any, axis: int, where: str, least: int = 1) -> Any:
    """Return the channels' positions beside the cube, as `beside` does.

    Raises
    ------
    DataError
        For a shape that does not fit, fewer than `least` channels, and positions, one a
        channel, that are not finite or not in order.
    """
    positions = beside(x, "x", cube, axis, where, kind="x")
    if cube.shape[axis] < least:
        msg = (
            f"{where}: the cube of shape {cube.shape} has {cube.shape[axis]} channel along "
            f"axis={axis}; at least {least} are needed to know their width."
        )
        raise DataError(msg)
    shared = positions.size == cube.shape[axis] and not is_dask(positions)
    if shared and cube.shape[axis] > 1:
        steps = np.diff(positions.ravel().astype(np.float64))
        if not ((steps > 0.0).all() or (steps < 0.0).all()):
            msg = (
                f"{where}: x must be finite and rise or fall from channel to channel; sort "
                "the channels, or leave those without a position out of the cube."
            )
            raise DataError(msg)
    return positions
