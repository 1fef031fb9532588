"""A function of curve_fit as a profile of the compiler: ``f(x, a, b, ...)`` to kernels."""

import ctypes
import inspect
from collections.abc import Callable
from typing import Any, final

import numpy as np

from graphfit.analysis import ProfileAnalysis
from graphfit.compiler.paths import FactorPath, disagreeing, factor_paths
from graphfit.compiler.tracer import Tracer
from graphfit.errors import DataError
from graphfit.model import Model
from graphfit.model.space import ParameterSpace
from graphfit.priors import FlatPrior
from graphfit.search.least_squares.arguments import WHERE
from graphfit.search.least_squares.row_kernels import RowFactor, RowKernels
from graphfit.typing import AnyArray, FloatArray

AGREEMENT = 1e-9  # of the formula and the function, relative to the largest value


@final
class CurveFunction:
    """``f(x, *parameters)`` with a signature that names every argument.

    Parameters
    ----------
    function : callable
        The user's.
    n_inputs : int
        Independent variables; several reach `function` as one argument with rows.
    n_parameters : int
        D.
    """

    def __init__(
        self, function: Callable[..., Any], n_inputs: int, n_parameters: int
    ) -> None:
        self.function = function
        self.inputs = tuple(f"x_{i}" for i in range(n_inputs))
        self.parameters = tuple(f"p_{j}" for j in range(n_parameters))
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = (*self.inputs, *self.parameters)
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(name, kind) for name in names]
        )
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *x: Any, **parameters: Any) -> Any:
        """Return the user's function at x, with the parameters in their order."""
        values = [parameters[name] for name in self.parameters]
        if len(x) == 1:
            return self.function(x[0], *values)
        rows: Any = list(x)
        if not any(isinstance(row, Tracer) for row in rows):
            rows = np.stack(rows)
        return self.function(rows, *values)


def curve_kernels(
    function: Callable[..., Any], x: tuple[AnyArray, ...], start: FloatArray
) -> RowKernels:
    """Return the kernels of a function.

    Parameters
    ----------
    function : callable
        ``function(x, *parameters)``.
    x : tuple of ndarray, each of shape (N,)
        The independent variables of one dataset.
    start : ndarray, shape (D,)
        Where the function is tried, and a compiled form compared with it.

    Raises
    ------
    DataError
        If the function returns values of another shape than x, or no numbers.
    Exception
        Whatever the function raises at `start`.
    """
    inputs = [np.asarray(row, dtype=np.float64) for row in x]
    expected = _tried(function, inputs, start)
    model = _model(function, len(inputs), start.size)
    analysis = ProfileAnalysis(
        inputs[0] if len(inputs) == 1 else np.stack(inputs),
        np.zeros(expected.size),
        noise_map=1.0,
    )
    space = ParameterSpace(model)
    (path,) = factor_paths(space, {"f": model}, {"f": analysis})
    if path.way != "python" and not _agrees(path, start, expected):
        path = disagreeing(path)
    kernels, data = path.callable_kernels(own_data=False)
    factor = RowFactor(
        kernels,
        data.local,
        data.constants,
        data.columns[2 + len(inputs) :],
        path.any_x,
    )
    return RowKernels((factor,), path.way, path.reason)


def _model(function: Callable[..., Any], n_inputs: int, n_parameters: int) -> Model:
    """Return the function as a model: itself where its signature names its parameters."""
    names: list[str] = []
    if inspect.isfunction(function) and n_inputs == 1:
        kinds = inspect.signature(function).parameters.values()
        named = [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD]
        names = named[1:] if len(named) == len(kinds) else []
    if len(names) == n_parameters:
        own: Any = {name: FlatPrior() for name in names}
        return Model(function, **own)
    profile = CurveFunction(function, n_inputs, n_parameters)
    priors: Any = {name: FlatPrior() for name in profile.parameters}
    return Model(profile, independent_vars=profile.inputs, **priors)


def _tried(
    function: Callable[..., Any], inputs: list[FloatArray], start: FloatArray
) -> FloatArray:
    with np.errstate(all="ignore"):
        x = inputs[0] if len(inputs) == 1 else np.stack(inputs)
        values = np.array(function(x, *start.tolist()))  # a copy: it may be a buffer
    if values.shape != inputs[0].shape:
        msg = (
            f"{WHERE}: f returned shape {values.shape} on x, the data have shape "
            f"{inputs[0].shape}; return one value for each data point."
        )
        raise DataError(msg)
    if values.dtype.kind not in "fiub":
        msg = f"{WHERE}: f returned values of type {values.dtype}, not real numbers."
        raise DataError(msg)
    return values.astype(np.float64)


def _agrees(path: FactorPath, start: FloatArray, expected: FloatArray) -> bool:
    """Say whether the compiled model has the function's own values at the start."""
    kernels, data = path.callable_kernels(own_data=False)
    columns = np.array([c.ctypes.data for c in data.columns], dtype=np.int64)
    theta = np.ascontiguousarray(start[data.local])
    found = np.empty(data.size)
    kernel = ctypes.CFUNCTYPE(
        ctypes.c_double,
        *[ctypes.c_void_p] * 3,
        ctypes.c_int64,
        ctypes.c_void_p,
    )(kernels.address("model"))
    kernel(
        theta.ctypes.data,
        data.constants.ctypes.data,
        columns.ctypes.data,
        data.size,
        found.ctypes.data,
    )
    known = np.isfinite(expected)
    size = np.abs(expected[known]).max(initial=0.0)
    same_gaps = np.array_equal(known, np.isfinite(found[: expected.size]))
    difference = np.abs(found[: expected.size] - expected)[known]
    return same_gaps and bool((difference <= AGREEMENT * size).all())
