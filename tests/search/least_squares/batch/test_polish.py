"""Fits to all digits: the NIST StRD problems, from both starts."""

import numpy as np
import pytest

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.fit import fit_batch
from tests.reference.nist import ALL_PROBLEMS
from tests.search.least_squares.plain_kernels import data_factor, data_kernel


def table_of(problem):
    """The table of one problem, its rows, and what must live as long."""
    x, y = np.asarray(problem.x, dtype=float), np.asarray(problem.y, dtype=float)
    d = len(problem.parameters)

    def function(_, *theta):
        # Inputs of several variables are bound here; padding repeats the last point.
        return problem.function(inputs, *theta)

    padding = -len(y) % 8
    inputs = np.concatenate([x, np.repeat(x[..., -1:], padding, axis=-1)], axis=-1)
    normal, rows = (data_kernel(function, d, kind) for kind in ("normal", "rows"))
    factor = data_factor(normal, np.arange(d), y, 1.0, np.zeros(len(y)))
    return FactorTable.of([factor]), np.array([rows.address]), (normal, rows)


def digits(found, certified):
    """The fewest correct digits of any parameter."""
    error = np.abs(np.asarray(found) / np.asarray(certified) - 1.0)
    return float(-np.log10(np.max(np.maximum(error, 1e-11))))


@pytest.mark.published
@pytest.mark.parametrize("which", [0, 1], ids=["far", "near"])
@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda problem: problem.name)
def test_six_digits_of_nist(problem, which):
    table, rows, alive = table_of(problem)
    start = problem.starts[which]
    found = fit_batch(table, start, rows=rows, tolerance=1e-13, max_evaluations=2000)
    del alive
    assert found.status[0] == Status.CONVERGED
    assert digits(found.theta[0], problem.parameters) >= 6.0
    freedom = len(problem.y) - len(problem.parameters)
    sigma = np.sqrt(np.diagonal(found.covariance[0]) * problem.residual_sum / freedom)
    assert digits(sigma, problem.deviations) >= 4.0


# Lanczos1 has residuals of 1e-13: the rounding of the data is their noise.
NOISY = [problem for problem in ALL_PROBLEMS if problem.name != "Lanczos1"]


@pytest.mark.published
@pytest.mark.parametrize("problem", NOISY, ids=lambda problem: problem.name)
def test_default_tolerance_is_far_below_the_errors(problem):
    """From the near start, without rows: within 1e-3 standard errors."""
    table, _, alive = table_of(problem)
    found = fit_batch(table, problem.starts[1])
    del alive
    offset = (found.theta[0] - problem.parameters) / np.array(problem.deviations)
    assert found.status[0] == Status.CONVERGED
    assert np.abs(offset).max() < 1e-3


def test_the_best_point_does_not_get_worse():
    for problem in ALL_PROBLEMS[:8]:
        table, rows, alive = table_of(problem)
        rough = fit_batch(table, problem.starts[1])
        polished = fit_batch(table, problem.starts[1], rows=rows, tolerance=1e-13)
        del alive
        assert polished.value[0] >= rough.value[0] * (1.0 + 1e-9)


def test_bounds_hold_under_polish():
    def hyperbola(x, a, b):
        return a / (1.0 + b * x)

    x = np.linspace(0.1, 5.0, 24)
    kernels = [data_kernel(hyperbola, 2, kind) for kind in ("normal", "rows")]
    factor = data_factor(kernels[0], [0, 1], hyperbola(x, 2.0, 1.5), 1.0, x)
    table, rows = FactorTable.of([factor]), np.array([kernels[1].address])
    bounds = [0.0, 0.0], [1.8, 9.0]
    found = fit_batch(table, [1.0, 1.0], *bounds, rows=rows, tolerance=1e-14)
    rough = fit_batch(table, [1.0, 1.0], *bounds)
    assert found.status[0] == Status.AT_BOUND
    assert found.theta[0, 0] == 1.8
    np.testing.assert_allclose(found.theta, rough.theta, rtol=1e-4)
