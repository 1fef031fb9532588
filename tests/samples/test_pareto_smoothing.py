"""Smoothed importance weights: the shape of the tail, and better means."""

import numpy as np
import pytest

from graphfit.samples.pareto_smoothing import smoothed, trusted_below
from graphfit.search.nested.engine.pareto import pareto_k


def tail_of(k, count, seed):
    uniform = np.random.default_rng(seed).random(count)
    return np.log(np.expm1(-k * np.log(uniform)) / k)


@pytest.mark.parametrize("k", [-0.5, 0.05, 0.3, 0.6, 0.9, 1.3])
@pytest.mark.parametrize("count", [60, 4000])
def test_k_is_that_of_the_compiled_twin(k, count):
    log_weights = tail_of(k, count, seed=3) - 700.0
    twin = pareto_k(log_weights, count, np.zeros(count))
    assert smoothed(log_weights).k == pytest.approx(twin, abs=1e-9)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8])
def test_k_is_the_tails(k):
    """But for the weak prior towards 1/2."""
    found = np.mean([smoothed(tail_of(k, 5000, seed)).k for seed in range(20)])
    assert found == pytest.approx(k, abs=0.07)


def test_only_the_tail_is_changed_and_no_weight_beyond_the_largest():
    log_weights = tail_of(0.6, 1000, seed=1)
    found = smoothed(log_weights)
    changed = found.log_weights != log_weights
    assert changed.sum() <= 95  # 3 sqrt(1000)
    assert log_weights[changed].min() >= np.sort(log_weights)[-95]
    assert found.log_weights.max() <= log_weights.max()


def test_the_mean_scatters_less():
    """Mean weight 1 of k = 0.6: its variance is infinite."""
    raw, smooth = [], []
    for seed in range(300):
        log_weights = tail_of(0.6, 500, seed) + np.log(0.4)
        raw.append(np.exp(log_weights).mean())
        smooth.append(np.exp(smoothed(log_weights).log_weights).mean())
    assert np.std(smooth) < 0.8 * np.std(raw)
    assert np.mean(smooth) == pytest.approx(1.0, abs=0.1)


def test_equal_weights_and_zeros():
    assert smoothed(np.zeros(500)).k == 0.0
    half = np.where(np.arange(500) % 2, 0.0, -np.inf)
    assert smoothed(half).k == 0.0
    np.testing.assert_array_equal(smoothed(half).log_weights, half)


@pytest.mark.parametrize(
    "log_weights",
    [np.zeros(10), np.full(500, -np.inf), np.r_[np.full(499, -1e4), 0.0]],
    ids=["few", "none", "one"],
)
def test_nothing_can_be_said(log_weights):
    assert smoothed(log_weights).k == np.inf


def test_few_draws_are_trusted_less():
    assert trusted_below(100.0) == pytest.approx(0.5)
    assert trusted_below(1e5) == 0.7
    assert trusted_below(1.0) == 0.0
