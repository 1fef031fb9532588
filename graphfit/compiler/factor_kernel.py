"""FactorKernel: the compiled functions of one formula, and what a factor gives them.

Every kernel has the signature

    double kernel(const double *theta, const double *constants,
                  const double *const *columns, int64 n, double *out)

with theta the free parameters of the factor (D of them), constants the numbers in which
datasets of one kernel differ, columns the pointers to arrays of n values (the data, their
weights, x, ...) and n a multiple of 8.  Points of weight 0 do not count.  It returns the sum
of the points' log-likelihood and writes into `out`

======== =====================================================================
kind     out
======== =====================================================================
value    nothing
gradient D: the derivatives of the log-likelihood
normal   D as above, then D (D + 1) / 2: the lower triangle of the information
         matrix, row by row (Gauss-Newton, or Fisher's)
rows     n residuals t, then D times n: s_j (least squares only)
model    n values of the model; returns 0
======== =====================================================================
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, final

import numpy as np

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.emit import emit
from graphfit.compiler.likelihood import Noise, kernel, likelihood
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.tape import Tape
from graphfit.typing import FloatArray, IntArray

Kind = Literal["value", "gradient", "normal", "rows", "model"]
BLOCK = 8  # points; every column is filled up to a multiple


class Kernels(Protocol):
    """Compiled functions by kind, however they were made."""

    n_parameters: int

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""


@final
class FactorKernel:
    """The kernels of a formula on a tape; each is compiled when first asked for.

    Parameters
    ----------
    tape : Tape
        With the model and, where fitted, the noise.
    model : int
        The line of the model.
    noise : Noise
        The likelihood.
    n_parameters : int
        D, the free parameters.
    model_slopes : sequence of int or None, optional
        Lines of the model's derivatives where they are columns of data.

    Attributes
    ----------
    tape, model
        As given; the tape grows by the derivatives.
    """

    def __init__(
        self,
        tape: Tape,
        model: int,
        noise: Noise,
        n_parameters: int,
        model_slopes: Sequence[int | None] | None = None,
    ) -> None:
        self.n_parameters = n_parameters
        self.is_plain = noise.is_plain
        self.tape = tape
        self.model = model
        self._model_slopes = model_slopes
        self._form = likelihood(tape, model, noise)
        self._parameters = [tape.parameter(j) for j in range(n_parameters)]
        self._modules: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def address(self, kind: Kind, wanted: tuple[int, ...] | None = None) -> int:
        """Return the address of the function of one kind.

        Parameters
        ----------
        kind : str
        wanted : tuple of int, optional
            The parameters to differentiate by, of 0 to D - 1; by default all.
        """
        with self._lock:
            if (kind, wanted) not in self._modules:
                by = range(self.n_parameters) if wanted is None else wanted
                slopes = self._model_slopes
                work = kernel(
                    kind,
                    self._form,
                    self.model,
                    [self._parameters[j] for j in by],
                    None if slopes is None else [slopes[j] for j in by],
                )
                text = emit(work, vector_width())
                self._modules[kind, wanted] = compile_module(text, [kind])
            address: int = self._modules[kind, wanted].address(kind)
            return address


@final
class PartialKernel:
    """The kernels of a formula with derivatives by some of its parameters only.

    They take all of the parameters.  Where the table above says D derivatives, these write
    as many as are wanted.

    Parameters
    ----------
    kernels : FactorKernel
        Of the formula.
    wanted : sequence of int
        The parameters to differentiate by, of 0 to D - 1.
    """

    def __init__(self, kernels: FactorKernel, wanted: Sequence[int]) -> None:
        self.n_parameters = kernels.n_parameters
        self.is_plain = kernels.is_plain
        self.wanted = tuple(wanted)
        self._kernels = kernels

    def address(self, kind: Kind) -> int:
        """Return the address of the function of one kind."""
        return self._kernels.address(kind, self.wanted)


@final
@dataclass(frozen=True, eq=False)
class FactorData:
    """What a factor gives its kernels.

    Attributes
    ----------
    local : ndarray of int, shape (D,)
        The positions of its parameters in the graph's vector.
    constants : ndarray, shape (C,)
        The numbers in which it differs from other factors of its kernel.
    columns : tuple of ndarray, each of shape (n,)
        Filled up to a multiple of `BLOCK` with points that do not count.
    points : int
        Data points in use.
    offset : float
        To be added to what the kernels return.
    """

    local: IntArray
    constants: FloatArray
    columns: tuple[FloatArray, ...]
    points: int
    offset: float

    @cached_property
    def addresses(self) -> IntArray:
        """Where the columns lie in memory."""
        return np.array([column.ctypes.data for column in self.columns], dtype=np.int64)

    @property
    def size(self) -> int:
        """n, the length of the columns; 0 without any."""
        return self.columns[0].size if self.columns else 0


def columns_before_x(data: Pointwise) -> tuple[int | None, int | None, int]:
    """Return the columns of the variance and of the limits, and the number before x."""
    count, variance, limits = 2, None, None
    if data.jitter is not None and data.noise is not None:
        variance, count = count, count + 1
    if data.upper_limits is not None:
        limits, count = count, count + 1
    return variance, limits, count


def noise_of(data: Pointwise, outputs: Sequence[int]) -> Noise:
    """Return the likelihood of the data, with the lines of what is fitted of it."""
    fitted = list(outputs[1:])
    variance, limits, _ = columns_before_x(data)
    nu = data.degrees_of_freedom
    return Noise(
        data.likelihood,
        jitter=None if data.jitter is None else fitted.pop(0),
        nu=fitted.pop(0) if isinstance(nu, str) else None,
        fixed_nu=None if nu is None or isinstance(nu, str) else float(nu),
        variance=variance,
        limits=limits,
    )


def data_columns(
    data: Pointwise, arrays: Sequence[FloatArray]
) -> tuple[FloatArray, ...]:
    """Return the columns of a dataset: points in use only, filled up to whole blocks.

    The last point in use is repeated, with weight 0, so that the model is as finite there
    as at the data.
    """
    used = np.flatnonzero(data.used)
    size = -(-used.size // BLOCK) * BLOCK
    index = np.concatenate([used, np.repeat(used[-1:], size - used.size)])
    plain = data.noise is not None and data.jitter is None
    weight = np.ones(size) if not plain else 1.0 / data.noise[index]  # type: ignore[index]
    weight[used.size :] = 0.0
    columns = [data.data[index], weight]
    if data.jitter is not None and data.noise is not None:
        columns.append(data.noise[index] ** 2)
    if data.upper_limits is not None:
        columns.append(data.upper_limits[index].astype(np.float64))
    columns += [values[index] for values in (*data.inputs, *arrays)]
    return tuple(np.ascontiguousarray(values, dtype=np.float64) for values in columns)
