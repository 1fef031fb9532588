"""Every search takes the exam: answers within the errors that the search itself states."""

import warnings

import numpy as np
import pytest

from graphfit.compiler import lower
from graphfit.samples import summary
from tests.cases import ALL_SEARCHES
from tests.exam import ALL_PROBLEMS, PLATEAUS
from tests.reference.evidence import quadrature

SAMPLERS = [case for case in ALL_SEARCHES if case.kind != "optimum"]
OPTIMISERS = [case for case in ALL_SEARCHES if case.kind == "optimum"]

by_name = {"ids": lambda item: item.name}


def fit(search, problem):
    """Fit, allowing dynesty's word on plateaus, which this exam has on purpose."""
    with warnings.catch_warnings():
        if problem in PLATEAUS:
            warnings.filterwarnings("ignore", message=".*plateau.*")
        return search.fit(problem.make())


# 160 cells an axis resolve the narrowest peak, a normal of width 0.22 in a box of 20.
@pytest.mark.parametrize("problem", ALL_PROBLEMS, **by_name)
def test_the_answers_of_the_exam_are_right(problem):
    program = lower(problem.make())
    if program.dimension > 2:
        pytest.skip("quadrature is for two dimensions; the formulas are the same")
    log_evidence, mean = quadrature(program, 160)
    # The refused corner and the condition cut cells in half: first order in 1 / 160.
    edge = problem.name in ("rejected", "condition")
    assert log_evidence == pytest.approx(
        problem.log_evidence, abs=0.03 if edge else 1e-4
    )
    if problem.mean is not None:
        np.testing.assert_allclose(mean, problem.mean, atol=1e-9)


# Chains of four dimensions need more steps than a quick test has: tests/calibration/.
SHORT = {"Emcee": {"nsteps": 200}, "NUTS": {"draws": 40, "tune": 40}}
LONG_CHAINS = ("hierarchy", "two parts", "correlated normal 3", "flat top")


@pytest.mark.parametrize("case", SAMPLERS, **by_name)
@pytest.mark.parametrize("problem", ALL_PROBLEMS, **by_name)
def test_samplers(case, problem):
    """One run, which has to be right in all that it says."""
    is_short = case.kind == "mcmc" and (
        problem.mean is None or problem.name in LONG_CHAINS
    )
    search = case.make(seed=2, **(SHORT[case.name] if is_short else {}))
    with warnings.catch_warnings():
        if is_short:
            warnings.filterwarnings("ignore", message="(Emcee|NUTS): ")  # on purpose
        results = fit(search, problem)
    check_record(case, problem, results)
    if case.kind == "nested":
        check_evidence(problem, results)
    if problem.mean is not None and not is_short:
        check_moments(problem, results.record)


def check_evidence(problem, results):
    miss = results.log_evidence - problem.log_evidence
    # Four standard errors: 1 in 16 000 by chance.
    assert abs(miss) < 4 * results.log_evidence_error
    assert results.log_evidence_error < 0.6


def check_moments(problem, record):
    count = summary.effective_sample_size(record)
    assert count > 30
    covariance = summary.covariance(record)
    width = np.sqrt(np.diag(covariance))
    mean = summary.mean(record)[: width.size]
    miss = (mean - problem.mean) / (width / np.sqrt(count))
    assert np.all(np.abs(miss) < 4.5)
    if problem.covariance is not None:
        # The scatter of a sample variance is sqrt(2 / count) of itself.
        ratio = np.diag(covariance) / np.diag(problem.covariance)
        assert np.all(np.abs(ratio - 1) < 4.5 * np.sqrt(2 / count))


def check_record(case, problem, results):
    """Rows agree with the program, and their weights sum to one."""
    record, program = results.record, lower(problem.make())
    assert record.kind == case.kind
    assert record.parameter_names == program.space.names
    assert record.weights.sum() == pytest.approx(1.0, abs=1e-12)
    for row in np.unique([0, record.best, len(record) - 1]):
        theta = record.values[row]
        found = program.log_likelihood(theta)
        # Emcee's are recovered from ln L - z.z / 2 by adding z.z / 2 again.
        assert record.log_likelihood[row] == pytest.approx(found, rel=1e-12, abs=1e-9)
        assert record.log_prior[row] == pytest.approx(float(program.log_prior(theta)))
    parts = [result.log_likelihood for result in results]
    assert results.log_likelihood == pytest.approx(sum(parts), abs=1e-12)
    assert record.evaluations > 0


@pytest.mark.parametrize("case", OPTIMISERS, **by_name)
@pytest.mark.parametrize("problem", ALL_PROBLEMS, **by_name)
def test_mode(case, problem):
    with warnings.catch_warnings():
        # Where there is no mode inside, it says so.
        warnings.filterwarnings("ignore", message="LevenbergMarquardt: The fit")
        results = case.make(seed=4).fit(problem.make())
    check_record(case, problem, results)
    if problem.mode is None:
        assert np.isfinite(results.log_likelihood)
        return
    record = results.record
    np.testing.assert_allclose(record.values[0], problem.mode, atol=1e-5)
    if not record.is_gaussian:
        assert np.isnan(results.log_evidence)
        return
    # Laplace's approximation is exact for a Gaussian; counts have a gamma posterior.
    exact = problem.name != "counts"
    assert results.log_evidence == pytest.approx(
        problem.log_evidence, abs=2e-3 if exact else 0.01
    )
    if problem.covariance is not None and exact:
        np.testing.assert_allclose(record.covariance, problem.covariance, atol=2e-3)
