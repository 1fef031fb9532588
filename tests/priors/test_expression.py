"""Arithmetic on priors: the tree it builds, its text, and what it refuses."""

import copy
import functools
import math
import operator
import pickle

import numpy as np
import pytest

from graphfit.errors import ModelError
from graphfit.priors import Comparison, GaussianPrior, Relation, UniformPrior, relation

p = UniformPrior(0, 1, name="p")
q = UniformPrior(0, 1, name="q")


def value_of(expression, values):
    """Walk the tree, slowly: the twin of what the compiler does with arrays."""
    if isinstance(expression, Relation):
        inputs = [value_of(argument, values) for argument in expression.arguments]
        return expression.function(*inputs)
    return values.get(expression, expression) if is_prior(expression) else expression


def is_prior(item):
    return isinstance(item, (UniformPrior, GaussianPrior))


# --- the tree ------------------------------------------------------------------------

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]


@pytest.mark.parametrize("function", BINARY)
@pytest.mark.parametrize(
    "number", [3, 2.5, np.float64(2.5), np.int64(3), np.float32(0.5), np.array(2.5)]
)
def test_operators(function, number):
    values = {p: 0.7, q: 0.3}
    pairs = [
        (function(p, q), (0.7, 0.3)),
        (function(p, number), (0.7, number)),
        (function(number, p), (number, 0.7)),
    ]
    for made, inputs in pairs:
        assert isinstance(made, Relation)
        assert value_of(made, values) == pytest.approx(function(*map(float, inputs)))


@pytest.mark.parametrize("function", [operator.neg, operator.pos, abs])
def test_unary(function):
    assert value_of(function(p), {p: -0.7}) == function(-0.7)


@pytest.mark.parametrize(
    ("ufunc", "count"),
    [
        (np.exp, 1),
        (np.log10, 1),
        (np.sqrt, 1),
        (np.sin, 1),
        (np.hypot, 2),
        (np.arctan2, 2),
        (np.minimum, 2),
        (np.logaddexp, 2),
    ],
)
def test_ufuncs(ufunc, count):
    inputs = (0.7, 0.3)[:count]
    made = ufunc(*(p, q)[:count])
    assert made.function is ufunc
    assert value_of(made, {p: 0.7, q: 0.3}) == ufunc(*inputs)


def test_identity_is_the_object():
    twice = p + p
    assert twice.arguments[0] is twice.arguments[1]
    assert p + 1 != p + 1
    assert p == p
    assert p != UniformPrior(0, 1, name="p")
    assert {p: 1, q: 2}[p] == 1


@pytest.mark.parametrize("number", [2.0, np.float64(2.0), np.int64(2), np.array(2.0)])
def test_a_number_is_never_equal_to_a_prior(number):
    """Also with numpy on the left: `in` a list of numbers must not fail."""
    assert (number == p) is False
    assert (p == number) is False
    assert number != p
    assert p != number
    assert p not in [number, 1.0]


def test_operands_and_constants():
    made = np.float64(2) * p
    assert made.arguments == (2.0, p)
    assert type(made.arguments[0]) is float
    assert list(made.operands()) == [("input_0", 2.0), ("input_1", p)]


def test_relations_are_frozen_and_never_copied():
    made = 2 * p + q
    assert copy.copy(made) is made
    assert copy.deepcopy({"a": made})["a"] is made
    with pytest.raises(AttributeError):
        made.names = ()
    again, prior = pickle.loads(pickle.dumps((made, p)))
    assert again.arguments[0].arguments[1] is prior


def test_a_relation_is_an_argument_of_a_prior():
    child = GaussianPrior(mean=2 * p, sigma=np.exp(q))
    assert child.is_conditional
    assert [name for name, _ in child.operands()] == ["mean", "sigma"]


# --- comparisons ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (p < q, "p < q"),
        (p <= q, "p <= q"),
        (p > q, "q < p"),
        (p >= q, "q <= p"),
        (p < 3, "p < 3"),
        (3 < p, "3 < p"),  # noqa: SIM300
        (np.float64(3) < p, "3.0 < p"),
        (np.float64(3) <= p, "3.0 <= p"),
        (np.float64(3) > p, "p < 3.0"),
        (np.float64(3) >= p, "p <= 3.0"),
        (p < np.float64(3), "p < 3.0"),
        (np.less(p, q), "p < q"),
        (2 * p + 1 < np.exp(q), "2 * p + 1 < exp(q)"),
    ],
)
def test_comparisons(made, text):
    assert isinstance(made, Comparison)
    assert str(made) == text


# --- text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (p * 3.0 + q, "p * 3.0 + q"),
        ((p + q) * 2, "(p + q) * 2"),
        (p - (q - 1), "p - (q - 1)"),
        (p - q * 2, "p - q * 2"),
        (p / (q * 2), "p / (q * 2)"),
        (2**p, "2 ** p"),
        ((-p) ** 2, "(-p) ** 2"),
        (-(p**2), "-(p ** 2)"),
        (-(p + q), "-(p + q)"),
        (p - (-q), "p - (-q)"),
        (-p * q, "-p * q"),
        (p // 2 % q, "(p // 2) % q"),
        (abs(p), "absolute(p)"),
        (np.hypot(p, q + 1), "hypot(p, q + 1)"),
        (np.float64(0.5) * p, "0.5 * p"),
        (UniformPrior(0, 1) * 2, "UniformPrior * 2"),
        (relation(math.hypot, p, q), "hypot(p, q)"),
        (relation(functools.partial(math.pow, 2.0), p), "partial(p)"),
    ],
)
def test_text(made, text):
    assert str(made) == text


def test_text_means_what_it_says():
    """Python reads the text of operators back as a tree of the same value."""
    values = {p: 0.7, q: 0.3}
    made = [
        (-p) ** 2 - (q - p) / (p * q),
        -(p - q) * (2 - p),
        p % (q * 3) + 2.0 ** (-q),
        (p // 0.2) * q - (-p - q),
        p - (q + (p - 1)) - 2,
        (p**q) ** 2 + p ** (q**2),
    ]
    for one in made:
        assert eval(str(one), {"p": 0.7, "q": 0.3}) == pytest.approx(
            value_of(one, values)
        )


# --- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: bool(p), "no truth value before it is fitted"),
        (lambda: p and q, "no truth value before it is fitted"),
        (lambda: bool(p + q), "no truth value before it is fitted"),
        (lambda: float(p), "not a number before it is fitted"),
        (lambda: math.exp(p), "np.exp, not math.exp"),
        (lambda: p < q < 2, "write a < b < c as two"),
        (lambda: p if p < q else q, "has no truth value before the fit"),
        (lambda: max(p, q), "has no truth value before the fit"),
        (lambda: p * np.arange(2), r"got an array of shape \(2,\)"),
        (lambda: np.arange(2) * p, r"got an array of shape \(2,\)"),
        (lambda: p * [1, 2], r"got an array of shape \(2,\)"),
        (lambda: p < np.ones((2, 3)), r"got an array of shape \(2, 3\)"),
        (lambda: p + "a", "priors, relations and numbers, got 'a'"),
        (lambda: p + None, "priors, relations and numbers, got None"),
        (lambda: p * 1j, "priors, relations and numbers, got 1j"),
        (lambda: p < "a", "priors, relations and numbers, got 'a'"),
        (lambda: p + (p < q), r"The condition \(p < q\) is not a number"),
        (lambda: p < (p < q), r"The condition \(p < q\) is not a number"),
        (lambda: relation(math.exp, p < q), "is not a number"),
        (lambda: np.modf(p), "np.modf cannot be used"),
        (lambda: np.add.reduce(p), "np.add.reduce cannot be used"),
        (lambda: np.add(p, q, out=np.zeros(1)), "np.add cannot be used"),
        (lambda: np.sqrt(p, dtype=float), "np.sqrt cannot be used"),
        (lambda: np.where(p, 1, 2), "no truth value"),
    ],
)
def test_refusals(attempt, message):
    with pytest.raises(ModelError, match=message):
        attempt()


# --- gf.relation ---------------------------------------------------------------------


def line(x, slope=1.0, offset=2.0):
    return slope * x + offset


def only_keyword(x, *, slope):
    return slope * x


def total(first, *others):
    return first + sum(others)


@pytest.mark.parametrize(
    ("made", "names", "arguments"),
    [
        (relation(line, p), ("x",), (p,)),
        (relation(line, p, q, 3.0), ("x", "slope", "offset"), (p, q, 3.0)),
        (relation(line, slope=q, x=p), ("x", "slope"), (p, q)),
        # Called by position: the default in between must be given.
        (relation(line, p, offset=q), ("x", "slope", "offset"), (p, 1.0, q)),
        (relation(total, p, q, p), ("first", "others_0", "others_1"), (p, q, p)),
        (relation(line, p, "as it is"), ("x", "slope"), (p, "as it is")),
        (relation(functools.partial(only_keyword, slope=2.0), p), ("x",), (p,)),
    ],
)
def test_relation_binds_arguments(made, names, arguments):
    assert made.names == names
    assert made.arguments == arguments
    assert [name for name, _ in made.operands()] == list(names)


def test_relation_calls_the_function_with_what_was_bound():
    values = {p: 0.7, q: 0.3}
    assert value_of(relation(line, p, offset=q), values) == line(0.7, offset=0.3)
    assert value_of(relation(total, p, q, p), values) == total(0.7, 0.3, 0.7)
    assert value_of(relation(max, p, q), values) == 0.7


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: relation(3, p), "needs a function first, got 3"),
        (lambda: relation(line), "at least one prior"),
        (lambda: relation(line, p, q, p, q), "too many positional"),
        (lambda: relation(line, p, sloep=q), "unexpected keyword argument 'sloep'"),
        (lambda: relation(line, slope=q), "missing a required argument: 'x'"),
        (
            lambda: relation(only_keyword, p, slope=q),
            "'slope' of only_keyword is keyword",
        ),
        (
            lambda: relation(functools.partial(line, offset=1.0), p, offset=q),
            "'offset' of functools.partial.* is keyword-only",
        ),
    ],
)
def test_relation_errors(attempt, message):
    with pytest.raises(ModelError, match=message):
        attempt()
