"""Data that are drawn from the ready-made likelihoods."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.analysis.noise import simulated_values

COUNT = 20_000
X = np.arange(float(COUNT))


def flat(x, height):
    return height + 0.0 * x


def instance(height, **more):
    model = gf.Model(flat, height=height)
    if more:
        model = gf.Collection(line=model, **more)
    return model.instance_from_vector([])


@pytest.mark.parametrize(
    ("likelihood", "sigma", "twin"),
    [
        ("gaussian", 2.0, stats.norm(3.0, 2.0)),
        ("student_t", 2.0, stats.t(4.0, 3.0, 2.0)),
    ],
)
def test_the_distribution(likelihood, sigma, twin):
    drawn = simulated_values(
        np.random.default_rng(1),
        likelihood,
        np.full(COUNT, 3.0),
        np.full(COUNT, sigma),
        4.0,
    )
    assert stats.kstest(drawn, twin.cdf).pvalue > 0.01


def test_counts():
    drawn = simulated_values(
        np.random.default_rng(1), "poisson", np.full(COUNT, 3.0), None, 0.0
    )
    assert drawn.dtype == float
    assert drawn.mean() == pytest.approx(3.0, abs=0.05)
    assert drawn.var() == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "at", "deviation"),
    [
        ({"noise_map": 2.0}, instance(5.0), 2.0),
        ({"noise_map": 3.0, "jitter": "jitter"}, instance(5.0, jitter=4.0), 5.0),
        ({"jitter": "jitter"}, instance(5.0, jitter=4.0), 4.0),
        ({"likelihood": "poisson"}, instance(5.0), np.sqrt(5.0)),
        (
            {"noise_map": 1.0, "likelihood": "student_t", "degrees_of_freedom": "nu"},
            instance(5.0, nu=6.0),
            np.sqrt(1.5),
        ),
    ],
    ids=["gaussian", "jitter", "jitter alone", "poisson", "student_t"],
)
def test_a_profile(settings, at, deviation):
    analysis = gf.ProfileAnalysis(X, np.ones(COUNT), **settings)
    again = analysis.simulate(at, np.random.default_rng(1))
    assert again.data.mean() == pytest.approx(5.0, abs=5.0 * deviation / COUNT**0.5)
    assert again.data.std() == pytest.approx(deviation, rel=0.05)
    for name in ("likelihood", "jitter", "degrees_of_freedom"):
        assert getattr(again, name) == getattr(analysis, name)
    assert (analysis.data == 1.0).all()
    assert again.data_point_count() == COUNT


def test_masked_points_and_limits_stay():
    data = np.array([1.0, np.nan, 3.0, 4.0])
    analysis = gf.ProfileAnalysis(
        np.arange(4.0),
        data,
        1.0,
        mask=np.isnan(data),
        upper_limits=[False, False, True, False],
    )
    again = analysis.simulate(instance(2.0), np.random.default_rng(1))
    np.testing.assert_array_equal(again.mask, analysis.mask)
    assert again.data[2] == 3.0
    assert np.isnan(again.data[1])
    assert (again.data[[0, 3]] != data[[0, 3]]).all()


def test_the_example_analysis():
    analysis = gf.ex.Analysis(np.zeros(2000), np.full(2000, 0.5))
    line = gf.ex.Gaussian(centre=1000.0, normalization=3e3, sigma=300.0)
    again = analysis.simulate(line, np.random.default_rng(1))
    assert analysis.chi_squared(line) > again.chi_squared(line)
    assert again.chi_squared(line) == pytest.approx(2000.0, abs=4.0 * np.sqrt(4000.0))


def test_one_of_ones_own_must_say_how():
    class Silent(gf.Analysis):
        pass

    with pytest.raises(NotImplementedError, match="define simulate.*Silent"):
        Silent().simulate(None, np.random.default_rng(1))
