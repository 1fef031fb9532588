r"""Logarithms, in straight lines of vector instructions.

With ``x = 2^k (1 + f)``, ``1 + f`` between sqrt(1/2) and sqrt(2), and ``s = f / (2 + f)``,

    ln(1 + f) = f - f^2 / 2 + s (f^2 / 2 + s^2 L(s^2)),

where L is a polynomial, nearly minimax.  The last term is small, so f and f^2 / 2 carry
the accuracy.  Errors in units of the last place are the largest ones seen against 64-bit
mantissas; ``tests/compiler/test_elementary.py`` holds the bounds.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from graphfit.compiler.functions.exponential import (
    BIAS,
    LN2_HIGH,
    LN2_LOW,
    MANTISSA_BITS,
)
from graphfit.compiler.functions.instructions import (
    as_double,
    as_integer,
    compare,
    constant,
    fma,
    integer,
    intrinsic,
    split_polynomial,
)

if TYPE_CHECKING:
    from llvmlite import ir

# L(z) for z <= 0.0295; error 2.4e-19 of s^3 L
LOG = (
    0.666666666666681,
    0.39999999999016234,
    0.2857142881813829,
    0.22222191677544353,
    0.18183889797400457,
    0.15306364831400884,
    0.14867765551075884,
)
MANTISSA = (1 << MANTISSA_BITS) - 1
BITS_OF_ONE = 0x3FF0000000000000
BITS_OF_ROOT_HALF = 0x3FE6A09E667F3BCD
BITS_OF_2_52 = 0x4330000000000000  # below them an integer becomes a double
SMALLEST_NORMAL = 2.0**-1022
RAISE = 54  # a subnormal number is multiplied by 2^54
# 1 / ln 2 and 1 / ln 10 in two parts; log10(2) in two parts, the first of 42 bits
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)
LOG10_2 = (
    float.fromhex("0x1.34413509f7800p-2"),
    float.fromhex("0x1.fef311f12b358p-46"),
)


@final
@dataclass(frozen=True, slots=True)
class Reduced:
    """The parts of a logarithm: k, f, f^2 / 2, and ``s (f^2 / 2 + s^2 L)``."""

    k: "ir.Value"
    f: "ir.Value"
    half_square: "ir.Value"
    tail: "ir.Value"


def log(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the natural logarithm, within 0.9 units of the last place."""
    parts = _reduced(builder, x)
    low = fma(builder, parts.k, constant(x, LN2_LOW), parts.tail)
    return _edges(builder, x, _natural(builder, parts, low))


def log1p(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``ln(1 + x)``, within 0.9 units of the last place."""
    one = constant(x, 1.0)
    total = builder.fadd(one, x)
    # What the sum lost, exactly.
    taken = builder.fsub(total, one)
    lost = builder.fadd(
        builder.fsub(x, taken), builder.fsub(one, builder.fsub(total, taken))
    )
    is_zero = compare(builder, "==", x, 0.0)  # of either sign
    return builder.select(is_zero, x, log_of_sum(builder, total, lost))


def log_of_sum(
    builder: "ir.IRBuilder", total: "ir.Value", lost: "ir.Value"
) -> "ir.Value":
    """Return ``ln(total + lost)``.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    total, lost : ir.Value
        A number in two parts; the second is below the last place of the first.
    """
    parts = _reduced(builder, total)
    low = builder.fdiv(lost, total)
    low = fma(builder, parts.k, constant(total, LN2_LOW), low)
    low = builder.fadd(parts.tail, low)
    return _edges(builder, total, _natural(builder, parts, low))


def log2(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the logarithm to base 2, within 0.9 units of the last place."""
    parts = _reduced(builder, x)
    zero = constant(x, 0.0)
    return _edges(builder, x, _other_base(builder, parts, LOG2_E, parts.k, zero))


def log10(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the logarithm to base 10, within 0.9 units of the last place."""
    parts = _reduced(builder, x)
    high, low = (builder.fmul(parts.k, constant(x, part)) for part in LOG10_2)
    return _edges(builder, x, _other_base(builder, parts, LOG10_E, high, low))


def _reduced(builder: "ir.IRBuilder", x: "ir.Value") -> Reduced:
    """Take a positive, finite number apart."""
    is_small = compare(builder, "<", x, SMALLEST_NORMAL)
    raised = builder.select(is_small, builder.fmul(x, constant(x, 2.0**RAISE)), x)
    bits = builder.add(
        as_integer(builder, raised), integer(x, BITS_OF_ONE - BITS_OF_ROOT_HALF)
    )
    # The exponent as a double, by its bits: a conversion is slow before AVX-512.
    exponent = builder.or_(
        builder.lshr(bits, integer(x, MANTISSA_BITS)), integer(x, BITS_OF_2_52)
    )
    offset = 2.0**MANTISSA_BITS + BIAS
    bias = builder.select(is_small, constant(x, offset + RAISE), constant(x, offset))
    k = builder.fsub(as_double(builder, exponent), bias)
    mantissa = builder.and_(bits, integer(x, MANTISSA))
    mantissa = builder.add(mantissa, integer(x, BITS_OF_ROOT_HALF))
    f = builder.fsub(as_double(builder, mantissa), constant(x, 1.0))
    s = builder.fdiv(f, builder.fadd(f, constant(x, 2.0)))
    z = builder.fmul(s, s)
    half_square = builder.fmul(builder.fmul(f, constant(x, 0.5)), f)
    inner = fma(builder, z, split_polynomial(builder, z, LOG), half_square)
    return Reduced(k, f, half_square, builder.fmul(s, inner))


def _natural(builder: "ir.IRBuilder", parts: Reduced, low: "ir.Value") -> "ir.Value":
    """Return ``k ln 2 + f - f^2 / 2`` and the small terms `low`."""
    curve = builder.fsub(parts.f, builder.fsub(parts.half_square, low))
    return fma(builder, parts.k, constant(parts.k, LN2_HIGH), curve)


def _other_base(
    builder: "ir.IRBuilder",
    parts: Reduced,
    factor: tuple[float, float],
    high: "ir.Value",
    low: "ir.Value",
) -> "ir.Value":
    """Return ``high + low + factor ln(1 + f)``, products and sums in two parts."""
    k = parts.k
    log_high = builder.fsub(parts.f, parts.half_square)
    log_low = builder.fsub(builder.fsub(parts.f, log_high), parts.half_square)
    log_low = builder.fadd(log_low, parts.tail)
    product = builder.fmul(log_high, constant(k, factor[0]))
    error = fma(builder, log_high, constant(k, factor[0]), builder.fneg(product))
    error = fma(builder, log_high, constant(k, factor[1]), error)
    error = fma(builder, log_low, constant(k, factor[0]), error)
    total = builder.fadd(high, product)
    lost = builder.fadd(builder.fsub(high, total), product)
    return builder.fadd(total, builder.fadd(builder.fadd(lost, low), error))


def _edges(builder: "ir.IRBuilder", x: "ir.Value", value: "ir.Value") -> "ir.Value":
    """Put in the logarithms of zero, negative numbers, infinity and NaN."""
    is_inner = builder.and_(
        compare(builder, ">", x, 0.0), compare(builder, "<", x, math.inf)
    )
    # The square root is NaN below zero, and NaN and infinity as they are.
    edge = builder.select(
        compare(builder, "==", x, 0.0),
        constant(x, -math.inf),
        intrinsic(builder, "sqrt", x),
    )
    return builder.select(is_inner, value, edge)
