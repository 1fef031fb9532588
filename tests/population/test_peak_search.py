"""PeakSearch: the evidence of a Gaussian peak, a bound, two peaks, tails."""

from typing import Any

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ConvergenceWarning


def line(x: Any, slope: Any, offset: Any) -> Any:
    return slope * x + offset


class Peaks(gf.Analysis):
    """Two peaks of one parameter, far apart; Python, without a gradient."""

    def __init__(self, distance: float) -> None:
        self.distance = distance

    def log_likelihood_function(self, instance: Any) -> float:
        near, far = instance.a, instance.a - self.distance
        return float(np.logaddexp(-0.5 * near**2, -0.5 * far**2))


class Heavy(gf.Analysis):
    """Tails that no proposal with a variance has."""

    def log_likelihood_function(self, instance: Any) -> float:
        return float(-0.75 * np.log1p(instance.a**2))


def test_the_evidence_is_that_of_nested_sampling() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0.0, 1.0, 50)
    data = gf.ProfileAnalysis(x, 2.0 * x + 1.0 + rng.normal(0, 0.1, 50), noise_map=0.1)
    model = gf.Model(
        line, slope=gf.UniformPrior(-10.0, 10.0), offset=gf.LogUniformPrior(0.01, 100.0)
    )
    found = gf.population.PeakSearch(seed=1).fit(model, data)
    truth = gf.NestedSampler(seed=1, n_live=400, polish=4000).fit(model, data)
    error = np.hypot(found.log_evidence_error, truth.log_evidence_error)
    assert abs(found.log_evidence - truth.log_evidence) < 4.0 * error
    assert found.log_evidence_error < 0.03
    assert found.effective_sample_size > 1000
    assert found.samples.record.evaluations < 5000


def test_the_same_seed_gives_the_same_samples() -> None:
    model = gf.Model(lambda x, a: a + 0.0 * x, a=gf.UniformPrior(-10.0, 10.0))
    data = gf.ProfileAnalysis(np.arange(3.0), np.ones(3), noise_map=1.0)
    search = gf.population.PeakSearch(seed=3, draws=200)
    first, second = (search.fit(model, data).samples.values for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_peak_at_a_bound() -> None:
    # Half of a Gaussian: Z = 1/2 of the whole one, over the width of the prior.
    model = gf.Collection(a=gf.UniformPrior(0.0, 50.0))
    found = gf.population.PeakSearch(seed=1, draws=4000).fit(model, Peaks(0.0))
    expected = np.log(np.sqrt(2.0 * np.pi) / 50.0)  # two equal peaks, half of each
    assert abs(found.log_evidence - expected) < 4.0 * found.log_evidence_error + 0.01


def test_a_second_peak_nearby_is_found() -> None:
    model = gf.Collection(a=gf.UniformPrior(-20.0, 30.0))
    search = gf.population.PeakSearch(seed=1, n_starts=1, draws=4000)
    found = search.fit(model, Peaks(6.0))
    expected = np.log(2.0 * np.sqrt(2.0 * np.pi) / 50.0)
    assert abs(found.log_evidence - expected) < 4.0 * found.log_evidence_error
    assert found.log_evidence_error < 0.1


def test_tails_beyond_the_proposal_are_reported() -> None:
    model = gf.Collection(a=gf.UniformPrior(-1e4, 1e4))
    with pytest.warns(ConvergenceWarning, match="single peak.*NestedSampler"):
        gf.population.PeakSearch(seed=1).fit(model, Heavy())


class Flat(gf.Analysis):
    """A likelihood that says nothing."""

    def log_likelihood_function(self, instance: Any) -> float:
        del instance
        return 0.0


def test_a_flat_posterior_fills_its_prior() -> None:
    model = gf.Collection(a=gf.UniformPrior(0.0, 1.0))
    found = gf.population.PeakSearch(seed=1, draws=2000).fit(model, Flat())
    assert abs(found.log_evidence) < 4.0 * found.log_evidence_error + 1e-6
    assert found.log_evidence_error < 0.1
