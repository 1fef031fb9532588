"""The one list of problems with exact evidences that every sampler has to pass.

What is no misfit of data is written as one: a profile f of a single datum 0 with noise s,

    f = s sqrt(2 (h - ln L)),  h >= max ln L,  s = exp(-h) / sqrt(2 pi),

has ln N(0; f, s^2) = ln L exactly, constants included.  So every problem is a traceable
profile and data, which all samplers can evaluate in machine code, and which
``gf.fit_cube`` can repeat at many pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, exp, log, pi, prod, sqrt
from typing import Any

import numpy as np
from scipy import special

import graphfit as gf
from tests.reference import evidence_likelihoods as shapes
from tests.reference.evidence import linear_evidence, linear_posterior

Priors = tuple[gf.UniformPrior | gf.GaussianPrior | Any, ...]


@dataclass(frozen=True, eq=False)
class EvidenceProblem:
    """A model of one dataset with its exact evidence.

    Attributes
    ----------
    name : str
    dimension : int
        D.
    priors : callable
        Returns D new priors at every call.
    profile : callable
        ``profile(x, point)``, point being the D parameters.
    x, data : ndarray, shape (N,)
    noise : float
        Standard deviation of the data.
    log_evidence : float
        ln Z, exact.
    log_likelihood : callable or None
        ln L of a point as plain numpy; None where the profile is a model of data.
    mean, deviation : ndarray, shape (D,), or None
        Of the posterior, where they are known.
    n_live : int
        Live points that are enough: every peak keeps some.
    has_ties : bool
        Whether points of equal likelihood have a probability.
    periodic : tuple of str
        Names of parameters whose ends are one place.
    conditions : callable
        Of the priors, to conditions that a point must meet.
    """

    name: str
    dimension: int
    priors: Callable[[], Priors]
    profile: Callable[..., Any]
    x: Any
    data: Any
    noise: float
    log_evidence: float
    log_likelihood: Callable[[Sequence[Any]], Any] | None = None
    mean: Any = None
    deviation: Any = None
    n_live: int = 100
    has_ties: bool = False
    periodic: tuple[str, ...] = ()
    conditions: Callable[[Priors], tuple[Any, ...]] = lambda priors: ()

    def model(self) -> gf.Model:
        """Return the model, with new priors."""
        priors = self.priors()
        model = gf.Model(self.profile, point=priors)
        for condition in self.conditions(priors):
            model.add_assertion(condition)
        return model

    def analysis(self) -> gf.ProfileAnalysis:
        """Return the dataset."""
        return gf.ProfileAnalysis(x=self.x, data=self.data, noise_map=self.noise)


def written_as_a_misfit(
    log_likelihood: Callable[[Sequence[Any]], Any], highest: float
) -> dict[str, Any]:
    """Return the profile of a likelihood, and the datum; `highest` >= max ln L."""
    noise = exp(-highest) / sqrt(2.0 * pi)

    def profile(x, point):
        # By rounding, ln L may lie above its maximum.
        below = np.maximum(highest - log_likelihood(point), 0.0)
        return 0.0 * x + noise * np.sqrt(2.0 * below)

    return {
        "profile": profile,
        "x": np.zeros(1),
        "data": np.zeros(1),
        "noise": noise,
        "log_likelihood": log_likelihood,
    }


def box(size: int, low: float, high: float) -> Callable[[], Priors]:
    """Return what makes `size` uniform priors."""
    return lambda: tuple(gf.UniformPrior(low, high) for _ in range(size))


def normal(size: int) -> EvidenceProblem:
    return EvidenceProblem(
        f"normal {size}",
        size,
        box(size, -10.0, 10.0),
        **written_as_a_misfit(shapes.correlated, shapes.highest_correlated(size)),
        log_evidence=-size * log(20.0),  # outside the box lies 1e-23
        mean=np.zeros(size),
        deviation=np.ones(size),
        n_live=max(100, 25 * size),
    )


def shells(size: int) -> EvidenceProblem:
    """Around each centre Z is an integral over radii of the surface times the profile."""
    surface = 2.0 * pi ** (size / 2) / special.gamma(size / 2)
    r, w = shapes.SHELL_RADIUS, shapes.SHELL_WIDTH
    # Moments of N(r, w^2): those of radius ** k, for k = D - 1 and D + 1.
    volume, moment = (_normal_moment(size - 1 + more, r, w) for more in (0, 2))
    spread = moment / volume / size
    variance = np.full(size, spread)
    variance[0] += shapes.SHELL_CENTRE**2
    return EvidenceProblem(
        f"shells {size}",
        size,
        box(size, -6.0, 6.0),
        **written_as_a_misfit(shapes.shells, shapes.HIGHEST_SHELLS),
        log_evidence=log(2.0 * surface * volume) - size * log(12.0),
        mean=np.zeros(size),
        deviation=np.sqrt(variance),
        n_live=200,
    )


def _normal_moment(power: int, mean: float, width: float) -> float:
    """E[x^p] of a normal: the sum over even j of C(p, j) mean^(p-j) width^j (j - 1)!!."""
    return sum(
        comb(power, j) * mean ** (power - j) * width**j * prod(range(j - 1, 0, -2))
        for j in range(0, power + 1, 2)
    )


def rosenbrock(size: int, log_evidence: float) -> EvidenceProblem:
    return EvidenceProblem(
        f"rosenbrock {size}",
        size,
        box(size, -5.0, 5.0),
        **written_as_a_misfit(shapes.rosenbrock, 0.0),
        log_evidence=log_evidence,
        # At D = 5 ellipsoids leave ln Z high with 200: by 0.028 +- 0.009 over 1000 seeds.
        n_live=400 if size == 5 else max(100, 40 * size),
    )


def log_gamma_mixture(size: int) -> EvidenceProblem:
    # A log-gamma has mean -0.577 and variance pi^2 / 6 about its centre.
    gamma_axes = [True, False] + [i <= (size + 2) / 2 for i in range(3, size + 1)]
    mean = np.where(gamma_axes, -np.euler_gamma, 0.0)
    mean[2:] += 10.0
    variance = np.where(gamma_axes, pi**2 / 6.0, 1.0)
    variance[:2] += 100.0
    return EvidenceProblem(
        f"log-gamma {size}",
        size,
        box(size, -30.0, 30.0),
        **written_as_a_misfit(
            shapes.log_gamma_mixture, shapes.highest_log_gamma_mixture(size)
        ),
        log_evidence=-size * log(60.0),  # outside the box lies 1e-9
        mean=mean,
        deviation=np.sqrt(variance),
        n_live=250,
    )


def polynomial(x, point):
    """Sum of point[k] x^k."""
    value = 0.0 * x
    for coefficient in point[::-1]:
        value = value * x + coefficient
    return value


def regression(size: int) -> EvidenceProblem:
    """Twelve points of a polynomial of all coefficients 1, noise 0.5, priors N(0.5, 2)."""
    x = np.linspace(-1.0, 1.0, 12)
    design = x[:, None] ** np.arange(size)
    data = design.sum(axis=1) + np.random.default_rng(size).normal(0.0, 0.5, x.size)
    answer = (
        design,
        0.25 * np.eye(x.size),
        np.full(size, 0.5),
        4.0 * np.eye(size),
        data,
    )
    mean, covariance = linear_posterior(*answer)
    return EvidenceProblem(
        f"regression {size}",
        size,
        lambda: tuple(gf.GaussianPrior(0.5, 2.0) for _ in range(size)),
        polynomial,
        x,
        data,
        0.5,
        log_evidence=linear_evidence(*answer),
        mean=mean,
        deviation=np.sqrt(np.diag(covariance)),
        n_live=max(100, 25 * size),
    )


def flat_top_and_bottom() -> EvidenceProblem:
    a, b, h = shapes.FLAT_INSIDE, shapes.FLAT_OUTSIDE, shapes.FLAT_DEPTH
    # The ring between: 2 pi (b - a) times the integral of [a + (b - a) t] exp(-h t) dt.
    first, second = (1.0 - exp(-h)) / h, (1.0 - (1.0 + h) * exp(-h)) / h**2
    ring = 2.0 * pi * (b - a) * (a * first + (b - a) * second)
    total = pi * a**2 + ring + (4.0 - pi * b**2) * exp(-h)
    return EvidenceProblem(
        "flat top and bottom",
        2,
        box(2, -1.0, 1.0),
        **written_as_a_misfit(shapes.flat_top_and_bottom, 0.0),
        log_evidence=log(total / 4.0),
        mean=np.zeros(2),
        has_ties=True,
    )


def stairs() -> EvidenceProblem:
    levels = np.arange(shapes.STAIRS)
    inside = ((levels + 1) ** 2 - levels**2) / shapes.STAIRS**2
    return EvidenceProblem(
        "stairs",
        2,
        box(2, -1.0, 1.0),
        **written_as_a_misfit(shapes.stairs, 0.0),
        log_evidence=log(inside @ np.exp(-shapes.STAIR_HEIGHT * levels)),
        mean=np.zeros(2),
        has_ties=True,
    )


def refused_half() -> EvidenceProblem:
    return EvidenceProblem(
        "refused half",
        2,
        box(2, 0.0, 1.0),
        **written_as_a_misfit(shapes.refused_half, 0.0),
        log_evidence=log((1.0 - 6.0 * exp(-5.0)) / 25.0),
        n_live=250,
    )


def condition() -> EvidenceProblem:
    """The same as above in another way: the model says x < y."""
    return EvidenceProblem(
        "condition",
        2,
        box(2, 0.0, 1.0),
        **written_as_a_misfit(shapes.slope, 0.0),
        log_evidence=2.0 * log((1.0 - exp(-5.0)) / 5.0) - log(2.0),
        n_live=250,
        conditions=lambda priors: (priors[0] < priors[1],),
    )


def island() -> EvidenceProblem:
    """2 pi times the integral of r exp(-a r), over the square's area of 4."""
    a, t = shapes.ISLAND_SLOPE, shapes.ISLAND_SLOPE * shapes.ISLAND_RADIUS
    return EvidenceProblem(
        "island",
        2,
        box(2, -1.0, 1.0),
        **written_as_a_misfit(shapes.island, 0.0),
        log_evidence=log(0.5 * pi * (1.0 - (1.0 + t) * exp(-t)) / a**2),
        mean=np.zeros(2),
        n_live=250,
    )


def wrapped() -> EvidenceProblem:
    """Averaged over angles exp(k cos) is I_0(k); y lies within its box but for 1e-10."""
    return EvidenceProblem(
        "wrapped",
        2,
        lambda: (gf.UniformPrior(0.0, 2.0 * pi), gf.UniformPrior(-4.0, 4.0)),
        **written_as_a_misfit(shapes.wrapped, shapes.HIGHEST_WRAPPED),
        log_evidence=log(special.ive(0, shapes.WRAP_SHARPNESS) / 8.0),
        n_live=200,
        periodic=("point_0",),
    )


def exchangeable(size: int, *, ordered: bool) -> EvidenceProblem:
    """Ordered or not, the evidence is the same: a normalised density in its box."""
    low, high = -6.0, 6.0  # nine widths beyond the outer centres

    def priors() -> Priors:
        one = gf.UniformPrior(low, high)
        return gf.ordered_priors(size, one) if ordered else box(size, low, high)()

    shape = written_as_a_misfit(shapes.exchangeable, shapes.highest_exchangeable(size))
    centres = np.array(shapes.EXCHANGEABLE_CENTRES[size])
    spread = np.sqrt(shapes.EXCHANGEABLE_WIDTH**2 + np.mean(centres**2))
    return EvidenceProblem(
        f"{'ordered' if ordered else 'exchangeable'} {size}",
        size,
        priors,
        **shape,
        log_evidence=-size * log(high - low),
        mean=None if ordered else np.zeros(size),
        deviation=None if ordered else np.full(size, spread),
        n_live=100 if ordered else 200,
    )


def spike_and_slab(size: int) -> EvidenceProblem:
    w, mass, place = shapes.SLAB_WIDTH, shapes.SPIKE_MASS, shapes.SPIKE_PLACE
    inside = special.erf(0.5 / (w * sqrt(2.0)))  # of the slab, along one axis
    total = mass + inside**size
    mean = mass * place / total
    spread = (mass * (shapes.SPIKE_WIDTH**2 + place**2) + w**2) / total - mean**2
    return EvidenceProblem(
        f"spike and slab {size}",
        size,
        box(size, -0.5, 0.5),
        **written_as_a_misfit(
            shapes.spike_and_slab, shapes.highest_spike_and_slab(size)
        ),
        log_evidence=log(total),
        mean=np.full(size, mean),
        # Cutting the slab at five widths takes 1e-5 of its variance.
        deviation=np.full(size, sqrt(spread)),
        n_live=200,
    )


def eggbox() -> EvidenceProblem:
    return EvidenceProblem(
        "eggbox",
        2,
        box(2, 0.0, 10.0 * pi),
        **written_as_a_misfit(shapes.eggbox, shapes.HIGHEST_EGGBOX),
        log_evidence=EGGBOX,
        mean=np.full(2, 5.0 * pi),
        n_live=400,
    )


# By quadrature; test_evidence_problems.py repeats it.
EGGBOX = 235.8559403
ROSENBROCK = {2: -5.8041324, 3: -10.4770293, 5: -19.7324287}

EVIDENCE_PROBLEMS = (
    *(normal(size) for size in (2, 3, 6, 10)),
    *(shells(size) for size in (2, 3, 5)),
    *(rosenbrock(size, value) for size, value in ROSENBROCK.items()),
    eggbox(),
    *(log_gamma_mixture(size) for size in (2, 5)),
    *(regression(size) for size in (3, 6)),
    flat_top_and_bottom(),
    stairs(),
    refused_half(),
    condition(),
    island(),
    wrapped(),
    exchangeable(2, ordered=False),
    exchangeable(2, ordered=True),
    exchangeable(3, ordered=True),
    spike_and_slab(3),
)
