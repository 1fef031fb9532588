"""CubePoint: the values of a model at one point of the unit cube.

The same walk over priors and relations serves machine code and Python: once with
stand-ins for numbers, which write down a formula, or each time with numbers themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np

from graphfit.compiler.tracer import Untraceable
from graphfit.errors import PriorError
from graphfit.model.space import ParameterSpace
from graphfit.priors import Comparison, Expression, Prior, Relation
from graphfit.priors.flat import refusal

Quantile = Callable[[Prior, Any, Sequence[Any]], Any]
Call = Callable[[Relation, Sequence[Any]], Any]


@final
@dataclass(frozen=True, eq=False)
class CubeAxes:
    """Which parameters of a model are sampled, and what the others are.

    Parameters
    ----------
    space : ParameterSpace
    hidden : tuple of int
        Positions of parameters whose values are numbers of the pixel.
    held : mapping of int to float
        Values of parameters by position.
    ordered : tuple of tuples of int
        Groups of sampled parameters of one prior that are to come out in this order.

    Raises
    ------
    PriorError
        If a sampled parameter's prior has no integral, or the priors of a group differ.
    """

    space: ParameterSpace
    hidden: tuple[int, ...]
    held: Mapping[int, float]
    ordered: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        space = self.space
        improper = {
            space.names[i]: space.priors[i] for i in space.improper if i in self.free
        }
        if improper:
            raise PriorError(refusal("The unit cube", improper))
        places = [i for group in self.ordered for i in group]
        if len(set(places)) < len(places) or not set(places) <= set(self.free):
            msg = f"ordered={self.ordered!r} must name sampled parameters, each once."
            raise PriorError(msg)
        for group in self.ordered:
            self._require_equal([space.priors[i] for i in group])

    @property
    def free(self) -> tuple[int, ...]:
        """The positions of the sampled parameters, in the order of u."""
        return tuple(
            i
            for i in range(self.space.dimension)
            if i not in self.hidden and i not in self.held
        )

    def _require_equal(self, priors: Sequence[Prior]) -> None:
        for prior in priors[1:]:
            same = prior.density is priors[0].density and all(
                a is b or (not isinstance(a, Expression) and a == b)
                for a, b in zip(prior.arguments, priors[0].arguments, strict=True)
            )
            if not same:
                msg = (
                    f"Parameters can be ordered where their priors are equal, and "
                    f"{priors[0]!r} and {prior!r} are not."
                )
                raise PriorError(msg)


@final
class CubePoint:
    """The values of a model's priors and relations at one point.

    Parameters
    ----------
    axes : CubeAxes
    unit : sequence
        u of each sampled parameter: a number, or what stands for one.
    numbers : sequence
        The values of the hidden parameters.
    quantile : callable
        ``quantile(prior, u, arguments)``: the value with the probability u below it.
    call : callable
        ``call(relation, arguments)``: the value of a relation.
    """

    def __init__(
        self,
        axes: CubeAxes,
        unit: Sequence[Any],
        numbers: Sequence[Any],
        quantile: Quantile,
        call: Call,
    ) -> None:
        priors = axes.space.priors
        self._axes = axes
        self._quantile = quantile
        self._call = call
        self._unit = _sorted_units(axes, unit)
        self._before = {
            priors[upper]: priors[lower]
            for group in axes.ordered
            for lower, upper in pairwise(group)
        }
        self._known: dict[Any, Any] = {
            **{priors[i]: value for i, value in axes.held.items()},
            **dict(zip((priors[i] for i in axes.hidden), numbers, strict=True)),
        }

    def values(self) -> list[Any]:
        """Return all parameters, then the relations (A,)."""
        space = self._axes.space
        return [self.value(item) for item in (*space.priors, *space.relations)]

    def holds(self, condition: Comparison) -> Any:
        """Say whether a condition of the model holds."""
        lower, upper = self.value(condition.lower), self.value(condition.upper)
        return lower < upper if condition.strict else lower <= upper

    def value(self, item: Any) -> Any:
        """Return the value of a prior or a relation; a number is itself.

        Raises
        ------
        Untraceable
            For what is neither.
        """
        if not isinstance(item, Expression):
            return item
        if item not in self._known:
            self._known[item] = self._computed(item)
        return self._known[item]

    def _computed(self, item: Expression) -> Any:
        if isinstance(item, Relation):
            return self._call(item, [self.value(part) for part in item.arguments])
        if isinstance(item, Prior):
            arguments = [self.value(part) for part in item.arguments]
            value = self._quantile(item, self._unit[item], arguments)
            if item not in self._before:
                return value
            # The quantile's own rounding may swap two neighbours.
            return np.maximum(value, self.value(self._before[item]))
        msg = f"a {type(item).__name__} among the parameters"
        raise Untraceable(msg)


def _sorted_units(axes: CubeAxes, unit: Sequence[Any]) -> dict[Prior, Any]:
    """Return u by prior, sorted in the ordered groups.

    Of m draws above v, the smallest is ``v + (1 - v) w`` with ``1 - w = (1 - u)^(1/m)``;
    the next ones come in the same way out of what is left, see Eq. 1 of
    :mod:`graphfit.priors.ordered`.  As sums of positive terms, which keep small u's digits.
    """
    units = dict(zip(axes.free, unit, strict=True))
    for group in axes.ordered:
        below: Any = 0.0
        above: Any = 1.0
        for k, i in enumerate(group):
            part = _smallest(units[i], len(group) - k)
            below = np.minimum(below + above * part, 1.0)
            above = above * (1.0 - part)
            units[i] = below
    return {axes.space.priors[i]: u for i, u in units.items()}


def _smallest(u: Any, count: int) -> Any:
    """Return ``1 - (1 - u)^(1 / count)``."""
    if count == 1:
        return u
    if count == 2:
        return u / (1.0 + np.sqrt(1.0 - u))
    return -np.expm1(np.log1p(-u) / count)
