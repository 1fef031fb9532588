"""Tape and the table of operations: values, simplification, derivatives, machine code."""

import math
import warnings

import numpy as np
import pytest

from graphfit.compiler.differentiate import gradient
from graphfit.compiler.operations import OPERATIONS
from graphfit.compiler.tape import LEAVES, Node, Tape
from tests.cases import ALL_OPERATIONS, SMOOTH_OPERATIONS
from tests.compiler.calls import lines_compiled

INF, NAN = math.inf, math.nan
SPECIAL = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        1e-300,
        -1e-300,
        1e300,
        -1e300,
        INF,
        -INF,
        NAN,
        750.0,
        -750.0,
        1e-9,
        3.0,
        -3.0,
        1e5,
        -1e5,
    ]
)


def test_every_operation_is_examined():
    assert {case.name for case in ALL_OPERATIONS} == set(OPERATIONS)
    # The derivative of a choice is taken by differentiate.py; a step has none.
    assert {case.name for case in SMOOTH_OPERATIONS} == {
        name for name, row in OPERATIONS.items() if row.rule is not None
    }


def applied(case, *columns):
    tape = Tape()
    leaves = [tape.column(i) for i in range(len(columns))]
    if case.name in ("and", "or", "not", "where", "number"):
        leaves[0] = tape.apply("gt", leaves[0], tape.literal(0.0))
    if case.name in ("and", "or"):
        leaves[1] = tape.apply("gt", leaves[1], tape.literal(0.0))
    line = tape.apply(case.name, *leaves)
    if tape.is_bool(line):
        line = tape.apply("number", line)
    return tape, line


def same(found, expected, case):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    good = ~np.isnan(expected)
    infinite = np.isinf(expected[good]) | np.isinf(found[good])
    np.testing.assert_array_equal(found[good][infinite], expected[good][infinite])
    left = np.flatnonzero(good)[~infinite]
    np.testing.assert_allclose(
        found[left], expected[left], rtol=case.relative, atol=case.absolute
    )


@pytest.mark.parametrize("case", ALL_OPERATIONS, ids=lambda case: case.name)
def test_machine_code_gives_what_numpy_gives(case, rng):
    columns = [rng.uniform(low, high, 333) for low, high in case.ranges]
    tape, line = applied(case, *columns)
    (expected,) = tape.evaluate([line], [], [], columns)
    same(lines_compiled(tape, [line], [], columns)[0], expected, case)


@pytest.mark.parametrize("case", ALL_OPERATIONS, ids=lambda case: case.name)
def test_zeros_infinities_and_nan(case):
    grid = np.meshgrid(*[SPECIAL] * min(len(case.ranges), 2))
    columns = [values.ravel() for values in grid]
    columns += [columns[0]] * (len(case.ranges) - len(columns))
    if case.special is not None:
        known = case.special(*columns)
        columns = [values[known] for values in columns]
    tape, line = applied(case, *columns)
    (expected,) = tape.evaluate([line], [], [], columns)
    same(lines_compiled(tape, [line], [], columns)[0], expected, case)


@pytest.mark.parametrize("case", ALL_OPERATIONS, ids=lambda case: case.name)
def test_parameters_give_what_columns_give(case, rng):
    theta = [0.5 * (low + high) for low, high in case.ranges]
    columns = [np.full(9, value) for value in theta]
    tape, line = applied(case, *columns)
    (expected,) = tape.evaluate([line], [], [], columns)
    plain = Tape()
    for node in tape.nodes:
        name = "parameter" if node.operation == "column" else node.operation
        plain.append(Node(name, node.arguments, node.value))
    found = lines_compiled(plain, [line], theta, columns)[0]
    same(found, expected, case)


# --- derivatives -------------------------------------------------------------------


@pytest.mark.parametrize("case", SMOOTH_OPERATIONS, ids=lambda case: case.name)
def test_the_rule_is_the_derivative(case, rng):
    columns = [rng.uniform(low, high, 200) for low, high in case.smooth]
    tape, line = applied(case, *columns)
    leaves = [tape.column(i) for i in range(len(columns))]
    lines = gradient(tape, line, leaves)
    for i, slope in enumerate(lines):
        if slope is None:
            assert case.name == "where"
            assert i == 0  # the condition
            continue
        (found,) = tape.evaluate([slope], [], [], columns)
        h = 2e-3 * np.minimum(np.abs(columns[i]), 3.0)
        expected = np.zeros(200)
        for k, weight in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)):
            for sign in (1.0, -1.0):
                moved = list(columns)
                moved[i] = columns[i] + sign * k * h
                (value,) = tape.evaluate([line], [], [], moved)
                expected += sign * weight * value / h
        worst = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=3e-8, atol=1e-8 * worst)
        machine = lines_compiled(tape, [slope], [], columns)[0]
        np.testing.assert_allclose(machine, found, rtol=1e-11, atol=1e-14)


def test_the_derivative_of_a_sum_of_uses():
    tape = Tape()
    a, x = tape.parameter(0), tape.column(0)
    line = tape.apply("mul", a, tape.apply("sin", tape.apply("mul", a, x)))
    (slope,) = gradient(tape, line, [a])
    x_values = np.linspace(-2.0, 2.0, 9)
    (found,) = tape.evaluate([slope], [0.7], [], [x_values])
    expected = np.sin(0.7 * x_values) + 0.7 * x_values * np.cos(0.7 * x_values)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_what_does_not_depend_has_no_derivative():
    tape = Tape()
    a, b, x = tape.parameter(0), tape.parameter(1), tape.column(0)
    assert gradient(tape, tape.apply("mul", a, x), [b, x, a])[0] is None
    assert gradient(tape, x, [a]) == [None]
    assert gradient(tape, a, [a]) == [tape.literal(1.0)]
    assert gradient(tape, tape.apply("floor", a), [a]) == [None]


def test_derivatives_with_respect_to_a_line_stop_there():
    tape = Tape()
    a = tape.parameter(0)
    square = tape.apply("mul", a, a)
    cube = tape.apply("mul", square, square)
    (slope,) = gradient(tape, cube, [square])
    assert tape.evaluate([slope], [3.0], [], [])[0] == 18.0


# --- simplification ----------------------------------------------------------------


def bits(value) -> bytes:
    return np.float64(value).tobytes()


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -2.0, 1e-310, INF, -INF, NAN])
def test_what_is_left_out_changes_no_bit(value):
    tape = Tape()
    a = tape.parameter(0)
    one, zero = tape.literal(1.0), tape.literal(0.0)
    for line in (
        tape.apply("mul", one, a),
        tape.apply("mul", a, one),
        tape.apply("div", a, one),
        tape.apply("neg", tape.apply("neg", a)),
        tape.apply("where", tape.apply("lt", a, zero), a, a),
        tape.apply("where", tape.apply("le", zero, one), a, zero),
        tape.apply("pow", a, one),
    ):
        assert line == a
    # These could change one, so they stay.
    for operation, number in (("add", 0.0), ("mul", 0.0), ("sub", 0.0), ("mul", -1.0)):
        line = tape.apply(operation, a, tape.literal(number))
        (found,) = tape.evaluate([line], [value], [], [])
        with np.errstate(all="ignore"):
            expected = OPERATIONS[operation].function(np.float64(value), number)
        assert bits(found) == bits(expected) or math.isnan(expected)


@pytest.mark.parametrize("exponent", [2, 3, 4, 5, 7, 8, -1, -2, -3, 0, 0.5, 1])
def test_powers(exponent, rng):
    tape = Tape()
    line = tape.apply("pow", tape.column(0), tape.literal(exponent))
    assert all(node.operation != "pow" for node in tape.nodes)
    x = np.concatenate([rng.uniform(0.01, 20.0, 50), [0.0, INF, NAN, 1e-200, 1e200]])
    if exponent != 0.5:
        x = np.concatenate([x, -x])
    with np.errstate(all="ignore"):
        (found,) = tape.evaluate([line], [], [], [x])
        np.testing.assert_allclose(found + 0 * 1.0, x**exponent * 1.0, rtol=1e-15)


@pytest.mark.parametrize("exponent", [9, -9, 2.5, 0.25, NAN, INF, 1e300])
def test_other_powers_stay(exponent):
    tape = Tape()
    tape.apply("pow", tape.column(0), tape.literal(exponent))
    assert tape.nodes[-1].operation == "pow"


def test_arithmetic_between_numbers_is_done_once():
    tape = Tape()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line = tape.apply("div", tape.literal(1.0), tape.literal(0.0))
    assert tape.number(line) == INF
    assert tape.number(tape.apply("exp", tape.literal(0.0))) == 1.0


def test_common_lines_are_one():
    tape = Tape()
    a, b = tape.parameter(0), tape.parameter(1)
    assert tape.apply("add", a, b) == tape.apply("add", b, a)
    assert tape.apply("sub", a, b) != tape.apply("sub", b, a)
    assert tape.literal(0.0) != tape.literal(-0.0)
    assert tape.literal(NAN) == tape.literal(NAN)
    assert tape.parameter(0) != tape.column(0)
    assert tape.constant(0) != tape.column(0)


def test_a_comparison_of_numbers_stays_a_condition():
    tape = Tape()
    a, b = tape.parameter(0), tape.parameter(1)
    for first, second, chosen in ((1.0, 2.0, a), (2.0, 1.0, b), (NAN, NAN, b)):
        condition = tape.apply("lt", tape.literal(first), tape.literal(second))
        assert tape.is_bool(condition)
        assert tape.apply("where", condition, a, b) == chosen


def test_lines_refer_to_earlier_ones_and_only_the_needed_are_computed():
    tape = Tape()
    a, x = tape.parameter(0), tape.column(0)
    line = tape.apply("exp", tape.apply("mul", a, x))
    unused = tape.apply("log", tape.column(5))
    for i, node in enumerate(tape.nodes):
        assert all(item < i for item in node.arguments)
        assert node.operation in LEAVES or node.operation in OPERATIONS
    assert unused not in tape.needed([line])
    (found,) = tape.evaluate([line], [1.0], [], [np.zeros(2)])  # there is no column 5
    assert found.tolist() == [1.0, 1.0]
    assert [tape.varying()[i] for i in (a, x, line)] == [False, True, True]
