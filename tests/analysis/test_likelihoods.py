"""The likelihoods against loops, against scipy.stats, and at the limits of floats."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from graphfit.analysis.likelihoods import (
    gaussian_log_likelihood,
    log_factorial_sum,
    pearson_residuals,
    poisson_log_likelihood,
    student_t_log_likelihood,
)
from tests.reference import slow_likelihoods as slow

# N terms of either sign are summed: their rounding grows with the terms, not the total.
CLOSE = {"rel": 1e-12, "abs": 1e-10}


@st.composite
def datasets(draw):
    """(data, model, sigma), each (N,); the model within 20 sigma."""
    count = draw(st.integers(1, 12))
    scale = draw(st.sampled_from([1e-12, 1.0, 1e8]))

    def array(low, high):
        values = st.floats(low, high)
        return np.array(draw(st.lists(values, min_size=count, max_size=count)))

    model = scale * array(-10.0, 10.0)
    sigma = scale * array(0.01, 5.0)
    return model + sigma * array(-20.0, 20.0), model, sigma


@st.composite
def counted(draw):
    """(counts, rate), each (N,)."""
    pairs = st.tuples(st.integers(0, 10**6), st.floats(1e-3, 1e6))
    counts, rate = zip(*draw(st.lists(pairs, min_size=1, max_size=12)), strict=True)
    return np.array(counts, dtype=float), np.array(rate)


def standardized(data, model, sigma):
    return (data - model) / sigma, float(np.log(sigma).sum())


@given(datasets())
def test_gaussian(dataset):
    found = gaussian_log_likelihood(*standardized(*dataset))
    assert found == pytest.approx(slow.gaussian(*dataset), **CLOSE)
    data, model, sigma = dataset
    assert found == pytest.approx(stats.norm.logpdf(data, model, sigma).sum(), **CLOSE)


@given(datasets(), st.floats(0.1, 100.0))
def test_student_t(dataset, nu):
    found = student_t_log_likelihood(*standardized(*dataset), nu)
    assert found == pytest.approx(slow.student_t(*dataset, nu), **CLOSE)
    data, model, sigma = dataset
    scipy = stats.t.logpdf(data, nu, model, sigma).sum()
    assert found == pytest.approx(scipy, **CLOSE)


@given(counted())
def test_poisson(dataset):
    counts, rate = dataset
    found = poisson_log_likelihood(counts, rate, log_factorial_sum(counts))
    # k ln(mu), mu and ln k! are up to 1e7 each and cancel.
    close = {"rel": 1e-12, "abs": 1e-15 * float((counts * 15 + rate).sum()) + 1e-12}
    assert found == pytest.approx(slow.poisson(counts, rate), **close)
    assert found == pytest.approx(stats.poisson.logpmf(counts, rate).sum(), **close)


# --- properties --------------------------------------------------------------------


@pytest.mark.parametrize("nu", [1e6, 1e9, 1e12, 1e15, 1e300])
def test_student_t_becomes_gaussian(nu):
    """Large gamma functions would cancel badly.

    The difference is the next order in 1/nu; ln B and ln nu are up to 345 at each of the
    11 points.
    """
    z = np.linspace(-3.0, 3.0, 11)
    difference = student_t_log_likelihood(z, 2.0, nu) - gaussian_log_likelihood(z, 2.0)
    expected = float((z**4 - 2.0 * z**2 - 1.0).sum()) / (4.0 * nu)
    assert difference == pytest.approx(expected, rel=1e-3, abs=11 * 345 * 2.2e-16)


@given(datasets(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(dataset, random):
    order = list(range(dataset[0].size))
    random.shuffle(order)
    z, log_scale = standardized(*dataset)
    for function in (
        gaussian_log_likelihood,
        lambda z, log_scale: student_t_log_likelihood(z, log_scale, 3.0),
    ):
        moved = function(z[order], log_scale)
        assert moved == pytest.approx(function(z, log_scale), **CLOSE)


@pytest.mark.parametrize("rate", [0.3, 4.0, 60.0])
def test_poisson_probabilities_add_to_one(rate):
    counts = np.arange(300.0)
    total = sum(
        np.exp(
            poisson_log_likelihood(
                np.array([k]), np.array([rate]), log_factorial_sum(np.array([k]))
            )
        )
        for k in counts
    )
    assert total == pytest.approx(1.0, rel=1e-12)


# --- limits; a warning would be an error -------------------------------------------


@pytest.mark.parametrize("z", [inf, -inf, 1e200])
def test_a_model_out_of_reach_is_impossible(z):
    residuals = np.array([0.0, z])
    assert gaussian_log_likelihood(residuals, 0.0) == -inf
    assert student_t_log_likelihood(residuals, 0.0, 3.0) == -inf


def test_nan_stays_nan():
    residuals = np.array([inf, nan, 0.0])
    assert isnan(gaussian_log_likelihood(residuals, 0.0))
    assert isnan(student_t_log_likelihood(residuals, 0.0, 3.0))
    assert isnan(student_t_log_likelihood(np.zeros(2), 0.0, nan))
    for rest in (1.0, 0.0, -1.0, inf):
        rate = np.array([nan, rest])
        assert isnan(poisson_log_likelihood(np.array([1.0, 1.0]), rate, 0.0)), rest


@pytest.mark.parametrize("nu", [0.0, -1.0, -inf])
def test_no_degrees_of_freedom(nu):
    assert student_t_log_likelihood(np.zeros(2), 0.0, nu) == -inf


@pytest.mark.parametrize(
    ("counts", "rate", "expected"),
    [
        ([0.0], [0.0], 0.0),
        ([0.0], [-0.0], 0.0),
        ([0.0, 3.0], [0.0, 3.0], 3.0 * np.log(3.0) - 3.0),
        ([1.0], [0.0], -inf),
        ([0.0], [-1.0], -inf),  # -mu alone would reward it
        ([2.0, 0.0], [2.0, -1e-300], -inf),
        ([0.0], [inf], -inf),
        ([1.0], [inf], -inf),
        ([0.0, 1.0], [1.0, inf], -inf),
        ([0.0, 1.0], [inf, 0.0], -inf),
        ([0.0, 0.0], [inf, 0.0], -inf),
        ([0.0, 2.0], [0.0, inf], -inf),
    ],
)
def test_poisson_limits(counts, rate, expected):
    found = poisson_log_likelihood(np.array(counts), np.array(rate), 0.0)
    assert found == pytest.approx(expected, rel=1e-15)


def test_pearson_residuals():
    counts = np.array([0.0, 6.0, 3.0, 0.0, 1.0])
    found = pearson_residuals(counts, np.array([4.0, 4.0, 0.0, 0.0, -1.0]))
    np.testing.assert_array_equal(found, [-2.0, 1.0, inf, 0.0, nan])
