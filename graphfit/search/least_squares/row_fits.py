"""Fits of many rows of data by one function, block by block, on any number of threads."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from graphfit.compiler.factor_kernel import Kind
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.batch.workspace import Output
from graphfit.search.least_squares.blocks import Buffers, block_columns, rows_per_block
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.typing import AnyArray, FloatArray

Where = tuple[FloatArray, FloatArray, FloatArray]  # start, lower and upper bounds


@final
@dataclass(frozen=True, eq=False)
class RowFits:
    """The fits of P rows.

    Attributes
    ----------
    theta : ndarray, shape (P, D)
        NaN where there is no answer.
    value : ndarray, shape (P,)
        The sum of the kernels' values; ``-chi^2 / 2`` for least squares.
    covariance : ndarray, shape (P, D, D)
        The inverse of the information, ``J^T W J`` for least squares.
    log_determinant : ndarray, shape (P,)
        Of the information at the optimum; of size 0 where nobody asks for it.
    evaluations, status : ndarray of int, shape (P,)
    factor_points : ndarray of int, shape (F, P)
        Data points in use, of each factor with data of its own.
    pivot : ndarray, shape (P,)
        The smallest scaled pivot of the information: how well it is determined.
    """

    theta: FloatArray
    value: FloatArray
    covariance: FloatArray
    log_determinant: FloatArray
    evaluations: AnyArray
    status: AnyArray
    pivot: FloatArray
    factor_points: AnyArray

    @classmethod
    def of(
        cls, count: int, n_parameters: int, n_factors: int, *, log_determinant: bool
    ) -> "RowFits":
        """Return the fits of P rows, to be written."""
        arrays = Output.of(count, n_parameters, log_determinant=log_determinant)
        return cls(*arrays, factor_points=np.empty((n_factors, count), dtype=np.int64))

    @property
    def points(self) -> AnyArray:
        """Data points in use (P,), of all factors with data of their own."""
        return np.asarray(self.factor_points.sum(axis=0))

    def part(self, rows: slice) -> Output:
        """Return where the driver writes some of the rows."""
        return Output(*(getattr(self, name)[rows] for name in Output._fields))


def fit_rows(
    kernels: RowKernels,
    data: Sequence[CurveData],
    where: Where,
    *,
    tolerance: float,
    max_evaluations: int,
    threads: int = 1,
    log_determinant: bool = False,
) -> RowFits:
    """Return the fit of every row.

    Parameters
    ----------
    kernels : RowKernels
        The factors.
    data : sequence of CurveData
        P rows, of each factor.
    where : tuple of ndarray, each of shape (P or 1, D)
        The start and the lower and upper bounds; the start may also be (P or 1, S, D):
        the best of S starts is kept.
    tolerance : float
        See :class:`~graphfit.LevenbergMarquardt`.
    max_evaluations : int
        Of one fit.
    threads : int
        Blocks of rows are spread over them.
    log_determinant : bool
        Whether to compute it, for an evidence.
    """
    count, n_parameters = len(data[0].y), where[1].shape[1]
    fits = RowFits.of(count, n_parameters, len(data), log_determinant=log_determinant)

    own = threading.local()

    def fit(place: tuple[int, int]) -> None:
        if not hasattr(own, "buffers"):
            own.buffers = [Buffers() for _ in data]
        _fit_block(
            kernels, data, where, (tolerance, max_evaluations), fits, place, own.buffers
        )

    widest = max(item.y.shape[1] for item in data)
    places = list(row_blocks(count, rows_per_block(widest)))
    if threads == 1 or len(places) == 1 or kernels.way == "python":
        for place in places:
            fit(place)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(fit, places):
                pass
    return fits


def one_by_one(
    data: CurveData, *arrays: FloatArray
) -> Iterator[tuple[CurveData, list[FloatArray]]]:
    """Yield every row as data of its own, with its part of arrays of (P or 1, ...)."""
    for row in range(len(data.y)):
        own = slice(row, row + 1)
        parts = [array if len(array) == 1 else array[own] for array in arrays]
        yield data.rows(own), parts


def joined(parts: Sequence[RowFits]) -> RowFits:
    """Return the fits of several sets of rows as one."""
    return RowFits(
        *(
            np.concatenate(
                [getattr(part, item.name) for part in parts],
                axis=1 if item.name == "factor_points" else 0,
            )
            for item in fields(RowFits)
        )
    )


def row_blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row (not included) of blocks of at most `size`."""
    for first in range(0, count, size):
        yield first, min(first + size, count)


def factor_values(
    kernels: RowKernels, data: Sequence[CurveData], theta: FloatArray
) -> FloatArray:
    """Return the values (F, P) at theta of the factors that have data of their own.

    Parameters
    ----------
    kernels : RowKernels
        The factors.
    data : sequence of CurveData
        P rows, of each factor.
    theta : ndarray, shape (P, D)
        NaN where there is no answer; so is the value.
    """
    from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
    from graphfit.compiler.driving.factor_pixels import factor_pixels

    found = np.empty((len(theta), len(data)))
    own = RowKernels(kernels.factors, kernels.way, kernels.reason)
    buffers = [Buffers() for _ in data]
    for low, high in row_blocks(
        len(theta), rows_per_block(max(item.y.shape[1] for item in data))
    ):
        columns = [
            block_columns(item, low, high, buffer, with_variance=factor.fits_noise)[0]
            for factor, item, buffer in zip(own.factors, data, buffers, strict=True)
        ]
        table = block_table(own, "value", columns, theta.shape[1])
        factor_pixels(
            table.arrays,
            new_cursor(table),
            new_scratch(table),
            theta[low:high],
            found[low:high],
        )
    found[np.isnan(theta).all(axis=1)] = np.nan
    return np.ascontiguousarray(found.T)


def block_table(
    kernels: RowKernels,
    kind: Kind,
    columns: Sequence[tuple[FloatArray, ...]],
    n_parameters: int,
) -> FactorTable:
    """Return the table of a block of rows.

    Parameters
    ----------
    kernels : RowKernels
        The factors.
    kind : {"normal", "value"}
        Of their kernels.
    columns : sequence of tuple of ndarray
        Of each factor with data of its own: those of the block, each (rows or 1, n).
    n_parameters : int
        D.
    """
    rows = [
        TableRow(
            factor.kernels.address(kind),
            factor.local,
            factor.constants[None],
            (*own, *(column[None] for column in factor.columns)),
        )
        for factor, own in zip(kernels.factors, columns, strict=True)
    ]
    rows += [
        TableRow(
            term.address(kind),
            item.local,
            item.constants[None],
            tuple(column[None] for column in item.columns),
        )
        for term, item in (*kernels.shared, *kernels.terms)
    ]
    return FactorTable.of(rows, n_parameters=n_parameters)


def _fit_block(
    kernels: RowKernels,
    data: Sequence[CurveData],
    where: Where,
    limits: tuple[float, int],
    fits: RowFits,
    place: tuple[int, int],
    buffers: Sequence[Buffers],
) -> None:
    """Fit rows first to last, and write what is found into its place."""
    from graphfit.search.least_squares.batch.fit import fit_batch

    first, last = place
    own = slice(first, last)
    columns = []
    for i, (factor, item) in enumerate(zip(kernels.factors, data, strict=True)):
        filled, points = block_columns(
            item, first, last, buffers[i], with_variance=factor.fits_noise
        )
        columns.append(filled)
        fits.factor_points[i, own] = points
    rows = None
    if kernels.is_plain:
        addresses = [factor.kernels.address("rows") for factor in kernels.factors]
        addresses += [term.address("rows") for term, _ in kernels.shared]
        rows = np.array([*addresses, *(0 for _ in kernels.terms)], dtype=np.int64)
    fit_batch(
        block_table(kernels, "normal", columns, where[1].shape[1]),
        *(array if len(array) == 1 else array[own] for array in where),
        rows=rows,
        tolerance=limits[0],
        max_evaluations=limits[1],
        output=fits.part(own),
    )
