r"""What is left of a bivariate normal in a box when one variable is integrated out.

The other one, x, has the unnormalised log-density

    h(x) = c x - s x^2 / 2 + ln P(a + r x < z < b + r x),    low < x < high,      [Eq. 1]

z a standard normal number: a Gaussian, cut off where x leaves the box no room in the other
direction.  h is concave (Prekopa 1971, Acta Sci. Math. 32, 301), so it has one mode, and
its curvature lies between s and s + r^2.  Nothing here divides by s, or by a determinant:
s may be next to zero, where the box alone bounds x.
"""

import math
from typing import NamedTuple

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.kernels.gauss_legendre import END, FIRST_OF_16, NODES, WEIGHTS
from graphfit.kernels.normal_interval import (
    LOG_ROOT_2_PI,
    NOTHING,
    log_interval_probability,
)

_DEEP = 32.0  # exp(-32) of the peak is nothing
_FALL = 16.0  # of ln p, that one rule covers
_MOST_STEPS = 100


class Marginal(NamedTuple):
    """The constants of Eq. 1.

    Attributes
    ----------
    slope, precision : float
        c and s > 0.
    near, far : float
        a < b; one of them may be infinite.
    rate : float
        r.
    low, high : float
        The limits of x; infinite ones need an s that is more than rounding.
    """

    slope: float
    precision: float
    near: float
    far: float
    rate: float
    low: float
    high: float


@compiled_apart
def log_density(marginal: Marginal, x: float) -> float:
    """Return h(x)."""
    shift = marginal.rate * x
    room = log_interval_probability(marginal.near + shift, marginal.far + shift)
    return x * (marginal.slope - 0.5 * marginal.precision * x) + room


@compiled_apart
def mode(marginal: Marginal) -> tuple[float, float]:
    """Return the x where h is largest, and h there.

    By Newton's steps, kept between points of which one lies below the mode and one above.
    h falls short of its largest value by some 1e-9, not more.
    """
    low, high = marginal.low, marginal.high
    x = min(max(marginal.slope / marginal.precision, low), high)
    for _ in range(_MOST_STEPS):
        slope, curvature = _slopes(marginal, x)
        if slope > 0.0:
            low = x
        else:
            high = x
        if not (low < high and slope * slope > 1e-9 * curvature):
            break
        new = x + slope / curvature
        if not low < new < high:
            new = 0.5 * (low + high)
        if new == x:
            break
        x = new
    return x, log_density(marginal, x)


@compiled
def _slopes(marginal: Marginal, x: float) -> tuple[float, float]:
    """Return dh/dx and -d2h/dx2 (above zero)."""
    near = marginal.near + marginal.rate * x
    far = marginal.far + marginal.rate * x
    room = log_interval_probability(near, far) + LOG_ROOT_2_PI
    # The densities at both ends, of the normal distribution between them.
    at_near = math.exp(-0.5 * near * near - room)
    at_far = math.exp(-0.5 * far * far - room)
    change = at_far - at_near
    bend = change * change
    if at_near > 0.0:
        bend -= near * at_near
    if at_far > 0.0:
        bend += far * at_far
    bend = min(max(bend, 0.0), 1.0)  # one minus a variance, but for rounding
    slope = marginal.slope - marginal.precision * x + marginal.rate * change
    return slope, marginal.precision + marginal.rate * marginal.rate * bend


@compiled_apart
def log_integral(marginal: Marginal, at: float, peak: float) -> float:
    """Return the logarithm of the integral of exp(h).

    By Gauss-Legendre rules on panels that begin and end where the integrand changes its
    character: at the mode, and where the limits of z enter and leave.

    Parameters
    ----------
    marginal : Marginal
    at, peak : float
        From `mode`.

    Returns
    -------
    float
        The integral is right to 1e-11 of itself.
    """
    first = _reach(marginal, at, peak, -1.0, marginal.low)
    last = _reach(marginal, at, peak, 1.0, marginal.high)
    total, start = 0.0, first
    from_start = log_density(marginal, start) - peak
    while start < last:
        end = _panel_end(marginal, start, at, last)
        from_end = log_density(marginal, end) - peak
        fall = min(abs(from_end - from_start), 3.0 * _DEEP)
        count = int(fall / _FALL) + 1
        half = 0.5 * (end - start) / count
        for part in range(count):
            centre = start + (2.0 * part + 1.0) * half
            for i in range(FIRST_OF_16, END):
                step = half * NODES[i]
                below = math.exp(log_density(marginal, centre - step) - peak)
                above = math.exp(log_density(marginal, centre + step) - peak)
                total += half * WEIGHTS[i] * (below + above)
        start, from_start = end, from_end
    return peak + math.log(total)


@compiled_apart
def _reach(
    marginal: Marginal, at: float, peak: float, side: float, limit: float
) -> float:
    """Return the limit on one side, or where the density has become nothing before it."""
    step = 1.0 / math.sqrt(marginal.precision + marginal.rate * marginal.rate)
    inner = outer = at
    fall = 0.0
    for _ in range(_MOST_STEPS):
        outer = at + side * step
        if side * (limit - outer) <= 0.0:
            outer = limit
        fall = peak - log_density(marginal, outer)
        if not fall <= _DEEP:
            break
        if outer == limit:
            return limit
        inner = outer
        step *= 2.0
    # Too far, perhaps much too far: h may be steep.
    for _ in range(_MOST_STEPS):
        if fall <= 2.0 * _DEEP:
            break
        middle = 0.5 * (inner + outer)
        fall_there = peak - log_density(marginal, middle)
        if fall_there <= _DEEP:
            inner = middle
        else:
            outer, fall = middle, fall_there
    return outer


@compiled
def _panel_end(marginal: Marginal, start: float, at: float, last: float) -> float:
    """Return where the panel that begins at `start` should end."""
    end = _nearer(start, last, at)
    if marginal.rate != 0.0:
        width = NOTHING / abs(marginal.rate)
        for edge in (-marginal.near / marginal.rate, -marginal.far / marginal.rate):
            for k in range(-2, 3):
                end = _nearer(start, end, edge + 0.5 * k * width)
    return end


@compiled
def _nearer(start: float, end: float, candidate: float) -> float:
    """Return the candidate if it lies between start and end, else the end."""
    return candidate if start < candidate < end else end
