r"""The digamma function, in straight lines of vector instructions.

Upwards by recurrence to ``x >= 10`` and the asymptotic series there (Abramowitz & Stegun
6.3.6, 6.3.18), below zero by reflection (6.3.7), and between 1 and 2 a polynomial that has
the root x_0 = 1.4616... as a factor, so that the relative accuracy holds next to it.
"""

import math
from typing import TYPE_CHECKING

from graphfit.compiler.functions.instructions import (
    compare,
    constant,
    fma,
    intrinsic,
    polynomial,
    split_polynomial,
)
from graphfit.compiler.functions.logarithm import log
from graphfit.compiler.functions.trigonometric import sin_and_cos

if TYPE_CHECKING:
    from llvmlite import ir

NEAREST_FAR = 3.0
CONVERGENT = 10.0  # from here on the series' terms below suffice
STEPS = 7
ROOT = (1.4616321449683622, 9.549995429965697e-17)
# B_2k / (2k), k = 1, 2, ...
SERIES = (
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32760.0,
    1.0 / 12.0,
    -3617.0 / 8160.0,
)
# digamma(x) / (x - x_0) in x - 3/2, 1 <= x <= 2; error 1.1e-16
NEAR_ROOT = (
    0.951055876031833,
    -0.42362742128145764,
    0.24054248424075253,
    -0.14840492305481484,
    0.0949887244572929,
    -0.06192213319262993,
    0.040760833702289785,
    -0.026975799987281,
    0.017907255163271085,
    -0.011908147040517507,
    0.007926905240365155,
    -0.005280899097928387,
    0.003519356891993941,
    -0.0023375708217409645,
    0.0015546910234377446,
    -0.001077637341928094,
    0.0007298450638749298,
    -0.0003548342212319383,
    0.00021508070576133106,
    -0.00037834984209106576,
    0.0002693313866604194,
)


def digamma(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    r"""Return the derivative of ln Gamma(x), within 2e-15 (1 + |digamma(x)|).

    For x > 0 within 8 units of the last place.  NaN at the negative integers.
    """
    is_negative = compare(builder, "<", x, 0.0)
    one = constant(x, 1.0)
    positive = builder.select(is_negative, builder.fsub(one, x), x)
    value = _of_positive(builder, positive)
    reflected = builder.fsub(value, _pi_cotangent(builder, x))
    return builder.select(is_negative, reflected, value)


def _of_positive(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    is_near = compare(builder, "<", x, NEAREST_FAR)
    return builder.select(is_near, _near_root(builder, x), _far(builder, x))


def _near_root(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the value for 0 <= x <= 3, at most one step away from 1 to 2."""
    one, zero = constant(x, 1.0), constant(x, 0.0)
    is_below = compare(builder, "<", x, 1.0)
    is_above = compare(builder, ">", x, 2.0)
    less, more = builder.fsub(x, one), builder.fadd(x, one)
    place = builder.select(is_below, more, builder.select(is_above, less, x))
    step = builder.fdiv(
        builder.select(is_below, constant(x, -1.0), one),
        builder.select(is_below, x, less),
    )
    step = builder.select(builder.or_(is_below, is_above), step, zero)
    offset = builder.fsub(place, constant(x, ROOT[0]))
    offset = builder.fsub(offset, constant(x, ROOT[1]))
    middle = builder.fsub(place, constant(x, 1.5))
    return fma(builder, offset, split_polynomial(builder, middle, NEAR_ROOT), step)


def _far(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return the value for x >= 3, by the series where that converges."""
    is_low = compare(builder, "<", x, CONVERGENT)
    # 1/x + 1/(x + 1) + ... as one fraction: all terms have one sign.
    above, below = constant(x, 1.0), x
    for k in range(1, STEPS):
        shifted = builder.fadd(x, constant(x, float(k)))
        above = fma(builder, above, shifted, below)
        below = builder.fmul(below, shifted)
    zero = constant(x, 0.0)
    steps = builder.select(is_low, builder.fdiv(above, below), zero)
    z = builder.select(is_low, builder.fadd(x, constant(x, float(STEPS))), x)
    inverse = builder.fdiv(constant(x, 1.0), z)
    square = builder.fmul(inverse, inverse)
    series = builder.fmul(square, polynomial(builder, square, SERIES))
    series = fma(builder, inverse, constant(x, 0.5), series)
    return builder.fsub(builder.fsub(log(builder, z), series), steps)


def _pi_cotangent(builder: "ir.IRBuilder", x: "ir.Value") -> "ir.Value":
    """Return ``pi / tan(pi x)``; NaN at the integers."""
    part = builder.fsub(x, intrinsic(builder, "rint", x))
    sine, cosine = sin_and_cos(builder, builder.fmul(part, constant(x, math.pi)))
    value = builder.fdiv(builder.fmul(cosine, constant(x, math.pi)), sine)
    is_pole = compare(builder, "==", part, 0.0)
    return builder.select(is_pole, constant(x, math.nan), value)
