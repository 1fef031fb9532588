"""Summaries of weighted samples, against numpy and slow twins."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graphfit.samples import Samples
from graphfit.samples.summary import (
    covariance,
    draw_rows,
    effective_sample_size,
    interval,
    mean,
    median,
    weighted_quantiles,
)


def samples_of(values, weights=None, **changes) -> Samples:
    values = np.asarray(values, dtype=float)
    count = len(values)
    weights = np.ones(count) if weights is None else np.asarray(weights, dtype=float)
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights / weights.sum())
    content = {
        "kind": "nested",
        "parameter_names": tuple(f"p{i}" for i in range(values.shape[1])),
        "values": values,
        "log_likelihood": np.arange(count, dtype=float),
        "log_prior": np.zeros(count),
        "log_weights": log_weights,
    }
    return Samples(**{**content, **changes})


def slow_quantile(values, weights, at) -> float:
    """The definition, written out: linear between the middles of the weights."""
    # Ties stay in the order of the rows.
    pairs = sorted(zip(values, weights, strict=True), key=lambda pair: pair[0])
    passed, points = 0.0, []
    for value, weight in pairs:
        points.append((passed + weight / 2, value))
        passed += weight
    if at <= points[0][0]:
        return points[0][1]
    for (c0, v0), (c1, v1) in itertools.pairwise(points):
        if at <= c1:
            return v0 if c1 == c0 else v0 + (v1 - v0) * (at - c0) / (c1 - c0)
    return points[-1][1]


@given(
    st.lists(
        st.tuples(st.floats(-10, 10), st.floats(1e-3, 1.0)), min_size=1, max_size=12
    ),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_weighted_quantiles_are_the_definition(pairs, at):
    values, weights = np.array(pairs).T
    weights = weights / weights.sum()
    found = weighted_quantiles(values[:, None], weights, at)
    assert found.shape == (len(at), 1)
    expected = [slow_quantile(values, weights, q) for q in at]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-9)


def test_equal_weights_give_numpy_s_quantiles(rng):
    values = rng.normal(size=(101, 3))
    at = [0.01, 0.3, 0.5, 0.9]
    found = weighted_quantiles(values, np.full(101, 1 / 101), at)
    expected = np.quantile(values, at, axis=0, method="hazen")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_whole_weights_count_like_repeated_rows(rng):
    values = rng.normal(size=(40, 2))
    counts = rng.integers(0, 4, 40)
    weighted = samples_of(values, counts)
    repeated = samples_of(np.repeat(values, counts, axis=0))
    np.testing.assert_allclose(mean(weighted), mean(repeated), rtol=1e-12)
    expected = np.cov(repeated.values, rowvar=False, ddof=0)
    divisor = 1 - (weighted.weights**2).sum()
    np.testing.assert_allclose(covariance(weighted), expected / divisor, rtol=1e-10)


def test_mean_and_covariance_written_out(rng):
    values, weights = rng.normal(size=(30, 2)), rng.random(30)
    samples = samples_of(values, weights)
    w = weights / weights.sum()
    centre = sum(w[s] * values[s] for s in range(30))
    spread = sum(
        w[s] * np.outer(values[s] - centre, values[s] - centre) for s in range(30)
    )
    np.testing.assert_allclose(mean(samples), centre, rtol=1e-12)
    np.testing.assert_allclose(
        covariance(samples), spread / (1 - (w**2).sum()), rtol=1e-10
    )
    one = samples_of(values[:, :1], weights)
    assert covariance(one).shape == (1, 1)


def test_intervals_of_a_normal_posterior():
    quantiles = stats.norm.ppf((np.arange(20001) + 0.5) / 20001)[:, None]
    samples = samples_of(quantiles)
    np.testing.assert_allclose(median(samples), [0.0], atol=1e-12)
    for sigma in (0.5, 1.0, 2.0, 3.0):
        low, high = interval(samples, sigma)
        np.testing.assert_allclose([low[0], high[0]], [-sigma, sigma], rtol=1e-3)


def test_intervals_hold_what_weights_say(rng):
    values = rng.normal(size=(2000, 1))
    # Importance weights turn the unit normal into one of mean 1.
    weights = np.exp(values[:, 0] - 0.5)
    low, high = interval(samples_of(values, weights), 1.0)
    assert low[0] == pytest.approx(0.0, abs=0.15)
    assert high[0] == pytest.approx(2.0, abs=0.15)


def test_derived_columns_come_after_the_parameters(rng):
    values, derived = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    samples = samples_of(values, derived=derived, derived_names=("ratio",))
    assert samples.names == ("p0", "p1", "ratio")
    assert samples.table.shape == (20, 3)
    np.testing.assert_allclose(median(samples)[2], np.median(derived))
    assert covariance(samples).shape == (2, 2)


def test_effective_sample_size():
    values = np.zeros((8, 1))
    assert effective_sample_size(samples_of(values)) == pytest.approx(8.0)
    lopsided = samples_of(values, [1, 1, 0, 0, 0, 0, 0, 0])
    assert effective_sample_size(lopsided) == pytest.approx(2.0)
    assert effective_sample_size(samples_of(values, ess_limit=3.0)) == 3.0


def test_weights_from_logarithms_far_below_zero():
    samples = samples_of(np.zeros((3, 1)), log_weights=np.array([-5e4, -5e4, -np.inf]))
    np.testing.assert_array_equal(samples.weights, [0.5, 0.5, 0.0])


def test_draws_follow_the_weights():
    weights = np.array([0.5, 0.25, 0.125, 0.125, 0.0])
    samples = samples_of(np.zeros((5, 1)), weights)
    rows = draw_rows(samples, 800, np.random.default_rng(1))
    counts = np.bincount(rows, minlength=5)
    # Systematic resampling: every count is right to one.
    np.testing.assert_array_less(np.abs(counts - 800 * weights), 1.0 + 1e-9)
    assert rows.dtype == np.intp
    assert list(rows) != sorted(rows)


def test_single_draws_follow_the_weights(rng):
    samples = samples_of(np.zeros((3, 1)), [0.2, 0.0, 0.8])
    drawn = [int(draw_rows(samples, 1, rng)[0]) for _ in range(2000)]
    assert drawn.count(1) == 0
    assert drawn.count(0) == pytest.approx(400, abs=5 * math.sqrt(320))


def test_the_best_row():
    samples = samples_of(np.zeros((3, 1)), log_likelihood=np.array([1.0, 5.0, 2.0]))
    assert samples.best == 1
    assert len(samples) == 3
