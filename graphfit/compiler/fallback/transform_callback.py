"""TransformCallback: the prior transform in Python, behind the signature of a kernel."""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.compiler.cube_point import CubeAxes, CubePoint
from graphfit.compiler.fallback.callback import Callbacks, doubles_at
from graphfit.errors import FitException
from graphfit.model.steps import CallStep
from graphfit.priors import Prior, Relation


@final
class TransformCallback:
    """The kernel of a prior transform that cannot be compiled.

    Parameters
    ----------
    axes : CubeAxes
        Which parameters are sampled.
    """

    def __init__(self, axes: CubeAxes) -> None:
        space = axes.space
        self._axes = axes
        self._n_free = len(axes.free)
        self._n_values = space.dimension + len(space.relations)
        self._names = dict(zip(space.relations, space.derived_names, strict=True))
        self._callbacks = Callbacks()

    @property
    def error(self) -> BaseException | None:
        """The first error of the user's code since it was last set to None."""
        return self._callbacks.error

    @error.setter
    def error(self, value: BaseException | None) -> None:
        self._callbacks.error = value

    def address(self) -> int:
        """Return the address of the kernel, see :class:`UnitCube`."""
        return self._callbacks.address("value", lambda: self._kernel)

    def _kernel(self, unit: int, numbers: int, columns: int, n: int, out: int) -> float:
        del columns, n
        values = doubles_at(out, self._n_values)
        values[:] = np.nan
        point = CubePoint(
            self._axes,
            doubles_at(unit, self._n_free).tolist(),
            doubles_at(numbers, len(self._axes.hidden)).tolist(),
            _quantile,
            self._call,
        )
        try:
            values[:] = point.values()
            holds = all(map(point.holds, self._axes.space.conditions))
        except FitException:
            values[:] = np.nan
            return -math.inf
        return 0.0 if holds and not np.isnan(values).any() else -math.inf

    def _call(self, relation: Relation, arguments: Sequence[Any]) -> float:
        # The step refuses what is no number, and says which relation raised.
        operands = tuple(
            (None, float(item) if isinstance(item, np.floating) else item)
            for item in arguments
        )
        name = self._names.get(relation, str(relation))
        value = np.empty(1)
        CallStep(relation.function, 0, operands, name).run(value)
        return float(value[0])


def _quantile(prior: Prior, u: float, arguments: Sequence[Any]) -> float:
    return float(prior.density.quantile(u, *arguments))
