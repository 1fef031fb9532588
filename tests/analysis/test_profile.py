"""ProfileAnalysis: its likelihoods, and the models that it can call."""

import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.errors import LikelihoodError, ModelError
from tests.analysis.profiles import (
    NOISES,
    Noise,
    Quadratic,
    X,
    bell,
    instance_of,
    line,
    plane,
    straight,
)
from tests.reference import slow_likelihoods as slow

# --- the three likelihoods ---------------------------------------------------------


def test_gaussian(data, noise):
    analysis = gf.ProfileAnalysis(X, data, noise)
    model = line(X, 2.0, 1.0)
    found = analysis.log_likelihood_function(straight())
    assert type(found) is float
    assert found == pytest.approx(slow.gaussian(data, model, noise), rel=1e-13)
    expected = slow.chi_squared(data, model, noise)
    assert analysis.chi_squared(straight()) == pytest.approx(expected, rel=1e-13)
    assert analysis.data_point_count() == 17


def test_it_agrees_with_the_example_analysis(rng):
    y, errors = rng.normal(size=30), rng.uniform(0.5, 1.0, 30)
    example = gf.ex.Analysis(data=y, noise_map=errors)
    analysis = gf.ProfileAnalysis(np.arange(30), y, errors)
    component = gf.ex.Gaussian(centre=12.0, normalization=3.0, sigma=4.0)
    for method in ("log_likelihood_function", "chi_squared"):
        found = getattr(analysis, method)(component)
        assert found == pytest.approx(getattr(example, method)(component), rel=1e-13)


@pytest.mark.parametrize("nu", [0.5, 1, 3.0, np.float32(8)])
def test_student_t(data, noise, nu):
    analysis = gf.ProfileAnalysis(
        X, data, noise, likelihood="student_t", degrees_of_freedom=nu
    )
    found = analysis.log_likelihood_function(straight())
    expected = slow.student_t(data, line(X, 2.0, 1.0), noise, float(nu))
    assert found == pytest.approx(expected, rel=1e-13)


def test_poisson(rng):
    counts = rng.poisson(bell(X, 20.0, 1.0, 2.0) + 1.0)
    analysis = gf.ProfileAnalysis(X, counts, likelihood="poisson")
    instance = gf.Collection(
        line=gf.Model(bell, height=20.0, centre=1.0, width=2.0),
        background=gf.Model(line, slope=0.0, offset=1.0),
    ).instance_from_vector([])
    rate = bell(X, 20.0, 1.0, 2.0) + 1.0
    found = analysis.log_likelihood_function(instance)
    assert found == pytest.approx(slow.poisson(counts, rate), rel=1e-13)
    pearson = slow.chi_squared(counts, rate, np.sqrt(rate))
    assert analysis.chi_squared(instance) == pytest.approx(pearson, rel=1e-13)


def test_poisson_refuses_impossible_rates():
    analysis = gf.ProfileAnalysis([0.0, 1.0], [3, 0], likelihood="poisson")
    for slope, offset, expected in (
        (-3.0, 3.0, 3.0 * math.log(3.0) - 3.0 - math.log(6.0)),  # no rate, no counts
        (3.0, 0.0, -math.inf),  # no rate, three counts
        (-4.0, 3.0, -math.inf),  # a negative rate
    ):
        found = analysis.log_likelihood_function(straight(slope, offset))
        assert found == pytest.approx(expected), (slope, offset)


# --- models that can be called -----------------------------------------------------


def test_a_class_with_a_call():
    analysis = gf.ProfileAnalysis(X, X * X, 1.0)
    assert analysis.chi_squared(Quadratic(1.0)) == 0.0


def test_a_collection_is_the_sum_of_its_profiles(data):
    model = gf.Collection(
        first=gf.Collection(a=gf.Model(line, slope=1.0, offset=0.0), scale=3.0),
        second=gf.Model(Quadratic, a=2.0),
        pixel_scale=0.1,
    )
    analysis = gf.ProfileAnalysis(X, data, 1.0)
    found = analysis.model_data(model.instance_from_vector([]))
    np.testing.assert_allclose(found, X + 2.0 * X * X, rtol=1e-15)


def test_several_variables(rng):
    x, y = rng.normal(size=(2, 40))
    observed = plane(x, y, 2.0, -1.0)
    model = gf.Model(plane, independent_vars=("x", "y"), along=2.0, across=-1.0)
    for given_x in (np.stack([x, y]), (x, y), [x.tolist(), y.tolist()]):
        analysis = gf.ProfileAnalysis(given_x, observed, 0.1)
        assert analysis.chi_squared(model.instance_from_vector([])) == 0.0
    one = gf.ProfileAnalysis(x[None, :], line(x, 2.0, 1.0), 0.1)
    assert one.chi_squared(straight()) == 0.0


@pytest.mark.parametrize("kind", [np.float32, np.int64, ">f8", bool])
def test_a_model_may_return_other_numbers(kind):
    analysis = gf.ProfileAnalysis(X, np.ones(17), 1.0)
    assert analysis.chi_squared(lambda x: np.ones(x.shape, kind)) == 0.0
    assert analysis.chi_squared(lambda x: [1] * x.size) == 0.0


def test_a_model_cannot_change_x(data):
    def careless(x, centre):
        x -= centre
        return x

    analysis = gf.ProfileAnalysis(X, data, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        analysis.log_likelihood_function(instance_of(careless, centre=1.0))


@pytest.mark.parametrize(
    ("profile", "phrases"),
    [
        (lambda x: x[:5], ["(5,)", "(17,)"]),
        (lambda x: 3.0, ["()", "(17,)", "np.full_like"]),
        (lambda x: x[None, :], ["(1, 17)", "(17,)"]),
        (lambda x: None, ["()", "(17,)"]),
        (lambda x: x + 1j, ["complex128", "real"]),
        (lambda x: x.astype(str), ["<U", "real"]),
    ],
)
@pytest.mark.parametrize(
    "method", ["log_likelihood_function", "chi_squared", "model_data", "residuals"]
)
def test_a_wrong_shape_or_kind(data, profile, phrases, method):
    analysis = gf.ProfileAnalysis(X, data, 1.0)
    with pytest.raises(ModelError) as caught:
        getattr(analysis, method)(profile)
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_a_wrong_shape_names_the_profile(data):
    def level(x, height):
        return height

    analysis = gf.ProfileAnalysis(X, data, 1.0)
    with pytest.raises(ModelError, match=r"the model level returned shape \(\)"):
        analysis.model_data(instance_of(level, height=1.0))


def test_a_model_that_cannot_be_called(data):
    analysis = gf.ProfileAnalysis(X, data, 1.0)
    with pytest.raises(
        ModelError, match=r"Noise cannot be called; define its __call__"
    ):
        analysis.log_likelihood_function(Noise(1.0))
    with pytest.raises(TypeError, match="No component"):
        analysis.log_likelihood_function(gf.ModelInstance({"a": 1.0}))


def test_a_users_type_error_is_the_users(data):
    analysis = gf.ProfileAnalysis(X, data, 1.0)
    with pytest.raises(TypeError, match="'int' and 'str'"):
        analysis.log_likelihood_function(lambda x: x.size + "1")


def test_the_number_of_variables_is_checked_before_a_fit(data):
    two = gf.ProfileAnalysis(np.stack([X, X]), data, 1.0)
    model = gf.Collection(tilt=gf.Model(line, slope=gf.UniformPrior(0, 1), offset=0.0))
    with pytest.raises(ModelError) as caught:
        lower(as_graph(model, two))
    for phrase in ("2 independent variables", "tilt = line", "(x)", "independent_vars"):
        assert phrase in str(caught.value)
    one = gf.ProfileAnalysis(X, data, 1.0)
    flat = gf.Model(
        plane, independent_vars=("x", "y"), along=gf.UniformPrior(0, 1), across=0.0
    )
    with pytest.raises(ModelError, match=r"1 independent variable, but .*\(x, y\)"):
        lower(as_graph(flat, one))


# --- NaN and infinity --------------------------------------------------------------


@pytest.mark.parametrize("settings", NOISES)
def test_nan_is_never_silent(settings):
    analysis = gf.ProfileAnalysis(X, np.ones(17), **settings)
    program = lower(as_graph(gf.Model(Quadratic, a=gf.UniformPrior(0, 1)), analysis))
    with pytest.raises(LikelihoodError, match=r"returned nan[\s\S]* a = nan"):
        program.log_likelihood(np.array([np.nan]))


@pytest.mark.parametrize("settings", NOISES)
def test_an_infinite_model_is_impossible(settings):
    analysis = gf.ProfileAnalysis(X, np.ones(17), **settings)
    for values in (np.full(17, np.inf), np.where(X > 0.0, np.inf, 1.0)):
        model = gf.ProfileInstance(lambda x, a, values=values: values, {"a": 1.0})
        assert analysis.log_likelihood_function(model) == -math.inf
