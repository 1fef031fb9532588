"""The prior families as a textbook writes them: one number at a time, no shortcuts.

Each function returns f(x) for x inside the support and sensible arguments.
"""

from collections.abc import Sequence
from math import erfc, exp, factorial, gamma, log, pi, prod, sqrt

from graphfit.priors import Prior


def uniform(x, lower, upper):
    return 1.0 / (upper - lower)


def log_uniform(x, lower, upper):
    return 1.0 / (x * log(upper / lower))


def gaussian(x, mean, sigma):
    return exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * sqrt(2.0 * pi))


def truncated_gaussian(x, mean, sigma, lower, upper):
    below = 0.5 * erfc((mean - lower) / (sigma * sqrt(2.0)))
    above = 0.5 * erfc((upper - mean) / (sigma * sqrt(2.0)))
    return gaussian(x, mean, sigma) / (1.0 - below - above)


def log_gaussian(x, mean, sigma):
    return gaussian(log(x), mean, sigma) / x


def truncated_log_gaussian(x, mean, sigma, lower, upper):
    return truncated_gaussian(log(x), mean, sigma, log(lower), log(upper)) / x


def half_gaussian(x, sigma):
    return 2.0 * gaussian(x, 0.0, sigma)


def half_cauchy(x, sigma):
    return 2.0 / (pi * sigma * (1.0 + (x / sigma) ** 2))


def student_t(x, df, mean, sigma):
    z = (x - mean) / sigma
    norm = gamma((df + 1.0) / 2.0) / (gamma(df / 2.0) * sqrt(df * pi) * sigma)
    return norm * (1.0 + z * z / df) ** (-(df + 1.0) / 2.0)


def beta(x, alpha, beta, lower, upper):
    t = (x - lower) / (upper - lower)
    norm = gamma(alpha + beta) / (gamma(alpha) * gamma(beta) * (upper - lower))
    return norm * t ** (alpha - 1.0) * (1.0 - t) ** (beta - 1.0)


def gamma_density(x, shape, scale):
    return x ** (shape - 1.0) * exp(-x / scale) / (gamma(shape) * scale**shape)


def exponential(x, scale):
    return exp(-x / scale) / scale


def inverse_gamma(x, shape, scale):
    return scale**shape / gamma(shape) * x ** (-shape - 1.0) * exp(-scale / x)


def ordered_uniform(x, remaining, lower, upper):
    left = (upper - x) / (upper - lower)
    return remaining * left ** (remaining - 1.0) / (upper - lower)


def ordered_exponential(x, previous, remaining, scale):
    return remaining / scale * exp(-remaining * (x - previous) / scale)


def mixture_gaussian(x, weight, *others):
    return _mixture(gaussian, x, weight, *others)


def mixture_gamma(x, weight, *others):
    return _mixture(gamma_density, x, weight, *others)


def mixture_uniform(x, weight, *others):
    def inside(x, lower, upper):
        return uniform(x, lower, upper) if lower <= x <= upper else 0.0

    return _mixture(inside, x, weight, *others)


def _mixture(density, x, weight, a, b, c, d):
    return weight * density(x, a, b) + (1.0 - weight) * density(x, c, d)


def sorted_draws(values: Sequence[float], base: Prior) -> float:
    """The joint density of n sorted independent draws, ``n! p(x_1) ... p(x_n)``."""
    if list(values) != sorted(values):
        return 0.0
    return factorial(len(values)) * prod(exp(base.log_density_at(x)) for x in values)


SLOW_DENSITIES = {
    "uniform": uniform,
    "log_uniform": log_uniform,
    "gaussian": gaussian,
    "truncated_gaussian": truncated_gaussian,
    "log_gaussian": log_gaussian,
    "truncated_log_gaussian": truncated_log_gaussian,
    "half_gaussian": half_gaussian,
    "half_cauchy": half_cauchy,
    "student_t": student_t,
    "beta": beta,
    "gamma": gamma_density,
    "exponential": exponential,
    "inverse_gamma": inverse_gamma,
    "ordered_uniform": ordered_uniform,
    "ordered_exponential": ordered_exponential,
    "mixture_gaussian": mixture_gaussian,
    "mixture_gamma": mixture_gamma,
    "mixture_uniform": mixture_uniform,
}
