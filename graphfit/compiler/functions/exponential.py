r"""Exponentials and hyperbolic functions, in straight lines of vector instructions.

With ``k = round(x / ln 2)`` and ``r = x - k ln 2``,

    exp(x) = 2^k (1 + r + r^2 q(r)),    |r| <= ln(2) / 2,

where q is a polynomial, nearly minimax.  r is held in two parts, and the power of two is
added to the bits of the exponent; a result below the normal numbers gets it in two steps,
so that it is rounded once.  Errors in units of the last place are the largest ones seen
against 64-bit mantissas; ``tests/compiler/test_elementary.py`` holds the bounds.
"""

import math
from typing import TYPE_CHECKING

from graphfit.compiler.functions.instructions import (
    as_double,
    as_integer,
    compare,
    constant,
    fma,
    integer,
    magnitude,
    split_polynomial,
    with_sign,
)

if TYPE_CHECKING:
    from llvmlite import ir

LOG2_E = 1.4426950408889634
# ln 2 in two parts; the first has 42 bits, so that k times it is exact.
LN2_HIGH = float.fromhex("0x1.62e42fefa3800p-1")
LN2_LOW = float.fromhex("0x1.ef35793c76730p-45")
# Adding it rounds a number to an integer and leaves that in the lowest bits.
ROUNDER = 1.5 * 2.0**52
BIAS = 1023  # of the exponent's bits
MANTISSA_BITS = 52
EXP_OVERFLOW = 709.782712893384  # above it the result is infinite
EXP_SUBNORMAL = -708.0
EXP_ZERO = -750.0
EXP2_OVERFLOW = 1024.0
EXP2_SUBNORMAL = -1021.0
EXP2_ZERO = -1080.0
STEP = 128  # a subnormal result is made 2^STEP larger at first
EXPM1_OVERFLOW = 710.0
EXPM1_MINUS_ONE = -50.0
COSH_OVERFLOW = 710.4758600739439
TANH_ONE = 25.0
TINY = 2.0**-54  # expm1 and sinh are their argument

# (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2; error 5.5e-18 of exp(r)
EXP = (
    0.5,
    0.16666666666666685,
    0.04166666666660274,
    0.008333333333314787,
    0.001388888892727821,
    0.00019841269903074442,
    2.4801508093067147e-05,
    2.755722763289598e-06,
    2.7625414244520803e-07,
    2.511463669782902e-08,
)
# (2^r - 1) / r for |r| <= 1/2; error 4.2e-18 of 2^r
EXP2 = (
    0.6931471805599453,
    0.24022650695910128,
    0.05550410866482286,
    0.009618129107595045,
    0.0013333558146184632,
    0.0001540353045628317,
    1.5252734018164024e-05,
    1.3215435594597554e-06,
    1.0177992873510086e-07,
    7.073740855600136e-09,
    4.4645289908002615e-10,
)


def exp(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the exponential, within 0.8 units of the last place."""
    return scaled_exp(builder, x)


def scaled_exp(
    builder: "ir.IRBuilder",
    x: "ir.Value",
    low: "ir.Value | None" = None,
    halvings: int = 0,
) -> "ir.Value":
    """Return ``exp(x + low) / 2^halvings``.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    x : ir.Value
        The argument.
    low : ir.Value, optional
        What rounding took from it: at most some last places of x, never NaN.
    halvings : int
        For a result that is wanted where exp(x) itself overflows.
    """
    overflow = EXP_OVERFLOW + halvings * math.log(2.0)
    count, high, curve = _reduced(builder, _at_least(builder, x, EXP_ZERO), low)
    # 1 + r, and what its rounding loses: worth half a unit of the last place.
    total = builder.fadd(constant(x, 1.0), high)
    lost = builder.fadd(builder.fsub(constant(x, 1.0), total), high)
    power = builder.fadd(total, builder.fadd(lost, curve))
    is_small = compare(builder, "<", x, EXP_SUBNORMAL)
    value = _times_power_of_two(builder, power, count, is_small, -halvings)
    return _overflowing(builder, x, overflow, value)


def exp2(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return 2 to the power x, within 1 unit of the last place; exact for integers."""
    clamped = _at_least(builder, x, EXP2_ZERO)
    t = builder.fadd(clamped, constant(x, ROUNDER))
    r = builder.fsub(clamped, builder.fsub(t, constant(x, ROUNDER)))
    power = fma(builder, r, split_polynomial(builder, r, EXP2), constant(x, 1.0))
    is_small = compare(builder, "<", x, EXP2_SUBNORMAL)
    value = _times_power_of_two(builder, power, as_integer(builder, t), is_small, 0)
    is_large = builder.fcmp_unordered(">=", x, constant(x, EXP2_OVERFLOW))
    return builder.select(is_large, builder.fadd(x, constant(x, math.inf)), value)


def expm1(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``exp(x) - 1``, within 1.5 units of the last place."""
    quarter = _quarter_expm1(builder, _at_least(builder, x, EXPM1_MINUS_ONE))
    value = builder.fmul(quarter, constant(x, 4.0))
    value = _overflowing(builder, x, EXPM1_OVERFLOW, value)
    is_tiny = compare(builder, "<", magnitude(builder, x), TINY)
    return builder.select(is_tiny, x, value)


def sinh(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the hyperbolic sine, within 2.5 units of the last place."""
    # With t = exp(|x|) - 1: sinh |x| = (t + t / (1 + t)) / 2.
    size = magnitude(builder, x)
    quarter = _quarter_expm1(builder, size)
    half = builder.fmul(quarter, constant(x, 2.0))
    below = fma(builder, quarter, constant(x, 4.0), constant(x, 1.0))
    value = builder.fadd(half, builder.fdiv(half, below))
    value = _overflowing(builder, size, COSH_OVERFLOW, value)
    is_tiny = compare(builder, "<", size, TINY)
    return with_sign(builder, builder.select(is_tiny, size, value), x)


def cosh(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the hyperbolic cosine, within 1.2 units of the last place."""
    half = scaled_exp(builder, magnitude(builder, x), halvings=1)
    return builder.fadd(half, builder.fdiv(constant(x, 0.25), half))


def tanh(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the hyperbolic tangent, within 3 units of the last place."""
    # With t = exp(2|x|) - 1: tanh |x| = t / (t + 2).
    size = magnitude(builder, x)
    is_one = compare(builder, ">", size, TANH_ONE)
    clamped = builder.select(is_one, constant(x, TANH_ONE), size)
    quarter = _quarter_expm1(builder, builder.fmul(clamped, constant(x, 2.0)))
    value = builder.fdiv(quarter, builder.fadd(quarter, constant(x, 0.5)))
    is_tiny = compare(builder, "<", size, 2.0**-28)
    return with_sign(builder, builder.select(is_tiny, size, value), x)


def _at_least(builder: "ir.IRBuilder", x: "ir.Value", least: float) -> "ir.Value":
    """Return x, or `least` where that is larger; NaN stays."""
    return builder.select(compare(builder, "<", x, least), constant(x, least), x)


def _overflowing(
    builder: "ir.IRBuilder", x: "ir.Value", most: float, value: "ir.Value"
) -> "ir.Value":
    """Return infinity for x above `most`, NaN for NaN, else `value`."""
    is_large = builder.fcmp_unordered(">", x, constant(x, most))
    return builder.select(is_large, builder.fadd(x, constant(x, math.inf)), value)


def _reduced(
    builder: "ir.IRBuilder", x: "ir.Value", low: "ir.Value | None" = None
) -> "tuple[ir.Value, ir.Value, ir.Value]":
    """Return k, in the lowest bits, and the two parts of ``exp(r) - 1``."""
    t = fma(builder, x, constant(x, LOG2_E), constant(x, ROUNDER))
    k = builder.fneg(builder.fsub(t, constant(x, ROUNDER)))
    high = fma(builder, k, constant(x, LN2_HIGH), x)  # exact
    rest = builder.fmul(k, constant(x, LN2_LOW))
    if low is not None:
        rest = builder.fadd(rest, low)
    r = builder.fadd(high, rest)
    q = split_polynomial(builder, r, EXP)
    curve = fma(builder, builder.fmul(r, r), q, rest)
    return as_integer(builder, t), high, curve


def _times_power_of_two(
    builder: "ir.IRBuilder",
    value: "ir.Value",
    count: "ir.Value",
    is_small: "ir.Value",
    offset: int,
) -> "ir.Value":
    """Return ``value 2^(count + offset)``, in two steps where it is small."""
    shift = builder.select(
        is_small,
        integer(value, (offset + STEP) % 2**64),
        integer(value, offset % 2**64),
    )
    exponent = builder.shl(builder.add(count, shift), integer(value, MANTISSA_BITS))
    raised = as_double(builder, builder.add(as_integer(builder, value), exponent))
    back = builder.select(is_small, constant(value, 2.0**-STEP), constant(value, 1.0))
    return builder.fmul(raised, back)


def _quarter_expm1(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``(exp(x) - 1) / 4`` for x from -700 to 711: it has room to be doubled."""
    count, high, curve = _reduced(builder, x)
    biased = builder.add(count, integer(x, BIAS - 2))
    power = as_double(builder, builder.shl(biased, integer(x, MANTISSA_BITS)))
    base = fma(builder, power, high, builder.fsub(power, constant(x, 0.25)))
    return fma(builder, power, curve, base)
