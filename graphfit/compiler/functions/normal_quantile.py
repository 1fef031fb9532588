r"""Quantiles of the normal distribution, and the inverse error functions.

By the rational approximations of Wichura (1988, Appl. Statist. 37, 477, algorithm AS 241,
PPND16), good to one part in 10^16: one in ``p - 1/2`` for the central 85 %, and two in
``sqrt(-ln min(p, 1 - p))`` for the tails, the second for tails below e^-25.

All functions here hand `_quantile` both ``p - 1/2`` and the smaller tail, each without a
difference that loses digits.  Most points are central, so the tails are a branch of their
own: no lane pays for a logarithm that no lane needs.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from graphfit.compiler.functions.apart import apart
from graphfit.compiler.functions.instructions import (
    any_lane,
    compare,
    constant,
    intrinsic,
    is_vector,
    magnitude,
    split_polynomial,
    with_sign,
)
from graphfit.compiler.functions.logarithm import log

if TYPE_CHECKING:
    from llvmlite import ir

CENTRAL = 0.425  # of |p - 1/2|
FAR = 5.0  # of sqrt(-ln tail)
ROOT_HALF = math.sqrt(0.5)

# Numerator and denominator, from the constant term upwards.
Rational = tuple[tuple[float, ...], tuple[float, ...]]
# Of (p - 1/2), in CENTRAL^2 - (p - 1/2)^2.
CENTRE: Rational = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
# In sqrt(-ln tail) - NEAR_SHIFT.
NEAR_SHIFT = 1.6
NEAR_TAIL: Rational = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
# In sqrt(-ln tail) - FAR.
FAR_TAIL: Rational = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def ndtri(builder: "ir.IRBuilder", p: "ir.Value") -> "ir.Value":
    """Return z with ``Phi(z) = p``."""
    return _quantile(
        builder,
        builder.fsub(p, constant(p, 0.5)),
        _smaller(builder, p, builder.fsub(constant(p, 1.0), p)),
    )


def erfinv(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return z with ``erf(z) = x``: that of ``sqrt(2) z`` has p = (1 + x) / 2."""
    half = constant(x, 0.5)
    tail = builder.fsub(constant(x, 1.0), magnitude(builder, x))
    z = _quantile(builder, builder.fmul(x, half), builder.fmul(tail, half))
    return builder.fmul(z, constant(x, ROOT_HALF))


def erfcinv(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return z with ``erfc(z) = x``: that of ``-sqrt(2) z`` has p = x / 2."""
    half = constant(x, 0.5)
    tail = _smaller(builder, x, builder.fsub(constant(x, 2.0), x))
    offset = builder.fsub(x, constant(x, 1.0))
    # Half of the smallest number below zero would be zero.
    is_below = compare(builder, "<", x, 0.0)
    tail = builder.select(is_below, x, builder.fmul(tail, half))
    z = _quantile(builder, builder.fmul(offset, half), tail)
    return builder.fmul(z, constant(x, -ROOT_HALF))


def _smaller(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _quantile(
    builder: "ir.IRBuilder", offset: "ir.Value", tail: "ir.Value"
) -> "ir.Value":
    """Return z from ``p - 1/2`` and ``min(p, 1 - p)``; NaN where that is below zero."""
    build = _expanded if is_vector(offset) else _called
    return build(builder, offset, tail)


def _expanded(
    builder: "ir.IRBuilder", offset: "ir.Value", tail: "ir.Value"
) -> "ir.Value":
    square = builder.fmul(offset, offset)
    depth = builder.fsub(constant(offset, CENTRAL**2), square)
    value = builder.fmul(offset, _ratio(builder, depth, CENTRE))
    is_central = compare(builder, "<=", magnitude(builder, offset), CENTRAL)

    def outer() -> "ir.Value":
        return with_sign(builder, _distance(builder, tail), offset)

    return _mended(builder, value, builder.not_(is_central), outer)


def _distance(builder: "ir.IRBuilder", tail: "ir.Value") -> "ir.Value":
    """Return |z| in the tails."""
    root = intrinsic(builder, "sqrt", builder.fneg(log(builder, tail)))
    near = builder.fsub(root, constant(tail, NEAR_SHIFT))

    def far() -> "ir.Value":
        beyond = builder.fsub(root, constant(tail, FAR))
        value = _ratio(builder, beyond, FAR_TAIL)
        is_end = compare(builder, "==", tail, 0.0)
        return builder.select(is_end, constant(tail, math.inf), value)

    is_far = compare(builder, ">", root, FAR)
    return _mended(builder, _ratio(builder, near, NEAR_TAIL), is_far, far)


def _mended(
    builder: "ir.IRBuilder",
    value: "ir.Value",
    condition: "ir.Value",
    other: Callable[[], "ir.Value"],
) -> "ir.Value":
    """Return the value, the other one in the lanes where a condition holds."""
    before = builder.block
    with builder.if_then(any_lane(builder, condition), likely=False):
        mended = builder.select(condition, other(), value)
        after = builder.block
    result = builder.phi(value.type)
    result.add_incoming(value, before)
    result.add_incoming(mended, after)
    return result


def _ratio(builder: "ir.IRBuilder", x: "ir.Value", rational: Rational) -> "ir.Value":
    return builder.fdiv(*(split_polynomial(builder, x, part) for part in rational))


_called = apart("graphfit.normal_quantile", _expanded)
