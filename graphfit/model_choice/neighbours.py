"""Evidences pooled over neighbouring pixels: a prior of its own for every pixel.

The models of a pixel and of those around it are draws from fractions ``pi_p`` that the sky
has there, and those are a draw from a Dirichlet distribution about the fractions of the
whole map, ``Dir(s pi)``.  With the evidences of the *other* pixels q of its window, the
model of pixel p has the prior

    E[pi_p | neighbours] = int pi_p prod_q [sum_k pi_pk Z_kq] Dir(pi_p; s pi) dpi_p / norm,

and, as the integrand of p's own data is linear in ``pi_p``, exactly

    P(k | y_p, neighbours) = E[pi_pk | neighbours] Z_kp / sum_j E[pi_pj | ...] Z_jp.

So a pixel's own data come in once.  The integral is a sum over fixed nodes on the simplex,
of which half are spread like the Dirichlet distribution and half evenly (for places that it
holds unlikely), with the weights of the balance heuristic (Veach & Guibas 1995,
https://doi.org/10.1145/218380.218498).

How much neighbours tell, s, is what predicts every pixel best from the others: the maximum
of ``sum_p ln sum_k E[pi_pk | neighbours] Z_kp``, a pseudo-likelihood (Besag 1975,
https://doi.org/10.2307/2987782).  Where that gains less than 1 nat, neighbours tell nothing:
s is infinite, and the prior everywhere that of the map.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import expit, gammaincinv, gammaln, logsumexp

from graphfit.errors import SettingError
from graphfit.model_choice.population_prior import known_pixels
from graphfit.typing import ArrayLike, BoolArray, FloatArray

STRENGTHS = (np.inf, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.125)
ENOUGH = 3  # strengths in a row that predict worse, from the stiffest on: stop there
PRICE = 1.0  # nat that s has to gain, being a parameter (Akaike)
NODES = 512
BLOCK = 1 << 21  # numbers that are held at once
LEAST = (
    -1e4
)  # of a logarithm: what is smaller is impossible, and can be taken off again


@final
@dataclass(frozen=True, eq=False)
class PooledPrior:
    """What the neighbours of every pixel say of its model.

    Attributes
    ----------
    probability : ndarray, shape (K, P...)
        Of model k at a pixel, before its own data.
    strength : float
        s: how many pixels the fractions of the whole map count for; infinite where
        neighbours tell nothing.
    gain : float
        What ``sum_p ln sum_k E[pi_pk] Z_kp`` gained over the one prior of the map, nat.
    """

    probability: FloatArray
    strength: float
    gain: float


def pooled(
    log_evidence: ArrayLike,
    prior: ArrayLike,
    *,
    neighbours: int = 1,
    strength: float | None = None,
) -> PooledPrior:
    """Return what the neighbours of every pixel say of its model.

    Parameters
    ----------
    log_evidence : array-like, shape (K, P...)
        ln Z, over a map of any number of axes.  Pixels where one is NaN do not count.
    prior : array-like, shape (K,)
        The fractions of the whole map, above 0.
    neighbours : int, >= 1
        Pixels on each side along every axis: 1 is the ring of eight on a map of two axes,
        2 the 24 of a square of five.  At edges there are fewer.
    strength : float, > 0, optional
        s; by default learned.

    Raises
    ------
    SettingError
        If `neighbours` is no whole number from 1 on, or `strength` or a fraction is not
        above 0.

    Notes
    -----
    Neighbours whose noise is the same (a beam wider than a pixel) repeat one another, and
    are taken for independent.

    Examples
    --------
    >>> halves = np.zeros((2, 4, 8))
    >>> halves[1, :, :4], halves[1, :, 4:] = 1.0, -1.0
    >>> found = pooled(halves, [0.5, 0.5])
    >>> bool(found.probability[1, 0, 0] > 0.6 > 0.4 > found.probability[1, 0, 7])
    True
    """
    logs = np.asarray(log_evidence, dtype=float)
    pi = np.asarray(prior, dtype=float)
    _require(neighbours, strength, pi)
    known = known_pixels(logs)
    z = np.where(known, np.exp(logs - np.where(known, logs.max(axis=0), 0.0)), 1.0)
    everywhere = np.broadcast_to(pi.reshape(-1, *(1,) * known.ndim), z.shape)
    alone = _score(everywhere, z, known)
    best = PooledPrior(everywhere, np.inf, 0.0)
    worse = 0
    for s in STRENGTHS if strength is None else (strength,):
        if np.isinf(s) or worse == ENOUGH:
            continue
        local = _expected(z, int(neighbours), *_nodes(s * pi))
        gain = _score(local, z, known) - alone
        if gain > max(best.gain, PRICE) or strength is not None:
            best = PooledPrior(local, float(s), gain)
            worse = 0
        else:
            worse += 1
    return best


def _require(neighbours: int, strength: float | None, pi: FloatArray) -> None:
    if not isinstance(neighbours, int | np.integer) or neighbours < 1:
        msg = f"neighbours must be a whole number of pixels from 1 on, got {neighbours!r}."
        raise SettingError(msg)
    if strength is not None and not strength > 0.0:
        msg = f"strength must be above 0, got {strength!r}."
        raise SettingError(msg)
    if not (pi > 0.0).all():
        msg = (
            f"neighbours: every model needs a prior above 0, got {pi.tolist()}; leave "
            "out the models that are impossible."
        )
        raise SettingError(msg)


def _nodes(concentration: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points of the simplex (M, K) and the ln of their weights (M,)."""
    count = NODES // 2
    uniform = np.ones_like(concentration)
    logs = np.concatenate(
        [_log_dirichlet(count, concentration), _log_dirichlet(count, uniform)]
    )
    density = _log_density(logs, concentration)
    # Over the mean of both densities: never above two.
    weights = expit(density - _log_density(logs, uniform))
    with np.errstate(divide="ignore"):  # nodes where the Dirichlet density is nothing
        return np.exp(logs), np.log(weights)


def _log_dirichlet(count: int, concentration: FloatArray) -> FloatArray:
    """Return ln of evenly spread draws (M, K) of a Dirichlet distribution.

    They are gamma variates over their sum, by their quantiles at the points of an additive
    recurrence (the powers of the root of ``x^(K+1) = x + 1``).
    """
    models = len(concentration)
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (models + 1))
    steps = root ** -np.arange(1.0, models + 1.0)
    units = (0.5 + steps * np.arange(1.0, count + 1.0)[:, None]) % 1.0
    # P(a, x) is x^a / Gamma(a + 1) where x is small; small a make x smaller than a float.
    logs = (np.log(units) + gammaln(concentration + 1.0)) / concentration
    large = logs > -20.0
    exact = gammaincinv(
        np.broadcast_to(concentration, units.shape)[large], units[large]
    )
    logs[large] = np.log(exact)
    return np.asarray(logs - logsumexp(logs, axis=1, keepdims=True))


def _log_density(logs: FloatArray, concentration: FloatArray) -> FloatArray:
    constant = gammaln(concentration.sum()) - gammaln(concentration).sum()
    return np.asarray(constant + logs @ (concentration - 1.0))


def _expected(
    z: FloatArray, reach: int, nodes: FloatArray, log_weights: FloatArray
) -> FloatArray:
    """Return the mean (K, P...) of the fractions about every pixel, given the others.

    Parameters
    ----------
    z : ndarray, shape (K, P...)
        Evidences, scaled; 1 where they are not known, which says nothing.
    reach : int
    nodes : ndarray, shape (M, K)
    log_weights : ndarray, shape (M,)
    """
    shape = z.shape[1:]
    top, mean = np.full(shape, -np.inf), np.zeros_like(z)
    step = max(1, BLOCK // max(1, top.size))
    kept = np.flatnonzero(log_weights > -np.inf)
    for first in range(0, len(kept), step):
        chosen = kept[first : first + step]
        with np.errstate(divide="ignore"):
            logs = np.log(np.tensordot(nodes[chosen], z, 1))
        logs = np.maximum(logs, LEAST)
        logs = _window_sum(logs, reach) - logs
        logs += log_weights[chosen].reshape(-1, *(1,) * len(shape))
        highest = np.maximum(top, logs.max(axis=0))
        scale = np.exp(top - highest)
        weights = np.exp(logs - highest)
        mean = mean * scale + np.tensordot(nodes[chosen].T, weights, 1)
        top = highest
    return np.asarray(mean / mean.sum(axis=0))


def _window_sum(values: FloatArray, reach: int) -> FloatArray:
    """Return the sums (M, P...) over the window of each pixel, cut at the map's edges."""
    total: FloatArray = values
    for axis in range(1, values.ndim):
        lines = np.moveaxis(total, axis, 0)
        total = total.copy()
        sums = np.moveaxis(total, axis, 0)  # a view of it
        for shift in range(1, min(reach, len(lines) - 1) + 1):
            sums[shift:] += lines[:-shift]
            sums[:-shift] += lines[shift:]
    return total


def _score(local: FloatArray, z: FloatArray, known: BoolArray) -> float:
    """Return ``sum_p ln sum_k pi_pk Z_kp``, but for what no prior changes."""
    return float(np.log((local * z).sum(axis=0)[known]).sum())
