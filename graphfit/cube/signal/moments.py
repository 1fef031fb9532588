"""Moments of every spectrum: integral, mean position, variance, with errors."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.cube.signal.arguments import (
    axis_number,
    beside,
    channel_positions,
    require_cube,
)
from graphfit.cube.signal.peaks import chosen, usable
from graphfit.cube.signal.spectra import over_spectra
from graphfit.typing import AnyArray, FloatArray


@final
@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of every spectrum: maps, and maps of their standard errors.

    Attributes
    ----------
    m0 : array
        The integral over x: unit of the cube times that of x.
    m1 : array
        The mean position: unit of x.
    m2 : array
        The variance about it: unit of x, squared.
    width : array
        ``sqrt(m2)``, the standard deviation of a Gaussian line: unit of x.
    m0_error, m1_error, m2_error, width_error : array or None
        Standard errors; None without noise.
    """

    m0: Any
    m1: Any
    m2: Any
    width: Any
    m0_error: Any = None
    m1_error: Any = None
    m2_error: Any = None
    width_error: Any = None


def moments(
    cube: Any, x: Any, noise: Any = None, within: Any = None, axis: int = 0
) -> Moments:
    """Return the moments 0, 1 and 2 of every spectrum, with their errors.

    With ``T_k`` the brightness, ``x_k`` the position and ``w_k > 0`` the width of channel
    k, and sums over the voxels in use::

        m0 = sum T_k w_k                                [Eq. 1]
        m1 = sum T_k w_k x_k / m0                       [Eq. 2]
        m2 = sum T_k w_k (x_k - m1)^2 / m0              [Eq. 3]

    For independent noise of standard deviation ``s_k`` the law of propagation gives::

        var m0 = sum (w_k s_k)^2                                    [Eq. 4]
        var m1 = sum (w_k s_k)^2 (x_k - m1)^2 / m0^2                [Eq. 5]
        var m2 = sum (w_k s_k)^2 ((x_k - m1)^2 - m2)^2 / m0^2       [Eq. 6]
        error of width = error of m2 / (2 width)                    [Eq. 7]

    Parameters
    ----------
    cube : array-like or dask array
        Brightness.  NaN and infinite voxels are no data: they add nothing.
    x : array, shape (N,) or one that broadcasts with the cube's axes
        Positions of the channels, rising or falling, N >= 2; evenly spaced or not.
    noise : float > 0, or array, optional
        As for `signal_to_noise`; without it there are no errors.
    within : array of bool, optional
        True marks the voxels in use, as `signal_mask` does: of the cube's shape, or one a
        pixel.
    axis : int
        The spectral axis.

    Returns
    -------
    Moments
        Maps of float64, numpy or dask as the cube.  NaN where no voxel is left; m1, m2 and
        the width also where m0 is 0, the width where m2 is not positive, an error where the
        noise of a voxel in use is not known.

    Raises
    ------
    DataError
        For shapes that do not fit, one channel only, or a cube that cannot be used.

    Notes
    -----
    Equations 4 to 6 are the law of propagation of uncertainty (JCGM 100:2008, Eq. 10) for
    equations 1 to 3; Teague (2019, RNAAS 3, 74) has them for moment maps.  In the third the
    error of m1 drops out, since ``sum T_k w_k (x_k - m1) = 0``.  They are of first order:
    right where m0 is well above its error.  They know the noise and nothing of a bias: a
    mask that was made from the same data cuts wings off and picks positive noise.

    The second moment is a sum about m1, in a second pass: the one-pass form, mean of squares
    minus square of the mean, loses all digits for a frequency axis.

    Examples
    --------
    >>> x = np.linspace(-10.0, 10.0, 201)
    >>> cube = 3.0 * np.exp(-0.5 * ((x - 1.0) / 1.5) ** 2)
    >>> found = moments(cube, x, noise=0.1)
    >>> [round(float(value), 4) for value in (found.m0, found.m1, found.width)]
    [11.2798, 1.0, 1.5]
    >>> round(float(found.m0_error), 4)
    0.1418
    """
    where = "moments"
    cube = require_cube(cube, where)
    axis = axis_number(cube, axis, where)
    others = [channel_positions(x, cube, axis, where, least=2)]
    if noise is not None:
        others.append(beside(noise, "the noise", cube, axis, where, kind="noise"))
    if within is not None:
        others.append(chosen(within, cube, axis, where))
    kernel = partial(_kernel, has_noise=noise is not None, has_mask=within is not None)
    count = 4 if noise is None else 8
    maps = over_spectra(kernel, cube, axis, tuple(others), maps=count)
    return Moments(*(maps[i] for i in range(count)))


@final
class Sums(NamedTuple):
    """Moments of n spectra, and what their errors need.

    Attributes
    ----------
    m0, m1, m2 : ndarray, shape (n,)
    weight : ndarray, shape (N, n)
        ``w_k`` where a voxel is in use, else 0.
    """

    m0: FloatArray
    m1: FloatArray
    m2: FloatArray
    weight: FloatArray


def _kernel(
    values: AnyArray, x: AnyArray, *others: AnyArray, has_noise: bool, has_mask: bool
) -> AnyArray:
    used = usable(values, x, others[-1] if has_mask else None)
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        sums = moment_sums(values, x, used)
        width = np.sqrt(np.where(sums.m2 > 0.0, sums.m2, np.nan))
        found = [sums.m0, sums.m1, sums.m2, width]
        if has_noise:
            errors = _errors(sums, x, others[0])
            found += [*errors, errors[2] / (2.0 * width)]  # [Eq. 7]
    return np.stack(found)


def channel_widths(x: FloatArray) -> FloatArray:
    """Return half the distance between a channel's neighbours; at the ends, the step.

    Parameters
    ----------
    x : ndarray, shape (N, ...)
        N >= 2.
    """
    width = np.empty_like(x)
    width[1:-1] = 0.5 * np.abs(x[2:] - x[:-2])
    width[0] = np.abs(x[1] - x[0])
    width[-1] = np.abs(x[-1] - x[-2])
    return width


def moment_sums(values: AnyArray, x: FloatArray, used: AnyArray) -> Sums:
    """Return the moments of each column; NaN where there are none.

    Parameters
    ----------
    values : ndarray, shape (N, n)
    x : ndarray of float64, shape (N, n) or (N, 1)
    used : ndarray of bool, shape (N, n)
    """
    count = values.shape[1]
    weight = np.where(used, channel_widths(x), 0.0)
    flux = np.where(used, np.asarray(values, dtype=np.float64), 0.0)
    flux *= weight
    x = np.where(used, x, 0.0)
    m0, first, second = (np.zeros(count) for _ in range(3))
    for row in flux:  # [Eq. 1]
        m0 += row
    m0[~used.any(axis=0)] = np.nan
    whole = np.where(m0 == 0.0, np.nan, m0)
    # About a channel near the middle: x itself may be 1e11 Hz with steps of 1e4.
    origin = x[used.argmax(axis=0), np.arange(count)]
    for row, place in zip(flux, x, strict=True):  # [Eq. 2]
        first += row * (place - origin)
    m1 = origin + first / whole
    for row, place in zip(flux, x, strict=True):  # [Eq. 3]
        second += row * (place - m1) ** 2
    return Sums(m0, m1, second / whole, weight)


def _errors(
    sums: Sums, x: FloatArray, noise: AnyArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the standard errors of m0, m1, m2."""
    sigma = np.where((noise > 0.0) & (noise < np.inf), noise, np.nan)
    shape = sums.weight.shape
    sigma, x = np.broadcast_to(sigma, shape), np.broadcast_to(x, shape)
    totals = [np.zeros(shape[1]) for _ in range(3)]
    for weight, s, place in zip(sums.weight, sigma, x, strict=True):
        own = np.where(weight > 0.0, (weight * s) ** 2, 0.0)
        offset = np.where(weight > 0.0, (place - sums.m1) ** 2, 0.0)
        totals[0] += own  # [Eq. 4]
        totals[1] += own * offset  # [Eq. 5]
        totals[2] += own * (offset - sums.m2) ** 2  # [Eq. 6]
    m0_error, first, second = (np.sqrt(total) for total in totals)
    m0_error[np.isnan(sums.m0)] = np.nan
    whole = np.abs(np.where(sums.m0 == 0.0, np.nan, sums.m0))
    return m0_error, first / whole, second / whole
