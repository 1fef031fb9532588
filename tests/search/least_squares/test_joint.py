"""Joint fits against dense matrices, scipy, and each other."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from graphfit.compiler.evaluate_blocks import (
    destinations,
    fill_system,
    new_factor_scratch,
)
from graphfit.errors import DataError, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.bordered_layout import new_layout
from graphfit.search.least_squares.joint import solve_joint
from graphfit.search.least_squares.sparse_pattern import Factor, new_pattern
from graphfit.search.least_squares.structure import (
    Partition,
    Plan,
    partition,
    plan,
    structured_plan,
)
from tests.reference.slow_joint import Drawn, maximum, normal
from tests.search.least_squares.joint_kernels import curved_factor, table_of

SPARSE = Plan("sparse", "the test asks for it")


def shared_and_own(seed: int, n_shared: int, sizes: Any, **settings: Any) -> Any:
    """Factors of shared and own parameters, the truth, and a start near it."""
    rng = np.random.default_rng(seed)
    d = n_shared + int(np.sum(sizes))
    truth = rng.uniform(0.5, 1.5, d)
    factors, first = [], n_shared
    for size in sizes:
        own = np.arange(first, first + size)
        shared = np.flatnonzero(rng.random(n_shared) < 0.7)
        for _ in range(int(rng.integers(1, 3))):
            local = rng.permutation(np.concatenate([shared, own]))
            factors.append(curved_factor(rng, local, truth, **settings))
        first += size
    factors.append(curved_factor(rng, np.arange(n_shared), truth, **settings))
    return factors, truth, truth + rng.normal(0.0, 0.1, d)


def chain(count: int, seed: int = 0) -> Any:
    """Each parameter shared by two neighbours."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 1.5, count)
    factors = [curved_factor(rng, [i, i + 1], truth) for i in range(count - 1)]
    return factors, truth + 0.1


def both_ways(table: Any) -> list[Plan]:
    ways = [structured_plan(table), SPARSE]
    assert ways[0].way == "bordered"
    return ways


sizes_of_blocks = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), sizes_of_blocks)
def test_dense_answer(seed: int, n_shared: int, sizes: Any) -> None:
    factors, truth, start = shared_and_own(seed, n_shared, sizes)
    table = table_of(factors, len(truth))
    theta, value, _, information = maximum(factors, start)
    covariance = np.linalg.inv(information)
    deviations = np.sqrt(np.diagonal(covariance))
    for way in both_ways(table):
        fit = solve_joint(table, start, tolerance=1e-13, plan=way)
        assert fit.status == Status.CONVERGED
        np.testing.assert_array_less(np.abs(fit.theta - theta), 1e-5 * deviations)
        np.testing.assert_allclose(fit.value, value, rtol=1e-12)
        np.testing.assert_allclose(fit.standard_deviations, deviations, rtol=1e-6)
        np.testing.assert_allclose(
            fit.covariance, covariance, atol=1e-6 * covariance.max()
        )
        determinant = np.linalg.slogdet(information)[1]
        np.testing.assert_allclose(fit.log_determinant, determinant, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), sizes_of_blocks)
def test_bounded_answer_of_scipy(seed: int, n_shared: int, sizes: Any) -> None:
    factors, truth, start = shared_and_own(seed, n_shared, sizes)
    rng = np.random.default_rng(seed)
    lower = truth - rng.choice([0.02, 0.3, np.inf], len(truth))
    upper = truth + rng.choice([0.02, 0.3, np.inf], len(truth))
    start = np.clip(start, lower, upper)

    def residuals(theta: Any) -> Any:
        return np.concatenate([factor.residual(theta) for factor in factors])

    scipys = optimize.least_squares(
        residuals, truth, bounds=(lower, upper), xtol=1e-13, ftol=1e-13, gtol=1e-13
    )
    table = table_of(factors, len(truth))
    for way in both_ways(table):
        fit = solve_joint(table, start, lower, upper, tolerance=1e-12, plan=way)
        assert fit.status in {Status.CONVERGED, Status.AT_BOUND}
        assert ((fit.theta >= lower) & (fit.theta <= upper)).all()
        assert -fit.value <= scipys.cost * (1.0 + 1e-7) + 1e-9
        on_bound = (fit.theta == lower) | (fit.theta == upper)
        assert (fit.status == Status.AT_BOUND) == on_bound.any()


@pytest.mark.parametrize("way", ["bordered", "sparse"])
def test_order_of_factors_is_rounding(way: str) -> None:
    factors, truth, start = shared_and_own(3, 2, [2] * 50)
    fits = []
    for order in (np.arange(len(factors)), np.random.default_rng(1).permutation(len(factors))):
        table = table_of([factors[k] for k in order], len(truth))
        chosen = structured_plan(table) if way == "bordered" else SPARSE
        fits.append(solve_joint(table, start, plan=chosen))
    np.testing.assert_allclose(fits[0].theta, fits[1].theta, rtol=1e-9)
    np.testing.assert_allclose(
        fits[0].standard_deviations, fits[1].standard_deviations, rtol=1e-9
    )
    assert fits[0].evaluations == fits[1].evaluations


def test_threads_change_no_bit() -> None:
    problems = [shared_and_own(seed, 2, [2, 3] * 20) for seed in range(4)]
    tables = [table_of(factors, len(truth)) for factors, truth, _ in problems]
    ways = [both_ways(table) for table in tables]

    def fit(k: int) -> Any:
        found = solve_joint(tables[k % 4], problems[k % 4][2], plan=ways[k % 4][k // 4])
        return found.theta.tobytes(), found.standard_deviations.tobytes()

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(8)))
    assert together == [fit(k) for k in range(8)]


def test_a_chain_is_sparse() -> None:
    factors, start = chain(1000)
    table = table_of(factors, 1000)
    found = plan(table)
    assert found.way == "sparse"
    pattern = new_pattern(table)
    factor = Factor(pattern, (pattern.indices == pattern.columns) + 0.0)
    assert factor.lu.L.nnz <= 4 * 1000  # so the cost is linear
    fit = solve_joint(table, start, tolerance=1e-13, plan=found)
    theta, value, _, information = maximum(factors, start)
    covariance = np.linalg.inv(information)
    assert fit.status == Status.CONVERGED
    assert fit.value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(fit.theta, theta, rtol=1e-6)
    np.testing.assert_allclose(
        fit.standard_deviations**2, np.diagonal(covariance), rtol=1e-6
    )
    some = [500, 0, 501]
    np.testing.assert_allclose(
        fit.covariance_of(some), covariance[np.ix_(some, some)], atol=1e-9
    )
    assert fit.log_determinant == pytest.approx(np.linalg.slogdet(information)[1])


@pytest.mark.parametrize("count", [2, 60, 150])
def test_drawn_parameters(count: int) -> None:
    """x_i ~ N(mu, exp(s)), each measured: own and shared in terms of the prior."""
    rng = np.random.default_rng(count)
    d = 2 + count
    truth = np.concatenate([[1.0, -1.0], 1.0 + np.exp(-1.0) * rng.normal(size=count)])
    factors = [curved_factor(rng, [2 + i], truth, n=30) for i in range(count)]
    # Data for mu and s as well: the highest density of a hierarchy alone is at s = -inf.
    factors.append(curved_factor(rng, [0, 1], truth))
    factors += [Drawn(np.array([2 + i, 0, 1])) for i in range(count)]
    table = table_of(factors, d)
    found = partition(table)
    assert found is not None
    if count > 2:
        assert found.border.tolist() == [0, 1]
    theta, value, gradient, information = maximum(factors, truth)
    assert np.abs(gradient).max() < 1e-4
    covariance = np.linalg.inv(information)
    for way in both_ways(table):
        fit = solve_joint(table, truth + 0.1, tolerance=1e-13, plan=way)
        assert fit.status == Status.CONVERGED
        assert fit.value == pytest.approx(value, rel=1e-11)
        np.testing.assert_allclose(fit.theta, theta, atol=1e-5)
        np.testing.assert_allclose(
            fit.covariance, covariance, atol=1e-4 * covariance.max()
        )


@pytest.mark.parametrize("way", ["bordered", "sparse"])
def test_an_undetermined_parameter_is_named(way: str) -> None:
    """Nothing knows parameter 5; the others keep their answers and errors."""
    factors, truth, start = shared_and_own(7, 2, [2] * 8)
    factors = [factor for factor in factors if 5 not in factor.local]
    reached = np.unique(np.concatenate([factor.local for factor in factors]))
    missing = np.setdiff1d(np.arange(len(truth)), reached)
    assert missing.tolist() == [4, 5]
    table = table_of(factors, len(truth))
    chosen = structured_plan(table) if way == "bordered" else SPARSE
    fit = solve_joint(table, start, tolerance=1e-12, plan=chosen)
    assert fit.status == Status.SINGULAR
    assert fit.undetermined.tolist() == [4, 5]
    assert np.isnan(fit.log_determinant)
    np.testing.assert_array_equal(fit.theta[missing], start[missing])
    assert np.isnan(fit.standard_deviations[missing]).all()
    _, _, _, information = maximum(factors, start)
    inverse = np.linalg.inv(information[np.ix_(reached, reached)])
    np.testing.assert_allclose(
        fit.standard_deviations[reached] ** 2, np.diagonal(inverse), rtol=1e-5
    )
    assert np.isnan(fit.covariance_of([4, 0])).tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize("way", ["bordered", "sparse"])
@pytest.mark.parametrize("which", ["own", "shared"])
def test_parameters_along_a_flat_direction_are_named(way: str, which: str) -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.5, 1.5, 3 + 2 * 10)
    factors = []
    for i in range(10):
        factor = curved_factor(rng, [0, 1, 2, 3 + 2 * i, 4 + 2 * i], truth, bend=0.0)
        # Equal design: only the sum of two parameters is known.
        if which == "shared":
            factor.c[1] = factor.c[0]
        elif i == 4:
            factor.c[4] = factor.c[3]
        factors.append(factor)
    table = table_of(factors, len(truth))
    found = Partition(
        np.arange(3),
        np.concatenate([[-1] * 3, np.repeat(np.arange(10), 2)]),
        np.full(10, 2),
    )
    chosen = Plan("bordered", "", found) if way == "bordered" else SPARSE
    fit = solve_joint(table, truth + 0.1, plan=chosen)
    expected = [0, 1] if which == "shared" else [11, 12]
    assert fit.status == Status.SINGULAR
    assert fit.undetermined.tolist() == expected
    known = np.setdiff1d(np.arange(len(truth)), expected)
    inverse = np.linalg.pinv(normal(factors, fit.theta)[2])
    np.testing.assert_allclose(
        fit.standard_deviations[known] ** 2, np.diagonal(inverse)[known], rtol=1e-6
    )


def test_fixed_parameters_stay() -> None:
    factors, truth, start = shared_and_own(11, 2, [2] * 6)
    lower, upper = np.full(len(truth), -np.inf), np.full(len(truth), np.inf)
    fixed = np.array([1, 4])
    lower[fixed] = upper[fixed] = truth[fixed]
    table = table_of(factors, len(truth))
    fits = [
        solve_joint(table, start, lower, upper, plan=way) for way in both_ways(table)
    ]
    vary = np.setdiff1d(np.arange(len(truth)), fixed)
    information = normal(factors, fits[0].theta)[2][np.ix_(vary, vary)]
    for fit in fits:
        assert fit.status == Status.CONVERGED
        np.testing.assert_array_equal(fit.theta[fixed], truth[fixed])
        np.testing.assert_array_equal(fit.standard_deviations[fixed], 0.0)
        np.testing.assert_array_equal(fit.covariance[fixed], 0.0)
        np.testing.assert_allclose(
            fit.covariance[np.ix_(vary, vary)],
            np.linalg.inv(information),
            rtol=1e-4,
            atol=1e-6,
        )
        assert fit.log_determinant == pytest.approx(
            np.linalg.slogdet(information)[1], abs=1e-4
        )


def test_a_parameter_twice_in_one_factor() -> None:
    rng = np.random.default_rng(5)
    truth = rng.uniform(0.5, 1.5, 4)
    factors = [
        curved_factor(rng, local, truth) for local in ([0, 1, 0], [0, 2, 2], [0, 3])
    ]
    table = table_of(factors, 4)
    value, gradient, information = normal(factors, truth)

    def place(i: Any, j: Any) -> Any:
        return 4 + 4 * i + j

    system = np.zeros(20)
    filled = fill_system(
        table.arrays,
        destinations(table, place),
        truth,
        system,
        new_factor_scratch(table),
    )
    assert filled == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(system[:4], gradient, rtol=1e-12)
    np.testing.assert_allclose(
        system[4:].reshape(4, 4), np.tril(information), rtol=1e-12
    )
    theta, *_ = maximum(factors, truth)
    for way in both_ways(table):
        fit = solve_joint(table, truth, tolerance=1e-12, plan=way)
        np.testing.assert_allclose(fit.theta, theta, atol=1e-6)


def test_every_entry_has_its_own_place() -> None:
    factors, truth, _ = shared_and_own(9, 3, [1, 4, 2])
    table = table_of(factors, len(truth))
    found = partition(table)
    assert found is not None
    layout = new_layout(table, found)
    system = np.zeros(layout.block_start[-1])
    fill_system(
        table.arrays, layout.destination, truth, system, new_factor_scratch(table)
    )
    information = normal(factors, truth)[2]
    np.testing.assert_allclose(system[layout.diagonal], np.diagonal(information))
    lower = np.tril(information)
    assert np.sum(system[len(truth) :]) == pytest.approx(np.sum(lower))


@pytest.mark.parametrize("way", ["bordered", "sparse"])
class TestStatus:
    def problem(self, way: str) -> Any:
        factors, truth, start = shared_and_own(1, 1, [2] * 25)
        table = table_of(factors, len(truth))
        return table, start, structured_plan(table) if way == "bordered" else SPARSE

    def test_out_of_evaluations(self, way: str) -> None:
        table, start, chosen = self.problem(way)
        fit = solve_joint(table, start, max_evaluations=2, plan=chosen)
        assert fit.status == Status.OUT_OF_EVALUATIONS
        assert fit.evaluations == 2
        assert np.isfinite(fit.theta).all()

    def test_bad_start(self, way: str) -> None:
        table, start, chosen = self.problem(way)
        start[3] = np.nan
        fit = solve_joint(table, start, plan=chosen)
        assert fit.status == Status.BAD_START
        assert np.isnan(fit.theta).all()
        assert np.isnan(fit.covariance).all()

    def test_not_finite(self, way: str) -> None:
        table, start, chosen = self.problem(way)
        start[3] = 1e200
        fit = solve_joint(table, start, plan=chosen)
        assert fit.status == Status.NON_FINITE

    def test_a_start_outside_moves_onto_the_bound(self, way: str) -> None:
        table, start, chosen = self.problem(way)
        fit = solve_joint(table, start, -10.0, 0.4, plan=chosen)
        assert fit.status == Status.AT_BOUND
        assert (fit.theta <= 0.4).all()
        assert (fit.theta == 0.4).any()


class TestPlan:
    def test_few_parameters_are_dense(self) -> None:
        factors, truth, _ = shared_and_own(1, 2, [2] * 3)
        found = plan(table_of(factors, len(truth)))
        assert (found.way, found.reason) == ("dense", "8 parameters: one small matrix.")

    def test_many_datasets_are_bordered(self) -> None:
        factors, truth, _ = shared_and_own(1, 2, [2] * 300)
        found = plan(table_of(factors, len(truth)))
        assert found.way == "bordered"
        assert found.reason == "2 shared parameters border 300 blocks of up to 2."

    def test_datasets_that_share_nothing(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.uniform(0.5, 1.5, 60)
        factors = [
            curved_factor(rng, [3 * i, 3 * i + 1, 3 * i + 2], truth) for i in range(20)
        ]
        table = table_of(factors, 60)
        found = plan(table)
        assert found.reason == "20 blocks of up to 3 share no parameter."
        fit = solve_joint(table, truth, plan=found)
        assert fit.status == Status.CONVERGED
        alone = maximum(factors, truth)[0]
        np.testing.assert_allclose(fit.theta, alone, atol=1e-4)

    def test_one_dataset_of_many_parameters(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.uniform(0.5, 1.5, 45)
        factors = [curved_factor(rng, np.arange(45), truth, n=80)]
        table = table_of(factors, 45)
        found = plan(table)
        assert found.way == "bordered"
        fit = solve_joint(table, truth, plan=found)
        assert fit.status == Status.CONVERGED


def test_rounding_does_not_stall_many_terms() -> None:
    """chi-square is about 1e6; the last gains are 1e-9 of it."""
    rng = np.random.default_rng(4)
    truth = rng.uniform(0.5, 1.5, 2001)
    own = [[0, 2 * i + 1, 2 * i + 2] for i in range(1000)]
    factors = [curved_factor(rng, local, truth, n=16) for local in own]
    for factor in factors:
        factor.y[:] += 8.0 * rng.normal(size=16) / factor.w
    table = table_of(factors, 2001)
    fit = solve_joint(table, truth + 0.2)
    assert fit.status == Status.CONVERGED
    assert fit.evaluations <= 15
    assert -2.0 * fit.value > 5e5
    _, gradient, information = normal_of_blocks(factors, fit.theta)
    # The distance left is far below the errors.
    assert (np.abs(gradient) < 0.01 * np.sqrt(information)).all()


def normal_of_blocks(factors: Any, theta: Any) -> Any:
    """`normal`, with the diagonal of the information only."""
    value, gradient, diagonal = 0.0, np.zeros(len(theta)), np.zeros(len(theta))
    for factor in factors:
        v, g, h = factor.normal(theta)
        value += v
        gradient[factor.local] += g
        diagonal[factor.local] += np.diagonal(h)
    return value, gradient, diagonal


class TestRefusals:
    table = table_of(shared_and_own(1, 1, [1, 1])[0], 3)

    def test_shape(self) -> None:
        with pytest.raises(DataError, match="start has shape .2,.; it must have 3"):
            solve_joint(self.table, [1.0, 2.0])

    def test_bounds(self) -> None:
        with pytest.raises(DataError, match="Parameter 1: lower=2.0 must be <="):
            solve_joint(self.table, np.ones(3), [0, 2, 0], 1.0)

    def test_tolerance(self) -> None:
        with pytest.raises(SettingError, match="tolerance must be a number > 0"):
            solve_joint(self.table, np.ones(3), tolerance=0.0)

    def test_evaluations(self) -> None:
        with pytest.raises(SettingError, match="max_evaluations must be at least 1"):
            solve_joint(self.table, np.ones(3), max_evaluations=0)

    def test_indices(self) -> None:
        fit = solve_joint(self.table, np.ones(3))
        with pytest.raises(DataError, match="indices, 0 to 2"):
            fit.covariance_of([3])
