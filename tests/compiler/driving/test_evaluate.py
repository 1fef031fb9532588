"""FactorTable and its evaluation, against sums written out in numpy."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.compiler.driving import evaluate
from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from graphfit.errors import DataError
from tests.search.least_squares.plain_kernels import (
    data_factor,
    data_kernel,
    kernel,
    packed,
    residuals,
    term_factor,
    term_kernel,
)


def exponential(x, a, b):
    return a * np.exp(-b * x)


X = np.linspace(0.0, 3.0, 11)
NORMAL = data_kernel(exponential, 2, "normal")
ROWS = data_kernel(exponential, 2, "rows")


def gaussian_term(theta):
    """-(theta - 1)^2 / 2 / 0.5^2 of one parameter, or of several."""
    return (
        -2.0 * float(np.sum((theta - 1.0) ** 2)),
        -4.0 * (theta - 1.0),
        4.0 * np.eye(len(theta)),
    )


TERM = term_kernel(gaussian_term, 1)


@pytest.fixture(scope="module")
def problem():
    """Three pixels: two datasets that share b, and a term for the second a."""
    draws = np.random.default_rng(5)
    first = exponential(X, 1.2, 0.7) + 0.05 * draws.normal(size=(3, 11))
    second = exponential(X, 2.0, 0.7) + 0.05 * draws.normal(size=(1, 11))
    weight = draws.uniform(5.0, 20.0, size=(3, 11))
    table = FactorTable.of(
        [
            data_factor(NORMAL, [0, 2], first, weight, X),
            data_factor(NORMAL, [3, 2], second, 10.0, X),
            term_factor(TERM, [3]),
        ],
        n_parameters=5,
    )
    return table, first, weight, second


def expected(problem, pixel, theta):
    """Values (F,), gradient (D,) and information (D, D), written out."""
    _, first, weight, second = problem
    gradient, information = np.zeros(5), np.zeros((5, 5))
    values = []
    datasets = [([0, 2], first[pixel], weight[pixel]), ([3, 2], second[0], 10.0)]
    for local, y, w in datasets:
        z, jacobian = residuals(exponential, theta[local], y, w * np.ones(11), X)
        values.append(-0.5 * z @ z)
        gradient[local] += jacobian @ z
        information[np.ix_(local, local)] += jacobian @ jacobian.T
    term = gaussian_term(theta[[3]])
    gradient[3] += term[1][0]
    information[3, 3] += term[2][0, 0]
    return np.array([*values, term[0]]), gradient, information


@pytest.mark.parametrize("pixel", [2, 0, 1])
def test_sums_over_factors(problem, pixel):
    table = problem[0]
    theta = np.array([1.0, 9.0, 0.8, 1.7, -3.0])
    values, gradient, information = expected(problem, pixel, theta)
    cursor, scratch = evaluate.new_cursor(table), evaluate.new_scratch(table)
    evaluate.seek(table.arrays, cursor, pixel)
    total = values.sum()

    assert evaluate.value(cursor, theta, scratch) == pytest.approx(total, rel=1e-14)
    each = np.zeros(3)
    assert evaluate.factor_values(cursor, theta, scratch, each) == pytest.approx(total)
    np.testing.assert_allclose(each, values, rtol=1e-13)
    slope = np.full(5, np.nan)
    evaluate.value_and_gradient(cursor, theta, scratch, slope)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12)
    slope, matrix = np.full(5, np.nan), np.full((5, 5), np.nan)
    evaluate.value_and_normal(cursor, theta, scratch, slope, matrix)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12)
    np.testing.assert_allclose(packed(matrix), packed(information), rtol=1e-12)


def test_rows_make_gradient_and_information(problem):
    table = problem[0].with_kernels([ROWS.address, ROWS.address, TERM.address])
    theta = np.array([1.0, 9.0, 0.8, 1.7, -3.0])
    values, gradient, information = expected(problem, 1, theta)
    cursor = evaluate.new_cursor(table)
    scratch = evaluate.new_scratch(table, rows=True)
    evaluate.seek(table.arrays, cursor, 1)
    count = evaluate.row_count(table)
    assert count == 16 + 16 + 1
    residual, jacobian = np.full(count, np.nan), np.full((5, count), np.nan)
    total = evaluate.value_and_rows(cursor, theta, scratch, residual, jacobian)
    assert total == pytest.approx(values.sum(), rel=1e-14)
    np.testing.assert_allclose(jacobian @ residual, gradient, rtol=1e-12)
    np.testing.assert_allclose(jacobian @ jacobian.T, information, rtol=1e-12)


@pytest.mark.parametrize(
    ("gradient", "information", "exists"),
    [
        ([1.0, 2.0], [[4.0, 0.0], [0.0, 1.0]], True),
        ([0.0, 2.0], [[0.0, 0.0], [0.0, 1.0]], True),
        ([1.0, 2.0], [[0.0, 0.0], [0.0, 1.0]], False),
        ([1.0, 2.0], [[4.0, 0.5], [0.5, 1.0]], False),
        ([1.0, 2.0], [[-4.0, 0.0], [0.0, 1.0]], False),
    ],
)
def test_a_term_has_rows_where_its_information_is_diagonal(
    gradient, information, exists
):
    term = term_kernel(lambda theta: (-1.0, gradient, information), 2)
    table = FactorTable.of([term_factor(term, [0, 1])])
    cursor = evaluate.new_cursor(table)
    scratch = evaluate.new_scratch(table, rows=True)
    residual, jacobian = np.zeros(2), np.zeros((2, 2))
    value = evaluate.value_and_rows(cursor, np.zeros(2), scratch, residual, jacobian)
    if not exists:
        assert np.isnan(value)
        return
    assert value == -1.0
    np.testing.assert_allclose(jacobian @ residual, gradient)
    np.testing.assert_allclose(jacobian @ jacobian.T, information)


def test_one_parameter_may_fill_two_places():
    """f(a, a) has df/da = f_1 + f_2."""
    y = exponential(X, 1.0, 1.0)
    twice = FactorTable.of([data_factor(NORMAL, [0, 0], y, 2.0, X)])
    z, jacobian = residuals(exponential, [0.8, 0.8], y, 2.0 * np.ones(11), X)
    slope = jacobian.sum(axis=0)
    gradient, information = np.zeros(1), np.zeros((1, 1))
    cursor, scratch = evaluate.new_cursor(twice), evaluate.new_scratch(twice)
    theta = np.array([0.8])
    evaluate.value_and_normal(cursor, theta, scratch, gradient, information)
    assert gradient[0] == pytest.approx(slope @ z)
    assert information[0, 0] == pytest.approx(slope @ slope)


def constant_kernel(value):
    return kernel(lambda *_: value)


@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=8))
def test_the_sum_is_compensated(values):
    kernels = [constant_kernel(value) for value in values]
    table = FactorTable.of([term_factor(k, []) for k in kernels], n_parameters=1)
    cursor, scratch = evaluate.new_cursor(table), evaluate.new_scratch(table)
    total = evaluate.value(cursor, np.zeros(1), scratch)
    exact = float(np.sum(np.array(values, dtype=np.longdouble)))
    assert total == pytest.approx(exact, rel=1e-15, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([1.0, -np.inf], -np.inf),
        ([-np.inf, 1.0], -np.inf),
        ([np.inf, 1.0], np.inf),
        ([1.0, np.nan], np.nan),
        ([np.inf, -np.inf], np.nan),
    ],
)
def test_nan_and_infinity_mean_what_they_mean(values, total):
    kernels = [constant_kernel(value) for value in values]
    table = FactorTable.of([term_factor(k, []) for k in kernels], n_parameters=1)
    cursor, scratch = evaluate.new_cursor(table), evaluate.new_scratch(table)
    found = evaluate.value(cursor, np.zeros(1), scratch)
    np.testing.assert_equal(found, total)


def test_constants_are_each_pixels_own():
    first = kernel(lambda theta, constants, *_: constants[1])
    constants = np.arange(6.0).reshape(3, 2)
    table = FactorTable.of(
        [TableRow(first.address, np.array([0]), constants)], n_parameters=1
    )
    cursor, scratch = evaluate.new_cursor(table), evaluate.new_scratch(table)
    found = []
    for pixel in (0, 2, 1):
        evaluate.seek(table.arrays, cursor, pixel)
        found.append(evaluate.value(cursor, np.zeros(1), scratch))
    assert found == [1.0, 5.0, 3.0]


def test_points_with_weight_and_terms_inform(problem):
    table = problem[0]
    assert evaluate.n_informative(evaluate.new_cursor(table)) == 11 + 11 + 1


@pytest.mark.parametrize(
    ("columns", "local", "message"),
    [
        ((np.zeros((1, 7)),), [0], "multiple of 8"),
        ((np.zeros((1, 8)), np.zeros((1, 16))), [0], "same number"),
        ((np.zeros((1, 8), dtype=np.float32),), [0], "float64"),
        ((np.zeros(8),), [0], r"shape \(8,\)"),
        ((np.zeros((8, 2, 1))[..., 0],), [0], "multiple of 8"),
        ((np.zeros((2, 16))[:, ::2],), [0], "C-contiguous"),
        ((np.zeros((2, 8)), np.zeros((3, 8))), [0], r"\[2, 3\] pixels"),
        ((np.zeros((0, 8)),), [0], "C-contiguous"),
        ((np.zeros((1, 8)),), [-1], "0 to"),
        ((np.zeros((1, 8)),), [4], "0 to 2"),
        ((np.zeros((1, 8)),), [0.5], "indices"),
    ],
)
def test_what_compiled_code_would_misread_is_refused(columns, local, message):
    factor = TableRow(NORMAL.address, np.array(local), np.zeros((1, 0)), columns)
    with pytest.raises(DataError, match=message):
        FactorTable.of([factor], n_parameters=3)


def test_kernels_are_one_a_factor(problem):
    with pytest.raises(DataError, match="3 factors but got 1"):
        problem[0].with_kernels([1])


def test_addresses_do_not_travel(problem):
    with pytest.raises(TypeError, match="another process"):
        pickle.dumps(problem[0])


def test_buffers_live_as_long_as_the_table():
    def build():
        y = np.full((1, 8), 3.0)
        return FactorTable.of([data_factor(NORMAL, [0, 1], y, 1.0, np.zeros(8))])

    tables = [build() for _ in range(50)]
    for table in tables:
        cursor, scratch = evaluate.new_cursor(table), evaluate.new_scratch(table)
        assert evaluate.value(cursor, np.zeros(2), scratch) == -0.5 * 8 * 9.0
