"""NumbaKernel: the kernels of a model that numba compiled.

A kernel samples the model: it computes the profiles' arguments from theta by a small kernel
of the usual kind, calls the profiles there and beside it, and hands the values and their
finite differences to the compiled likelihood, see
:mod:`graphfit.compiler.fallback.sampled_kernel`.

Importing this module imports numba.
"""

import math
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any, final

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaWarning

from graphfit.compiler.driving.addresses import address_of, call_kernel, float_at
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.factor_kernel import Kind
from graphfit.compiler.fallback.address_arrays import array_at, integer_at
from graphfit.compiler.fallback.differences import FIRST, model_slopes, step
from graphfit.compiler.fallback.numba_profile import CompiledModel
from graphfit.compiler.fallback.sampled_kernel import SampledLikelihood
from graphfit.compiler.formula import Formula
from graphfit.compiler.machine import compile_module, vector_width

_SIGNATURE = types.float64(*[types.int64] * 5)
_MODEL_ONLY = 0  # in place of a likelihood's address


@final
class NumbaKernel:
    """The kernels of a model compiled by numba under one of graphfit's likelihoods.

    Parameters
    ----------
    model : CompiledModel
        The profiles.
    formula : Formula
        Of their arguments, its first outputs.
    constants : sequence of bool
        Which of its numbers are constants of the dataset.
    likelihood : SampledLikelihood
        Of the model's values.
    """

    def __init__(
        self,
        model: CompiledModel,
        formula: Formula,
        constants: Sequence[bool],
        likelihood: SampledLikelihood,
    ) -> None:
        self.n_parameters = likelihood.n_parameters
        self.is_plain = likelihood.kernel.is_plain
        self._form = likelihood
        tape = formula.with_constants(constants).tape()
        numbers = Kernel("numbers", tape, None, uniform=formula.outputs[: model.size])
        # Kept alive as long as what calls it.
        self._code = compile_module(emit(numbers, vector_width()), ["numbers"])
        evaluate = _evaluation(model, self._code.address("numbers"))
        self._run = {
            rows: _sampling(evaluate, likelihood, model.size, rows)
            for rows in {0, likelihood.which.size}
        }
        self._functions: dict[Kind, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        with self._lock:
            if kind not in self._functions:
                rows = 0 if kind in ("value", "model") else self._form.which.size
                inner = (
                    _MODEL_ONLY if kind == "model" else self._form.kernel.address(kind)
                )
                self._functions[kind] = _entry(self._run[rows], inner)
            address: int = self._functions[kind].address
            return address


# Arrays are allocated by one function and their addresses taken by another that it calls,
# because numba frees an array after its last use by name.


def _evaluation(model: CompiledModel, numbers_address: int) -> Any:
    """Return ``evaluate(state, point, out)``: the model's values, NaN where it fails."""
    total, points = model.total, model.points

    def evaluate(state: Any, point: Any, out: Any) -> None:
        numbers, constants, columns = state
        call_kernel(
            numbers_address, address_of(point), constants, 0, 0, address_of(numbers)
        )
        try:
            values = total(columns, numbers)
            if values.size != points:
                raise ValueError
            # Numba takes a second to compile ``out[:points] = values``.
            for i in range(points):
                out[i] = values[i]
        except Exception:  # boundary: the user's profile  # noqa: BLE001
            for i in range(points):
                out[i] = np.nan
        for i in range(points, out.size):
            out[i] = 0.0

    return numba.njit(evaluate)


def _combined(low: Any, middle: Any, high: Any, left: float, right: float) -> None:
    """Do what ``combined`` of the module `differences` does, point by point."""
    for i in range(high.size):
        slope = (high[i] - low[i]) / (left + right)
        if not math.isfinite(slope):
            slope = (high[i] - middle[i]) / right
        if not math.isfinite(slope):
            slope = (middle[i] - low[i]) / left
        high[i] = slope


def _filling(evaluate: Any, form: SampledLikelihood, rows: int) -> Any:
    """Return ``fill(state, theta, point, steps, values)``: samples, and derivatives."""
    count, scales = form.n_parameters, 8 * form.n_constants
    which = form.which.astype(np.int64)

    def fill(state: Any, theta: int, point: Any, steps: Any, values: Any) -> None:
        _, constants, _ = state
        for j in range(count):
            point[j] = float_at(theta + 8 * j)
        evaluate(state, point, values[0])
        if rows > 0:
            for j in range(count):
                least = float_at(constants + scales + 8 * j)
                largest = float_at(constants + scales + 8 * (count + j))
                steps[j] = _step(point[j], least, largest, FIRST)
            _model_slopes(evaluate, _combine, state, point, which, steps, values)

    return numba.njit(fill)


def _handed_on(
    inner: int,
    theta: int,
    state: Any,
    n: int,
    out: int,
    before: int,
    values: Any,
    table: Any,
) -> float:
    """Call the likelihood's kernel at `inner` with `values` as its last columns."""
    _, constants, columns = state
    if inner == _MODEL_ONLY:
        model = array_at(out, n)
        for i in range(n):
            model[i] = values[0, i]
        return 0.0
    for k in range(before):
        table[k] = integer_at(columns + 8 * k)
    for k in range(values.shape[0]):
        table[before + k] = address_of(values) + 8 * n * k
    return call_kernel(inner, theta, constants, address_of(table), n, out)


# Compiled when first called, once a process.
_step: Any = numba.njit(step)
_combine: Any = numba.njit(_combined, error_model="numpy")
_model_slopes: Any = numba.njit(model_slopes, error_model="numpy")
_hand_on: Any = numba.njit(_handed_on)


def _sampling(evaluate: Any, form: SampledLikelihood, size: int, rows: int) -> Any:
    """Return ``run(inner, theta, constants, columns, n, out)``, all of them addresses.

    It samples the model, with `rows` derivatives, and calls the kernel at `inner` with
    what it found.
    """
    count, before = form.n_parameters, form.n_before
    fill = _filling(evaluate, form, rows)

    def run(
        inner: int, theta: int, constants: int, columns: int, n: int, out: int
    ) -> float:
        point, steps, numbers = np.empty(count), np.empty(count), np.empty(size)
        values = np.empty((1 + rows, n))
        table = np.empty(before + 1 + rows, np.int64)
        state = (numbers, constants, columns)
        fill(state, theta, point, steps, values)
        return float(_hand_on(inner, theta, state, n, out, before, values, table))

    return numba.njit(run)


def _entry(run: Callable[..., float], inner: int) -> Any:
    """Return the C function of one kind: `run` with the address of its likelihood."""
    # For an int of Python numba would compile `run` anew, as it does for any literal.
    likelihood = np.int64(inner)

    def entry(theta: int, constants: int, columns: int, n: int, out: int) -> float:
        return run(likelihood, theta, constants, columns, n, out)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaWarning)
        return numba.cfunc(_SIGNATURE)(entry)
