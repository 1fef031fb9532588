"""Kernels from plain numpy functions: slow, and with nothing of the compiler in them.

Derivatives are by the complex step, exact to rounding.  A kernel keeps the ABI of
graphfit.compiler.driving.factor_table.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphfit.compiler.driving.factor_table import TableRow

_FLOATS = ctypes.POINTER(ctypes.c_double)
_KERNEL = ctypes.CFUNCTYPE(
    ctypes.c_double,
    _FLOATS,
    _FLOATS,
    ctypes.POINTER(_FLOATS),
    ctypes.c_int64,
    _FLOATS,
)


@dataclass(frozen=True)
class Kernel:
    """A Python function that C can call; the address holds while this lives."""

    callback: Any

    @property
    def address(self) -> int:
        address = ctypes.cast(self.callback, ctypes.c_void_p).value
        assert address is not None
        return address


def kernel(function: Callable[..., float]) -> Kernel:
    """``function(theta, constants, columns, n, out)`` of pointers, as a kernel."""
    return Kernel(_KERNEL(function))


def packed(matrix: Any) -> Any:
    """The lower triangle, row by row."""
    return matrix[np.tril_indices(len(matrix))]


def residuals(
    model: Callable[..., Any], theta: Any, y: Any, w: Any, x: Any
) -> tuple[Any, Any]:
    """z (N,) and w df/dtheta (D, N); zero where the weight is."""
    tiny = 1e-30
    with np.errstate(all="ignore"):
        z = np.where(w != 0.0, (y - model(x, *theta)) * w, 0.0)
        rows = []
        for j, value in enumerate(theta):
            scale = tiny * max(abs(value), 1e-10)
            moved = np.array(theta, dtype=complex)
            moved[j] += 1j * scale
            slope = np.imag(model(x, *moved)) / scale
            rows.append(np.where(w != 0.0, slope * w, 0.0))
    return z, np.array(rows)


def data_kernel(model: Callable[..., Any], n_parameters: int, kind: str) -> Kernel:
    """Gaussian ln L of ``model(x, *theta)`` on the columns y, w, x."""

    def call(theta: Any, constants: Any, columns: Any, n: int, out: Any) -> float:
        del constants
        point = np.array(theta[:n_parameters])
        y, w, x = (np.ctypeslib.as_array(columns[k], (n,)) for k in range(3))
        z, jacobian = residuals(model, point, y, w, x)
        with np.errstate(all="ignore"):
            if kind == "rows":
                written = np.concatenate([z, jacobian.ravel()])
            elif kind == "normal":
                information = jacobian @ jacobian.T
                written = np.concatenate([jacobian @ z, packed(information)])
            else:
                written = np.zeros(0)
            for index, value in enumerate(written):
                out[index] = value
            return float(-0.5 * (z @ z))

    return kernel(call)


def term_kernel(function: Callable[[Any], tuple[float, Any, Any]], d: int) -> Kernel:
    """A term without points, from its value, gradient and information."""

    def call(theta: Any, constants: Any, columns: Any, n: int, out: Any) -> float:
        del constants, columns, n
        value, gradient, information = function(np.array(theta[:d]))
        for index, entry in enumerate([*gradient, *packed(np.asarray(information))]):
            out[index] = entry
        return value

    return kernel(call)


def padded(array: Any) -> Any:
    """Rows of a multiple of 8 points, filled with zeros."""
    array = np.atleast_2d(np.asarray(array, dtype=np.float64))
    extra = -array.shape[1] % 8
    return np.ascontiguousarray(np.pad(array, [(0, 0), (0, extra)]))


def data_factor(kernel: Kernel, local: Any, y: Any, w: Any, x: Any) -> TableRow:
    """A factor of one dataset a row; NaN in y gets weight 0."""
    y = np.atleast_2d(np.asarray(y, dtype=np.float64))
    weights = np.where(np.isnan(y), 0.0, np.broadcast_to(w, y.shape))
    columns = (padded(np.nan_to_num(y)), padded(weights), padded(x))
    return TableRow(kernel.address, np.asarray(local), np.zeros((1, 0)), columns)


def term_factor(kernel: Kernel, local: Any) -> TableRow:
    return TableRow(kernel.address, np.asarray(local), np.zeros((1, 0)))
