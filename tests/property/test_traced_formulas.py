"""Random formulas: as a tape, as machine code and in numpy they are the same function."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from graphfit.compiler.tape import Node, Tape
from tests.compiler.calls import by_machine, by_tape, slopes, traced

X = np.array([-3.0, -1.0, -0.3, 0.0, 0.2, 0.5, 1.0, 1.7, 4.0, 30.0])
THETA = np.array([0.7, -1.3, 2.0])


def at_least(a, b):
    return np.greater_equal(a, b) * 1.0  # numpy takes the sine of a bool in 16 bits


def unequal(a, b):
    return np.not_equal(a, b) * 1.0


def choose(a, b, c):
    return np.where(a > b, b, c)


def between(a, b, c):
    return np.where(np.less(a, b) & ~np.greater_equal(c, b) | (a == c), a, b * c)


UNARY = [np.negative, np.absolute, np.sign, np.exp, np.exp2, np.expm1, np.log, np.log1p]
UNARY += [np.log2, np.log10, np.sqrt, np.cbrt, np.sin, np.cos, np.tan, np.arcsin]
UNARY += [np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh]
UNARY += [np.arctanh, np.floor, np.ceil, np.rint, np.trunc, np.square, np.reciprocal]
UNARY += [special.erf, special.erfc, special.log_ndtr, special.expit, special.gammaln]
BINARY = [
    np.add,
    np.subtract,
    np.multiply,
    np.true_divide,
    np.floor_divide,
    np.remainder,
]
BINARY += [np.power, np.minimum, np.maximum, np.arctan2, np.hypot, np.logaddexp]
BINARY += [at_least, unequal]
TERNARY = [choose, between, np.clip]
SMOOTH = {np.negative, np.exp, np.expm1, np.log1p, np.sin, np.cos, np.arctan, np.tanh}
SMOOTH |= {np.arcsinh, special.erf, special.log_ndtr, np.square, special.expit}
SMOOTH |= {np.add, np.subtract, np.multiply, np.hypot, np.logaddexp, np.cosh}

leaf = (
    st.just("x")
    | st.integers(0, 2)
    | st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e-3])
    | st.floats(-9.0, 9.0).filter(lambda v: v == 0.0 or abs(v) > 1e-6)
)


def trees(unary, binary, ternary):
    return st.recursive(
        leaf,
        lambda below: st.one_of(
            st.tuples(st.sampled_from(unary), below),
            st.tuples(st.sampled_from(binary), below, below),
            *(
                [st.tuples(st.sampled_from(ternary), below, below, below)]
                if ternary
                else []
            ),
        ),
        max_leaves=14,
    )


formulas = trees(UNARY, BINARY, TERNARY)
smooth_formulas = trees(
    [f for f in UNARY if f in SMOOTH], [f for f in BINARY if f in SMOOTH], []
)


def value_of(tree, x, theta, shake=lambda value: value):
    """The value of a tree, each intermediate result passed through `shake`."""
    if isinstance(tree, str):
        return x
    if isinstance(tree, int):
        return theta[tree]
    if isinstance(tree, float):
        return tree
    function, *arguments = tree
    values = [value_of(item, x, theta, shake) for item in arguments]
    if not any(isinstance(v, np.ndarray) or hasattr(v, "tape") for v in values):
        values[0] = np.float64(values[0])
    return shake(function(*values))


def as_function(tree):
    return lambda x, *theta: value_of(tree, x, theta) * 1.0


def rounded_otherwise(tree, x, theta):
    """The values, and what other roundings of the same formula give: the spread."""
    rng = np.random.default_rng(1)

    def shake(value):
        if np.asarray(value).dtype == bool:
            return value
        return value * (1.0 + 4e-16 * rng.choice([-1.0, 0.0, 1.0], np.shape(value)))

    runs = [value_of(tree, x, theta, shake) + np.zeros(x.size) for _ in range(12)]
    return np.array(runs)


def compare(found, tree, theta):
    with np.errstate(all="ignore"):
        expected = value_of(tree, X, theta) + np.zeros(X.size)
        runs = rounded_otherwise(tree, X, theta)
        steady = (
            (np.isnan(runs) == np.isnan(expected)).all(axis=0)
            & (np.isinf(runs) == np.isinf(expected)).all(axis=0)
            # reciprocals of numbers that have none, and what becomes denormal
            & (np.abs(expected) < 1e290)
            | np.isnan(expected) & np.isnan(runs).all(axis=0)
        )
        spread = np.nan_to_num(np.abs(runs - expected).max(axis=0))
    for i in np.flatnonzero(steady):
        if not np.isfinite(expected[i]):
            np.testing.assert_equal(found[i], expected[i])
        else:
            bound = 50.0 * spread[i] + 1e-12 * abs(expected[i]) + 1e-290
            assert abs(found[i] - expected[i]) <= bound, (i, found[i], expected[i])


@given(formulas)
def test_a_tape_is_numpy(tree):
    found = traced(as_function(tree), 3, X)
    compare(by_tape(found, THETA, X), tree, THETA.tolist())


@given(formulas)
def test_machine_code_is_numpy(tree):
    found = traced(as_function(tree), 3, X)
    compare(by_machine(found, THETA, X), tree, THETA.tolist())


class PlainTape:
    """Writes down every operation as it comes."""

    def __init__(self):
        self.tape = Tape()
        self.evaluate = self.tape.evaluate
        self.column, self.parameter = self.tape.column, self.tape.parameter
        self.literal = self.tape.literal

    def apply(self, operation, *arguments):
        return self.tape.append(Node(operation, arguments))


OPERATION = {
    np.negative: "neg", np.add: "add", np.subtract: "sub", np.multiply: "mul",
    np.true_divide: "div", np.minimum: "minimum", np.maximum: "maximum",
    np.exp: "exp", np.sin: "sin", np.sqrt: "sqrt", np.absolute: "abs",
}  # fmt: skip


@given(
    trees(
        [f for f in OPERATION if f.nin == 1], [f for f in OPERATION if f.nin == 2], []
    )
)
def test_simplification_changes_no_bit(tree):
    def write(tape, tree):
        if isinstance(tree, str):
            return tape.column(0)
        if isinstance(tree, int):
            return tape.parameter(tree)
        if isinstance(tree, float):
            return tape.literal(tree)
        function, *arguments = tree
        return tape.apply(OPERATION[function], *(write(tape, t) for t in arguments))

    results = []
    for tape in (Tape(), PlainTape()):
        line = write(tape, tree)
        (value,) = tape.evaluate([line], THETA, [], [X])
        results.append(
            value + np.zeros(X.size) if np.ndim(value) else np.float64(value)
        )
    first, second = (np.where(np.isnan(v), np.nan, v) for v in results)
    assert first.tobytes() == second.tobytes()


@given(smooth_formulas)
def test_derivatives_are_those_of_differences(tree):
    found = traced(as_function(tree), 3, X)
    theta = THETA.tolist()
    with np.errstate(all="ignore"):
        expected = []
        scale = []
        for j in range(3):
            values = []
            for step in (2e-3, 1e-3):
                total = np.zeros(X.size)
                largest = np.zeros(X.size)
                for k, weight in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)):
                    for sign in (1.0, -1.0):
                        moved = list(theta)
                        moved[j] += sign * k * step
                        value = value_of(tree, X, moved) + np.zeros(X.size)
                        total = total + sign * weight * value / step
                        largest = np.maximum(largest, np.abs(value))
                values.append(total)
            expected.append(values[1])
            # What halving the step changes is the error of differences, or a kink.
            scale.append(np.abs(values[0] - values[1]) * 3.0 + 1e-11 * largest)
        expected, scale = np.array(expected), np.array(scale)
        high = np.zeros(X.size)

        def watch(value):
            np.fmax(high, np.abs(value), out=high)
            return value

        value_of(tree, X, theta, watch)
    for compiled in (False, True):
        slope = slopes(found, 3, THETA, X, compiled=compiled)
        good = np.isfinite(expected) & np.isfinite(scale) & (np.abs(expected) < 1e100)
        good &= high < 1e3  # steps drown in the rounding of larger numbers
        bound = scale + 1e-7 * np.abs(expected) + 1e-9
        wrong = good & ~(np.abs(slope - expected) <= bound)
        assert not wrong.any(), (slope[wrong], expected[wrong])
