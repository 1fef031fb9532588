"""Evidence and posterior moments by importance sampling: the truth where none is exact.

    Z = integral over the unit cube of L(u) du = E_q[L(u) / q(u)],

q a mixture of t-distributions that was fitted to the posterior, with a uniform part for what
the fit has missed (Hesterberg 1995, Technometrics 37, 185).  The mixture is fitted in rounds,
each to the weighted draws of the one before (Cappe et al. 2008, Stat. Comput. 18, 447); the
estimate comes from fresh draws of the last one, so that it is unbiased.  Nothing here knows
of nested sampling.
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
STEPS = 15  # of expectation and maximisation
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
    components: int = 16,
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
        Of the estimate; each round before it takes a tenth of them.
    rounds : int
        How often the mixture is fitted.
    components : int
        Most t-distributions of the mixture.
    """
    points, weights = np.asarray(posterior), np.full(len(posterior), 1 / len(posterior))
    for left in reversed(range(rounds)):
        mixture = fitted(points, weights, components, rng)
        points = mixture.draw(draws // 10 if left else draws, rng)
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
    some = points[rng.choice(len(points), 4000, p=weights)]
    centres, labels = kmeans2(some, components, minit="++", seed=rng)
    dimension = points.shape[1]
    kept = [k for k in range(components) if (labels == k).sum() > 4 * dimension]
    # A floor keeps factors of what is narrow beyond rounding.
    floor = 1e-6 * np.diag(some.var(axis=0) + 1e-12)
    factors = [np.linalg.cholesky(np.cov(some[labels == k].T) + floor) for k in kept]
    shares = np.array([(labels == k).mean() for k in kept])
    mixture = Mixture(shares / shares.sum(), centres[kept], np.array(factors))
    used = weights > 1e-12
    for _ in range(STEPS):
        mixture = _improved(mixture, points[used], weights[used], floor)
    return mixture


def _improved(mixture: Mixture, points: Any, weights: Any, floor: Any) -> Mixture:
    """Return the mixture after one step (Peel & McLachlan 2000, Stat. Comput. 10, 339)."""
    parts, distances = mixture.log_parts(points)
    belongs = np.exp(parts - logsumexp(parts, axis=1, keepdims=True)) * weights[:, None]
    near = (FREEDOM + points.shape[1]) / (FREEDOM + distances)
    shares, centres, factors = [], [], []
    for k in range(parts.shape[1]):
        share = belongs[:, k].sum()
        if share < 1e-3:
            continue
        pull = belongs[:, k] * near[:, k]
        centre = pull @ points / pull.sum()
        away = points - centre
        scale = (pull[:, None] * away).T @ away / share
        shares.append(share)
        centres.append(centre)
        factors.append(np.linalg.cholesky(scale + floor))
    total = np.array(shares)
    return Mixture(total / total.sum(), np.array(centres), np.array(factors))
