"""Prior families whose probabilities are elementary functions, or the error function.

One rule for all families, here and in the two files beside this one:

* arguments broadcast; Python floats give one number back;
* quantiles are exact at ``u = 0`` and ``u = 1``: the limits of the support;
* probabilities are relatively accurate in the lower tail; their `survival` twins, in the
  upper tail;
* arguments that make no density (a relation that gave ``sigma <= 0``, limits the wrong way
  round) never warn: the log-density is minus infinity, all else is NaN.
"""

from typing import Any

import numpy as np
from scipy.special import erf, erfc, erfcinv, erfinv, ndtr, ndtri

HALF_LOG_TWO_PI = 0.9189385332046727
SQRT_TWO = 1.4142135623730951

# Impossible arguments travel as NaN, and infinities are legitimate values here.
quiet = np.errstate(all="ignore")


def positive(scale: Any) -> Any:
    """Return `scale`, NaN where it is not above zero."""
    return np.where(np.greater(scale, 0.0), scale, np.nan)


def number_or_minus_infinity(log_density: Any) -> Any:
    """Return the log-density, minus infinity where it is NaN."""
    return np.fmax(log_density, -np.inf)


def pinned(x: Any, u: Any, lower: Any, upper: Any) -> Any:
    """Return quantiles kept between the limits, and equal to them at u = 0 and 1."""
    kept = np.minimum(np.maximum(x, lower), upper)
    return np.where(u <= 0.0, lower, np.where(u >= 1.0, upper, kept))[()]


def log1p_square(t: Any) -> Any:
    """Return ``ln(1 + t^2)``, also where the square overflows."""
    size = np.abs(t)
    return np.where(size < 1e8, np.log1p(t * t), 2.0 * np.log(size))


# --- uniform ---------------------------------------------------------------------


@quiet
def uniform_quantile(u: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower + u (upper - lower)``."""
    width = positive(np.subtract(upper, lower))
    # The sum may round past the limit, or short of it.
    kept = np.minimum(lower + u * width, upper)
    return np.where(np.greater_equal(u, 1.0), upper + 0.0 * width, kept)[()]


@quiet
def uniform_inverse_survival(s: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper - s (upper - lower)``."""
    return -uniform_quantile(s, np.negative(upper), np.negative(lower))


@quiet
def uniform_cdf(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``(x - lower) / (upper - lower)``, clipped to [0, 1]."""
    width = positive(np.subtract(upper, lower))
    return np.minimum(np.maximum((x - lower) / width, 0.0), 1.0)


@quiet
def uniform_survival(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``(upper - x) / (upper - lower)``, clipped to [0, 1]."""
    width = positive(np.subtract(upper, lower))
    return np.minimum(np.maximum((upper - x) / width, 0.0), 1.0)


@quiet
def uniform_log_density(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``-ln(upper - lower)`` inside the limits, minus infinity outside."""
    width = np.subtract(upper, lower)
    inside = np.greater_equal(x, lower) & np.less_equal(x, upper) & (width > 0.0)
    return np.where(inside, -np.log(width), -np.inf)[()]


def uniform_support(lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return the limits themselves."""
    return lower, upper


# --- flat, without an integral ---------------------------------------------------


@quiet
def flat_log_density(x: Any, lower: Any, upper: Any) -> Any:
    """Return 0 at finite x inside the limits, minus infinity outside."""
    inside = np.greater_equal(x, lower) & np.less_equal(x, upper) & np.isfinite(x)
    return np.where(inside & np.less(lower, upper), 0.0, -np.inf)[()]


@quiet
def no_probability(x: Any, lower: Any, upper: Any) -> Any:
    """Return NaN: a density without an integral has no quantiles or probabilities."""
    return np.nan * (x + 0.0 * np.add(lower, upper))


# --- log-uniform -----------------------------------------------------------------


def log_ratio(high: Any, low: Any) -> Any:
    """Return ``ln(high / low)``, also where the two are close or their ratio overflows."""
    excess = np.subtract(high, low) / low
    apart = np.log(high) - np.log(low)
    return np.where(excess < 1.0, np.log1p(excess), apart)


def _positive_limits(lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return the limits, NaN where they are not ``0 < lower < upper``."""
    valid = np.greater(lower, 0.0) & np.less(lower, upper)
    return np.where(valid, lower, np.nan), np.where(valid, upper, np.nan)


@quiet
def log_uniform_quantile(u: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower (upper / lower)^u``."""
    lower, upper = _positive_limits(lower, upper)
    # Counted from the lower limit, in two steps: one factor may overflow.
    factor = np.exp(0.5 * u * log_ratio(upper, lower))
    return pinned(lower * factor * factor, u, lower, upper)


@quiet
def log_uniform_inverse_survival(s: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper (lower / upper)^s``."""
    lower, upper = _positive_limits(lower, upper)
    factor = np.exp(-0.5 * s * log_ratio(upper, lower))
    return pinned(upper * factor * factor, np.subtract(1.0, s), lower, upper)


@quiet
def log_uniform_cdf(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``ln(x / lower) / ln(upper / lower)``, clipped to [0, 1]."""
    lower, upper = _positive_limits(lower, upper)
    inside = np.minimum(np.maximum(x, lower), upper)
    return (log_ratio(inside, lower) / log_ratio(upper, lower))[()]


@quiet
def log_uniform_survival(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``ln(upper / x) / ln(upper / lower)``, clipped to [0, 1]."""
    lower, upper = _positive_limits(lower, upper)
    inside = np.minimum(np.maximum(x, lower), upper)
    return (log_ratio(upper, inside) / log_ratio(upper, lower))[()]


@quiet
def log_uniform_log_density(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``-ln x - ln ln(upper / lower)`` inside the limits."""
    lower, upper = _positive_limits(lower, upper)
    inside = (x >= lower) & (x <= upper)
    value = -np.log(x) - np.log(log_ratio(upper, lower))
    return np.where(inside, value, -np.inf)[()]


# --- Gaussian and log-Gaussian ---------------------------------------------------


@quiet
def gaussian_quantile(u: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean + sigma Phi^-1(u)``."""
    return mean + positive(sigma) * ndtri(u)


@quiet
def gaussian_inverse_survival(s: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean - sigma Phi^-1(s)``."""
    return mean - positive(sigma) * ndtri(s)


@quiet
def gaussian_cdf(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((x - mean) / sigma)``."""
    return ndtr(np.subtract(x, mean) / positive(sigma))


@quiet
def gaussian_survival(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((mean - x) / sigma)``."""
    return ndtr(np.subtract(mean, x) / positive(sigma))


@quiet
def gaussian_log_density(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``-z^2 / 2 - ln sigma - ln(2 pi) / 2`` with ``z = (x - mean) / sigma``."""
    z = np.subtract(x, mean) / sigma
    return number_or_minus_infinity(-0.5 * z * z - np.log(sigma) - HALF_LOG_TWO_PI)


def whole_line(*arguments: Any) -> tuple[float, float]:
    """Return the support of a density of all numbers."""
    del arguments
    return -np.inf, np.inf


@quiet
def log_gaussian_quantile(u: Any, mean: Any, sigma: Any) -> Any:
    """Return ``exp(mean + sigma Phi^-1(u))``."""
    return np.exp(gaussian_quantile(u, mean, sigma))


@quiet
def log_gaussian_inverse_survival(s: Any, mean: Any, sigma: Any) -> Any:
    """Return ``exp(mean - sigma Phi^-1(s))``."""
    return np.exp(gaussian_inverse_survival(s, mean, sigma))


@quiet
def log_gaussian_cdf(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((ln x - mean) / sigma)``, 0 for x <= 0."""
    return gaussian_cdf(np.log(np.maximum(x, 0.0)), mean, sigma)


@quiet
def log_gaussian_survival(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((mean - ln x) / sigma)``, 1 for x <= 0."""
    return gaussian_survival(np.log(np.maximum(x, 0.0)), mean, sigma)


@quiet
def log_gaussian_log_density(x: Any, mean: Any, sigma: Any) -> Any:
    """Return the Gaussian's log-density at ``ln x``, minus ``ln x``."""
    log_x = np.log(x)
    return number_or_minus_infinity(gaussian_log_density(log_x, mean, sigma) - log_x)


def positive_half_line(*arguments: Any) -> tuple[float, float]:
    """Return the support of a density of positive numbers."""
    del arguments
    return 0.0, np.inf


# --- half-Gaussian ---------------------------------------------------------------


@quiet
def half_gaussian_quantile(u: Any, sigma: Any) -> Any:
    """Return ``sqrt(2) sigma erf^-1(u)``."""
    return SQRT_TWO * positive(sigma) * erfinv(u)


@quiet
def half_gaussian_inverse_survival(s: Any, sigma: Any) -> Any:
    """Return ``sqrt(2) sigma erfc^-1(s)``."""
    return SQRT_TWO * positive(sigma) * erfcinv(s)


@quiet
def half_gaussian_cdf(x: Any, sigma: Any) -> Any:
    """Return ``erf(x / (sqrt(2) sigma))``, 0 for x < 0."""
    return erf(np.maximum(x, 0.0) / (SQRT_TWO * positive(sigma)))


@quiet
def half_gaussian_survival(x: Any, sigma: Any) -> Any:
    """Return ``erfc(x / (sqrt(2) sigma))``, 1 for x < 0."""
    return erfc(np.maximum(x, 0.0) / (SQRT_TWO * positive(sigma)))


@quiet
def half_gaussian_log_density(x: Any, sigma: Any) -> Any:
    """Return ``ln 2`` plus the log-density of N(0, sigma^2) for x >= 0."""
    value = gaussian_log_density(x, 0.0, sigma) + np.log(2.0)
    return np.where(np.greater_equal(x, 0.0), value, -np.inf)[()]


# --- half-Cauchy -----------------------------------------------------------------


def _half_cauchy_value(below: Any, above: Any, sigma: Any) -> Any:
    """Return x from the probabilities on its two sides, using the smaller one."""
    inner = np.tan(0.5 * np.pi * np.minimum(below, above))
    return positive(sigma) * np.where(np.less(below, above), inner, 1.0 / inner)


@quiet
def half_cauchy_quantile(u: Any, sigma: Any) -> Any:
    """Return ``sigma tan(pi u / 2)``."""
    return _half_cauchy_value(u, np.subtract(1.0, u), sigma)


@quiet
def half_cauchy_inverse_survival(s: Any, sigma: Any) -> Any:
    """Return ``sigma / tan(pi s / 2)``."""
    return _half_cauchy_value(np.subtract(1.0, s), s, sigma)


@quiet
def half_cauchy_cdf(x: Any, sigma: Any) -> Any:
    """Return ``(2 / pi) arctan(x / sigma)``, 0 for x < 0."""
    return np.arctan2(np.maximum(x, 0.0), positive(sigma)) * (2.0 / np.pi)


@quiet
def half_cauchy_survival(x: Any, sigma: Any) -> Any:
    """Return ``(2 / pi) arctan(sigma / x)``, 1 for x < 0."""
    return np.arctan2(positive(sigma), np.maximum(x, 0.0)) * (2.0 / np.pi)


@quiet
def half_cauchy_log_density(x: Any, sigma: Any) -> Any:
    """Return ``ln(2 / (pi sigma)) - ln(1 + (x / sigma)^2)`` for x >= 0."""
    value = np.log(2.0 / np.pi) - np.log(sigma) - log1p_square(np.divide(x, sigma))
    inside = np.greater_equal(x, 0.0)
    return np.where(inside, number_or_minus_infinity(value), -np.inf)[()]


# --- exponential -----------------------------------------------------------------


@quiet
def exponential_quantile(u: Any, scale: Any) -> Any:
    """Return ``-scale ln(1 - u)``."""
    return positive(scale) * -np.log1p(np.negative(u))


@quiet
def exponential_inverse_survival(s: Any, scale: Any) -> Any:
    """Return ``-scale ln s``."""
    return positive(scale) * -np.log(s)


@quiet
def exponential_cdf(x: Any, scale: Any) -> Any:
    """Return ``1 - exp(-x / scale)``, 0 for x < 0."""
    return -np.expm1(-np.maximum(x, 0.0) / positive(scale))


@quiet
def exponential_survival(x: Any, scale: Any) -> Any:
    """Return ``exp(-x / scale)``, 1 for x < 0."""
    return np.exp(-np.maximum(x, 0.0) / positive(scale))


@quiet
def exponential_log_density(x: Any, scale: Any) -> Any:
    """Return ``-x / scale - ln scale`` for x >= 0."""
    value = number_or_minus_infinity(np.negative(x) / scale - np.log(scale))
    return np.where(np.greater_equal(x, 0.0), value, -np.inf)[()]
