"""The operations of a tape: what each computes, and its derivative.

One row an operation.  A derivative rule takes the arguments and the result, as objects that
answer to numpy's functions, and returns the partial derivative with respect to each
argument; None where it is zero everywhere it exists.  A new operation is a row here and a
builder in :mod:`graphfit.compiler.functions.elementary`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, final

import numpy as np
from scipy import special

from graphfit.kernels import mixture, truncated_gaussian

Rule = Callable[..., tuple[Any, ...]]

LARGEST = float(np.finfo(np.float64).max)
TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)


@final
@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    Parameters
    ----------
    function : callable
        The operation on numpy arrays.
    rule : callable, optional
        ``rule(*arguments, result)``: the partial derivatives; None: zero.
    is_bool : bool
        Whether it gives a condition.
    """

    function: Callable[..., Any]
    rule: Rule | None = None
    is_bool: bool = False


def _voigt_real(x: Any, y: Any) -> Any:
    return special.wofz(x + 1j * y).real


def _voigt_imag(x: Any, y: Any) -> Any:
    return special.wofz(x + 1j * y).imag


# w' = -2 z w + 2i / sqrt(pi) (Abramowitz & Stegun 7.1.20), split into its parts.
def _faddeeva_slope(x: Any, y: Any) -> tuple[Any, Any]:
    real = Apply("voigt_real")(x, y)
    imag = Apply("voigt_imag")(x, y)
    return -2.0 * (x * real - y * imag), TWO_OVER_ROOT_PI - 2.0 * (x * imag + y * real)


def _voigt_real_rule(x: Any, y: Any, _: Any) -> tuple[Any, Any]:
    real, imag = _faddeeva_slope(x, y)
    return real, -imag


def _voigt_imag_rule(x: Any, y: Any, _: Any) -> tuple[Any, Any]:
    real, imag = _faddeeva_slope(x, y)
    return imag, real


# Where exp overflows, 1 / (1 + exp(a)) still has a slope: zero, not 0 * inf.
def _held(y: Any) -> Any:
    return np.where(y == math.inf, LARGEST, y)


def _power_rule(base: Any, exponent: Any, result: Any) -> tuple[Any, Any]:
    # d/dv u^v = u^v ln u, zero in the limit where u is.
    slope = np.where(base == 0.0, 0.0, result * np.log(base))
    growth = exponent * base ** (exponent - 1.0)
    return np.where(exponent == 0.0, 0.0, growth), slope


# At zero, where a length has its kink: sqrt(x^2) and hypot(x, 0), as abs(x), have slope 0.
def _sqrt_rule(a: Any, root: Any) -> tuple[Any]:
    del a
    return (np.where(root == 0.0, 0.0, 0.5 / root),)


def _hypot_rule(a: Any, b: Any, length: Any) -> tuple[Any, Any]:
    slopes = [np.where(length == 0.0, 0.0, leg / length) for leg in (a, b)]
    return slopes[0], slopes[1]


def _trigamma(a: Any) -> Any:
    # By 1/a^2 + trigamma(a + 1) to a + 8, then Abramowitz & Stegun 6.4.12; for a > 0.
    total = sum(1.0 / ((a + float(k)) * (a + float(k))) for k in range(8))
    z = 1.0 / (a + 8.0)
    square = z * z
    series: Any = 7.0 / 6.0
    for number in (-691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6):
        series = series * square + number
    tail = z + 0.5 * square + z * square * series
    return np.where(a > 0.0, total + tail, math.nan)


@final
@dataclass(frozen=True, slots=True)
class Apply:
    """An operation that has no numpy function, applied to whatever holds a tape."""

    name: str

    def __call__(self, *arguments: Any) -> Any:
        """Return the operation's value in the kind of its arguments."""
        for item in arguments:
            if hasattr(item, "apply"):
                return item.apply(self.name, *arguments)
        return OPERATIONS[self.name].function(*arguments)


# Not as the ufuncs that they are: those can be used in models that are differentiated.
def _undifferentiated(ufunc: np.ufunc) -> Operation:
    return Operation(partial(ufunc))


def _condition(function: Callable[..., Any]) -> Operation:
    return Operation(function, None, is_bool=True)


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "add": Operation(np.add, lambda a, b, y: (1.0, 1.0)),
        "sub": Operation(np.subtract, lambda a, b, y: (1.0, -1.0)),
        "mul": Operation(np.multiply, lambda a, b, y: (b, a)),
        "div": Operation(np.true_divide, lambda a, b, y: (1.0 / b, -y / b)),
        "floordiv": Operation(np.floor_divide),
        "mod": Operation(np.remainder, lambda a, b, y: (1.0, -np.floor(a / b))),
        "pow": Operation(np.power, _power_rule),
        "minimum": Operation(
            np.minimum,
            lambda a, b, y: (np.where(a <= b, 1.0, 0.0), np.where(a <= b, 0.0, 1.0)),
        ),
        "maximum": Operation(
            np.maximum,
            lambda a, b, y: (np.where(a >= b, 1.0, 0.0), np.where(a >= b, 0.0, 1.0)),
        ),
        "arctan2": Operation(
            np.arctan2,
            lambda a, b, y: (b / (a * a + b * b), -a / (a * a + b * b)),
        ),
        "hypot": Operation(np.hypot, _hypot_rule),
        "neg": Operation(np.negative, lambda a, y: (-1.0,)),
        "abs": Operation(np.absolute, lambda a, y: (np.sign(a),)),
        "sign": Operation(np.sign),
        "exp": Operation(np.exp, lambda a, y: (_held(y),)),
        "exp2": Operation(np.exp2, lambda a, y: (_held(y) * math.log(2.0),)),
        "expm1": Operation(np.expm1, lambda a, y: (_held(y) + 1.0,)),
        "log": Operation(np.log, lambda a, y: (1.0 / a,)),
        "log1p": Operation(np.log1p, lambda a, y: (1.0 / (1.0 + a),)),
        "log2": Operation(np.log2, lambda a, y: (1.0 / (a * math.log(2.0)),)),
        "log10": Operation(np.log10, lambda a, y: (1.0 / (a * math.log(10.0)),)),
        "sqrt": Operation(np.sqrt, _sqrt_rule),
        "cbrt": Operation(np.cbrt, lambda a, y: (1.0 / (3.0 * y * y),)),
        "sin": Operation(np.sin, lambda a, y: (np.cos(a),)),
        "cos": Operation(np.cos, lambda a, y: (-np.sin(a),)),
        "tan": Operation(np.tan, lambda a, y: (1.0 + y * y,)),
        "arcsin": Operation(np.arcsin, lambda a, y: (1.0 / np.sqrt(1.0 - a * a),)),
        "arccos": Operation(np.arccos, lambda a, y: (-1.0 / np.sqrt(1.0 - a * a),)),
        "arctan": Operation(np.arctan, lambda a, y: (1.0 / (1.0 + a * a),)),
        "sinh": Operation(np.sinh, lambda a, y: (_held(np.cosh(a)),)),
        "cosh": Operation(np.cosh, lambda a, y: (np.sinh(a),)),
        "tanh": Operation(np.tanh, lambda a, y: (1.0 - y * y,)),
        "arcsinh": Operation(np.arcsinh, lambda a, y: (1.0 / np.sqrt(a * a + 1.0),)),
        "arccosh": Operation(
            np.arccosh, lambda a, y: (1.0 / (np.sqrt(a - 1.0) * np.sqrt(a + 1.0)),)
        ),
        "arctanh": Operation(np.arctanh, lambda a, y: (1.0 / (1.0 - a * a),)),
        "erf": Operation(
            special.erf, lambda a, y: (TWO_OVER_ROOT_PI * np.exp(-a * a),)
        ),
        "erfc": Operation(
            special.erfc, lambda a, y: (-TWO_OVER_ROOT_PI * np.exp(-a * a),)
        ),
        # phi(a) / Phi(a), by logarithms: both underflow far out.
        "log_ndtr": Operation(
            special.log_ndtr,
            lambda a, y: (np.exp(-0.5 * a * a - LOG_ROOT_2_PI - y),),
        ),
        # Inverse functions: one over the density at the result.
        "ndtri": Operation(
            special.ndtri, lambda a, y: (np.exp(0.5 * y * y + LOG_ROOT_2_PI),)
        ),
        "erfinv": Operation(
            special.erfinv, lambda a, y: (np.exp(y * y) / TWO_OVER_ROOT_PI,)
        ),
        "erfcinv": Operation(
            special.erfcinv, lambda a, y: (-np.exp(y * y) / TWO_OVER_ROOT_PI,)
        ),
        # In the transforms of priors, which nobody differentiates.
        "hazard_integral": Operation(truncated_gaussian.hazard_integral),
        "hazard_step": Operation(truncated_gaussian.hazard_step),
        "normal_mixture_root": Operation(mixture.normal_mixture_root),
        "betaln": _undifferentiated(special.betaln),
        "betainc": _undifferentiated(special.betainc),
        "betaincc": _undifferentiated(special.betaincc),
        "betaincinv": _undifferentiated(special.betaincinv),
        "betainccinv": _undifferentiated(special.betainccinv),
        "gammainc": _undifferentiated(special.gammainc),
        "gammaincc": _undifferentiated(special.gammaincc),
        "gammaincinv": _undifferentiated(special.gammaincinv),
        "gammainccinv": _undifferentiated(special.gammainccinv),
        "lgamma": Operation(special.gammaln, lambda a, y: (Apply("digamma")(a),)),
        "digamma": Operation(special.digamma, lambda a, y: (_trigamma(a),)),
        "voigt_real": Operation(_voigt_real, _voigt_real_rule),
        "voigt_imag": Operation(_voigt_imag, _voigt_imag_rule),
        "floor": Operation(np.floor),
        "ceil": Operation(np.ceil),
        "rint": Operation(np.rint),
        "trunc": Operation(np.trunc),
        "where": Operation(
            np.where,
            lambda c, a, b, y: (None, np.where(c, 1.0, 0.0), np.where(c, 0.0, 1.0)),
        ),
        "number": Operation(lambda c: np.where(c, 1.0, 0.0)),
        "lt": _condition(np.less),
        "le": _condition(np.less_equal),
        "gt": _condition(np.greater),
        "ge": _condition(np.greater_equal),
        "eq": _condition(np.equal),
        "ne": _condition(np.not_equal),
        "and": _condition(np.logical_and),
        "or": _condition(np.logical_or),
        "not": _condition(np.logical_not),
        "isnan": _condition(np.isnan),
        "isfinite": _condition(np.isfinite),
        "isinf": _condition(np.isinf),
    }
)

COMMUTATIVE = frozenset({"add", "mul"})
