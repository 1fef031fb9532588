"""Evidence and posterior moments by importance sampling: the truth where none is exact.

    Z = integral over the unit cube of L(u) du = E_q[L(u) / q(u)],

q a mixture of t-distributions that was fitted to the posterior, each of them once more and
wider, and a uniform part, for what the fit has missed (Hesterberg 1995, Technometrics 37,
185): without the wider ones a ridge's end that no draw of the last round was at is left to
the uniform part, whose weights are a thousand times larger.  It is fitted in rounds, each to
the weighted draws of the one before (Cappe et al. 2008, Stat. Comput. 18, 447); the estimate
comes from fresh draws of the last one, so that it is unbiased.  Nothing here knows of nested
sampling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, log, pi
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.special import logsumexp

FREEDOM = 5.0  # of the t-distributions: tails well above those of a posterior
UNIFORM = 0.05  # the part of the draws that come from the whole cube
WIDE = 0.2  # the part of the others that come from wider t-distributions
WIDER = 3.0  # how much wider
FLATTENED = 0.8  # power of the weights in a fit, so that few draws do not rule it
STEPS = 15  # of expectation and maximisation
SMALLEST = 1e-3  # share of a part that is kept
BLOCK = 20_000  # points whose likelihood is computed together


@dataclass(frozen=True, eq=False)
class ImportanceEvidence:
    """What n draws say.

    Attributes
    ----------
    log_evidence, error : float
        ln Z and its standard error.
    effective_size : float
        (sum w)^2 / sum w^2.
    largest_weight : float
        Of one draw, as a part of all: where it is not small, the error means nothing.
    units : ndarray, shape (n, D)
        Draws in the cube.
    weights : ndarray, shape (n,)
        Their sum is 1.
    """

    log_evidence: float
    error: float
    effective_size: float
    largest_weight: float
    units: Any
    weights: Any

    def moments(self, values: Any) -> tuple[Any, Any]:
        """Posterior mean and standard deviation of functions of the draws, (n, A)."""
        mean = self.weights @ values
        return mean, np.sqrt(self.weights @ (values - mean) ** 2)


@dataclass(frozen=True, eq=False)
class Mixture:
    """K t-distributions with weights, and a uniform part over the unit cube.

    Attributes
    ----------
    shares : ndarray, shape (K,)
        Of the t-distributions; their sum is 1.
    centres : ndarray, shape (K, D)
    factors : ndarray, shape (K, D, D)
        Lower triangles: scale matrices are their squares.
    """

    shares: Any
    centres: Any
    factors: Any

    def draw(self, count: int, rng: np.random.Generator) -> Any:
        """Points (count, D), some of them outside of the cube."""
        dimension = self.centres.shape[1]
        kind = rng.choice(len(self.shares), count, p=self.shares)
        normal = rng.standard_normal((count, dimension))
        stretch = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, count))
        offset = np.einsum("nij,nj->ni", self.factors[kind], normal)
        points = self.centres[kind] + stretch[:, None] * offset
        flat = rng.random(count) < UNIFORM
        points[flat] = rng.random((int(flat.sum()), dimension))
        return points

    def log_parts(self, points: Any) -> Any:
        """ln of share times density of every t-distribution, (n, K), and distances."""
        dimension = self.centres.shape[1]
        constant = lgamma(0.5 * (FREEDOM + dimension)) - lgamma(0.5 * FREEDOM)
        constant -= 0.5 * dimension * log(FREEDOM * pi)
        parts, distances = [], []
        for share, centre, factor in zip(
            self.shares, self.centres, self.factors, strict=True
        ):
            white = np.linalg.solve(factor, (points - centre).T)
            squares = (white**2).sum(axis=0)
            volume = np.log(np.diagonal(factor)).sum()
            tail = 0.5 * (FREEDOM + dimension) * np.log1p(squares / FREEDOM)
            with np.errstate(divide="ignore"):  # a share may have become zero
                parts.append(np.log(share) + constant - volume - tail)
            distances.append(squares)
        return np.stack(parts, axis=1), np.stack(distances, axis=1)

    def defended(self) -> "Mixture":
        """Return the mixture with each t-distribution once more and wider."""
        return Mixture(
            np.concatenate([(1.0 - WIDE) * self.shares, WIDE * self.shares]),
            np.concatenate([self.centres, self.centres]),
            np.concatenate([self.factors, WIDER * self.factors]),
        )

    def log_density(self, points: Any) -> Any:
        """ln q, (n,), of points inside of the cube."""
        parts, _ = self.log_parts(points)
        peaks = logsumexp(parts, axis=1) + log(1.0 - UNIFORM)
        return np.logaddexp(peaks, log(UNIFORM))


def importance_evidence(
    log_likelihood: Callable[[Any], Any],
    posterior: Any,
    rng: np.random.Generator,
    *,
    draws: int = 200_000,
    rounds: int = 4,
    round_draws: int = 40_000,
    components: int = 24,
) -> ImportanceEvidence:
    """Return ln Z of a likelihood over the unit cube.

    Parameters
    ----------
    log_likelihood : callable
        Of points (n, D) in the cube: ln L (n,), minus infinity where it is zero.
    posterior : ndarray, shape (S, D)
        Some points of the posterior, e.g. of a nested run: where the first mixture is.
    rng : Generator
    draws : int
        Of the estimate.
    rounds, round_draws : int
        How often the mixture is fitted, and the draws of each time but the last.
    components : int
        Most t-distributions of the mixture.
    """
    points, weights = np.asarray(posterior), np.full(len(posterior), 1 / len(posterior))
    for left in reversed(range(rounds)):
        flat = weights**FLATTENED
        mixture = fitted(points, flat / flat.sum(), components, rng).defended()
        points = mixture.draw(round_draws if left else draws, rng)
        logs = _log_weights(log_likelihood, mixture, points)
        weights = np.exp(logs - logs.max())
        mean, spread = weights.mean(), weights.std(ddof=1)
        total = log(mean) + float(logs.max())
        weights = weights / weights.sum()
    return ImportanceEvidence(
        total,
        float(spread / mean / np.sqrt(len(points))),
        float(1.0 / (weights**2).sum()),
        float(weights.max()),
        points,
        weights,
    )


def _log_weights(log_likelihood: Any, mixture: Mixture, points: Any) -> Any:
    """ln of L / q at every point; minus infinity outside of the cube."""
    logs = np.full(len(points), -np.inf)
    inside = np.flatnonzero(((points > 0.0) & (points < 1.0)).all(axis=1))
    for first in range(0, inside.size, BLOCK):
        rows = inside[first : first + BLOCK]
        likelihood = log_likelihood(points[rows])
        logs[rows] = likelihood - mixture.log_density(points[rows])
    return logs


def fitted(
    points: Any, weights: Any, components: int, rng: np.random.Generator
) -> Mixture:
    """Return a mixture by expectation and maximisation over weighted points.

    Parameters
    ----------
    points : ndarray, shape (n, D)
    weights : ndarray, shape (n,)
        Their sum is 1.
    components : int
        Most t-distributions.
    rng : Generator
    """
    some = rng.choice(len(points), 4000, p=weights)
    centres, _ = kmeans2(points[some], components, minit="++", seed=rng)
    used = weights > 1e-12
    points, weights = points[used], weights[used]
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    belongs = (nearest[:, None] == np.arange(components)) * weights[:, None]
    mixture = _maximised(points, belongs, np.ones_like(belongs))
    for _ in range(STEPS):
        parts, distances = mixture.log_parts(points)
        belongs = np.exp(parts - logsumexp(parts, axis=1, keepdims=True))
        near = (FREEDOM + points.shape[1]) / (FREEDOM + distances)
        mixture = _maximised(points, belongs * weights[:, None], near)
    return mixture


def _maximised(points: Any, belongs: Any, near: Any) -> Mixture:
    """Return the mixture of points that belong to parts (n, K), near to them or not (n, K).

    The step of Peel & McLachlan (2000, Stat. Comput. 10, 339).  A part of few effective
    points is drawn to the shape that all have, so that none shrinks to a point.
    """
    alive = belongs.sum(axis=0) > SMALLEST
    belongs, pull = belongs[:, alive], (belongs * near)[:, alive]
    shares = belongs.sum(axis=0)
    centres = (pull.T @ points) / pull.sum(axis=0)[:, None]
    away = points[:, None] - centres
    scatter = np.einsum("nk,nki,nkj->kij", pull, away, away)
    own = scatter / shares[:, None, None]
    common = scatter.sum(axis=0) / shares.sum()
    sizes = (shares**2 / (belongs**2).sum(axis=0))[:, None, None]
    held = 2.0 * points.shape[1]
    scales = (sizes * own + held * common) / (sizes + held)
    return Mixture(shares / shares.sum(), centres, np.linalg.cholesky(scales))
