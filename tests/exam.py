"""The exam that every search takes: problems whose answers are known exactly.

All of it is at module level, so that worker processes can import it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, pi, sqrt
from typing import Any

import numpy as np
from scipy.special import gammaln

import graphfit as gf
from tests.reference.evidence import linear_evidence, linear_posterior

# --- likelihoods ---------------------------------------------------------------------


class Linear(gf.Analysis):
    """y = G b + e with independent Gaussian noise; b are the instance's children."""

    def __init__(self, design: Any, data: Any, sigma: float) -> None:
        self.design = design
        self.data = data
        self.sigma = sigma

    def log_likelihood_function(self, instance: Any) -> float:
        constant = self.data.size * log(self.sigma * sqrt(2 * pi))
        return -0.5 * self.chi_squared(instance) - constant

    def chi_squared(self, instance: Any) -> float:
        model = self.design @ np.array(list(instance))
        residual = (self.data - model) / self.sigma
        return float(residual @ residual)

    def data_point_count(self) -> int:
        return int(self.data.size)


class Function(gf.Analysis):
    """ln L is a function of the vector of the instance's children."""

    def __init__(self, function: Callable[[Any], float]) -> None:
        self.function = function

    def log_likelihood_function(self, instance: Any) -> float:
        return self.function(np.array(list(instance)))


class Counts(gf.Analysis):
    """Independent Poisson counts of one rate."""

    def __init__(self, counts: Any) -> None:
        self.counts = counts

    def log_likelihood_function(self, instance: Any) -> float:
        rate = instance.rate
        terms = self.counts * log(rate) - rate - gammaln(self.counts + 1.0)
        return float(terms.sum())


def correlated(x: Any) -> float:
    """ln N(x; 0, S), S with unit variances and correlation 0.95."""
    precision, log_norm = _CORRELATED[x.size]
    return float(log_norm - 0.5 * x @ precision @ x)


def _correlated(size: int) -> tuple[Any, float]:
    matrix = np.full((size, size), 0.95) + 0.05 * np.eye(size)
    log_norm = -0.5 * (size * log(2 * pi) + np.linalg.slogdet(matrix)[1])
    return np.linalg.inv(matrix), float(log_norm)


_CORRELATED = {size: _correlated(size) for size in (2, 3)}


def flat_top(x: Any) -> float:
    """Zero within 0.3 of the origin, outside a Gaussian wall of width 0.05."""
    beyond = max(0.0, float(np.hypot(*x)) - 0.3)
    return -0.5 * (beyond / 0.05) ** 2


def constant(x: Any) -> float:
    return -1.5


def wedge(x: Any) -> float:
    """-5 (x + y), refused where x + y > 1."""
    if x.sum() > 1.0:
        raise gf.FitException
    return float(-5.0 * x.sum())


def slope(x: Any) -> float:
    return float(-5.0 * x.sum())


# --- problems ------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """A graph with its exact evidence, and where they are known the posterior's moments.

    Every call of `make` returns new priors.  `mode` is where ln L + ln p is highest.
    """

    name: str
    make: Callable[[], gf.FactorGraphModel]
    log_evidence: float
    mean: Any = None
    covariance: Any = None
    mode: Any = None


def single(model: Any, analysis: gf.Analysis) -> gf.FactorGraphModel:
    return gf.FactorGraphModel(gf.AnalysisFactor(model, analysis))


def coefficients(count: int) -> gf.Collection:
    return gf.Collection(**{f"b{k}": gf.GaussianPrior(0.5, 2.0) for k in range(count)})


def polynomial(count: int) -> Linear:
    """Eight points of a polynomial with all coefficients one, noise 0.5."""
    x = np.linspace(-1.0, 1.0, 8)
    design = x[:, None] ** np.arange(count)
    noise = np.random.default_rng(count).normal(0.0, 0.5, x.size)
    return Linear(design, design.sum(axis=1) + noise, 0.5)


def regression(count: int) -> Problem:
    analysis = polynomial(count)
    answer = (
        analysis.design,
        0.25 * np.eye(8),
        np.full(count, 0.5),
        4.0 * np.eye(count),
        analysis.data,
    )
    mean, covariance = linear_posterior(*answer)
    return Problem(
        f"regression {count}",
        lambda: single(coefficients(count), polynomial(count)),
        linear_evidence(*answer),
        mean,
        covariance,
        mode=mean,
    )


def normal(size: int) -> Problem:
    def make() -> gf.FactorGraphModel:
        box = {f"x{k}": gf.UniformPrior(-10.0, 10.0) for k in range(size)}
        return single(gf.Collection(**box), Function(correlated))

    return Problem(
        f"correlated normal {size}",
        make,
        -size * log(20.0),
        np.zeros(size),
        np.linalg.inv(_CORRELATED[size][0]),
        mode=np.zeros(size),
    )


def square(
    function: Callable[[Any], float], low: float = 0.0, high: float = 1.0
) -> gf.FactorGraphModel:
    model = gf.Collection(x=gf.UniformPrior(low, high), y=gf.UniformPrior(low, high))
    return single(model, Function(function))


def half_square() -> gf.FactorGraphModel:
    """The upper triangle of the unit square, by a condition of the model."""
    x, y = gf.UniformPrior(0.0, 1.0), gf.UniformPrior(0.0, 1.0)
    model = gf.Collection(x=x, y=y)
    model.add_assertion(x < y)
    return single(model, Function(slope))


FLUXES = np.array([1.3, 0.2, 2.4])


def population() -> gf.FactorGraphModel:
    """y_i ~ N(theta_i, 0.5), theta_i ~ N(mu, 1), mu ~ N(0, 2)."""
    mu = gf.GaussianPrior(0.0, 2.0)
    family = gf.HierarchicalFactor(gf.GaussianPrior, mean=mu, sigma=1.0)
    factors = []
    for flux in FLUXES:
        theta = gf.UniformPrior(-100.0, 100.0)
        family.add_drawn_variable(theta)
        analysis = Linear(np.ones((1, 1)), np.array([flux]), 0.5)
        factors.append(gf.AnalysisFactor(gf.Collection(theta=theta), analysis))
    return gf.FactorGraphModel(*factors, family)


def hierarchy() -> Problem:
    # As a linear model of (theta_0, theta_1, theta_2, mu), with their joint prior.
    prior = np.full((4, 4), 4.0) + np.diag([1.0, 1.0, 1.0, 0.0])
    answer = (np.eye(3, 4), 0.25 * np.eye(3), np.zeros(4), prior, FLUXES)
    mean, covariance = linear_posterior(*answer)
    return Problem(
        "hierarchy", population, linear_evidence(*answer), mean, covariance, mean
    )


TREND = (np.array([0.3, 0.8, 1.0]), np.array([2.2, 1.7, 2.9, 2.4]))


def trend() -> gf.FactorGraphModel:
    """Two datasets whose levels are m x + c at x = 0 and 1: joined by a relation."""
    m, c = gf.GaussianPrior(0.0, 2.0, name="m"), gf.GaussianPrior(0.0, 2.0, name="c")
    return gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(
                gf.Collection(level=m * float(x) + c),
                Linear(np.ones((data.size, 1)), data, 0.5),
                name=f"at_{x}",
            )
            for x, data in enumerate(TREND)
        ]
    )


def relation() -> Problem:
    design = np.column_stack([np.repeat([0.0, 1.0], [3, 4]), np.ones(7)])
    answer = (
        design,
        0.25 * np.eye(7),
        np.zeros(2),
        4.0 * np.eye(2),
        np.concatenate(TREND),
    )
    mean, covariance = linear_posterior(*answer)
    return Problem(
        "relation", trend, linear_evidence(*answer), mean, covariance, mode=mean
    )


def two_parts() -> gf.FactorGraphModel:
    """Two datasets that share nothing."""
    return gf.FactorGraphModel(
        gf.AnalysisFactor(coefficients(2), polynomial(2)),
        gf.AnalysisFactor(coefficients(1), polynomial(1)),
    )


def parts() -> Problem:
    first, second = regression(2), regression(1)
    mean = np.concatenate([first.mean, second.mean])
    covariance = np.zeros((3, 3))
    covariance[:2, :2] = first.covariance
    covariance[2:, 2:] = second.covariance
    evidence = first.log_evidence + second.log_evidence
    return Problem("two parts", two_parts, evidence, mean, covariance, mode=mean)


COUNTS = np.array([3.0, 5.0, 4.0, 7.0])


def counts() -> Problem:
    """Poisson counts under rate ~ Gamma(shape 2, scale 3): ln Z in gamma functions."""
    shape, rate = 2.0 + COUNTS.sum(), 1.0 / 3.0 + COUNTS.size
    evidence = gammaln(shape) - shape * log(rate) - gammaln(2.0) - 2.0 * log(3.0)
    evidence -= gammaln(COUNTS + 1.0).sum()
    return Problem(
        "counts",
        lambda: single(gf.Collection(rate=gf.GammaPrior(2.0, 3.0)), Counts(COUNTS)),
        float(evidence),
        np.array([shape / rate]),
        np.array([[shape / rate**2]]),
        mode=np.array([(shape - 1.0) / rate]),
    )


# Integrals over the plane by rings, r = 0.3 + t: 2 pi (0.3 + t) exp(-t^2 / (2 s^2)) dt.
_WALL = 2 * pi * (0.3 * 0.05 * sqrt(pi / 2) + 0.05**2)

REGRESSIONS = [regression(2), regression(3)]
NORMALS = [normal(2), normal(3)]
PLATEAUS = [
    Problem(
        "flat top",
        lambda: square(flat_top, -1.0, 1.0),
        log((pi * 0.3**2 + _WALL) / 4.0),
        mean=np.zeros(2),
    ),
    Problem("constant", lambda: square(constant), -1.5, mean=np.full(2, 0.5)),
]
ALL_PROBLEMS = [
    *REGRESSIONS,
    *NORMALS,
    *PLATEAUS,
    Problem("rejected", lambda: square(wedge), log((1 - 6 * exp(-5)) / 25)),
    Problem("condition", half_square, 2 * log((1 - exp(-5)) / 5) - log(2)),
    hierarchy(),
    relation(),
    parts(),
    counts(),
]
