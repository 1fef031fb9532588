"""Fits of many rows of data by one function, block by block, on any number of threads."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable, TableRow
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
    evaluations, status, points : ndarray of int, shape (P,)
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
    points: AnyArray

    @classmethod
    def of(cls, count: int, n_parameters: int, *, log_determinant: bool) -> "RowFits":
        """Return the fits of P rows, to be written."""
        arrays = Output.of(count, n_parameters, log_determinant=log_determinant)
        return cls(*arrays, points=np.empty(count, dtype=np.int64))

    def part(self, rows: slice) -> Output:
        """Return where the driver writes some of the rows."""
        return Output(*(getattr(self, name)[rows] for name in Output._fields))


def fit_rows(
    kernels: RowKernels,
    data: CurveData,
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
        The function.
    data : CurveData
        P rows.
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
    count, n_parameters = len(data.y), where[1].shape[1]
    fits = RowFits.of(count, n_parameters, log_determinant=log_determinant)

    own = threading.local()

    def fit(place: tuple[int, int]) -> None:
        if not hasattr(own, "buffers"):
            own.buffers = Buffers()
        _fit_block(
            kernels, data, where, (tolerance, max_evaluations), fits, place, own.buffers
        )

    places = list(_blocks(count, rows_per_block(data.y.shape[1])))
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
            np.concatenate([getattr(part, item.name) for part in parts])
            for item in fields(RowFits)
        )
    )


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(first + size, count)


def _fit_block(
    kernels: RowKernels,
    data: CurveData,
    where: Where,
    limits: tuple[float, int],
    fits: RowFits,
    place: tuple[int, int],
    buffers: Buffers,
) -> None:
    """Fit rows first to last, and write what is found into its place."""
    from graphfit.search.least_squares.batch.fit import fit_batch

    first, last = place
    own = slice(first, last)
    columns, points = block_columns(
        data, first, last, buffers, with_variance=kernels.fits_noise
    )
    factors = [
        TableRow(
            kernels.kernels.address("normal"),
            kernels.local,
            kernels.constants[None],
            (*columns, *(column[None] for column in kernels.columns)),
        )
    ]
    factors += [
        TableRow(term.address("normal"), item.local, item.constants[None])
        for term, item in kernels.terms
    ]
    rows = None
    if getattr(kernels.kernels, "is_plain", False):
        rows = np.zeros(len(factors), dtype=np.int64)
        rows[0] = kernels.kernels.address("rows")
    fit_batch(
        FactorTable.of(factors, n_parameters=where[1].shape[1]),
        *(array if len(array) == 1 else array[own] for array in where),
        rows=rows,
        tolerance=limits[0],
        max_evaluations=limits[1],
        output=fits.part(own),
    )
    fits.points[own] = points
