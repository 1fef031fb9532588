"""ProfileAnalysis: masked points, and parameters of the noise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.errors import ModelError, UnknownNameError
from tests.analysis.profiles import (
    NOISES,
    Noise,
    Quadratic,
    X,
    instance_of,
    line,
    straight,
)
from tests.reference import slow_likelihoods as slow

# --- masks -------------------------------------------------------------------------


def test_masked_points_are_left_out(data, noise):
    mask = np.zeros(17, bool)
    mask[[0, 4, 16]] = True
    holed, holed_noise, holed_x = data.copy(), noise.copy(), X.copy()
    holed[[0, 4, 16]] = [np.nan, np.inf, -np.inf]
    holed_noise[[0, 4, 16]] = [0.0, -1.0, np.nan]
    holed_x[0] = np.nan
    masked = gf.ProfileAnalysis(holed_x, holed, holed_noise, mask=mask)
    short = gf.ProfileAnalysis(X[~mask], data[~mask], noise[~mask])
    for method in ("log_likelihood_function", "chi_squared"):
        found = getattr(masked, method)(straight())
        assert found == pytest.approx(getattr(short, method)(straight()), rel=1e-14)
    assert masked.data_point_count() == 14
    assert masked.model_data(straight()).shape == (17,)
    np.testing.assert_array_equal(masked.mask, mask)
    assert repr(masked) == (
        "ProfileAnalysis(17 points, 3 masked, likelihood='gaussian')"
    )


@pytest.mark.parametrize("settings", NOISES)
@given(
    mask=st.lists(st.booleans(), min_size=17, max_size=17).filter(lambda m: not all(m))
)
def test_any_mask_is_the_same_as_fewer_points(settings, mask):
    mask = np.array(mask)
    counts = np.arange(17.0) % 5
    masked = gf.ProfileAnalysis(X, counts, mask=mask, **settings)
    short = gf.ProfileAnalysis(X[~mask], counts[~mask], **settings)
    model = Quadratic(0.3)
    found = masked.log_likelihood_function(model)
    assert found == pytest.approx(short.log_likelihood_function(model), rel=1e-13)


def test_the_model_sees_every_x():
    """A profile may depend on neighbours, as a smoothed one does."""
    seen = []

    def smooth(x, level):
        seen.append(x.size)
        return np.cumsum(np.full_like(x, level))

    mask = X < 0
    analysis = gf.ProfileAnalysis(X, np.arange(1.0, 18.0), 1.0, mask=mask)
    assert analysis.chi_squared(instance_of(smooth, level=1.0)) == 0.0
    assert seen == [17]


def test_masked_arrays(data):
    hidden = np.ma.MaskedArray(data, mask=X > 4.0)
    noisy = np.ma.masked_less(np.where(X < -2.0, -1.0, 0.5), 0.0)
    analysis = gf.ProfileAnalysis(X, hidden, noisy, mask=X == 0.0)
    np.testing.assert_array_equal(analysis.mask, (X > 4.0) | (X < -2.0) | (X == 0.0))
    planes = np.ma.MaskedArray(np.stack([X, X]), mask=np.stack([X > 4.0, X < 0.0]))
    analysis = gf.ProfileAnalysis(planes, data, 1.0)
    np.testing.assert_array_equal(analysis.mask, (X > 4.0) | (X < 0.0))


# --- parameters of the noise -------------------------------------------------------


def test_jitter_beside_a_line(data, noise):
    """The extra parameter is a plain prior in the collection, and no profile."""
    model = gf.Collection(
        line=gf.Model(line, slope=gf.UniformPrior(0, 5), offset=1.0),
        jitter=gf.LogUniformPrior(1e-3, 1.0),
    )
    assert model.parameter_names == ("line.slope", "jitter")
    instance = model.instance_from_vector([2.0, 0.3])
    np.testing.assert_array_equal(instance(X), line(X, 2.0, 1.0))
    analysis = gf.ProfileAnalysis(X, data, noise, jitter="jitter")
    sigma = slow.jittered(noise, 0.3)
    expected = slow.gaussian(data, line(X, 2.0, 1.0), sigma)
    found = analysis.log_likelihood_function(instance)
    assert found == pytest.approx(expected, rel=1e-13)
    chi_squared = slow.chi_squared(data, line(X, 2.0, 1.0), sigma)
    assert analysis.chi_squared(instance) == pytest.approx(chi_squared, rel=1e-13)
    program = lower(as_graph(model, analysis))
    found = program.log_likelihood(np.array([2.0, 0.3]))
    assert found == pytest.approx(expected, rel=1e-13)


@given(jitter=st.floats(0.0, 10.0), sign=st.sampled_from([-1.0, 1.0]))
def test_jitter_against_scipy(jitter, sign):
    rng = np.random.default_rng(5)
    y, errors = rng.normal(size=17), rng.uniform(0.1, 1.0, 17)
    analysis = gf.ProfileAnalysis(X, y, errors, jitter="jitter")
    instance = gf.ModelInstance({"line": straight(), "jitter": sign * jitter})
    sigma = np.sqrt(errors**2 + jitter**2)
    expected = stats.norm.logpdf(y, line(X, 2.0, 1.0), sigma).sum()
    assert analysis.log_likelihood_function(instance) == pytest.approx(
        expected, rel=1e-12
    )


def component_in_a_collection():
    model = gf.Collection(
        line=gf.Model(Quadratic, a=1.0), noise=gf.Model(Noise, jitter=0.3)
    )
    return model.instance_from_vector([])


def numbers_in_a_collection():
    model = gf.Collection(
        line=gf.Model(Quadratic, a=1.0), noise=gf.Collection(jitter=0.3, nu=4.0)
    )
    return model.instance_from_vector([])


@pytest.mark.parametrize("make", [component_in_a_collection, numbers_in_a_collection])
def test_a_path_to_the_noise(data, noise, make):
    analysis = gf.ProfileAnalysis(
        X,
        data,
        noise,
        likelihood="student_t",
        jitter="noise.jitter",
        degrees_of_freedom="noise.nu",
    )
    expected = slow.student_t(data, X * X, slow.jittered(noise, 0.3), 4.0)
    found = analysis.log_likelihood_function(make())
    assert found == pytest.approx(expected, rel=1e-13)


def test_a_property_of_a_class(data):
    analysis = gf.ProfileAnalysis(X, data, 0.5, jitter="jitter")
    model = Quadratic(1.0, log_jitter=math.log(0.3))
    expected = slow.gaussian(data, X * X, slow.jittered([0.5] * 17, 0.3))
    assert analysis.log_likelihood_function(model) == pytest.approx(expected, rel=1e-13)


def test_jitter_alone(data):
    analysis = gf.ProfileAnalysis(X, data, jitter="jitter")
    assert analysis.noise_map is None
    model = gf.ModelInstance({"line": straight(), "jitter": 0.4})
    expected = slow.gaussian(data, line(X, 2.0, 1.0), [0.4] * 17)
    assert analysis.log_likelihood_function(model) == pytest.approx(expected, rel=1e-13)
    nothing = gf.ModelInstance({"line": straight(), "jitter": 0.0})
    with pytest.raises(gf.FitException, match="no noise at all"):
        analysis.log_likelihood_function(nothing)


@pytest.mark.parametrize(
    ("path", "kind", "phrases"),
    [
        ("jiter", UnknownNameError, ["jitter='jiter'", "Did you mean 'jitter'?"]),
        ("line.jitter", UnknownNameError, ["ProfileInstance has no 'jitter'", "slope"]),
        ("quadratic.jiter", UnknownNameError, ["Quadratic", "Did you mean 'jitter'?"]),
        ("line", ModelError, ["one number", "line(slope=2.0"]),
        ("several", ModelError, ["one number", "(1.0, 2.0)"]),
    ],
)
def test_a_parameter_that_is_not_there(data, path, kind, phrases):
    analysis = gf.ProfileAnalysis(X, data, 1.0, jitter=path)
    children = {"line": straight(), "quadratic": Quadratic(1.0)}
    instance = gf.ModelInstance({**children, "several": (1.0, 2.0), "jitter": 0.3})
    with pytest.raises(kind) as caught:
        analysis.log_likelihood_function(instance)
    for phrase in phrases:
        assert phrase in str(caught.value)
