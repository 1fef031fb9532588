"""Probabilities of beta, gamma and t priors, as formulas that can be traced.

Each does what the function of its name in :mod:`graphfit.kernels.beta_gamma` does, for one
point.  A formula computes all its choices; the inverses are dear, and give NaN for NaN at
once, so they are handed one where another choice will be taken.
"""

from typing import Any

import numpy as np

from graphfit.compiler.distribution_formulas import clipped, pinned, positive
from graphfit.compiler.operations import Apply

betaln = Apply("betaln")
betainc = Apply("betainc")
betaincc = Apply("betaincc")
betaincinv = Apply("betaincinv")
betainccinv = Apply("betainccinv")
gammainc = Apply("gammainc")
gammaincc = Apply("gammaincc")
gammaincinv = Apply("gammaincinv")
gammainccinv = Apply("gammainccinv")


def wanted(condition: Any, argument: Any) -> Any:
    """Return the argument of a dear function, NaN where its value is not wanted."""
    return np.where(condition, argument, np.nan)


# --- beta ------------------------------------------------------------------------


def _quantile_in_unit(u: Any, alpha: Any, beta: Any) -> Any:
    log_u = np.log(u) + np.log(alpha) + betaln(alpha, beta)
    first = np.exp(log_u / alpha)
    tiny = np.maximum(1.0, beta) * first < 1e-8
    usual = betaincinv(alpha, beta, wanted(np.logical_not(tiny), u))
    series = first * (1.0 + ((beta - 1.0) / (alpha + 1.0)) * first)
    return np.where(tiny, series, usual)


def beta_quantile(u: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower + (upper - lower) I^-1(u; alpha, beta)``."""
    width = positive(upper - lower)
    x = lower + width * _quantile_in_unit(u, positive(alpha), positive(beta))
    return pinned(x, u, lower + 0.0 * x, upper + 0.0 * x)


def beta_inverse_survival(s: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper - (upper - lower) I^-1(s; beta, alpha)``."""
    return -beta_quantile(s, beta, alpha, -upper, -lower)


def beta_cdf(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return the incomplete beta function ``I_t``, ``t = (x - lower) / (upper - lower)``."""
    alpha, beta, width = positive(alpha), positive(beta), positive(upper - lower)
    t, rest = clipped((x - lower) / width), clipped((upper - x) / width)
    above = betainc(beta, alpha, rest)
    is_low = above >= 0.5
    near = wanted(np.logical_and(is_low, t < 0.5), t)
    far = wanted(np.logical_and(is_low, t >= 0.5), rest)
    low = np.where(t < 0.5, betainc(alpha, beta, near), betaincc(beta, alpha, far))
    return np.where(above < 0.5, 1.0 - above, low)


def beta_survival(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return the incomplete beta function from the upper limit down to x."""
    return beta_cdf(-x, beta, alpha, -upper, -lower)


# --- gamma and inverse gamma -----------------------------------------------------


def gamma_quantile(u: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale P^-1(shape, u)``, P the lower incomplete gamma function."""
    return positive(scale) * gammaincinv(positive(shape), u)


def gamma_inverse_survival(s: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale Q^-1(shape, s)``, Q the upper incomplete gamma function."""
    return positive(scale) * gammainccinv(positive(shape), s)


def gamma_cdf(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``P(shape, x / scale)``, 0 for x < 0."""
    return gammainc(positive(shape), np.maximum(x, 0.0) / positive(scale))


def gamma_survival(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``Q(shape, x / scale)``, 1 for x < 0."""
    return gammaincc(positive(shape), np.maximum(x, 0.0) / positive(scale))


def inverse_gamma_quantile(u: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale / Q^-1(shape, u)``."""
    return positive(scale) / gammainccinv(positive(shape), u)


def inverse_gamma_inverse_survival(s: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale / P^-1(shape, s)``."""
    return positive(scale) / gammaincinv(positive(shape), s)


def inverse_gamma_cdf(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``Q(shape, scale / x)``, 0 for x <= 0."""
    return gammaincc(positive(shape), positive(scale) / np.maximum(x, 0.0))


def inverse_gamma_survival(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``P(shape, scale / x)``, 1 for x <= 0."""
    return gammainc(positive(shape), positive(scale) / np.maximum(x, 0.0))


# --- Student's t -----------------------------------------------------------------


def _student_t_distance(p: Any, df: Any) -> Any:
    half = 0.5 * df
    w = betainccinv(0.5, half, 2.0 * p)
    is_near = w < 0.5
    y = _quantile_in_unit(wanted(np.logical_not(is_near), 2.0 * p), half, 0.5)
    log_y = (np.log(2.0 * p) + np.log(half) + betaln(half, 0.5)) / half
    far = np.exp(0.5 * (np.log(df) - log_y))
    tail = np.where(y > 1e-150, np.sqrt(df * ((1.0 - y) / y)), far)
    return np.where(is_near, np.sqrt(df * (w / (1.0 - w))), tail)


def student_t_quantile(u: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean + sigma T^-1(u; df)``."""
    above = 1.0 - u
    distance = _student_t_distance(np.minimum(u, above), positive(df))
    return mean + positive(sigma) * np.where(u < above, -distance, distance)


def student_t_inverse_survival(s: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean - sigma T^-1(s; df)``."""
    return -student_t_quantile(s, df, -mean, sigma)


def _student_t_below(t: Any, df: Any) -> Any:
    half, size = 0.5 * df, abs(t)
    r = size / np.sqrt(df)
    y = 1.0 / (1.0 + r * r)
    centre = 1.0 - betainc(0.5, half, wanted(size < 1.0, r * r * y))
    near = betaincc(0.5, half, wanted(size >= 1.0, r * r * y))
    far = betainc(half, 0.5, wanted(size >= 1.0, y))
    log_r = np.log(size) - 0.5 * np.log(df)
    very_far = np.exp(-df * log_r - betaln(half, 0.5)) / half
    tail = np.where(r < 1.0, near, np.where(r < 1e8, far, very_far))
    beyond = 0.5 * np.where(size < 1.0, centre, tail)
    return np.where(t < 0.0, beyond, 1.0 - beyond)


def student_t_cdf(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``T((x - mean) / sigma; df)``."""
    return _student_t_below((x - mean) / positive(sigma), positive(df))


def student_t_survival(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``T((mean - x) / sigma; df)``."""
    return _student_t_below((mean - x) / positive(sigma), positive(df))
