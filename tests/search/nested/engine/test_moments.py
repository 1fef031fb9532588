"""Compiled moments of weighted samples, against numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.search.nested.engine.moments import moments

EPSILON = np.finfo(float).eps


def found(values, weights, d, count=None):
    """What `moments` writes, each array larger than need be and garbage beyond."""
    n, size = values.shape[1], len(values) if count is None else count
    rows = np.vstack([values, np.full((2, n), np.nan)])
    mean, deviation = np.full(n, np.nan), np.full(n, np.nan)
    covariance = np.full((d, d), np.nan)
    moments(rows, np.append(weights, [np.nan] * 2), size, mean, deviation, covariance)
    return mean, deviation, covariance


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 400),
    n=st.integers(1, 8),
    spread=st.sampled_from([0.05, 1.0, 50.0]),
    offset=st.sampled_from([0.0, 1.0, 1e8]),
    data=st.data(),
)
def test_agrees_with_numpy(seed, size, n, spread, offset, data):
    d = data.draw(st.integers(1, n))
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-5, 5, size=n)
    values = scale * (rng.normal(size=(size, n)) @ rng.normal(size=(n, n)) + offset)
    weights = 0.99 * rng.dirichlet(np.full(size, spread)) + 0.01 / size
    mean, deviation, covariance = found(values, weights, d)

    # Centred at what is nearly the mean, numpy is exact to some roundings.
    origin = values[np.argmax(weights)]
    centred = values - origin
    expected = weights @ centred
    expected_deviation = np.sqrt(weights @ (centred - expected) ** 2)
    expected_covariance = np.cov((centred - expected)[:, :d].T, aweights=weights)
    # The notes' 2 S, and the loss of 1 - sum w^2.
    close = 4 * size * EPSILON
    loss = 1.0 / (1.0 - weights @ weights)
    np.testing.assert_array_less(
        np.abs(mean - origin - expected),
        close * expected_deviation + 4 * EPSILON * np.abs(origin) + 1e-300,
    )
    np.testing.assert_allclose(deviation, expected_deviation, rtol=close)
    size_of = np.outer(expected_deviation[:d], expected_deviation[:d]) * loss
    np.testing.assert_allclose(
        covariance / size_of,
        np.atleast_2d(expected_covariance) / size_of,
        rtol=0.0,
        atol=close * (1.0 + loss),
    )
    np.testing.assert_array_equal(covariance, covariance.T)


def test_all_equal():
    values = np.tile([0.1, 1e200], (50, 1))
    mean, deviation, covariance = found(values, np.full(50, 0.02), 2)
    assert mean.tolist() == [0.1, 1e200]
    assert not deviation.any()
    assert not covariance.any()


def test_one_sample_has_all_the_weight():
    mean, deviation, covariance = found(np.array([[1.0], [2.0]]), [0.0, 1.0], 1)
    assert mean[0] == 2.0
    assert deviation[0] == 0.0
    assert np.isnan(covariance[0, 0])


def test_weights_that_underflow():
    """Weights as those of the first dead points: zero, denormal, negligible."""
    rng = np.random.default_rng(1)
    weights = np.exp(np.append(np.linspace(-800.0, -600.0, 300), np.zeros(100)))
    weights /= weights.sum()
    values = rng.normal(size=(400, 3))
    mean, deviation, covariance = found(values, weights, 3)
    np.testing.assert_allclose(mean, weights @ values, rtol=1e-12)
    np.testing.assert_allclose(deviation, values[300:].std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        covariance, np.cov(values[300:], rowvar=False), rtol=1e-11
    )


def test_only_some_rows_count():
    values = np.arange(10.0)[:, None]
    mean, deviation, _ = found(values, np.full(10, 0.25), 1, count=4)
    assert mean[0] == 1.5
    assert deviation[0] == pytest.approx(np.sqrt(1.25), rel=1e-15)
