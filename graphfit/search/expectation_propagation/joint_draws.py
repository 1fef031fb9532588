"""Joint draws: from messages to samples of all parameters, checked against the posterior.

Draws of the global approximation get importance weights

    w(z) = N(z; 0, I) prod_f L_f(z) / q(z),

with each L_f(z), the factor's likelihood without its local parameters, estimated by a few
draws of these.  An unbiased estimate makes weights that are right on average
(pseudo-marginal importance sampling: Fearnhead, Papaspiliopoulos & Roberts 2008, J. R.
Stat. Soc. B 70, 755).  So the mean weight estimates Z; their tail says whether the messages
can be trusted; and weighted draws are draws of the posterior itself.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphfit.compiler import Program
from graphfit.search.expectation_propagation.factor_part import FactorPart
from graphfit.search.expectation_propagation.local_draws import LocalDraws
from graphfit.search.expectation_propagation.message import Message
from graphfit.search.expectation_propagation.normal_form import NormalForm
from graphfit.typing import BoolArray, FloatArray

_MOST_AXES = 10
"""For which a lattice is more even than independent draws."""
_FIRST_ROUNDS, _MOST_ROUNDS = 4, 64
_SHARE_OF_WIDE, _WIDER = 0.25, 2.0
_NOISE = 0.25
"""Variance of a log-weight that may come from the local draws."""


class JointDraws(NamedTuple):
    """S draws of all parameters, before their weights count."""

    normal: FloatArray  # shared z (S, d)
    physical: FloatArray  # theta (S, D)
    log_likelihood: FloatArray  # (S,), of the factors that are included
    log_weights: FloatArray  # (S,), of the posterior with its normalisation
    log_approximation: FloatArray  # (S,), of the global approximation
    evaluations: int


def joint_draws(
    program: Program,
    shared: Sequence[Any],
    factors: Sequence[tuple[FactorPart, LocalDraws]],
    whole: Message,
    count: int,
    rng: np.random.Generator,
) -> JointDraws:
    """Return draws of the global approximation with local parameters and weights.

    Parameters
    ----------
    program : Program
        Of all these factors, in their order.
    shared : sequence of Prior, length d
    factors : sequence of (FactorPart, LocalDraws)
    whole : Message
        The global approximation.
    count : int
        S.
    rng : numpy Generator
    """
    normal, log_density = _proposal(whole, count, rng)
    order = {prior: i for i, prior in enumerate(program.space.priors)}
    theta = np.empty((program.dimension, count))
    theta[[order[p] for p in shared]] = NormalForm(shared).to_physical(normal.T)
    places = [[order[p] for p in part.local] for part, _ in factors]
    draws = [(part.positions, local) for part, local in factors]
    kept = _Kept(len(factors), count, theta, places)
    rounds, wanted = 0, _FIRST_ROUNDS
    while rounds < wanted:
        for _ in range(wanted - rounds):
            kept.add(program, draws, normal, rng)
        rounds = wanted
        if kept.noise(rounds) > _NOISE and 2 * rounds <= _MOST_ROUNDS:
            wanted = 2 * rounds
    log_weights = kept.log_sum.sum(axis=0) - len(factors) * math.log(rounds)
    log_weights += Message.standard(len(shared)).log_density(normal) - log_density
    return JointDraws(
        normal,
        np.ascontiguousarray(kept.theta.T),
        kept.log_likelihood.sum(axis=0),
        np.where(np.isnan(log_weights), -np.inf, log_weights),
        whole.log_density(normal) - log_density,
        rounds * count,
    )


class _Kept:
    """One local draw a factor and point, chosen by its weight from all the rounds."""

    def __init__(
        self, n_factors: int, count: int, theta: FloatArray, places: list[list[int]]
    ) -> None:
        self.theta = theta
        self.log_likelihood = np.full((n_factors, count), -np.inf)
        self.log_sum = np.full((n_factors, count), -np.inf)
        self._log_squares = np.full((n_factors, count), -np.inf)
        self._places = places

    def add(
        self,
        program: Program,
        factors: Sequence[tuple[list[int], LocalDraws]],
        normal: FloatArray,
        rng: np.random.Generator,
    ) -> None:
        """Draw once more, and let the new one take the place of the old by its weight."""
        tried = self.theta.copy()
        log_weights = np.zeros(self.log_sum.shape)
        for f, (positions, local) in enumerate(factors):
            drawn = local.draw(normal[:, positions], rng)
            tried[self._places[f]] = drawn.physical
            log_weights[f] = drawn.log_ratio
        found = _terms(program, tried)
        log_weights += found
        log_weights[~(log_weights > -np.inf)] = -np.inf
        self.log_sum = np.logaddexp(self.log_sum, log_weights)
        self._log_squares = np.logaddexp(self._log_squares, 2.0 * log_weights)
        chance = np.log(rng.random(log_weights.shape))
        with np.errstate(invalid="ignore"):  # no weight yet, and none now
            taken: BoolArray = chance < log_weights - self.log_sum
        # Something must stand there, even where all weights are zero.
        taken |= self.log_likelihood == -np.inf
        for f, place in enumerate(self._places):
            self.theta[place] = np.where(taken[f], tried[place], self.theta[place])
        self.log_likelihood = np.where(taken, found, self.log_likelihood)

    def noise(self, rounds: int) -> float:
        """Return the variance of a log-weight from the local draws, the median point's."""
        with np.errstate(invalid="ignore"):
            relative = np.exp(self._log_squares - 2.0 * self.log_sum) - 1.0 / rounds
        return float(np.median(np.sum(np.maximum(relative, 0.0), axis=0)))


def _proposal(
    whole: Message, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return draws about the approximation `(S, d)`, and ln of their density (S,).

    Some are from a wider Gaussian: a posterior's tails are heavier than its
    approximation's, and weights would have no bound there.
    """
    wide = whole.scaled(1.0 / _WIDER**2)
    mean, covariance = whole.moments
    root = np.linalg.cholesky(covariance)
    size = round(_SHARE_OF_WIDE * count)
    width = np.where(np.arange(count) < size, _WIDER, 1.0)
    standard = [_standard_normal(n, len(mean), rng) for n in (size, count - size)]
    normal = mean + (width[:, None] * np.concatenate(standard)) @ root.T
    share = size / count
    log_density: FloatArray = np.logaddexp(
        math.log(share) + wide.log_density(normal),
        math.log1p(-share) + whole.log_density(normal),
    )
    return normal, log_density


def _terms(program: Program, theta: FloatArray) -> FloatArray:
    """Return the factors' log-likelihoods (F, S) at theta (D, S)."""
    rows = np.ascontiguousarray(theta.T)
    return np.array([program.term_log_likelihoods(row) for row in rows]).T


def _standard_normal(
    count: int, dimension: int, rng: np.random.Generator
) -> FloatArray:
    """Return points of N(0, I), a shifted lattice where there are few axes.

    The lattice of the generalised golden ratio: multiples of ``1 / g, 1 / g^2, ...`` with
    ``g^(d + 1) = g + 1``, modulo one.
    """
    from scipy.special import ndtri

    if not 0 < dimension <= _MOST_AXES:
        return rng.standard_normal((count, dimension))
    golden = 1.5
    for _ in range(60):
        golden = (1.0 + golden) ** (1.0 / (dimension + 1.0))
    steps = golden ** -np.arange(1.0, dimension + 1.0)
    unit = (rng.random(dimension) + np.arange(count)[:, None] * steps) % 1.0
    points: FloatArray = ndtri(np.clip(unit, 1e-16, 1.0 - 1e-16))
    return points
