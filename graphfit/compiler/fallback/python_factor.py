"""PythonFactor: a factor's instance from its own parameters alone."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.model.build import instance_builder
from graphfit.model.node import Builder
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression, Prior, Relation


@final
class PythonFactor:
    """Builds a factor's instance from the values of its own parameters.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    model : Node
        The factor's own model.
    priors : sequence of Prior
        Its parameters, in the order of theta.
    """

    def __init__(
        self, space: ParameterSpace, model: Any, priors: Sequence[Prior]
    ) -> None:
        self.priors = tuple(priors)
        self._space = space
        self._build: Builder = instance_builder(model, space)
        self._positions = {prior: i for i, prior in enumerate(priors)}

    def instance(self, theta: Sequence[float]) -> Any:
        """Return the instance at theta (D,), whatever the graph's other values are."""
        row = _Numbers(self._space, self._positions, theta)
        return self._build(row)  # type: ignore[arg-type]


@final
class _Numbers:
    """Stands for the table of values: computes the slots that are asked for."""

    def __init__(
        self,
        space: ParameterSpace,
        positions: dict[Prior, int],
        theta: Sequence[float],
    ) -> None:
        self._space = space
        self._positions = positions
        self._theta = theta

    def __getitem__(self, slot: int) -> float:
        value: float = self._value(self._space.expression(slot))
        return value

    def _value(self, item: Any) -> Any:
        if isinstance(item, Prior):
            return self._theta[self._positions[item]]
        if isinstance(item, Relation):
            arguments = [self._value(operand) for operand in item.arguments]
            with np.errstate(all="ignore"):
                return float(item.function(*arguments))
        if isinstance(item, Expression):
            msg = f"a {type(item).__name__} among the parameters"
            raise TypeError(msg)
        return item
