"""Every sampler, every problem of the one list, many seeds: is ln Z what it says it is?

- The mean miss of ln Z is within three standard errors of what a sound run has, or within
  0.02 nat (D <= 6) or 0.05 nat (D = 10).
- ln Z scatters as the runs say, within 15 % or three errors of the scatter itself.
- Insertion ranks, pooled, are uniform (Fowlie, Handley & Su 2020, MNRAS 497, 5256).  They
  see cut corners that no mean of ln Z shows, and miss others: rosenbrock 5.
- Posterior means and standard deviations are right on average.
"""

import numpy as np
import pytest

from tests.nested_samplers import COSTLY, NESTED_SEARCHES, Runs, many_runs
from tests.reference.evidence_problems import EVIDENCE_PROBLEMS
from tests.reference.run_statistics import evidence_report, insertion_p_value

by_name = {"ids": lambda item: item.name}


def moments_in_standard_errors(runs: Runs, problem):
    """How far the mean over runs of the posterior's mean is off, (D,)."""
    miss = runs.mean - problem.mean
    return miss.mean(axis=0) / (miss.std(axis=0, ddof=1) / np.sqrt(len(miss)))


@pytest.mark.calibration
@pytest.mark.parametrize("problem", EVIDENCE_PROBLEMS, **by_name)
@pytest.mark.parametrize("search", NESTED_SEARCHES, **by_name)
def test_many_seeds(search, problem):
    count = search.costly_seeds if problem.name in COSTLY else search.seeds
    runs = many_runs(search, problem, count)
    miss = runs.log_evidence - problem.log_evidence
    report = evidence_report(miss, runs.error, search.expected_miss(runs.error))
    print(
        f"\n{search.name}, {problem.name}: {report}; {runs.evaluations.mean():.0f} calls"
    )
    small = 0.02 if problem.dimension <= 6 else 0.05
    assert abs(report.standard_errors) < 3 or abs(report.bias) < small
    assert abs(report.spread - 1.0) < max(0.15, 3.0 * report.spread_error)
    if runs.insertion_counts is not None and not problem.has_ties:
        p = insertion_p_value(runs.insertion_counts)
        print(f"  insertion ranks: p = {p:.3g}")
        assert p > 1e-3
    if problem.mean is not None:
        # One in 16 000 for each of some fifty parameters.
        assert np.all(np.abs(moments_in_standard_errors(runs, problem)) < 4.0)
    if problem.deviation is not None:
        # A sample's deviation is low by 1 / (4 ESS) of itself, with some 300 samples.
        assert np.all(
            np.abs(runs.deviation.mean(axis=0) / problem.deviation - 1) < 0.05
        )
