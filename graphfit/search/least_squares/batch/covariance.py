"""Errors at the optimum: the inverse of the information, and its determinant."""

import math

from graphfit.kernels.cholesky import factorize, invert, log_determinant
from graphfit.kernels.compiled import compiled
from graphfit.search.least_squares.batch.descent import LEAST_PIVOT
from graphfit.search.least_squares.batch.workspace import Output, Workspace
from graphfit.typing import FloatArray


@compiled
def factorize_information(
    work: Workspace, lower: FloatArray, upper: FloatArray, row: int
) -> tuple[float, int]:
    """Factorise the information of all parameters that are not fixed.

    Parameters
    ----------
    work : Workspace
        With the information; `matrix` gets the factor, `free` the parameters in it.
    lower, upper : ndarray, shape (P or 1, D)
        Bounds; a parameter whose bounds are equal is fixed.
    row : int
        Which row of them.

    Returns
    -------
    tuple
        The smallest scaled pivot, and how many parameters vary.
    """
    n = 0
    for j in range(len(work.theta)):
        if lower[row, j] < upper[row, j]:
            work.free[n] = j
            n += 1
    for a in range(n):
        for b in range(a + 1):
            work.matrix[a, b] = work.information[work.free[a], work.free[b]]
    return factorize(work.matrix, n), n


@compiled
def write_errors(
    work: Workspace, n: int, pivot: float, output: Output, pixel: int
) -> bool:
    """Write covariance and ln |H| from the factor of `factorize_information`.

    Returns
    -------
    bool
        Whether they exist; otherwise both are NaN.
    """
    exists = pivot > LEAST_PIVOT
    output.pivot[pixel] = pivot
    if output.log_determinant.shape[0] > 0:
        output.log_determinant[pixel] = (
            log_determinant(work.matrix, n) if exists else math.nan
        )
    if output.covariance.shape[0] > 0:
        output.covariance[pixel, :, :] = 0.0
        if exists:
            invert(work.matrix, n)
        for a in range(n):
            i = work.free[a]
            for b in range(a + 1):
                j = work.free[b]
                entry = work.matrix[a, b] if exists else math.nan
                output.covariance[pixel, i, j] = entry
                output.covariance[pixel, j, i] = entry
    return exists
