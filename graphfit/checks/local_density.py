"""A density for the parameters that only one dataset has, fitted to the joint draws.

To leave a dataset out, its own parameters phi are to be integrated out.  For any normalised
density q, with theta all others,

    E[ q(phi | theta) / (L_i(theta, phi) p(phi | theta)) ] = Z_without_i / Z            [1]

over the joint posterior (Gelfand & Dey 1994, J. R. Stat. Soc. B 56, 501).  With q the prior
of phi this is the harmonic mean of L_i, whose variance is huge: phi is drawn where L_i is
high, and seldom where it is low.  With q close to the posterior of phi the weight is close
to ``1 / integral L_i p dphi``, as if phi had never been drawn.

Here q is a Gaussian whose mean is a quadratic function of theta and whose widths are
exponentials of a linear one: in a population a narrow scatter holds its members tight.  It
is cut at an ellipsoid, so that its tail is never longer than the posterior's (Robert &
Wraith 2009, arXiv:0907.5123).  Parameters with limits are taken on the scale of their
logarithm or logit.
"""

import math

import numpy as np
from scipy.special import gammaincinv, ndtri

from graphfit.typing import FloatArray

INSIDE = 0.9  # of the probability of the Gaussian before it is cut
FEWEST = 30  # draws that anything is fitted to
DRAWS_A_COEFFICIENT = 20.0
SMALLEST = 1e-2  # of a residual in its spread, where its logarithm is taken


def log_local_density(
    phi: FloatArray,
    support: tuple[FloatArray, FloatArray],
    theta: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Return ln q(phi | theta) (S,), minus infinity outside of the ellipsoid.

    Parameters
    ----------
    phi : ndarray, shape (S, K)
        The parameters of the dataset alone.
    support : pair of ndarray, shape (S, K)
        Lowest and highest value of each at every sample.
    theta : ndarray, shape (S, M)
        What else they may depend on.
    weights : ndarray, shape (S,)
        Summing to one; the fit is to the weighted samples.
    """
    t, log_slope = _free(phi, support)
    good = np.isfinite(t).all(axis=1) & (weights > 0.0)
    density = np.full(len(phi), -math.inf)
    if good.sum() < FEWEST:
        return density
    w = weights[good] / weights[good].sum()
    scores = _scores(theta[good], w)
    residual = t[good] - _predicted(_quadratic(scores, w), t[good], w)
    spread = np.sqrt(w @ residual**2)
    if not (spread > 0.0).all():
        return density
    # The logarithm's mean is off by a constant, which the covariance below makes up for.
    log_size = np.log(np.maximum(np.abs(residual / spread), SMALLEST))
    log_scale = _predicted(_linear(scores, w), log_size, w)
    residual = residual / spread / np.exp(log_scale)
    covariance = (w[:, None] * residual).T @ residual
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < 1e-12 * values[-1]:
        return density
    distance = np.sum((residual @ vectors) ** 2 / values, axis=1)
    dimension = t.shape[1]
    reach = 2.0 * float(gammaincinv(0.5 * dimension, INSIDE))
    normal = -0.5 * (distance + dimension * math.log(2.0 * math.pi))
    normal -= np.log(spread).sum() + log_scale.sum(axis=1)
    normal -= 0.5 * np.log(values).sum() + math.log(INSIDE)
    density[good] = np.where(distance < reach, normal + log_slope[good], -math.inf)
    return density


def _free(
    phi: FloatArray, support: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return phi on a scale without limits, and ln |dt / dphi| summed over parameters."""
    low, high = support
    below, above = np.isfinite(low), np.isfinite(high)
    with np.errstate(divide="ignore", invalid="ignore"):
        up, down = np.log(phi - low), np.log(high - phi)
        t = np.where(below, up, 0.0) - np.where(above, down, 0.0)
        t = np.where(below | above, t, phi)
        slope = np.where(below, -up, 0.0) - np.where(above, down, 0.0)
        slope += np.where(below & above, np.log(high - low), 0.0)
    return t, np.asarray(slope.sum(axis=1))


def _scores(theta: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the columns by their ranks as normal numbers: no long tail bends the fit."""
    scores = np.empty(theta.shape)
    for j, column in enumerate(theta.T):
        order = np.argsort(column, kind="stable")
        middle = np.cumsum(weights[order]) - 0.5 * weights[order]
        scores[order, j] = ndtri(np.clip(middle, 1e-3, 1.0 - 1e-3))
    return scores


def _linear(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Return a constant and the columns, or the constant alone where draws are few."""
    design = np.concatenate([np.ones((len(scores), 1)), scores], axis=1)
    enough = _draws(weights) > DRAWS_A_COEFFICIENT * design.shape[1]
    return design if enough else design[:, :1]


def _quadratic(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Return a constant, the columns and their products, or fewer where draws are few."""
    rows, columns = np.triu_indices(scores.shape[1])
    linear = _linear(scores, weights)
    if _draws(weights) <= DRAWS_A_COEFFICIENT * (linear.shape[1] + rows.size):
        return linear
    return np.concatenate([linear, scores[:, rows] * scores[:, columns]], axis=1)


def _draws(weights: FloatArray) -> float:
    return float(1.0 / np.sum(weights**2))


def _predicted(design: FloatArray, t: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted least-squares prediction of t, shape (S, K)."""
    root = np.sqrt(weights)[:, None]
    solution = np.linalg.lstsq(root * design, root * t, rcond=1e-10)[0]
    return np.asarray(design @ solution)
