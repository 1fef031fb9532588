"""Where expectation propagation is exact, it is exact; elsewhere within its errors."""

import numpy as np
import pytest

import graphfit as gf
from tests.search.expectation_propagation.graphs import (
    column,
    lines,
    lines_answer,
    population,
    population_answer,
)

SEARCHES = [gf.LevenbergMarquardt(tolerance=1e-12), gf.NestedSampler(n_live=100)]


@pytest.mark.parametrize("search", SEARCHES, ids=lambda item: type(item).__name__)
@pytest.mark.parametrize("drawn", [False, True])
def test_linear_gaussian_models_are_exact(search, drawn):
    """With draws, too: controls leave nothing of their noise where all is Gaussian."""
    graph = lines(drawn=drawn)
    ep = gf.ExpectationPropagation(
        search=search, damping=1.0, seed=1, scheduler="synchronous"
    )
    results = ep.fit(graph)
    messages = results.record.messages
    mean, covariance, evidence = lines_answer(drawn=drawn)
    slope_first = messages.shared_names[0] == "slope"
    order = [0, 1] if slope_first else [1, 0]
    scale = np.array([2.0, 3.0])[order]
    found = messages.mean * scale + np.array([0.0, 1.0])[order]
    np.testing.assert_allclose(found, mean[order], atol=1e-6)
    np.testing.assert_allclose(
        messages.covariance * np.outer(scale, scale),
        covariance[np.ix_(order, order)],
        atol=1e-6,
    )
    if search.finds == "optimum":
        assert messages.log_evidence == pytest.approx(evidence, abs=1e-5)
    assert abs(results.log_evidence - evidence) < 4 * results.log_evidence_error
    assert messages.is_corrected
    assert results.record.status is gf.Status.CONVERGED


CASES = [
    (10, 1.0, 0.3, 1),
    (10, 0.5, 1.0, 2),
    pytest.param(50, 1.0, 0.3, 3, marks=pytest.mark.calibration),
]


@pytest.mark.parametrize(("count", "tau", "noise", "seed"), CASES)
def test_a_population_is_that_of_the_grid(count, tau, noise, seed):
    graph, data = population(count, tau, noise, seed)
    ep = gf.ExpectationPropagation(
        search=gf.NestedSampler(n_live=100), precision=0.1, seed=1
    )
    record = ep.fit(graph).record
    truth = population_answer(data, noise)
    for name, transform in (("mean", np.asarray), ("sigma", np.log)):
        values = transform(column(record, name))
        mean = record.weights @ values
        spread = np.sqrt(record.weights @ (values - mean) ** 2)
        # 1400 effective draws: a standard error of 0.03 deviations, and of 2 per cent.
        assert mean == pytest.approx(truth[name][0], abs=0.1 * truth[name][1])
        assert spread == pytest.approx(truth[name][1], rel=0.06)
    miss = record.log_evidence - truth["log_evidence"]
    assert abs(miss) < 4 * record.log_evidence_error
    assert record.log_evidence_error < 0.05


def test_the_members_of_a_population_are_shrunk_as_they_should_be():
    """E[theta_i] = E[(y_i tau^2 + mu noise^2) / (tau^2 + noise^2)]."""
    graph, data = population(10, 0.5, 1.0, 2)
    ep = gf.ExpectationPropagation(search=gf.NestedSampler(n_live=150), seed=1)
    results = ep.fit(graph)
    record = results.record
    mu, tau = column(record, "mean"), column(record, "sigma")
    share = tau**2 / (tau**2 + 1.0)
    for i, y in enumerate(data):
        values = column(record, f"{i}.level")
        expected = record.weights @ (share * y + (1.0 - share) * mu)
        spread = np.sqrt(record.weights @ (values - expected) ** 2)
        assert record.weights @ values == pytest.approx(expected, abs=0.15 * spread)
    assert results[3].median_pdf().level == pytest.approx(
        np.average(column(record, "3.level"), weights=record.weights), abs=0.2
    )


@pytest.mark.calibration
def test_a_population_that_says_little_of_each_member():
    graph, data = population(50, 0.5, 1.0, 4)
    record = gf.ExpectationPropagation(seed=1).fit(graph).record
    truth = population_answer(data, 1.0)
    for name, transform in (("mean", np.asarray), ("sigma", np.log)):
        values = transform(column(record, name))
        mean = record.weights @ values
        spread = np.sqrt(record.weights @ (values - mean) ** 2)
        assert mean == pytest.approx(truth[name][0], abs=0.1 * truth[name][1])
        assert spread == pytest.approx(truth[name][1], rel=0.06)
