"""Traces of whole functions: branches, rejections, captured arrays, several inputs."""

import itertools

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.tracer import Untraceable
from tests.compiler.calls import by_machine, by_tape, differences, slopes, traced

X = np.linspace(-2.0, 3.0, 17)


def rejecting(x, a, b):
    if b <= 0.0:
        raise gf.FitException
    return a * np.exp(-x / b)


def three_ways(x, a, b):
    if a > 1.0:
        return a * x
    if a > 0.0 and b > 0.0:
        return b * x**2
    return a + b + 0.0 * x


def nested(x, a, b):
    if a > b:
        value = a * x
        if b > 0.0:
            value = value + b
    else:
        value = b * x
        if a < 0.0 or b > 2.0:
            value = value - 1.0
    return value


def builtins(x, a, b):
    return max(a, b, 0.5) * x + min(a, b) + abs(a - b) + (a if a < b else b)


def repeated(x, a, b):
    first = a * x if a > 0.0 else -a * x
    second = b if a > 0.0 else 2.0 * b  # the same question has the same answer
    return first + second


def negated(x, a, b):
    return a * x if not a > b else b * x


def chained(x, a, b):
    return a * x if -1.0 < a < 1.0 else b * x


def early_exit(x, a, b):
    total = 0.0
    for power in range(4):
        if power > a:
            break
        total = total + b * x**power
    return total + 0.0 * x


def at_most_two(x, a, b):
    while a > 1.0:
        a = a - 1.0
        if a > 3.0:
            raise gf.FitException
        if a > 2.0:
            return b * x
        break
    return a * x


def truth(x, a, b):
    return a * x if a else b * x


def mean_and_branch(x, a, b):
    return a * (x - x.mean()) if a > b else b * np.interp(x, [-2, 3], [0, 1])


BRANCHES = [three_ways, nested, builtins, repeated, negated, chained, early_exit, truth]
BRANCHES += [rejecting, at_most_two, mean_and_branch]


@pytest.mark.parametrize("function", BRANCHES, ids=lambda f: f.__name__)
def test_branches_on_parameters_are_followed_both_ways(function):
    found = traced(function, 2, X)
    values = [-1.5, -0.5, 0.0, 0.4, 1.2, 2.5, 3.7]
    for theta in itertools.product(values, values):
        try:
            with np.errstate(all="ignore"):
                expected = function(X, *theta) + np.zeros(17)
        except gf.FitException:
            expected = np.full(17, np.nan)
        for way in (by_tape, by_machine):
            np.testing.assert_allclose(
                way(found, theta, X), expected, rtol=1e-14, atol=1e-14
            )


def test_derivatives_beside_a_rejected_region():
    found = traced(rejecting, 2, X)
    theta = np.array([1.5, 0.8])
    expected = differences(lambda t: rejecting(X, *t), theta, step=3e-3)
    np.testing.assert_allclose(slopes(found, 2, theta, X), expected, rtol=1e-9)
    assert (
        np.isnan(slopes(found, 2, np.array([1.5, -0.8]), X)).sum() == 0
    )  # chosen: NaN


def test_a_function_that_rejects_every_point():
    def never(x, a):
        raise gf.FitException

    with pytest.raises(Untraceable, match="it rejects every point"):
        traced(never, 1, X)


def test_five_branches_are_followed_and_six_are_not():
    def branches(count):
        def function(x, *values):
            total = 0.0 * x
            for k, value in enumerate(values[:count]):
                total = total + (value * x**k if value > 0.5 else value)
            return total

        return function

    found = traced(branches(5), 5, X)
    theta = [0.1, 0.9, 0.7, 0.2, 0.6]
    np.testing.assert_allclose(
        by_machine(found, theta, X), branches(5)(X, *theta), rtol=1e-14
    )
    with pytest.raises(Untraceable, match="more than 32 combinations"):
        traced(branches(6), 6, X)


def test_a_branch_on_x_alone_needs_x_itself():
    def sides(x, a):
        return a * x if x[0] < 0.0 else a + 0.0 * x

    for x in (X, X + 5.0):
        found = traced(sides, 1, x)
        np.testing.assert_array_equal(by_tape(found, [0.7], x), sides(x, 0.7))


# --- arrays --------------------------------------------------------------------------


def test_captured_arrays_are_columns_once():
    table = np.sin(X)

    def function(x, a):
        return a * table + table**2 + np.sin(X) * x + a * np.cos(X)

    found = traced(function, 1, X)
    # sin, sin^2, cos: what is computed without a parameter is computed once, by numpy.
    assert len(found.arrays) == 3
    expected = function(X, 0.7)
    table[:] = 0.0  # it was copied
    np.testing.assert_allclose(by_machine(found, [0.7], X), expected, rtol=1e-14)


def test_constant_arrays_are_numbers():
    found = traced(lambda x, a: np.full(17, 3.0) * a * x + np.arange(17.0), 1, X)
    assert len(found.arrays) == 1
    assert traced(lambda x, a: np.full(17, np.nan) * a * x, 1, X).arrays == ()


def test_zeros_of_either_sign_are_not_constant():
    zeros = np.where(np.arange(17) % 2, 0.0, -0.0)

    def function(x, a):
        return a / zeros

    found = traced(function, 1, X)
    for way in (by_tape, by_machine):
        value = way(found, [0.7], X)
        assert (value == np.where(np.arange(17) % 2, np.inf, -np.inf)).all()
    both = traced(lambda x, a: a / zeros + a / np.abs(zeros), 1, X)
    assert len(both.arrays) == 1


@pytest.mark.parametrize("kind", ["i4", "i8", "u1", "f4", "f8", "?"])
def test_arrays_of_other_types(kind):
    flags = (np.arange(17) % 3).astype(kind)
    found = traced(lambda x, a: a * x + flags, 1, X)
    np.testing.assert_allclose(by_machine(found, [0.7], X), 0.7 * X + flags, rtol=1e-14)


def test_several_inputs():
    y, z = np.cos(X), X[::-1] ** 2

    def cube(x, y, z, a, b):
        return a * np.hypot(x - b, y) + np.exp(-z) * a

    found = traced(cube, 2, X, y, z)
    assert found.arrays == ()
    expected = cube(X, y, z, 0.7, 0.3)
    np.testing.assert_allclose(
        by_machine(found, [0.7, 0.3], X, y, z), expected, rtol=1e-13
    )

    def concrete(x, y, z, a, b):
        return a * (x - x.mean()) + b * (y - y.mean()) * z

    found = traced(concrete, 2, X, y, z)
    expected = concrete(X, y, z, 0.7, 0.3)
    np.testing.assert_allclose(
        by_machine(found, [0.7, 0.3], X, y, z), expected, rtol=1e-13
    )


def test_x_is_never_written_into():
    def centred(x, a):
        x -= x.mean()
        return a * x

    x = X.copy()
    with pytest.raises(Untraceable, match="read-only"):
        traced(centred, 1, x)
    np.testing.assert_array_equal(x, X)
    assert x.flags.writeable


def test_a_trace_says_nothing_about_floating_point():
    with np.errstate(all="raise"):
        found = traced(lambda x, a: a / 0.0 * x + np.log(-1.0), 1, X)
    assert np.isnan(by_tape(found, [0.7], X)).all()


def test_an_interrupt_is_no_reason():
    def stopped(x, a):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        traced(stopped, 1, X)
