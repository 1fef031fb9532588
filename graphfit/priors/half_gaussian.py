"""The Gaussian's right half: for scatters and other positive widths."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphfit.priors.density import HALF_GAUSSIAN, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class HalfGaussianPrior(Prior):
    """The half of a Gaussian above zero.

    ``p(x) = sqrt(2 / pi) / sigma exp(-x^2 / (2 sigma^2))`` for x >= 0.

    Parameters
    ----------
    sigma : float, prior or relation, > 0, in the parameter's unit
        The standard deviation of the whole Gaussian; the median of x is 0.674 sigma.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If sigma is not finite or not above 0.

    Examples
    --------
    >>> HalfGaussianPrior(2.0).support
    (0.0, inf)
    """

    sigma: Operand

    argument_names: ClassVar[tuple[str, ...]] = ("sigma",)

    @property
    def density(self) -> Density:
        return HALF_GAUSSIAN

    def _check(self) -> None:
        self._require_positive("sigma")
