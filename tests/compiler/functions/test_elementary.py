"""The elementary functions as machine code: to the last place, and at every edge."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

from graphfit.compiler.functions.elementary import EMIT
from graphfit.compiler.operations import OPERATIONS
from tests.cases import ALL_OPERATIONS
from tests.compiler.functions import harness, long_functions
from tests.compiler.functions.harness import CONDITIONS, evaluate
from tests.compiler.functions.long_functions import LONG

WIDTHS = (1, 4, 8)
COUNT = 40_000
every_width = pytest.mark.parametrize("width", WIDTHS)
needs_long = pytest.mark.skipif(
    not long_functions.HAS_64_BITS, reason="longdouble is double here"
)

EDGES = np.array(
    [
        *(np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-310),
        *(2.0**-1022, -(2.0**-1022), 1e-17, -1e-17, 1e-9, -1e-9, 1.7e308, -1.7e308),
        *(0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 1e15, -1e15, 1e300, -1e300),
        *(np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0), 1.5, 2.5, -1.5, -2.5),
        # where exp, exp2 and erfc overflow, turn subnormal, vanish
        *(709.782712893384, 709.7827128933841, -708.0, -708.3964185322641, -745.13),
        *(-745.1332191019412, -745.14, 710.4758600739439, 710.475860073944),
        *(1024.0, 1023.9999999999999, -1022.0, -1074.0, -1075.0, -1076.0),
        *(26.5, 27.2, 27.3, 30.0, 37.5, 38.5, -38.5, 1e8, -1e8, 1.1e8, 1e22),
    ]
)


def random() -> np.random.Generator:
    return np.random.default_rng(20240501)


def uniform(low: float, high: float) -> np.ndarray:
    return random().uniform(low, high, COUNT)


def powers(low: float, high: float) -> np.ndarray:
    """Numbers of all magnitudes between two powers of ten."""
    with np.errstate(under="ignore"):
        return 10.0 ** uniform(low, high)


def both(x: np.ndarray) -> np.ndarray:
    """Of either sign."""
    return np.where(np.arange(x.size) % 2, x, -x)


@dataclass(frozen=True)
class Bound:
    """The largest error of an operation, in units of the last place."""

    name: str
    bound: float
    reference: object
    points: tuple[np.ndarray, ...]


LOG_POINTS = (uniform(0, 10), uniform(0.5, 2), powers(-300, 300), powers(-323, -300))
TURNS = (uniform(-7, 7), both(powers(-20, 5)), uniform(-1e5, 1e5), uniform(-1e8, 1e8))
ULP_BOUNDS = [
    Bound("exp", 0.8, np.exp, (uniform(-745, 709.7), uniform(-1, 1), uniform(-20, 0))),
    Bound("exp2", 1.0, np.exp2, (uniform(-1075, 1024), uniform(-1, 1))),
    Bound(
        "expm1",
        1.5,
        np.expm1,
        (uniform(-40, 709), uniform(-1, 1), both(powers(-20, 0))),
    ),
    Bound("log", 0.9, np.log, LOG_POINTS),
    Bound("log2", 0.9, np.log2, LOG_POINTS),
    Bound("log10", 0.9, np.log10, LOG_POINTS),
    Bound(
        "log1p",
        0.9,
        np.log1p,
        (uniform(-1, 10), uniform(-0.5, 0.5), powers(-320, 300), -powers(-20, 0)),
    ),
    Bound("sinh", 2.5, np.sinh, (uniform(-710, 710), uniform(-2, 2), powers(-20, 2))),
    Bound("cosh", 1.2, np.cosh, (uniform(-710, 710), uniform(-2, 2), powers(-20, 2))),
    Bound("tanh", 3.0, np.tanh, (uniform(-25, 25), uniform(-2, 2), powers(-20, 2))),
    Bound("sin", 0.9, np.sin, TURNS),
    Bound("cos", 0.9, np.cos, TURNS),
    Bound("tan", 2.5, np.tan, TURNS),
    Bound(
        "arctan",
        2.0,
        np.arctan,
        (uniform(-3, 3), both(powers(-20, 20)), uniform(0.4, 0.5)),
    ),
    Bound("erf", 1.2, long_functions.erf, (uniform(-6, 6), both(powers(-20, 0)))),
    Bound("erfc", 4.0, long_functions.erfc, (uniform(-6, 6), uniform(0, 27.2))),
    Bound("log_ndtr", 6.0, long_functions.log_ndtr, (uniform(-40, 37), uniform(-2, 2))),
    # Without the neighbourhood of the root, where the reference loses digits.
    Bound(
        "digamma",
        8.0,
        long_functions.digamma,
        (uniform(0, 1.45), uniform(1.475, 20), powers(-300, 300)),
    ),
]


def last_places(value: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The error of doubles in units of their last place."""
    unit = np.spacing(np.abs(true).astype(float)).astype(LONG)
    return (np.abs(value.astype(LONG) - true) / unit).astype(float)


@needs_long
@every_width
@pytest.mark.parametrize("row", ULP_BOUNDS, ids=lambda row: row.name)
def test_error_in_the_last_place(row, width):
    x = np.concatenate(row.points)
    true = row.reference(x.astype(LONG))
    error = last_places(evaluate(row.name, x, width=width), true)
    worst = np.argmax(error)
    assert error[worst] <= row.bound, f"{row.name}({x[worst]!r})"
    # The bound says something: it is not far above what is seen.
    assert width == 1 or error[worst] > 0.5 * row.bound


def same(value: np.ndarray, true: np.ndarray, relative: float) -> np.ndarray:
    """Equal, both NaN, or finite and close; subnormals to their last place."""
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(value - true) <= relative * np.abs(true) + 5e-324
    return (value == true) | (np.isnan(value) & np.isnan(true)) | close


EXACT = {
    *("add", "sub", "mul", "div", "neg", "abs", "sign", "sqrt", "floor", "ceil"),
    *("rint", "trunc", "minimum", "maximum", "floordiv", "mod", *CONDITIONS),
}
BINARY = {
    *("add", "sub", "mul", "div", "floordiv", "mod", "pow", "minimum", "maximum"),
    *("arctan2", "hypot", "lt", "le", "gt", "ge", "eq", "ne"),
}
ARITY = {case.name: len(case.ranges) for case in ALL_OPERATIONS}
# tests/compiler/test_tape.py compares these with what they repeat.
ELSEWHERE = {"hazard_integral", "hazard_step", "normal_mixture_root", "betaln"} | {
    *("betainc", "betaincc", "betaincinv", "betainccinv"),
    *("gammainc", "gammaincc", "gammaincinv", "gammainccinv"),
}
CONNECTIVES = {"and", "or", "not", "where", "number"}
SPECIAL = {"voigt_real", "voigt_imag"}
UNARY = sorted(set(EMIT) - BINARY - CONNECTIVES - SPECIAL - ELSEWHERE)


def reference(name: str, *arrays: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(OPERATIONS[name].function(*arrays), float)


def test_every_operation_has_a_builder():
    assert set(EMIT) == set(OPERATIONS)


@every_width
@pytest.mark.parametrize("name", UNARY)
def test_one_argument(name, width):
    points = (EDGES, both(powers(-3, 2)), both(powers(-300, 300)), uniform(-50, 50))
    x = np.concatenate(points)
    if name == "log_ndtr":
        x = x[~((x > 20.0) & (x < 39.0))]  # scipy's loses digits, and is zero too soon
    if name == "erfc":
        x = x[~((x > 26.5) & (x < 28.0))]
    if name == "digamma":  # scipy's loses digits next to the poles
        whole = np.where(np.isfinite(x), np.rint(x), 0.0)
        distance = np.where(
            x < 0.0, np.abs(np.where(np.isfinite(x), x, 1.0) - whole), 1
        )
        x = x[(distance == 0.0) | (distance > 0.05)]
    value, true = evaluate(name, x, width=width), reference(name, x)
    tolerance = {
        "erfc": 2e-13,
        "log_ndtr": 2e-13,
        "lgamma": 1e-13,
        "digamma": 1e-13,
    }.get(name, 2e-14)
    if name in {"lgamma", "digamma"}:
        # Next to their roots only the absolute error is small.
        offset = np.where(np.abs(true) < 1.0, 2.0, 0.0)
        value, true = value + offset, true + offset
    good = same(value, true, 0.0 if name in EXACT else tolerance)
    assert good.all(), list(zip(x[~good], value[~good], true[~good], strict=True))[:5]


@every_width
@pytest.mark.parametrize("name", sorted(BINARY))
def test_two_arguments(name, width):
    a, b = (side.ravel() for side in np.meshgrid(EDGES, EDGES))
    numbers = random()
    ordinary = numbers.normal(size=(2, COUNT)) * 10.0 ** numbers.uniform(-3, 3, COUNT)
    whole = np.round(numbers.uniform(-9, 9, (2, COUNT)))
    a = np.concatenate([a, ordinary[0], whole[0], whole[0]])
    b = np.concatenate([b, ordinary[1], whole[1], whole[1] / 10.0])
    value, true = evaluate(name, a, b, width=width), reference(name, a, b)
    good = same(value, true, 0.0 if name in EXACT else 1e-14)
    rows = zip(a[~good], b[~good], value[~good], true[~good], strict=True)
    assert good.all(), list(rows)[:5]


@every_width
@pytest.mark.parametrize("name", ["floordiv", "mod", "sign", "neg", "abs", "rint"])
def test_zeros_have_numpys_sign(name, width):
    a, b = (side.ravel() for side in np.meshgrid(EDGES, EDGES))
    arguments = (a, b) if name in BINARY else (a,)
    value, true = evaluate(name, *arguments, width=width), reference(name, *arguments)
    is_zero = true == 0.0
    np.testing.assert_array_equal(np.signbit(value[is_zero]), np.signbit(true[is_zero]))


ODD = ["expm1", "log1p", "sinh", "tanh", "sin", "arctan", "erf", "tan", "cbrt"]


@every_width
@pytest.mark.parametrize("name", ODD)
def test_a_tiny_argument_keeps_its_sign(name, width):
    x = np.array([0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-310])
    value = evaluate(name, x, width=width)
    np.testing.assert_array_equal(np.signbit(value), np.signbit(x))


@every_width
def test_conditions_join(width):
    x, y = uniform(-1, 1), uniform(0, 2) - 1.0

    def build(builder, a, b):
        below, finite = EMIT["lt"](builder, a, b), EMIT["isfinite"](builder, a)
        both_hold = EMIT["and"](builder, below, finite)
        either = EMIT["or"](builder, both_hold, EMIT["isnan"](builder, b))
        neither = EMIT["not"](builder, either)
        one = EMIT["number"](builder, neither)
        return EMIT["where"](builder, neither, one, b)

    x[::7], y[::5] = np.inf, np.nan
    text = harness.loop(build, width, 2)
    function = harness.compiled_loop(f"join-{width}", text)
    value = harness.call(function, x, y, width=width)
    either = ((x < y) & np.isfinite(x)) | np.isnan(y)
    np.testing.assert_array_equal(value, np.where(~either, 1.0, y))


# --- what vectors add --------------------------------------------------------------

STRAIGHT = sorted({row.name for row in ULP_BOUNDS} | SPECIAL)


@pytest.mark.parametrize("name", STRAIGHT)
def test_widths_give_the_same_bits(name):
    x = np.concatenate([EDGES, uniform(-30, 30)])
    arrays = (x, np.abs(x[::-1])) if name in SPECIAL else (x,)
    narrow, wide = (evaluate(name, *arrays, width=width) for width in (4, 8))
    np.testing.assert_array_equal(narrow, wide)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_a_far_neighbour_changes_nothing(name):
    near = uniform(-30, 30)
    mixed = near.copy()
    mixed[::3] = 1e12
    value = evaluate(name, mixed)
    np.testing.assert_array_equal(
        np.delete(value, np.s_[::3]), np.delete(evaluate(name, near), np.s_[::3])
    )
    assert value[0] == pytest.approx(reference(name, np.array(1e12)), rel=1e-15)


@pytest.mark.parametrize("name", sorted(EMIT))
def test_no_instruction_may_be_reordered(name):
    def build(builder, *values):
        # The harness has three columns.
        values = [*values, *[values[-1]] * (ARITY[name] - len(values))]
        if name in {"and", "or", "not"}:
            values = [EMIT["isnan"](builder, value) for value in values]
        elif name in {"where", "number"}:
            values = [EMIT["isnan"](builder, values[0]), *values[1:]]
        value = EMIT[name](builder, *values)
        is_condition = name in {*CONDITIONS, "and", "or", "not"}
        return EMIT["number"](builder, value) if is_condition else value

    text = harness.loop(build, 8, min(ARITY[name], 3))
    flags = re.findall(r"\b(fast|nnan|ninf|nsz|arcp|contract|afn|reassoc)\b", text)
    assert not flags


# --- exact values, and what numpy and scipy do not reach ---------------------------


@every_width
def test_powers_of_two_are_exact(width):
    n = np.arange(-1074.0, 1024.0)
    np.testing.assert_array_equal(evaluate("exp2", n, width=width), 2.0**n)
    np.testing.assert_array_equal(evaluate("log2", 2.0**n, width=width), n)


def test_powers_of_ten():
    n = np.arange(23.0)
    np.testing.assert_array_equal(evaluate("log10", 10.0**n), n)


def test_digamma_keeps_its_digits_at_its_root():
    # by mpmath 1.3 with 40 digits
    (value,) = evaluate("digamma", np.array([1.4616321449683622]))
    assert value == pytest.approx(-9.241265521729427e-17, rel=1e-14)


@needs_long
def test_digamma_below_zero():
    x = uniform(-20, 0)
    true = long_functions.digamma(x.astype(LONG))
    error = np.abs(evaluate("digamma", x) - true) / (1.0 + np.abs(true))
    assert error.max() < 2e-15


def test_log_ndtr_far_above():
    # 1 - Phi(38) = 2.885428360068769e-316 by mpmath 1.3 with 40 digits
    (value,) = evaluate("log_ndtr", np.array([38.0]))
    assert value == pytest.approx(-2.885428360068769e-316, rel=1e-7)  # subnormal


# --- the Faddeeva function ---------------------------------------------------------

# x, y, real, imaginary: exp(-z^2) erfc(-iz) by mpmath 1.3 with at least 60 digits
FADDEEVA = np.array(
    [
        (0.5, 0.5, 0.533156707912175, 0.2304882313844584),
        (0.001, 0.001, 0.9988716223354113, 0.0011263806715998664),
        (1, 1e-08, 0.36787944203080475, 0.607157698483805),
        (3, 1e-08, 0.00012341058973403064, 0.2011573170301958),
        (5.5, 0.0001, 1.9662634430445118e-06, 0.10436743639901064),
        (6.25, 1e-12, 1.5047827660263924e-14, 0.09147329169625089),
        (6.0, 1e-12, 1.6607292816840975e-14, 0.09539620896911076),
        (2.25, 0.125, 0.02715505412702341, 0.2844541646534309),
        (10, 0.01, 5.72871162249008e-05, 0.05670533605480962),
        (20, 1e-08, 1.4157965867555475e-11, 0.028244874092056702),
        (0.1, 6.25, 0.08913514977924542, 0.0013917991021639275),
        (0.1, 6.3, 0.0884449017493915, 0.0013705653687918686),
        (300, 2, 1.2537198035499468e-05, 0.0018805588105753044),
        (1000, 1e-08, 5.6419042983424735e-15, 0.0005641898656429712),
        (3, 1000, 0.0005641842238080674, 1.6925509788909948e-06),
        (4, 0.0, 1.1253517471925912e-07, 0.14595358990015278),
        (12345.0, 1.0, 3.7020550846620168e-09, 4.570186972026964e-05),
    ]
)


@every_width
def test_faddeeva_to_all_digits(width):
    x, y, real, imaginary = FADDEEVA.T
    value = evaluate("voigt_real", x, y, width=width)
    np.testing.assert_allclose(value, real, rtol=2e-15)
    value = evaluate("voigt_imag", x, y, width=width)
    np.testing.assert_allclose(value, imaginary, rtol=1e-14)
    np.testing.assert_allclose(evaluate("voigt_imag", -x, y), -imaginary, rtol=1e-14)


@every_width
@pytest.mark.parametrize(
    ("x_range", "y_range"),
    [
        ((-3, 3), (-8, 3)),
        ((-1, 1.3), (-3, 1)),
        ((0, 1.2), (-20, 0)),
        ((-100, 100),) * 2,
    ],
    ids=["all", "core", "near the axis", "any size"],
)
def test_faddeeva_against_scipy(x_range, y_range, width):
    numbers = random()
    x = both(10.0 ** numbers.uniform(*x_range, COUNT))
    y = 10.0 ** numbers.uniform(*y_range, COUNT)
    true = special.wofz(x + 1j * y)
    # scipy promises 1e-13
    real = evaluate("voigt_real", x, y, width=width)
    np.testing.assert_allclose(real, true.real, rtol=2e-13)
    imaginary = evaluate("voigt_imag", x, y, width=width)
    assert (np.abs(imaginary - true.imag) <= 1e-13 * np.abs(true)).all()


@every_width
def test_faddeeva_on_the_axis_is_a_gaussian(width):
    x = np.concatenate([uniform(-26, 26), [0.0, -0.0, 100.0]])
    real = evaluate("voigt_real", x, 0.0 * x, width=width)
    true = np.asarray(long_functions.gaussian(x, 1), float)
    np.testing.assert_allclose(real, true, rtol=3e-16)
    imaginary = evaluate("voigt_imag", x, 0.0 * x, width=width)
    dawson = 2.0 / np.sqrt(np.pi) * special.dawsn(x)
    np.testing.assert_allclose(imaginary, dawson, rtol=1e-14)


@every_width
def test_faddeeva_at_infinity_and_nan(width):
    x = np.array([np.inf, -np.inf, 1.0, np.inf, np.nan, 1.0])
    y = np.array([1.0, 0.0, np.inf, np.inf, 1.0, np.nan])
    for name in sorted(SPECIAL):
        value = evaluate(name, x, y, width=width)
        np.testing.assert_array_equal(value[:4], 0.0)
        assert np.isnan(value[4:]).all()
