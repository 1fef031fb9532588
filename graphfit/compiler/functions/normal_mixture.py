"""The quantile of a mixture of normal distributions, as one function of machine code.

The scalar twin of :func:`graphfit.kernels.mixture.normal_mixture_root`, which says how the
root is found.  A NaN is handed on at once, so that a formula can say where the root is not
wanted.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphfit.compiler.functions.apart import apart
from graphfit.compiler.functions.error_function import ROOT_HALF, erfc
from graphfit.compiler.functions.exponential import exp
from graphfit.compiler.functions.instructions import compare, constant, magnitude
from graphfit.compiler.functions.logarithm import log
from graphfit.kernels.mixture import CLOSE, MOST_STEPS

if TYPE_CHECKING:
    from llvmlite import ir

PEAK = 1.0 / math.sqrt(2.0 * math.pi)


def normal_mixture_root(builder: "ir.IRBuilder", *values: "ir.Value") -> "ir.Value":
    """Return x with ``sum_k w_k Phi((x - m_k) / s_k) = p``.

    Parameters
    ----------
    builder : ir.IRBuilder
        Where the call goes.
    *values : ir.Value
        p, the ends of a bracket of x, then w, m, s of each component.
    """
    # A function for each number of components.
    call = apart(f"graphfit.normal_mixture_root_{len(values)}", _root)
    return call(builder, *values)


def _root(builder: "ir.IRBuilder", *values: "ir.Value") -> "ir.Value":
    from llvmlite import ir

    p, low, high, *rest = values
    parts = [tuple(rest[k : k + 3]) for k in range(0, len(rest), 3)]
    places = [builder.alloca(p.type) for _ in range(3)]
    middle = _half_way(builder, low, high)
    for place, value in zip(places, (middle, low, high), strict=True):
        builder.store(value, place)
    known = builder.fcmp_ordered("ord", p, middle)
    builder.store(builder.select(known, middle, constant(p, math.nan)), places[0])
    loop, after = (builder.append_basic_block() for _ in range(2))
    before = builder.block
    builder.cbranch(known, loop, after)
    builder.position_at_end(loop)
    int32 = ir.IntType(32)
    count = builder.phi(int32)
    done = _step(builder, p, places, parts, count)
    after_step = builder.add(count, int32(1))
    count.add_incoming(int32(0), before)
    count.add_incoming(after_step, builder.block)
    more = builder.icmp_unsigned("<", after_step, int32(MOST_STEPS))
    builder.cbranch(builder.and_(builder.not_(done), more), loop, after)
    builder.position_at_end(after)
    return builder.load(places[0])


def _step(
    builder: "ir.IRBuilder",
    p: "ir.Value",
    places: "Sequence[ir.Value]",
    parts: "Sequence[tuple[ir.Value, ...]]",
    count: "ir.Value",
) -> "ir.Value":
    """Move x once, in place; return whether it has arrived."""
    x, low, high = map(builder.load, places)
    below, density = _sums(builder, x, parts)
    excess = log(builder, builder.fdiv(below, p))
    step = builder.fmul(excess, builder.fdiv(below, density))
    low = builder.select(compare(builder, "<", excess, 0.0), x, low)
    high = builder.select(compare(builder, ">", excess, 0.0), x, high)
    builder.store(low, places[1])
    builder.store(high, places[2])
    new = builder.fsub(x, step)
    middle = _half_way(builder, low, high)
    inside = _between(builder, new, low, high)
    close = compare(builder, "<=", magnitude(builder, excess), CLOSE)
    stuck = builder.not_(_between(builder, middle, low, high))
    # Every third step halves for sure.
    third = builder.icmp_unsigned(
        "==", builder.urem(count, count.type(3)), count.type(2)
    )
    wanted = builder.or_(close, builder.not_(third))
    otherwise = builder.select(close, x, middle)
    new = builder.select(builder.and_(inside, wanted), new, otherwise)
    builder.store(new, places[0])
    return builder.or_(close, stuck)


def _sums(
    builder: "ir.IRBuilder", x: "ir.Value", parts: "Sequence[tuple[ir.Value, ...]]"
) -> "tuple[ir.Value, ir.Value]":
    """Return the probability below x, and the density there."""
    below = density = constant(x, 0.0)
    for weight, mean, sigma in parts:
        z = builder.fdiv(builder.fsub(x, mean), sigma)
        tail = erfc(builder, builder.fmul(z, constant(x, -ROOT_HALF)))
        half = builder.fmul(weight, constant(x, 0.5))
        below = builder.fadd(below, builder.fmul(half, tail))
        square = builder.fmul(builder.fmul(z, constant(x, -0.5)), z)
        height = builder.fmul(builder.fdiv(weight, sigma), constant(x, PEAK))
        term = builder.fmul(height, exp(builder, square))
        density = builder.fadd(density, term)
    return below, density


def _half_way(builder: "ir.IRBuilder", low: "ir.Value", high: "ir.Value") -> "ir.Value":
    return builder.fmul(builder.fadd(low, high), constant(low, 0.5))


def _between(
    builder: "ir.IRBuilder", x: "ir.Value", low: "ir.Value", high: "ir.Value"
) -> "ir.Value":
    above = builder.fcmp_ordered(">", x, low)
    return builder.and_(above, builder.fcmp_ordered("<", x, high))
