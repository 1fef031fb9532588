"""Border, blocks and chains: the structure of joint fits."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array

from graphfit.compiler.driving.evaluate_blocks import (
    destinations,
    fill_system,
    new_factor_scratch,
)
from graphfit.samples.status import Status
from graphfit.search.least_squares.joint.bordered_layout import new_layout
from graphfit.search.least_squares.joint.selected_inverse import inverse_diagonal
from graphfit.search.least_squares.joint.solve import solve_joint
from graphfit.search.least_squares.joint.sparse_pattern import Factor, new_pattern
from graphfit.search.least_squares.joint.structure import (
    partition,
    plan,
)
from tests.reference.slow_joint import maximum, normal
from tests.search.least_squares.joint.joint_kernels import curved_factor, table_of
from tests.search.least_squares.joint.joint_problems import (
    both_ways,
    chain,
    shared_and_own,
)


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


@pytest.mark.parametrize("seed", range(5))
def test_selected_inverse(seed: int) -> None:
    """Also where L lacks entries that happen to be zero."""
    rng = np.random.default_rng(seed)
    d = 40
    lower = np.eye(d) + np.tril(rng.random((d, d)) < 0.08, -1) * rng.normal(size=(d, d))
    pivots = rng.uniform(0.5, 2.0, d)
    matrix = lower @ np.diag(pivots) @ lower.T
    found = inverse_diagonal(csc_array(lower), pivots)
    np.testing.assert_allclose(found, np.diagonal(np.linalg.inv(matrix)), rtol=1e-8)
