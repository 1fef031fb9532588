"""The beta density: for fractions, and any bounded shape."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphfit.priors.density import BETA, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class BetaPrior(Prior):
    """The beta density, ``p(t) = t^(alpha-1) (1-t)^(beta-1) / B(alpha, beta)``.

    t = (x - lower_limit) / (upper_limit - lower_limit).

    Parameters
    ----------
    alpha, beta : float, prior or relation, > 0
        The shape; with ``alpha = beta = 1`` it is flat.
    lower_limit, upper_limit : float, prior or relation, in the parameter's unit
        Finite, the lower below the upper.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If an argument is not finite, alpha or beta is not above 0, or the limits are the
        wrong way round.

    Examples
    --------
    >>> BetaPrior(2, 2, lower_limit=0, upper_limit=10).median
    5.0
    """

    alpha: Operand
    beta: Operand
    lower_limit: Operand = 0.0
    upper_limit: Operand = 1.0

    argument_names: ClassVar[tuple[str, ...]] = (
        "alpha",
        "beta",
        "lower_limit",
        "upper_limit",
    )

    @property
    def density(self) -> Density:
        return BETA

    def _check(self) -> None:
        self._require_positive("alpha", "beta")
        self._require_finite("lower_limit", "upper_limit")
        self._require_increasing("lower_limit", "upper_limit")
