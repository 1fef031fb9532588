"""The log-densities of the priors as formulas that can be traced and differentiated.

The functions of :mod:`graphfit.kernels.distributions` are for arrays and guard against
every way in which they can lose digits; these are for the optimisers, inside the support,
and agree with them to rounding (a test compares each).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from graphfit.compiler.operations import Apply
from graphfit.priors import density as families
from graphfit.priors.density import Density
from graphfit.priors.mixture import Parts, split_arguments

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
lgamma = Apply("lgamma")


def _inside(value: Any, x: Any, lower: Any, upper: Any) -> Any:
    return np.where(np.logical_and(x >= lower, x <= upper), value, -math.inf)


def _uniform(x: Any, lower: Any, upper: Any) -> Any:
    return _inside(-np.log(upper - lower), x, lower, upper)


def _log_uniform(x: Any, lower: Any, upper: Any) -> Any:
    width = np.log(upper) - np.log(lower)
    return _inside(-np.log(x) - np.log(width), x, lower, upper)


def _gaussian(x: Any, mean: Any, sigma: Any) -> Any:
    z = (x - mean) / sigma
    return -0.5 * z * z - np.log(sigma) - HALF_LOG_TWO_PI


def _limit(limit: Any, mean: Any, sigma: Any) -> Any:
    # An infinite one does not move with mean and sigma.
    is_finite = np.isfinite(limit)
    z = (np.where(is_finite, limit, 0.0) - mean) / sigma
    return np.where(is_finite, z, limit)


def _truncated(x: Any, mean: Any, sigma: Any, lower: Any, upper: Any) -> Any:
    a, b = _limit(lower, mean, sigma), _limit(upper, mean, sigma)
    # Both limits on one side: by the smaller tails, which do not cancel.
    low, high = np.where(a > 0.0, -b, a), np.where(a > 0.0, -a, b)
    top = special.log_ndtr(high)
    log_mass = top + np.log(-np.expm1(special.log_ndtr(low) - top))
    return _inside(_gaussian(x, mean, sigma) - log_mass, x, lower, upper)


def _log_gaussian(x: Any, mean: Any, sigma: Any) -> Any:
    log_x = np.log(x)
    return np.where(x > 0.0, _gaussian(log_x, mean, sigma) - log_x, -math.inf)


def _truncated_log(x: Any, mean: Any, sigma: Any, lower: Any, upper: Any) -> Any:
    log_x = np.log(x)
    value = _truncated(log_x, mean, sigma, np.log(lower), np.log(upper))
    return _inside(value - log_x, x, lower, upper)


def _half_gaussian(x: Any, sigma: Any) -> Any:
    value = _gaussian(x, 0.0, sigma) + math.log(2.0)
    return np.where(x >= 0.0, value, -math.inf)


def _half_cauchy(x: Any, sigma: Any) -> Any:
    t = x / sigma
    value = math.log(2.0 / math.pi) - np.log(sigma) - np.log1p(t * t)
    return np.where(x >= 0.0, value, -math.inf)


def _student_t(x: Any, df: Any, mean: Any, sigma: Any) -> Any:
    z = (x - mean) / sigma
    gammas = lgamma(0.5 * (df + 1.0)) - lgamma(0.5 * df) - 0.5 * np.log(math.pi * df)
    return gammas - np.log(sigma) - 0.5 * (df + 1.0) * np.log1p(z * z / df)


def _beta(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    width = upper - lower
    t, rest = (x - lower) / width, (upper - x) / width
    log_beta = lgamma(alpha) + lgamma(beta) - lgamma(alpha + beta)
    value = special.xlogy(alpha - 1.0, t) + special.xlogy(beta - 1.0, rest)
    return _inside(value - log_beta - np.log(width), x, lower, upper)


def _gamma(x: Any, shape: Any, scale: Any) -> Any:
    z = x / scale
    value = special.xlogy(shape - 1.0, z) - z - lgamma(shape) - np.log(scale)
    return np.where(x >= 0.0, value, -math.inf)


def _exponential(x: Any, scale: Any) -> Any:
    return np.where(x >= 0.0, -x / scale - np.log(scale), -math.inf)


def _inverse_gamma(x: Any, shape: Any, scale: Any) -> Any:
    z = scale / x
    value = special.xlogy(shape + 1.0, z) - z - lgamma(shape) - np.log(scale)
    return np.where(x > 0.0, value, -math.inf)


def _flat(x: Any, lower: Any, upper: Any) -> Any:
    return _inside(0.0 * x, x, lower, upper)


# A new family of priors is a row here.
LOG_DENSITY: Mapping[Density, Callable[..., Any]] = MappingProxyType(
    {
        families.UNIFORM: _uniform,
        families.FLAT: _flat,
        families.LOG_UNIFORM: _log_uniform,
        families.GAUSSIAN: _gaussian,
        families.TRUNCATED_GAUSSIAN: _truncated,
        families.LOG_GAUSSIAN: _log_gaussian,
        families.TRUNCATED_LOG_GAUSSIAN: _truncated_log,
        families.HALF_GAUSSIAN: _half_gaussian,
        families.STUDENT_T: _student_t,
        families.HALF_CAUCHY: _half_cauchy,
        families.BETA: _beta,
        families.GAMMA: _gamma,
        families.EXPONENTIAL: _exponential,
        families.INVERSE_GAMMA: _inverse_gamma,
    }
)


def log_density_formula(density: Density) -> Callable[..., Any] | None:
    """Return the formula of a family or of a mixture of families; None if it has none."""
    if not density.parts:
        return LOG_DENSITY.get(density)
    formulas = [log_density_formula(family) for family, _ in density.parts]
    known = [formula for formula in formulas if formula is not None]
    if len(known) < len(formulas):
        return None
    return partial(_mixture, density.parts, known)


def _mixture(
    parts: Parts, formulas: Sequence[Callable[..., Any]], x: Any, *arguments: Any
) -> Any:
    total: Any = 0.0
    terms: list[Any] = []
    pieces = split_arguments(parts, arguments)
    for formula, (_, weight, own) in zip(formulas, pieces, strict=True):
        total = total + weight
        terms.append(np.log(weight) + formula(x, *own))
    value = terms[0]
    for term in terms[1:]:
        value = np.logaddexp(value, term)
    return value - np.log(total)


# Constant inside their support: bounds say all where the limits are numbers.
CONSTANT = frozenset({families.UNIFORM, families.FLAT})
