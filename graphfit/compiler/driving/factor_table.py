"""FactorTable: what a compiled driver needs to know of a factor graph, as addresses.

A kernel computes one factor of one pixel.  All kernels have one signature::

    double kernel(const double *theta, const double *constants,
                  const double *const *columns, int64 n, double *out)

A driver that is compiled once calls any of them by its address.  The table lists, for
each of ``F`` factors, that address, which of the ``D`` global parameters are the
kernel's own, and where the numbers of each of ``P`` pixels lie.  A single fit is one
row; a joint fit is several rows whose `local` indices overlap; a prior is a row without
columns, ``n = 0``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from graphfit.compiler.factor_kernel import FactorData
from graphfit.errors import DataError
from graphfit.typing import AnyArray, FloatArray

Int64Array = NDArray[np.int64]

BLOCK = 8
"""Kernels read points in blocks of this many; shorter data is padded with weight 0."""


class TableRow(NamedTuple):
    """One factor: its kernel and its numbers.

    Attributes
    ----------
    kernel_address : int
        Address of the kernel; 0 where it is set later by `FactorTable.with_kernels`.
    local : ndarray of int, shape (D_local,)
        Global index of each of the kernel's own parameters.
    constants : ndarray, shape (P, C) or (1, C)
        Numbers that the kernel takes as given; one row shares them between pixels.
    columns : tuple of ndarray, each of shape (P, n) or (1, n)
        Data, weights, inputs; `n` is a multiple of 8, or 0.
    """

    kernel_address: int
    local: AnyArray
    constants: FloatArray
    columns: tuple[FloatArray, ...] = ()


class TableArrays(NamedTuple):
    """The integers of a `FactorTable`, in the form compiled code takes them."""

    kernel: Int64Array
    n_local: Int64Array
    local_start: Int64Array
    local: Int64Array
    constants: Int64Array
    constants_stride: Int64Array
    column_start: Int64Array
    columns: Int64Array
    column_stride: Int64Array
    points: Int64Array


@final
@dataclass(frozen=True, eq=False, slots=True)
class FactorTable:
    """Addresses and index maps of F factors at P pixels.

    Attributes
    ----------
    n_parameters : int
        D, the length of the global vector.
    n_pixels : int
        P; 1 where every array is shared.
    arrays : TableArrays
        ``kernel (F,)`` addresses of kernels of one kind; ``n_local (F,)``;
        ``local_start (F + 1,)`` offsets into ``local``, the global index of each local
        parameter; ``constants (F,)`` and ``columns`` addresses of the first pixel's
        numbers, with the bytes to the next pixel's in ``constants_stride`` and
        ``column_stride`` (0: shared); ``column_start (F + 1,)`` offsets into
        ``columns``; ``points (F,)`` the padded number of points.
    buffers : tuple of ndarray
        The arrays that the addresses point into, kept alive by this record.

    Examples
    --------
    >>> y, weight = np.ones((3, 8)), np.ones((1, 8))
    >>> line = TableRow(0, np.array([0, 1]), np.zeros((1, 0)), (y, weight))
    >>> table = FactorTable.of([line])
    >>> table.n_pixels, table.n_parameters, table.arrays.column_stride.tolist()
    (3, 2, [64, 0])
    """

    n_parameters: int
    n_pixels: int
    arrays: TableArrays
    buffers: tuple[AnyArray, ...]

    @classmethod
    def of(
        cls, factors: Sequence[TableRow], *, n_parameters: int | None = None
    ) -> "FactorTable":
        """Build the table from one record a factor.

        Parameters
        ----------
        factors : sequence of TableRow
            The factors, in the order of their values.
        n_parameters : int, optional
            D; by default one more than the largest index in `local`.

        Raises
        ------
        DataError
            For an array that compiled code could not read: another type, not
            contiguous, not padded, or of another number of pixels.
        """
        rows = [_checked(index, factor) for index, factor in enumerate(factors)]
        local = _joined([row.local for row in rows])
        largest = int(local.max()) + 1 if len(local) else 0
        count = largest if n_parameters is None else n_parameters
        if largest > count or (local < 0).any():
            message = (
                f"A factor's `local` holds indices {local.min()} to {largest - 1}; "
                f"they must lie in 0 to {count - 1}."
            )
            raise DataError(message)
        columns = [column for row in rows for column in row.columns]
        constants = [row.constants for row in rows]
        lengths = [len(row.local) for row in rows]
        widths = [len(row.columns) for row in rows]
        arrays = TableArrays(
            kernel=_integers([row.kernel_address for row in rows]),
            n_local=_integers(lengths),
            local_start=_integers([0, *np.cumsum(lengths)]),
            local=local,
            constants=_integers([array.ctypes.data for array in constants]),
            constants_stride=_integers([_stride(array) for array in constants]),
            column_start=_integers([0, *np.cumsum(widths)]),
            columns=_integers([array.ctypes.data for array in columns]),
            column_stride=_integers([_stride(array) for array in columns]),
            points=_integers([_points(row) for row in rows]),
        )
        buffers = (*constants, *columns)
        return cls(count, _pixels(buffers), arrays, buffers)

    @classmethod
    def of_graph(
        cls, kernels: Sequence[int], data: Sequence[FactorData], n_parameters: int
    ) -> "FactorTable":
        """Build the table of one pixel from factors of a program.

        Parameters
        ----------
        kernels : sequence of int, length F
            Addresses, one a factor.
        data : sequence of FactorData, length F
            As lowered: nothing is checked again.
        n_parameters : int
            D.
        """
        lengths = [len(item.local) for item in data]
        widths = [len(item.columns) for item in data]
        columns = _joined([item.addresses for item in data])
        arrays = TableArrays(
            kernel=_integers(kernels),
            n_local=_integers(lengths),
            local_start=_integers([0, *np.cumsum(lengths)]),
            local=_joined([item.local for item in data]),
            constants=_integers([item.constants.ctypes.data for item in data]),
            constants_stride=np.zeros(len(data), dtype=np.int64),
            column_start=_integers([0, *np.cumsum(widths)]),
            columns=columns,
            column_stride=np.zeros(len(columns), dtype=np.int64),
            points=_integers([item.size for item in data]),
        )
        buffers = tuple(
            array for item in data for array in (item.constants, *item.columns)
        )
        return cls(n_parameters, 1, arrays, buffers)

    def with_kernels(self, addresses: Sequence[int] | Int64Array) -> "FactorTable":
        """Return the same factors with kernels of another kind.

        Parameters
        ----------
        addresses : sequence of int, length F
            One address a factor.

        Raises
        ------
        DataError
            When there are not F of them.
        """
        kernel = _integers([int(address) for address in addresses])
        if len(kernel) != self.n_factors:
            message = (
                f"The table has {self.n_factors} factors but got {len(kernel)} kernel "
                "addresses; give one a factor."
            )
            raise DataError(message)
        return replace(self, arrays=self.arrays._replace(kernel=kernel))

    @property
    def n_factors(self) -> int:
        """F."""
        return len(self.arrays.kernel)

    def __reduce__(self) -> NoReturn:
        message = (
            "A FactorTable holds addresses, which mean nothing in another process; "
            "send the data, and build the table there."
        )
        raise TypeError(message)


def _integers(values: Sequence[int]) -> Int64Array:
    return np.array(values, dtype=np.int64)


def _joined(parts: Sequence[AnyArray]) -> Int64Array:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _stride(array: FloatArray) -> int:
    """Return the bytes from one pixel's row to the next; 0 where all share one."""
    return 0 if len(array) == 1 else int(array.strides[0])


def _points(factor: TableRow) -> int:
    return factor.columns[0].shape[1] if factor.columns else 0


def _checked(index: int, factor: TableRow) -> TableRow:
    """Return the factor with checked arrays."""
    _check_array(f"Factor {index}: constants", factor.constants)
    for number, column in enumerate(factor.columns):
        what = f"Factor {index}: column {number}"
        _check_array(what, column)
        points = column.shape[1]
        if points % BLOCK or points != _points(factor):
            message = (
                f"{what} has {points} points; every column of a factor needs the same "
                f"number, a multiple of {BLOCK}: pad with weight 0."
            )
            raise DataError(message)
    local = np.asarray(factor.local)
    if local.ndim != 1 or not (
        local.size == 0 or np.issubdtype(local.dtype, np.integer)
    ):
        message = f"Factor {index}: `local` must be a list of indices; got {local!r}."
        raise DataError(message)
    return factor._replace(local=local.astype(np.int64))


def _check_array(what: str, array: AnyArray) -> None:
    """Refuse an array that compiled code would read wrongly."""
    readable = (
        isinstance(array, np.ndarray)
        and array.dtype == np.dtype(np.float64)
        and array.ndim == 2
        and array.flags.c_contiguous
        and array.flags.aligned
        and len(array) > 0
    )
    if not readable:
        shape, dtype = np.shape(array), getattr(array, "dtype", type(array).__name__)
        message = (
            f"{what} must be a C-contiguous float64 array of shape (P, n) or (1, n); "
            f"got shape {shape} of {dtype}. Use np.ascontiguousarray(a, dtype=float)."
        )
        raise DataError(message)


def _pixels(buffers: Sequence[AnyArray]) -> int:
    """Return P, the one number of rows other than 1."""
    counts = sorted({len(array) for array in buffers} - {1})
    if len(counts) > 1:
        message = (
            f"Arrays of one table have rows for {counts} pixels; each needs one row a "
            "pixel, or a single row that all share."
        )
        raise DataError(message)
    return counts[0] if counts else 1
