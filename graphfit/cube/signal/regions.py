"""Where the signal is: connected regions of voxels above the noise."""

from functools import partial
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.signal.arguments import is_dask
from graphfit.cube.signal.labelled_blocks import Rule, kept_voxels, label_block
from graphfit.cube.signal.ratio import cube_and_noise, ratio, voxel_by_voxel
from graphfit.errors import DataError, SettingError
from graphfit.typing import AnyArray, BoolArray


@final
class _Levels(NamedTuple):
    """The two thresholds on signal over noise."""

    low: float
    high: float


def signal_mask(
    cube: Any,
    noise: Any,
    low: float = 3.0,
    high: float = 6.0,
    *,
    structure: Any = None,
    min_high: int = 5,
    min_low: int = 40,
    axis: int = 0,
) -> Any:
    """Return where the signal is: True in connected regions that are no chance peaks.

    Voxels with signal over noise above `low` that touch each other make a region.  It is
    kept if more than `min_low` voxels belong to it, and more than `min_high` of them are
    above `high`.  In a dask array regions go on across the borders of chunks.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data, hence no signal.
    noise : float > 0, or array
        As for `signal_to_noise`.
    low, high : float
        Thresholds in units of the noise, ``low <= high``.
    structure : array-like of bool, shape (3, 3, ...), optional
        Which of the voxels around one, in the middle, touch it; with as many axes as the
        cube and symmetric about its middle.  Default: all, corners too.
    min_high, min_low : int >= 0
        A region must hold more voxels than these.
    axis : int
        The spectral axis; it says which axis a noise map lacks.

    Returns
    -------
    ndarray or dask array of bool, shape of the cube
        True: signal.  The `mask` of a fit means the opposite, what to leave out: give it
        ``~signal``.

    Raises
    ------
    DataError
        For a cube or noise that cannot be used.
    SettingError
        For thresholds in the wrong order, counts below zero, an impossible structure.

    Notes
    -----
    A chunk of a dask array is labelled by itself; labels that meet across faces, edges
    and corners of chunks are then merged.  Between the two steps a chunk keeps one bit a
    voxel and four bytes a voxel above `low`.

    Examples
    --------
    >>> cube = np.zeros((20, 9, 9))
    >>> cube[5:10, 2:5, 2:5] = 7.0  # 45 voxels
    >>> cube[15, 7, 7] = 50.0  # one
    >>> mask = signal_mask(cube, noise=1.0)
    >>> int(mask.sum()), bool(mask[15, 7, 7])
    (45, False)
    """
    cube, noise = cube_and_noise(cube, noise, axis, "signal_mask")
    levels = _thresholds(low, high)
    rule = Rule(
        structure=_structure(structure, cube.ndim),
        min_high=_count(min_high, "min_high"),
        min_low=_count(min_low, "min_low"),
    )
    level = voxel_by_voxel(
        partial(_level, levels=levels), cube, noise, dtype=np.dtype(np.uint8)
    )
    if not is_dask(level):
        return kept_voxels(label_block(level, rule, sides=()).block)
    from graphfit.cube.signal.chunk_regions import regions_across_chunks

    return regions_across_chunks(level, rule)


def _level(cube: AnyArray, noise: AnyArray, levels: _Levels) -> AnyArray:
    """Return 0 up to the low threshold, 1 above it, 2 above the high one."""
    found = ratio(cube, noise)
    return (found > levels.low).view(np.uint8) + (found > levels.high).view(np.uint8)


def _thresholds(low: float, high: float) -> _Levels:
    if not -np.inf < low <= high < np.inf:
        msg = (
            f"signal_mask: low={low!r} and high={high!r} must be finite and low <= high, in "
            "units of the noise; 3 and 6 are usual."
        )
        raise SettingError(msg)
    return _Levels(float(low), float(high))


def _count(value: int, name: str) -> int:
    if not isinstance(value, (int, np.integer)) or value < 0:
        msg = (
            f"signal_mask: {name} must be a whole number >= 0, got {value!r}; a region must "
            "hold more voxels than this."
        )
        raise SettingError(msg)
    return int(value)


def _structure(structure: Any, axes: int) -> BoolArray:
    """Return the neighbourhood as an array of bool, checked."""
    shape = (3,) * axes
    if structure is None:
        return np.ones(shape, dtype=bool)
    array = np.asarray(structure)
    if array.shape != shape or array.dtype.kind not in "biu":
        msg = (
            f"signal_mask: structure must be bools of shape {shape}, one axis for each of "
            f"the cube's, got {array.dtype} of shape {array.shape}; "
            f"scipy.ndimage.generate_binary_structure({axes}, 1) joins faces only."
        )
        raise DataError(msg)
    array = array.astype(bool)
    if not (array == np.flip(array)).all():
        msg = (
            "signal_mask: structure must be symmetric about its middle: if one voxel "
            "touches another, that one touches it."
        )
        raise DataError(msg)
    return array
