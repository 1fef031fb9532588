"""Each status of a joint fit, and what is refused."""

from typing import Any

import numpy as np
import pytest

from graphfit.compiler import lower
from graphfit.errors import DataError, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.joint.solve import solve_joint
from graphfit.search.least_squares.joint.structure import (
    Partition,
    Plan,
    structured_plan,
)
from tests.reference.slow_joint import maximum, normal
from tests.search.least_squares.joint.joint_kernels import curved_factor, table_of
from tests.search.least_squares.joint.joint_problems import (
    SPARSE,
    both_ways,
    line_graph,
    shared_and_own,
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


def test_datasets_without_a_signal_diverge() -> None:
    """They may end anywhere flat; the fit must end, and the others be right."""
    graph, start = line_graph([4.0] * 20, 2)
    full = lower(graph).problem(posterior=True).normal
    alone = solve_joint(full, start)
    graph, start = line_graph([4.0] * 20 + [0.0] * 10, 2)
    start[41::2] = 0.1
    table = lower(graph).problem(posterior=True).normal
    fit = solve_joint(table, start)
    assert fit.status in {Status.DIVERGING, Status.SINGULAR, Status.CONVERGED}
    assert fit.evaluations < 500
    np.testing.assert_allclose(fit.theta[:41], alone.theta[:41], rtol=0.02)
