"""Mean, standard deviation and covariance of weighted samples, in compiled code."""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

WIDTH = 3
"""Products that are added up at once: one sum alone waits for each of its additions."""
LEAST_WEIGHT = 1e-150
"""Products with lesser weights may be so small that they take 100 times as long."""


@compiled
def _first_above(weights: FloatArray, count: int, least: float) -> int:
    """Return the first sample of that weight or more; the last if there is none."""
    i = 0
    while i < count - 1 and weights[i] < least:
        i += 1
    return i


@compiled_apart
def _sums(
    values: FloatArray, weights: FloatArray, origin: int, j: int, k: int
) -> tuple[float, float, float, float]:
    """Return the sums of ``w x_j`` and of w x_j times WIDTH values from the k-th on.

    All are taken from the sample `origin`.  The j-th value stands for those beyond it.
    """
    k1, k2 = min(k + 1, j), min(k + 2, j)
    zero, zero_0 = values[origin, j], values[origin, k]
    zero_1, zero_2 = values[origin, k1], values[origin, k2]
    alone = product_0 = product_1 = product_2 = 0.0
    for i in range(len(weights)):
        weighted = weights[i] * (values[i, j] - zero)
        alone += weighted
        product_0 += weighted * (values[i, k] - zero_0)
        product_1 += weighted * (values[i, k1] - zero_1)
        product_2 += weighted * (values[i, k2] - zero_2)
    return alone, product_0, product_1, product_2


@compiled
def _write(matrix: FloatArray, j: int, k: int, entry: float) -> None:
    matrix[j, k] = entry
    matrix[k, j] = entry


@compiled_apart
def moments(
    values: FloatArray,
    weights: FloatArray,
    count: int,
    mean: FloatArray,
    deviation: FloatArray,
    covariance: FloatArray,
) -> None:
    """Write mean, standard deviation and covariance of weighted samples.

    ``m = sum_i w_i x_i``, ``s^2 = sum_i w_i (x_i - m)^2``, and, as ``np.cov`` has it for
    such weights, ``C = sum_i w_i (x_i - m) (x_i - m)^T / (1 - sum_i w_i^2)``.

    Parameters
    ----------
    values : ndarray, shape (>= S, A)
    weights : ndarray, shape (>= S,)
        Adding up to one.
    count : int
        S.
    mean, deviation : ndarray, shape (A,)
        Output.
    covariance : ndarray, shape (D, D)
        Output, of the first D values; not finite if one sample has all the weight.

    Notes
    -----
    Sums of squares about zero lose all digits where m is much larger than s.  They are
    taken about a sample x_0 of not much less than the mean weight: ``w_0 >= 1 / (2 S)`` and
    ``w_0 (x_0 - m)^2 <= s^2``, so no more than a factor of 2 S is lost, and one pass is
    enough.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[1.0], [2.0], [4.0]]), np.array([0.25, 0.5, 0.25])
    >>> mean, deviation, covariance = np.zeros(1), np.zeros(1), np.zeros((1, 1))
    >>> moments(x, w, 3, mean, deviation, covariance)
    >>> float(mean[0]), round(float(covariance[0, 0] / deviation[0] ** 2), 12)
    (2.25, 1.6)
    """
    d = covariance.shape[0]
    total = square = 0.0
    for i in range(count):
        total += weights[i]
        square += weights[i] * weights[i]
    first = _first_above(weights, count, LEAST_WEIGHT)
    centre = _first_above(weights, count, 0.5 * total / count)
    x, w, origin = values[first:count], weights[first:count], centre - first
    scale = 1.0 / (1.0 - square / (total * total))
    for j in range(len(mean)):
        for k in range(0 if j < d else j, j + 1, WIDTH):
            k1, k2 = min(k + 1, j), min(k + 2, j)
            alone, sum_0, sum_1, sum_2 = _sums(x, w, origin, j, k)
            mean[j] = alone / total
            if j < d:
                _write(covariance, j, k, (sum_0 / total - mean[j] * mean[k]) * scale)
                _write(covariance, j, k1, (sum_1 / total - mean[j] * mean[k1]) * scale)
                _write(covariance, j, k2, (sum_2 / total - mean[j] * mean[k2]) * scale)
            if k2 == j:
                deviation[j] = math.sqrt(sum_2 / total - mean[j] * mean[j])
    for j in range(len(mean)):
        mean[j] += values[centre, j]
