"""A mask made wider along the spectrum."""

from functools import partial
from typing import Any

import numpy as np

from graphfit.cube.signal.arguments import axis_number, is_dask
from graphfit.cube.signal.spectra import dask_array
from graphfit.errors import DataError, SettingError
from graphfit.typing import BoolArray


def dilate(mask: Any, channels: int = 1, axis: int = 0) -> Any:
    """Return a mask that is also True up to `channels` beside what is True.

    At the ends of the spectrum it stops; nothing comes back in at the other end.

    Parameters
    ----------
    mask : array-like or dask array of bool
    channels : int >= 0
        How far to go, to either side.
    axis : int
        The spectral axis.

    Returns
    -------
    ndarray or dask array of bool, shape of the mask

    Raises
    ------
    DataError
        For a mask that does not hold True and False, or has no such axis.
    SettingError
        For channels that are no whole number >= 0.

    Examples
    --------
    >>> dilate(np.array([True, False, False, False, False, True, False])).astype(int)
    array([1, 1, 0, 0, 1, 1, 1])
    """
    array = mask if is_dask(mask) else np.asarray(mask)
    if array.dtype != bool or not array.ndim:
        msg = (
            f"dilate: the mask must be an array of True and False, got {array.dtype} of "
            f"shape {array.shape}; compare first, e.g. cube > 0."
        )
        raise DataError(msg)
    if not isinstance(channels, (int, np.integer)) or channels < 0:
        msg = f"dilate: channels must be a whole number >= 0, got {channels!r}."
        raise SettingError(msg)
    axis = axis_number(array, axis, "dilate")
    reach = min(int(channels), array.shape[axis] - 1)
    if not is_dask(array):
        return _widened(array, reach, axis)
    if reach <= 0:
        return array
    return dask_array().map_overlap(
        partial(_widened, reach=reach, axis=axis),
        array,
        depth={axis: reach},
        boundary="none",
        dtype=bool,
        meta=np.empty((0,) * array.ndim, dtype=bool),
    )


def _widened(mask: BoolArray, reach: int, axis: int) -> BoolArray:
    """Return the mask moved by up to `reach` to both sides, all joined.

    Each round moves what there is by at most one more than its reach, so that no channel
    is left out, at the ends either, and the rounds are few.
    """
    wide = np.moveaxis(mask.copy(), axis, 0)
    have = 0
    while have < reach:
        step = min(have + 1, reach - have)
        before = wide.copy()
        wide[step:] |= before[:-step]
        wide[:-step] |= before[step:]
        have += step
    return np.moveaxis(wide, 0, axis)
