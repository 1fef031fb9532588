"""The importance sampler that is the truth of other tests, on integrals that are known."""

from math import log, pi

import numpy as np
import pytest
from scipy import stats

from tests.reference.importance_evidence import importance_evidence

SEEDS = 8
QUICK = {"draws": 10_000, "round_draws": 3_000, "components": 4, "rounds": 3}


def wedge(units):
    """A likelihood whose posterior has edges: exp(-20 u_0) sin^2(pi u_1) over the cube."""
    return -20.0 * units[:, 0] + 2.0 * np.log(np.sin(pi * units[:, 1]))


WEDGE = log((1.0 - np.exp(-20.0)) / 20.0) + log(0.5)


def peaks(units):
    """Two correlated normals far apart, one of them three times the other."""
    covariance = np.full((4, 4), 0.8) + 0.2 * np.eye(4)
    parts = [
        stats.multivariate_normal(np.full(4, centre), 0.02**2 * covariance).logpdf(
            units
        )
        for centre in (0.3, 0.7)
    ]
    return np.logaddexp(parts[0] + log(0.75), parts[1] + log(0.25))


def both_peaks(count, rng):
    centres = np.where(rng.random(count) < 0.75, 0.3, 0.7)
    return centres[:, None] + 0.02 * rng.standard_normal((count, 4))


def corner_of_the_wedge(count, rng):
    return np.column_stack([rng.uniform(0.0, 0.2, count), rng.uniform(0.2, 0.8, count)])


@pytest.mark.parametrize(
    ("log_likelihood", "first", "truth"),
    [(wedge, corner_of_the_wedge, WEDGE), (peaks, both_peaks, 0.0)],
    ids=["wedge", "peaks"],
)
def test_ln_z_and_its_error(log_likelihood, first, truth, rng):
    found = [
        importance_evidence(log_likelihood, first(1000, rng), rng, **QUICK)
        for _ in range(SEEDS)
    ]
    pulls = np.array([(item.log_evidence - truth) / item.error for item in found])
    # 1e-4 of false alarms: chi-square of SEEDS pulls, from both sides.
    low, high = stats.chi2.ppf([5e-5, 1.0 - 5e-5], SEEDS)
    assert low < (pulls**2).sum() < high
    assert max(item.error for item in found) < 0.02
    assert min(item.effective_size for item in found) > 2000
    assert max(item.largest_weight for item in found) < 0.01


def test_moments(rng):
    found = importance_evidence(peaks, both_peaks(1000, rng), rng, **QUICK)
    mean, deviation = found.moments(found.units)
    spread = np.sqrt(0.02**2 + 0.75 * 0.25 * 0.4**2)
    # Of as many draws as the effective size says, at five standard errors.
    tolerance = 5.0 * spread / np.sqrt(found.effective_size)
    np.testing.assert_allclose(mean, 0.75 * 0.3 + 0.25 * 0.7, atol=tolerance)
    np.testing.assert_allclose(deviation, spread, atol=tolerance)


def test_a_peak_that_the_first_points_miss_is_found_by_the_uniform_part(rng):
    near = 0.7 + 0.02 * rng.standard_normal((1000, 2))

    def wide_peaks(units):
        parts = [
            stats.multivariate_normal([centre] * 2, 0.05**2).logpdf(units)
            for centre in (0.3, 0.7)
        ]
        return np.logaddexp(*parts) - log(2.0)

    found = importance_evidence(wide_peaks, near, rng, **QUICK)
    assert abs(found.log_evidence) < 5.0 * found.error < 0.1


def test_what_is_wider_than_the_first_points_is_found_by_the_wider_part(rng):
    """A tenth of Z is a pedestal without a first point; one round, so no second look."""
    size = 5
    core, pedestal = (
        stats.multivariate_normal(np.full(size, 0.5), width**2 * np.eye(size))
        for width in (0.01, 0.05)
    )

    def log_likelihood(units):
        parts = core.logpdf(units) + log(0.9), pedestal.logpdf(units) + log(0.1)
        return np.logaddexp(*parts)

    first = core.rvs(2000, random_state=rng)
    found = importance_evidence(log_likelihood, first, rng, **{**QUICK, "rounds": 1})
    assert abs(found.log_evidence) < 4.0 * found.error
    assert found.error < 0.01  # without the wider part it is 0.024
