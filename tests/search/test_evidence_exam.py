"""The short form of the exam on exact evidences; tests/calibration/ has the long one.

A compiled sampler sits all of it.  A sampler in Python leaves out the problems that take it
ten seconds a run, and the second form of an engine has a few.
"""

import numpy as np
import pytest

import graphfit as gf
from graphfit.samples import summary
from tests.cases import ALL_SEARCHES
from tests.nested_samplers import COSTLY, NESTED_SEARCHES, many_runs, one_run
from tests.reference.evidence_problems import EVIDENCE_PROBLEMS

SEEDS = 3
BRIEF = {
    "DynestyDynamic": (
        "normal 2",
        "regression 3",
        "stairs",
        "island",
        "spike and slab 3",
    ),
    "NestedSampler by slices": (
        "normal 6",
        "shells 3",
        "rosenbrock 3",
        "regression 3",
        "stairs",
        "condition",
        "island",
        "wrapped",
        "ordered 3",
        "spike and slab 3",
    ),
}


def sits(search, problem):
    if search.name in BRIEF:
        return problem.name in BRIEF[search.name]
    return search.is_compiled or problem.name not in COSTLY


SEATS = [
    pytest.param(search, problem, id=f"{search.name}-{problem.name}")
    for search in NESTED_SEARCHES
    for problem in EVIDENCE_PROBLEMS
    if sits(search, problem)
]


@pytest.mark.parametrize(("search", "problem"), SEATS)
def test_evidence_and_posterior(search, problem):
    for seed in range(SEEDS if search.is_compiled else 1):
        result = one_run(search, problem, seed)
        assert result.status == 0
        error = result.log_evidence_error
        # Four standard errors: 1 in 16 000 by chance.
        assert abs(result.log_evidence - problem.log_evidence) < 4.0 * error
        assert 0.0 < error < 0.6
        record = result.samples.record
        assert record.weights.sum() == pytest.approx(1.0, abs=1e-12)
        best = tuple(record.values[record.best])
        if problem.log_likelihood is not None:
            expected = float(problem.log_likelihood(best))
            assert record.log_likelihood[record.best] == pytest.approx(
                expected, abs=1e-9
            )


@pytest.mark.parametrize("name", ["regression 3", "regression 6"])
def test_amplitudes_integrated_out_leave_the_evidence(name):
    """All of these parameters enter linearly: nothing is left to sample."""
    problem = next(item for item in EVIDENCE_PROBLEMS if item.name == name)
    search = gf.NestedSampler(n_live=problem.n_live, seed=1)
    result = search.fit(problem.model(), problem.analysis())
    # Products of design, noise and priors, of condition 1e3.
    assert result.log_evidence == pytest.approx(problem.log_evidence, abs=1e-9)
    record = result.samples.record
    miss = (record.weights @ record.values - problem.mean) / problem.deviation
    assert np.all(np.abs(miss) < 4.0 / np.sqrt(summary.effective_sample_size(record)))


def test_every_nested_search_is_examined():
    listed = {case.name for case in ALL_SEARCHES if case.kind == "nested"}
    assert listed <= {search.name for search in NESTED_SEARCHES}


def test_many_runs_are_runs_of_different_seeds():
    search = NESTED_SEARCHES[0]
    problem = next(item for item in EVIDENCE_PROBLEMS if item.name == "stairs")
    runs = many_runs(search, problem, 4)
    assert len(set(runs.log_evidence.tolist())) == 4
    assert runs.mean.shape == runs.deviation.shape == (4, 2)
    assert np.all(np.abs(runs.log_evidence - problem.log_evidence) < 4.0 * runs.error)
    assert runs.insertion_counts is None
