"""Several lines in one spectrum, found one after the other."""

import numpy as np

from graphfit.cube.signal.moments import channel_widths
from graphfit.cube.signal.peaks import highest_of
from graphfit.cube.signal.widths import SQRT_TWO_PI
from graphfit.typing import BoolArray, FloatArray

HALF_HEIGHT = 1.1774100225154747  # sqrt(2 ln 2): where a Gaussian is half its height


def brightest_lines(
    values: FloatArray, x: FloatArray, used: BoolArray, count: int
) -> FloatArray:
    """Return the brightest lines of each column as Gaussians, the brightest first.

    The highest value and the distance to half of it make a line, which is taken off; what
    is left gives the next.

    Parameters
    ----------
    values : ndarray, shape (N, n)
        Finite everywhere.
    x : ndarray, shape (N, n) or (N, 1)
    used : ndarray of bool, shape (N, n)
        Which voxels count.
    count : int
        How many lines.

    Returns
    -------
    ndarray, shape (count, 3, n)
        Height, position, standard deviation; NaN where nothing is used.
    """
    rest = _smoothed(values, used)
    lines = np.empty((count, 3, values.shape[1]))
    for i in range(count):
        lines[i] = _brightest(rest, x, used)
        rest -= _gaussian(lines[i], x)
    return lines


def _smoothed(values: FloatArray, used: BoolArray) -> FloatArray:
    """Return each value averaged with its neighbours, 1 : 2 : 1, by those in use.

    A single noisy channel then makes no line, and no flank.
    """
    weight = used.astype(np.float64)
    flux = values * weight
    total, count = 2.0 * flux, 2.0 * weight
    for array, sums in ((flux, total), (weight, count)):
        sums[1:] += array[:-1]
        sums[:-1] += array[1:]
    return np.divide(total, count, out=np.zeros_like(total), where=used)


def _gaussian(line: FloatArray, x: FloatArray) -> FloatArray:
    """Return a line's values, shape (N, n); 0 where there is no line."""
    height, mean, stddev = line
    with np.errstate(all="ignore"):
        z = (x - mean) / stddev
        values: FloatArray = height * np.exp(-0.5 * z * z)
    values[~np.isfinite(values)] = 0.0
    return values


def _brightest(values: FloatArray, x: FloatArray, used: BoolArray) -> FloatArray:
    """Return height, position and width of the highest voxel's line, shape (3, n)."""
    height, position, channel = highest_of(values, x, used)
    left, right = _half_height(values, x, used, height, channel)
    with np.errstate(all="ignore"):
        sides = np.abs(np.stack([left, right]) - position)
        # The steeper side: the other one may lead over to a second line.
        stddev = np.fmin(*sides) / HALF_HEIGHT
        # A narrow mask may hold no half height: all that is left there is one line.
        whole = _flux(values, x, used) / (SQRT_TWO_PI * height)
    return np.stack([height, position, np.where(np.isnan(stddev), whole, stddev)])


def _flux(values: FloatArray, x: FloatArray, used: BoolArray) -> FloatArray:
    """Return the integral of what is positive, shape (n,)."""
    flux = np.where(used & (values > 0.0), values * channel_widths(x), 0.0)
    total = np.zeros(values.shape[1])
    for row in flux:
        total += row
    return total


def _half_height(
    values: FloatArray,
    x: FloatArray,
    used: BoolArray,
    height: FloatArray,
    channel: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return where the line falls to half its height, before and behind its peak."""
    half = 0.5 * height
    below = used & (values <= half)
    x = np.broadcast_to(x, values.shape)
    left, right = (np.full(height.shape, np.nan) for _ in range(2))
    for k in range(len(values)):
        with np.errstate(all="ignore"):
            if k + 1 < len(values):
                inner = _crossing(values, x, used, half, k, k + 1)
                left = np.where(below[k] & (k < channel), inner, left)
            if k:
                inner = _crossing(values, x, used, half, k, k - 1)
                first = below[k] & (k > channel) & np.isnan(right)
                right = np.where(first, inner, right)
    return left, right


def _crossing(
    values: FloatArray,
    x: FloatArray,
    used: BoolArray,
    half: FloatArray,
    outer: int,
    inner: int,
) -> FloatArray:
    """Return where values pass `half` between two channels, by a straight line."""
    part = (half - values[outer]) / (values[inner] - values[outer])
    part = np.where(used[inner], np.clip(part, 0.0, 1.0), 0.5)
    place: FloatArray = x[outer] + part * (x[inner] - x[outer])
    return place
