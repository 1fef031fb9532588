"""Draws from normal distributions that are confined to an interval or a rectangle.

Exact, by rejection: each proposal is accepted with a probability of a half or so, however
far out the interval lies (Robert 1995, Stat. & Comput. 5, 121).
"""

import math

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.box_integral import (
    Pair,
    log_room,
    log_room_x,
    marginal_of,
    swapped,
    unexplained,
)
from graphfit.kernels.box_marginal import Marginal, log_density, log_integral, mode
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.random_numbers import normal, uniform

_LOG_OFTEN = math.log(0.1)  # of proposals that are accepted, at least
_MOST_TRIES = 2000  # more are needed by nothing but NaN
_WIDE = 2.5  # here a flat and a normal proposal are equally good
_OUT = 0.6  # from here on an exponential one is better


@compiled_apart
def draw_in_interval(random: Int64Array, low: float, high: float) -> float:
    """Return a standard normal number between limits.

    Parameters
    ----------
    random : ndarray of int64, shape (4,)
        State of the random numbers.
    low, high : float
        Limits, low below high; infinite for none.
    """
    sign = 1.0
    if low + high < 0.0:
        low, high, sign = -high, -low, -1.0
    width = high - low
    nearest = max(low, 0.0)
    for _ in range(_MOST_TRIES):
        if low > _OUT:
            x = low - math.log1p(uniform(random) * math.expm1(-low * width)) / low
            fall = 0.5 * (x - low) * (x - low)
        elif width < _WIDE:
            x = low + width * uniform(random)
            fall = 0.5 * (x * x - nearest * nearest)
        else:
            x = normal(random)
            if low > 0.0:
                x = abs(x)
            fall = 0.0 if low <= x <= high else math.inf
        if fall == 0.0 or uniform(random) < math.exp(-fall):
            return sign * min(max(x, low), high)
    return sign * nearest


@compiled_apart
def draw_in_box(random: Int64Array, pair: Pair) -> tuple[float, float]:
    """Return x and y from the density exp(q) in a box.

    Parameters
    ----------
    random : ndarray of int64, shape (4,)
        State of the random numbers.
    pair : Pair
        Of q and the box.
    """
    room = log_room(pair)
    if room > log_room_x(pair) + _LOG_OFTEN:
        return _draw_by_rejection(random, pair)
    other = swapped(pair)
    if room > log_room_x(other) + _LOG_OFTEN:
        y, x = _draw_by_rejection(random, other)
        return x, y
    marginal = marginal_of(pair)
    x = _draw_marginal(random, marginal)
    shift = marginal.rate * x
    z = draw_in_interval(random, marginal.near + shift, marginal.far + shift)
    y = (pair.slope_y - pair.xy * x) / pair.yy + z / math.sqrt(pair.yy)
    return x, min(max(y, pair.low_y), pair.high_y)


@compiled_apart
def _draw_by_rejection(random: Int64Array, pair: Pair) -> tuple[float, float]:
    """Draw x within its limits, and y given x, until that lies within its own."""
    precision = unexplained(pair)
    centre = (pair.slope_x - pair.xy * (pair.slope_y / pair.yy)) / precision
    root_x, root_y = math.sqrt(precision), math.sqrt(pair.yy)
    low, high = (pair.low_x - centre) * root_x, (pair.high_x - centre) * root_x
    x, y = centre, pair.slope_y / pair.yy
    for _ in range(_MOST_TRIES):
        x = centre + draw_in_interval(random, low, high) / root_x
        y = (pair.slope_y - pair.xy * x) / pair.yy + normal(random) / root_y
        if pair.low_y <= y <= pair.high_y:
            break
    x = min(max(x, pair.low_x), pair.high_x)
    return x, min(max(y, pair.low_y), pair.high_y)


@compiled
def _draw_marginal(random: Int64Array, marginal: Marginal) -> float:
    """Return x from the density exp(h), which is log-concave.

    With f its largest value, at m, such a density is below ``f min(1, exp(1 - f |x - m|))``
    (Devroye 1984, Computing 33, 247), four times its area.
    """
    at, peak = mode(marginal)
    scale = math.exp(log_integral(marginal, at, peak) - peak)
    for _ in range(_MOST_TRIES):
        distance = 4.0 * uniform(random)
        sign = 1.0 if distance < 2.0 else -1.0
        if distance >= 2.0:
            distance -= 2.0
        height = 0.0
        if distance > 1.0:
            height = math.log(distance - 1.0)
            distance = 1.0 - height
        x = at + sign * scale * distance
        if not marginal.low <= x <= marginal.high:
            continue
        if math.log(uniform(random)) + height < log_density(marginal, x) - peak:
            return x
    return at
