"""Importance weights whose tail is smoothed, and whether their mean can be trusted.

The largest weights follow a generalised Pareto law with the survival function
``(1 + k x / sigma)^(-1 / k)`` of the excess x.  Its shape k says how many moments the
weights have: fewer than 1 / k.  In place of the largest weights come the expected order
statistics of the law (Vehtari et al. 2024, J. Mach. Learn. Res. 25, 72, PSIS).
"""

import math
from typing import NamedTuple

import numpy as np

from graphfit.typing import FloatArray

FEWEST = 5  # a fit to fewer weights says nothing
PRIOR_WEIGHTS = 10.0  # the weak prior on k: as many weights, whose k is 1/2
PRIOR_SCALE = 3.0  # of the profile's grid, Zhang & Stephens (2009), eq. (9)


class Smoothed(NamedTuple):
    """Importance weights after smoothing.

    Attributes
    ----------
    log_weights : ndarray, shape (S,)
        Not normalised: on the scale that was given.
    k : float
        The shape of the tail; infinite where nothing can be said.
    """

    log_weights: FloatArray
    k: float


def smoothed(log_weights: FloatArray, efficiency: float = 1.0) -> Smoothed:
    """Return the weights with a smooth tail, and its shape k.

    Parameters
    ----------
    log_weights : ndarray, shape (S,)
        No NaN; minus infinity is a weight of zero.
    efficiency : float, in (0, 1]
        Independent draws in one draw: the tail is longer where they are few.

    Examples
    --------
    >>> uniform = (np.arange(4000) + 0.5) / 4000
    >>> round(smoothed(-0.8 * np.log(uniform)).k, 1)
    0.8
    """
    count = len(log_weights)
    length = math.ceil(min(0.2 * count, 3.0 * math.sqrt(count / efficiency)))
    top = float(log_weights.max(initial=-math.inf))
    if length < FEWEST or not math.isfinite(top):
        return Smoothed(log_weights, math.inf)
    order = np.argsort(log_weights, kind="stable")
    tail, below = order[-length:], order[-length - 1]
    floor = math.exp(log_weights[below] - top)
    excess = np.exp(log_weights[tail] - top) - floor
    if excess[-1] <= 0.0:  # the whole tail is one number
        return Smoothed(log_weights, 0.0)
    own = excess[excess > 0.0]
    if own.size < FEWEST:
        return Smoothed(log_weights, math.inf)
    k, sigma = generalised_pareto(own)
    if not math.isfinite(k):
        return Smoothed(log_weights, math.inf)
    chance = (np.arange(length) + 0.5) / length
    expected = floor + _quantile(chance, k, sigma)
    new = log_weights.copy()
    # No weight above the largest that was seen: it would be an invention.
    new[tail] = np.minimum(np.log(expected), 0.0) + top
    return Smoothed(new, k)


def trusted_below(count: float) -> float:
    """Return the k up to which the mean of `count` weights is close to its limit.

    ``min(1 - 1 / log10(S), 0.7)``, Vehtari et al. (2024), section 3.2.4.

    Examples
    --------
    >>> round(trusted_below(200.0), 3), trusted_below(1e4)
    (0.565, 0.7)
    """
    return min(1.0 - 1.0 / math.log10(max(count, 10.0)), 0.7)


def generalised_pareto(excess: FloatArray) -> tuple[float, float]:
    """Return k and sigma of the law that excesses above zero follow.

    By the posterior mean of ``b = -k / sigma``, on a grid of quantiles of its prior,
    weighted with the likelihood in which k has been profiled out (Zhang & Stephens 2009,
    Technometrics 51, 316); k is then drawn towards 1/2 by a weak prior.

    Parameters
    ----------
    excess : ndarray, shape (N,)
        In rising order, above zero.
    """
    size = excess.size
    count = 30 + int(math.sqrt(size))
    quartile = excess[int(0.25 * size + 0.5) - 1]
    if not quartile > 0.0 or not math.isfinite(1.0 / quartile):
        return math.inf, math.nan
    grid = 1.0 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))
    b = 1.0 / excess[-1] + grid / (PRIOR_SCALE * quartile)
    with np.errstate(divide="ignore", invalid="ignore"):
        shapes = np.log1p(-b[:, None] * excess).mean(axis=1)
        logs = size * (np.log(-b / shapes) - shapes - 1.0)
    good = np.isfinite(logs)
    if not good.any():
        return math.inf, math.nan
    weights = np.exp(logs[good] - logs[good].max())
    mean = float(weights @ b[good] / weights.sum())
    k = float(np.log1p(-mean * excess).mean())
    sigma = -k / mean
    return (size * k + 0.5 * PRIOR_WEIGHTS) / (size + PRIOR_WEIGHTS), sigma


def _quantile(chance: FloatArray, k: float, sigma: float) -> FloatArray:
    """Return the excess that is exceeded with probability ``1 - chance``."""
    if abs(k) < 1e-12:
        return np.asarray(-sigma * np.log1p(-chance))
    return np.asarray(sigma * np.expm1(-k * np.log1p(-chance)) / k)
