"""What users write: each function as a formula gives what numpy gives."""

import math
import re

import numpy as np
import pytest
from scipy import special

from graphfit.compiler.tracer import FUNCTIONS, UFUNCS, Untraceable
from tests.compiler.calls import by_machine, by_tape, differences, slopes, traced

X = np.linspace(-2.0, 3.0, 21)
THETA = np.array([0.7, 1.3])
NODES = np.array([-2.0, 0.0, 1.0, 3.0])
TABLE = np.cos(X) + 1.5


def two_conditions(x, a, b):
    return np.where((x > -a) & (x < b), a * x, b) + np.where((x < -1) | (x > 2), a, 0.0)


def negation(x, a, b):
    return np.where(~(x > a), b, a * x) + np.where(np.logical_not(x < b), 1.0, a)


def exclusive(x, a, b):
    return np.where((x > a) ^ (x < b), a, b) + np.logical_xor(x > 0, x > b) * a


def polynomial(x, a, b):
    return np.polyval([a, b, 0.5, -1.0], x) + np.polyval(np.array([1.0, 2.0]), a * x)


def selected(x, a, b):
    return np.select([x < -a, x < b, x < 2.5], [a, b * x, x * x], default=a * b)


def pieces(x, a, b):
    first = np.piecewise(x, [x < 0, x >= b], [lambda v: a * v, lambda v: b * v * v, a])
    return first + np.piecewise(x, [x > 1], [b])


def components(x, a, b):
    return sum(a * np.exp(-((x - c) ** 2)) for c in (-1.0, 0.0, b))


def array_of_parameters(x, a, b):
    weights = np.array([a, b, 2.0 * a])
    return weights[0] * x + weights[1] * weights[2]


# Each row takes the whole exam: x and parameters a = 0.7, b = 1.3.
FORMULAS = {
    "two conditions": two_conditions,
    "not": negation,
    "exclusive or": exclusive,
    "condition times number": lambda x, a, b: (x > a) * b + a * (x <= 0) * x,
    "sum of conditions is or": lambda x, a, b: ((x > 0) + (x > 1)) * a,
    "product of conditions": lambda x, a, b: ((x > 0) * (x < b)) * a,
    "sum of flags": lambda x, a, b: ((x > 0).astype(int) + (x > 1).astype(float)) * a,
    "astype": lambda x, a, b: (a * x).astype(float) + (b * x).astype(int),
    "astype bool": lambda x, a, b: np.where(np.trunc(x).astype(bool), a, b * x),
    "clip": lambda x, a, b: np.clip(a * x, -b, 0.5 * b),
    "clip words": lambda x, a, b: np.clip(a * x, min=-0.2) + np.clip(b * x, max=1.0),
    "clip method": lambda x, a, b: (a * x).clip(-b, b) + x.clip(0.0),
    "clip one side": lambda x, a, b: np.clip(a * x, None, b) + np.clip(x, a, None),
    "square": lambda x, a, b: a * x**2 + np.square(b * x),
    "inverse": lambda x, a, b: (a * x * x + b) ** -1 + np.reciprocal(b + x * x),
    "root": lambda x, a, b: (a * x * x + b) ** 0.5 + np.sqrt(a + x * x),
    "powers": lambda x, a, b: (x * a) ** 3 + (b + x * x) ** -2.5 + (a + 0.2 * x) ** 12,
    "power of a parameter": lambda x, a, b: (x + 3.0) ** a + np.power(a + x * x, b),
    "parameter in front": lambda x, a, b: 2.0 ** (a * x) + b**x,
    "float power": lambda x, a, b: np.float_power(x * x + a, b),
    "asarray": lambda x, a, b: a * np.asarray(x) + np.exp(np.asarray(x) * b),
    "functions of asarray": lambda x, a, b: np.exp(-(np.asarray(x) ** 2)) * a + b,
    "asarray of a parameter": lambda x, a, b: (
        np.asarray(a) * x + np.sqrt(np.asarray(b))
    ),
    "sinc": lambda x, a, b: a * np.sinc(b * x),
    "heaviside": lambda x, a, b: a * np.heaviside(x, 0.5) + np.heaviside(x - b, 1.0),
    "polyval": polynomial,
    "select": selected,
    "piecewise": pieces,
    "sum of components": components,
    "array of parameters": array_of_parameters,
    "captured array": lambda x, a, b: a * TABLE + b * x,
    "integers": lambda x, a, b: a * np.arange(21) + b * (np.arange(21) % 2 == 0),
    "constant array": lambda x, a, b: np.ones(21) * a * x + np.full(21, 2) * b,
    "zeros_like": lambda x, a, b: np.zeros_like(x) + np.ones_like(x) * a + b * x,
    "full_like": lambda x, a, b: np.full_like(x, a) * x + np.full_like(x, 2.0) * b,
    "hypot": lambda x, a, b: np.hypot(x - a, b) + np.arctan2(x, b),
    "angles": lambda x, a, b: np.sin(np.deg2rad(90 * x * a)) + np.degrees(b) * x,
    "remainders": lambda x, a, b: (x % a) + x // b + np.mod(x, b) + np.remainder(5, a),
    "logs": lambda x, a, b: np.log1p(x * x * a) + np.log2(b + x * x) + np.log10(a),
    "logaddexp": lambda x, a, b: np.logaddexp(a * x, b),
    "minimum": lambda x, a, b: np.minimum(a * x, b) + np.maximum(x, a) + np.fmax(x, b),
    "builtins": lambda x, a, b: max(a, b) * x + min(a, b) + abs(-a) + abs(b * x),
    "divmod parts": lambda x, a, b: (x // a) * a + x % a + b,
    "rounding": lambda x, a, b: (
        np.floor(x * a) + np.ceil(x) * b + np.rint(x) + np.trunc(x)
    ),
    "sign": lambda x, a, b: np.sign(x) * a + np.fabs(b * x) + np.absolute(x),
    "hyperbolic": lambda x, a, b: (
        np.tanh(a * x) + b / np.cosh(x) + np.sinh(x) + np.arcsinh(x)
    ),
    "nan_to_num": lambda x, a, b: np.nan_to_num(
        a / np.where(x == 0.5, np.nan, b + x**2)
    ),
    "isfinite": lambda x, a, b: np.where(np.isfinite(x / a), a * x, b),
    "where on numbers": lambda x, a, b: (
        np.where(x > 0, 1, 0) * a + np.where(True, b, x)
    ),
    "where on values": lambda x, a, b: np.where(np.maximum(x, 0.0), a, b),
    "erf": lambda x, a, b: special.erf(a * x) + special.erfc(b * x),
    "voigt": special.voigt_profile,
    "ndtr": lambda x, a, b: special.ndtr(a * x) + special.log_ndtr(b * x),
    "expit": lambda x, a, b: special.expit((x - a) / b) + special.log_expit(a * x),
    "logit": lambda x, a, b: special.logit((x + 2.5) / 6.0) * a + b,
    "xlogy": lambda x, a, b: special.xlogy(a, b + x * x) + special.xlog1py(x, a),
    "gammaln": lambda x, a, b: (
        special.gammaln(x * x + a) + b * special.digamma(x + 3.0)
    ),
    "small functions": lambda x, a, b: (
        special.exp10(a * x) + special.cbrt(b * x) + special.expm1(x)
    ),
    "logical chains": lambda x, a, b: np.where(
        np.logical_and(x > 0, np.logical_or(x < a, x > b)), a, b
    ),
    # Those that need x itself: the second mode.
    "mean": lambda x, a, b: a * (x - x.mean()) + b,
    "interp": lambda x, a, b: a * np.interp(x, NODES, NODES**2) + b * x,
    "length": lambda x, a, b: a * x / len(x) + b * x.size,
    "first": lambda x, a, b: a * (x - x[0]) + b * x[-1],
    "shape": lambda x, a, b: a * x * np.ones(x.shape) + b,
    "differences": lambda x, a, b: a * np.gradient(x) + b * np.diff(x, append=5.0) * x,
    "mask of x": lambda x, a, b: np.where(np.isin(x, x[:5]), a, b),
    "statistics": lambda x, a, b: a * (x - np.median(x)) / np.std(x) + b * np.cumsum(x),
    "loop over numbers": lambda x, a, b: sum(
        a * b**k * x**k for k in range(len(x[:4]))
    ),
}
KINKED = {"rounding", "remainders", "astype", "divmod parts", "mask of x"}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_gives_what_numpy_gives(name):
    function = FORMULAS[name]
    found = traced(function, 2, X)
    for theta in (THETA, np.array([1.9, 0.4]), np.array([0.5, 0.5])):
        with np.errstate(all="ignore"):
            expected = function(X, *theta.tolist()) + np.zeros(21)
        np.testing.assert_allclose(
            by_tape(found, theta, X), expected, rtol=2e-14, atol=2e-14
        )
        np.testing.assert_allclose(
            by_machine(found, theta, X), expected, rtol=5e-14, atol=5e-14
        )


@pytest.mark.parametrize("name", [name for name in FORMULAS if name not in KINKED])
def test_a_formula_has_the_right_derivatives(name):
    x = X + 0.0123  # off the kinks
    if FORMULAS[name] is FORMULAS["captured array"]:
        x = X

    def function(theta):
        with np.errstate(all="ignore"):
            return FORMULAS[name](x, *theta) + np.zeros(21)

    found = traced(FORMULAS[name], 2, x)
    expected = differences(function, THETA, step=1e-3)
    atol = 1e-9 * np.abs(expected).max()
    np.testing.assert_allclose(
        slopes(found, 2, THETA, x), expected, rtol=1e-8, atol=atol
    )
    np.testing.assert_allclose(
        slopes(found, 2, THETA, x, compiled=True), expected, rtol=1e-8, atol=atol
    )


ONE = {
    function: formula
    for function, formula in (UFUNCS | FUNCTIONS).items()
    if isinstance(function, np.ufunc) and function.nin == 1
}


@pytest.mark.parametrize("function", ONE, ids=lambda f: f.__name__)
def test_every_function_of_one_argument(function):
    if function in (np.logical_not, np.invert):
        found = traced(lambda x, a: function(x > a) * 1.0, 1, X)
        expected = ~(X > 0.7)
    else:
        x = np.concatenate([X, X / 10.0, [1.0, np.inf, np.nan]])
        found = traced(lambda x, a: function(a * x), 1, x)
        with np.errstate(all="ignore"):
            expected = function(0.7 * x) * 1.0
        np.testing.assert_allclose(
            by_tape(found, [0.7], x), expected, rtol=3e-14, atol=1e-15
        )
        return
    np.testing.assert_array_equal(by_tape(found, [0.7], X), expected)


# --- derivatives where a side that is not chosen has none ----------------------------

CHOICES = {
    "log": lambda x, a: np.where(a * x > 0.0, np.log(a * x), 0.0),
    "root": lambda x, a: np.where(a * x > 0.0, np.sqrt(a * x), a),
    "inverse": lambda x, a: np.where(x == 0.0, a, np.sin(a * x) / x),
    "power": lambda x, a: np.where(x > 0.0, x**a, 0.0),
    "overflow": lambda x, a: (
        np.where(x < 1.0, a * x, a * np.exp(1000.0 * a * x)) * (x < 1)
    ),
    "minimum": lambda x, a: np.minimum(a, 1.0 / np.abs(a * x)),
    "maximum": lambda x, a: np.maximum(-5.0, np.log(np.abs(a * x))),
    "clip": lambda x, a: np.clip(1.0 / np.abs(a * x), 0.0, 3.0),
    "nested": lambda x, a: np.where(
        x > 0.0, np.where(x > 1.0, np.log(a * x - 0.5), a), np.where(x < -1, a * x, 1.0)
    ),
    "product": lambda x, a: np.where(x > 0.0, np.log(a * x), 0.0) * np.exp(a),
    "sum": lambda x, a: np.where(x > 0.0, np.log(a * x), a) + np.where(x > 0, 0.0, a),
    "sinc": lambda x, a: np.sinc(a * x),
    "xlogy": lambda x, a: (
        np.where(a == 0, 0.0, 1.0) * 0.0 + a * np.where(x > 0, x, 0.0)
    ),
    "xlogy at zero": lambda x, a: np.where(x == 0, a, a * np.log(np.abs(a * x))),
}


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_not_chosen_leaves_no_nan(name):
    x = np.array([-2.0, -0.5, 0.0, 0.3, 0.7, 2.5])
    found = traced(CHOICES[name], 1, x)

    def function(theta):
        with np.errstate(all="ignore"):
            return CHOICES[name](x, theta[0])

    for compiled in (False, True):
        (slope,) = slopes(found, 1, [0.7], x, compiled=compiled)
        if name == "overflow":
            slope, expected = slope[x < 0.7], x[x < 0.7]
        else:
            (expected,) = differences(function, [0.7], step=1e-3)
        assert np.isfinite(slope).all()
        np.testing.assert_allclose(slope, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (lambda x, a, b: np.logaddexp(a, b) + 0 * x, (1.0, 1.0), (0.5, 0.5)),
        (lambda x, a, b: special.log_expit(a) + b * x, (0.0, 1.0), (0.5, 0.5)),
        (lambda x, a, b: special.expit(a) + b * x, (0.0, 1.0), (0.25, 0.5)),
        (lambda x, a, b: special.expit(1e4 * a) + b * x, (-1.0, 1.0), (0.0, 0.5)),
        (lambda x, a, b: special.xlogy(a, b) + 0 * x, (0.0, 2.0), (math.log(2.0), 0.0)),
        (lambda x, a, b: special.xlogy(a, b) + 0 * x, (0.0, 0.0), (0.0, 0.0)),
        (lambda x, a, b: special.xlog1py(a, b) + 0 * x, (0.0, 1.0), (math.log(2.0), 0)),
        (lambda x, a, b: np.hypot(x - a, b) + 0 * x, (0.5, 0.0), (0.0, 0.0)),
        (lambda x, a, b: np.sqrt((x - a) ** 2 + b**2), (0.5, 0.0), (0.0, 0.0)),
        (lambda x, a, b: np.abs(x - a) + 0 * b, (0.5, 0.0), (0.0, 0.0)),
        (lambda x, a, b: a**b + 0 * x, (0.0, 0.0), (0.0, 0.0)),
        (lambda x, a, b: a**b + 0 * x, (0.0, 2.0), (0.0, 0.0)),
        (lambda x, a, b: a**b + 0 * x, (0.0, 1.0), (1.0, 0.0)),
        (lambda x, a, b: a**2 + b**3 + 0 * x, (0.0, 0.0), (0.0, 0.0)),
    ],
)
def test_derivatives_at_edges(function, at, expected):
    x = np.array([0.5])
    found = traced(function, 2, x)
    for compiled in (False, True):
        slope = slopes(found, 2, np.array(at), x, compiled=compiled)[:, 0]
        np.testing.assert_allclose(slope, expected, rtol=1e-14, atol=0.0)


# --- what must not be traced ---------------------------------------------------------


def in_place(x, a, b):
    x += a
    return b * x


def in_place_later(x, a, b):
    y = a * x
    y *= b
    return y


def with_out(x, a, b):
    return np.multiply(a, x, out=np.empty(21)) + b


def into_a_buffer(x, a, b):
    buffer = np.empty(x.size)
    buffer[:] = a * x
    return buffer + b


def into_a_mask(x, a, b):
    y = a * x
    y[x > 0] = b
    return y


def value_by_value(x, a, b):
    return np.array([a * value + b for value in x])


def filled(x, a, b):
    out = np.zeros(len(x))
    for i, value in enumerate(x):
        out[i] = a * value + b
    return out


def endless(x, a, b):
    while True:
        a = a / 2.0
        if a < 1e-3:
            return a * x + b


def checked(x, a, b):
    if not isinstance(a, float):
        raise TypeError(f"a must be a float, got {type(a).__name__}")
    return a * x + b


KEPT = []


def keeping(x, a, b):
    KEPT.append(a * x)
    return KEPT[0] + b


REFUSED = {
    in_place: "read-only|out=",
    in_place_later: "out=",
    with_out: "out=",
    into_a_buffer: "writing into an array",
    into_a_mask: "writing into an array|item assignment",
    value_by_value: "single values of the model",
    filled: "writing into an array",
    endless: "more than 32 combinations of branches",
    checked: "a must be a float",
    (lambda x, a, b: np.sum(a * x) + b): "np.add.reduce|sum needs the values",
    (lambda x, a, b: np.add.reduce(a * x) + b): "reduce needs the values",
    (lambda x, a, b: a * x / (b * x).max()): "max",
    (lambda x, a, b: float(a) * x + b): "float()",
    (lambda x, a, b: math.exp(a) * x + b): "math module",
    (lambda x, a, b: int(a) * x + b): "int() needs the value",
    (lambda x, a, b: round(a) * x + b): "round() needs the value",
    (lambda x, a, b: range(a)[0] * x + b): "an index or a count",
    (
        lambda x, a, b: a * x[x > 0] + b
    ): "an array of shape (12,) meets data of shape (21,)",
    (lambda x, a, b: (a * x)[3] + b): "a value of the model is not subscriptable",
    (lambda x, a, b: np.interp(x, NODES, a * NODES) + b): "array of shape (4,)",
    (lambda x, a, b: a * x if x[0] * a > b else b): "",
    (lambda x, a, b: np.cumsum(a * x) + b): "np.cumsum needs the values",
    (lambda x, a, b: np.convolve(a * x, NODES, "same") + b): "np.convolve",
    (lambda x, a, b: special.jv(a, x) + b): "jv has no compiled form",
    (lambda x, a, b: (a * x).astype("f4") + b): "a conversion to float32",
    (lambda x, a, b: a * x + "b"): "str",
    (lambda x, a, b: [a * x, b]): "a list in a formula",
    (lambda x, a, b: None): "a NoneType in a formula",
    (lambda x, a, b: (a + 1j) * x): "complex",
    (lambda x, a, b: b * x if (a * x > 1) else x): "a branch on the values of x",
    (lambda x, a, b: b * x if np.any(a * x > 1) else x): "np.any needs the values",
    (lambda x, a, b: {0.7: x}[a] * b): "unhashable",
    (lambda x, a, b: a * x[:, None] + b): "an array of shape (21, 1)",
    (lambda x, a, b: float(a) * (x - x.mean()) + b): "float()",  # not the mean
}


@pytest.mark.parametrize(
    "function", REFUSED, ids=[f"{i} {f.__name__}" for i, f in enumerate(REFUSED)]
)
def test_what_no_formula_can_hold_is_refused(function):
    x = X.copy()
    words = "|".join(map(re.escape, REFUSED[function].split("|")))
    if not words:
        traced(function, 2, x)  # x is known, so the branch is on parameters alone
    else:
        with pytest.raises(Untraceable, match=words) as caught:
            traced(function, 2, x)
        assert "Tracer" not in str(caught.value).replace("got Tracer", "")
    np.testing.assert_array_equal(x, X)  # whatever the function did, x is as it was


def test_a_value_kept_from_another_call_is_refused():
    KEPT.clear()
    traced(keeping, 2, X)
    with pytest.raises(Untraceable, match="kept from another call"):
        traced(keeping, 2, X)
