"""Mixtures of densities: the root against bisection, and where it is hard to find."""

import numpy as np
import pytest
from scipy import optimize, stats

from graphfit.kernels.mixture import middle, normal_mixture_root
from graphfit.priors import (
    ExponentialPrior,
    GaussianPrior,
    LogUniformPrior,
    MixturePrior,
    UniformPrior,
)

WIDE = MixturePrior([0.5, 0.5], [GaussianPrior(0, 1), GaussianPrior(0, 100)])
STEPS = MixturePrior([0.1, 0.9], [UniformPrior(-1, 0), UniformPrior(-1e3, 1e3)])
DECADES = MixturePrior(
    [0.2, 0.8], [LogUniformPrior(1e-250, 1e250), GaussianPrior(0, 1)]
)


@pytest.mark.parametrize(
    "prior", [WIDE, STEPS, DECADES], ids=["wide", "steps", "decades"]
)
def test_the_root_has_the_probability_asked_for(prior, rng):
    u = np.concatenate([rng.random(300), 10.0 ** rng.uniform(-250, 0, 300)])
    x = prior.value_for(u)
    rounding = np.exp(prior.log_density_at(x)) * np.spacing(np.abs(x))
    off = np.abs(prior.unit_for(x) - u)
    assert (off <= 1e-12 * u + 4 * rounding).all()
    upper = prior.density.inverse_survival(u, *prior.arguments)
    rounding = np.exp(prior.log_density_at(upper)) * np.spacing(np.abs(upper))
    off = np.abs(prior.density.survival(upper, *prior.arguments) - u)
    assert (off <= 1e-12 * u + 4 * rounding).all()


def test_against_plain_bisection(rng):
    for _ in range(20):
        weight, a, b = rng.random(), *rng.uniform(-5, 5, 2)
        s, t = 10.0 ** rng.uniform(-2, 2, 2)
        u = rng.uniform(0.01, 0.99)

        def excess(x, weight=weight, a=a, b=b, s=s, t=t, u=u):
            below = stats.norm.cdf(x, [a, b], [s, t])
            return np.dot([weight, 1 - weight], below) - u

        expected = optimize.brentq(excess, -1e4, 1e4, xtol=1e-13, rtol=1e-14)
        prior = MixturePrior(
            [weight, 1 - weight], [GaussianPrior(a, s), GaussianPrior(b, t)]
        )
        assert prior.value_for(u) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_gap_between_components():
    prior = MixturePrior([1, 1], [UniformPrior(0, 1), UniformPrior(5, 6)])
    assert prior.support == (0.0, 6.0)
    assert 1.0 <= prior.value_for(0.5) <= 5.0
    np.testing.assert_allclose(prior.value_for([0.25, 0.75]), [0.5, 5.5], rtol=1e-12)
    assert prior.log_density_at(3.0) == -np.inf


def test_a_component_without_weight_counts_for_nothing():
    prior = MixturePrior([1.0, 0.0], [ExponentialPrior(1.0), GaussianPrior(-50.0, 1.0)])
    assert prior.support == (0.0, np.inf)
    assert prior.median == pytest.approx(np.log(2.0), rel=1e-12)


def test_weights_are_relative():
    parts = [GaussianPrior(0, 1), GaussianPrior(3, 1)]
    for weights in ([2, 6], [0.25, 0.75]):
        prior = MixturePrior(weights, parts)
        assert prior.unit_for(1.5) == pytest.approx(
            0.25 * stats.norm.cdf(1.5) + 0.75 * stats.norm.cdf(-1.5), rel=1e-14
        )


@pytest.mark.parametrize(
    "arguments",
    [
        (-0.5, 1.5, 0.0, 1.0, 0.0, 1.0),
        (0.0, 0.0, 0.0, 1.0, 0.0, 1.0),
        (0.5, 0.5, 0.0, -1.0, 0.0, 1.0),
        (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
        (np.nan, 0.5, 0.0, 1.0, 0.0, 1.0),
    ],
)
def test_impossible_arguments_make_no_density(arguments):
    density = WIDE.density
    assert density.log_density(0.3, *arguments) == -np.inf
    for function in (density.quantile, density.inverse_survival, density.cdf):
        assert np.isnan(function(0.3, *arguments))


def test_unknown_probabilities_have_no_root():
    assert np.isnan(normal_mixture_root(np.nan, -1.0, 1.0, 1.0, 0.0, 1.0))
    assert np.isnan(normal_mixture_root(0.3, np.nan, 1.0, 1.0, 0.0, 1.0))


def test_halfway_between_floats(rng):
    """At most 64 halvings lie between any two numbers."""
    low, high = -1e300, 1e-300
    for _ in range(64):
        half = float(middle(np.array([low]), np.array([high]))[0])
        assert low <= half <= high
        low, high = (half, high) if rng.random() < 0.5 else (low, half)
    assert high - low <= np.spacing(max(abs(low), abs(high)))
