r"""Error functions, in straight lines of vector instructions.

All rest on the scaled function ``erfcx(a) = exp(a^2) erfc(a)`` for ``a >= 0``, which has no
exponential in it: with ``u = 2a / (a + 4)``,

    (1 + 2a) erfcx(a) = 1 + u g(u - 1)

is smooth from a = 0 to infinity, and g a polynomial, nearly minimax.  Errors in units of
the last place are the largest ones seen against 64-bit mantissas;
``tests/compiler/test_elementary.py`` holds the bounds.
"""

import math
from typing import TYPE_CHECKING

from graphfit.compiler.functions.exponential import scaled_exp
from graphfit.compiler.functions.instructions import (
    compare,
    constant,
    fma,
    magnitude,
    split_polynomial,
    with_sign,
)
from graphfit.compiler.functions.logarithm import log_of_sum

if TYPE_CHECKING:
    from llvmlite import ir

ERFC_ZERO = 30.0  # erfc is zero from here on
NDTR_ONE = 40.0  # the upper tail of the normal distribution is
RAISE = 64  # exp(-a^2) is held 2^64 too large, so that it is never subnormal
LARGE = 1e300
ROOT_HALF = math.sqrt(0.5)
CENTRE = 4.0

# g(q) for -1 <= q <= 1; error 3.5e-17 of (1 + 2a) erfcx(a)
ERFCX = (
    0.23299511862555253,
    -0.3726162354661147,
    0.38799588756872677,
    -0.3198988333140681,
    0.21885976727815512,
    -0.12512693227877245,
    0.058796566459096485,
    -0.021629050936101932,
    0.005431316950077204,
    -0.0003993468583127695,
    -0.00035842682909933813,
    0.00015916958349655234,
    -8.546539739356564e-06,
    -1.585094675735187e-05,
    4.625939039043774e-06,
    1.080219312009458e-06,
    -7.823129393331111e-07,
    -3.828292713660628e-08,
    1.0951232176529874e-07,
    -3.5223596057044e-09,
    -1.2879966142556582e-08,
    6.720021649407443e-10,
    9.071348918430047e-10,
)
# erf(x) / x - 1 in x^2 <= 1; error 1.5e-17 of erf(x)
ERF = (
    0.12837916709551256,
    -0.3761263890318347,
    0.11283791670943231,
    -0.026866170643029885,
    0.005223977605763199,
    -0.0008548325921510747,
    0.00012055293525232588,
    -1.4924713718359093e-05,
    1.644717022862332e-06,
    -1.6206728087882048e-07,
    1.3713151697397479e-08,
    -7.784051908529241e-10,
)


def erf(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the error function, within 1.2 units of the last place."""
    size = magnitude(builder, x)
    far = builder.fsub(constant(x, 1.0), _upper(builder, size))
    is_near = compare(builder, "<", size, 1.0)
    return with_sign(builder, builder.select(is_near, _near(builder, size), far), x)


def erfc(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``1 - erf(x)``, within 4 units of the last place."""
    size = magnitude(builder, x)
    near = builder.fsub(constant(x, 1.0), _near(builder, size))
    is_near = compare(builder, "<", size, 0.5)
    upper = builder.select(is_near, near, _upper(builder, size))
    lower = builder.fsub(constant(x, 2.0), upper)
    return builder.select(compare(builder, "<", x, 0.0), lower, upper)


def log_ndtr(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    r"""Return the logarithm of the normal distribution's cumulative probability.

    Within 6 units of the last place: of ``erfcx(|x| / sqrt(2)) / 2``, times
    ``exp(-x^2 / 2)`` after the logarithm is taken (x <= 0), or as one minus it (x > 0).
    """
    size = magnitude(builder, x)
    tail = builder.fmul(
        erfcx(builder, builder.fmul(size, constant(x, ROOT_HALF))), constant(x, 0.5)
    )
    upper = _times_gaussian(builder, tail, size, NDTR_ONE, 0.5)
    one = constant(x, 1.0)
    below = builder.fsub(one, upper)
    lost = builder.fsub(builder.fsub(one, below), upper)
    is_upper = compare(builder, ">", x, 0.0)
    zero = constant(x, 0.0)
    value = log_of_sum(
        builder,
        builder.select(is_upper, below, tail),
        builder.select(is_upper, lost, zero),
    )
    half_square = builder.fmul(builder.fmul(x, constant(x, 0.5)), x)
    return builder.fsub(value, builder.select(is_upper, zero, half_square))


def erfcx(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    """Return ``exp(a^2) erfc(a)``, within 3 units of the last place.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    a : ir.Value
        Not below zero.
    """
    is_large = compare(builder, ">", a, LARGE)
    a = builder.select(is_large, constant(a, LARGE), a)
    below = builder.fadd(a, constant(a, CENTRE))
    q = builder.fdiv(builder.fsub(a, constant(a, CENTRE)), below)
    u = builder.fadd(q, constant(a, 1.0))
    rise = builder.fmul(u, split_polynomial(builder, q, ERFCX))
    above = builder.fadd(constant(a, 1.0), rise)
    return builder.fdiv(above, fma(builder, a, constant(a, 2.0), constant(a, 1.0)))


def _near(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    """Return erf(a) for a <= 1."""
    square = builder.fmul(a, a)
    return fma(builder, a, split_polynomial(builder, square, ERF), a)


def _upper(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    """Return erfc(a) for a >= 0."""
    return _times_gaussian(builder, erfcx(builder, a), a, ERFC_ZERO, 1.0)


def _times_gaussian(
    builder: "ir.IRBuilder",
    value: "ir.Value",
    a: "ir.Value",
    largest: float,
    factor: float,
) -> "ir.Value":
    """Return ``value exp(-factor a^2)``, which is zero from a = `largest` on."""
    is_large = compare(builder, ">", a, largest)
    a = builder.select(is_large, constant(a, largest), a)
    # The square in two parts: its rounding alone would cost some hundred last places.
    scaled = builder.fmul(a, constant(a, -factor))
    square = builder.fmul(scaled, a)
    low = fma(builder, scaled, a, builder.fneg(square))
    gaussian = scaled_exp(builder, square, low, halvings=-RAISE)
    return builder.fmul(builder.fmul(value, constant(a, 2.0**-RAISE)), gaussian)
