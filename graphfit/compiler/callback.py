"""Callbacks: a factor's own Python behind the signature of compiled kernels.

Slow, and always right: what a driver can do with a compiled factor it can do with any.
Python is called back through ctypes, which takes the interpreter's lock by itself.

No exception crosses the machine code between: where the user's code raises, the kernel
returns NaN.  What is no :class:`~graphfit.FitException` is kept as `error`, to be raised by
whoever called the driver.
"""

import ctypes
import threading
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.analysis.model_values import as_values
from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.differences import (
    FIRST,
    model_slopes,
    parameter_scales,
    step,
    value_gradient,
    value_information,
)
from graphfit.compiler.factor_kernel import BLOCK, FactorData, Kernels, Kind
from graphfit.compiler.sampled_kernel import (
    SampledLikelihood,
    noise_formula,
    sampled_data,
    sampled_likelihood,
)
from graphfit.compiler.tracer import Untraceable
from graphfit.errors import FitException, LikelihoodError
from graphfit.model.build import instance_builder
from graphfit.model.node import Builder
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import direct_parameters
from graphfit.priors import Expression, Prior, Relation
from graphfit.typing import FloatArray

_SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_double,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_void_p,
)


def callback_kernels(
    space: ParameterSpace, model: Any, analysis: Analysis, data: Pointwise | None
) -> tuple[Kernels, FactorData]:
    """Return the kernels of a factor that runs as Python, and what to call them with.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    model : Node
        The factor's own model.
    analysis : Analysis
        As prepared for the fit.
    data : Pointwise or None
        What it says of its data.

    Returns
    -------
    Kernels, FactorData
        A :class:`ModelCallback` where the likelihood is one of graphfit's and only the
        model is Python, else a :class:`LikelihoodCallback`.
    """
    priors = tuple(direct_parameters(model))
    if data is not None:
        try:
            formula = noise_formula(model, space, data)
        except Untraceable:
            pass  # the noise is known from Python alone
        else:
            others = [prior for prior in priors if prior not in formula.parameters]
            priors = (*formula.parameters, *others)
            fixed = [False] * len(formula.literals)
            count = len(priors)
            form = sampled_likelihood(data, formula, fixed, count, range(count))
            factor = PythonFactor(space, model, priors)
            own = sampled_data(data, space, priors, np.zeros(0))
            return ModelCallback(factor, data, form), own
    factor = PythonFactor(space, model, priors)
    kernels = LikelihoodCallback(factor, analysis.log_likelihood_function)
    return kernels, _own_data(space, priors, analysis)


def _own_data(
    space: ParameterSpace, priors: Sequence[Prior], analysis: Analysis
) -> FactorData:
    """Return the data of a likelihood that keeps its data to itself: only their number."""
    known = analysis.data_point_count()
    points = max(len(priors), 1) if known is None else int(known)
    weight = np.zeros(max(BLOCK, -(-points // BLOCK) * BLOCK))
    weight[:points] = 1.0
    order = {prior: i for i, prior in enumerate(space.priors)}
    return FactorData(
        local=np.array([order[prior] for prior in priors], dtype=np.int64),
        constants=parameter_scales(priors).ravel(),
        columns=(np.zeros_like(weight), weight),
        points=points,
        offset=0.0,
    )


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
        return self._value(self._space.expression(slot))

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


class _Callbacks:
    """Python functions by kind, each behind an address; keeps the first error."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._made: dict[Kind, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind, make: Callable[[], Callable[..., float]]) -> int:
        """Return the address of a kind's function, made by `make` the first time."""
        with self._lock:
            if kind not in self._made:
                self._made[kind] = _SIGNATURE(self._guarded(make()))
            found = ctypes.cast(self._made[kind], ctypes.c_void_p).value
        assert found is not None
        return found

    def _guarded(self, function: Callable[..., float]) -> Callable[..., float]:
        """Return the function as C may call it: it never raises."""

        def call(
            theta: int, constants: int, columns: int, n: int, out: int | None
        ) -> float:
            if self.error is not None and not isinstance(self.error, Exception):
                return np.nan  # the user wants to stop
            try:
                with np.errstate(all="ignore"):
                    return function(theta, constants, columns, n, out)
            except BaseException as error:  # boundary: the caller is C  # noqa: BLE001
                self.keep(error)
                return np.nan

        return call

    def keep(self, error: BaseException) -> None:
        """Keep an error that is no rejection of the point, the first of all."""
        if isinstance(error, FitException):
            return
        if self.error is None or not isinstance(error, Exception):
            self.error = error


@final
class ModelCallback:
    """The kernels of a model in Python under one of graphfit's likelihoods.

    Parameters
    ----------
    factor : PythonFactor
        Builds the instance.
    data : Pointwise
        How it is called, on what.  The columns of x that a driver hands over are not
        read: Python sees the analysis's own arrays.
    likelihood : SampledLikelihood
        Of the model's values.
    """

    def __init__(
        self, factor: PythonFactor, data: Pointwise, likelihood: SampledLikelihood
    ) -> None:
        self.n_parameters = likelihood.n_parameters
        self.is_plain = likelihood.kernel.is_plain
        self._factor = factor
        self._data = data
        self._form = likelihood
        self._callbacks = _Callbacks()

    @property
    def error(self) -> BaseException | None:
        """The first error of the user's code since it was last set to None."""
        return self._callbacks.error

    @error.setter
    def error(self, value: BaseException | None) -> None:
        self._callbacks.error = value

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        return self._callbacks.address(kind, lambda: self._function(kind))

    def _function(self, kind: Kind) -> Callable[..., float]:
        if kind == "model":
            return self._model_kernel
        form = self._form
        kernel = _SIGNATURE(form.kernel.address(kind))
        rows = 0 if kind == "value" else form.which.size

        def function(
            theta: int, constants: int, columns: int, n: int, out: int | None
        ) -> float:
            point = _array(theta, self.n_parameters).copy()
            values = np.zeros((1 + rows, n))
            self._values(None, point, values[0])
            if rows:
                model_slopes(
                    self._try_values,
                    None,
                    point,
                    form.which,
                    self._steps(point, constants),
                    values,
                )
            before = (ctypes.c_void_p * form.n_before).from_address(columns)
            inside = (ctypes.c_void_p * (form.n_before + 1 + rows))(
                *before, *(row.ctypes.data for row in values)
            )
            place = ctypes.addressof(inside)
            return float(kernel(theta, constants, place, n, out))

        return function

    def _model_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del constants, columns
        point = _array(theta, self.n_parameters)
        self._values(None, point, _array(out, n))
        return 0.0

    def _steps(self, point: FloatArray, constants: int) -> FloatArray:
        form, count = self._form, self.n_parameters
        numbers = _array(constants, form.n_constants + 2 * count)
        least, largest = numbers[form.n_constants :].reshape(2, count)
        return np.array(
            [step(*item, FIRST) for item in zip(point, least, largest, strict=True)]
        )

    def _values(self, state: None, point: FloatArray, out: FloatArray) -> None:
        """Write the model's values into `out`, filled up with zeros."""
        del state
        data = self._data
        instance = self._factor.instance(point.tolist())
        function = instance if data.call == "call" else instance.model_data_from
        values = function(*data.inputs)
        shape = data.data.shape
        if not (data.broadcasts and np.ndim(values) == 0):
            values = as_values(values, instance, shape)
        out[: data.size] = values
        out[data.size :] = 0.0

    def _try_values(self, state: None, point: FloatArray, out: FloatArray) -> None:
        """Write the values beside theta: NaN where the model fails."""
        try:
            self._values(state, point, out)
        except FitException:
            out[:] = np.nan
        except Exception as error:  # boundary: a user's model  # noqa: BLE001
            self._callbacks.keep(error)
            out[:] = np.nan


@final
class LikelihoodCallback:
    """The kernels of a likelihood in Python; derivatives by differences of its value.

    Parameters
    ----------
    factor : PythonFactor
        Builds the instance.
    likelihood : callable
        ``likelihood(instance)`` returns the log-likelihood.

    Notes
    -----
    The matrix of "normal" is minus the matrix of second derivatives.  Far from the
    maximum it may be indefinite.
    """

    def __init__(
        self, factor: PythonFactor, likelihood: Callable[[Any], float]
    ) -> None:
        self.n_parameters = len(factor.priors)
        self.is_plain = False
        self._factor = factor
        self._likelihood = likelihood
        self._callbacks = _Callbacks()

    @property
    def error(self) -> BaseException | None:
        """The first error of the user's code since it was last set to None."""
        return self._callbacks.error

    @error.setter
    def error(self, value: BaseException | None) -> None:
        self._callbacks.error = value

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind.

        Raises
        ------
        KeyError
            For "rows" and "model": there are neither data points nor a model to be seen.
        """
        functions = {
            "value": self._value_kernel,
            "gradient": self._gradient_kernel,
            "normal": self._normal_kernel,
        }
        if kind not in functions:
            msg = (
                f"A log_likelihood_function of your own has no kernel {kind!r}, only "
                f"{', '.join(functions)}: it does not say what it computes at a data point."
            )
            raise KeyError(msg)
        return self._callbacks.address(kind, lambda: functions[kind])

    def _value_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int | None
    ) -> float:
        del constants, columns, n, out
        return self._value(_array(theta, self.n_parameters))

    def _gradient_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del columns, n
        point, scales = self._given(theta, constants)
        value, slopes, _ = value_gradient(self._beside(point), point, scales)
        _array(out, point.size)[:] = slopes
        return value

    def _normal_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del columns, n
        point, scales = self._given(theta, constants)
        value, slopes, matrix = value_information(self._beside(point), point, scales)
        lower = matrix[np.tril_indices(point.size)]
        _array(out, point.size + lower.size)[:] = np.concatenate([slopes, lower])
        return value

    def _given(self, theta: int, constants: int) -> tuple[FloatArray, FloatArray]:
        count = self.n_parameters
        scales = _array(constants, 2 * count).reshape(2, count)
        return _array(theta, count).copy(), scales

    def _value(self, point: FloatArray) -> float:
        value = self._likelihood(self._factor.instance(point.tolist()))
        if isinstance(value, (int, float, np.number)) or np.ndim(value) == 0:
            return float(value)
        msg = f"log_likelihood_function returned {value!r}, which is no single number."
        raise LikelihoodError(msg)

    def _beside(self, point: FloatArray) -> Callable[[FloatArray], float]:
        """Return the function for differences: NaN beside the point where it fails."""

        def value(moved: FloatArray) -> float:
            if np.array_equal(moved, point):
                return self._value(moved)
            try:
                return self._value(moved)
            except FitException:
                return np.nan
            except Exception as error:  # boundary: a user's model  # noqa: BLE001
                self._callbacks.keep(error)
                return np.nan

        return value


def _array(address: int, size: int) -> FloatArray:
    """Return the `size` doubles at an address."""
    if not size:
        return np.zeros(0)
    return np.frombuffer((ctypes.c_double * size).from_address(address))
