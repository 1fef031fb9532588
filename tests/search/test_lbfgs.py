"""LBFGS against maxima of the posterior that are known in closed form."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ConvergenceWarning, ResultError
from tests.exam import COUNTS, Counts, Function, correlated, single, square, wedge


def mode(graph, **settings):
    return gf.LBFGS(seed=1, **settings).fit(graph).record.values[0]


def test_a_mode_at_the_bound():
    """ln L rises beyond the upper limit: the mode is the limit."""
    model = gf.Collection(x=gf.UniformPrior(-1.0, 2.0), y=gf.UniformPrior(-1.0, 1.0))
    found = mode(single(model, Function(lambda v: 3.0 * v[0] - (v[1] - 0.25) ** 2)))
    assert found[0] == pytest.approx(2.0, abs=1e-8)
    assert found[0] <= 2.0
    assert found[1] == pytest.approx(0.25, abs=1e-5)


def test_a_mode_at_both_kinds_of_lower_bound():
    model = gf.Collection(a=gf.LogUniformPrior(0.5, 8.0), b=gf.HalfGaussianPrior(1.0))
    found = mode(single(model, Function(lambda v: -v.sum())))
    # A hair inside: a scale of exactly zero has no density.
    np.testing.assert_allclose(found, [0.5, 0.0], atol=1e-7)
    assert np.all(found >= [0.5, 0.0])


def test_a_scale_with_a_log_uniform_prior():
    """Poisson counts: d/dr [S ln r - n r - ln r] = 0 at r = (S - 1) / n."""
    graph = single(gf.Collection(rate=gf.LogUniformPrior(1e-3, 1e3)), Counts(COUNTS))
    assert mode(graph)[0] == pytest.approx((COUNTS.sum() - 1) / COUNTS.size, rel=1e-6)


def test_a_narrow_posterior_on_a_wide_log_prior_is_found():
    """Twelve decades of prior, a posterior of one part in a thousand."""
    model = gf.Collection(a=gf.LogUniformPrior(1e-6, 1e6))
    graph = single(model, Function(lambda v: -0.5 * ((v[0] - 37.0) / 0.03) ** 2))
    # p(a) = 1 / a moves the mode by -sigma^2 / a; forward differences are good for a
    # thousandth of sigma.
    assert mode(graph)[0] == pytest.approx(37.0 - 0.03**2 / 37.0, abs=3e-5)


def test_a_strongly_correlated_posterior():
    found = mode(square(correlated, -10.0, 10.0))
    np.testing.assert_allclose(found, 0.0, atol=1e-6)


def test_a_mode_beside_a_refused_region():
    """ln L rises towards the corner that the likelihood refuses."""
    found = mode(square(lambda v: -wedge(v)))
    assert found.sum() <= 1.0
    assert found.sum() == pytest.approx(1.0, abs=0.05)


def test_the_best_of_two_modes():
    def two(v):
        near = np.exp(-0.5 * np.sum((v - 0.2) ** 2) / 0.03**2)
        return float(np.log(near + 2 * np.exp(-0.5 * np.sum((v - 0.8) ** 2) / 0.03**2)))

    np.testing.assert_allclose(mode(square(two)), 0.8, atol=1e-3)


def test_more_starts_never_give_a_worse_optimum():
    graph = square(lambda v: float(np.cos(9 * v).sum() - 0.1 * v.sum()))
    found = [
        gf.LBFGS(seed=3, n_starts=n).fit(graph).log_likelihood for n in (1, 2, 4, 8)
    ]
    assert found == sorted(found)


def test_the_iteration_cap_is_kept():
    graph = square(correlated, -10.0, 10.0)
    start = [5.0, -3.0]
    with pytest.warns(ConvergenceWarning, match=r"maxiter=1 .*Raise maxiter"):
        short = gf.LBFGS(seed=1, maxiter=1, n_starts=1).fit(graph, start=start)
    full = gf.LBFGS(seed=1, n_starts=1).fit(graph, start=start)
    assert short.record.evaluations < full.record.evaluations
    assert short.log_likelihood < full.log_likelihood


def test_a_likelihood_that_is_zero_everywhere_is_an_error():
    def nowhere(v):
        raise gf.FitException

    with pytest.raises(ResultError, match=r"-inf at all of 200 draws .* start="):
        mode(square(nowhere))


def test_an_optimum_has_no_errors_to_ask_for():
    results = gf.LBFGS(seed=1).fit(square(correlated, -10.0, 10.0))
    for question in (
        lambda: results[0].errors_at_sigma(1.0),
        lambda: results[0].values_at_sigma(1.0),
        lambda: results.covariance_matrix,
    ):
        with pytest.raises(ResultError, match="no posterior"):
            question()
    assert np.isnan(results.log_evidence)
