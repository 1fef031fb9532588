"""ModelCallback: a model in Python under one of graphfit's likelihoods."""

import ctypes
from collections.abc import Callable
from typing import Any, final

import numpy as np

from graphfit.analysis.model_values import as_values
from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.factor_kernel import Kind
from graphfit.compiler.fallback.callback import KERNEL, Callbacks, doubles_at
from graphfit.compiler.fallback.differences import FIRST, combined, model_slopes, step
from graphfit.compiler.fallback.python_factor import PythonFactor
from graphfit.compiler.fallback.sampled_kernel import SampledLikelihood
from graphfit.errors import FitException, LikelihoodError
from graphfit.typing import FloatArray

TOLERANCE = 1e-7  # relative; both ways round differently


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
    own : callable or None
        ``log_likelihood_function``.  The first value is compared with it: two hooks of an
        analysis that say different things are an error.
    """

    def __init__(
        self,
        factor: PythonFactor,
        data: Pointwise,
        likelihood: SampledLikelihood,
        own: Callable[[Any], float] | None,
    ) -> None:
        self.n_parameters = likelihood.n_parameters
        self.is_plain = likelihood.kernel.is_plain
        self._factor = factor
        self._data = data
        self._form = likelihood
        self._own = own
        self._callbacks = Callbacks()

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
        kernel = KERNEL(form.kernel.address(kind))
        rows = 0 if kind == "value" else form.which.size

        def function(
            theta: int, constants: int, columns: int, n: int, out: int | None
        ) -> float:
            point = doubles_at(theta, self.n_parameters).copy()
            values = np.zeros((1 + rows, n))
            self._values(None, point, values[0])
            if rows:
                model_slopes(
                    self._try_values,
                    combined,
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
            value = float(kernel(theta, constants, place, n, out))
            if self._own is not None and np.isfinite(value):
                self._compare(point, value + self._data.offset)
            return value

        return function

    def _compare(self, point: FloatArray, found: float) -> None:
        """Compare a value with what the analysis itself says, the first time."""
        assert self._own is not None
        expected = float(self._own(self._factor.instance(point.tolist())))
        if abs(found - expected) > TOLERANCE * max(1.0, abs(expected)):
            msg = (
                f"The analysis's pointwise() describes a log-likelihood of {found!r} where "
                f"its log_likelihood_function returns {expected!r}. Correct the one or the "
                "other, or let pointwise() return None."
            )
            raise LikelihoodError(msg)
        self._own = None

    def _model_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del constants, columns
        point = doubles_at(theta, self.n_parameters)
        self._values(None, point, doubles_at(out, n))
        return 0.0

    def _steps(self, point: FloatArray, constants: int) -> FloatArray:
        form, count = self._form, self.n_parameters
        numbers = doubles_at(constants, form.n_constants + 2 * count)
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
