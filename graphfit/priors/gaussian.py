"""Gaussian densities, whole or between limits."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, final

from graphfit.priors.density import GAUSSIAN, TRUNCATED_GAUSSIAN, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class GaussianBetweenLimits(Prior):
    """A Gaussian with optional limits (abstract: one density under two names)."""

    mean: Operand
    sigma: Operand
    lower_limit: Operand = -inf
    upper_limit: Operand = inf

    argument_names: ClassVar[tuple[str, ...]] = (
        "mean",
        "sigma",
        "lower_limit",
        "upper_limit",
    )

    @property
    def is_truncated(self) -> bool:
        """Whether there is a limit, or a relation that may give one."""
        # A limit that is a relation is never equal to a number.
        return not (self.lower_limit == -inf and self.upper_limit == inf)

    @property
    def density(self) -> Density:
        return TRUNCATED_GAUSSIAN if self.is_truncated else GAUSSIAN

    @property
    def arguments(self) -> tuple[Operand, ...]:
        if self.is_truncated:
            return self.mean, self.sigma, self.lower_limit, self.upper_limit
        return self.mean, self.sigma

    def _check(self) -> None:
        self._require_finite("mean")
        self._require_positive("sigma")
        self._require_increasing("lower_limit", "upper_limit")


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class GaussianPrior(GaussianBetweenLimits):
    """A Gaussian, ``p(x) = exp(-(x - mean)^2 / (2 sigma^2)) / (sqrt(2 pi) sigma)``.

    Limits make it truncated: zero outside, normalised inside.

    Parameters
    ----------
    mean : float, prior or relation, in the parameter's unit
        The peak; with limits no longer the expectation.
    sigma : float, prior or relation, > 0, in the parameter's unit
        The standard deviation before any truncation.
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        The lower below the upper; infinite (the default) for none.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If mean or sigma is not finite, sigma is not above 0, or the limits are the wrong
        way round.

    Examples
    --------
    >>> GaussianPrior(10, 2).median
    10.0
    >>> GaussianPrior(10, 2, lower_limit=0).support
    (0.0, inf)
    """


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class TruncatedGaussianPrior(GaussianBetweenLimits):
    """A Gaussian between limits: :class:`GaussianPrior` under the name many expect.

    ``p(x) = phi(z) / (sigma [Phi(b) - Phi(a)])`` with ``z = (x - mean) / sigma``, a and b
    the limits in the same units as z.

    Parameters
    ----------
    mean : float, prior or relation, in the parameter's unit
        The peak of the whole Gaussian; may lie outside the limits.
    sigma : float, prior or relation, > 0, in the parameter's unit
        Its standard deviation.
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        The lower below the upper; infinite (the default) for none.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If mean or sigma is not finite, sigma is not above 0, or the limits are the wrong
        way round.

    Examples
    --------
    >>> TruncatedGaussianPrior(0, 1, lower_limit=-1, upper_limit=1).value_for(1.0)
    1.0
    """
