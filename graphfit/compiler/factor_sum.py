"""FactorSum: one call from Python that evaluates every compiled factor of a graph.

The loop over factors is machine code too: for each factor it gathers the factor's own
parameters from theta and calls its kernel.  A call costs a microsecond, and a tenth of one a
factor, beside the kernels.
"""

import ctypes
import threading
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.compiler.factor_kernel import FactorData, Kernels, Kind
from graphfit.compiler.machine import compile_module
from graphfit.typing import FloatArray, IntArray

# For each factor f: own[i] = theta[local[i]]; values[f] = kernel[f](own, ...).
LOOP = """
define void @factors(i64 %count, ptr %kernels, ptr %starts, ptr %local, ptr %constants,
                     ptr %columns, ptr %points, ptr %theta, ptr %own, ptr %values,
                     ptr %out) {
entry:
  br label %factor
factor:
  %f = phi i64 [0, %entry], [%f.next, %call]
  %more = icmp slt i64 %f, %count
  br i1 %more, label %work, label %done
work:
  %start.at = getelementptr i64, ptr %starts, i64 %f
  %start = load i64, ptr %start.at
  %f.next = add i64 %f, 1
  %stop.at = getelementptr i64, ptr %starts, i64 %f.next
  %stop = load i64, ptr %stop.at
  br label %gather
gather:
  %i = phi i64 [%start, %work], [%i.next, %copy]
  %left = icmp slt i64 %i, %stop
  br i1 %left, label %copy, label %call
copy:
  %from.at = getelementptr i64, ptr %local, i64 %i
  %from = load i64, ptr %from.at
  %value.at = getelementptr double, ptr %theta, i64 %from
  %value = load double, ptr %value.at
  %k = sub i64 %i, %start
  %to = getelementptr double, ptr %own, i64 %k
  store double %value, ptr %to
  %i.next = add i64 %i, 1
  br label %gather
call:
  %kernel.at = getelementptr ptr, ptr %kernels, i64 %f
  %kernel = load ptr, ptr %kernel.at
  %constants.at = getelementptr ptr, ptr %constants, i64 %f
  %constants.f = load ptr, ptr %constants.at
  %columns.at = getelementptr ptr, ptr %columns, i64 %f
  %columns.f = load ptr, ptr %columns.at
  %n.at = getelementptr i64, ptr %points, i64 %f
  %n = load i64, ptr %n.at
  %out.f = getelementptr double, ptr %out, i64 %start
  %log = call double %kernel(ptr %own, ptr %constants.f, ptr %columns.f, i64 %n, ptr %out.f)
  %result.at = getelementptr double, ptr %values, i64 %f
  store double %log, ptr %result.at
  br label %factor
done:
  ret void
}
"""


@final
class FactorSum:
    """The compiled factors of a graph as one function of theta.

    Parameters
    ----------
    kernels : sequence of Kernels
        One a factor; factors may share one.
    data : sequence of FactorData
        One a factor.
    kind : {"value", "gradient"}
        What to evaluate.
    dimension : int
        D of the graph.
    """

    def __init__(
        self,
        kernels: Sequence[Kernels],
        data: Sequence[FactorData],
        kind: Kind,
        dimension: int,
    ) -> None:
        self._data = tuple(data)
        self._kernels = tuple(kernels)
        self._dimension = dimension
        self.offsets = np.array([item.offset for item in data])
        self.local: IntArray = np.concatenate([item.local for item in data])
        sizes = [item.local.size for item in data]
        self._widest = max(sizes, default=0)
        self._code = compile_module(LOOP, ["factors"])  # kept alive with the call
        self._call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 11)(
            self._code.address("factors")
        )
        found = {id(kernel): kernel.address(kind) for kernel in kernels}
        self._tables = (
            np.array([found[id(kernel)] for kernel in kernels], dtype=np.int64),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            self.local.astype(np.int64),
            np.array([item.constants.ctypes.data for item in data], dtype=np.int64),
            np.array([item.addresses.ctypes.data for item in data], dtype=np.int64),
            np.array([item.size for item in data], dtype=np.int64),
        )
        self._threads = threading.local()

    def __call__(self, theta: FloatArray) -> FloatArray:
        """Return the factors' log-likelihoods `(F,)` at theta `(D,)`."""
        work = self._work()
        work.theta[:] = theta
        self._call(*work.arguments)
        values: FloatArray = work.values + self.offsets
        return values

    def with_gradient(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the factors' log-likelihoods `(F,)` and the gradient `(D,)` of the sum."""
        values = self(theta)
        slopes = self._work().out
        total = np.bincount(self.local, slopes, minlength=self._dimension)
        return values, total.astype(np.float64)

    def _work(self) -> Any:
        """Return this thread's buffers: kernels run without the interpreter's lock."""
        work = self._threads
        if not hasattr(work, "arguments"):
            work.theta = np.empty(self._dimension)
            work.own = np.empty(self._widest)
            work.values = np.empty(len(self._data))
            work.out = np.empty(self.local.size)
            buffers = [work.theta, work.own, work.values, work.out]
            arrays = [*self._tables, *buffers]
            addresses = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
            work.arguments = (ctypes.c_void_p(len(self._data)), *addresses)
        return work
