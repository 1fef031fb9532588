"""The pattern of a sparse information matrix, and its factorisation.

scipy has no Cholesky factorisation of sparse matrices, so SuperLU factorises in its
symmetric mode: with the pivots on the diagonal, ``L U`` is ``L D L^T``, D the diagonal of U,
and a pivot that is not positive says that the matrix is not positive definite.  The
pattern never changes during a fit: it is ordered once for little fill.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from graphfit.compiler.driving.evaluate_blocks import destinations, factor_groups
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.search.least_squares.joint.selected_inverse import inverse_diagonal
from graphfit.typing import BoolArray, FloatArray


@final
@dataclass(frozen=True, eq=False, slots=True)
class Pattern:
    """Where a sparse information has entries; rows and columns in an order of little fill.

    Attributes
    ----------
    order : ndarray of int64, shape (D,)
        The parameter of each row.
    rank : ndarray of int64, shape (D,)
        The row of each parameter.
    indices, indptr : ndarray
        Both triangles, as CSC.
    columns : ndarray of int64
        The column of each entry.
    source : ndarray of int64
        Where each entry lies in the system.
    diagonal : ndarray of int64, shape (D,)
        Which entries are the diagonal.
    destination : ndarray of int64
        From `evaluate_blocks.destinations`.
    size : int
        Of the system.
    """

    order: Int64Array
    rank: Int64Array
    indices: Int64Array
    indptr: Int64Array
    columns: Int64Array
    source: Int64Array
    diagonal: Int64Array
    destination: Int64Array
    size: int

    def matrix(self, entries: FloatArray) -> csc_array:
        """Return the matrix with these entries, in its own order of rows."""
        d = len(self.order)
        return csc_array((entries, self.indices, self.indptr), shape=(d, d))


def new_pattern(table: FactorTable) -> Pattern:
    """Return the pattern of a table's information.

    Parameters
    ----------
    table : FactorTable
        F factors of D parameters.
    """
    d = table.n_parameters
    keys = [np.arange(d) * (d + 1)]
    for _, local in factor_groups(table):
        for a in range(local.shape[1]):
            for b in range(a):
                i, j = local[:, a], local[:, b]
                keys.append(np.maximum(i, j) * d + np.minimum(i, j))
    entries = np.unique(np.concatenate(keys))
    i, j = entries // d, entries % d
    below = i != j
    rows, columns = np.concatenate([i, j[below]]), np.concatenate([j, i[below]])
    numbers = np.arange(len(entries))
    source = d + np.concatenate([numbers, numbers[below]])
    order = _little_fill(rows, columns, d)
    rank = np.empty(d, dtype=np.int64)
    rank[order] = np.arange(d)
    rows, columns = rank[rows], rank[columns]
    sequence = np.lexsort((rows, columns))
    rows, columns, source = rows[sequence], columns[sequence], source[sequence]

    def place(i: Int64Array, j: Int64Array) -> Int64Array:
        return d + np.searchsorted(entries, i * d + j)

    return Pattern(
        order,
        rank,
        rows.astype(np.int32),
        np.searchsorted(columns, np.arange(d + 1)).astype(np.int32),
        columns,
        source,
        np.flatnonzero(rows == columns),
        destinations(table, place),
        d + len(entries),
    )


def _little_fill(rows: Int64Array, columns: Int64Array, d: int) -> Int64Array:
    """Return an order of elimination: minimum degree, as SuperLU finds it."""
    values = np.where(rows == columns, float(d), -0.5)
    matrix = csc_array((values, (rows, columns)), shape=(d, d))
    found = _factorize(matrix, "MMD_AT_PLUS_A").perm_c
    order: Int64Array = np.argsort(found).astype(np.int64)
    return order


def _factorize(matrix: csc_array, ordering: str = "NATURAL") -> Any:
    return splu(
        matrix,
        permc_spec=ordering,
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


@final
class Factor:
    """``L D L^T`` of a matrix in a pattern's order.

    Attributes
    ----------
    exists : bool
        Whether the pivots stayed on the diagonal.
    pivots : ndarray, shape (D,)
        D, by parameter, divided by the diagonal of the matrix; all -1 where the
        factorisation failed.
    """

    def __init__(self, pattern: Pattern, entries: FloatArray) -> None:
        self._pattern = pattern
        d = len(pattern.order)
        self.pivots = np.full(d, -1.0)
        self.exists = False
        try:
            self.lu: Any = _factorize(pattern.matrix(entries))
        except RuntimeError:  # an exact zero, and nothing beside it
            return
        self.exists = bool((self.lu.perm_r == self.lu.perm_c).all())
        if self.exists:
            diagonal = self.lu.U.diagonal()[self.lu.perm_c]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = diagonal / entries[pattern.diagonal]
            self.pivots[pattern.order] = np.where(diagonal > 0.0, ratio, -1.0)

    @property
    def pivot(self) -> float:
        """The smallest scaled pivot."""
        return float(self.pivots.min(initial=1.0))

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the solution for right-hand sides (D,) or (D, K), by parameter."""
        solution: FloatArray = self.lu.solve(right[self._pattern.order])
        return solution[self._pattern.rank]

    def inverse_diagonal(self) -> FloatArray:
        """Return the diagonal of the inverse (D,), by parameter."""
        lu = self.lu
        by_pivot = inverse_diagonal(lu.L, lu.U.diagonal())
        found: FloatArray = by_pivot[lu.perm_c][self._pattern.rank]
        return found


def held_out(pattern: Pattern, entries: FloatArray, free: BoolArray) -> FloatArray:
    """Return the entries with a unit row and column for each held parameter."""
    if free.all():
        return entries
    rows_free = free[pattern.order]
    found = np.where(
        rows_free[pattern.indices] & rows_free[pattern.columns], entries, 0.0
    )
    found[pattern.diagonal[~rows_free]] = 1.0
    return found
