"""Joint fits against dense matrices, scipy, and each other."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from graphfit.compiler import lower
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.fit import fit_batch
from graphfit.search.least_squares.joint.solve import solve_joint
from graphfit.search.least_squares.joint.structure import (
    partition,
    structured_plan,
)
from tests.reference.slow_joint import Drawn, maximum
from tests.search.least_squares.joint.joint_kernels import curved_factor, table_of
from tests.search.least_squares.joint.joint_problems import (
    SPARSE,
    both_ways,
    line_graph,
    shared_and_own,
)

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
    for order in (
        np.arange(len(factors)),
        np.random.default_rng(1).permutation(len(factors)),
    ):
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


def test_a_graph_as_its_dense_fit() -> None:
    graph, start = line_graph([3.0, 4.0, 5.0] * 5, 1)
    table = lower(graph).problem(posterior=True).normal
    dense = fit_batch(table, start, tolerance=1e-12)
    for way in both_ways(table):
        fit = solve_joint(table, start, tolerance=1e-12, plan=way)
        assert fit.status == Status.CONVERGED
        np.testing.assert_allclose(fit.theta, dense.theta[0], rtol=1e-6)
        assert fit.value == pytest.approx(dense.value[0], rel=1e-10)
        np.testing.assert_allclose(
            fit.covariance, dense.covariance[0], rtol=1e-4, atol=1e-7
        )
        assert fit.log_determinant == pytest.approx(dense.log_determinant[0], abs=1e-5)
