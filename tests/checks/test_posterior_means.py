"""Means over samples and their errors, against the scatter of many runs."""

import dataclasses

import numpy as np
import pytest

import graphfit as gf
from graphfit.checks.posterior_means import (
    live_points,
    posterior_means,
    require_draws,
)
from graphfit.errors import ResultError
from graphfit.samples import Samples
from tests.checks.levels import OPTIMUM, level_data, slope_graph


def chain(values, ess=float("inf")):
    zeros = np.zeros(len(values))
    return Samples("mcmc", ("a",), values[:, None], zeros, zeros, zeros, ess_limit=ess)


def test_of_independent_draws():
    values = np.random.default_rng(1).normal(size=400)
    found = posterior_means(chain(values), np.stack([values, values**2], axis=1))
    np.testing.assert_allclose(found.values, [values.mean(), (values**2).mean()])
    np.testing.assert_allclose(
        found.errors, np.array([values.std(), (values**2).std()]) / 20.0
    )
    slow = posterior_means(chain(values, ess=100.0), values[:, None])
    assert slow.errors[0] == pytest.approx(2.0 * found.errors[0])


def test_values_without_weight_do_not_count():
    samples = dataclasses.replace(
        chain(np.array([1.0, 2.0, 3.0])), log_weights=np.array([0.0, 0.0, -np.inf])
    )
    found = posterior_means(samples, np.array([[1.0], [2.0], [np.inf]]))
    assert found.values[0] == 1.5


SEARCH = {"n_live": 50, "integrate_amplitudes": False}


@pytest.fixture(scope="module")
def runs():
    graph = slope_graph(level_data(1, count=2))
    return [gf.NestedSampler(seed=seed, **SEARCH).fit(graph) for seed in range(60)]


def test_the_errors_of_nested_runs_are_their_scatter(runs):
    """Of <ln L>, its variance, and a parameter; 60 runs know a scatter to 9 %."""
    found, errors = [], []
    for results in runs:
        record = results.record
        middle = record.weights @ record.log_likelihood
        table = np.stack(
            [
                record.log_likelihood - middle,
                (record.log_likelihood - middle) ** 2,
                record.values[:, 0],
            ],
            axis=1,
        )
        means = posterior_means(record, table)
        found.append([middle, means.values[1], means.values[2]])
        errors.append(means.errors)
    ratio = np.std(found, axis=0) / np.sqrt(np.mean(np.square(errors), axis=0))
    assert (ratio > 0.65).all()
    assert (ratio < 1.4).all()


def test_live_points_are_found_in_the_weights(runs):
    record = runs[0].record
    own = live_points(record)
    found = live_points(dataclasses.replace(record, run=None))
    held = record.weights > 1e-6
    assert np.median(own[held] / found[held]) == pytest.approx(1.0, abs=0.05)


def test_an_optimum_is_refused():
    results = OPTIMUM.fit(slope_graph(level_data(1, count=2)))
    with pytest.raises(ResultError, match="this needs draws .*gf.NestedSampler"):
        require_draws(results.record, "this")
