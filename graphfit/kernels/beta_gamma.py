"""Prior families whose probabilities are incomplete beta and gamma functions.

The rules are those of :mod:`graphfit.kernels.distributions`.
"""

from typing import Any

import numpy as np
from scipy.special import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    xlogy,
)

from graphfit.kernels.distributions import (
    HALF_LOG_TWO_PI,
    log1p_square,
    number_or_minus_infinity,
    pinned,
    positive,
    quiet,
)

# --- beta ------------------------------------------------------------------------


def beta_quantile_in_unit(u: Any, alpha: Any, beta: Any) -> Any:
    """Return t in [0, 1] with ``I_t(alpha, beta) = u``, also for the smallest u.

    The library's inverse gives up where t is tiny.  There the series
    ``I_t = t^alpha / (alpha B) [1 + alpha (1 - beta) / (alpha + 1) t + ...]`` is inverted.
    """
    log_u = np.log(u) + np.log(alpha) + betaln(alpha, beta)
    first = np.exp(log_u / alpha)
    tiny = np.maximum(1.0, beta) * first < 1e-8
    # A harmless argument where the series is used: the library is slow to give up.
    usual = betaincinv(alpha, beta, np.where(tiny, 0.5, u))
    series = first * (1.0 + (np.subtract(beta, 1.0) / (alpha + 1.0)) * first)
    return np.where(tiny, series, usual)


def _valid_beta(alpha: Any, beta: Any, lower: Any, upper: Any) -> tuple[Any, Any, Any]:
    """Return alpha, beta and the width, NaN where they make no density."""
    return positive(alpha), positive(beta), positive(np.subtract(upper, lower))


@quiet
def beta_quantile(u: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower + (upper - lower) I^-1(u; alpha, beta)``."""
    alpha, beta, width = _valid_beta(alpha, beta, lower, upper)
    x = lower + width * beta_quantile_in_unit(u, alpha, beta)
    return pinned(x, u, lower + 0.0 * x, upper + 0.0 * x)


@quiet
def beta_inverse_survival(s: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return ``upper - (upper - lower) I^-1(s; beta, alpha)``."""
    return -beta_quantile(s, beta, alpha, np.negative(upper), np.negative(lower))


@quiet
def beta_cdf(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return the incomplete beta function ``I_t``, ``t = (x - lower) / (upper - lower)``."""
    alpha, beta, width = _valid_beta(alpha, beta, lower, upper)
    t = np.minimum(np.maximum((x - lower) / width, 0.0), 1.0)
    rest = np.minimum(np.maximum((upper - x) / width, 0.0), 1.0)
    # Through the smaller probability, and the smaller of t and 1 - t: it holds all the
    # digits of x.
    above = betainc(beta, alpha, rest)
    below = np.where(t < 0.5, betainc(alpha, beta, t), betaincc(beta, alpha, rest))
    return np.where(above < 0.5, 1.0 - above, below)[()]


@quiet
def beta_survival(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return the incomplete beta function from the upper limit down to x."""
    return beta_cdf(np.negative(x), beta, alpha, np.negative(upper), np.negative(lower))


@quiet
def beta_log_density(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    """Return ``(alpha - 1) ln t + (beta - 1) ln(1 - t) - ln B - ln(upper - lower)``."""
    alpha, beta, width = _valid_beta(alpha, beta, lower, upper)
    t, rest = (x - lower) / width, (upper - x) / width
    value = xlogy(alpha - 1.0, t) + xlogy(beta - 1.0, rest)
    value = number_or_minus_infinity(value - betaln(alpha, beta) - np.log(width))
    return np.where((t >= 0.0) & (rest >= 0.0), value, -np.inf)[()]


def beta_support(alpha: Any, beta: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Return the limits themselves."""
    del alpha, beta
    return lower, upper


# --- gamma and inverse gamma -----------------------------------------------------


@quiet
def gamma_quantile(u: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale P^-1(shape, u)``, P the lower incomplete gamma function."""
    return positive(scale) * gammaincinv(positive(shape), u)


@quiet
def gamma_inverse_survival(s: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale Q^-1(shape, s)``, Q the upper incomplete gamma function."""
    return positive(scale) * gammainccinv(positive(shape), s)


@quiet
def gamma_cdf(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``P(shape, x / scale)``, 0 for x < 0."""
    return gammainc(positive(shape), np.maximum(x, 0.0) / positive(scale))


@quiet
def gamma_survival(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``Q(shape, x / scale)``, 1 for x < 0."""
    return gammaincc(positive(shape), np.maximum(x, 0.0) / positive(scale))


@quiet
def gamma_log_density(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``(k - 1) ln z - z - ln Gamma(k) - ln scale``, z = x / scale, k = shape."""
    shape, scale = positive(shape), positive(scale)
    z = x / scale
    value = xlogy(shape - 1.0, z) - z - gammaln(shape) - np.log(scale)
    inside = np.greater_equal(x, 0.0)
    return np.where(inside, number_or_minus_infinity(value), -np.inf)[()]


@quiet
def inverse_gamma_quantile(u: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale / Q^-1(shape, u)``."""
    return positive(scale) / gammainccinv(positive(shape), u)


@quiet
def inverse_gamma_inverse_survival(s: Any, shape: Any, scale: Any) -> Any:
    """Return ``scale / P^-1(shape, s)``."""
    return positive(scale) / gammaincinv(positive(shape), s)


@quiet
def inverse_gamma_cdf(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``Q(shape, scale / x)``, 0 for x <= 0."""
    return gammaincc(positive(shape), positive(scale) / np.maximum(x, 0.0))


@quiet
def inverse_gamma_survival(x: Any, shape: Any, scale: Any) -> Any:
    """Return ``P(shape, scale / x)``, 1 for x <= 0."""
    return gammainc(positive(shape), positive(scale) / np.maximum(x, 0.0))


@quiet
def inverse_gamma_log_density(x: Any, shape: Any, scale: Any) -> Any:
    """Return the gamma log-density of ``z = scale / x`` with its Jacobian.

    ``(k + 1) ln z - z - ln Gamma(k) - ln scale`` with k = shape.
    """
    shape, scale = positive(shape), positive(scale)
    z = scale / x
    value = xlogy(shape + 1.0, z) - z - gammaln(shape) - np.log(scale)
    inside = np.greater(x, 0.0)
    return np.where(inside, number_or_minus_infinity(value), -np.inf)[()]


# --- Student's t -----------------------------------------------------------------


def _student_t_distance(p: Any, df: Any) -> Any:
    """Return |t| beyond which each tail holds the probability p <= 1/2.

    With ``w = t^2 / (df + t^2)``, 2 p = I_{1-w}(df / 2, 1 / 2).  Near the centre w is
    what is known well, in the tails 1 - w: each is inverted where it is small.
    """
    half = 0.5 * df
    w = betainccinv(0.5, half, 2.0 * p)
    y = beta_quantile_in_unit(2.0 * p, half, 0.5)
    # y may underflow: then ln y, from the first term of the series, is enough.
    log_y = (np.log(2.0 * p) + np.log(half) + betaln(half, 0.5)) / half
    far = np.exp(0.5 * (np.log(df) - log_y))
    tail = np.where(y > 1e-150, np.sqrt(df * ((1.0 - y) / y)), far)
    return np.where(w < 0.5, np.sqrt(df * (w / (1.0 - w))), tail)


@quiet
def student_t_quantile(u: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean + sigma T^-1(u; df)``."""
    above = np.subtract(1.0, u)
    distance = _student_t_distance(np.minimum(u, above), positive(df))
    return mean + positive(sigma) * np.copysign(distance, u - above)


@quiet
def student_t_inverse_survival(s: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``mean - sigma T^-1(s; df)``."""
    return -student_t_quantile(s, df, np.negative(mean), sigma)


def _student_t_below(t: Any, df: Any) -> Any:
    """Return P(T <= t), through the probability beyond |t| on one side."""
    half = 0.5 * df
    r = np.abs(t) / np.sqrt(df)
    y = 1.0 / (1.0 + r * r)
    centre = 1.0 - betainc(0.5, half, r * r * y)
    near = betaincc(0.5, half, r * r * y)
    far = betainc(half, 0.5, y)
    # Where r^2 overflows, the first term of the series in 1 / r.
    log_r = np.log(np.abs(t)) - 0.5 * np.log(df)
    very_far = np.exp(-df * log_r - betaln(half, 0.5)) / half
    tail = np.where(r < 1.0, near, np.where(r < 1e8, far, very_far))
    beyond = 0.5 * np.where(np.abs(t) < 1.0, centre, tail)
    return np.where(np.less(t, 0.0), beyond, 1.0 - beyond)[()]


@quiet
def student_t_cdf(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``T((x - mean) / sigma; df)``."""
    return _student_t_below(np.subtract(x, mean) / positive(sigma), positive(df))


@quiet
def student_t_survival(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``T((mean - x) / sigma; df)``."""
    return _student_t_below(np.subtract(mean, x) / positive(sigma), positive(df))


def _log_gamma_step(a: Any) -> Any:
    """Return ``ln Gamma(a + 1/2) - ln Gamma(a) - ln(a) / 2``, without cancellation."""
    exact = gammaln(a + 0.5) - gammaln(a) - 0.5 * np.log(a)
    r = 1.0 / (a * a)
    # Stirling's series; the next term is below 4e-15 from a = 20 on.
    terms = -1.0 / 8.0 + r * (1.0 / 192.0 + r * (-1.0 / 640.0 + r * (17.0 / 14336.0)))
    return np.where(a < 20.0, exact, terms / a)


@quiet
def student_t_log_density(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    """Return ``ln Gamma((df+1)/2) - ln Gamma(df/2) - ln(pi df)/2 - ln sigma - ...``.

    The remaining term is ``(df + 1) / 2 ln(1 + z^2 / df)`` with z = (x - mean) / sigma.
    """
    df = positive(df)
    t = np.subtract(x, mean) / sigma / np.sqrt(df)
    tail = 0.5 * (df + 1.0) * log1p_square(t)
    value = _log_gamma_step(0.5 * df) - HALF_LOG_TWO_PI - np.log(sigma) - tail
    return number_or_minus_infinity(value)[()]
