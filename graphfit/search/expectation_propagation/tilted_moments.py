"""The moments of a tilted density from draws, with little noise.

The global approximation is a sum over factors, so that the noise of their moments adds up.
With the score s = d ln t / dz of the tilted density t, integration by parts gives functions
of known mean zero,

    E_t[s_j] = 0,        E_t[z_i s_j + delta_ij] = 0,

and the moments are the intercepts of regressions on them (zero-variance control variates:
Mira, Solgi & Imparato 2013, Stat. Comput. 23, 653).  Where t is a Gaussian nothing is left
of the noise; where a factor says little beside its cavity, little.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from graphfit.search.expectation_propagation.message import Message
from graphfit.search.expectation_propagation.tilted_draws import TiltedDraws
from graphfit.typing import FloatArray

_DRAWS_A_CONTROL = 20
"""With fewer effective draws to each control, a regression fits noise."""
_FARTHEST = 5.0
"""Standard errors between the mean of the draws and that with controls."""


class Weighted(NamedTuple):
    """Draws of one factor under a cavity, from all its fits."""

    points: FloatArray  # (S, D)
    score: FloatArray  # of ln L, (S, D) or (0, 0)
    weights: FloatArray  # (S,), summing to one
    size: float  # effective
    share: float  # of the size under the cavities of the fits
    log_evidence: float
    log_evidence_error: float


class Moments(NamedTuple):
    """Of a tilted density's shared coordinates, and their standard errors."""

    mean: FloatArray
    covariance: FloatArray
    mean_error: FloatArray
    spread_error: FloatArray  # relative, of the standard deviations


def weighted(batches: Sequence[TiltedDraws], cavity: Message) -> Weighted:
    """Return draws of several fits with their importance weights under a cavity.

    Parameters
    ----------
    batches : sequence of TiltedDraws
    cavity : Message
        Proper.
    """
    d = len(cavity.linear)
    weights, sizes, evidences, errors = [], [], [], []
    for batch in batches:
        shared = batch.points[:, :d]
        log_weights = batch.log_weights + cavity.log_density(shared)
        log_weights -= batch.cavity.log_density(shared)
        total = np.logaddexp.reduce(log_weights)
        own = np.exp(log_weights - total)
        before = float(1.0 / np.sum(np.exp(2.0 * batch.log_weights)))
        weights.append(own)
        sizes.append(min(batch.size, before) / before / float(np.sum(own**2)))
        evidences.append(batch.log_evidence + total)
        errors.append(batch.log_evidence_error)
    share = np.array(sizes) / sum(sizes)
    stated = sum(batch.size for batch in batches)
    has_score = all(batch.score.size for batch in batches)
    return Weighted(
        np.concatenate([batch.points for batch in batches]),
        np.concatenate([batch.score for batch in batches])
        if has_score
        else np.empty((0, 0)),
        np.concatenate([s * w for s, w in zip(share, weights, strict=True)]),
        sum(sizes),
        sum(sizes) / stated,
        float(share @ np.array(evidences)),
        float(np.sqrt(np.sum((share * np.array(errors)) ** 2))),
    )


def tilted_moments(found: Weighted, cavity: Message) -> Moments:
    """Return mean and covariance of the shared coordinates under a cavity.

    Parameters
    ----------
    found : Weighted
    cavity : Message
    """
    d = len(cavity.linear)
    shared, weights = found.points[:, :d], found.weights
    centre = weights @ shared
    scale = np.sqrt(weights @ (shared - centre) ** 2)
    t = (shared - centre) / scale
    first, second = np.triu_indices(d)
    targets = np.hstack([t, t[:, first] * t[:, second]])
    plain = weights @ targets
    error = _error(targets - plain, weights, found.size)
    controls = _controls(found, cavity, t, scale)
    if controls is not None:
        value, left = _regressed(targets, controls, weights)
        if np.all(np.abs(value - plain) <= _FARTHEST * error + 1e-9):
            plain, error = value, _error(left, weights, found.size)
    mean = plain[:d]
    covariance = np.empty((d, d))
    covariance[first, second] = covariance[second, first] = plain[d:]
    diagonal = np.flatnonzero(first == second)
    covariance -= np.outer(mean, mean)
    return Moments(
        centre + scale * mean,
        covariance * np.outer(scale, scale),
        error[:d] * scale,
        0.5 * error[d:][diagonal] / np.diagonal(covariance),
    )


def _controls(
    found: Weighted, cavity: Message, t: FloatArray, scale: FloatArray
) -> FloatArray | None:
    """Return functions of mean zero `(S, C)`; None where the draws are too few."""
    if not found.score.size:
        return None
    d = t.shape[1]
    score = found.score - found.points
    # The prior of shared coordinates is in the cavity.
    score[:, :d] = found.score[:, :d] + cavity.linear
    score[:, :d] -= found.points[:, :d] @ cavity.precision
    products = t[:, :, None] * score[:, None, :]
    products[:, range(d), range(d)] += 1.0 / scale
    for controls in (np.hstack([score, products.reshape(len(t), -1)]), score):
        if found.size >= _DRAWS_A_CONTROL * controls.shape[1]:
            return controls
    return None


def _regressed(
    targets: FloatArray, controls: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the intercepts `(T,)` and the residuals `(S, T)` of a weighted regression."""
    width = np.sqrt(weights @ controls**2)
    design = np.hstack(
        [np.ones((len(controls), 1)), controls / np.where(width > 0.0, width, 1.0)]
    )
    # Columns of unit size and a dozen of them: normal equations are precise enough, and
    # many times faster than an orthogonal factorisation of all the draws.
    moment = design.T * weights
    solution, *_ = np.linalg.lstsq(moment @ design, moment @ targets, rcond=1e-12)
    return solution[0], targets - design @ solution


def _error(left: FloatArray, weights: FloatArray, size: float) -> FloatArray:
    """Return the standard errors of weighted means, of as many draws as `size` says."""
    error: FloatArray = np.sqrt(weights @ left**2 / size)
    return error
