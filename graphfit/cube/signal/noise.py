"""The noise of spectra, from the spectra themselves: differences, or free channels.

Both are median absolute deviations, times 1.4826 = 1 / Phi^-1(3/4), which makes them the
standard deviation of Gaussian noise (Hampel 1974, JASA 69, 383).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphfit.cube.signal.arguments import axis_number, require_cube
from graphfit.cube.signal.spectra import BLOCK, over_spectra
from graphfit.errors import DataError
from graphfit.typing import AnyArray, FloatArray

TO_SIGMA = 1.4826022185056018
FROM_DIFFERENCE = TO_SIGMA / np.sqrt(2.0)


def noise_from_differences(cube: Any, axis: int = 0) -> Any:
    """Return the noise of every spectrum, from the differences of neighbouring channels.

    ``sigma = 1.4826 median(|d_k|) / sqrt(2)``, with ``d_k = T_k - T_(k-1)`` over the
    channels that hold data.  A line that is wider than a channel nearly cancels in a
    difference; what is left of its steep flanks is a minority, which the median does not
    see.  The deviation is taken from zero, the known mean of a difference.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data.
    axis : int
        The spectral axis.

    Returns
    -------
    ndarray of float64 or dask array, shape of the cube without `axis`
        In the unit of the cube; NaN where fewer than two channels hold data.  For a dask
        array nothing has been computed.

    Raises
    ------
    DataError
        For a cube or an axis that cannot be used.

    Notes
    -----
    The estimate from one spectrum of N channels scatters by about ``1.3 / sqrt(N)`` of its
    value: 18 per cent for 53 channels.  Where the noise is the same all over the map, use
    the median of the returned map.

    Channels that are correlated, as after Hanning smoothing, differ by less than their
    noise: the estimate is too small by ``sqrt(1 - rho)`` for a correlation rho between
    neighbours.  Use `noise_from_channels` there.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> cube = rng.normal(0.0, 0.5, (100, 30, 30))
    >>> noise = noise_from_differences(cube)
    >>> noise.shape, round(float(np.median(noise)), 2)
    ((30, 30), 0.5)
    """
    where = "noise_from_differences"
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    return over_spectra(_of_columns, cube, axis, (), maps=1)[0]


def _of_columns(values: AnyArray) -> AnyArray:
    return noise_of_rows(values.T)[None]


def noise_of_rows(rows: AnyArray, masked: AnyArray | None = None) -> FloatArray:
    """Return the noise of each row, from the differences of neighbouring points.

    The array form of `noise_from_differences`.

    Parameters
    ----------
    rows : ndarray, shape (P, N)
        Spectra.  NaN and infinite points are left out.
    masked : ndarray of bool, shape (P, N), optional
        True marks points to leave out.  Neighbours are then the nearest points left.

    Returns
    -------
    ndarray of float64, shape (P,)
        NaN where a row has fewer than two points.

    Examples
    --------
    >>> noise_of_rows(np.array([[0.0, 1.0, 0.0, 1.0, 0.0]])).round(4)
    array([1.0484])
    >>> noise_of_rows(np.array([[0.0, np.nan, 7.0]]), np.array([[False, False, True]]))
    array([nan])
    """
    noise = np.empty(len(rows))
    step = max(1, BLOCK // max(1, rows.shape[1]))
    for begin in range(0, len(rows), step):
        where = slice(begin, begin + step)
        hidden = None if masked is None else masked[where]
        noise[where] = _median_difference(_floats(rows[where]), hidden)
    noise *= FROM_DIFFERENCE
    return noise


def _floats(rows: AnyArray) -> AnyArray:
    """Return contiguous rows of float32 or float64, in the machine's byte order."""
    kind = np.float32 if rows.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.ascontiguousarray(rows, dtype=kind)


def _median_difference(rows: AnyArray, masked: AnyArray | None) -> AnyArray:
    """Return the median absolute difference of each row."""
    with np.errstate(over="ignore", invalid="ignore"):
        if masked is None or not masked.any():
            sizes = rows[:, 1:] - rows[:, :-1]
            np.abs(sizes, out=sizes)
            if sizes.size and np.isfinite(sizes.sum()):  # then every term is
                return _median(sizes)
        used = np.isfinite(rows)
        if masked is not None:
            used &= ~masked
        before = _used_before(used)
        sizes = np.abs(rows - np.take_along_axis(rows, before, axis=1))
        sizes[~used | (before < 0)] = np.nan
    return _median_of_numbers(sizes)


def _used_before(used: AnyArray) -> AnyArray:
    """Return, for each point, the index of the last used point before it, or -1."""
    index = np.where(used, np.arange(used.shape[1]), -1)
    np.maximum.accumulate(index, axis=1, out=index)
    before = np.full_like(index, -1)
    before[:, 1:] = index[:, :-1]
    return before


def _median(rows: AnyArray) -> AnyArray:
    """Return the median of each row of numbers, all finite; the rows are lost."""
    middle = rows.shape[1] // 2
    rows.partition(middle, axis=1)
    upper = rows[:, middle].astype(np.float64)
    if rows.shape[1] % 2:
        return upper
    # The largest of the lower half costs less than a second pivot.
    median: AnyArray = 0.5 * (rows[:, :middle].max(axis=1) + upper)
    return median


def _median_of_numbers(rows: AnyArray) -> AnyArray:
    """Return the median of what is not NaN in each row, NaN where all is."""
    if not rows.shape[1]:
        return np.full(len(rows), np.nan)
    rows = np.sort(rows, axis=1)  # NaN last
    count = np.isfinite(rows).sum(axis=1)
    pick = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=1)
    pair = np.take_along_axis(rows, np.minimum(pick, rows.shape[1] - 1), axis=1)
    return np.where(
        count > 0, 0.5 * (pair[:, 0].astype(np.float64) + pair[:, 1]), np.nan
    )


def noise_from_channels(cube: Any, channels: Any, axis: int = 0) -> Any:
    """Return the noise of every spectrum, from channels known to be free of lines.

    ``sigma = 1.4826 median(|T_k - median(T)|)`` over those channels.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data.
    channels : slice, sequence of slices, sequence of int, or array of bool, shape (N,)
        Which channels.
    axis : int
        The spectral axis.

    Returns
    -------
    ndarray of float64 or dask array, shape of the cube without `axis`
        In the unit of the cube; NaN where fewer than two of them hold data.

    Raises
    ------
    DataError
        For channels that the cube does not have, or fewer than two of them.

    Notes
    -----
    The median comes from the same few channels, which lowers the estimate by about
    ``0.8 / n`` for n of them: 9 per cent for ten (Croux & Rousseeuw 1992, Computational
    Statistics 1, 411).  That is not corrected.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> cube = rng.normal(3.0, 0.5, (300, 30, 30))
    >>> cube[40:60] += 10.0
    >>> free = [slice(0, 40), slice(60, None)]
    >>> round(float(np.median(noise_from_channels(cube, free))), 1)
    0.5
    """
    where = "noise_from_channels"
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    index = _channel_numbers(channels, cube.shape[axis])
    free = cube[(*(slice(None),) * axis, index)]
    return over_spectra(_deviation, free, axis, (), maps=1)[0]


def _channel_numbers(channels: Any, count: int) -> AnyArray:
    """Return the numbers of the chosen channels, sorted, each once."""
    several = isinstance(channels, Sequence) and not isinstance(channels, str)
    parts = channels if several else [channels]
    numbers = np.arange(count)
    try:
        if any(isinstance(part, slice) for part in parts):
            chosen = np.concatenate([np.atleast_1d(numbers[part]) for part in parts])
        else:
            chosen = np.atleast_1d(numbers[np.asarray(channels)])
    except (IndexError, TypeError, ValueError) as error:
        msg = (
            f"noise_from_channels: channels={channels!r} do not pick from {count} channels "
            f"({error}); give a slice, a list of slices, channel numbers, or {count} bools."
        )
        raise DataError(msg) from None
    chosen = np.unique(chosen)
    if chosen.size < 2:
        msg = (
            f"noise_from_channels: channels={channels!r} pick {chosen.size} of {count} "
            "channels; give at least two, better twenty."
        )
        raise DataError(msg)
    return chosen


def _deviation(values: AnyArray) -> AnyArray:
    """Return the median absolute deviation of each column as a standard deviation."""
    rows = _floats(values.T)
    rows = np.where(np.isfinite(rows), rows, np.nan)
    centre = _median_of_numbers(rows)
    with np.errstate(over="ignore"):
        sizes = np.abs(rows - centre[:, None])
    sigma = TO_SIGMA * _median_of_numbers(sizes)
    return np.where(np.isfinite(rows).sum(axis=1) > 1, sigma, np.nan)[None]
