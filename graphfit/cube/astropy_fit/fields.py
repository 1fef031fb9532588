"""Fields: arrays of any kind that broadcast to a cube, of which slices are read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.errors import DataError
from graphfit.typing import AnyArray


def is_lazy(array: Any) -> bool:
    """Whether an array is one of dask's, whose values have yet to be computed."""
    from dask.base import is_dask_collection

    return bool(is_dask_collection(array))


def as_array(value: Any, name: str) -> Any:
    """Return an array: dask's and those on disk as they are, all else as numpy's.

    Parameters
    ----------
    value : array-like
    name : str
        Of the argument, for messages.

    Raises
    ------
    DataError
        If it holds anything but real numbers.
    """
    on_disk = all(hasattr(value, part) for part in ("shape", "dtype", "__getitem__"))
    array = (
        value if on_disk and not isinstance(value, np.ndarray) else np.asarray(value)
    )
    if np.dtype(array.dtype).kind not in "fiub":
        msg = (
            f"{WHERE}: {name} must be real numbers, got values of type {array.dtype}; "
            "convert them with .astype(float), or fit real and imaginary part each."
        )
        raise DataError(msg)
    if any(np.isnan(length) for length in array.shape):
        msg = (
            f"{WHERE}: {name} has chunks of unknown size; call its "
            ".compute_chunk_sizes() first."
        )
        raise DataError(msg)
    return array


def as_field(value: Any, shape: tuple[int, ...], name: str) -> Any:
    """Return an array with as many axes as the cube, of length 1 where it repeats.

    Parameters
    ----------
    value : array-like that broadcasts to `shape`
    shape : tuple of int
        Of the cube.
    name : str
        Of the argument, for messages.

    Raises
    ------
    DataError
        If it does not broadcast.
    """
    array = as_array(value, name)
    if not broadcasts(array.shape, shape):
        msg = (
            f"{WHERE}: {name} has shape {tuple(array.shape)}, the data have shape {shape}; "
            f"{name} must have that shape, or one that broadcasts to it."
        )
        raise DataError(msg)
    if len(array.shape) == len(shape):
        return array
    if not hasattr(array, "reshape"):
        array = np.asarray(array)
    return array.reshape((1,) * (len(shape) - array.ndim) + tuple(array.shape))


def broadcasts(shape: Sequence[int], to: Sequence[int]) -> bool:
    """Whether an array of one shape broadcasts to another."""
    try:
        return np.broadcast_shapes(tuple(shape), tuple(to)) == tuple(to)
    except ValueError:
        return False


def part(field: Any, where: Sequence[slice]) -> Any:
    """Return slices of a field; where it repeats, all of it."""
    cut = tuple(
        slice(None) if length == 1 else piece
        for length, piece in zip(field.shape, where, strict=True)
    )
    return field[cut]


def real(array: Any) -> AnyArray:
    """Return numpy's array of what was read, without units, masks or a file behind it."""
    return np.asarray(getattr(array, "unmasked", array))
