"""The tail of importance weights, against a twin in numpy and known shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.compiler.driving.driver import driver
from graphfit.search.nested.engine.pareto import pareto_k, tail_length


@driver("float64(float64[::1], float64[::1])")
def compiled_k(log_weights, scratch):
    return pareto_k(log_weights, len(log_weights), scratch)


def shape(log_weights):
    log_weights = np.array(log_weights, dtype=float)
    return compiled_k(log_weights, np.full(tail_length(len(log_weights)) + 1, np.nan))


def slow_shape(log_weights):
    """Zhang & Stephens (2009) with the prior of Vehtari et al. (2024), written out."""
    weights = np.sort(np.exp(log_weights - np.max(log_weights)))
    count = len(weights)
    length = int(np.ceil(min(0.2 * count, 3.0 * np.sqrt(count))))
    excess = weights[-length:] - weights[-length - 1]
    excess = excess[excess > 0.0]
    n = len(excess)
    if n < 5:
        return np.inf
    m = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    b = 1.0 / excess[-1] + (1.0 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (
        3.0 * quartile
    )
    k = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1.0)
    weight = np.exp(profile - profile.max())
    slope = np.sum(weight * b) / weight.sum()
    return (n * np.log1p(-slope * excess).mean() + 5.0) / (n + 10.0)


def test_tail_length():
    assert [tail_length(m) for m in (10, 100, 225, 1000, 4000)] == [2, 20, 45, 95, 190]


@given(st.integers(0, 2**32 - 1), st.integers(25, 3000), st.floats(0.01, 10.0))
def test_equals_the_twin(seed, count, spread):
    draws = np.random.default_rng(seed)
    log_weights = spread * draws.normal(size=count) - 700.0
    log_weights[draws.uniform(size=count) < 0.1] = -np.inf
    # ln of a product has the rounding errors of its factors.
    np.testing.assert_allclose(
        shape(log_weights), slow_shape(log_weights), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("k", [0.2, 0.5, 1.0])
def test_finds_the_shape_of_pareto_weights(k, rng):
    count, repeats = 4000, 40
    uniform = rng.uniform(size=(repeats, count))
    found = [shape(row) for row in np.log((uniform**-k - 1.0) / k)]
    n = tail_length(count)
    expected = (n * k + 5.0) / (n + 10.0)  # the weak prior
    # Standard deviation of the maximum-likelihood estimate (Smith 1987).
    error = (1.0 + k) / np.sqrt(n)
    assert abs(np.mean(found) - expected) < 3.0 * error / np.sqrt(repeats)
    assert 0.6 < np.std(found) / error < 1.3


def test_bounded_weights_have_a_negative_shape(rng):
    assert shape(np.log(rng.uniform(size=4000))) < -0.5


def test_neither_order_nor_scale_matters(rng):
    log_weights = 2.0 * rng.normal(size=500)
    expected = shape(log_weights)
    assert shape(rng.permutation(log_weights)) == expected
    assert shape(log_weights + 600.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("log_weights", "expected"),
    [
        (np.zeros(20), np.inf),  # four in the tail
        (np.zeros(1000), 0.0),
        (np.full(1000, -np.inf), np.inf),
        (np.where(np.arange(1000) < 4, np.arange(1000.0), -np.inf), np.inf),
        # A few weights stand out from equal ones.
        (np.where(np.arange(1000) < 3, 5.0, 0.0), np.inf),
        # Beyond all measure.
        (np.where(np.arange(1000) < 20, -100.0 * np.arange(1000.0), -9e9), np.inf),
    ],
)
def test_what_no_law_can_be_fitted_to(log_weights, expected):
    assert shape(log_weights) == expected
