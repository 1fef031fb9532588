"""LikelihoodCallback: a likelihood in Python, known by its value alone."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.compiler.factor_kernel import BLOCK, FactorData, Kind
from graphfit.compiler.fallback.callback import Callbacks, doubles_at
from graphfit.compiler.fallback.differences import (
    parameter_scales,
    value_gradient,
    value_information,
)
from graphfit.compiler.fallback.python_factor import PythonFactor
from graphfit.errors import FitException, LikelihoodError
from graphfit.model.space import ParameterSpace
from graphfit.priors import Prior
from graphfit.typing import FloatArray


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
        self._callbacks = Callbacks()

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
        return self._value(doubles_at(theta, self.n_parameters))

    def _gradient_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del columns, n
        point, scales = self._given(theta, constants)
        value, slopes, _ = value_gradient(self._beside(point), point, scales)
        doubles_at(out, point.size)[:] = slopes
        return value

    def _normal_kernel(
        self, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        del columns, n
        point, scales = self._given(theta, constants)
        value, slopes, matrix = value_information(self._beside(point), point, scales)
        lower = matrix[np.tril_indices(point.size)]
        doubles_at(out, point.size + lower.size)[:] = np.concatenate([slopes, lower])
        return value

    def _given(self, theta: int, constants: int) -> tuple[FloatArray, FloatArray]:
        count = self.n_parameters
        scales = doubles_at(constants, 2 * count).reshape(2, count)
        return doubles_at(theta, count).copy(), scales

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


def likelihood_data(
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
