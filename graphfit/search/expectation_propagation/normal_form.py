"""NormalForm: parameters as functions of independent standard normal numbers.

Every prior, a conditional one too, is the law of ``theta = Q(Phi(z) | arguments)`` with
z ~ N(0, 1): the non-centred form of a hierarchy.  In these coordinates the prior of a whole
graph is N(0, I) exactly, so that a message never has to say it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, final

import numpy as np
from scipy import special

from graphfit.compiler import quantile_formulas
from graphfit.compiler.tracer import Tracer
from graphfit.errors import FitException
from graphfit.priors import Expression, Prior, Relation
from graphfit.priors import density as families
from graphfit.priors.density import Density
from graphfit.priors.expression import is_ufunc
from graphfit.typing import FloatArray


def _gaussian(z: Any, mean: Any, sigma: Any) -> Any:
    return mean + np.where(sigma > 0.0, sigma, np.nan) * z


def _log_gaussian(z: Any, mean: Any, sigma: Any) -> Any:
    return np.exp(_gaussian(z, mean, sigma))


def _uniform(z: Any, lower: Any, upper: Any) -> Any:
    width = np.where(lower < upper, upper - lower, np.nan)
    return lower + width * special.ndtr(z)


@final
@dataclass(frozen=True)
class Direct:
    """``theta(z | arguments)`` of one family, without the way through Phi and back.

    That way loses digits in the tails.
    """

    function: Callable[..., Any]

    is_elementwise: ClassVar[bool] = True

    @property
    def __name__(self) -> str:
        return self.function.__name__.lstrip("_") + "_of_normal"

    def __call__(self, z: Any, *arguments: Any) -> Any:
        return self.function(z, *arguments)


@final
@dataclass(frozen=True)
class Quantile:
    """``Q(Phi(z) | arguments)`` of a prior's family, in numbers and in stand-ins."""

    prior: Prior

    is_elementwise: ClassVar[bool] = True

    @property
    def __name__(self) -> str:
        return f"{self.prior.density.name}_of_normal"

    def __call__(self, z: Any, *arguments: Any) -> Any:
        if any(isinstance(item, Tracer) for item in (z, *arguments)):
            return quantile_formulas.quantile(self.prior, special.ndtr(z), arguments)
        density = self.prior.density
        with np.errstate(all="ignore"):
            low = density.quantile(special.ndtr(np.minimum(z, 0.0)), *arguments)
            high = density.inverse_survival(
                special.ndtr(-np.maximum(z, 0.0)), *arguments
            )
        return np.where(np.less(z, 0.0), low, high)


_DIRECT: Mapping[Density, Callable[..., Any]] = MappingProxyType(
    {
        families.GAUSSIAN: Direct(_gaussian),
        families.LOG_GAUSSIAN: Direct(_log_gaussian),
        families.UNIFORM: Direct(_uniform),
    }
)


def of_normal(prior: Prior) -> Callable[..., Any]:
    """Return the function ``theta(z, *arguments)`` of a prior's family."""
    return _DIRECT.get(prior.density) or Quantile(prior)


def relation_of_normal(
    prior: Prior, z: Expression, arguments: Sequence[Any]
) -> Expression:
    """Return ``theta(z, *arguments)`` as a relation.

    Of numpy's functions where the arguments are numbers, which are known to make a density:
    those run on many points at once.
    """
    if not any(isinstance(item, Expression) for item in arguments):
        if prior.density is families.UNIFORM:
            lower, upper = map(float, arguments)
            return Relation(special.ndtr, (z,)) * (upper - lower) + lower
        if prior.density in (families.GAUSSIAN, families.LOG_GAUSSIAN):
            mean, sigma = map(float, arguments)
            normal: Expression = z * sigma + mean
            is_log = prior.density is families.LOG_GAUSSIAN
            return Relation(np.exp, (normal,)) if is_log else normal
    return Relation(of_normal(prior), (z, *arguments))


@final
class NormalForm:
    """Parameters and their normal coordinates, many points at a time.

    Parameters
    ----------
    priors : sequence of Prior, length D
        All that they depend on is among them.

    Examples
    --------
    >>> import graphfit as gf
    >>> mu = gf.GaussianPrior(1.0, 2.0)
    >>> form = NormalForm([gf.GaussianPrior(mu, 0.5), mu])
    >>> theta = form.to_physical(np.array([[1.0], [-0.5]]))
    >>> theta.tolist(), form.to_normal(theta).tolist()
    ([[0.5], [0.0]], [[1.0], [-0.5]])
    """

    def __init__(self, priors: Sequence[Prior]) -> None:
        self.priors = tuple(priors)
        self._order = _by_dependence(self.priors)

    def to_physical(self, normal: FloatArray) -> FloatArray:
        """Return theta `(D, S)` at z `(D, S)`; NaN where a relation rejects the point."""
        known: dict[Expression, Any] = {}
        place = {prior: i for i, prior in enumerate(self.priors)}
        for prior in self._order:
            arguments = [_value(item, known) for item in prior.arguments]
            with np.errstate(all="ignore"):
                known[prior] = of_normal(prior)(normal[place[prior]], *arguments)
        return np.array([known[prior] for prior in self.priors]).reshape(normal.shape)

    def to_normal(self, physical: FloatArray) -> FloatArray:
        """Return z `(D, S)` at theta `(D, S)`."""
        known = self._known(physical)
        normal = np.empty(physical.shape)
        for i, prior in enumerate(self.priors):
            arguments = [_value(item, known) for item in prior.arguments]
            if prior.density is families.GAUSSIAN:
                normal[i] = (physical[i] - arguments[0]) / arguments[1]
                continue
            with np.errstate(all="ignore"):
                low = special.ndtri(prior.density.cdf(physical[i], *arguments))
                high = special.ndtri(prior.density.survival(physical[i], *arguments))
            normal[i] = np.where(low < 0.0, low, -high)
        return normal

    def log_density(self, physical: FloatArray, positions: Sequence[int]) -> FloatArray:
        """Return the sum of some priors' log-densities at theta `(D, S)`, shape (S,)."""
        known = self._known(physical)
        total = np.zeros(physical.shape[1])
        for i in positions:
            prior = self.priors[i]
            arguments = [_value(item, known) for item in prior.arguments]
            total += prior.density.log_density(physical[i], *arguments)
        return total

    def _known(self, physical: FloatArray) -> dict[Expression, Any]:
        return dict(zip(self.priors, physical, strict=True))


def _by_dependence(priors: Sequence[Prior]) -> list[Prior]:
    """Return the priors, each after those that its arguments depend on."""
    found: dict[Prior, None] = {}

    def visit(item: Any) -> None:
        if isinstance(item, Expression) and item not in found:
            for _, operand in item.operands():
                visit(operand)
            if isinstance(item, Prior):
                found[item] = None

    for prior in priors:
        visit(prior)
    return list(found)


def _value(item: Any, known: Mapping[Expression, Any]) -> Any:
    """Return the values of a prior's argument from those of the priors."""
    if not isinstance(item, Expression) or item in known:
        return known[item] if isinstance(item, Expression) else item
    assert isinstance(item, Relation)
    arguments = [_value(operand, known) for operand in item.arguments]
    with np.errstate(all="ignore"):
        if is_ufunc(item):
            return item.function(*arguments)
        return _each(item.function, arguments)


def _each(function: Callable[..., Any], arguments: Sequence[Any]) -> FloatArray:
    """Call a user's function, which takes single numbers, at every point."""
    size = max((np.size(item) for item in arguments), default=1)
    columns = [
        item if isinstance(item, np.ndarray) else [item] * size for item in arguments
    ]
    out = np.empty(size)
    for i, row in enumerate(zip(*columns, strict=True)):
        try:
            out[i] = function(*row)
        except FitException:
            out[i] = np.nan
    return out
