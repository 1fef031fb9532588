r"""Coordinates: a parameter theta as a smooth, one-to-one function of a number y.

A sampler that follows gradients needs the whole real line.  A coordinate maps y to theta,
whose support may be an interval or a half line, and gives the density of y,

    ln q(y | arguments) = ln p(theta(y) | arguments) + ln |d theta / d y|.        [Eq. 1]

Two forms.  *Non-centred*: the arguments are in the map, ``theta = mean + sigma y``, so that
q does not depend on them; it is written down in closed form, since [Eq. 1] as it stands
subtracts large numbers where sigma is small.  *Centred*: the map has fixed numbers only, and
the arguments stay in the density.  A plain prior's arguments are numbers, and the two are
the same.

Papaspiliopoulos, Roberts & Sköld (2007), Statistical Science 22, 59; Betancourt & Girolami
(2015), arXiv:1312.0906.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, final

import numpy as np

from graphfit.compiler.distribution_formulas import positive
from graphfit.compiler.prior_formulas import HALF_LOG_TWO_PI, LOG_DENSITY, lgamma
from graphfit.priors import density as families
from graphfit.priors.density import Density

Forward = Callable[..., tuple[Any, Any]]
Inverse = Callable[..., Any]


@final
@dataclass(frozen=True, slots=True)
class Coordinate:
    """One map between theta and y.

    Attributes
    ----------
    forward : callable
        ``forward(y, *arguments)`` returns theta and ln q of [Eq. 1]; in numpy's functions,
        so that it can be written down as a formula.
    inverse : callable
        ``inverse(theta, *arguments)`` returns y.
    """

    forward: Forward
    inverse: Inverse


def logistic(s: Any) -> tuple[Any, Any, Any]:
    """Return ``t = 1 / (1 + exp(-s))``, ln t and ln(1 - t), without overflow."""
    # Not |s|, which has no derivative at 0: of the two sides one is taken throughout.
    size = np.where(s > 0.0, s, -s)
    decay = np.exp(-size)
    rest = np.log1p(decay)
    t = np.where(s > 0.0, 1.0, decay) / (1.0 + decay)
    return t, 0.5 * (s - size) - rest, -0.5 * (s + size) - rest


def between(t: Any, lower: Any, upper: Any) -> Any:
    """Return ``lower + t (upper - lower)``, never outside by rounding."""
    value = lower + positive(upper - lower) * t
    return np.minimum(np.maximum(value, lower), upper)


def _logit(x: Any, lower: Any, upper: Any) -> Any:
    return np.log(x - lower) - np.log(upper - x)


# --- non-centred: the arguments in the map ---------------------------------------------


def _gaussian(y: Any, mean: Any, sigma: Any) -> tuple[Any, Any]:
    return mean + positive(sigma) * y, -0.5 * y * y - HALF_LOG_TWO_PI


def _student_t(y: Any, df: Any, mean: Any, sigma: Any) -> tuple[Any, Any]:
    log_q = LOG_DENSITY[families.STUDENT_T](y, positive(df), 0.0, 1.0)
    return mean + positive(sigma) * y, log_q


def _log_gaussian(y: Any, mean: Any, sigma: Any) -> tuple[Any, Any]:
    x, log_q = _gaussian(y, mean, sigma)
    return np.exp(x), log_q


def _scaled(log_standard: Callable[..., Any], y: Any, *arguments: Any) -> Any:
    """Return ``theta = scale exp(y)``, and the standard density of y."""
    *shape, scale = arguments
    return positive(scale) * np.exp(y), log_standard(y, *map(positive, shape))


def _half_gaussian(y: Any) -> Any:
    return y - 0.5 * np.exp(2.0 * y) + math.log(2.0) - HALF_LOG_TWO_PI


def _half_cauchy(y: Any) -> Any:
    # exp(y) / (1 + exp(2 y)), which is even in y: by |y|, lest exp overflow.
    size = np.where(y > 0.0, y, -y)
    return math.log(2.0 / math.pi) - size - np.log1p(np.exp(-2.0 * size))


def _exponential(y: Any) -> Any:
    return y - np.exp(y)


def _gamma(y: Any, shape: Any) -> Any:
    return shape * y - np.exp(y) - lgamma(shape)


def _inverse_gamma(y: Any, shape: Any) -> Any:
    return -shape * y - np.exp(-y) - lgamma(shape)


def _uniform(y: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    t, log_t, log_rest = logistic(y)
    return between(t, lower, upper), log_t + log_rest


def _log_uniform(y: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    t, log_t, log_rest = logistic(y)
    x = between(t, np.log(positive(lower)), np.log(upper))
    return np.minimum(np.maximum(np.exp(x), lower), upper), log_t + log_rest


def _beta(y: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    a, b = positive(alpha), positive(beta)
    t, log_t, log_rest = logistic(y)
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    return between(t, lower, upper), a * log_t + b * log_rest - log_beta


def _location(x: Any, *arguments: Any) -> Any:
    *_, mean, sigma = arguments
    return (x - mean) / sigma


def _log_location(x: Any, mean: Any, sigma: Any) -> Any:
    return (np.log(x) - mean) / sigma


def _by_scale(x: Any, *arguments: Any) -> Any:
    return np.log(x / arguments[-1])


def _log_between(x: Any, lower: Any, upper: Any) -> Any:
    return _logit(np.log(x), np.log(lower), np.log(upper))


def _beta_inverse(x: Any, alpha: Any, beta: Any, lower: Any, upper: Any) -> Any:
    del alpha, beta
    return _logit(x, lower, upper)


# A new family of priors with a location and a scale, or with two limits, is a row here.
NON_CENTRED: Mapping[Density, Coordinate] = MappingProxyType(
    {
        families.UNIFORM: Coordinate(_uniform, _logit),
        families.LOG_UNIFORM: Coordinate(_log_uniform, _log_between),
        families.BETA: Coordinate(_beta, _beta_inverse),
        families.GAUSSIAN: Coordinate(_gaussian, _location),
        families.STUDENT_T: Coordinate(_student_t, _location),
        families.LOG_GAUSSIAN: Coordinate(_log_gaussian, _log_location),
        **{
            density: Coordinate(partial(_scaled, standard), _by_scale)
            for density, standard in (
                (families.HALF_GAUSSIAN, _half_gaussian),
                (families.HALF_CAUCHY, _half_cauchy),
                (families.EXPONENTIAL, _exponential),
                (families.GAMMA, _gamma),
                (families.INVERSE_GAMMA, _inverse_gamma),
            )
        },
    }
)

# Between limits the logistic map does for both forms.
ONE_FORM = frozenset({families.UNIFORM, families.LOG_UNIFORM, families.BETA})


# --- by the support alone, with fixed numbers ------------------------------------------


@final
@dataclass(frozen=True)
class Support:
    """Where a density is not zero.

    Attributes
    ----------
    lower, upper : callable or None
        ``lower(*arguments)``; None where there is no limit.
    is_log : bool
        Whether the limits, and what lies between them, are taken in ln theta.
    """

    lower: Callable[..., Any] | None = None
    upper: Callable[..., Any] | None = None
    is_log: bool = False

    def place(self, s: Any, arguments: Sequence[Any]) -> tuple[Any, Any]:
        """Return theta of s on the whole line, and ln |d theta / d s|."""
        x, log_slope = s, 0.0 * s
        if self.lower is not None and self.upper is not None:
            low, high = self.lower(*arguments), self.upper(*arguments)
            t, log_t, log_rest = logistic(s)
            x = between(t, low, high)
            log_slope = np.log(high - low) + log_t + log_rest
        elif self.lower is not None:
            x, log_slope = self.lower(*arguments) + np.exp(s), s
        elif self.upper is not None:
            x, log_slope = self.upper(*arguments) - np.exp(-s), -s
        return (np.exp(x), log_slope + x) if self.is_log else (x, log_slope)

    def line(self, theta: Any, arguments: Sequence[Any]) -> Any:
        """Return s of theta."""
        x = np.log(theta) if self.is_log else theta
        if self.lower is not None and self.upper is not None:
            return _logit(x, self.lower(*arguments), self.upper(*arguments))
        if self.lower is not None:
            return np.log(x - self.lower(*arguments))
        if self.upper is not None:
            return -np.log(self.upper(*arguments) - x)
        return x


def supported(
    log_density: Callable[..., Any],
    support: Support,
    arguments: Sequence[float],
    quantiles: Sequence[float],
) -> Coordinate:
    """Return the coordinate by support: ``s = a + b y``, theta of s by the support's map.

    Parameters
    ----------
    log_density : callable
        ``log_density(theta, *arguments)``.
    support : Support
    arguments, quantiles : sequence of float
        At one point: the arguments, and the quantiles 0.16, 0.5 and 0.84, which are to lie
        at about y = -1, 0 and 1.
    """
    with np.errstate(all="ignore"):
        low, middle, high = (
            float(support.line(np.float64(q), arguments)) for q in quantiles
        )
    a = middle if math.isfinite(middle) else 0.0
    width = 0.5 * (high - low)
    b = width if 0.0 < width < math.inf else 1.0

    def forward(y: Any, *given: Any) -> tuple[Any, Any]:
        theta, log_slope = support.place(a + b * y, given)
        return theta, log_density(theta, *given) + log_slope + math.log(b)

    def inverse(theta: Any, *given: Any) -> Any:
        return (support.line(theta, given) - a) / b

    return Coordinate(forward, inverse)
