"""Gaussian densities in the logarithm of the value."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, final

from graphfit.priors.density import LOG_GAUSSIAN, TRUNCATED_LOG_GAUSSIAN, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class LogGaussianPrior(Prior):
    """A Gaussian in ln x, ``ln x ~ N(mean, sigma^2)``.

    ``p(x) = exp(-(ln x - mean)^2 / (2 sigma^2)) / (sqrt(2 pi) sigma x)``, and zero outside
    the limits if they are given.

    Parameters
    ----------
    mean : float, prior or relation
        The expectation of the natural logarithm: ``exp(mean)`` is the median of x.
    sigma : float, prior or relation, > 0
        The standard deviation of the natural logarithm; 0.1 is about 10 %.
    lower_limit, upper_limit : float, prior or relation, >= 0, in the parameter's unit
        Limits of x itself, not of its logarithm; 0 and infinity (the default) for none.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If mean or sigma is not finite, sigma is not above 0, or the limits are negative or
        the wrong way round.

    Examples
    --------
    >>> LogGaussianPrior(0, 0.5).median
    1.0
    """

    mean: Operand
    sigma: Operand
    lower_limit: Operand = 0.0
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
        return not (self.lower_limit == 0.0 and self.upper_limit == inf)

    @property
    def density(self) -> Density:
        return TRUNCATED_LOG_GAUSSIAN if self.is_truncated else LOG_GAUSSIAN

    @property
    def arguments(self) -> tuple[Operand, ...]:
        if self.is_truncated:
            return self.mean, self.sigma, self.lower_limit, self.upper_limit
        return self.mean, self.sigma

    def _check(self) -> None:
        self._require_finite("mean")
        self._require_positive("sigma")
        self._require_increasing("lower_limit", "upper_limit")
        if isinstance(self.lower_limit, float):
            self._require(
                self.lower_limit >= 0.0,
                f"lower_limit={self.lower_limit!r} must not be negative; limits are in x, "
                "not in ln x.",
            )
