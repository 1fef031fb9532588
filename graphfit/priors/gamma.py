"""The gamma density and its kin: for rates, waiting times and variances."""

from dataclasses import dataclass
from typing import ClassVar, final

from graphfit.priors.density import EXPONENTIAL, GAMMA, INVERSE_GAMMA, Density
from graphfit.priors.expression import Operand
from graphfit.priors.prior import Prior


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class GammaPrior(Prior):
    """The gamma density, ``p(x) = z^(shape-1) exp(-z) / (scale Gamma(shape))``.

    z = x / scale, x >= 0.

    Parameters
    ----------
    shape : float, prior or relation, > 0
        Above 1 the density vanishes at zero and has a peak.
    scale : float, prior or relation, > 0, in the parameter's unit
        The expectation is ``shape * scale``; a rate is ``1 / scale``.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If an argument is not finite or not above 0.

    Examples
    --------
    >>> GammaPrior(shape=2.0, scale=3.0).support
    (0.0, inf)
    """

    shape: Operand
    scale: Operand

    argument_names: ClassVar[tuple[str, ...]] = ("shape", "scale")

    @property
    def density(self) -> Density:
        return GAMMA

    def _check(self) -> None:
        self._require_positive("shape", "scale")


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class ExponentialPrior(Prior):
    """The exponential density, ``p(x) = exp(-x / scale) / scale``, x >= 0.

    Parameters
    ----------
    scale : float, prior or relation, > 0, in the parameter's unit
        The expectation; a rate is ``1 / scale``.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If scale is not finite or not above 0.

    Examples
    --------
    >>> round(ExponentialPrior(1.0).median, 6)
    0.693147
    """

    scale: Operand

    argument_names: ClassVar[tuple[str, ...]] = ("scale",)

    @property
    def density(self) -> Density:
        return EXPONENTIAL

    def _check(self) -> None:
        self._require_positive("scale")


@final
@dataclass(frozen=True, eq=False, slots=True, repr=False)
class InverseGammaPrior(Prior):
    """The density of ``scale / G`` for a gamma variate G of unit scale.

    ``p(x) = z^(shape+1) exp(-z) / (scale Gamma(shape))``, z = scale / x, x > 0.

    Parameters
    ----------
    shape : float, prior or relation, > 0
        The tail falls as ``x^-(shape+1)``.
    scale : float, prior or relation, > 0, in the parameter's unit
        The peak is at ``scale / (shape + 1)``.
    name : str, optional
        See :class:`~graphfit.priors.Prior`.

    Raises
    ------
    PriorError
        If an argument is not finite or not above 0.

    Examples
    --------
    >>> InverseGammaPrior(shape=3.0, scale=2.0).support
    (0.0, inf)
    """

    shape: Operand
    scale: Operand

    argument_names: ClassVar[tuple[str, ...]] = ("shape", "scale")

    @property
    def density(self) -> Density:
        return INVERSE_GAMMA

    def _check(self) -> None:
        self._require_positive("shape", "scale")
