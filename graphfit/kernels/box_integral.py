"""Integrals over a box of the exponential of a quadratic function, in one or two dimensions.

The likelihood of amplitudes that enter a model linearly is ``exp(b.a - a.A.a / 2)``; their
priors confine them to a box.  A may be singular as far as rounding can tell (two amplitudes
of one profile), so that its inverse says nothing: the box alone makes the integral finite.
"""

import math
from typing import NamedTuple

from graphfit.kernels.box_marginal import Marginal, log_integral, mode
from graphfit.kernels.box_probability import log_box_probability
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.kernels.normal_interval import LOG_ROOT_2_PI, log_interval_probability

_ROUNDING = 2.2e-16
_WELL = 1e-6  # the part of xx that yy does not explain, from which on A can be inverted


class Pair(NamedTuple):
    """A quadratic function of x and y, and their limits.

    ``q(x, y) = b_x x + b_y y - (A_xx x^2 + 2 A_xy x y + A_yy y^2) / 2``

    Attributes
    ----------
    slope_x, slope_y : float
        b.
    xx, xy, yy : float
        A, of which yy > 0.
    least : float
        What ``A_xx - A_xy^2 / A_yy`` cannot be below, > 0.
    low_x, high_x, low_y, high_y : float
        Limits; infinite for none.
    """

    slope_x: float
    slope_y: float
    xx: float
    xy: float
    yy: float
    least: float
    low_x: float
    high_x: float
    low_y: float
    high_y: float


@compiled
def log_interval_integral(
    slope: float, precision: float, low: float, high: float
) -> float:
    """Return the logarithm of the integral of ``exp(b x - s x^2 / 2)`` from low to high.

    Parameters
    ----------
    slope, precision : float
        b, and s > 0.
    low, high : float
        Limits; infinite for none.
    """
    root = math.sqrt(precision)
    centre = slope / precision
    room = log_interval_probability((low - centre) * root, (high - centre) * root)
    return 0.5 * slope * centre + LOG_ROOT_2_PI - math.log(root) + room


@compiled_apart
def log_box_integral(pair: Pair) -> float:
    """Return the logarithm of the integral of exp(q) over the box."""
    precision = unexplained(pair)
    if precision > _WELL * pair.xx:
        slope = pair.slope_x - pair.xy * (pair.slope_y / pair.yy)
        gain = slope * slope / precision + pair.slope_y * pair.slope_y / pair.yy
        gain -= math.log(precision * pair.yy)
        return 0.5 * gain + 2.0 * LOG_ROOT_2_PI + log_room(pair)
    marginal = marginal_of(pair)
    at, peak = mode(marginal)
    return log_integral(marginal, at, peak) + log_constant(pair)


@compiled
def unexplained(pair: Pair) -> float:
    """Return ``A_xx - A_xy^2 / A_yy``: the precision of x when y has been integrated out."""
    least = max(pair.least, _ROUNDING * pair.xx)
    return max(pair.xx - pair.xy * (pair.xy / pair.yy), least)


@compiled_apart
def log_room(pair: Pair) -> float:
    """Return ln of the box's probability under the normal distribution exp(q).

    Minus infinity where A cannot be inverted.
    """
    precision = unexplained(pair)
    if not precision > _WELL * pair.xx:
        return -math.inf
    x = (pair.slope_x - pair.xy * (pair.slope_y / pair.yy)) / precision
    y = (pair.slope_y - pair.xy * x) / pair.yy
    per_x = math.sqrt(precision)
    per_y = math.sqrt(precision * (pair.yy / pair.xx))
    return log_box_probability(
        (pair.low_x - x) * per_x,
        (pair.high_x - x) * per_x,
        (pair.low_y - y) * per_y,
        (pair.high_y - y) * per_y,
        -pair.xy / math.sqrt(pair.xx * pair.yy),
    )


@compiled
def log_room_x(pair: Pair) -> float:
    """Return ln of the probability of x in its limits, whatever y, under exp(q)."""
    precision = unexplained(pair)
    x = (pair.slope_x - pair.xy * (pair.slope_y / pair.yy)) / precision
    root = math.sqrt(precision)
    return log_interval_probability((pair.low_x - x) * root, (pair.high_x - x) * root)


@compiled
def swapped(pair: Pair) -> Pair:
    """Return the same with x for y."""
    return Pair(
        pair.slope_y,
        pair.slope_x,
        pair.yy,
        pair.xy,
        pair.xx,
        unexplained(pair) * (pair.yy / pair.xx),
        pair.low_y,
        pair.high_y,
        pair.low_x,
        pair.high_x,
    )


@compiled
def marginal_of(pair: Pair) -> Marginal:
    """Return what is left of exp(q) in the box when y is integrated out."""
    root = math.sqrt(pair.yy)
    return Marginal(
        pair.slope_x - pair.xy * (pair.slope_y / pair.yy),
        unexplained(pair),
        (pair.low_y * pair.yy - pair.slope_y) / root,
        (pair.high_y * pair.yy - pair.slope_y) / root,
        pair.xy / root,
        pair.low_x,
        pair.high_x,
    )


@compiled
def log_constant(pair: Pair) -> float:
    """Return what the logarithm of the marginal leaves out."""
    gain = pair.slope_y * (pair.slope_y / pair.yy) - math.log(pair.yy)
    return 0.5 * gain + LOG_ROOT_2_PI
