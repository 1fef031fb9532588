r"""The table of operations as LLVM instructions.

Each builder is ``fn(builder, *values) -> value`` and takes ``double`` and ``<W x double>``
alike; conditions are ``i1`` and ``<W x i1>``.  It gives what numpy's or scipy's function of
that name gives, also for NaN, infinities and zeros.  One file for each kind:

- :mod:`graphfit.compiler.functions.exponential`: exp, exp2, expm1, sinh, cosh, tanh;
- :mod:`graphfit.compiler.functions.logarithm`: log, log1p, log2, log10;
- :mod:`graphfit.compiler.functions.trigonometric`: sin, cos, tan, arctan;
- :mod:`graphfit.compiler.functions.error_function`: erf, erfc, log_ndtr;
- :mod:`graphfit.compiler.functions.normal_quantile`: ndtri, erfinv, erfcinv;
- :mod:`graphfit.compiler.functions.hazard`: hazard_integral, hazard_step;
- :mod:`graphfit.compiler.functions.library`: incomplete beta and gamma functions;
- :mod:`graphfit.compiler.functions.digamma`: digamma;
- :mod:`graphfit.compiler.functions.faddeeva`: voigt_real, voigt_imag;
- here: arithmetic and comparisons, and what the C library computes lane by lane (pow,
  lgamma, arcsin, ...).

Vectors of any width give the same bits, and no lane depends on another.

Examples
--------
>>> from llvmlite import ir
>>> double = ir.DoubleType()
>>> module = ir.Module()
>>> function = ir.Function(module, ir.FunctionType(double, [double]), "root")
>>> builder = ir.IRBuilder(function.append_basic_block())
>>> _ = builder.ret(EMIT["sqrt"](builder, function.args[0]))
>>> "llvm.sqrt.f64" in str(module)
True
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from graphfit.compiler.functions.digamma import digamma
from graphfit.compiler.functions.error_function import erf, erfc, log_ndtr
from graphfit.compiler.functions.exponential import cosh, exp, exp2, expm1, sinh, tanh
from graphfit.compiler.functions.faddeeva import voigt_imag, voigt_real
from graphfit.compiler.functions.hazard import hazard_integral, hazard_step
from graphfit.compiler.functions.instructions import (
    Builder,
    compare,
    constant,
    intrinsic,
    lanewise,
    magnitude,
    with_sign,
)
from graphfit.compiler.functions.library import library_function
from graphfit.compiler.functions.logarithm import log, log1p, log2, log10
from graphfit.compiler.functions.normal_mixture import normal_mixture_root
from graphfit.compiler.functions.normal_quantile import erfcinv, erfinv, ndtri
from graphfit.compiler.functions.trigonometric import arctan, cos, sin, tan

if TYPE_CHECKING:
    from llvmlite import ir


def _add(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.fadd(a, b)


def _sub(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.fsub(a, b)


def _mul(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.fmul(a, b)


def _div(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.fdiv(a, b)


def _neg(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    return builder.fneg(a)


def _by_intrinsic(name: str) -> Builder:
    def build(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
        return intrinsic(builder, name, a)

    return build


def _remainder(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    """Return the remainder with the sign of the divisor."""
    rest, differs = _rest(builder, a, b)
    moved = builder.select(differs, builder.fadd(rest, b), rest)
    zero = with_sign(builder, constant(a, 0.0), b)
    value = builder.select(compare(builder, "==", rest, 0.0), zero, moved)
    value = builder.select(compare(builder, "==", b, 0.0), rest, value)
    # LLVM folds the remainder of numbers known to it, and takes fmod(0, NaN) for 0.
    return builder.select(builder.fcmp_unordered("uno", b, b), b, value)


def _floor_divide(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    """Return the integer below ``a / b``, by the remainder, which has no rounding."""
    ratio = builder.fdiv(a, b)
    rest, differs = _rest(builder, a, b)
    whole = builder.fdiv(builder.fsub(a, rest), b)
    whole = builder.select(differs, builder.fsub(whole, constant(a, 1.0)), whole)
    below = intrinsic(builder, "floor", whole)
    is_short = compare(builder, ">", builder.fsub(whole, below), 0.5)
    nearest = builder.select(is_short, builder.fadd(below, constant(a, 1.0)), below)
    zero = with_sign(builder, constant(a, 0.0), ratio)
    value = builder.select(compare(builder, "==", whole, 0.0), zero, nearest)
    return builder.select(compare(builder, "==", b, 0.0), ratio, value)


def _rest(
    builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value"
) -> "tuple[ir.Value, ir.Value]":
    """Return C's remainder, and whether it is not zero and has not b's sign."""
    rest = lanewise("fmod")(builder, a, b)
    differs = builder.xor(
        compare(builder, "<", b, 0.0), compare(builder, "<", rest, 0.0)
    )
    return rest, builder.and_(differs, compare(builder, "!=", rest, 0.0))


def _extreme(relation: str) -> Builder:
    """Return the builder of minimum or maximum, which hand on a NaN."""

    def build(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
        # Where b is NaN no relation holds, and b it is.
        first = builder.or_(builder.fcmp_ordered(relation, a, b), _isnan(builder, a))
        return builder.select(first, a, b)

    return build


def _sign(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    zero_or_nan = builder.fadd(a, constant(a, 0.0))  # never -0
    below = builder.select(
        compare(builder, "<", a, 0.0), constant(a, -1.0), zero_or_nan
    )
    return builder.select(compare(builder, ">", a, 0.0), constant(a, 1.0), below)


def _relation(sign: str) -> Builder:
    def build(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
        if sign == "!=":  # the one that holds where a number is NaN
            return builder.fcmp_unordered(sign, a, b)
        return builder.fcmp_ordered(sign, a, b)

    return build


def _and(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.and_(a, b)


def _or(builder: "ir.IRBuilder", a: "ir.Value", b: "ir.Value") -> "ir.Value":
    return builder.or_(a, b)


def _not(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    return builder.not_(a)


def _where(
    builder: "ir.IRBuilder", condition: "ir.Value", a: "ir.Value", b: "ir.Value"
) -> "ir.Value":
    return builder.select(condition, a, b)


def _number(builder: "ir.IRBuilder", condition: "ir.Value") -> "ir.Value":
    from llvmlite import ir

    lanes = getattr(condition.type, "count", None)
    double = ir.DoubleType()
    kind = double if lanes is None else ir.VectorType(double, lanes)
    return builder.uitofp(condition, kind)


def _isnan(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    return builder.fcmp_unordered("uno", a, a)


def _isfinite(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    return compare(builder, "<", magnitude(builder, a), math.inf)


def _isinf(builder: "ir.IRBuilder", a: "ir.Value") -> "ir.Value":
    return compare(builder, "==", magnitude(builder, a), math.inf)


EMIT: Mapping[str, Builder] = MappingProxyType(
    {
        "add": _add,
        "sub": _sub,
        "mul": _mul,
        "div": _div,
        "floordiv": _floor_divide,
        "mod": _remainder,
        "pow": lanewise("pow"),
        "minimum": _extreme("<="),
        "maximum": _extreme(">="),
        "arctan2": lanewise("atan2"),
        "hypot": lanewise("hypot"),
        "neg": _neg,
        "abs": magnitude,
        "sign": _sign,
        "exp": exp,
        "exp2": exp2,
        "expm1": expm1,
        "log": log,
        "log1p": log1p,
        "log2": log2,
        "log10": log10,
        "sqrt": _by_intrinsic("sqrt"),
        "cbrt": lanewise("cbrt"),
        "sin": sin,
        "cos": cos,
        "tan": tan,
        "arcsin": lanewise("asin"),
        "arccos": lanewise("acos"),
        "arctan": arctan,
        "sinh": sinh,
        "cosh": cosh,
        "tanh": tanh,
        "arcsinh": lanewise("asinh"),
        "arccosh": lanewise("acosh"),
        "arctanh": lanewise("atanh"),
        "erf": erf,
        "erfc": erfc,
        "log_ndtr": log_ndtr,
        "ndtri": ndtri,
        "erfinv": erfinv,
        "erfcinv": erfcinv,
        "hazard_integral": hazard_integral,
        "hazard_step": hazard_step,
        "normal_mixture_root": normal_mixture_root,
        "betaln": library_function("betaln"),
        "betainc": library_function("betainc"),
        "betaincc": library_function("betaincc"),
        "betaincinv": library_function("betaincinv"),
        "betainccinv": library_function("betainccinv"),
        "gammainc": library_function("gammainc"),
        "gammaincc": library_function("gammaincc"),
        "gammaincinv": library_function("gammaincinv"),
        "gammainccinv": library_function("gammainccinv"),
        "lgamma": lanewise("lgamma"),
        "digamma": digamma,
        "voigt_real": voigt_real,
        "voigt_imag": voigt_imag,
        "floor": _by_intrinsic("floor"),
        "ceil": _by_intrinsic("ceil"),
        "rint": _by_intrinsic("rint"),
        "trunc": _by_intrinsic("trunc"),
        "lt": _relation("<"),
        "le": _relation("<="),
        "gt": _relation(">"),
        "ge": _relation(">="),
        "eq": _relation("=="),
        "ne": _relation("!="),
        "and": _and,
        "or": _or,
        "not": _not,
        "where": _where,
        "number": _number,
        "isnan": _isnan,
        "isfinite": _isfinite,
        "isinf": _isinf,
    }
)
