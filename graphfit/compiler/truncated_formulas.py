"""Probabilities of truncated Gaussians, as formulas that can be traced.

Each does what the function of its name in :mod:`graphfit.kernels.truncated_gaussian` does,
for one point; that file has the equations.  Where limits are numbers, what their place
decides is decided when the formula is written.
"""

from typing import Any

import numpy as np
from scipy import special

from graphfit.compiler.distribution_formulas import SQRT_TWO, clipped, pinned
from graphfit.compiler.operations import Apply
from graphfit.kernels.truncated_gaussian import NEAR, TINY

hazard_integral = Apply("hazard_integral")
hazard_step = Apply("hazard_step")


def _standardised(mean: Any, sigma: Any, lower: Any, upper: Any) -> tuple[Any, ...]:
    """Return a, b and b - a in units of sigma, and sigma; NaN where impossible."""
    valid = np.logical_and(
        np.logical_and(sigma > 0.0, lower < upper), np.isfinite(mean)
    )
    sigma = np.where(valid, sigma, np.nan)
    return (
        (lower - mean) / sigma,
        (upper - mean) / sigma,
        (upper - lower) / sigma,
        sigma,
    )


def _straddling_mass(a: Any, b: Any) -> Any:
    return 0.5 * (special.erf(b / SQRT_TWO) - special.erf(a / SQRT_TWO))


def _recounted_in_middle(
    wanted: Any, u: Any, v: Any, z: Any, a: Any, b: Any
) -> tuple[Any, Any]:
    """Return whether the lower limit is nearer, and the distance; NaN if not wanted."""
    from_lower = z - a <= b - z
    limit = np.where(from_lower, -a, b)
    cut = np.where(from_lower, special.ndtr(a), special.ndtr(-b))
    inside = np.where(from_lower, u, v) * _straddling_mass(a, b)
    target = np.where(wanted, np.log1p(inside / cut), np.nan)
    return from_lower, hazard_step(limit, -1.0, target)


def _recounted_in_tail(
    wanted: Any, u: Any, v: Any, limits: tuple[Any, Any, Any]
) -> tuple[Any, Any]:
    """Return whether the lower limit is nearer, and the distance; NaN if not wanted."""
    a, b, width = limits
    mirrored = b < 0.0
    inner, outer = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    before, behind = np.where(mirrored, v, u), np.where(mirrored, u, v)
    total = hazard_integral(inner, width)
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
        np.where(wanted, np.where(is_inner, from_inner, to_outer), np.nan),
    )
    return np.not_equal(is_inner, mirrored), step


def truncated_gaussian_quantile(
    u: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with ``[Phi(z) - Phi(a)] / [Phi(b) - Phi(a)] = u``, z = (x - mean) / sigma.

    a and b are the limits in the same units as z.
    """
    a, b, width, sigma = _standardised(mean, sigma, lower, upper)
    v = 1.0 - u
    below = v * special.ndtr(a) + u * special.ndtr(b)
    above = v * special.ndtr(-a) + u * special.ndtr(-b)
    smaller = np.minimum(below, above)
    size = special.ndtri(smaller)  # not above zero
    z = np.where(below < above, size, -size)
    x = mean + sigma * z
    tail = np.logical_or(a > 0.0, b < 0.0)
    near_lower = z - a < NEAR * (1.0 + abs(a))
    near = np.logical_or(near_lower, b - z < NEAR * (1.0 + abs(b)))
    in_tail = np.logical_or(near, smaller < TINY)
    from_lower, step = (
        np.where(tail, far, middle)
        for far, middle in zip(
            _recounted_in_tail(np.logical_and(tail, in_tail), u, v, (a, b, width)),
            _recounted_in_middle(near, u, v, z, a, b),
            strict=True,
        )
    )
    counted = np.where(from_lower, lower + sigma * step, upper - sigma * step)
    x = np.where(np.where(tail, in_tail, near), counted, x)
    unknown = 0.0 * sigma
    return pinned(x, u, lower + unknown, upper + unknown)


def truncated_gaussian_inverse_survival(
    s: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with the truncated probability `s` above it."""
    return -truncated_gaussian_quantile(s, -mean, sigma, -upper, -lower)


def truncated_gaussian_cdf(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return ``[Phi(z) - Phi(a)] / [Phi(b) - Phi(a)]``, clipped to [0, 1]."""
    a, b, width, sigma = _standardised(mean, sigma, lower, upper)
    x = np.minimum(np.maximum(x, lower), upper)
    z, step, rest = (x - mean) / sigma, (x - lower) / sigma, (upper - x) / sigma
    next_to_a = np.logical_and(step < 1.0, a > -37.0)
    grown = np.where(
        next_to_a,
        special.ndtr(a) * np.expm1(hazard_integral(-a, -step)),
        special.ndtr(z) - special.ndtr(a),
    )
    middle = np.where(z > 0.0, _straddling_mass(a, z), grown) / _straddling_mass(a, b)
    kept_above, kept_below = hazard_integral(a, width), hazard_integral(-b, width)
    upper_tail = np.expm1(-hazard_integral(a, step)) / np.expm1(-kept_above)
    lower_tail = np.expm1(-hazard_integral(-a, -step)) / np.expm1(-kept_below)
    lower_tail = lower_tail * np.exp(-hazard_integral(-b, rest))
    value = np.where(a > 0.0, upper_tail, np.where(b < 0.0, lower_tail, middle))
    unknown = 0.0 * sigma
    value = clipped(value)
    return np.where(x <= lower, unknown, np.where(x >= upper, 1.0 + unknown, value))


def truncated_gaussian_survival(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return ``[Phi(b) - Phi(z)] / [Phi(b) - Phi(a)]``, clipped to [0, 1]."""
    return truncated_gaussian_cdf(-x, -mean, sigma, -upper, -lower)


# --- its exponential: the truncated log-Gaussian ---------------------------------


def truncated_log_gaussian_quantile(
    u: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the exponential of the truncated Gaussian's quantile in ln x."""
    low, high = np.log(lower), np.log(upper)
    x = np.exp(truncated_gaussian_quantile(u, mean, sigma, low, high))
    unknown = 0.0 * _standardised(mean, sigma, low, high)[-1]
    return pinned(x, u, lower + unknown, upper + unknown)


def truncated_log_gaussian_inverse_survival(
    s: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return x with the truncated probability `s` above it."""
    low, high = np.log(lower), np.log(upper)
    x = np.exp(truncated_gaussian_inverse_survival(s, mean, sigma, low, high))
    unknown = 0.0 * _standardised(mean, sigma, low, high)[-1]
    return pinned(x, 1.0 - s, lower + unknown, upper + unknown)


def truncated_log_gaussian_cdf(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the truncated Gaussian's probability below ln x."""
    log_x = np.log(np.maximum(x, 0.0))
    return truncated_gaussian_cdf(log_x, mean, sigma, np.log(lower), np.log(upper))


def truncated_log_gaussian_survival(
    x: Any, mean: Any, sigma: Any, lower: Any, upper: Any
) -> Any:
    """Return the truncated Gaussian's probability above ln x."""
    log_x = np.log(np.maximum(x, 0.0))
    return truncated_gaussian_survival(log_x, mean, sigma, np.log(lower), np.log(upper))
