"""Emcee: what it says of its chain, and where it begins."""

import re

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ConvergenceWarning, ResultError
from graphfit.samples import summary
from tests.exam import regression, slope, square, wedge

PROBLEM = regression(2)


def test_mean_and_covariance_of_the_conjugate_posterior():
    record = gf.Emcee(seed=1, nsteps=4000).fit(PROBLEM.make()).record
    count = summary.effective_sample_size(record)
    assert count > 1000
    width = np.sqrt(np.diag(PROBLEM.covariance))
    miss = (summary.mean(record) - PROBLEM.mean) / width
    assert np.all(np.abs(miss) < 4 / np.sqrt(count))
    found = summary.covariance(record) / np.outer(width, width)
    expected = PROBLEM.covariance / np.outer(width, width)
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(2 / count))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Emcee")  # short chains, on purpose
def test_the_effective_sample_size_counts_autocorrelation():
    """The scatter of the mean over seeds is that of as many independent draws."""
    means, counts = [], []
    for seed in range(16):
        record = gf.Emcee(seed=seed, nwalkers=8, nsteps=800, discard=0.2, thin=1).fit(
            PROBLEM.make()
        )
        means.append(summary.mean(record.record)[0])
        counts.append(record.effective_sample_size)
        assert record.effective_sample_size < 0.2 * len(record.record)
    scatter = np.std(means, ddof=1)
    stated = np.sqrt(PROBLEM.covariance[0, 0] / np.mean(counts))
    # 16 numbers know their scatter to 1 / sqrt(30) = 0.18; the time is a maximum.
    assert 0.5 < scatter / stated < 1.5


def test_a_short_chain_is_a_warning_that_says_what_to_do():
    with pytest.warns(ConvergenceWarning) as caught:
        gf.Emcee(seed=1, nsteps=200).fit(PROBLEM.make())
    message = str(caught[0].message)
    assert re.search(
        r"Emcee: 100 steps after burn-in are only \d+ autocorrelation times", message
    )
    assert "Raise nsteps" in message


@pytest.mark.parametrize(("thin", "kept"), [(1, 800), (4, 200), (800, 1)])
def test_thinning_and_burn_in(thin, kept):
    search = gf.Emcee(seed=1, nwalkers=4, nsteps=1000, discard=0.2, thin=thin)
    with pytest.warns(ConvergenceWarning):
        record = search.fit(PROBLEM.make()).record
    assert len(record) == kept * 4
    assert record.weights == pytest.approx(np.full(kept * 4, 1 / (kept * 4)))


@pytest.mark.filterwarnings("ignore:Emcee")
def test_it_stays_inside_the_prior_and_out_of_what_is_refused():
    record = gf.Emcee(seed=1, nwalkers=8, nsteps=2000).fit(square(wedge)).record
    assert np.all((record.values >= 0) & (record.values <= 1))
    assert np.all(record.values.sum(axis=1) <= 1)
    assert np.all(np.isfinite(record.log_likelihood))


@pytest.mark.parametrize("begin", ["map", "prior"])
def test_both_beginnings_find_the_posterior(begin):
    search = gf.Emcee(seed=2, nwalkers=12, nsteps=3000, discard=0.2, begin=begin)
    record = search.fit(PROBLEM.make()).record
    width = np.sqrt(np.diag(PROBLEM.covariance))
    miss = (summary.mean(record) - PROBLEM.mean) / width
    assert np.all(np.abs(miss) < 4.5 / np.sqrt(summary.effective_sample_size(record)))


def test_no_place_to_begin_is_an_error():
    def nowhere(v):
        raise gf.FitException

    search = gf.Emcee(seed=1, nwalkers=4, nsteps=10, begin="prior")
    with pytest.raises(ResultError, match=r"no place to begin.*start="):
        search.fit(square(nowhere))


def test_there_is_no_evidence():
    with pytest.warns(ConvergenceWarning):
        results = gf.Emcee(seed=1, nsteps=50).fit(square(slope))
    assert np.isnan(results.log_evidence)
    assert np.isnan(results.log_evidence_error)
    assert "evidence" not in results.info.lower()
