"""Is the stated error of ln Z the error that ln Z has?  Many seeds against exact answers.

The expected miss is not quite zero: dynesty's ln Z lies error^2 / 2 high.  With n live
points it takes a step's prior volume to n / (n + 1) of itself, its mean, instead of
exp(-1 / n), the mean of its logarithm; over the n H steps to the posterior that is
H / (2 n), and the error is sqrt(H / n).
"""

import dataclasses
import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.samples import summary
from tests.exam import ALL_PROBLEMS, NORMALS, REGRESSIONS

STATIC = gf.DynestyStatic(nlive=50)
DYNAMIC = gf.DynestyDynamic(nlive_init=50, nlive_batch=50, maxbatch=2)
by_name = {"ids": lambda item: item.name}


def misses(search, problem, seeds):
    """Miss of ln Z and its stated error for each seed, both (seeds,)."""
    found = []
    for seed in seeds:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*plateau.*")
            results = dataclasses.replace(search, seed=seed).fit(problem.make())
        found.append((results.log_evidence, results.log_evidence_error))
    log_evidence, error = np.array(found).T
    return log_evidence - problem.log_evidence, error


def in_standard_errors(miss, error):
    """The mean miss beyond error^2 / 2, in standard errors of the mean."""
    spread = max(float(miss.std(ddof=1)), float(error.mean()))
    return (miss.mean() - 0.5 * np.mean(error**2)) / (spread / np.sqrt(miss.size))


@pytest.mark.slow
def test_ten_seeds_of_four_problems_scatter_as_stated():
    """Each problem by itself, and all together; a weekly run takes 200 seeds of each."""
    all_misses, all_errors = [], []
    for problem in (*REGRESSIONS, *NORMALS):
        miss, error = misses(STATIC, problem, range(10))
        assert abs(in_standard_errors(miss, error)) < 3, problem.name
        # The spread of 10 numbers is uncertain by 1 / sqrt(18) = 0.24 of itself: this
        # notices an error that is wrong by a factor 2.
        assert 0.5 < miss.std(ddof=1) / error.mean() < 1.5, problem.name
        assert np.all(np.abs(miss) < 4 * error), problem.name
        all_misses.append(miss)
        all_errors.append(error)
    # In units of its error every miss has the same distribution.  The spread of 40 of
    # them is uncertain by 1 / sqrt(78) = 0.11, their mean by 1 / sqrt(40) = 0.16.
    error = np.concatenate(all_errors)
    units = np.concatenate(all_misses) / error - 0.5 * error
    assert abs(units.mean()) < 3 / np.sqrt(units.size)
    assert 0.67 < units.std(ddof=1) < 1.33


# Where half of the prior is refused, dynesty 3.1 counts that half wrongly with fewer than
# some 120 live points: ln Z is 0.1 too low with 50.
REFUSING = ("rejected", "condition")


def with_enough_live_points(search, problem):
    """25 a parameter: with 12, bounds are tight enough to raise ln Z by 0.05 at D = 4."""
    count = max(50, 25 * problem.make().global_prior_model.prior_count)
    if problem.name in REFUSING:
        count = 250
    name = "nlive" if isinstance(search, gf.DynestyStatic) else "nlive_init"
    return dataclasses.replace(search, **{name: count})


@pytest.mark.calibration
@pytest.mark.parametrize("search", [STATIC, DYNAMIC], ids=["static", "dynamic"])
@pytest.mark.parametrize("problem", ALL_PROBLEMS, **by_name)
def test_two_hundred_seeds_scatter_as_stated(search, problem):
    search = with_enough_live_points(search, problem)
    miss, error = misses(search, problem, range(1000, 1200))
    spread = miss.std(ddof=1) / error.mean()
    print(
        f"\n{problem.name}: miss {miss.mean():+.3f}, beyond error^2 / 2 "
        f"{in_standard_errors(miss, error):+.1f} standard errors; spread {spread:.2f} of "
        f"the stated {error.mean():.3f}"
    )
    if problem.name == "constant":
        # Every run ends as it begins; dynesty's sum leaves out 1.5 live points of volume.
        assert np.all((miss < 0) & (miss > -2.0 / 50))
        return
    beyond = abs(miss.mean() - 0.5 * np.mean(error**2))
    assert abs(in_standard_errors(miss, error)) < 3 or beyond < 0.02
    # The spread of 200 numbers is uncertain by 1 / sqrt(398) = 0.05 of itself.
    assert 0.85 < spread < 1.15


@pytest.mark.calibration
@pytest.mark.parametrize("problem", REGRESSIONS, **by_name)
def test_the_error_falls_with_the_square_root_of_the_live_points(problem):
    counts = np.array([50, 100, 200, 400])
    spreads = []
    for count in counts:
        search = gf.DynestyStatic(nlive=int(count))
        miss, _ = misses(search, problem, range(2000, 2060))
        spreads.append(miss.std(ddof=1))
    power = np.polyfit(np.log(counts), np.log(spreads), 1)[0]
    # Each of four spreads is uncertain by 0.09; over a factor 8 the power is by 0.06.
    assert power == pytest.approx(-0.5, abs=0.18)


@pytest.mark.calibration
@pytest.mark.parametrize("problem", ALL_PROBLEMS, **by_name)
def test_long_chains_find_the_posterior(problem):
    """Emcee with 20 000 steps: means and variances of every problem that has them."""
    if problem.mean is None:
        pytest.skip("only the evidence is known")
    record = gf.Emcee(seed=1, nsteps=20_000).fit(problem.make()).record
    count = summary.effective_sample_size(record)
    variance = np.diag(summary.covariance(record))
    mean = summary.mean(record)[: variance.size]
    assert np.all(np.abs(mean - problem.mean) < 4.5 * np.sqrt(variance / count))
    if problem.covariance is not None:
        ratio = variance / np.diag(problem.covariance)
        assert np.all(np.abs(ratio - 1) < 4.5 * np.sqrt(2 / count))
