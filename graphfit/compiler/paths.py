"""Which way each factor is evaluated, and why.

A factor is *compiled* where its analysis is pointwise and its model can be written as a
formula.  Where it cannot, numba may compile the model's functions as they stand; else the
factor runs as the Python that it was written in.  What is compiled has been compared with
its own Python at points of the prior before it is used.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.analysis.pointwise import Pointwise, pointwise_of
from graphfit.compiler.factor_kernel import (
    FactorData,
    Kernels,
    columns_before_x,
    data_columns,
    noise_of,
)
from graphfit.compiler.fallback.kernels import callback_kernels
from graphfit.compiler.fallback.numba_factors import NumbaFactors
from graphfit.compiler.formula import Formula, differing, factor_formula
from graphfit.compiler.formula_kernel import formula_kernel
from graphfit.compiler.tracer import Untraceable
from graphfit.model.space import ParameterSpace

Way = Literal["compiled", "numba", "python"]


@final
@dataclass(frozen=True, eq=False)
class FactorPath:
    """The way of one factor.

    Attributes
    ----------
    way : {"compiled", "numba", "python"}
    reason : str
        Why it is not compiled, and where it is Python why not by numba; empty where it is
        compiled.
    remedy : str
        What would make it faster; empty where nothing is to be done.
    kernels : Kernels or None
        The compiled functions.
    data : FactorData or None
        What to call them with.
    any_x : bool
        Whether the kernels read x from their columns, so that they serve other x too.
    callback : callable or None
        ``callback()`` returns the kernels that call the factor's own Python, and their
        data: for drivers that know nothing but kernels.  There for every way.
    """

    way: Way
    reason: str = ""
    remedy: str = ""
    kernels: Kernels | None = None
    data: FactorData | None = None
    any_x: bool = False
    callback: Callable[..., tuple[Kernels, FactorData]] | None = None

    def callable_kernels(self, *, own_data: bool = True) -> tuple[Kernels, FactorData]:
        """Return kernels and their data whatever the way: compiled ones where there are.

        Parameters
        ----------
        own_data : bool
            Whether they will be called with the data of the factor's own analysis.
        """
        if self.kernels is not None and self.data is not None:
            return self.kernels, self.data
        assert self.callback is not None
        return self.callback(own_data=own_data)


def factor_paths(
    space: ParameterSpace, models: Mapping[str, Any], analyses: Mapping[str, Analysis]
) -> list[FactorPath]:
    """Return the way of every factor of a graph, in order.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    models, analyses : mapping of str to Node, Analysis
        By the factors' names.
    """
    paths: list[FactorPath | None] = []
    written: list[tuple[int, Pointwise, Formula]] = []
    by_numba = NumbaFactors(space)
    callbacks = []
    for name, analysis in analyses.items():
        path = None
        model, data = models[name], pointwise_of(analysis)
        callbacks.append(partial(callback_kernels, space, model, analysis, data=data))
        if data is None:
            path = _own_code(analysis)
        else:
            try:
                formula = _formula(model, space, data)
                written.append((len(paths), data, formula))
            except Untraceable as reason:
                path = _not_traced(reason)
                by_numba.add(len(paths), model, data)
        paths.append(path)
    for position, found in by_numba.kernels().items():
        paths[position] = _with_numba(paths[position], found)
    for group in _groups(written).values():
        constants = differing([formula for _, _, formula in group])
        _, data, formula = group[0]
        kernels = formula_kernel(
            formula.with_constants(constants), noise_of(data, formula.outputs)
        )
        order = {prior: i for i, prior in enumerate(space.priors)}
        for position, data, formula in group:
            own = _factor_data(data, formula, constants, order)
            paths[position] = FactorPath(
                "compiled", kernels=kernels, data=own, any_x=formula.any_x
            )
    return [
        replace(path, callback=callback)
        for path, callback in zip(paths, callbacks, strict=True)
        if path is not None
    ]


def _formula(model: Any, space: ParameterSpace, data: Pointwise) -> Formula:
    _, _, first = columns_before_x(data)
    formula = factor_formula(model, space, data, first)
    if not formula.parameters:
        msg = "it has no free parameter"
        raise Untraceable(msg)
    return formula


def _groups(
    written: Sequence[tuple[int, Pointwise, Formula]],
) -> dict[Any, list[tuple[int, Pointwise, Formula]]]:
    """Return the factors that can share a kernel."""
    groups: dict[Any, list[tuple[int, Pointwise, Formula]]] = {}
    for item in written:
        _, data, formula = item
        nu = data.degrees_of_freedom
        key = (
            formula.shape,
            data.likelihood,
            data.jitter is None,
            nu if isinstance(nu, float) else type(nu),
            columns_before_x(data),
            len(data.inputs),
        )
        groups.setdefault(key, []).append(item)
    return groups


def _factor_data(
    data: Pointwise,
    formula: Formula,
    constants: Sequence[bool],
    order: Mapping[Any, int],
) -> FactorData:
    numbers = np.array(formula.literals)[np.array(constants, dtype=bool)]
    return FactorData(
        local=np.array([order[p] for p in formula.parameters], dtype=np.int64),
        constants=np.ascontiguousarray(numbers, dtype=np.float64),
        columns=data_columns(data, formula.arrays),
        points=int(data.used.sum()),
        offset=data.offset,
    )


def _own_code(analysis: Analysis) -> FactorPath:
    name = type(analysis).__name__
    return FactorPath(
        "python",
        reason=f"{name}.log_likelihood_function is your own code",
        remedy=(
            "if it compares a model with data point by point, use gf.ProfileAnalysis, or "
            f"say so by {name}.pointwise()"
        ),
    )


def _not_traced(reason: Untraceable) -> FactorPath:
    return FactorPath(
        "python",
        reason=f"the model cannot be written as a formula: {reason}",
        remedy=(
            "write it with numpy functions that act element by element (np.where instead "
            "of if and indexing, np.exp instead of math.exp)"
        ),
    )


def disagreeing(path: FactorPath) -> FactorPath:
    """Return the way of a compiled factor whose value is not its Python's."""
    what = "the formula gives" if path.way == "compiled" else "numba's code gives"
    # What it says of its data is not to be trusted either.
    callback = None if path.callback is None else partial(path.callback, data=None)
    return FactorPath(
        "python",
        reason=(
            f"{what} other values than the model itself; it may depend on more than its "
            "arguments, or fail all over the prior"
        ),
        remedy="let the model depend on x and its parameters alone",
        callback=callback,
    )


def _with_numba(
    path: FactorPath | None, found: tuple[Kernels, FactorData] | str
) -> FactorPath:
    """Return the way of a factor without a formula, after numba was asked."""
    assert path is not None
    if isinstance(found, str):
        remedy = path.remedy
        if "numba cannot compile" in found:
            remedy += "; or with what numba knows, and numba.njit on functions it calls"
        return replace(path, reason=f"{path.reason}; {found}", remedy=remedy)
    kernels, data = found
    return replace(path, way="numba", kernels=kernels, data=data, any_x=True)
