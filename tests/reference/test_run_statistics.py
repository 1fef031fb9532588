"""The statistics of many runs are right where the truth is known: on simulated runs."""

import numpy as np
import pytest
from scipy import stats

from tests.reference.run_statistics import (
    event_counts,
    evidence_report,
    insertion_p_value,
    reliability,
    uniform_p_value,
)


def perfect_runs(count, n_live, volume, rng):
    """Nested sampling without a sampler: L = exp(-X / v), volumes shrink by beta variates.

    Returns ln Z by ``ln X_i = -i / n`` and by ``i ln(n / (n + 1))``, and sqrt(H / n).
    """
    steps = np.arange(12 * n_live)
    step = rng.beta(n_live, 1.0, size=(count, steps.size))
    true_volume = np.exp(np.cumsum(np.log(step), axis=1))
    likelihood = np.exp(-true_volume / volume)
    found = []
    for shrink in (np.exp(-1.0 / n_live), n_live / (n_live + 1.0)):
        at = shrink ** (steps + 1.0)
        found.append(np.log(likelihood @ (shrink**steps - at)))
    information = -np.log(volume) - 1.0
    return found, np.full(count, np.sqrt(information / n_live))


def test_perfect_runs_are_found_to_be_so(rng):
    volume = 1e-3  # ln Z = ln v but for exp(-1 / v)
    (in_log, in_value), error = perfect_runs(400, 50, volume, rng)
    report = evidence_report(in_log - np.log(volume), error)
    assert abs(report.standard_errors) < 3
    assert abs(report.spread - 1) < 3 * report.spread_error
    # What is right for Z on average is error^2 / 2 high in ln Z.
    report = evidence_report(in_value - np.log(volume), error, 0.5 * error**2)
    assert abs(report.standard_errors) < 3
    report = evidence_report(in_log - np.log(volume) + 0.2, error)
    assert report.standard_errors > 8
    assert report.bias == pytest.approx(0.2, abs=0.06)
    assert str(report).startswith("400 runs: bias +0.")


def test_scatter_beyond_the_stated_error_shows(rng):
    report = evidence_report(rng.normal(0.0, 0.3, 200), np.full(200, 0.2))
    assert report.spread == pytest.approx(1.5, abs=0.2)
    assert report.spread_error == pytest.approx(0.05, abs=1e-3)


def insertion_counts(n_live, bins, rng, *, tight=0.0):
    """Histograms of 100 runs; `tight` is the share of lowest ranks that is missed."""
    ranks = rng.integers(0, n_live, size=(100, 3000))
    missed = (ranks == 0) & (rng.random(ranks.shape) < tight)
    ranks = np.where(missed, n_live - 1, ranks)
    places = (ranks + rng.random(ranks.shape)) / n_live * bins
    return np.array([np.bincount(row, minlength=bins) for row in places.astype(int)])


@pytest.mark.parametrize("n_live", [100, 50, 130, 12])
def test_uniform_insertion_ranks_pass_and_others_do_not(n_live, rng):
    assert insertion_p_value(insertion_counts(n_live, 20, rng)) > 1e-3
    biased = insertion_counts(n_live, 20, rng, tight=0.5)
    assert insertion_p_value(biased) < 1e-6


@pytest.mark.parametrize(("count", "n_draws"), [(50, 7), (400, 31)])
def test_bands_hold_uniform_ranks_as_often_as_they_say(count, n_draws, rng):
    found = [
        uniform_p_value(rng.integers(0, n_draws + 1, count), n_draws)
        for _ in range(300)
    ]
    # Ranks are whole numbers, so p lies at 0.1 or above for at least nine in ten.
    for level in (0.1, 0.5):
        share = np.mean(np.array(found) < level)
        assert share < level + 3.5 * np.sqrt(level * (1 - level) / 300)
    assert np.mean(np.array(found) < 0.5) > 0.3


def test_bands_leave_out_what_is_not_uniform(rng):
    n_draws, count = 31, 1000
    u = rng.random(count)
    too_narrow = stats.norm.cdf(1.3 * stats.norm.ppf(u))
    shifted = stats.norm.cdf(stats.norm.ppf(u) + 0.2)
    for values in (too_narrow, shifted):
        assert (
            uniform_p_value(np.floor(values * (n_draws + 1)).astype(int), n_draws)
            < 1e-3
        )
    with pytest.raises(ValueError, match="above 31"):
        uniform_p_value([32], n_draws)


def test_event_counts_are_binomial_where_chances_are_equal():
    np.testing.assert_allclose(
        event_counts(np.full(20, 0.3)), stats.binom.pmf(range(21), 20, 0.3), atol=1e-15
    )
    np.testing.assert_allclose(event_counts([0.5, 0.1]), [0.45, 0.5, 0.05])


def test_reliability(rng):
    edges = [0.0, 0.2, 0.5, 0.8, 1.0]
    truth = rng.random(3000)
    happened = rng.random(3000) < truth
    bins = reliability(truth, happened, edges)
    assert [item.count for item in bins] == np.histogram(truth, edges)[0].tolist()
    assert min(item.p_value for item in bins) > 1e-3
    overconfident = truth**2 / (truth**2 + (1 - truth) ** 2)
    assert min(i.p_value for i in reliability(overconfident, happened, edges)) < 1e-6
    empty = reliability([0.1], [False], edges)[3]
    assert (empty.count, empty.happened, empty.p_value) == (0, 0, 1.0)
    assert str(empty).startswith("0 of 0 where 0.0")
