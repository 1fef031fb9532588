"""Upper limits of ProfileAnalysis: likelihood, residuals, files, figures, fits."""

import json
import math
import pickle

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.errors import DataError
from graphfit.io.fingerprint import fingerprint
from tests.analysis.profiles import X, line, straight
from tests.reference import slow_likelihoods as slow

LIMITS = np.arange(X.size) % 3 == 0


def test_a_limit_adds_the_probability_to_lie_below(data, noise):
    analysis = gf.ProfileAnalysis(X, data, noise, upper_limits=LIMITS)
    model = line(X, 2.0, 1.0)
    below = stats.norm.cdf(data[LIMITS], model[LIMITS], noise[LIMITS])
    measured = slow.gaussian(data[~LIMITS], model[~LIMITS], noise[~LIMITS])
    expected = measured + np.log(below).sum()
    found = analysis.log_likelihood_function(straight())
    assert found == pytest.approx(expected, rel=1e-12)
    assert type(found) is float
    assert analysis.data_point_count() == X.size


def test_with_jitter_and_mask(data, noise):
    data[2], mask = np.nan, np.arange(X.size) % 5 == 2
    analysis = gf.ProfileAnalysis(
        X, data, noise, upper_limits=LIMITS, mask=mask, jitter="jitter"
    )
    instance = gf.ModelInstance({"line": straight(), "jitter": 0.7})
    sigma, model = np.hypot(noise, 0.7), line(X, 2.0, 1.0)
    own, limits = ~mask & ~LIMITS, ~mask & LIMITS
    expected = slow.gaussian(data[own], model[own], sigma[own])
    expected += stats.norm.logcdf(data[limits], model[limits], sigma[limits]).sum()
    found = analysis.log_likelihood_function(instance)
    assert found == pytest.approx(expected, rel=1e-12)


def test_only_limits(data):
    analysis = gf.ProfileAnalysis(X, data, 0.5, upper_limits=np.ones(X.size, bool))
    low = analysis.log_likelihood_function(straight(2.0, -50.0))
    assert low == pytest.approx(0.0, abs=1e-12)
    assert analysis.chi_squared(straight(2.0, -50.0)) == 0.0


def test_no_limits_are_as_if_none_were_given(data, noise):
    plain = gf.ProfileAnalysis(X, data, noise)
    none = gf.ProfileAnalysis(X, data, noise, upper_limits=np.zeros(X.size, bool))
    for method in ("log_likelihood_function", "chi_squared"):
        assert getattr(none, method)(straight()) == getattr(plain, method)(straight())


@pytest.mark.parametrize("level", [1e9, 1e160, math.inf])
def test_far_above_a_limit(data, level, recwarn):
    analysis = gf.ProfileAnalysis(X, data, 0.5, upper_limits=np.ones(X.size, bool))
    found = analysis.log_likelihood_function(straight(0.0, level))
    assert found < -1e17
    assert not recwarn.list


def test_residuals_count_violated_limits_only(data, noise):
    analysis = gf.ProfileAnalysis(X, data, noise, upper_limits=LIMITS)
    z = (data - line(X, 2.0, 1.0)) / noise
    expected = np.where(LIMITS, np.minimum(z, 0.0), z)
    found = analysis.standardized_residuals(straight())
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert (found[LIMITS] == 0.0).any()
    assert (found[LIMITS] < 0.0).any()
    chi_squared = analysis.chi_squared(straight())
    assert chi_squared == pytest.approx(np.sum(expected**2), rel=1e-13)
    plain = data - line(X, 2.0, 1.0)
    np.testing.assert_array_equal(analysis.residuals(straight()), plain)


def test_copies_and_identity(data):
    analysis = gf.ProfileAnalysis(X, data, 0.5, upper_limits=LIMITS)
    twin = pickle.loads(pickle.dumps(analysis))
    assert twin.log_likelihood_function(straight()) == analysis.log_likelihood_function(
        straight()
    )
    assert fingerprint(twin) == fingerprint(analysis)
    others = [
        gf.ProfileAnalysis(X, data, 0.5),
        gf.ProfileAnalysis(X, data, 0.5, upper_limits=~LIMITS),
    ]
    assert len({fingerprint(a) for a in (analysis, *others)}) == 3
    assert not analysis.upper_limits.flags.writeable
    assert repr(analysis) == (
        "ProfileAnalysis(17 points, 6 upper limits, likelihood='gaussian')"
    )


def test_save_attributes(tmp_path, data):
    gf.ProfileAnalysis(X, data, 0.5, upper_limits=LIMITS).save_attributes(tmp_path)
    read = json.loads((tmp_path / "upper_limits.json").read_text())
    assert read == LIMITS.tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"upper_limits": LIMITS.astype(int)}, "upper_limits must be boolean"),
        ({"upper_limits": LIMITS[1:]}, "upper_limits has shape"),
        (
            {
                "upper_limits": LIMITS,
                "likelihood": "student_t",
                "degrees_of_freedom": 3.0,
            },
            "takes no upper_limits; leave them out, or use likelihood='gaussian'",
        ),
    ],
)
def test_refused(data, settings, message):
    with pytest.raises(DataError, match=message):
        gf.ProfileAnalysis(X, data, 0.5, **settings)


def test_poisson_has_none():
    with pytest.raises(DataError, match="likelihood='poisson' takes no upper_limits"):
        gf.ProfileAnalysis(X, np.arange(17), likelihood="poisson", upper_limits=LIMITS)


def test_a_fit_uses_limits(rng):
    """Non-detections cut a flat level from above; its posterior is known."""
    data = np.array([1.0, 0.4])
    limits = np.array([False, True])
    analysis = gf.ProfileAnalysis(np.arange(2.0), data, 0.5, upper_limits=limits)
    model = gf.Model(line, slope=0.0, offset=gf.UniformPrior(-5, 5))
    result = gf.LBFGS(seed=1).fit(model, analysis)
    grid = np.linspace(-1.0, 2.0, 300001)
    curve = stats.norm.logpdf(1.0, grid, 0.5) + stats.norm.logcdf(0.4, grid, 0.5)
    assert result.instance.offset == pytest.approx(grid[curve.argmax()], abs=1e-4)


def test_it_can_be_drawn(data):
    model = gf.Model(line, slope=gf.UniformPrior(0, 5), offset=1.0)
    for noise, jitter in ((0.5, None), (None, "slope")):
        analysis = gf.ProfileAnalysis(
            X, data, noise, jitter=jitter, upper_limits=LIMITS, mask=X > 4.0
        )
        result = gf.LBFGS(seed=1).fit(model, analysis)
        figure = gf.plot.fit(result)
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert "upper limit" in texts
