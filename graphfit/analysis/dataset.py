"""Checks of data before any work: shapes, finite numbers, positive noise."""

from typing import Any

import numpy as np

from graphfit.errors import DataError
from graphfit.typing import ArrayLike, BoolArray, FloatArray


def as_floats(values: ArrayLike, name: str, where: str) -> FloatArray:
    """Return `values` as a float array of its own.

    Parameters
    ----------
    values : array-like
        Numbers.
    name : str
        What they are, for the message.
    where : str
        Whose they are, for the message.

    Raises
    ------
    DataError
        If they are not numbers, or there are none.
    """
    try:
        array = np.array(values)
        if array.dtype.kind != "c":  # numpy would drop the imaginary part
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{where}: {name} must be an array of numbers: {str(error).rstrip('.')}."
        raise DataError(msg) from None
    if array.dtype.kind == "c":
        msg = f"{where}: {name} is complex; give real numbers, e.g. its modulus."
        raise DataError(msg)
    if array.size == 0:
        msg = f"{where}: {name} is empty; give at least one data point."
        raise DataError(msg)
    return array


def require_finite(array: FloatArray, name: str, where: str, used: BoolArray) -> None:
    """Refuse NaN and infinity among the data points in use.

    Raises
    ------
    DataError
        Naming the first index, and how many there are.
    """
    bad = used & ~np.isfinite(array)
    if bad.any():
        index = _index(np.argwhere(bad)[0])
        msg = (
            f"{where}: {name}[{index}] is {array[tuple(np.argwhere(bad)[0])]}, and "
            f"{int(bad.sum())} of {array.size} values are not finite; remove them, "
            "or leave them out by the mask of gf.ProfileAnalysis (True: left out)."
        )
        raise DataError(msg)


def require_positive(array: FloatArray, name: str, where: str, used: BoolArray) -> None:
    """Refuse zero and negative noise among the data points in use.

    Raises
    ------
    DataError
        Naming the first index, and how many there are.
    """
    bad = used & ~(array > 0)
    if bad.any():
        index = _index(np.argwhere(bad)[0])
        msg = (
            f"{where}: {name}[{index}] is {array[tuple(np.argwhere(bad)[0])]}, and "
            f"{int(bad.sum())} of {array.size} values are not positive; a standard "
            "deviation must be > 0; leave points without one out by the mask of "
            "gf.ProfileAnalysis (True: left out)."
        )
        raise DataError(msg)


def require_shape(array: Any, shape: tuple[int, ...], name: str, where: str) -> None:
    """Refuse an array whose shape is not that of the data.

    Raises
    ------
    DataError
        With both shapes.
    """
    if np.shape(array) != shape:
        msg = (
            f"{where}: {name} has shape {np.shape(array)}, the data have shape {shape}; "
            "they must agree."
        )
        raise DataError(msg)


def _index(position: Any) -> str:
    return ", ".join(str(int(i)) for i in position)
