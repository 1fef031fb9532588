"""The brightest voxel of every spectrum."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.signal.arguments import (
    axis_number,
    beside,
    channel_positions,
    require_cube,
)
from graphfit.cube.signal.spectra import over_spectra
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class Peak:
    """The brightest voxel of every spectrum: two maps.

    Attributes
    ----------
    height : array
        Its value, in the unit of the cube.
    position : array
        Its x.
    """

    height: Any
    position: Any


def peak(cube: Any, x: Any, within: Any = None, axis: int = 0) -> Peak:
    """Return the value and the position of the brightest voxel of every spectrum.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data.
    x : array, shape (N,) or one that broadcasts with the cube's axes
        Positions of the channels, in order.
    within : array of bool, optional
        True marks the voxels to look at, as `signal_mask` does: of the cube's shape, or
        one a pixel.
    axis : int
        The spectral axis.

    Returns
    -------
    Peak
        Maps of float64, numpy or dask as the cube; NaN where no voxel is left.  Of equal
        values the first counts.

    Raises
    ------
    DataError
        For shapes that do not fit, or a cube that cannot be used.

    Notes
    -----
    The largest of several noisy values is too large on average: by 2.3 standard deviations
    for 53 channels of noise alone.  It makes a guess, not a measurement.

    Examples
    --------
    >>> cube = np.array([[0.0, np.nan], [3.0, np.nan], [1.0, np.nan]])
    >>> found = peak(cube, x=[10.0, 20.0, 30.0])
    >>> found.height, found.position
    (array([ 3., nan]), array([20., nan]))
    """
    where = "peak"
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    x = channel_positions(x, cube, axis, where)
    others = (x,) if within is None else (x, chosen(within, cube, axis, where))
    maps = over_spectra(_highest, cube, axis, others, maps=2)
    return Peak(height=maps[0], position=maps[1])


def chosen(mask: Any, cube: Any, axis: int, where: str) -> Any:
    """Return a mask with the cube's axes, each of full length or 1.

    Raises
    ------
    DataError
        For a shape that does not fit, or values that are not True and False.
    """
    return beside(mask, "the mask", cube, axis, where, kind="mask")


def usable(values: AnyArray, x: AnyArray, mask: AnyArray | None) -> AnyArray:
    """Return which voxels count: with data, with a position, chosen by the mask."""
    used: AnyArray = np.isfinite(values) & np.isfinite(x)
    return used if mask is None else used & mask


def _highest(values: AnyArray, x: AnyArray, mask: AnyArray | None = None) -> AnyArray:
    used = usable(values, x, mask)
    return np.stack(highest_of(values, x, used)[:2])


def highest_of(
    values: AnyArray, x: AnyArray, used: AnyArray
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Return height, position and channel of the largest used value of each column.

    Parameters
    ----------
    values : ndarray, shape (N, n)
    x : ndarray, shape (N, n) or (N, 1)
    used : ndarray of bool, shape (N, n)

    Returns
    -------
    height, position : ndarray of float64, shape (n,)
        NaN where nothing is used.
    channel : ndarray of int, shape (n,)
        0 there.
    """
    # Whole numbers become floats first: they have no minus infinity.
    filled = np.where(used, np.asarray(values, dtype=np.float64), -np.inf)
    channel = filled.argmax(axis=0)
    columns = np.arange(values.shape[1])
    empty = ~used[channel, columns]
    height = np.where(empty, np.nan, filled[channel, columns])
    places = np.broadcast_to(x, values.shape)[channel, columns].astype(np.float64)
    return height, np.where(empty, np.nan, places), channel
