"""The Gaussian between two limits, exact however far into a tail they cut.

Differences of Phi lose all digits where the limits lie in one tail or close together, and
so does ``x - limit`` where a quantile falls next to a limit.  Two forms avoid both.

*Straddling* limits, a <= 0 <= b in units of sigma from the mean: Phi and its complement
are sums of positive terms, and the smaller one is inverted.

*Tail* limits, both on one side: with the hazard ``h(z) = phi(z) / Phi(-z)``, the
probability beyond A + t is ``exp(-H)`` of that beyond A, where

    H(A, t) = int_0^t h(A + s) ds = A t + t^2 / 2 - ln[R(A + t) / R(A)]        [Eq. 1]

and R = 1 / h is Mills' ratio.  A truncated quantile is the t with a given H, counted from
the limit it is nearer to.  So is a straddling one next to a limit.

The rules for arguments are those of :mod:`graphfit.kernels.distributions`.
"""

from typing import Any

import numpy as np
from scipy.special import erf, erfcx, ndtr, ndtri

from graphfit.kernels.distributions import (
    HALF_LOG_TWO_PI,
    SQRT_TWO,
    number_or_minus_infinity,
    pinned,
    quiet,
)
from graphfit.typing import FloatArray

# Closer to a limit than this, in units of sigma and of the limit's distance from the
# mean, a quantile is counted from the limit: there |x - limit| would lose digits.
NEAR = 1e-4
# A tail's probabilities below this are about to underflow.
TINY = 1e-290
# Gauss-Legendre on [0, 1]; exact to the last digit for steps of up to one sigma.
NODES, WEIGHTS = (0.5 * array for array in np.polynomial.legendre.leggauss(8))
NODES = NODES + 0.5


def mills_ratio(z: Any) -> Any:
    """Return ``R(z) = Phi(-z) / phi(z)``."""
    return np.sqrt(0.5 * np.pi) * erfcx(z / SQRT_TWO)


def hazard_integral(start: Any, step: Any) -> Any:
    """Return ``|int h|`` from `start` to ``start + step``, ``start >= 0`` [Eq. 1]."""
    end = start + step
    far = step * (start + 0.5 * step) - np.log(mills_ratio(end) / mills_ratio(start))
    points = np.asarray(start)[..., None] + np.asarray(step)[..., None] * NODES
    close = step * ((1.0 / mills_ratio(points)) @ WEIGHTS)
    total = np.abs(np.where(np.abs(step) < 1.0, close, far))
    return np.where(np.isinf(step), np.inf, total)


def hazard_step(start: Any, sign: Any, target: Any) -> Any:
    """Return t >= 0 with ``|H(start, sign t)| = target``: the inverse of Eq. 1.

    Halley's iteration from the solution for a hazard that is linear in t.
    """
    hazard = 1.0 / mills_ratio(start)
    slope = sign * hazard * (hazard - start)
    root = np.sqrt(np.maximum(hazard * hazard + 2.0 * slope * target, 0.0))
    step = 2.0 * target / (hazard + root)
    for _ in range(6):
        end = start + sign * step
        hazard = 1.0 / mills_ratio(end)
        newton = (hazard_integral(start, sign * step) - target) / hazard
        # h' = h (h - z)
        change = newton / (1.0 - 0.5 * sign * newton * (hazard - end))
        step = step - change
        # Convergence is cubic: after a change this small nothing is left to gain.
        if not np.any(np.abs(change) > 1e-6 * step):
            break
    return step


def _standardised(
    mean: Any, sigma: Any, lower: Any, upper: Any
) -> tuple[Any, Any, Any, Any]:
    """Return a, b and b - a in units of sigma, and sigma; NaN where impossible."""
    valid = np.greater(sigma, 0.0) & np.less(lower, upper) & np.isfinite(mean)
    sigma = np.where(valid, sigma, np.nan)
    width = np.subtract(upper, lower) / sigma
    a, b = np.subtract(lower, mean) / sigma, np.subtract(upper, mean) / sigma
    return a, b, width, sigma


def _straddling_mass(a: Any, b: Any) -> Any:
    """Return ``Phi(b) - Phi(a)`` for a <= 0 <= b."""
    return 0.5 * (erf(b / SQRT_TWO) - erf(a / SQRT_TWO))


def _offset_in_middle(
    from_lower: Any, below: Any, above: Any, a: Any, b: Any
) -> tuple[Any, Any]:
    """Return `from_lower` and the distance of a quantile next to a straddling limit.

    `below` and `above` are the truncated probabilities on the two sides of it.
    """
    limit = np.where(from_lower, -a, b)
    inside = np.where(from_lower, below, above) * _straddling_mass(a, b)
    # What the limit cuts off grows by what lies between it and the quantile.
    return from_lower, hazard_step(limit, -1.0, np.log1p(inside / ndtr(-limit)))


def _offset_in_tail(
    below: Any, above: Any, a: Any, b: Any, width: Any
) -> tuple[Any, Any]:
    """Return whether the lower limit is nearer, and the distance to the nearer one."""
    mirrored = b < 0.0
    inner, outer = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    before, behind = np.where(mirrored, above, below), np.where(mirrored, below, above)
    total = hazard_integral(inner, width)
    # H from the inner limit to the quantile, and from there to the outer limit.
    from_inner = np.where(
        before < 0.5,
        -np.log1p(before * np.expm1(-total)),
        -np.log(behind + before * np.exp(-total)),
    )
    log_odds = np.log(behind) + total + np.log(-np.expm1(-total))
    to_outer = np.where(np.isinf(total), np.inf, np.logaddexp(0.0, log_odds))
    is_inner = from_inner <= to_outer
    step = hazard_step(
        np.where(is_inner, inner, outer),
        np.where(is_inner, 1.0, -1.0),
        np.where(is_inner, from_inner, to_outer),
    )
    return is_inner != mirrored, step


def _recounted(
    x: FloatArray, where: Any, offset: Any, limits: tuple[Any, ...], *inputs: Any
) -> None:
    """Overwrite ``x[where]`` by values counted from the nearer limit."""
    _, chosen, *columns = np.broadcast_arrays(x, where, *limits, *inputs)
    sigma, lower, upper, *rest = (column[chosen] for column in columns)
    from_lower, step = offset(*rest)
    x[chosen] = np.where(from_lower, lower + sigma * step, upper - sigma * step)


@quiet
def truncated_gaussian_quantile(
    u: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with ``[Phi(z) - Phi(a)] / [Phi(b) - Phi(a)] = u``, z = (x - mean) / sigma.

    a and b are the limits in the same units as z.
    """
    a, b, width, sigma = _standardised(mean, sigma, lower, upper)
    v = np.subtract(1.0, u)
    below = v * ndtr(a) + u * ndtr(b)
    above = v * ndtr(-a) + u * ndtr(-b)
    smaller = np.minimum(below, above)
    z = np.copysign(ndtri(smaller), below - above)
    x = np.asarray(mean + sigma * z)
    tail = (a > 0.0) | (b < 0.0)
    near_lower = z - a < NEAR * (1.0 + np.abs(a))
    near = near_lower | (b - z < NEAR * (1.0 + np.abs(b)))
    in_tail = tail & (near | (smaller < TINY))
    in_middle = near & ~tail
    limits = sigma, lower, upper
    if in_tail.any():
        _recounted(x, in_tail, _offset_in_tail, limits, u, v, a, b, width)
    if in_middle.any():
        _recounted(x, in_middle, _offset_in_middle, limits, z - a <= b - z, u, v, a, b)
    unknown = 0.0 * sigma
    return pinned(x, u, lower + unknown, upper + unknown)


def truncated_gaussian_inverse_survival(
    s: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with the truncated probability `s` above it."""
    return -truncated_gaussian_quantile(
        s, np.negative(mean), sigma, np.negative(upper), np.negative(lower)
    )


@quiet
def truncated_gaussian_cdf(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return ``[Phi(z) - Phi(a)] / [Phi(b) - Phi(a)]``, clipped to [0, 1]."""
    a, b, width, sigma = _standardised(mean, sigma, lower, upper)
    x = np.minimum(np.maximum(x, lower), upper)
    z, step, rest = (x - mean) / sigma, (x - lower) / sigma, (upper - x) / sigma
    # Straddling limits; z < 0 next to a as in `_offset_in_middle`.
    next_to_a = (step < 1.0) & (a > -37.0)
    grown = np.where(
        next_to_a,
        ndtr(a) * np.expm1(hazard_integral(-a, -step)),
        ndtr(z) - ndtr(a),
    )
    middle = np.where(z > 0.0, _straddling_mass(a, z), grown) / _straddling_mass(a, b)
    # Limits above the mean, then below it.
    kept_above, kept_below = hazard_integral(a, width), hazard_integral(-b, width)
    upper_tail = np.expm1(-hazard_integral(a, step)) / np.expm1(-kept_above)
    lower_tail = np.expm1(-hazard_integral(-a, -step)) / np.expm1(-kept_below)
    lower_tail = lower_tail * np.exp(-hazard_integral(-b, rest))
    value = np.where(a > 0.0, upper_tail, np.where(b < 0.0, lower_tail, middle))
    unknown = 0.0 * sigma
    value = np.minimum(np.maximum(value, 0.0), 1.0)
    value = np.where(x <= lower, unknown, np.where(x >= upper, 1.0 + unknown, value))
    return value[()]


def truncated_gaussian_survival(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return ``[Phi(b) - Phi(z)] / [Phi(b) - Phi(a)]``, clipped to [0, 1]."""
    return truncated_gaussian_cdf(
        np.negative(x), np.negative(mean), sigma, np.negative(upper), np.negative(lower)
    )


@quiet
def truncated_gaussian_log_density(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return ``-z^2 / 2 - ln(2 pi) / 2 - ln sigma - ln[Phi(b) - Phi(a)]`` inside."""
    a, b, width, sigma = _standardised(mean, sigma, lower, upper)
    z = np.subtract(x, mean) / sigma
    value = -0.5 * z * z - HALF_LOG_TWO_PI - np.log(_straddling_mass(a, b))
    in_tail = (a > 0.0) | (b < 0.0)
    if in_tail.any():
        # Relative to the density at the inner limit: phi(z) / phi(A) / R(A) / kept.
        inner = np.where(b < 0.0, -b, a)
        step = np.where(b < 0.0, np.subtract(upper, x), np.subtract(x, lower)) / sigma
        log_kept = np.log(-np.expm1(-hazard_integral(inner, width)))
        tail = -step * (inner + 0.5 * step) - np.log(mills_ratio(inner)) - log_kept
        value = np.where(in_tail, tail, value)
    inside = np.greater_equal(x, lower) & np.less_equal(x, upper)
    value = number_or_minus_infinity(value - np.log(sigma))
    return np.where(inside, value, -np.inf)[()]


def truncated_support(mean: Any, sigma: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return the limits themselves."""
    del mean, sigma
    return lower, upper


# --- its exponential: the truncated log-Gaussian ---------------------------------


@quiet
def truncated_log_gaussian_quantile(
    u: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the exponential of the truncated Gaussian's quantile in ln x."""
    low, high = np.log(lower), np.log(upper)
    x = np.exp(truncated_gaussian_quantile(u, mean, sigma, low, high))
    unknown = 0.0 * _standardised(mean, sigma, low, high)[-1]
    return pinned(x, u, lower + unknown, upper + unknown)


@quiet
def truncated_log_gaussian_inverse_survival(
    s: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with the truncated probability `s` above it."""
    low, high = np.log(lower), np.log(upper)
    x = np.exp(truncated_gaussian_inverse_survival(s, mean, sigma, low, high))
    unknown = 0.0 * _standardised(mean, sigma, low, high)[-1]
    return pinned(x, np.subtract(1.0, s), lower + unknown, upper + unknown)


@quiet
def truncated_log_gaussian_cdf(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the truncated Gaussian's probability below ln x."""
    log_x = np.log(np.maximum(x, 0.0))
    return truncated_gaussian_cdf(log_x, mean, sigma, np.log(lower), np.log(upper))


@quiet
def truncated_log_gaussian_survival(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the truncated Gaussian's probability above ln x."""
    log_x = np.log(np.maximum(x, 0.0))
    return truncated_gaussian_survival(log_x, mean, sigma, np.log(lower), np.log(upper))


@quiet
def truncated_log_gaussian_log_density(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the truncated Gaussian's log-density at ln x, minus ln x."""
    log_x = np.log(x)
    value = truncated_gaussian_log_density(
        log_x, mean, sigma, np.log(lower), np.log(upper)
    )
    # ln x may round to the limit's logarithm before x reaches the limit.
    inside = np.greater_equal(x, lower) & np.less_equal(x, upper)
    return np.where(inside, number_or_minus_infinity(value - log_x), -np.inf)[()]
