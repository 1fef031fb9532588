"""ParameterSpace: one table of values, against formulas written by hand."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.model.space import ParameterSpace
from tests.cases import PROPER_PRIORS
from tests.model.components import half, hypotenuse


def chain() -> gf.Collection:
    """Three levels: x given mean and scatter, the mean given its own."""
    top = gf.UniformPrior(-1.0, 3.0)
    mean = gf.GaussianPrior(top, 2.0)
    scatter = gf.LogUniformPrior(0.5, 5.0)
    x = gf.GaussianPrior(mean=mean + 1.0, sigma=np.exp(-scatter))
    return gf.Collection(x=x, double=2 * x, plain=gf.LogUniformPrior(1.0, 10.0))


def by_hand(u: np.ndarray) -> np.ndarray:
    """The same transform in the order x, plain, mean, scatter, top."""
    top = -1.0 + 4.0 * u[4]
    scatter = 0.5 * 10.0 ** u[3]
    mean = stats.norm.ppf(u[2], top, 2.0)
    x = stats.norm.ppf(u[0], mean + 1.0, np.exp(-scatter))
    return np.array([x, 10.0 ** u[1], mean, scatter, top])


def test_a_conditional_chain_of_three_levels(rng):
    space = ParameterSpace(chain())
    assert space.names == ("x", "plain", "x.mean.input_0", "x.sigma.input_0", TOP)
    for u in rng.random((20, 5)):
        np.testing.assert_allclose(space.transform(u), by_hand(u), rtol=1e-12)


TOP = "x.mean.input_0.mean"


def test_unit_is_the_inverse_of_transform(rng):
    space = ParameterSpace(chain())
    for u in rng.random((20, 5)):
        np.testing.assert_allclose(space.unit(space.transform(u)), u, rtol=1e-9)


def test_log_prior_is_the_sum_of_the_densities(rng):
    space = ParameterSpace(chain())
    for u in rng.random((20, 5)):
        x, plain, mean, scatter, top = theta = space.transform(u)
        expected = (
            stats.norm.logpdf(x, mean + 1.0, np.exp(-scatter))
            + stats.loguniform.logpdf(plain, 1.0, 10.0)
            + stats.norm.logpdf(mean, top, 2.0)
            + stats.loguniform.logpdf(scatter, 0.5, 5.0)
            + stats.uniform.logpdf(top, -1.0, 4.0)
        )
        found = space.log_prior(space.values(theta))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_log_prior_over_every_family(rng):
    priors = [case.make(*case.arguments[0]) for case in PROPER_PRIORS] * 2
    # Two of each family, mixed: they are evaluated by family and put back in place.
    model = gf.Collection(priors[::2] + priors[1::2])
    model = gf.Collection(list(dict.fromkeys(model)))
    space = ParameterSpace(model)
    theta = space.transform(rng.random(space.dimension))
    expected = sum(
        prior.log_density_at(value)
        for prior, value in zip(space.priors, theta, strict=True)
        if not prior.is_conditional
    )
    assert not any(prior.is_conditional for prior in space.priors)
    np.testing.assert_allclose(space.log_prior(space.values(theta)), expected)


def test_outside_the_support_the_log_prior_is_minus_infinity():
    space = ParameterSpace(gf.Collection(a=gf.UniformPrior(0, 1)))
    assert space.log_prior(space.values(np.array([2.0]))) == -np.inf


def test_a_batch_equals_its_rows(rng):
    model = chain()
    model.sum = gf.relation(hypotenuse, model.x, model.plain)
    space = ParameterSpace(model)
    rows = np.array([space.transform(u) for u in rng.random((7, 5))])
    values = space.values(np.ascontiguousarray(rows.T))
    assert values.shape[1] == 7
    for s, theta in enumerate(rows):
        alone = space.values(theta)
        np.testing.assert_array_equal(values[:, s], alone)
        np.testing.assert_array_equal(space.derived(values)[:, s], space.derived(alone))
    log_prior = space.log_prior(values)
    assert log_prior.shape == (7,)
    np.testing.assert_allclose(
        log_prior, [space.log_prior(space.values(theta)) for theta in rows], rtol=1e-14
    )


def test_derived_columns():
    a, b = gf.UniformPrior(0, 1), gf.UniformPrior(0, 1)
    ratio = a / b
    model = gf.Collection(ratio=ratio, again=ratio, power=ratio**2 + half_of(a), c=a)
    space = ParameterSpace(model)
    assert space.derived_names == ("ratio", "power")
    values = space.values(np.array([0.5, 0.25]))
    np.testing.assert_allclose(space.derived(values), [2.0, 4.25], rtol=1e-15)
    assert values[space.slot(ratio)] == 2.0


def half_of(prior):
    return gf.relation(half, prior)


def test_equal_priors_share_one_step():
    model = gf.Collection([gf.UniformPrior(0, i + 1) for i in range(600)])
    space = ParameterSpace(model)
    assert len(space._transform) == 1
    np.testing.assert_allclose(
        space.transform(np.full(600, 0.5)), 0.5 * np.arange(1, 601)
    )


def test_constants_keep_their_sign_and_kind():
    a = gf.UniformPrior(0, 1)
    model = gf.Collection(
        minus=np.copysign(a, -0.0),
        plus=np.copysign(a, 0.0),
        whole=a * 3,
        infinite=np.minimum(a, np.inf),
    )
    space = ParameterSpace(model)
    found = space.derived(space.values(np.array([0.5])))
    np.testing.assert_array_equal(found, [-0.5, 0.5, 1.5, 0.5])


def test_support_and_quantiles_about_a_point():
    lower = gf.UniformPrior(0.0, 1.0)
    model = gf.Collection(
        a=gf.UniformPrior(lower, 5.0), b=gf.GaussianPrior(0.0, 1.0), c=lower
    )
    space = ParameterSpace(model)
    low, high = space.support(np.array([2.0, 0.0, 0.5]))
    np.testing.assert_array_equal(low, [0.5, -np.inf, 0.0])
    np.testing.assert_array_equal(high, [5.0, np.inf, 1.0])
    moved = space.transform_about(np.array([0.1, 0.1, 0.5]), 0.5)
    np.testing.assert_allclose(moved, [2.75, 0.0, 0.5])


def test_arguments_that_make_no_density_give_nan_and_no_density():
    scale = gf.UniformPrior(-1.0, 1.0)
    model = gf.Collection(x=gf.GaussianPrior(0.0, scale), scale=scale)
    space = ParameterSpace(model)
    assert space.is_conditional
    theta = space.transform([0.5, 0.25])
    np.testing.assert_array_equal(theta, [np.nan, -0.5])
    assert space.log_prior(space.values(np.array([0.0, -0.5]))) == -np.inf


def test_a_relation_that_rejects_a_point_gives_nan_for_what_depends_on_it():
    def positive(value):
        if value < 0:
            raise gf.FitException
        return value

    scale = gf.UniformPrior(-1.0, 1.0)
    sigma = gf.relation(positive, scale)
    model = gf.Collection(x=gf.GaussianPrior(0.0, sigma), scale=scale, shown=sigma)
    space = ParameterSpace(model)
    np.testing.assert_array_equal(space.transform([0.5, 0.25]), [np.nan, -0.5])
    with pytest.raises(gf.FitException):
        space.values(np.array([0.0, -0.5]))
    batch = space.values(np.array([[0.0, 0.0], [-0.5, 0.5]]))
    np.testing.assert_array_equal(space.derived(batch), [[np.nan, 0.5]])


def test_a_failing_function_of_a_relation_is_named():
    def inverse(value):
        return 1 / value

    model = gf.Collection(x=gf.relation(inverse, gf.UniformPrior(-1.0, 1.0)))
    with pytest.raises(ModelError) as caught:
        model.instance_from_vector([0.0])
    assert str(caught.value) == (
        "Relation 'x': inverse(0.0) raised ZeroDivisionError: float division by zero."
    )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    "value", [None, "1", 1j, [1.0], np.array([1.0]), np.array([1.0, 2.0]), {}]
)
def test_a_function_that_returns_no_number_is_named(value):
    model = gf.Collection(x=gf.relation(lambda p: value, gf.UniformPrior()))
    with pytest.raises(ModelError, match="must return one number, got") as caught:
        model.instance_from_vector([0.5])
    assert str(caught.value).startswith("Relation 'x': <lambda>(0.5)")


@pytest.mark.parametrize("value", [2, True, np.float32(2.0), np.array(2.0)])
def test_a_function_may_return_any_number(value):
    model = gf.Collection(x=gf.relation(lambda p: value, gf.UniformPrior()))
    assert model.instance_from_vector([0.5]).x == float(value)


def test_priors_that_depend_on_themselves_are_refused():
    prior = gf.GaussianPrior(gf.UniformPrior(), 1.0)
    object.__setattr__(prior, "mean", prior * 2)
    with pytest.raises(ModelError, match="depends on itself"):
        ParameterSpace(gf.Collection(a=prior))


def test_a_number_too_large_for_a_float():
    with pytest.raises(ModelError, match="A relation takes priors, relations and num"):
        ParameterSpace(gf.Collection(a=gf.UniformPrior() * 10**400))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (np.bitwise_not, "np.invert of 1 real numbers"),
        (lambda p: gf.relation(np.add, p), "add"),
        (lambda p: gf.relation(np.modf, p), "np.modf of 1 real numbers"),
        (lambda p: np.matmul(p, p), "np.matmul of 2 real numbers"),
        (lambda p: gf.relation(max, (p, 1.0)), "priors inside a tuple"),
        (lambda p: gf.relation(max, {"a": [p]}), "priors inside a list"),
    ],
)
def test_relations_that_are_no_number_are_refused(make, words):
    with pytest.raises(ModelError) as caught:
        make(gf.UniformPrior())
    assert words in str(caught.value)
