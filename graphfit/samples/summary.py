"""Summaries of weighted samples: functions over the record."""

import math

import numpy as np

from graphfit.samples.samples import Samples
from graphfit.typing import ArrayLike, FloatArray, IntArray


def weighted_quantiles(
    values: FloatArray, weights: FloatArray, at: ArrayLike
) -> FloatArray:
    """Return quantiles of the columns of weighted samples.

    The cumulative weight is taken at the middle of each sample's own weight and
    interpolated linearly, so that equal weights give the usual sample quantiles.

    Parameters
    ----------
    values : ndarray, shape (S, D)
        Samples.
    weights : ndarray, shape (S,)
        Non-negative, summing to one.
    at : array-like, shape (Q,)
        Probabilities in [0, 1].

    Returns
    -------
    ndarray, shape (Q, D)

    Examples
    --------
    >>> values = np.array([[1.0], [2.0], [3.0]])
    >>> weighted_quantiles(values, np.full(3, 1 / 3), [0.5])
    array([[2.]])
    """
    probabilities = np.atleast_1d(np.asarray(at, dtype=float))
    out = np.empty((probabilities.size, values.shape[1]))
    for j in range(values.shape[1]):
        order = np.argsort(values[:, j], kind="stable")
        w = weights[order]
        middle = np.cumsum(w) - 0.5 * w
        out[:, j] = np.interp(probabilities, middle, values[order, j])
    return out


def median(samples: Samples) -> FloatArray:
    """Return the weighted median of each free and derived value, shape (D + R,)."""
    quantiles = weighted_quantiles(samples.table, samples.weights, [0.5])
    return np.asarray(quantiles[0])


def interval(samples: Samples, sigma: float) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper limits of the central `sigma` interval.

    The interval holds the probability that a normal distribution has within ``+-sigma``
    standard deviations, ``erf(sigma / sqrt(2))``, with equal tails.

    Parameters
    ----------
    samples : Samples
    sigma : float, > 0

    Returns
    -------
    lower, upper : ndarray, shape (D + R,)
    """
    if samples.is_gaussian:
        centre, width = samples.table[0], sigma * samples.standard_deviations
        return centre - width, centre + width
    outside = 0.5 * math.erfc(sigma / math.sqrt(2.0))
    low, high = weighted_quantiles(
        samples.table, samples.weights, [outside, 1.0 - outside]
    )
    return low, high


def mean(samples: Samples) -> FloatArray:
    """Return the weighted mean of each free and derived value, shape (D + R,)."""
    return np.asarray(samples.weights @ samples.table)


def covariance(samples: Samples) -> FloatArray:
    """Return the weighted covariance of the free parameters, shape (D, D)."""
    if samples.is_gaussian:
        held = samples.covariance
        return held if held.ndim == 2 else np.diag(held)
    return np.atleast_2d(np.cov(samples.values, rowvar=False, aweights=samples.weights))


def effective_sample_size(samples: Samples) -> float:
    """Return ``(sum w)^2 / sum w^2`` (Kish), or the samples' own limit if it is lower."""
    return min(float(1.0 / np.sum(samples.weights**2)), samples.ess_limit)


def draw_rows(samples: Samples, count: int, rng: np.random.Generator) -> IntArray:
    """Return row numbers of `count` equal-weight draws, by systematic resampling.

    Every row is drawn ``count * weight`` times up to rounding, which scatters less than
    independent draws; the order is random.
    """
    positions = (np.arange(count) + rng.random()) / count
    cumulative = np.cumsum(samples.weights)
    rows = np.searchsorted(cumulative / cumulative[-1], positions)
    return rng.permutation(np.minimum(rows, len(samples) - 1))
