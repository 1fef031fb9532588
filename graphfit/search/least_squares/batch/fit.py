"""Batches of least-squares fits: one call for all pixels, split between threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from graphfit.compiler.driving.evaluate import new_cursor, new_scratch, row_count
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.errors import DataError, SettingError
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.descent import ACCURATE
from graphfit.search.least_squares.batch.drivers import fit_pixels, polish_pixels
from graphfit.search.least_squares.batch.workspace import (
    Output,
    Problem,
    Rows,
    Settings,
    Workspace,
)
from graphfit.typing import ArrayLike, FloatArray

"""Tolerances below this ask for all digits."""

WEAK_PIVOT = 1e-9
"""Below this smallest scaled pivot normal equations have lost half of their digits."""


def fit_batch(  # noqa: PLR0913
    table: FactorTable,
    start: ArrayLike,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    *,
    rows: Int64Array | None = None,
    tolerance: float = 1e-8,
    max_evaluations: int | None = None,
    covariance: bool = True,
    threads: int = 1,
    output: Output | None = None,
) -> Output:
    """Maximise the sum of a table's factors at every pixel.

    Parameters
    ----------
    table : FactorTable
        P pixels, D parameters; kernels of the kind "normal".
    start : array-like, shape (P or 1, S, D), (P or 1, D) or (D,)
        Where the fits start; the best of S starts is kept.  Values outside the bounds
        are moved onto them.
    lower, upper : array-like, shape (P or 1, D) or (D,), optional
        Bounds, infinite where there is none.  A parameter with equal bounds is fixed.
    rows : ndarray of int64, shape (F,), optional
        Addresses of kernels of the kind "rows"; 0 for factors without points.  With
        them an ill-conditioned fit, and any fit with a tolerance below 1e-10, goes on by
        QR to all digits that the model has.
    tolerance : float, > 0
        Relative change of ln L, for Gaussian noise of chi-square, that is too small to
        matter.
    max_evaluations : int, optional
        Of each attempt; by default ``200 (D + 1)``.  A start that does not lead to a
        regular optimum is attempted a second time, with relative damping.
    covariance : bool
        Whether to compute the covariance.
    output : Output, optional
        Where to write: arrays of the right shapes, rows of larger ones for instance.
    threads : int
        Threads to share the pixels; results do not depend on it, to the last bit.

    Returns
    -------
    Output
        ``theta (P, D)``; ``value (P,)``, ln L there; ``covariance (P, D, D)``, the
        inverse of the information of all parameters that are not fixed, those at a bound
        included (what the derivatives say, as in `scipy.optimize.curve_fit`), 0 for fixed
        ones, NaN where it does not exist; ``log_determinant (P,)`` of that information;
        ``evaluations (P,)`` of all kernels together, over all starts; ``status (P,)``, a
        `Status`; ``pivot (P,)``, the smallest scaled pivot of the information: what the
        least determined parameter has that the others do not explain, 1 where all are
        uncorrelated.  Where a status tells that there is no answer, all of it is NaN.

    Raises
    ------
    DataError
        For arrays of shapes that do not match the table.
    SettingError
        For an impossible setting.
    """
    problem, n_pixels = _problem(table, start, lower, upper)
    settings = _settings(tolerance, max_evaluations, table.n_parameters)
    if output is None:
        output = Output.of(n_pixels, table.n_parameters, covariance=covariance)
    # With rows, normal equations need only come near.
    near = max(tolerance, 1e-8) if rows is not None else tolerance
    first_settings = settings._replace(tolerance=near)

    def fit_part(first: int, last: int) -> None:
        memory = Workspace.of(table.n_parameters)
        fit_pixels(
            table.arrays,
            new_cursor(table),
            new_scratch(table),
            memory,
            problem,
            first_settings,
            output,
            first,
            last,
        )

    _in_threads(fit_part, n_pixels, threads)
    if rows is not None:
        _polish(table, rows, problem, settings, output, threads)
    return output


def _polish(
    table: FactorTable,
    rows: Int64Array,
    problem: Problem,
    settings: Settings,
    output: Output,
    threads: int,
) -> None:
    """Go on by QR where the digits of normal equations do not suffice."""
    fitted = output.status < Status.NON_FINITE
    if not settings.accurate:
        fitted &= (output.pivot < WEAK_PIVOT) & (output.status != Status.DIVERGING)
    pixels = np.flatnonzero(fitted).astype(np.int64)
    if not len(pixels):
        return
    # Terms without points have no rows of their own: theirs come from "normal".
    row_table = table.with_kernels(np.where(rows != 0, rows, table.arrays.kernel))

    def polish_part(first: int, last: int) -> None:
        polish_pixels(
            row_table.arrays,
            new_cursor(row_table),
            new_scratch(row_table, rows=True),
            Workspace.of(table.n_parameters),
            Rows.of(row_count(table), table.n_parameters),
            problem,
            settings,
            output,
            pixels[first:last],
        )

    _in_threads(polish_part, len(pixels), threads)


def _in_threads(
    fit_part: Callable[[int, int], None], n_pixels: int, threads: int
) -> None:
    """Run ``fit_part(first, last)`` over all pixels, in parts small enough to balance."""
    if threads < 1:
        message = f"threads must be at least 1; got {threads}."
        raise SettingError(message)
    if threads == 1 or n_pixels < 2:
        fit_part(0, n_pixels)
        return
    parts = min(n_pixels, 8 * threads)
    edges = [n_pixels * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(fit_part, *pair) for pair in pairwise(edges)]:
            done.result()


def _settings(
    tolerance: float, max_evaluations: int | None, n_parameters: int
) -> Settings:
    if not tolerance > 0.0:
        message = f"tolerance must be a number > 0; got {tolerance!r}."
        raise SettingError(message)
    most = 200 * (n_parameters + 1) if max_evaluations is None else max_evaluations
    if most < 1:
        message = f"max_evaluations must be at least 1; got {most!r}."
        raise SettingError(message)
    return Settings(float(tolerance), int(most), accurate=tolerance < ACCURATE)


def _problem(
    table: FactorTable,
    start: ArrayLike,
    lower: ArrayLike | None,
    upper: ArrayLike | None,
) -> tuple[Problem, int]:
    """Return starts and bounds as compiled code takes them, and P."""
    d = table.n_parameters
    starts = np.array(start, dtype=np.float64, order="C", ndmin=2)
    if starts.ndim == 2:
        starts = starts[:, np.newaxis, :]
    low = _bound("lower", lower, -np.inf, d)
    high = _bound("upper", upper, np.inf, d)
    if starts.ndim != 3 or starts.shape[2] != d or starts.shape[1] == 0:
        message = (
            f"start has shape {np.shape(start)}; a fit of {d} parameters needs "
            f"(P, S, {d}), (P, {d}) or ({d},)."
        )
        raise DataError(message)
    counts = {table.n_pixels, len(starts), len(low), len(high)} - {1}
    if len(counts) > 1:
        message = (
            f"The data have {table.n_pixels} pixels, start {len(starts)}, lower "
            f"{len(low)} and upper {len(high)}; each must be 1 or the same number."
        )
        raise DataError(message)
    low, high = (np.ascontiguousarray(a) for a in np.broadcast_arrays(low, high))
    if not (low <= high).all():
        row, column = np.argwhere(~(low <= high))[0]
        message = (
            f"Parameter {column} of pixel {row}: lower={low[row, column]} must be <= "
            f"upper={high[row, column]}."
        )
        raise DataError(message)
    return Problem(starts, low, high), counts.pop() if counts else 1


def _bound(name: str, bound: ArrayLike | None, default: float, d: int) -> FloatArray:
    if bound is None:
        return np.full((1, d), default)
    array = np.array(bound, dtype=np.float64, order="C", ndmin=2)
    if array.ndim != 2 or array.shape[1] != d:
        message = (
            f"{name} has shape {np.shape(bound)}; a fit of {d} parameters needs "
            f"(P, {d}) or ({d},)."
        )
        raise DataError(message)
    return array
