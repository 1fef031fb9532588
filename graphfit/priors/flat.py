"""A parameter without a prior: flat over its limits, which may be infinite."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, NoReturn, final

from graphfit.errors import PriorError
from graphfit.priors.density import FLAT, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior

REMEDY = "give gf.UniformPrior(lower, upper), or use gf.LevenbergMarquardt with start="


def refusal(who: str, found: Mapping[str, Prior]) -> str:
    """Return the message of `who`, which draws from priors, to priors without quantiles.

    Parameters
    ----------
    who : str
        The search, or what else draws.
    found : mapping of str to Prior
        The priors that stand in the way, by parameter name; at least one.
    """
    name, prior = next(iter(found.items()))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (
        f"{who} needs the quantiles of every prior, and parameter '{name}'{more} has "
        f"{prior!r}, which has none; {REMEDY}."
    )


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class FlatPrior(Prior):
    """An improper density, ``p(x) = 1`` between the limits: for optimisation alone.

    With flat priors the maximum of the posterior is the maximum of the likelihood.  The
    density has no integral, so there is no evidence, no median, and no draw from it; a
    search that draws from the prior (nested sampling, MCMC, L-BFGS) refuses it.

    Parameters
    ----------
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        The lower below the upper; infinite by default.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If the limits are the wrong way round; or when asked for a median or a quantile.

    Examples
    --------
    >>> FlatPrior(lower_limit=0.0).support
    (0.0, inf)
    >>> FlatPrior().log_density_at(1e6)
    0.0
    """

    lower_limit: Operand = -inf
    upper_limit: Operand = inf

    argument_names: ClassVar[tuple[str, ...]] = ("lower_limit", "upper_limit")

    @property
    def density(self) -> Density:
        return FLAT

    def _check(self) -> None:
        self._require_increasing("lower_limit", "upper_limit")

    def value_for(self, unit: Any) -> NoReturn:
        """Raise PriorError: a density without an integral has no quantiles."""
        del unit
        self._refuse("quantiles")

    def unit_for(self, value: Any) -> NoReturn:
        """Raise PriorError: a density without an integral has no probabilities."""
        del value
        self._refuse("probabilities")

    @property
    def median(self) -> NoReturn:
        """Raise PriorError: a density without an integral has no median."""
        self._refuse("median")

    def _refuse(self, what: str) -> NoReturn:
        msg = f"{self!r} is no probability density and has no {what}; {REMEDY}."
        raise PriorError(msg)
