"""Square-root-free Cholesky factors of small symmetric matrices.

``A = L D L^T`` with unit lower triangular L and diagonal D.  For positive definite A it
is as accurate as the usual form and spares the square roots, which take most of the time
where A is 2 by 2.  Only lower triangles are read and written; a factor holds L below its
diagonal and 1 / D on it.

The first `n` rows and columns of larger arrays are used, so that working memory can be
shared between orders.
"""

import math

from graphfit.kernels.compiled import compiled
from graphfit.typing import FloatArray


@compiled
def factorize(matrix: FloatArray, n: int) -> float:
    """Replace a matrix by its factor, and return its smallest scaled pivot.

    Parameters
    ----------
    matrix : ndarray, shape (>= n, >= n)
        Lower triangle of A; overwritten.
    n : int
        Order.

    Returns
    -------
    float
        ``min_j D_j / A_jj``: the part of a column that the columns before do not
        explain.  Invariant under scaling of rows and columns; about 1e-16 for a singular
        matrix.  -1 where A is not positive definite; the factor is then incomplete.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[4.0, 0.0], [2.0, 2.0]])
    >>> factorize(a, 2), float(a[1, 0])
    (0.5, 0.5)
    """
    smallest = 1.0
    for j in range(n):
        diagonal = matrix[j, j]
        pivot = diagonal
        for k in range(j):
            # Row j still holds L D; it becomes L here.
            product = matrix[j, k]
            entry = product * matrix[k, k]
            pivot -= product * entry
            matrix[j, k] = entry
        if not pivot > 0.0:
            return -1.0
        smallest = min(smallest, pivot / diagonal)
        matrix[j, j] = 1.0 / pivot
        for i in range(j + 1, n):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total
    return smallest


@compiled
def solve(factor: FloatArray, x: FloatArray, n: int) -> None:
    """Replace b by the solution of ``A x = b``.

    Parameters
    ----------
    factor : ndarray, shape (>= n, >= n)
        From `factorize`.
    x : ndarray, shape (>= n,)
        b; overwritten with x.
    n : int
        Order.
    """
    for i in range(n):
        total = x[i]
        for k in range(i):
            total -= factor[i, k] * x[k]
        x[i] = total
    for i in range(n - 1, -1, -1):
        total = x[i] * factor[i, i]
        for k in range(i + 1, n):
            total -= factor[k, i] * x[k]
        x[i] = total


@compiled
def log_determinant(factor: FloatArray, n: int) -> float:
    """Return ln |A| from its factor."""
    total = 0.0
    for j in range(n):
        total -= math.log(factor[j, j])
    return total


@compiled
def invert(factor: FloatArray, n: int) -> None:
    """Replace a factor by the lower triangle of A^-1.

    ``A^-1 = M^T D^-1 M`` with ``M = L^-1``, both formed in place.
    """
    for j in range(n):
        for i in range(j + 1, n):
            total = -factor[i, j]
            for k in range(j + 1, i):
                total -= factor[i, k] * factor[k, j]
            factor[i, j] = total
    # Entry (i, j), i >= j, needs columns i and j of M from row i down: still there.
    for j in range(n):
        for i in range(j, n):
            total = 0.0
            for k in range(i, n):
                left = 1.0 if k == i else factor[k, i]
                right = 1.0 if k == j else factor[k, j]
                total += left * factor[k, k] * right
            factor[i, j] = total
