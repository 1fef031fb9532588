"""The probabilities of the prior families as formulas: quantile, cdf and their twins.

The functions of :mod:`graphfit.priors.density` are for arrays; these are for one point at
a time inside a compiled loop, and agree with them to rounding (a test compares each).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import numpy as np

from graphfit.compiler import beta_gamma_formulas as beta_gamma
from graphfit.compiler import distribution_formulas as plain
from graphfit.compiler import truncated_formulas as truncated
from graphfit.compiler.beta_gamma_formulas import wanted
from graphfit.compiler.mixture_formulas import mixture_quantile
from graphfit.compiler.tracer import Untraceable
from graphfit.priors import OrderedPrior, Prior
from graphfit.priors import density as families
from graphfit.priors.density import Density

Function = Callable[..., Any]


@final
@dataclass(frozen=True, slots=True)
class Probabilities:
    """The four functions of a family, as in :class:`~graphfit.priors.density.Density`."""

    quantile: Function
    inverse_survival: Function
    cdf: Function
    survival: Function


def _family(module: Any, name: str) -> Probabilities:
    """Return the functions called ``name_quantile``, ``name_cdf``, ... of a module."""
    ends = ("quantile", "inverse_survival", "cdf", "survival")
    return Probabilities(*(getattr(module, f"{name}_{end}") for end in ends))


# A new family of priors is a row here.
PROBABILITIES: Mapping[Density, Probabilities] = MappingProxyType(
    {
        families.UNIFORM: _family(plain, "uniform"),
        families.LOG_UNIFORM: _family(plain, "log_uniform"),
        families.GAUSSIAN: _family(plain, "gaussian"),
        families.TRUNCATED_GAUSSIAN: _family(truncated, "truncated_gaussian"),
        families.LOG_GAUSSIAN: _family(plain, "log_gaussian"),
        families.TRUNCATED_LOG_GAUSSIAN: _family(truncated, "truncated_log_gaussian"),
        families.HALF_GAUSSIAN: _family(plain, "half_gaussian"),
        families.STUDENT_T: _family(beta_gamma, "student_t"),
        families.HALF_CAUCHY: _family(plain, "half_cauchy"),
        families.BETA: _family(beta_gamma, "beta"),
        families.GAMMA: _family(beta_gamma, "gamma"),
        families.EXPONENTIAL: _family(plain, "exponential"),
        families.INVERSE_GAMMA: _family(beta_gamma, "inverse_gamma"),
    }
)


def quantile(prior: Prior, u: Any, arguments: Sequence[Any]) -> Any:
    """Return the value of a prior with the probability u below it.

    Parameters
    ----------
    prior : Prior
    u : stand-in for a number
        In [0, 1].
    arguments : sequence
        Of its density: numbers, or stand-ins.

    Raises
    ------
    Untraceable
        If the family has no formula.
    """
    # What Python's own numbers refuse, a division by zero, numpy's take.
    numbers = [
        np.float64(item) if isinstance(item, (int, float)) else item
        for item in arguments
    ]
    if isinstance(prior, OrderedPrior):
        return _ordered(_probabilities(prior.base.density), u, *numbers)
    if prior.density.parts:
        return mixture_quantile(prior.density.parts, u, numbers)
    return _probabilities(prior.density).quantile(u, *numbers)


def _probabilities(density: Density) -> Probabilities:
    if density not in PROBABILITIES:
        msg = f"the quantile of the family {density.name!r} has no formula"
        raise Untraceable(msg)
    return PROBABILITIES[density]


def _ordered(
    base: Probabilities, u: Any, previous: Any, remaining: Any, *arguments: Any
) -> Any:
    """Solve Eq. 1 of :mod:`graphfit.priors.ordered`, through the smaller of F and S."""
    shrink = np.log1p(-u) / remaining
    start = base.survival(previous, *arguments)
    below = base.cdf(previous, *arguments) - start * np.expm1(shrink)
    above = start * np.exp(shrink)
    is_low = below < 0.5
    lower = base.quantile(wanted(is_low, below), *arguments)
    upper = base.inverse_survival(wanted(np.logical_not(is_low), above), *arguments)
    return np.maximum(np.where(is_low, lower, upper), previous)
