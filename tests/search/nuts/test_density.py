"""The density over y: equal to its slow twin, with the gradient of differences."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphfit as gf
from graphfit.compiler import lower
from graphfit.search.nuts.choice import has_choice
from graphfit.search.nuts.formulation import Formulation


def shape(x, a, b, c):
    return a * np.exp(-((x - b) ** 2)) + c


X = np.linspace(-1.0, 2.0, 7)
DATA = np.array([0.3, 0.1, 1.2, 1.9, 0.8, 0.2, -0.4])


def fit_of(model):
    analysis = gf.ProfileAnalysis(X, DATA, 0.7)
    return gf.FactorGraphModel(gf.AnalysisFactor(model, analysis))


def of(a, b=0.3, c=0.1):
    return fit_of(gf.Model(shape, a=a, b=b, c=c))


def width():
    return gf.GammaPrior(3.0, 0.4)


def hyper():
    return gf.GaussianPrior(0.5, 0.3)


PLAIN = {
    "uniform": lambda: gf.UniformPrior(-1.0, 3.0),
    "log-uniform": lambda: gf.LogUniformPrior(0.1, 20.0),
    "gaussian": lambda: gf.GaussianPrior(1.0, 2.0),
    "truncated": lambda: gf.TruncatedGaussianPrior(1.0, 2.0, 0.5, 4.0),
    "above": lambda: gf.TruncatedGaussianPrior(1.0, 2.0, 0.5, inf),
    "below": lambda: gf.TruncatedGaussianPrior(1.0, 2.0, -inf, 1.5),
    "log-gaussian": lambda: gf.LogGaussianPrior(0.0, 0.5),
    "truncated log-gaussian": lambda: gf.LogGaussianPrior(0.0, 0.5, 0.5, 3.0),
    "log-gaussian below": lambda: gf.LogGaussianPrior(0.0, 0.5, 0.0, 3.0),
    "log-gaussian above": lambda: gf.LogGaussianPrior(0.0, 0.5, 0.5, inf),
    "half-gaussian": lambda: gf.HalfGaussianPrior(2.0),
    "half-cauchy": lambda: gf.HalfCauchyPrior(2.0),
    "student": lambda: gf.StudentTPrior(3.0, 1.0, 2.0),
    "beta": lambda: gf.BetaPrior(2.0, 3.0, -1.0, 3.0),
    "gamma": lambda: gf.GammaPrior(2.0, 1.5),
    "exponential": lambda: gf.ExponentialPrior(1.5),
    "inverse gamma": lambda: gf.InverseGammaPrior(3.0, 2.0),
}
CONDITIONAL = {
    "uniform": lambda: gf.UniformPrior(hyper() - 2.0, 2.5 + width()),
    "log-uniform": lambda: gf.LogUniformPrior(0.1 * width(), 5.0 + width()),
    "gaussian": lambda: gf.GaussianPrior(hyper(), width()),
    "truncated": lambda: gf.TruncatedGaussianPrior(hyper(), width(), 0.2, 4.0),
    "moving limit": lambda: gf.TruncatedGaussianPrior(
        hyper(), width(), hyper() - 2.0, inf
    ),
    "log-gaussian": lambda: gf.LogGaussianPrior(hyper(), width()),
    "half-gaussian": lambda: gf.HalfGaussianPrior(width()),
    "half-cauchy": lambda: gf.HalfCauchyPrior(width()),
    "student": lambda: gf.StudentTPrior(2.0 + width(), hyper(), width()),
    "beta": lambda: gf.BetaPrior(width(), 1.0 + width(), hyper() - 2.0, 4.0),
    "gamma": lambda: gf.GammaPrior(1.0 + width(), width()),
    "exponential": lambda: gf.ExponentialPrior(width()),
    "inverse gamma": lambda: gf.InverseGammaPrior(1.0 + width(), width()),
    "relation": lambda: gf.GaussianPrior(
        np.exp(0.3 * hyper()) + 0.5 * hyper(), np.hypot(width(), 0.1)
    ),
}


def chain_of_normals():
    """(a, b, c) of a normal with correlations: each conditional on those before."""
    mean, scale = hyper(), width()
    a = gf.GaussianPrior(mean, scale)
    b = gf.GaussianPrior(0.2 + 0.8 * (a - mean), 0.6 * scale)
    c = gf.GaussianPrior(0.1 - 0.5 * (a - mean) + 0.3 * b, 0.5 * scale)
    return of(a, b, c)


def ordered(base):
    return lambda: of(*gf.ordered_priors(3, base()))


def with_condition():
    model = gf.Model(shape, a=gf.UniformPrior(0, 3), b=gf.UniformPrior(0, 3), c=0.0)
    model.add_assertion(model.a < model.b + 5.0)
    return fit_of(model)


def in_python():
    return gf.FactorGraphModel(
        gf.AnalysisFactor(
            gf.Collection(a=gf.UniformPrior(0.0, 3.0), b=hyper()), Quartic()
        )
    )


class Quartic(gf.Analysis):
    def log_likelihood_function(self, instance):
        return -((instance.a - 1.0) ** 4) - np.sqrt(instance.a) * instance.b**2


GRAPHS = {
    **{f"plain {name}": lambda make=make: of(make()) for name, make in PLAIN.items()},
    **{
        f"conditional {name}": lambda make=make: of(make())
        for name, make in CONDITIONAL.items()
    },
    "chain": chain_of_normals,
    "ordered uniform": ordered(lambda: gf.UniformPrior(-1.0, 3.0)),
    "ordered gaussian": ordered(lambda: gf.GaussianPrior(0.5, 1.0)),
    "ordered exponential": ordered(lambda: gf.ExponentialPrior(1.0)),
    "ordered truncated": ordered(lambda: gf.TruncatedGaussianPrior(0.5, 1.0, 0.0, 3.0)),
    "ordered conditional": ordered(lambda: gf.UniformPrior(hyper() - 2.0, 3.0)),
    "condition": with_condition,
    "python": in_python,
}
MADE = {}


def chains_of(name):
    """The density in each form that the graph can have, made once."""
    if name not in MADE:
        program = lower(GRAPHS[name]())
        plan = Formulation(program, "auto")
        choice = np.array([has_choice(prior) for prior in program.space.priors])
        forms = [np.zeros_like(choice)] + ([choice] if choice.any() else [])
        MADE[name] = [plan.density(form).chain() for form in forms]
    return MADE[name]


def slow_log_density(chain, y):
    """ln L + ln p + ln |d theta / d y|, the last by differences of a triangular map."""
    program, theta = chain.density.program, chain.theta(y)
    jacobian = np.array(
        [
            (chain.theta(y + step) - chain.theta(y - step)) / (2 * step.max())
            for step in 1e-5 * np.eye(y.size)
        ]
    )
    log_slope = np.linalg.slogdet(jacobian)[1]
    prior = float(program.log_prior(theta))
    return program.log_likelihood(theta) + prior + log_slope


@pytest.mark.parametrize("name", GRAPHS)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_density_and_gradient(name, data):
    for chain in chains_of(name):
        size = chain.density.dimension
        numbers = st.floats(-1.5, 1.5)
        y = np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)))
        value, slope = chain(y)
        assert np.isfinite(value)
        # The differences of the Jacobian have an error of 1e-10 of a curvature.
        assert value == pytest.approx(slow_log_density(chain, y), rel=1e-6, abs=1e-6)
        steps = 1e-5 * np.eye(size)
        expected = [(chain(y + e)[0] - chain(y - e)[0]) / 2e-5 for e in steps]
        np.testing.assert_allclose(
            slope, expected, rtol=2e-5, atol=2e-5 * max(1.0, np.abs(slope).max())
        )


@pytest.mark.parametrize("name", GRAPHS)
def test_the_inverse(name):
    rng = np.random.default_rng(3)
    for chain in chains_of(name):
        for y in rng.normal(size=(3, chain.density.dimension)):
            back = chain.density.inverse(chain.theta(y))
            np.testing.assert_allclose(back, y, atol=1e-7)


@pytest.mark.parametrize("name", GRAPHS)
def test_far_out_it_is_small_or_no_number_and_never_outside(name):
    rng = np.random.default_rng(4)
    for chain in chains_of(name):
        space = chain.density.program.space
        for y in rng.normal(scale=60.0, size=(20, chain.density.dimension)):
            value, slope = chain(y)
            assert value < 1e4
            assert np.isfinite(slope).all()
            theta = chain.theta(y)
            if np.isfinite(theta).all() and value > -inf:
                low, high = space.support(theta)
                assert np.all((low <= theta) & (theta <= high))


def test_plain_priors_are_of_order_one():
    """The prior's middle 68 % lie at |y| < 5, wherever theta is."""
    for make in PLAIN.values():
        prior = make()
        chain = Formulation(lower(of(prior)), "auto").density(np.array([False])).chain()
        for unit in (0.16, 0.5, 0.84):
            y = chain.density.inverse(np.array([prior.value_for(unit)]))
            assert np.abs(y[0]) < 5.0


def test_a_broken_condition_is_no_point():
    model = gf.Model(shape, a=gf.UniformPrior(0, 3), b=gf.UniformPrior(0, 3), c=0.0)
    model.add_assertion(model.a < model.b)
    chain = Formulation(lower(fit_of(model)), "auto").density(np.zeros(2, bool)).chain()
    assert chain(np.array([1.0, 0.0]))[0] == -inf
    assert chain(np.array([0.0, 1.0]))[0] > -inf


def test_a_vanishing_scale_loses_no_digits():
    """Non-centred, the density of y does not know the scale: 1e-12 is as good as 1."""
    mean, scale = gf.GaussianPrior(50.0, 1.0), gf.LogUniformPrior(1e-15, 10.0)
    chain = Formulation(lower(of(gf.GaussianPrior(mean, scale))), "auto").density(
        np.zeros(3, bool)
    )
    order = list(chain.program.space.names)
    y = np.zeros(3)
    y[order.index(order[0])] = 1.3
    chain = chain.chain()
    y[2] = -3.0
    value, slope = chain(y)
    moved = y.copy()
    moved[0] = -1.3
    # Even in y of the member, as the scale is far below the noise.
    assert chain(moved)[0] == pytest.approx(value, abs=1e-3)
    assert slope[0] == pytest.approx(-1.3, abs=1e-3)
