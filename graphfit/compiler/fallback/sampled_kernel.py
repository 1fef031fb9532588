"""Sampled kernels: the likelihood of a model that is known by its values alone.

A model that cannot be written as a formula is called, at theta and beside it, and gives its
values f and their derivatives by differences.  Those are then *columns* of a compiled kernel
whose formula is ``model = column``:

    columns of the factor    data, weight, (variance), (limits), x, ...
    columns of the kernel    data, weight, (variance), (limits), f, df/dtheta_0, ...

So every likelihood, with fitted noise or upper limits, is the compiled one, with the same
derivatives and information.

A model may need all of x (a sum, a convolution), so the columns hold every point, in order;
those not in use have weight 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, final

import numpy as np

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.factor_kernel import (
    BLOCK,
    FactorData,
    FactorKernel,
    columns_before_x,
    noise_of,
)
from graphfit.compiler.fallback.differences import parameter_scales
from graphfit.compiler.formula import Formula, Row, canonical, fitted_paths
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Tracer, Untraceable
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.priors import Prior
from graphfit.typing import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False, slots=True)
class SampledLikelihood:
    """The likelihood of values and derivatives that are given.

    Attributes
    ----------
    kernel : FactorKernel
        Its columns are the first `n_before` of the factor, then f, then the derivatives
        with respect to the parameters `which`.
    n_before : int
        Columns handed on.
    which : ndarray of int, shape (S,)
        The parameters that the model depends on.
    n_constants : int
        C, numbers before the scales of the parameters among the factor's constants.
    """

    kernel: FactorKernel
    n_before: int
    which: IntArray
    n_constants: int

    @property
    def n_parameters(self) -> int:
        """D of the factor."""
        return self.kernel.n_parameters


def noise_formula(
    model: Any, space: ParameterSpace, data: Pointwise, numbers: Sequence[Any] = ()
) -> Formula:
    """Return the formula of what a factor's noise is fitted with, without its model.

    Parameters
    ----------
    model : Node
        The factor's own model.
    space : ParameterSpace
        Of the graph that the factor belongs to.
    data : Pointwise
        What its analysis says of the data.
    numbers : sequence of prior, relation or float
        Further outputs, before jitter and degrees of freedom.

    Raises
    ------
    Untraceable
        If it cannot be written down; the message says why.
    """
    build = instance_builder(model, space)
    positions: dict[Prior, int] = {}
    paths = fitted_paths(data)
    if not numbers and not paths:
        return Formula((), (), (), ())

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> list[Any]:
        del x
        row = Row(space, positions, parameter)
        values = [row.value(item) for item in numbers]
        # Only where it must be: a constructor may need the numbers themselves.
        instance = build(row) if paths else None  # type: ignore[arg-type]
        return [*values, *(attrgetter(path)(instance) for path in paths)]

    traced = trace(call, (), data.data.shape)
    varying = traced.tape.varying()
    if any(varying[line] for line in traced.outputs):
        msg = "a parameter that is an array"
        raise Untraceable(msg)
    return canonical(traced, tuple(positions))


def sampled_likelihood(
    data: Pointwise,
    formula: Formula,
    constants: Sequence[bool],
    n_parameters: int,
    which: Sequence[int],
) -> SampledLikelihood:
    """Return the likelihood of a model that is sampled.

    Parameters
    ----------
    data : Pointwise
        The analysis's own words.
    formula : Formula
        Of its noise, see :func:`noise_formula`; jitter and degrees of freedom are its
        last outputs.
    constants : sequence of bool
        Which of the formula's numbers are constants of the dataset.
    n_parameters : int
        D, no less than the formula's own.
    which : sequence of int
        The parameters that the model depends on.
    """
    _, _, before = columns_before_x(data)
    tape = formula.with_constants(constants).tape()
    model = tape.column(before)
    fitted = formula.outputs[len(formula.outputs) - len(fitted_paths(data)) :]
    slopes: list[int | None] = [None] * n_parameters
    for row, j in enumerate(which):
        slopes[j] = tape.column(before + 1 + row)
    kernel = FactorKernel(
        tape, model, noise_of(data, (model, *fitted)), n_parameters, slopes
    )
    return SampledLikelihood(
        kernel, before, np.array(which, dtype=np.intp), sum(constants)
    )


def sampled_data(
    data: Pointwise,
    space: ParameterSpace,
    priors: Sequence[Prior],
    constants: FloatArray,
) -> FactorData:
    """Return what a factor gives a sampled kernel.

    Parameters
    ----------
    data : Pointwise
        The analysis's own words.
    space : ParameterSpace
        Of the graph.
    priors : sequence of Prior
        The factor's D parameters, in the kernel's order.
    constants : ndarray, shape (C,)
        The numbers in which it differs from other factors of its kernel.  The scales of
        its parameters, least (D,) and largest (D,), come after them.
    """
    order = {prior: i for i, prior in enumerate(space.priors)}
    scales = parameter_scales(priors)
    return FactorData(
        local=np.array([order[prior] for prior in priors], dtype=np.int64),
        constants=np.concatenate([constants, scales.ravel()]),
        columns=whole_columns(data),
        points=int(data.used.sum()),
        offset=data.offset,
    )


def whole_columns(data: Pointwise) -> tuple[FloatArray, ...]:
    """Return the columns of a dataset with all its points, filled up to whole blocks.

    Data and noise that are not in use are replaced by harmless numbers, x is not.
    """
    used = data.used
    weight = used.astype(np.float64)
    if data.noise is not None and data.jitter is None:
        weight[used] /= data.noise[used]
    columns = [np.where(used, data.data, 0.0), weight]
    if data.jitter is not None and data.noise is not None:
        columns.append(np.where(used, data.noise, 1.0) ** 2)
    if data.upper_limits is not None:
        columns.append((data.upper_limits & used).astype(np.float64))
    columns += data.inputs
    extra = -data.size % BLOCK
    return tuple(
        np.concatenate([values, np.repeat(values[-1:], extra)])
        if values is not weight
        else np.concatenate([values, np.zeros(extra)])
        for values in columns
    )
