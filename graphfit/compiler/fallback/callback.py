"""Callbacks: Python functions behind the signature of compiled kernels.

Slow, and always right: what a driver can do with a compiled factor it can do with any.
Python is called back through ctypes, which takes the interpreter's lock by itself.

No exception crosses the machine code between: where the user's code raises, the kernel
returns NaN.  What is no :class:`~graphfit.FitException` is kept as `error`, to be raised by
whoever called the driver.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Any, final

import numpy as np

from graphfit.compiler.factor_kernel import Kind
from graphfit.errors import FitException
from graphfit.typing import FloatArray

KERNEL = ctypes.CFUNCTYPE(
    ctypes.c_double,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_void_p,
)


@final
class Callbacks:
    """Python functions by kind, each behind an address; keeps the first error."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._made: dict[Kind, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind, make: Callable[[], Callable[..., float]]) -> int:
        """Return the address of a kind's function, made by `make` the first time."""
        with self._lock:
            if kind not in self._made:
                self._made[kind] = KERNEL(self._guarded(make()))
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


def doubles_at(address: int, size: int) -> FloatArray:
    """Return the `size` doubles at an address, as an array that shares them."""
    if not size:
        return np.zeros(0)
    memory = (ctypes.c_double * size).from_address(address)
    array: FloatArray = np.ctypeslib.as_array(memory)
    return array
