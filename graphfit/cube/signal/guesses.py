"""Where a fit of Gaussian lines should begin, at every spectrum."""

from functools import partial
from typing import Any

import numpy as np

from graphfit.cube.signal.arguments import axis_number, channel_positions, require_cube
from graphfit.cube.signal.components import brightest_lines
from graphfit.cube.signal.moments import channel_widths, moment_sums
from graphfit.cube.signal.peaks import chosen, highest_of, usable
from graphfit.cube.signal.spectra import over_spectra
from graphfit.cube.signal.widths import SQRT_TWO_PI
from graphfit.errors import SettingError
from graphfit.typing import AnyArray, FloatArray

NAMES = ("amplitude", "mean", "stddev")


def guesses(
    cube: Any, x: Any, within: Any = None, components: int = 1, axis: int = 0
) -> dict[str, Any]:
    """Return maps of amplitude, mean and standard deviation to begin a fit at.

    One component: the peak; the first moment, or the position of the peak where no channel
    is masked; and ``m0 / (sqrt(2 pi) peak)``.  (The first moment of the whole band is drawn
    to its middle by the noise: from there one fit in ten of a narrow line with a peak of
    5 sigma ends in a wrong place.)

    Several: in the spectrum smoothed over three channels (1 : 2 : 1) the brightest voxel and
    the distance to half its height make a Gaussian, which is taken off; what is left gives
    the next.  The nearer of the two half-heights counts, as the other side may lead over to
    a second line.

    Parameters
    ----------
    cube : array-like or dask array
        Brightness, of emission lines: peaks are positive.  NaN and infinite voxels are no
        data.
    x : array, shape (N,) or one that broadcasts with the cube's axes
        Positions of the channels, rising or falling, N >= 2.
    within : array of bool, optional
        True marks the voxels to look at, as `signal_mask` does: of the cube's shape, or
        one a pixel.
    components : int >= 1
        How many lines to look for in each spectrum.
    axis : int
        The spectral axis.

    Returns
    -------
    dict of str to array
        Maps of float64, numpy or dask as the cube: ``amplitude``, ``mean``, ``stddev``; for
        several components ``amplitude_1``, ``mean_1``, ``stddev_1``, ``amplitude_2``, ...,
        sorted by rising mean.  NaN where no voxel is left, or none is positive.  A mean
        lies within the range of x, a standard deviation between half a channel and half
        that range: a guess is no measurement, and a fit must be able to begin there.

    Raises
    ------
    DataError
        For shapes that do not fit, one channel only, or a cube that cannot be used.
    SettingError
        If components is no whole number >= 1.

    Examples
    --------
    >>> x = np.linspace(-10.0, 10.0, 101)
    >>> def line(amplitude, mean, stddev):
    ...     return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)
    >>> start = guesses(line(3.0, 1.0, 1.5), x)
    >>> {name: round(float(value), 2) for name, value in start.items()}
    {'amplitude': 3.0, 'mean': 1.0, 'stddev': 1.5}
    >>> start = guesses(line(3.0, 4.0, 1.0) + line(2.0, -2.0, 1.5), x, components=2)
    >>> {name: round(float(value), 1) for name, value in start.items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'amplitude_1': 2.0, 'mean_1': -2.0, 'stddev_1': 1.5,
     'amplitude_2': 3.0, 'mean_2': 4.0, 'stddev_2': 1.0}
    """
    where = "guesses"
    if not isinstance(components, (int, np.integer)) or components < 1:
        msg = f"guesses: components must be a whole number >= 1, got {components!r}."
        raise SettingError(msg)
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    x = channel_positions(x, cube, axis, where, least=2)
    others = (x,) if within is None else (x, chosen(within, cube, axis, where))
    if components == 1:
        names, kernel = list(NAMES), _one
    else:
        names = [f"{name}_{i + 1}" for i in range(components) for name in NAMES]
        kernel = partial(_several, components=int(components))
    maps = over_spectra(kernel, cube, axis, others, maps=len(names))
    return {name: maps[i] for i, name in enumerate(names)}


def _one(values: AnyArray, x: AnyArray, mask: AnyArray | None = None) -> AnyArray:
    used = usable(values, x, mask)
    left_out = (usable(values, x, None) & ~used).any(axis=0)
    x = x.astype(np.float64)
    height, position, _ = highest_of(values, x, used)
    with np.errstate(all="ignore"):
        sums = moment_sums(values, x, used)
        mean = np.where(left_out, sums.m1, position)
        stddev = sums.m0 / (SQRT_TWO_PI * height)
    return _startable(np.stack([height, mean, stddev]), x)


def _several(
    values: AnyArray, x: AnyArray, mask: AnyArray | None = None, *, components: int
) -> AnyArray:
    used = usable(values, x, mask)
    x = x.astype(np.float64)
    filled = np.where(used, np.asarray(values, dtype=np.float64), 0.0)
    lines = brightest_lines(filled, x, used, components)  # (components, 3, n)
    lines = np.stack([_startable(line, x) for line in lines])
    order = np.argsort(lines[:, 1], axis=0, kind="stable")  # NaN last
    lines = np.take_along_axis(lines, order[:, None], axis=0)
    return lines.reshape(3 * components, -1)


def _startable(line: FloatArray, x: FloatArray) -> FloatArray:
    """Return a line, shape (3, n), within the range of x; NaN where its peak is not > 0."""
    # fmin and fmax pass over NaN, and say nothing where there is nothing else.
    low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
    channel = np.fmin.reduce(channel_widths(x), axis=0)
    height, mean, stddev = line
    stddev = np.clip(stddev, 0.5 * channel, 0.5 * (high - low))
    found = np.stack([height, np.clip(mean, low, high), stddev])
    found[:, ~(height > 0.0)] = np.nan
    return found
