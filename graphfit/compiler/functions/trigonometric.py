r"""Sine, cosine, tangent and arctangent, in straight lines of vector instructions.

The first three take ``r = x - k pi / 2`` with pi / 2 in three parts (Cody & Waite), which
keeps its relative accuracy for \|x| <= 10^8, and a polynomial on \|r| <= pi / 4.  Lanes
beyond that get the C library's value; a block without such lanes pays one test for it.
Errors in units of the last place are the largest ones seen against 64-bit mantissas;
``tests/compiler/test_elementary.py`` holds the bounds.
"""

from typing import TYPE_CHECKING

from graphfit.compiler.functions.exponential import ROUNDER
from graphfit.compiler.functions.instructions import (
    Builder,
    any_lane,
    as_double,
    as_integer,
    compare,
    constant,
    fma,
    integer,
    is_vector,
    lanewise,
    magnitude,
    polynomial,
    with_sign,
)

if TYPE_CHECKING:
    from llvmlite import ir

TWO_OVER_PI = 0.6366197723675814
HALF_PI = (
    float.fromhex("0x1.921fb54442d18p+0"),
    float.fromhex("0x1.1a62633145c07p-54"),
    float.fromhex("-0x1.f1976b7ed8fbcp-110"),
)
LARGEST = 1e8
SIGN_BIT = 63

# (sin(r) - r) / r^3 in r^2, |r| <= pi / 4; error 3.4e-18 of sin(r)
SIN = (
    -0.16666666666666632,
    0.008333333333322491,
    -0.00019841269829858996,
    2.755731370715185e-06,
    -2.5050760215537132e-08,
    1.589690492818939e-10,
)
# (cos(r) - 1 + r^2 / 2) / r^4 in r^2; error 4.8e-20
COS = (
    0.0416666666666666,
    -0.001388888888887448,
    2.4801587289677026e-05,
    -2.7557314402721924e-07,
    2.087572950793245e-09,
    -1.1359945425636583e-11,
)
# (arctan(t) - t) / t^3 in t^2, |t| <= sqrt(2) - 1; error 1.3e-18 of arctan(t)
ARCTAN = (
    -0.333333333333332,
    0.19999999999953885,
    -0.14285714280232842,
    0.11111110785496335,
    -0.09090897820739244,
    0.07692061391537398,
    -0.06663117872935687,
    0.05847992197531695,
    -0.05039775677480026,
    0.03807665952367695,
    -0.017920561874750423,
)
QUARTER_PI = (0.7853981633974483, 3.061616997868383e-17)
TAN_PI_8 = 0.4142135623730951
TAN_3_PI_8 = 2.414213562373095


def sin(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the sine, within 0.9 units of the last place."""
    value, _ = sin_and_cos(builder, x)
    value = builder.select(compare(builder, "==", x, 0.0), x, value)  # -0 stays
    return _far_lanes_by_library(builder, "sin", x, value)


def cos(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the cosine, within 0.9 units of the last place."""
    _, value = sin_and_cos(builder, x)
    return _far_lanes_by_library(builder, "cos", x, value)


def tan(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the tangent, within 2.5 units of the last place."""
    sine, cosine = sin_and_cos(builder, x)
    value = builder.fdiv(sine, cosine)
    value = builder.select(compare(builder, "==", x, 0.0), x, value)  # -0 stays
    return _far_lanes_by_library(builder, "tan", x, value)


def sin_and_cos(builder: "ir.IRBuilder", x: "ir.Value") -> "tuple[ir.Value, ir.Value]":
    r"""Return sine and cosine of \|x\| <= 10^8; beyond, wrong numbers.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the instructions go.
    x : ir.Value
        The argument, in radians.
    """
    t = fma(builder, x, constant(x, TWO_OVER_PI), constant(x, ROUNDER))
    count = as_integer(builder, t)
    r, low = _reduced(builder, x, builder.fsub(t, constant(x, ROUNDER)))
    z = builder.fmul(r, r)
    cube = builder.fmul(z, r)
    odd = builder.fadd(r, fma(builder, cube, polynomial(builder, z, SIN), low))
    half = builder.fmul(z, constant(x, 0.5))
    rest = fma(
        builder,
        builder.fmul(z, z),
        polynomial(builder, z, COS),
        builder.fneg(builder.fmul(r, low)),
    )
    one = constant(x, 1.0)
    below = builder.fsub(one, half)
    lost = builder.fsub(builder.fsub(one, below), half)
    even = builder.fadd(below, builder.fadd(lost, rest))
    # Quadrants 1 and 3 swap the two; 2 and 3 (1 and 2) turn the sign of sine (cosine).
    swapped = builder.icmp_unsigned(
        "!=", builder.and_(count, integer(x, 1)), integer(x, 0)
    )
    sine = builder.select(swapped, even, odd)
    cosine = builder.select(swapped, odd, even)
    return (
        _turned(builder, sine, count),
        _turned(builder, cosine, builder.add(count, integer(x, 1))),
    )


def arctan(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the arctangent, within 2 units of the last place."""
    # |x| = tan(0, pi/4 or pi/2 plus an angle of at most pi/8).
    size = magnitude(builder, x)
    is_near = compare(builder, "<=", size, TAN_PI_8)
    is_middle = compare(builder, "<=", size, TAN_3_PI_8)
    one = constant(x, 1.0)

    def choose(near: "ir.Value", middle: "ir.Value", far: "ir.Value") -> "ir.Value":
        return builder.select(is_near, near, builder.select(is_middle, middle, far))

    above = choose(size, builder.fsub(size, one), constant(x, -1.0))
    below = choose(one, builder.fadd(size, one), size)
    high, low = (
        choose(constant(x, 0.0), constant(x, part), constant(x, 2.0 * part))
        for part in QUARTER_PI
    )
    t = builder.fdiv(above, below)
    z = builder.fmul(t, t)
    cube = builder.fmul(z, t)
    rest = fma(builder, cube, polynomial(builder, z, ARCTAN), low)
    return with_sign(builder, builder.fadd(high, builder.fadd(t, rest)), x)


def _reduced(
    builder: "ir.IRBuilder", x: "ir.Value", k: "ir.Value"
) -> "tuple[ir.Value, ir.Value]":
    """Return ``x - k pi / 2`` in two parts."""
    minus = builder.fneg(k)
    first = fma(builder, minus, constant(x, HALF_PI[0]), x)  # exact
    r = fma(builder, minus, constant(x, HALF_PI[1]), first)
    low = fma(builder, minus, constant(x, HALF_PI[1]), builder.fsub(first, r))
    return r, fma(builder, minus, constant(x, HALF_PI[2]), low)


def _turned(builder: "ir.IRBuilder", x: "ir.Value", count: "ir.Value") -> "ir.Value":
    """Change the sign where the second bit of `count` is set."""
    sign = builder.shl(builder.and_(count, integer(x, 2)), integer(x, SIGN_BIT - 1))
    return as_double(builder, builder.xor(as_integer(builder, x), sign))


def _far_lanes_by_library(
    builder: "ir.IRBuilder", symbol: str, x: "ir.Value", value: "ir.Value"
) -> "ir.Value":
    """Replace the lanes beyond the reduction's reach, whatever their neighbours are."""
    far: Builder = lanewise(symbol)
    if not is_vector(x):  # computed once a kernel: not worth a branch
        return far(builder, x)
    is_far = compare(builder, ">", magnitude(builder, x), LARGEST)
    near_end = builder.block
    with builder.if_then(any_lane(builder, is_far), likely=False):
        mended = builder.select(is_far, far(builder, x), value)
        far_end = builder.block
    result = builder.phi(x.type)
    result.add_incoming(value, near_end)
    result.add_incoming(mended, far_end)
    return result
