"""Functions of numpy and scipy as formulas of simpler ones, to be traced.

They are called with tracers, arrays and numbers alike, and know nothing of tapes.  Each is
smooth where the function is, and its derivative finite: no branch overflows unseen.
"""

from typing import Any

import numpy as np


def clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    """Return np.clip(a, a_min, a_max), by either spelling."""
    low = a_min if min is None else min
    high = a_max if max is None else max
    if low is not None:
        a = np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


def xlogy(x: Any, y: Any) -> Any:
    """Return x ln y, 0 where x = 0."""
    return _times_log(x, np.log(y), y)


def xlog1py(x: Any, y: Any) -> Any:
    """Return x ln(1 + y), 0 where x = 0."""
    return _times_log(x, np.log1p(y), y)


def _times_log(x: Any, log: Any, y: Any) -> Any:
    # Zero for x = 0 also where the logarithm is not finite; elsewhere the slope is there.
    left_out = np.logical_and(x == 0.0, np.logical_not(np.isfinite(log)))
    return np.where(left_out, np.where(np.isnan(y), y, 0.0), x * log)


def sinc(x: Any) -> Any:
    """Return sin(pi x) / (pi x)."""
    angle = np.pi * np.where(x == 0.0, 1e-20, x)
    return np.sin(angle) / angle


def heaviside(x: Any, middle: Any) -> Any:
    """Return the step function, `middle` at zero."""
    value = np.where(x == 0.0, middle, np.where(x > 0.0, 1.0, 0.0))
    return np.where(np.isnan(x), x, value)


def logaddexp(a: Any, b: Any) -> Any:
    """Return ln(e^a + e^b)."""
    # Smooth across a = b, so without maximum and abs; equal infinities are themselves.
    equal = np.logical_and(a == b, np.isinf(a))
    first = a + np.log1p(np.exp(b - a))
    second = b + np.log1p(np.exp(a - b))
    return np.where(equal, a, np.where(a >= b, first, second))


def expit(a: Any) -> Any:
    """Return 1 / (1 + e^-a)."""
    # By the exponential that does not overflow: its derivative is 0 * infinity.
    e = np.exp(np.where(a >= 0.0, -a, a))
    return np.where(a >= 0.0, 1.0, e) / (1.0 + e)


def polyval(p: Any, x: Any) -> Any:
    """Return the polynomial of the coefficients `p`, highest power first."""
    value: Any = 0.0 * x
    for coefficient in p:
        value = value * x + coefficient
    return value


def select(condlist: Any, choicelist: Any, default: Any = 0.0) -> Any:
    """Return the choice of the first condition that holds."""
    value = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        value = np.where(condition, choice, value)
    return value


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Return the value of the last condition that holds."""
    functions = list(funclist)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) else [condlist]
    value: Any = 0.0
    if len(functions) == len(conditions) + 1:
        last = functions.pop()
        value = last(x, *args, **kw) if callable(last) else last
    for condition, item in zip(conditions, functions, strict=True):
        choice = item(x, *args, **kw) if callable(item) else item
        value = np.where(condition, choice, value)
    return value


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Return x with NaN and infinities replaced."""
    del copy
    largest = np.finfo(np.float64).max
    value = np.where(x == np.inf, largest if posinf is None else posinf, x)
    value = np.where(x == -np.inf, -largest if neginf is None else neginf, value)
    return np.where(np.isnan(x), nan, value)


def exclusive(a: Any, b: Any) -> Any:
    """Return whether one of two conditions holds, and not both."""
    return np.logical_and(np.logical_or(a, b), np.logical_not(np.logical_and(a, b)))
