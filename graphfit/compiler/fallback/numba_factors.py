"""NumbaFactors: the factors of a graph for which numba is to be tried.

Factors that call the same functions on arrays of the same length share one kernel, as
compiled ones do: the numbers in which they differ are constants of the dataset.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, final

import numpy as np

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.factor_kernel import FactorData, Kernels, columns_before_x
from graphfit.compiler.fallback.profile_call import ProfileCall, profile_calls
from graphfit.compiler.fallback.sampled_kernel import (
    noise_formula,
    sampled_data,
    sampled_likelihood,
)
from graphfit.compiler.formula import Formula, differing
from graphfit.compiler.tracer import Untraceable
from graphfit.model.space import ParameterSpace

Found = dict[int, tuple[Kernels, FactorData] | str]
Entry = tuple[int, list[ProfileCall], Pointwise, Formula]


@final
class NumbaFactors:
    """Collects factors by position, then compiles them group by group.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self._space = space
        self._groups: dict[Any, list[Entry]] = {}
        self._refused: Found = {}

    def add(self, position: int, model: Any, data: Pointwise) -> None:
        """Note a factor: its position in the graph, its model and its data."""
        try:
            if data.call != "call":
                msg = "a method of a class is called"
                raise Untraceable(msg)
            calls, numbers = profile_calls(model, len(data.inputs))
            formula = noise_formula(model, self._space, data, numbers)
            if not formula.parameters:
                msg = "it has no free parameter"
                raise Untraceable(msg)
        except Untraceable as reason:
            self._refused[position] = f"nor is it for numba: {reason}"
            return
        nu = data.degrees_of_freedom
        key = (
            tuple(call.key for call in calls),
            formula.shape,
            data.size,
            len(data.inputs),
            data.likelihood,
            data.jitter is None,
            nu if isinstance(nu, float) else type(nu),
            columns_before_x(data),
            data.broadcasts,
        )
        self._groups.setdefault(key, []).append((position, calls, data, formula))

    def kernels(self) -> Found:
        """Return kernels and data by position, or why there are none."""
        found = dict(self._refused)
        for key, group in self._groups.items():
            found.update(self._compiled(key, group))
        return found

    def _compiled(self, key: Any, group: list[Entry]) -> Found:
        constants = differing([formula for _, _, _, formula in group])
        _, calls, data, formula = group[0]
        recipe = _Recipe(
            (key, formula.with_constants(constants).content),
            lambda: _kernels(calls, data, formula, constants),
        )
        kernels = _made(recipe)
        if isinstance(kernels, str):
            return {position: kernels for position, *_ in group}
        chosen = np.array(constants, dtype=bool)
        return {
            position: (
                kernels,
                sampled_data(
                    data,
                    self._space,
                    formula.parameters,
                    np.array(formula.literals, dtype=np.float64)[chosen],
                ),
            )
            for position, _, data, formula in group
        }


@final
class _Recipe:
    """How to make kernels, once; equal to another of the same key."""

    __slots__ = ("_key", "_make")

    def __init__(self, key: Any, make: Callable[[], Kernels | str]) -> None:
        self._key = key
        self._make: Callable[[], Kernels | str] | None = make

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Recipe) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def kernels(self) -> Kernels | str:
        """Return the kernels, or numba's reason against them; drop what they need."""
        assert self._make is not None
        kernels = self._make()
        self._make = None  # it holds the data, and this is kept as a key
        return kernels


# A model that is fitted again, to other data of the same length, is not compiled again.
@lru_cache(maxsize=64)
def _made(recipe: _Recipe) -> Kernels | str:
    return recipe.kernels()


def _kernels(
    calls: list[ProfileCall],
    data: Pointwise,
    formula: Formula,
    constants: Sequence[bool],
) -> Kernels | str:
    """Return the kernels of a group of factors, or numba's reason against it."""
    # Numba is imported when it is needed, not before.
    from graphfit.compiler.fallback.numba_kernel import NumbaKernel
    from graphfit.compiler.fallback.numba_profile import NumbaRefuses, compiled_model

    _, _, first = columns_before_x(data)
    try:
        model = compiled_model(calls, data, first)
    except NumbaRefuses as reason:
        return str(reason)
    which = _parameters_of(formula, model.size)
    form = sampled_likelihood(data, formula, constants, len(formula.parameters), which)
    return NumbaKernel(model, formula, constants, form)


def _parameters_of(formula: Formula, size: int) -> list[int]:
    """Return the parameters that the first `size` outputs depend on."""
    tape = formula.tape()
    lines = tape.needed(formula.outputs[:size])
    return sorted(
        {tape.nodes[i].value for i in lines if tape.nodes[i].operation == "parameter"}
    )
