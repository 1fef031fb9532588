"""The diagonal of the inverse of a sparse matrix, at the cost of a factorisation.

With ``A = L D L^T`` and Z its inverse, ``Z = D^-1 L^-1 + (I - L^T) Z``, so that

    Z_ij = - sum_k Z_ik L_kj,  i > j        Z_jj = 1 / D_j - sum_k Z_kj L_kj   [Eq. 1]

with k over the entries of column j of L below the diagonal.  From the last column to the
first this needs no entry of Z outside the pattern of L (Takahashi, Fagan and Chen 1973;
Erisman and Tinney 1975, Comm. ACM 18, 177).
"""

from typing import Any

import numpy as np

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.typing import FloatArray

_INTEGERS = "int64[::1]"
_FLOATS = "float64[::1]"


def inverse_diagonal(lower: Any, pivots: FloatArray) -> FloatArray:
    """Return the diagonal of ``(L D L^T)^-1``.

    Parameters
    ----------
    lower : sparse array, shape (D, D)
        L, unit lower triangular.
    pivots : ndarray, shape (D,)
        Diagonal of D, not 0.

    Returns
    -------
    ndarray, shape (D,)

    Examples
    --------
    >>> from scipy.sparse import csc_array
    >>> lower = csc_array(np.array([[1.0, 0.0], [0.5, 1.0]]))
    >>> inverse_diagonal(lower, np.array([4.0, 1.0])).tolist()
    [0.5, 1.0]
    """
    d = len(pivots)
    columns = lower.tocsc()
    columns.sort_indices()
    indptr = columns.indptr.astype(np.int64)
    indices = columns.indices.astype(np.int64)
    integers = np.zeros((4, d + 1), dtype=np.int64)
    start, work = integers[0], integers[1:]
    capacity = 2 * len(indices) + 16
    while True:
        rows = np.zeros(capacity, dtype=np.int64)
        if close_pattern(indptr, indices, start, rows, work):
            break
        capacity *= 2
    entries, inverse = np.zeros((2, start[-1]))
    at = np.repeat(np.arange(d), np.diff(indptr))
    below = indices > at
    # Rows of a column ascend, so pairs of (column, row) are sorted in both lists.
    keys = np.repeat(np.arange(d), np.diff(start)) * d + rows[: start[-1]]
    places = np.searchsorted(keys, at[below] * d + indices[below])
    entries[places] = columns.data[below]
    diagonal = 1.0 / pivots
    invert_selected(start, rows, entries, inverse, diagonal, work[0])
    return diagonal


@driver("boolean", _INTEGERS, _INTEGERS, _INTEGERS, _INTEGERS, "int64[:,::1]")
def close_pattern(
    indptr: Int64Array,
    indices: Int64Array,
    start: Int64Array,
    rows: Int64Array,
    work: Int64Array,
) -> bool:
    """Write a pattern below the diagonal that is closed under elimination.

    SuperLU leaves out entries that happen to be zero.  [Eq. 1] needs: where rows i < k are
    in one column, row k is in column i.  It is enough that each column hands its rows on
    to the column of the first of them.

    Parameters
    ----------
    indptr, indices : ndarray
        L as CSC, rows ascending.
    start : ndarray, shape (D + 1,)
        Filled with offsets into `rows`.
    rows : ndarray
        Filled with the rows of each column, ascending.
    work : ndarray, shape (3, D + 1)
        Memory.

    Returns
    -------
    bool
        False where `rows` is too short.
    """
    d = len(start) - 1
    marked, child, sibling = work[0], work[1], work[2]
    marked[:] = -1
    child[:] = -1
    sibling[:] = -1
    start[0] = 0
    for j in range(d):
        end = start[j]
        for entry in range(indptr[j], indptr[j + 1]):
            row = indices[entry]
            if row > j:
                if end >= len(rows):
                    return False
                marked[row] = j
                rows[end] = row
                end += 1
        c = child[j]
        while c >= 0:
            for entry in range(start[c], start[c + 1]):
                row = rows[entry]
                if row > j and marked[row] != j:
                    if end >= len(rows):
                        return False
                    marked[row] = j
                    rows[end] = row
                    end += 1
            c = sibling[c]
        rows[start[j] : end].sort()
        start[j + 1] = end
        if end > start[j]:
            parent = rows[start[j]]
            sibling[j] = child[parent]
            child[parent] = j
    return True


@driver("void", _INTEGERS, _INTEGERS, _FLOATS, _FLOATS, _FLOATS, _INTEGERS)
def invert_selected(
    start: Int64Array,
    rows: Int64Array,
    entries: FloatArray,
    inverse: FloatArray,
    diagonal: FloatArray,
    place: Int64Array,
) -> None:
    """Solve [Eq. 1].

    Parameters
    ----------
    start, rows : ndarray
        From `close_pattern`.
    entries, inverse : ndarray
        L below its diagonal; Z there, zero at first.
    diagonal : ndarray, shape (D,)
        1 / D; overwritten with the diagonal of Z.
    place : ndarray, shape (>= D,)
        Memory.
    """
    place[:] = -1
    for j in range(len(start) - 2, -1, -1):
        first, last = start[j], start[j + 1]
        for entry in range(first, last):
            place[rows[entry]] = entry
        for entry in range(first, last):
            k, factor = rows[entry], entries[entry]
            inverse[entry] -= diagonal[k] * factor
            for other in range(start[k], start[k + 1]):
                target = place[rows[other]]
                if target >= 0:
                    inverse[target] -= inverse[other] * factor
                    inverse[entry] -= inverse[other] * entries[target]
        total = diagonal[j]
        for entry in range(first, last):
            total -= inverse[entry] * entries[entry]
            place[rows[entry]] = -1
        diagonal[j] = total
