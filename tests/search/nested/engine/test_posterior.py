"""The compiled summary of a run and its equal-weight draws, against numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.samples.summary import weighted_quantiles
from graphfit.search.nested.engine import random_numbers
from graphfit.search.nested.engine.posterior import ONE_SIGMA, draw_rows, summarize
from graphfit.search.nested.engine.quantiles import Shelves

_VECTOR, _MATRIX, _INTEGERS = "float64[::1]", "float64[:,::1]", "int64[::1]"
_OUTPUT = (_MATRIX, _MATRIX, _INTEGERS, _INTEGERS)
_SHELVES = record(Shelves, _VECTOR, *[_INTEGERS] * 3, "int64[:,::1]", _MATRIX)


@driver("void", _MATRIX, _VECTOR, "int64", _VECTOR, _SHELVES, *_OUTPUT)
def _run(
    values, weights, count, probabilities, shelves, vectors, covariance, state, rows
):
    summarize(values, weights, count, probabilities, shelves, vectors, covariance)
    draw_rows(weights, count, state, rows)


def seeded(seed):
    state = np.zeros(random_numbers.STATE_SIZE, dtype=np.int64)
    random_numbers.seed_state(state, seed)
    return state


def drawn(weights, n, seed):
    rows = np.full(n, -1)
    draw_rows(np.asarray(weights), len(weights), seeded(seed), rows)
    return rows


def dead_points(n, n_values, live):
    """A run on a normal distribution: its points and their weights."""
    rng = np.random.default_rng(n)
    log_volume = -np.arange(n) / live
    radius = 40.0 * np.exp(log_volume / n_values)
    values = rng.normal(size=(n, n_values))
    values *= (radius / np.linalg.norm(values, axis=1))[:, None]
    log_weights = log_volume - 0.5 * radius**2
    weights = np.exp(log_weights - log_weights.max())
    return 3.0 + values * (1.0 + np.arange(n_values)), weights / weights.sum()


@pytest.mark.parametrize(
    ("n", "n_values", "d"), [(4000, 3, 3), (2500, 5, 2), (1, 1, 1)]
)
def test_summary_in_a_driver(n, n_values, d):
    values, weights = dead_points(n, n_values, 250)
    vectors, covariance = np.full((6, n_values), np.nan), np.zeros((d, d))
    rows = np.zeros(128, dtype=np.int64)
    shelves, at = Shelves.of(n), np.array(ONE_SIGMA)
    _run(values, weights, n, at, shelves, vectors, covariance, seeded(1), rows)
    mean = weights @ values
    deviation = np.sqrt(weights @ (values - mean) ** 2)
    close = {"rtol": 1e-12, "atol": 1e-12 * deviation.max()}
    np.testing.assert_allclose(
        vectors[:3], weighted_quantiles(values, weights, at), **close
    )
    np.testing.assert_allclose(vectors[3:5], [mean, deviation], **close)
    assert np.isnan(vectors[5]).all()
    if n > 1:
        expected = np.cov(values[:, :d], rowvar=False, aweights=weights)
        np.testing.assert_allclose(
            covariance, expected, atol=1e-12 * deviation.max() ** 2
        )
    np.testing.assert_array_equal(rows, drawn(weights, 128, 1))


def test_driver_runs_without_numba():
    """It neither allocates nor raises: its code is kept for the next process."""
    assert hasattr(_run.compile(), "module")


def test_one_sigma_is_that_of_interval():
    """68.27 %: Gaussian probability within one standard deviation."""
    assert ONE_SIGMA[2] - ONE_SIGMA[1] == pytest.approx(0.6826894921370859, rel=1e-15)


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 300),
    n=st.integers(1, 200),
    spread=st.sampled_from([0.02, 1.0, 100.0]),
)
def test_draws_are_systematic(seed, size, n, spread):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(size, spread)) * rng.integers(0, 2, size=size)
    weights[rng.integers(size)] += 1.0
    rows = drawn(weights, n, seed)
    counts = np.bincount(rows, minlength=size)
    wanted = n * weights / weights.sum()
    assert (np.abs(counts - wanted) < 1.0 + 1e-9).all()
    assert not counts[weights == 0.0].any()
    # The twin, with the same offset.
    offset = random_numbers.uniform(seeded(seed))
    cumulative = np.cumsum(weights)
    twin = np.searchsorted(cumulative, (np.arange(n) + offset) / n * cumulative[-1])
    np.testing.assert_array_equal(np.sort(rows), np.minimum(twin, size - 1))


def test_draws_come_in_random_order():
    """Each of the rows comes at each of the places equally often."""
    n, repeats = 5, 4000
    places = np.zeros((n, n))
    for seed in range(repeats):
        rows = drawn(np.full(n, 1 / n), n, seed)
        places[np.arange(n), rows] += 1
    expected = repeats / n
    chi_square = np.sum((places - expected) ** 2 / expected)
    # (n - 1)^2 = 16 degrees of freedom, 99.99 % of them below 44.
    assert chi_square < 44.0


def test_draws_begin_anywhere():
    """A sample of half a draw's weight is drawn every second time."""
    weights = np.array([0.05, 0.95])
    seldom = np.mean([np.any(drawn(weights, 10, seed) == 0) for seed in range(2000)])
    # Four standard errors of a share of 2000.
    assert seldom == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 2000))
