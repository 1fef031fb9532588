"""Normal coordinates: every family there and back, the same as the unit cube's."""

import numpy as np
import pytest
from scipy import special

import graphfit as gf
from graphfit.compiler import lower
from graphfit.model.space import ParameterSpace
from graphfit.search.expectation_propagation.factor_part import (
    factor_parts,
    tilted_problem,
)
from graphfit.search.expectation_propagation.message import Message
from graphfit.search.expectation_propagation.normal_form import NormalForm

Z = np.linspace(-4.0, 4.0, 41)

FAMILIES = [
    gf.UniformPrior(-3.5, 100.0),
    gf.LogUniformPrior(0.05, 20.0),
    gf.GaussianPrior(50.0, 0.1),
    gf.TruncatedGaussianPrior(10.0, 2.0, 0.0, 100.0),
    gf.LogGaussianPrior(2.0, 0.3),
    gf.HalfGaussianPrior(2.0),
    gf.HalfCauchyPrior(2.0),
    gf.StudentTPrior(3.0, 0.0, 1.0),
    gf.BetaPrior(2.0, 3.0),
    gf.GammaPrior(2.0, 3.0),
    gf.ExponentialPrior(2.0),
    gf.InverseGammaPrior(2.0, 3.0),
]
by_family = {"ids": lambda prior: type(prior).__name__}


@pytest.mark.parametrize("prior", FAMILIES, **by_family)
def test_there_and_back(prior):
    form = NormalForm([prior])
    theta = form.to_physical(Z[None])
    assert np.all(np.diff(theta[0]) > 0.0)
    np.testing.assert_allclose(
        theta[0], prior.value_for(special.ndtr(Z)), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(form.to_normal(theta)[0], Z, rtol=1e-8, atol=1e-8)


def test_far_tails_keep_their_digits():
    """A Gaussian is its own coordinate: no way through a probability of 1."""
    form = NormalForm([gf.GaussianPrior(1.0, 2.0)])
    np.testing.assert_array_equal(form.to_physical(np.array([[30.0]])), [[61.0]])
    np.testing.assert_array_equal(form.to_normal(np.array([[61.0]])), [[30.0]])


def hierarchy():
    mu, tau = gf.GaussianPrior(1.0, 2.0, name="mu"), gf.LogGaussianPrior(0.0, 0.5)
    theta = gf.GaussianPrior(mean=mu + gf.relation(max, mu, 0.0), sigma=tau)
    return gf.Collection(a=theta, b=gf.ExponentialPrior(tau), mu=mu, tau=tau)


def test_conditional_priors_are_those_of_the_model():
    space = ParameterSpace(hierarchy())
    form = NormalForm(space.priors)
    normal = np.random.default_rng(1).normal(size=(4, 9))
    theta = form.to_physical(normal)
    for column in range(9):
        expected = space.transform(special.ndtr(normal[:, column]))
        np.testing.assert_allclose(theta[:, column], expected, rtol=1e-10)
    np.testing.assert_allclose(form.to_normal(theta), normal, atol=1e-9)
    expected = space.log_prior(space.values(theta))
    np.testing.assert_allclose(form.log_density(theta, range(4)), expected, rtol=1e-12)


def test_arguments_that_make_no_density_give_nan():
    mu = gf.GaussianPrior(0.0, 1.0)
    form = NormalForm([gf.GaussianPrior(0.0, mu), mu])
    theta = form.to_physical(np.array([[1.0, 1.0], [1.0, -1.0]]))
    np.testing.assert_array_equal(theta[0], [1.0, np.nan])


@pytest.mark.parametrize("prior", FAMILIES, **by_family)
@pytest.mark.parametrize("normal_locals", [False, True])
def test_a_tilted_problem_is_the_factor_in_other_coordinates(prior, normal_locals):
    """Its likelihood at e is the factor's at theta(mean + root e, local), compiled."""

    def flat(x, level, own):
        return level + own + 0.0 * x

    factors = [
        gf.AnalysisFactor(
            gf.Model(flat, level=prior, own=gf.UniformPrior(0.0, 2.0)),
            gf.ProfileAnalysis(np.zeros(2), np.array([1.0, 2.0]), noise_map=0.5),
        )
        for _ in range(2)
    ]
    shared, parts = factor_parts(gf.FactorGraphModel(*factors))
    assert shared == (prior,)
    cavity = Message.of_moments(np.array([0.3]), np.array([[0.25]]))
    problem = tilted_problem(parts[0], cavity, normal_locals=normal_locals)
    program = lower(problem.graph)
    assert program.is_compiled
    order = {item: i for i, item in enumerate(program.space.priors)}
    for e in (-1.3, 0.4):
        theta = np.empty(2)
        theta[order[problem.whitened[0]]] = e
        theta[order[problem.local[0]]] = 0.7
        own = 2.0 * special.ndtr(0.7) if normal_locals else 0.7
        level = prior.value_for(special.ndtr(0.3 + 0.5 * e))
        left = (np.array([1.0, 2.0]) - level - own) / 0.5
        expected = -0.5 * left @ left - 2.0 * np.log(0.5 * np.sqrt(2.0 * np.pi))
        assert program.log_likelihood(theta) == pytest.approx(expected, rel=1e-9)
