"""The compiled quadrature against its twin in numpy, and the sample that it leaves."""

import math
from typing import Any

import numpy as np
import pytest

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.search.nested.engine.cubature import cubature
from graphfit.search.nested.engine.cubature_memory import (
    CALLS,
    CELLS,
    LOG_LIKELIHOOD,
    LOG_WEIGHT,
    MEMORY_TYPES,
    CubatureMemory,
)
from graphfit.search.nested.engine.target import Target
from graphfit.search.nested.quadrature import quadrature
from tests.search.least_squares.plain_kernels import kernel, term_factor
from tests.search.nested.planes import PLANES, eggbox, normal, ridge

_TARGET = record(
    Target, "int64[::1]", "float64[::1]", *["int64[::1]"] * 2, "float64[::1]"
)


@driver(
    ("float64", "float64"),
    _TARGET,
    record(CubatureMemory, *MEMORY_TYPES),
    "float64",
    "int64",
)
def integrate(target, memory, tolerance, max_calls):
    return cubature(target, memory, tolerance, max_calls)


class Plain:
    """A target of a function of points (S, d); its one value more is the sum of u."""

    def __init__(self, function: Any, d: int) -> None:
        def transform(u: Any, constants: Any, columns: Any, n: int, out: Any) -> float:
            for j in range(d):
                out[j] = u[j]
            out[d] = sum(u[:d])
            return 0.0

        def likelihood(
            theta: Any, constants: Any, columns: Any, n: int, out: Any
        ) -> float:
            return float(function(np.array([theta[:d]]).reshape(1, d))[0])

        self.kernels = kernel(transform), kernel(likelihood)
        self.table = FactorTable.of(
            [term_factor(self.kernels[1], list(range(d)))], n_parameters=d
        )
        place = np.array([self.kernels[0].address, 0, 0, 0, 0], dtype=np.int64)
        self.target = Target(
            new_cursor(self.table),
            new_scratch(self.table),
            place,
            np.zeros(0, dtype=np.int64),
            np.zeros(0),
        )


def run(function, d, tolerance=1e-4, max_calls=100_000, cells=600, grid=4):
    plain = Plain(function, d)
    memory = CubatureMemory.of(d, d + 1, cells, grid)
    found = integrate(plain.target, memory, tolerance, max_calls)
    return *found, memory


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_it_does_what_numpy_does(plane):
    function, d = plane.log_likelihood, plane.dimension
    log_evidence, error, memory = run(function, d)
    twin = quadrature(function, d, tolerance=1e-4, grid=4)
    assert twin.converged
    assert memory.counts[CALLS] == twin.calls
    assert log_evidence == pytest.approx(twin.log_evidence, abs=1e-12)
    assert error == pytest.approx(twin.error, rel=1e-6, abs=1e-15)
    rows = memory.counts[CELLS] * memory.nodes.shape[1]
    log_weight = memory.sample[LOG_WEIGHT, :rows]
    weights = np.exp(log_weight)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    # The same nodes, in another order.
    mean = weights @ memory.units[:rows]
    np.testing.assert_allclose(mean, twin.weights @ twin.units, rtol=1e-10)
    mean_log = (
        weights[weights > 0.0] @ memory.sample[LOG_LIKELIHOOD, :rows][weights > 0]
    )
    assert mean_log == pytest.approx(twin.weights @ twin.log_likelihood, rel=1e-10)


def test_each_node_has_its_values():
    _, _, memory = run(normal((0.03, 0.05)), 2)
    rows = memory.counts[CELLS] * memory.nodes.shape[1]
    units, values = memory.units[:rows], memory.values[:rows]
    np.testing.assert_array_equal(values[:, :2], units)
    np.testing.assert_allclose(values[:, 2], units.sum(axis=1), rtol=1e-15)
    log_likelihood = normal((0.03, 0.05))(units)
    np.testing.assert_allclose(memory.sample[LOG_LIKELIHOOD, :rows], log_likelihood)


def test_memory_can_be_used_again():
    plain = Plain(normal((0.01, 0.02)), 2)
    memory = CubatureMemory.of(2, 3, 600)
    first = integrate(plain.target, memory, 1e-4, 100_000)
    integrate(Plain(ridge, 2).target, memory, 1e-4, 20_000)
    assert integrate(plain.target, memory, 1e-4, 100_000) == first


@pytest.mark.parametrize(
    ("cells", "max_calls", "most"), [(100, 10**6, 98 * 84 + 784), (600, 4000, 4000)]
)
def test_it_ends_where_cells_or_calls_do(cells, max_calls, most):
    log_evidence, error, memory = run(eggbox, 2, 1e-6, max_calls, cells)
    assert memory.counts[CALLS] <= most
    assert memory.counts[CELLS] <= cells
    assert error > 1e-6
    assert abs(log_evidence - 235.856) < error


def test_no_likelihood_anywhere():
    log_evidence, error, memory = run(lambda u: np.full(1, -np.inf), 2, cells=50)
    assert (log_evidence, error) == (-math.inf, math.inf)
    assert memory.counts[CELLS] == 50


def test_a_small_region_is_found_by_looking_closer():
    # Between the nodes of all the first cells.
    def disc(u):
        return np.where(np.hypot(*(u - 0.5).T) < 0.006, 0.0, -np.inf)

    log_evidence, error, _ = run(disc, 2, 1e-2, 50_000, cells=1000, grid=2)
    assert abs(log_evidence - math.log(math.pi * 0.006**2)) < error < 0.3


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_broken_likelihood(value):
    def broken(u):
        return np.where(u[:, 0] > 0.7, value, normal((0.1, 0.1))(u))

    assert all(map(math.isnan, run(broken, 2)[:2]))


def test_without_parameters_it_is_one_call():
    log_evidence, error, memory = run(lambda u: np.full(1, -3.0), 0)
    assert (log_evidence, error) == (-3.0, 0.0)
    assert memory.counts[[CELLS, CALLS]].tolist() == [1, 1]
    assert memory.sample[:, 0].tolist() == [-3.0, 0.0]


def line(width, noise):
    """ln L of a line's mean and width, its amplitude ~ N(0, 25) integrated out."""
    x = np.arange(53.0)
    draws = np.random.default_rng(3)
    y = 1.0 * np.exp(-0.5 * ((x - 21.3) / width) ** 2) + noise * draws.normal(size=53)

    def function(u):
        mean, stddev = 52.0 * u[:, :1], 0.5 + 9.5 * u[:, 1:]
        profile = np.exp(-0.5 * ((x - mean) / stddev) ** 2) / noise
        information = (profile**2).sum(axis=1) + 1.0 / 25.0
        pull = profile @ y / noise
        return 0.5 * pull**2 / information - 0.5 * np.log(25.0 * information)

    return function


@pytest.mark.parametrize(("width", "noise"), [(2.0, 0.1), (2.0, 0.4), (5.0, 0.2)])
def test_a_line_takes_less_than_5000_calls(width, noise):
    function = line(width, noise)
    exact = quadrature(function, 2, tolerance=1e-9).log_evidence
    log_evidence, error, memory = run(function, 2, 1e-4)
    assert memory.counts[CALLS] < 5000
    assert abs(log_evidence - exact) < error < 1e-4
