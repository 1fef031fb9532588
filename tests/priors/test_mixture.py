"""Mixtures as priors, and free weights by breaking a stick."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import Program
from graphfit.compiler.unit_cube import UnitCube
from graphfit.errors import PriorError
from graphfit.model.space import ParameterSpace
from graphfit.priors import MixturePrior


def conditional(family):
    """A mixture whose mean and weights are parameters, with one beside it."""
    mean = gf.UniformPrior(-1.0, 1.0)
    weights = gf.stick_breaking(2)
    parts = [family(mean, 0.5), family(1.0 + mean, 0.25)]
    return gf.Collection(mean=mean, x=MixturePrior(weights, parts))


@pytest.mark.parametrize("family", [gf.GaussianPrior, gf.LogGaussianPrior])
def test_machine_code_has_the_quantiles_of_the_arrays(family, rng):
    space = ParameterSpace(conditional(family))
    cube = UnitCube(space)
    assert cube.way == "compiled", cube.reason
    for u in np.vstack([rng.random((50, 3)), [0.5, 0.0, 0.5], [0.5, 1.0, 0.5]]):
        possible, values = cube(u)
        np.testing.assert_allclose(values, space.transform(u), rtol=1e-10)
        assert (possible == 0.0) == np.isfinite(values).all() or possible == 0.0


def test_other_families_are_transformed_in_python():
    parts = [gf.GaussianPrior(0, 1), gf.StudentTPrior(3)]
    space = ParameterSpace(gf.Collection(x=MixturePrior([1, 1], parts)))
    cube = UnitCube(space)
    assert cube.way == "python"
    assert "mixture of the families Gaussian, Student t" in cube.reason
    _, values = cube([0.3])
    assert values[0] == space.transform([0.3])[0]


def test_impossible_arguments_are_told_by_machine_code():
    sigma = gf.UniformPrior(-1.0, 1.0)
    parts = [gf.GaussianPrior(0, 1), gf.GaussianPrior(0, sigma)]
    space = ParameterSpace(gf.Collection(s=sigma, x=MixturePrior([1, 1], parts)))
    assert UnitCube(space)([0.2, 0.3])[0] == -np.inf
    assert UnitCube(space)([0.8, 0.3])[0] == 0.0


def test_hyper_parameters_have_names():
    model = conditional(gf.GaussianPrior)
    assert model.parameter_names == ("mean", "x", "x.weight_0.stick_0")


def test_mixtures_of_mixtures():
    inner = MixturePrior([1, 3], [gf.GaussianPrior(0, 1), gf.GaussianPrior(5, 1)])
    prior = MixturePrior([0.5, 0.5], [inner, gf.GaussianPrior(-4, 2)])
    x = np.linspace(-8, 8, 9)
    expected = 0.5 * stats.norm.pdf(x, -4, 2) + 0.125 * stats.norm.pdf(x)
    expected += 0.375 * stats.norm.pdf(x, 5, 1)
    np.testing.assert_allclose(np.exp(prior.log_density_at(x)), expected, rtol=1e-12)
    np.testing.assert_allclose(
        prior.value_for(prior.unit_for(x)), x, rtol=1e-9, atol=1e-12
    )


def test_a_model_with_a_mixture_is_written_and_read():
    model = conditional(gf.GaussianPrior)
    again = gf.Collection.from_dict(model.dict())
    u = [0.3, 0.6, 0.2]
    assert again.parameter_names == model.parameter_names
    values = [list(m.vector_from_unit_vector(u)) for m in (again, model)]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("weights", "components", "words"),
    [
        ([0.5], [gf.GaussianPrior(0, 1)] * 2, "1 weights for 2 components"),
        ([0.5, -0.1], [gf.GaussianPrior(0, 1)] * 2, "must be 0 or above"),
        ([0, 0], [gf.GaussianPrior(0, 1)] * 2, "must not all be zero"),
        ([1], [0.0], "must be a prior such as"),
        ([1], [gf.FlatPrior()], "has no total probability"),
        ([1], gf.ordered_priors(1, gf.UniformPrior()), "must be a prior such as"),
        (0.5, [gf.GaussianPrior(0, 1)], "weights must be a list"),
        (["a"], [gf.GaussianPrior(0, 1)], r"weights\[0\] must be a number"),
        ([], [], "must be a list with one item"),
    ],
)
def test_what_makes_no_mixture(weights, components, words):
    with pytest.raises(PriorError, match=words):
        MixturePrior(weights, components)


# --- free weights ------------------------------------------------------------------


@pytest.mark.parametrize("alphas", [1.0, 0.5, [2.0, 1.0, 4.0]])
def test_weights_are_a_dirichlet_draw(alphas, rng):
    weights = gf.stick_breaking(3, alphas)
    model = gf.Collection(a=weights[0], b=weights[1], c=weights[2])
    space = ParameterSpace(model)
    assert space.names == ("a.stick_0", "b.stick_1")
    theta = space.transform_given(rng.random((2, 4000)), {})
    drawn = space.derived(space.values(theta))
    np.testing.assert_allclose(drawn.sum(axis=0), 1.0, rtol=1e-14)
    full = np.broadcast_to(alphas, 3)
    for k in range(3):
        law = stats.beta(full[k], full.sum() - full[k])
        assert stats.kstest(drawn[k], law.cdf).pvalue > 1e-3
    expected = stats.dirichlet(full).cov()
    np.testing.assert_allclose(np.cov(drawn), expected, atol=0.15 * expected.max())


def test_their_density_is_dirichlet_s_up_to_the_jacobian(rng):
    alphas = [2.0, 1.5, 4.0]
    weights = gf.stick_breaking(3, alphas)
    program = Program(
        gf.FactorGraphModel(gf.AnalysisFactor(gf.Collection(*weights), Constant()))
    )
    for u in rng.random((5, 2)):
        v = program.prior_transform(u)
        w = program.space.derived(program.space.values(v))
        # d(w_0, w_1) / d(v_0, v_1) = 1 - v_0
        expected = stats.dirichlet(alphas).logpdf(w) + np.log(1 - v[0])
        assert program.log_prior(v) == pytest.approx(expected, rel=1e-11)


class Constant(gf.Analysis):
    def log_likelihood_function(self, instance):
        return 0.0


@pytest.mark.parametrize(
    "arguments", [(1,), (2.5,), (3, 0.0), (3, [1.0, 2.0]), (2, "a")]
)
def test_what_breaks_no_stick(arguments):
    with pytest.raises(
        PriorError, match="stick_breaking: (count|concentration) must be"
    ):
        gf.stick_breaking(*arguments)
