"""Evaluate a FactorTable at one pixel, inside compiled code.

A thread owns one *cursor*, a list of integers that :func:`new_cursor` makes from the
table, and one *scratch* array.  :func:`seek` points the cursor at a pixel; the other
functions then evaluate the sum over its factors::

    seek(table.arrays, cursor, pixel)
    value = value_and_normal(cursor, theta, scratch, gradient, information)

Nothing is allocated, and neither cursor nor scratch carries anything from one pixel to
the next, so results do not depend on the order of pixels.

Axes: ``D`` global parameters, ``F`` factors, ``P`` pixels.
"""

import math

import numpy as np

from graphfit.compiler.driving.addresses import float_at
from graphfit.compiler.driving.factor_call import (
    ALONE,
    COLUMNS,
    CONSTANTS,
    HEADER,
    KERNEL,
    LOCAL,
    N_COLUMNS,
    N_LOCAL,
    POINTS,
    RECORD,
    added,
    call_factor,
    completed,
)
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array, TableArrays
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

_WEIGHT = 1  # which column holds the weights


def new_cursor(table: FactorTable) -> Int64Array:
    """Return a cursor over a table, pointing at its first pixel.

    Parameters
    ----------
    table : FactorTable
        It must outlive the cursor.

    Returns
    -------
    ndarray of int64
        For the functions of this module, one a thread.
    """
    arrays, n_factors = table.arrays, table.n_factors
    first_local = HEADER + RECORD * n_factors
    first_column = first_local + len(arrays.local)
    cursor = np.zeros(first_column + len(arrays.columns), dtype=np.int64)
    cursor[0] = n_factors
    # One factor of all the parameters, each once: sums have one term.
    cursor[ALONE] = n_factors == 1 and np.array_equal(
        np.sort(arrays.local), np.arange(table.n_parameters)
    )
    records = cursor[HEADER:first_local].reshape(n_factors, RECORD)
    records[:, KERNEL] = arrays.kernel
    records[:, N_LOCAL] = arrays.n_local
    records[:, POINTS] = arrays.points
    records[:, CONSTANTS] = arrays.constants
    records[:, LOCAL] = first_local + arrays.local_start[:-1]
    records[:, COLUMNS] = first_column + arrays.column_start[:-1]
    records[:, N_COLUMNS] = np.diff(arrays.column_start)
    cursor[first_local:first_column] = arrays.local
    cursor[first_column:] = arrays.columns
    return cursor


def new_scratch(table: FactorTable, *, rows: bool = False) -> FloatArray:
    """Return working memory for the kernels of a table, one a thread.

    Parameters
    ----------
    table : FactorTable
        The table that the cursor is made from.
    rows : bool
        Whether kernels of the kind "rows" are called, which write much more.
    """
    arrays = table.arrays
    largest = int(arrays.n_local.max(initial=0))
    size = largest + largest * (largest + 1) // 2
    if rows:
        size = max(size, int((arrays.points * (1 + arrays.n_local)).max(initial=0)))
    return np.zeros(largest + size + 1)


def row_count(table: FactorTable) -> int:
    """Return how many rows `value_and_rows` writes: points, and one a prior term."""
    arrays = table.arrays
    return int(np.where(arrays.points > 0, arrays.points, arrays.n_local).sum())


@compiled
def seek(arrays: TableArrays, cursor: Int64Array, pixel: int) -> None:
    """Point a cursor at a pixel's constants and columns."""
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        cursor[record + CONSTANTS] = (
            arrays.constants[factor] + pixel * arrays.constants_stride[factor]
        )
        first = cursor[record + COLUMNS]
        source = arrays.column_start[factor]
        for column in range(cursor[record + N_COLUMNS]):
            cursor[first + column] = (
                arrays.columns[source + column]
                + pixel * arrays.column_stride[source + column]
            )


@compiled
def n_informative(cursor: Int64Array) -> int:
    """Return how many numbers inform the fit: points with a weight, prior terms."""
    count = 0
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        if cursor[record + POINTS] == 0:
            count += cursor[record + N_LOCAL]
            continue
        weights = cursor[cursor[record + COLUMNS] + _WEIGHT]
        for point in range(cursor[record + POINTS]):
            if float_at(weights + 8 * point) != 0.0:
                count += 1
    return count


@compiled
def value(cursor: Int64Array, theta: FloatArray, scratch: FloatArray) -> float:
    """Return the sum of the factors' values, for kernels of the kind "value".

    Parameters
    ----------
    cursor : ndarray of int64
        Pointed at a pixel by `seek`.
    theta : ndarray, shape (D,)
        Global parameters.
    scratch : ndarray
        From `new_scratch`.

    Returns
    -------
    float
        ``sum_f ln L_f(theta)``, compensated, in the order of the factors.
    """
    total, correction = 0.0, 0.0
    for factor in range(cursor[0]):
        term = call_factor(cursor, HEADER + RECORD * factor, theta, scratch)
        total, correction = added(total, correction, term)
    return completed(total, correction)


@compiled
def factor_values(
    cursor: Int64Array, theta: FloatArray, scratch: FloatArray, values: FloatArray
) -> float:
    """Return the same sum as `value`, and write each factor's into `values` (F,)."""
    total, correction = 0.0, 0.0
    for factor in range(cursor[0]):
        term = call_factor(cursor, HEADER + RECORD * factor, theta, scratch)
        values[factor] = term
        total, correction = added(total, correction, term)
    return completed(total, correction)


@compiled
def value_and_gradient(
    cursor: Int64Array, theta: FloatArray, scratch: FloatArray, gradient: FloatArray
) -> float:
    """Return the sum of values; write its gradient. For kernels "gradient" or "normal".

    Parameters
    ----------
    cursor, theta, scratch
        As for `value`.
    gradient : ndarray, shape (D,)
        Overwritten with ``d ln L / d theta``, zero for parameters of no factor.
    """
    gradient[:] = 0.0
    total, correction = 0.0, 0.0
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        term = call_factor(cursor, record, theta, scratch)
        total, correction = added(total, correction, term)
        n_local, first = cursor[record + N_LOCAL], cursor[record + LOCAL]
        for index in range(n_local):
            gradient[cursor[first + index]] += scratch[n_local + index]
    return completed(total, correction)


@compiled
def value_and_normal(
    cursor: Int64Array,
    theta: FloatArray,
    scratch: FloatArray,
    gradient: FloatArray,
    information: FloatArray,
) -> float:
    """Return the sum of values; write gradient and information. For kernels "normal".

    Parameters
    ----------
    cursor, theta, scratch
        As for `value`.
    gradient : ndarray, shape (D,)
        Overwritten with ``d ln L / d theta``.
    information : ndarray, shape (D, D)
        Its lower triangle is overwritten with the sum of the factors' information
        matrices; above the diagonal it is left as it was.
    """
    if cursor[ALONE]:
        total = call_factor(cursor, HEADER, theta, scratch)
        _place_normal(cursor, scratch, gradient, information)
        return total
    for i in range(len(gradient)):
        gradient[i] = 0.0
        for j in range(i + 1):
            information[i, j] = 0.0
    total, correction = 0.0, 0.0
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        term = call_factor(cursor, record, theta, scratch)
        total, correction = added(total, correction, term)
        _add_normal(cursor, record, scratch, gradient, information)
    return completed(total, correction)


@compiled
def _place_normal(
    cursor: Int64Array,
    scratch: FloatArray,
    gradient: FloatArray,
    information: FloatArray,
) -> None:
    """Write the only factor's gradient and lower triangle at their places."""
    n_local, first = cursor[HEADER + N_LOCAL], cursor[HEADER + LOCAL]
    packed = 2 * n_local
    for a in range(n_local):
        i = cursor[first + a]
        gradient[i] = scratch[n_local + a]
        for b in range(a + 1):
            j = cursor[first + b]
            information[max(i, j), min(i, j)] = scratch[packed]
            packed += 1


@compiled
def _add_normal(
    cursor: Int64Array,
    record: int,
    scratch: FloatArray,
    gradient: FloatArray,
    information: FloatArray,
) -> None:
    """Add one factor's gradient and lower triangle at its places in the global ones."""
    n_local, first = cursor[record + N_LOCAL], cursor[record + LOCAL]
    packed = 2 * n_local
    for a in range(n_local):
        i = cursor[first + a]
        gradient[i] += scratch[n_local + a]
        for b in range(a + 1):
            j = cursor[first + b]
            entry = scratch[packed]
            packed += 1
            # A parameter that fills two places of one kernel has both cross terms.
            information[max(i, j), min(i, j)] += (
                2.0 * entry if i == j and a != b else entry
            )


@compiled_apart
def value_and_rows(
    cursor: Int64Array,
    theta: FloatArray,
    scratch: FloatArray,
    residual: FloatArray,
    jacobian: FloatArray,
) -> float:
    """Return the sum of values; write residuals and their derivatives, stacked.

    For a table with kernels "rows" where a factor has points and "normal" where it has
    none.  The latter is written as one row a parameter, ``sqrt(h)`` and ``g / sqrt(h)``,
    from its gradient g and the diagonal h of its information.

    Parameters
    ----------
    cursor, theta
        As for `value`.
    scratch : ndarray
        From ``new_scratch(table, rows=True)``.
    residual : ndarray, shape (M,) or longer
        Overwritten with z; M is `row_count`.
    jacobian : ndarray, shape (D, M) or wider
        Overwritten with w df/dtheta_j in row j, so that ``J z`` is the gradient.

    Returns
    -------
    float
        The sum; NaN where a factor without points has no such rows, because its
        information is not diagonal or not positive.
    """
    total, correction = 0.0, 0.0
    row = 0
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        term = call_factor(cursor, record, theta, scratch)
        if cursor[record + POINTS] > 0:
            row = _copy_rows(cursor, record, scratch, row, residual, jacobian)
        elif _has_rows(cursor, record, scratch):
            row = _make_rows(cursor, record, scratch, row, residual, jacobian)
        else:
            term = math.nan
        total, correction = added(total, correction, term)
    return completed(total, correction)


@compiled_apart
def _copy_rows(
    cursor: Int64Array,
    record: int,
    scratch: FloatArray,
    row: int,
    residual: FloatArray,
    jacobian: FloatArray,
) -> int:
    """Copy what a "rows" kernel wrote to rows `row` and on; return the next row."""
    n_local, first = cursor[record + N_LOCAL], cursor[record + LOCAL]
    n = int(cursor[record + POINTS])
    jacobian[:, row : row + n] = 0.0
    for point in range(n):
        residual[row + point] = scratch[n_local + point]
    for a in range(n_local):
        j = cursor[first + a]
        source = n_local + n * (1 + a)
        for point in range(n):
            jacobian[j, row + point] += scratch[source + point]
    return row + n


@compiled_apart
def _has_rows(cursor: Int64Array, record: int, scratch: FloatArray) -> bool:
    """Whether a term's information is diagonal and positive, or all is zero."""
    n_local = cursor[record + N_LOCAL]
    packed = 2 * n_local
    for a in range(n_local):
        for _ in range(a):
            if scratch[packed] != 0.0:
                return False
            packed += 1
        if not (
            scratch[packed] > 0.0
            or (scratch[packed] == 0.0 and scratch[n_local + a] == 0.0)
        ):
            return False
        packed += 1
    return True


@compiled_apart
def _make_rows(
    cursor: Int64Array,
    record: int,
    scratch: FloatArray,
    row: int,
    residual: FloatArray,
    jacobian: FloatArray,
) -> int:
    """Write one row a parameter from what a "normal" kernel wrote."""
    n_local, first = int(cursor[record + N_LOCAL]), cursor[record + LOCAL]
    jacobian[:, row : row + n_local] = 0.0
    diagonal = 2 * n_local
    for a in range(n_local):
        root = math.sqrt(scratch[diagonal])
        residual[row + a] = scratch[n_local + a] / root if root > 0.0 else 0.0
        jacobian[cursor[first + a], row + a] = root
        diagonal += a + 2
    return row + n_local
