"""Densities that forgive a value far out: Student's t and the half-Cauchy."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphfit.priors.density import HALF_CAUCHY, STUDENT_T, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class StudentTPrior(Prior):
    """Student's t, ``p(x) ~ (1 + z^2 / df)^(-(df + 1) / 2)``, z = (x - mean) / sigma.

    Parameters
    ----------
    df : float, prior or relation, > 0
        Degrees of freedom: 1 is the Cauchy density, large ones approach the Gaussian.
    mean : float, prior or relation, in the parameter's unit
        The centre of symmetry.
    sigma : float, prior or relation, > 0, in the parameter's unit
        The scale; the standard deviation is larger, or infinite for df <= 2.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If an argument is not finite, or df or sigma is not above 0.

    Examples
    --------
    >>> StudentTPrior(df=4, mean=3.0).median
    3.0
    """

    df: Operand
    mean: Operand = 0.0
    sigma: Operand = 1.0

    argument_names: ClassVar[tuple[str, ...]] = ("df", "mean", "sigma")

    @property
    def density(self) -> Density:
        return STUDENT_T

    def _check(self) -> None:
        self._require_finite("mean")
        self._require_positive("df", "sigma")


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class HalfCauchyPrior(Prior):
    """The right half of a Cauchy density.

    ``p(x) = 2 / (pi sigma [1 + (x / sigma)^2])`` for x >= 0.

    Parameters
    ----------
    sigma : float, prior or relation, > 0, in the parameter's unit
        The scale, which is the median.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If sigma is not finite or not above 0.

    Examples
    --------
    >>> round(HalfCauchyPrior(2.5).median, 12)
    2.5
    """

    sigma: Operand

    argument_names: ClassVar[tuple[str, ...]] = ("sigma",)

    @property
    def density(self) -> Density:
        return HALF_CAUCHY

    def _check(self) -> None:
        self._require_positive("sigma")
