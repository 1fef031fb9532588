"""Flat densities between two limits: in the value, and in its logarithm."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

from graphfit.priors.density import LOG_UNIFORM, UNIFORM, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class UniformPrior(Prior):
    """A flat density, ``p(x) = 1 / (upper_limit - lower_limit)``.

    Parameters
    ----------
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        Finite, the lower below the upper.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If a limit is not finite or they are the wrong way round.

    Examples
    --------
    >>> UniformPrior(0, 100).value_for(0.25)
    25.0
    """

    lower_limit: Operand = 0.0
    upper_limit: Operand = 1.0

    argument_names: ClassVar[tuple[str, ...]] = ("lower_limit", "upper_limit")

    @property
    def density(self) -> Density:
        return UNIFORM

    def _check(self) -> None:
        self._require_finite("lower_limit", "upper_limit")
        self._require_increasing("lower_limit", "upper_limit")
        if not self.is_conditional:
            self._require(
                math.isfinite(self.upper_limit - self.lower_limit),
                f"the limits {self.lower_limit!r} and {self.upper_limit!r} are too far "
                "apart for a number to hold their distance; bring them closer.",
            )


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class LogUniformPrior(Prior):
    """A density flat in ln x, ``p(x) = 1 / (x ln(upper_limit / lower_limit))``.

    For scales whose order of magnitude is unknown: every decade is as likely.

    Parameters
    ----------
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        Finite and above 0, the lower below the upper.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If a limit is not finite or not above 0, or they are the wrong way round.

    Examples
    --------
    >>> round(LogUniformPrior(0.01, 100).median, 12)
    1.0
    """

    lower_limit: Operand = 1e-6
    upper_limit: Operand = 1.0

    argument_names: ClassVar[tuple[str, ...]] = ("lower_limit", "upper_limit")

    @property
    def density(self) -> Density:
        return LOG_UNIFORM

    def _check(self) -> None:
        self._require_positive("lower_limit", "upper_limit")
        self._require_increasing("lower_limit", "upper_limit")
