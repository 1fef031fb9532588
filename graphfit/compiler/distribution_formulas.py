"""Probabilities of the elementary prior families, as formulas that can be traced.

Each does what the function of its name in :mod:`graphfit.kernels.distributions` does, for
one point: arguments that make no density give NaN.
"""

import math
from typing import Any

import numpy as np
from scipy import special

SQRT_TWO = math.sqrt(2.0)


def positive(scale: Any) -> Any:
    """Return `scale`, NaN where it is not above zero."""
    return np.where(scale > 0.0, scale, np.nan)


def clipped(p: Any) -> Any:
    """Return a probability kept in [0, 1]."""
    return np.minimum(np.maximum(p, 0.0), 1.0)


def pinned(x: Any, u: Any, lower: Any, upper: Any) -> Any:
    """Return quantiles kept between the limits, and equal to them at u = 0 and 1."""
    kept = np.minimum(np.maximum(x, lower), upper)
    return np.where(u <= 0.0, lower, np.where(u >= 1.0, upper, kept))


# --- uniform and log-uniform -----------------------------------------------------


def uniform_quantile(u: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower + u (upper - lower)``."""
    width = positive(upper - lower)
    kept = np.minimum(lower + u * width, upper)
    return np.where(u >= 1.0, upper + 0.0 * width, kept)


def uniform_inverse_survival(s: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper - s (upper - lower)``."""
    return -uniform_quantile(s, -upper, -lower)


def uniform_cdf(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``(x - lower) / (upper - lower)``, clipped to [0, 1]."""
    return clipped((x - lower) / positive(upper - lower))


def uniform_survival(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``(upper - x) / (upper - lower)``, clipped to [0, 1]."""
    return clipped((upper - x) / positive(upper - lower))


def log_ratio(high: Any, low: Any) -> Any:
    """Return ``ln(high / low)``, also where the two are close or their ratio overflows."""
    excess = (high - low) / low
    return np.where(excess < 1.0, np.log1p(excess), np.log(high) - np.log(low))


def _positive_limits(lower: Any, upper: Any) -> tuple[Any, Any]:
    valid = np.logical_and(lower > 0.0, lower < upper)
    return np.where(valid, lower, np.nan), np.where(valid, upper, np.nan)


def log_uniform_quantile(u: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower (upper / lower)^u``."""
    lower, upper = _positive_limits(lower, upper)
    factor = np.exp(u * (0.5 * log_ratio(upper, lower)))
    return pinned(lower * factor * factor, u, lower, upper)


def log_uniform_inverse_survival(s: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper (lower / upper)^s``."""
    lower, upper = _positive_limits(lower, upper)
    factor = np.exp(s * (-0.5 * log_ratio(upper, lower)))
    return pinned(upper * factor * factor, 1.0 - s, lower, upper)


def log_uniform_cdf(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``ln(x / lower) / ln(upper / lower)``, clipped to [0, 1]."""
    lower, upper = _positive_limits(lower, upper)
    inside = np.minimum(np.maximum(x, lower), upper)
    return log_ratio(inside, lower) / log_ratio(upper, lower)


def log_uniform_survival(x: Any, lower: Any, upper: Any) -> Any:
    """Return ``ln(upper / x) / ln(upper / lower)``, clipped to [0, 1]."""
    lower, upper = _positive_limits(lower, upper)
    inside = np.minimum(np.maximum(x, lower), upper)
    return log_ratio(upper, inside) / log_ratio(upper, lower)


# --- Gaussian, log-Gaussian, half-Gaussian ---------------------------------------


def gaussian_quantile(u: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean + sigma Phi^-1(u)``."""
    return mean + positive(sigma) * special.ndtri(u)


def gaussian_inverse_survival(s: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean - sigma Phi^-1(s)``."""
    return mean - positive(sigma) * special.ndtri(s)


def gaussian_cdf(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((x - mean) / sigma)``."""
    return special.ndtr((x - mean) / positive(sigma))


def gaussian_survival(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((mean - x) / sigma)``."""
    return special.ndtr((mean - x) / positive(sigma))


def log_gaussian_quantile(u: Any, mean: Any, sigma: Any) -> Any:
    """Return ``exp(mean + sigma Phi^-1(u))``."""
    return np.exp(gaussian_quantile(u, mean, sigma))


def log_gaussian_inverse_survival(s: Any, mean: Any, sigma: Any) -> Any:
    """Return ``exp(mean - sigma Phi^-1(s))``."""
    return np.exp(gaussian_inverse_survival(s, mean, sigma))


def log_gaussian_cdf(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((ln x - mean) / sigma)``, 0 for x <= 0."""
    return gaussian_cdf(np.log(np.maximum(x, 0.0)), mean, sigma)


def log_gaussian_survival(x: Any, mean: Any, sigma: Any) -> Any:
    """Return ``Phi((mean - ln x) / sigma)``, 1 for x <= 0."""
    return gaussian_survival(np.log(np.maximum(x, 0.0)), mean, sigma)


def half_gaussian_quantile(u: Any, sigma: Any) -> Any:
    """Return ``sqrt(2) sigma erf^-1(u)``."""
    return SQRT_TWO * positive(sigma) * special.erfinv(u)


def half_gaussian_inverse_survival(s: Any, sigma: Any) -> Any:
    """Return ``sqrt(2) sigma erfc^-1(s)``."""
    return SQRT_TWO * positive(sigma) * special.erfcinv(s)


def half_gaussian_cdf(x: Any, sigma: Any) -> Any:
    """Return ``erf(x / (sqrt(2) sigma))``, 0 for x < 0."""
    return special.erf(np.maximum(x, 0.0) / (SQRT_TWO * positive(sigma)))


def half_gaussian_survival(x: Any, sigma: Any) -> Any:
    """Return ``erfc(x / (sqrt(2) sigma))``, 1 for x < 0."""
    return special.erfc(np.maximum(x, 0.0) / (SQRT_TWO * positive(sigma)))


# --- half-Cauchy and exponential -------------------------------------------------


def _half_cauchy_value(below: Any, above: Any, sigma: Any) -> Any:
    inner = np.tan((0.5 * np.pi) * np.minimum(below, above))
    return positive(sigma) * np.where(below < above, inner, 1.0 / inner)


def half_cauchy_quantile(u: Any, sigma: Any) -> Any:
    """Return ``sigma tan(pi u / 2)``."""
    return _half_cauchy_value(u, 1.0 - u, sigma)


def half_cauchy_inverse_survival(s: Any, sigma: Any) -> Any:
    """Return ``sigma / tan(pi s / 2)``."""
    return _half_cauchy_value(1.0 - s, s, sigma)


def half_cauchy_cdf(x: Any, sigma: Any) -> Any:
    """Return ``(2 / pi) arctan(x / sigma)``, 0 for x < 0."""
    return np.arctan2(np.maximum(x, 0.0), positive(sigma)) * (2.0 / np.pi)


def half_cauchy_survival(x: Any, sigma: Any) -> Any:
    """Return ``(2 / pi) arctan(sigma / x)``, 1 for x < 0."""
    return np.arctan2(positive(sigma), np.maximum(x, 0.0)) * (2.0 / np.pi)


def exponential_quantile(u: Any, scale: Any) -> Any:
    """Return ``-scale ln(1 - u)``."""
    return positive(scale) * -np.log1p(-u)


def exponential_inverse_survival(s: Any, scale: Any) -> Any:
    """Return ``-scale ln s``."""
    return positive(scale) * -np.log(s)


def exponential_cdf(x: Any, scale: Any) -> Any:
    """Return ``1 - exp(-x / scale)``, 0 for x < 0."""
    return -np.expm1(-np.maximum(x, 0.0) / positive(scale))


def exponential_survival(x: Any, scale: Any) -> Any:
    """Return ``exp(-x / scale)``, 1 for x < 0."""
    return np.exp(-np.maximum(x, 0.0) / positive(scale))
