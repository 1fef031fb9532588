"""Cholesky and Householder factors of small matrices, against exact and library answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.kernels import cholesky, householder
from tests.reference import slow_linear_algebra as slow

seeds = st.integers(0, 2**32 - 1)
orders = st.integers(1, 7)


def rows(seed, n, m=12):
    """J (m, n) with columns of very different sizes."""
    draws = np.random.default_rng(seed)
    return draws.normal(size=(m, n)) * 10.0 ** draws.uniform(-6, 6, size=n)


def factored(jacobian):
    """What `householder` makes of J, with zeros for the right-hand side."""
    m, n = jacobian.shape
    columns, right = jacobian.T.copy(), np.zeros(m)
    order, diagonal = np.zeros(n, dtype=np.int64), np.zeros(n)
    rank = householder.factorize(columns, right, m, n, order, diagonal)
    return columns, right, rank, order, diagonal


@given(seeds, orders)
def test_cholesky_solves(seed, n):
    jacobian = rows(seed, n)
    matrix = jacobian.T @ jacobian
    right = matrix @ (np.ones(n) / np.sqrt(np.diag(matrix)))
    expected = slow.solve(matrix, right)
    # Larger arrays, of which the first n rows are used, and garbage above the diagonal.
    factor = np.full((n + 2, n + 2), np.nan)
    factor[:n, :n] = np.tril(matrix)
    x = np.append(right, [np.nan, np.nan])
    pivot = cholesky.factorize(factor, n)
    cholesky.solve(factor, x, n)
    assert 0.0 < pivot <= 1.0
    np.testing.assert_allclose(x[:n], expected, rtol=1e-12 / pivot)
    assert np.isnan(x[n:]).all()


@given(seeds, orders)
def test_cholesky_inverts(seed, n):
    jacobian = rows(seed, n)
    scale = np.linalg.norm(jacobian, axis=0)
    matrix = jacobian.T @ jacobian
    factor = np.tril(matrix)
    pivot = cholesky.factorize(factor, n)
    log_determinant = cholesky.log_determinant(factor, n)
    cholesky.invert(factor, n)
    inverse = np.tril(np.linalg.inv((jacobian / scale).T @ (jacobian / scale)))
    np.testing.assert_allclose(
        factor * np.outer(scale, scale), inverse, atol=1e-11 / pivot, rtol=1e-9
    )
    expected = np.linalg.slogdet((jacobian / scale).T @ (jacobian / scale))[1]
    expected += 2.0 * np.log(scale).sum()
    assert log_determinant == pytest.approx(expected, rel=1e-11, abs=1e-11 / pivot)


@given(seeds, st.integers(2, 6))
def test_the_pivot_does_not_depend_on_units(seed, n):
    jacobian = rows(seed, n)
    unit = jacobian / np.linalg.norm(jacobian, axis=0)
    pivots = [
        cholesky.factorize(np.tril(j.T @ j), n) for j in (jacobian, unit, 8.0 * unit)
    ]
    np.testing.assert_allclose(pivots, pivots[0], rtol=1e-9)


def test_the_pivot_is_the_unexplained_part_of_a_column():
    near = np.array([[1.0, 0.0], [0.6, 1.0]])
    assert cholesky.factorize(near, 2) == pytest.approx(1.0 - 0.36)


@pytest.mark.parametrize(
    "matrix",
    [
        [[0.0, 0.0], [0.0, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [2.0, 1.0]],
        [[np.nan, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [np.nan, 1.0]],
    ],
)
def test_what_is_not_positive_definite_is_refused(matrix):
    assert cholesky.factorize(np.array(matrix), 2) == -1.0


@given(seeds, orders)
def test_householder_solves_least_squares(seed, n):
    jacobian = rows(seed, n)
    unit = jacobian / np.linalg.norm(jacobian, axis=0)
    right = np.random.default_rng(seed + 1).normal(size=12)
    expected = slow.least_squares(unit, right)
    columns, b = unit.T.copy(), right.copy()
    order, diagonal, x = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    rank = householder.factorize(columns, b, 12, n, order, diagonal)
    householder.solve(columns, b, rank, n, order, diagonal, x)
    condition = abs(diagonal[0] / diagonal[-1])
    assert rank == n
    assert (np.diff(np.abs(diagonal)) <= 1e-12).all()
    np.testing.assert_allclose(x, expected, atol=1e-13 * condition**2, rtol=1e-12)


def test_householder_keeps_digits_that_normal_equations_lose():
    """A nearly collinear pair: condition 1e9, so J^T J is singular to rounding."""
    t = np.linspace(0.0, 1.0, 12)
    jacobian = np.stack([t, t + 1e-9 * t**2], axis=1)
    right = jacobian @ [1.0, 2.0]
    factor = np.tril(jacobian.T @ jacobian)
    assert cholesky.factorize(factor, 2) < 1e-14
    columns, b = jacobian.T.copy(), right.copy()
    order, diagonal, x = np.zeros(2, dtype=np.int64), np.zeros(2), np.zeros(2)
    rank = householder.factorize(columns, b, 12, 2, order, diagonal)
    householder.solve(columns, b, rank, 2, order, diagonal, x)
    np.testing.assert_allclose(x, slow.least_squares(jacobian, right), rtol=1e-5)


@given(seeds, orders)
def test_householder_gives_the_covariance(seed, n):
    jacobian = rows(seed, n)
    unit = jacobian / np.linalg.norm(jacobian, axis=0)
    columns, _, rank, order, diagonal = factored(unit)
    covariance = np.zeros((n, n))
    log_determinant = householder.inverse_information(
        columns, n, order, diagonal, covariance
    )
    condition = abs(diagonal[0] / diagonal[-1])
    information = unit.T @ unit
    assert rank == n
    np.testing.assert_allclose(
        covariance, np.linalg.inv(information), rtol=1e-9, atol=1e-13 * condition**4
    )
    expected = np.linalg.slogdet(information)[1]
    assert log_determinant == pytest.approx(expected, abs=1e-12 * condition**2)


def test_the_rank_counts_what_rounding_leaves():
    t = np.linspace(1.0, 2.0, 12)
    columns, _, rank, order, diagonal = factored(np.stack([t, t**2, t + t**2], axis=1))
    assert rank == 2
    assert diagonal[2] == 0.0
    x = np.zeros(3)
    householder.solve(columns, np.ones(12), rank, 3, order, diagonal, x)
    assert x[order[2]] == 0.0
    assert factored(np.zeros((4, 2)))[2] == 0
