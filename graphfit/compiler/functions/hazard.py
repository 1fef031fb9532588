r"""The integral of the normal distribution's hazard, and its inverse.

With ``h(z) = phi(z) / Phi(-z)``, the reciprocal of Mills' ratio R, these are the scalar
functions of that name of :mod:`graphfit.kernels.truncated_gaussian`, which says where they
come from.  Quantiles of a truncated Gaussian need them next to a limit or far out in a tail
and nowhere else: both hand on a NaN at once, so that a formula can say where they are not
wanted.
"""

import math
from typing import TYPE_CHECKING

from graphfit.compiler.functions.apart import apart
from graphfit.compiler.functions.error_function import ROOT_HALF, erfcx
from graphfit.compiler.functions.instructions import (
    compare,
    constant,
    fma,
    intrinsic,
    is_vector,
    magnitude,
)
from graphfit.compiler.functions.logarithm import log
from graphfit.kernels.truncated_gaussian import NODES, WEIGHTS

if TYPE_CHECKING:
    from llvmlite import ir

CLOSE = 1.0  # steps below it are integrated by quadrature
MOST_STEPS = 6
ROOT_HALF_PI = math.sqrt(0.5 * math.pi)


def _mills_ratio(builder: "ir.IRBuilder", z: "ir.Value") -> "ir.Value":
    """Return ``Phi(-z) / phi(z)``; z may be below zero by as little as 1e-4."""
    build = _expanded_ratio if is_vector(z) else _called_ratio
    return build(builder, z)


def _expanded_ratio(builder: "ir.IRBuilder", z: "ir.Value") -> "ir.Value":
    scaled = erfcx(builder, builder.fmul(z, constant(z, ROOT_HALF)))
    return builder.fmul(scaled, constant(z, ROOT_HALF_PI))


def _integral(
    builder: "ir.IRBuilder", start: "ir.Value", step: "ir.Value"
) -> "ir.Value":
    """Return ``|int h|`` from `start` to ``start + step``."""
    size = magnitude(builder, step)
    with builder.if_else(compare(builder, "<", size, CLOSE)) as (near, far):
        with near:
            close = _by_quadrature(builder, start, step)
            near_end = builder.block
        with far:
            with builder.if_else(compare(builder, "<", size, math.inf)) as (ends, none):
                with ends:
                    exact = _by_mills_ratio(builder, start, step)
                    ends_end = builder.block
                with none:
                    size_end = builder.block
            distant = builder.phi(step.type)
            distant.add_incoming(exact, ends_end)
            distant.add_incoming(size, size_end)  # infinite, or NaN
            far_end = builder.block
    total = builder.phi(step.type)
    total.add_incoming(close, near_end)
    total.add_incoming(distant, far_end)
    return magnitude(builder, total)


def _by_quadrature(
    builder: "ir.IRBuilder", start: "ir.Value", step: "ir.Value"
) -> "ir.Value":
    """Gauss-Legendre's rule, all nodes in one vector."""
    from llvmlite import ir

    kind = ir.VectorType(ir.DoubleType(), NODES.size)
    nodes, weights = (ir.Constant(kind, part.tolist()) for part in (NODES, WEIGHTS))
    first, length = (_spread(builder, value, kind) for value in (start, step))
    points = builder.fadd(first, builder.fmul(length, nodes))
    terms = builder.fdiv(weights, _mills_ratio(builder, points))
    total: ir.Value = ir.Constant(ir.DoubleType(), 0.0)
    for lane in range(kind.count):
        place = ir.Constant(ir.IntType(32), lane)
        total = builder.fadd(total, builder.extract_element(terms, place))
    return builder.fmul(step, total)


def _spread(
    builder: "ir.IRBuilder", value: "ir.Value", kind: "ir.VectorType"
) -> "ir.Value":
    from llvmlite import ir

    result: ir.Value = ir.Constant(kind, ir.Undefined)
    for lane in range(kind.count):
        place = ir.Constant(ir.IntType(32), lane)
        result = builder.insert_element(result, value, place)
    return result


def _by_mills_ratio(
    builder: "ir.IRBuilder", start: "ir.Value", step: "ir.Value"
) -> "ir.Value":
    """Return ``step (start + step / 2) - ln[R(end) / R(start)]``."""
    end = builder.fadd(start, step)
    ratio = builder.fdiv(_mills_ratio(builder, end), _mills_ratio(builder, start))
    middle = builder.fadd(start, builder.fmul(step, constant(step, 0.5)))
    return builder.fsub(builder.fmul(step, middle), log(builder, ratio))


def _hazard(builder: "ir.IRBuilder", z: "ir.Value") -> "ir.Value":
    return builder.fdiv(constant(z, 1.0), _mills_ratio(builder, z))


def _step(
    builder: "ir.IRBuilder", start: "ir.Value", sign: "ir.Value", target: "ir.Value"
) -> "ir.Value":
    """Return t >= 0 with ``|int h| = target`` from `start` to ``start + sign t``."""
    double = target.type
    place = builder.alloca(double)
    builder.store(target, place)
    with builder.if_then(builder.fcmp_ordered("ord", target, target)):
        builder.store(_first_step(builder, start, sign, target), place)
        loop, after = (builder.append_basic_block() for _ in range(2))
        before = builder.block
        builder.branch(loop)
        builder.position_at_end(loop)
        count = builder.phi(_int32())
        step = builder.load(place)
        change = _change(builder, (start, sign, target), step)
        moved = builder.fsub(step, change)
        builder.store(moved, place)
        done = builder.add(count, _int32()(1))
        count.add_incoming(_int32()(0), before)
        # Convergence is cubic: after a change this small nothing is left to gain.
        small = builder.fmul(constant(target, 1e-6), moved)
        again = builder.and_(
            builder.fcmp_ordered(">", magnitude(builder, change), small),
            builder.icmp_unsigned("<", done, _int32()(MOST_STEPS)),
        )
        count.add_incoming(done, builder.block)
        builder.cbranch(again, loop, after)
        builder.position_at_end(after)
    return builder.load(place)


def _int32() -> "ir.IntType":
    from llvmlite import ir

    return ir.IntType(32)


def _first_step(
    builder: "ir.IRBuilder", start: "ir.Value", sign: "ir.Value", target: "ir.Value"
) -> "ir.Value":
    """Return the solution for a hazard that is linear in t."""
    hazard = _hazard(builder, start)
    rise = builder.fmul(hazard, builder.fsub(hazard, start))
    twice = builder.fmul(target, constant(target, 2.0))
    square = fma(
        builder,
        builder.fmul(sign, rise),
        twice,
        builder.fmul(hazard, hazard),
    )
    is_positive = compare(builder, ">", square, 0.0)
    square = builder.select(is_positive, square, constant(target, 0.0))
    root = intrinsic(builder, "sqrt", square)
    return builder.fdiv(twice, builder.fadd(hazard, root))


def _change(
    builder: "ir.IRBuilder",
    problem: "tuple[ir.Value, ir.Value, ir.Value]",
    step: "ir.Value",
) -> "ir.Value":
    """Return Halley's correction of a step, with ``h' = h (h - z)``."""
    start, sign, target = problem
    moved = builder.fmul(sign, step)
    end = builder.fadd(start, moved)
    hazard = _hazard(builder, end)
    excess = builder.fsub(hazard_integral(builder, start, moved), target)
    newton = builder.fdiv(excess, hazard)
    half = builder.fmul(builder.fmul(sign, newton), constant(step, 0.5))
    bend = builder.fmul(half, builder.fsub(hazard, end))
    return builder.fdiv(newton, builder.fsub(constant(step, 1.0), bend))


_called_ratio = apart("graphfit.mills_ratio", _expanded_ratio)
hazard_integral = apart("graphfit.hazard_integral", _integral)
hazard_step = apart("graphfit.hazard_step", _step)
