"""The table of one line a dataset."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import GraphError
from tests.checks.levels import (
    OPTIMUM,
    POINTS,
    level_data,
    level_graph,
    linear_posterior,
)


def test_numbers_of_each_dataset():
    data = level_data(0, count=4)
    results = gf.NestedSampler(n_live=1000, seed=1).fit(level_graph(data))
    checks = gf.dataset_checks(results)
    mean, covariance, _ = linear_posterior(data)
    squares = np.sum((data - mean) ** 2, axis=1) + POINTS * covariance[0, 0]
    truth = -0.5 * squares - 0.5 * POINTS * np.log(2.0 * np.pi)
    apart = (checks.mean_log_likelihood - truth) / checks.mean_log_likelihood_error
    assert np.abs(apart).max() < 4.0
    np.testing.assert_allclose(
        checks.chi_squared, np.sum((data - mean) ** 2, axis=1), rtol=0.02
    )
    np.testing.assert_allclose(
        checks.log_likelihood, [r.log_likelihood for r in results]
    )
    assert checks.data_points == (POINTS,) * 4
    np.testing.assert_array_equal(
        checks.log_predictive, gf.leave_one_out(results).log_predictive
    )
    assert repr(checks) == "DatasetChecks(4 datasets, none flagged)"


def test_text():
    data = level_data(0, count=5, shifted=1, sigmas=9.0)
    results = gf.NestedSampler(n_live=500, seed=1).fit(level_graph(data))
    lines = str(gf.dataset_checks(results, OPTIMUM)).splitlines()
    assert lines[0].startswith("5 datasets in their joint fit, ln Z = -")
    assert lines[1].split("  ")[0] == "dataset"
    assert [line.split()[0] for line in lines[2:7]] == ["n0", "n1", "n2", "n3", "n4"]
    assert "refit" in lines[3]
    assert lines[7].startswith("At odds with the others: n1")
    assert max(map(len, lines)) < 120


def test_of_an_optimum():
    results = OPTIMUM.fit(level_graph(level_data(0, count=3)))
    checks = gf.dataset_checks(results, OPTIMUM)
    assert np.isnan(checks.mean_log_likelihood).all()
    assert np.isfinite(checks.log_predictive).all()
    assert checks.flagged == ()


def test_an_analysis_that_tells_nothing():
    class Quiet(gf.Analysis):
        def __init__(self, value):
            self.value = value

        def log_likelihood_function(self, instance):
            return -0.5 * (instance.a - self.value) ** 2

    prior = gf.GaussianPrior(0.0, 2.0)
    graph = gf.FactorGraphModel(
        *(gf.AnalysisFactor(gf.Collection(a=prior), Quiet(v)) for v in (0.1, -0.3))
    )
    results = gf.NestedSampler(n_live=100, seed=1).fit(graph)
    lines = str(gf.dataset_checks(results)).splitlines()
    assert lines[2].split()[:3] == ["0", "-", "-"]


def test_what_is_refused():
    graph = level_graph(level_data(0, count=2))
    with pytest.raises(GraphError, match="needs a fit"):
        gf.dataset_checks(graph)
    with pytest.raises(GraphError, match="got dict"):
        gf.dataset_checks({})
