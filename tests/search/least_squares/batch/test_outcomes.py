"""Each status from a case built to end in it."""

import numpy as np
import pytest

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.fit import fit_batch
from tests.search.least_squares.plain_kernels import (
    data_factor,
    data_kernel,
    term_factor,
    term_kernel,
)


def gaussian(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def line(x, a, b):
    return a + b * x


def sum_of_two(x, a, b):
    return (a + b) + 0.0 * x


X = np.linspace(-5.0, 5.0, 32)
GAUSSIAN = data_kernel(gaussian, 3, "normal")
LINE = data_kernel(line, 2, "normal")
SUM = data_kernel(sum_of_two, 2, "normal")
SUM_ROWS = data_kernel(sum_of_two, 2, "rows")


def fit(kernel, y, start, *bounds, weight=1.0, **options):
    factor = data_factor(kernel, np.arange(len(start)), y, weight, X)
    found = fit_batch(FactorTable.of([factor]), start, *bounds, **options)
    return type(found)(*(array[0] for array in found))


def test_converged():
    assert fit(LINE, 1.0 + X, [0.0, 0.0]).status == Status.CONVERGED


def test_converged_on_data_without_noise():
    """Chi-square tends to 0: no part of it is small, the steps are."""
    found = fit(GAUSSIAN, gaussian(X, 2.0, 1.0, 0.8), [1.0, 0.5, 1.0])
    assert found.status == Status.CONVERGED
    np.testing.assert_allclose(found.theta, [2.0, 1.0, 0.8], rtol=1e-9)
    assert found.evaluations < 20


def test_at_bound():
    found = fit(LINE, 1.0 + X, [0.0, 0.0], [-1.0, -1.0], [2.0, 0.5])
    assert found.status == Status.AT_BOUND
    assert found.theta[1] == 0.5
    # What the derivatives say, as if the bound were not there.
    assert found.covariance[1, 1] == pytest.approx(1.0 / (X @ X))


def test_all_at_bounds():
    found = fit(LINE, 1.0 + X, [0.0, 0.0], [-2.0, -2.0], [-1.0, -1.0])
    assert found.status == Status.AT_BOUND
    np.testing.assert_array_equal(found.theta, [-1.0, -1.0])


@pytest.mark.parametrize("rows", [None, np.array([SUM_ROWS.address])])
def test_singular(rows):
    found = fit(SUM, 3.0 + 0.0 * X, [0.0, 0.0], rows=rows)
    assert found.status == Status.SINGULAR
    assert found.theta.sum() == pytest.approx(3.0)
    assert np.isnan(found.covariance).all()
    assert np.isnan(found.log_determinant)


def test_out_of_evaluations():
    y = gaussian(X, 2.0, 1.0, 0.8) + 0.1 * np.cos(9.0 * X)
    found = fit(GAUSSIAN, y, [1.0, -1.0, 2.0], max_evaluations=3)
    assert found.status == Status.OUT_OF_EVALUATIONS
    assert np.isfinite(found.theta).all()
    better = fit(GAUSSIAN, y, [1.0, -1.0, 2.0])
    assert better.value > found.value


def test_diverging():
    """A Gaussian on an exponential: its mean runs away, and the fit gets ever better."""
    draws = np.random.default_rng(4)
    y = np.exp(0.4 * X) + 0.3 * draws.normal(size=32)
    found = fit(GAUSSIAN, y, [1.0, 4.0, 2.0], weight=1.0 / 0.3)
    # It gets better by ever less; it is given up before the evaluations are used up.
    assert found.status == Status.DIVERGING
    assert found.evaluations < 1600
    assert np.isfinite(found.theta).all()


def test_stalled():
    """A derivative that is wrong: no step along it leads up."""

    def wrong(theta):
        return -abs(float(theta[0])), [1.0], [[1.0]]

    term = term_kernel(wrong, 1)
    found = fit_batch(FactorTable.of([term_factor(term, [0])]), [1.0])
    assert found.status[0] == Status.STALLED


def test_non_finite():
    found = fit(LINE, 1.0 + X, [0.0, 1e308])
    assert found.status == Status.NON_FINITE
    assert np.isnan(found.theta).all()
    assert np.isnan(found.value)
    assert np.isnan(found.covariance).all()


def test_a_trial_that_is_not_finite_is_only_rejected():
    """ln L of a Poisson mean, NaN below zero: the first step would go there."""

    def poisson(theta):
        mean = theta[0]
        if mean <= 0.0:
            return np.nan, [np.nan], [[np.nan]]
        return 2.0 * np.log(mean) - mean, [2.0 / mean - 1.0], [[2.0 / mean**2]]

    term = term_kernel(poisson, 1)
    found = fit_batch(FactorTable.of([term_factor(term, [0])]), [50.0])
    assert found.status[0] == Status.CONVERGED
    assert found.theta[0, 0] == pytest.approx(2.0, rel=1e-5)


def test_too_few_points():
    y = np.full(32, np.nan)
    y[:2] = 1.0
    found = fit(GAUSSIAN, y, [1.0, 0.0, 1.0])
    assert found.status == Status.TOO_FEW_POINTS
    assert found.evaluations == 0
    assert np.isnan(found.theta).all()
    # Two free parameters, or a prior for each, are another matter.
    fixed = fit(GAUSSIAN, y, [1.0, -5.0, 1.0], [-9.0, -5.0, 0.1], [9.0, -5.0, 9.0])
    assert fixed.status != Status.TOO_FEW_POINTS


def test_bad_start():
    found = fit(LINE, 1.0 + X, [np.nan, 0.0])
    assert found.status == Status.BAD_START
    assert np.isnan(found.theta).all()


def test_one_good_start_is_enough():
    factor = data_factor(LINE, [0, 1], 1.0 + X, 1.0, X)
    starts = [[[np.nan, 0.0], [0.0, 1e308], [0.0, 0.0], [np.inf, 0.0]]]
    found = fit_batch(FactorTable.of([factor]), starts)
    assert found.status[0] == Status.CONVERGED
    np.testing.assert_allclose(found.theta[0], [1.0, 1.0])


def test_a_start_outside_the_bounds_is_moved_onto_them():
    found = fit(LINE, 1.0 + X, [50.0, -50.0], [0.0, 0.0], [3.0, 3.0])
    assert found.status == Status.CONVERGED
    np.testing.assert_allclose(found.theta, [1.0, 1.0])
