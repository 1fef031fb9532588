"""Least squares through Householder QR with column pivoting.

``J P = Q R``.  It loses digits as the condition number of J, where normal equations lose
them as its square.  Columns of J are stored as rows of an array, one after the other in
memory; the first `n` of them and their first `m` entries are used.
"""

import math

from graphfit.kernels.compiled import compiled_apart
from graphfit.typing import FloatArray, IntArray


@compiled_apart
def _norm(column: FloatArray, first: int, m: int) -> float:
    total = 0.0
    for i in range(first, m):
        total += column[i] * column[i]
    return math.sqrt(total)


@compiled_apart
def _reflect(
    vector: FloatArray, column: FloatArray, first: int, m: int, beta: float
) -> None:
    """Apply ``1 - beta v v^T`` to a column."""
    product = 0.0
    for i in range(first, m):
        product += vector[i] * column[i]
    product *= beta
    for i in range(first, m):
        column[i] -= product * vector[i]


@compiled_apart
def factorize(
    columns: FloatArray,
    rhs: FloatArray,
    m: int,
    n: int,
    order: IntArray,
    diagonal: FloatArray,
) -> int:
    """Replace J by its factor and a right-hand side b by ``Q^T b``; return the rank.

    Parameters
    ----------
    columns : ndarray, shape (>= n, >= m)
        Column j of J is ``columns[j, :m]``; overwritten.  Scale them alike beforehand.
    rhs : ndarray, shape (>= m,)
        b; overwritten.
    m, n : int
        Rows and columns of J.
    order : ndarray of int, shape (>= n,)
        Output: which column was taken k-th.
    diagonal : ndarray, shape (>= n,)
        Output: the diagonal of R, decreasing in size.  ``R[k, l]``, l > k, is
        ``columns[order[l], k]``.

    Returns
    -------
    int
        Columns whose pivot is above the rounding error, ``1e-15 sqrt(m)`` of the first.
    """
    for j in range(n):
        order[j] = j
        diagonal[j] = 0.0
    least = 0.0
    for k in range(min(m, n)):
        # Norms are formed anew: updating them loses the digits this method is for.
        best, largest = k, -1.0
        for j in range(k, n):
            norm = _norm(columns[order[j]], k, m)
            if norm > largest:
                best, largest = j, norm
        order[k], order[best] = order[best], order[k]
        if not largest > least:
            return k
        if k == 0:
            least = 1e-15 * math.sqrt(m) * largest
        vector = columns[order[k]]
        pivot = -largest if vector[k] > 0.0 else largest
        beta = 1.0 / (largest * (largest + abs(vector[k])))
        vector[k] -= pivot
        diagonal[k] = pivot
        for j in range(k + 1, n):
            _reflect(vector, columns[order[j]], k, m, beta)
        _reflect(vector, rhs, k, m, beta)
    return min(m, n)


@compiled_apart
def solve(
    columns: FloatArray,
    rhs: FloatArray,
    rank: int,
    n: int,
    order: IntArray,
    diagonal: FloatArray,
    x: FloatArray,
) -> None:
    """Write the x that minimises ``|b - J x|``, from the output of `factorize`.

    Columns beyond the rank get 0.

    Parameters
    ----------
    columns, rhs, order, diagonal
        From `factorize`.
    rank : int
        What it returned.
    n : int
        Columns of J.
    x : ndarray, shape (>= n,)
        Output.
    """
    for k in range(n):
        x[k] = 0.0
    for k in range(rank - 1, -1, -1):
        total = rhs[k]
        for j in range(k + 1, rank):
            total -= columns[order[j], k] * x[order[j]]
        x[order[k]] = total / diagonal[k]


@compiled_apart
def inverse_information(
    columns: FloatArray,
    n: int,
    order: IntArray,
    diagonal: FloatArray,
    covariance: FloatArray,
) -> float:
    """Write ``(J^T J)^-1`` of a J of full rank; return ``ln |J^T J|``.

    Parameters
    ----------
    columns, order, diagonal
        From `factorize`; the part of `columns` that holds R is overwritten.
    n : int
        Columns of J.
    covariance : ndarray, shape (>= n, >= n)
        Output, both triangles.
    """
    log_determinant = 0.0
    # R becomes R^-1 in place, column by column, its diagonal included.
    for j in range(n):
        log_determinant += 2.0 * math.log(abs(diagonal[j]))
        column = columns[order[j]]
        column[j] = 1.0 / diagonal[j]
        for i in range(j):
            total = 0.0
            for k in range(i, j):
                total += columns[order[k], i] * column[k]
            column[i] = -total * column[j]
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, n):
                total += columns[order[k], i] * columns[order[k], j]
            covariance[order[i], order[j]] = total
            covariance[order[j], order[i]] = total
    return log_determinant
