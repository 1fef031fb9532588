"""The probability of a rectangle under a bivariate normal distribution, as a logarithm.

Mostly by quadrants, ``L(h, k; r) = P(x > h, y > k)`` with correlation r: a rectangle of
which three corners are far out is one.  Their quadrature is that of Genz (2004, Stat. &
Comput. 14, 251), after Drezner & Wesolowsky (1990).  Where the rectangle holds next to
nothing, differences of quadrants lose their digits; there one variable is integrated
analytically and the other numerically (:mod:`graphfit.kernels.box_marginal`).
"""

import math

from graphfit.kernels.box_marginal import Marginal, log_integral, mode
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.kernels.gauss_legendre import (
    END,
    FIRST_OF_6,
    FIRST_OF_12,
    FIRST_OF_16,
    NODES,
    WEIGHTS,
)
from graphfit.kernels.normal_interval import (
    LOG_ROOT_2_PI,
    NOTHING,
    log_interval_probability,
    upper_tail,
)

_TWO_PI = 2.0 * math.pi
_LEAST = 3e-5  # below, the quadrants' 3e-15 is too much of the probability
_FAR = 4.1  # a rectangle beyond it holds less than that
_DEEP = 40.0  # exp(-40) is nothing beside 1
_CLOSE = 0.88  # correlation from which on another form converges better


@compiled_apart
def log_box_probability(
    low_x: float, high_x: float, low_y: float, high_y: float, correlation: float
) -> float:
    """Return ``ln P(low_x < x < high_x, low_y < y < high_y)``.

    The error is some 1e-11 of P, however small P is.

    Parameters
    ----------
    low_x, high_x, low_y, high_y : float
        Limits of two standard normal variables, low below high; they may be infinite.
    correlation : float
        Between them, -1 to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(log_box_probability(0.0, math.inf, 0.0, math.inf, 0.5), 12)
    -1.098612288668
    """
    if max(low_x, low_y) < _FAR and min(high_x, high_y) > -_FAR:
        if low_x < -NOTHING and high_x > NOTHING:
            return log_interval_probability(low_y, high_y)
        if low_y < -NOTHING and high_y > NOTHING:
            return log_interval_probability(low_x, high_x)
        probability = _by_quadrants(low_x, high_x, low_y, high_y, correlation)
        if probability > _LEAST:
            return math.log(probability)
    if max(low_x, -high_x) < max(low_y, -high_y):
        low_x, high_x, low_y, high_y = low_y, high_y, low_x, high_x
    if low_x + high_x < 0.0:
        low_x, high_x, correlation = -high_x, -low_x, -correlation
    return _from_tail(low_x, high_x, low_y, high_y, correlation)


@compiled
def _by_quadrants(
    low_x: float, high_x: float, low_y: float, high_y: float, correlation: float
) -> float:
    """Return the probability as a sum of as few quadrants as will do."""
    if low_x < -NOTHING:
        low_x, high_x, correlation = -high_x, -low_x, -correlation
    if low_y < -NOTHING:
        low_y, high_y, correlation = -high_y, -low_y, -correlation
    probability = quadrant(low_x, low_y, correlation)
    if high_x < NOTHING:
        probability -= quadrant(high_x, low_y, correlation)
        if high_y < NOTHING:
            probability += quadrant(high_x, high_y, correlation)
    if high_y < NOTHING:
        probability -= quadrant(low_x, high_y, correlation)
    return probability


@compiled_apart
def quadrant(h: float, k: float, correlation: float) -> float:
    """Return ``L(h, k) = P(x > h, y > k)``, within 3e-15.

    Parameters
    ----------
    h, k : float
        Limits of two standard normal variables, within -9 to 9.
    correlation : float
        Between them.
    """
    size = abs(correlation)
    if size >= _CLOSE:
        return _close(h, k, correlation)
    first, end = FIRST_OF_16, END
    if size < 0.3:
        first, end = FIRST_OF_6, FIRST_OF_12
    elif size < 0.78:
        first, end = FIRST_OF_12, FIRST_OF_16
    # Genz's Eq. 3: from independence to r by its arc sine.
    half_angle = 0.5 * math.asin(correlation)
    product, squares = h * k, 0.5 * (h * h + k * k)
    total = 0.0
    for i in range(first, end):
        part = 0.0
        for side in (-1.0, 1.0):
            sine = math.sin(half_angle * (1.0 + side * NODES[i]))
            part += math.exp((sine * product - squares) / (1.0 - sine * sine))
        total += WEIGHTS[i] * part
    return upper_tail(h) * upper_tail(k) + half_angle / _TWO_PI * total


@compiled
def _close(h: float, k: float, correlation: float) -> float:
    """Return L from its limit for r = 1 or -1.

    With s the sign of r, and ``k`` from here on for ``s k``, the difference is the integral
    over x from 0 to ``a = sqrt(1 - r^2)`` of

        exp(-(h - k)^2 / (2 x^2)) g(x),    g = exp(-h k / (1 + t)) / t,  t = sqrt(1 - x^2),

    over -2 pi s: of g's first terms ``exp(-h k / 2) (1 + c x^2 + c d x^4)`` analytically, of
    the rest numerically (Genz's Eq. 6).
    """
    sign = 1.0 if correlation > 0.0 else -1.0
    limit = upper_tail(max(h, k)) if sign > 0.0 else upper_tail(h) - upper_tail(-k)
    k *= sign
    square = (1.0 - correlation) * (1.0 + correlation)
    a, gap, product = math.sqrt(square), abs(h - k), h * k
    if not square > 0.0:
        return max(limit, 0.0)
    c, d = (4.0 - product) / 8.0, (12.0 - product) / 16.0
    gaps = 0.5 * gap * gap
    # Integrals of x^0, x^2, x^4 times the first factor.
    edge = a * math.exp(-gaps / square)
    zeroth = edge - gap * math.sqrt(_TWO_PI) * upper_tail(gap / a)
    second = (square * edge - 2.0 * gaps * zeroth) / 3.0
    fourth = (square * square * edge - 2.0 * gaps * second) / 5.0
    total = zeroth + c * (second + d * fourth)
    half = 0.5 * a
    for i in range(FIRST_OF_16, END):
        part = 0.0
        for side in (-1.0, 1.0):
            x = half * (1.0 + side * NODES[i])
            x *= x
            if gaps > _DEEP * x:
                continue
            t = math.sqrt(1.0 - x)
            rest = math.exp(product * (0.5 - 1.0 / (1.0 + t))) / t
            rest -= 1.0 + c * x * (1.0 + d * x)
            part += math.exp(-gaps / x) * rest
        total += half * WEIGHTS[i] * part
    return max(limit, 0.0) - sign * math.exp(-0.5 * product) * total / _TWO_PI


@compiled_apart
def _from_tail(
    low_x: float, high_x: float, low_y: float, high_y: float, correlation: float
) -> float:
    """Return ln P as an integral over x of its density times P(y in its limits | x).

    Best where x is the one that lies further out, above its mean.
    """
    square = (1.0 - correlation) * (1.0 + correlation)
    if not square > 0.0:
        return _degenerate(low_x, high_x, low_y, high_y, correlation)
    scale = 1.0 / math.sqrt(square)
    near, far, rate = low_y * scale, high_y * scale, -correlation * scale
    if low_x > 0.0:
        # Above `end` there is nothing of x; below it there may be no limit to y.
        end = min(high_x, math.sqrt(low_x * low_x + 2.0 * _DEEP))
        least, most = min(rate * low_x, rate * end), max(rate * low_x, rate * end)
        if near + most < -NOTHING and far + least > NOTHING:
            return log_interval_probability(low_x, high_x)
    marginal = Marginal(0.0, 1.0, near, far, rate, low_x, high_x)
    at, peak = mode(marginal)
    return log_integral(marginal, at, peak) - LOG_ROOT_2_PI


@compiled
def _degenerate(
    low_x: float, high_x: float, low_y: float, high_y: float, correlation: float
) -> float:
    """Return ln P where y is x, or -x."""
    if correlation < 0.0:
        low_y, high_y = -high_y, -low_y
    low, high = max(low_x, low_y), min(high_x, high_y)
    return log_interval_probability(low, high) if low < high else -math.inf
