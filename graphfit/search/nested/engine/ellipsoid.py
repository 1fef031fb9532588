"""One ellipsoid about a set of points, large enough to hold the region they fill.

A set of n points uniform in an ellipsoid does not reach its surface, and its covariance is
uncertain; bounds that only just hold their points cut off prior volume, and the evidence
comes out too high.  The ellipsoid of the points' covariance is scaled to hold all of them,
and then its volume is multiplied by

    1 + 3 D (D + 3) / (2 n),                                                       [Eq. 1]

D (D + 3) / 2 being the numbers that an ellipsoid of D dimensions has.

Points are columns of a table (d, L): loops over points then run over memory in order.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

_LOG_PI = math.log(math.pi)
_RIDGE = 1e-12
_LEAST = 1e-30  # of a variance: numbers of the unit cube have no more digits


@compiled
def log_inflation(n: int, d: int) -> float:
    """Return the logarithm of [Eq. 1]."""
    return math.log(1.0 + 1.5 * d * (d + 3.0) / n)


@compiled
def log_ball(d: int) -> float:
    """Return ln of the volume of the unit ball of d dimensions."""
    return 0.5 * d * _LOG_PI - math.lgamma(0.5 * d + 1.0)


@compiled
def total(a: FloatArray) -> float:
    """Return the sum of an array, in eight lanes."""
    n = len(a)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for block in range(n // 8):
        i = 8 * block
        s0 += a[i]
        s1 += a[i + 1]
        s2 += a[i + 2]
        s3 += a[i + 3]
        s4 += a[i + 4]
        s5 += a[i + 5]
        s6 += a[i + 6]
        s7 += a[i + 7]
    for i in range(n - n % 8, n):
        s0 += a[i]
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))


@compiled
def total_product(a: FloatArray, b: FloatArray) -> float:
    """Return the sum of the products of two arrays, in eight lanes."""
    n = len(a)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for block in range(n // 8):
        i = 8 * block
        s0 += a[i] * b[i]
        s1 += a[i + 1] * b[i + 1]
        s2 += a[i + 2] * b[i + 2]
        s3 += a[i + 3] * b[i + 3]
        s4 += a[i + 4] * b[i + 4]
        s5 += a[i + 5] * b[i + 5]
        s6 += a[i + 6] * b[i + 6]
        s7 += a[i + 7] * b[i + 7]
    for i in range(n - n % 8, n):
        s0 += a[i] * b[i]
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))


@compiled_apart
def enclose(  # noqa: PLR0913, PLR0917
    points: FloatArray,
    first: int,
    count: int,
    centre: FloatArray,
    factor: FloatArray,
    inverse: FloatArray,
    whitened: FloatArray,
) -> float:
    """Write the ellipsoid of a set of points; return ln of its volume.

    Parameters
    ----------
    points : ndarray, shape (d, >= first + count)
    first, count : int
        Which of them.
    centre : ndarray, shape (d,)
        Overwritten.
    factor, inverse : ndarray, shape (d * d,)
        Overwritten, lower triangular, row by row: the ellipsoid is
        ``centre + factor z``, ``|z| <= 1``.
    whitened : ndarray, shape (>= d + 1, >= first + count)
        Overwritten at the same columns with z of the points, and in row d with |z|^2.
    """
    d = points.shape[0]
    for j in range(d):
        column = points[j, first : first + count]
        out = whitened[j, first : first + count]
        centre[j] = total(column) / count
        for i in range(count):
            out[i] = column[i] - centre[j]
    log_determinant = _factorize(whitened, first, count, factor, d)
    invert_factor(factor, inverse, d)
    largest = _whiten(whitened, first, count, inverse, d)
    log_scale = 0.5 * math.log(max(largest, 1e-300)) + log_inflation(count, d) / d
    scale = math.exp(log_scale)
    shrink = math.exp(-log_scale)
    for j in range(d * d):
        factor[j] *= scale
        inverse[j] *= shrink
    for j in range(d):
        out = whitened[j, first : first + count]
        for i in range(count):
            out[i] *= shrink
    return log_ball(d) + log_determinant + d * log_scale


@compiled
def _factorize(
    centred: FloatArray, first: int, count: int, factor: FloatArray, d: int
) -> float:
    """Write the Cholesky factor of the points' covariance; return ln of its determinant."""
    log_determinant = 0.0
    for j in range(d):
        a = centred[j, first : first + count]
        for k in range(j + 1, d):
            factor[j * d + k] = 0.0
        variance = 0.0
        for k in range(j + 1):
            entry = total_product(a, centred[k, first : first + count]) / count
            variance = entry
            for m in range(k):
                entry -= factor[j * d + m] * factor[k * d + m]
            if k < j:
                factor[j * d + k] = entry / factor[k * d + k]
            else:
                # Points in a plane have a volume all the same: that of rounding.
                least = _RIDGE * variance + _LEAST
                factor[j * d + j] = math.sqrt(max(entry, least))
                log_determinant += math.log(factor[j * d + j])
    return log_determinant


@compiled
def _whiten(
    table: FloatArray, first: int, count: int, inverse: FloatArray, d: int
) -> float:
    """Replace centred points by z, from the last row up; return the largest |z|^2."""
    square = table[d, first : first + count]
    for i in range(count):
        square[i] = 0.0
    for back in range(d):
        j = d - 1 - back
        out = table[j, first : first + count]
        own = inverse[j * d + j]
        for i in range(count):
            out[i] *= own
        for k in range(j):
            other = table[k, first : first + count]
            entry = inverse[j * d + k]
            for i in range(count):
                out[i] += entry * other[i]
        for i in range(count):
            square[i] += out[i] * out[i]
    largest = 0.0
    for i in range(count):
        largest = max(largest, square[i])
    return largest


@compiled
def invert_factor(factor: FloatArray, inverse: FloatArray, d: int) -> None:
    """Write the inverse of a lower triangular matrix, both (d * d,) row by row."""
    for j in range(d):
        for k in range(d):
            inverse[j * d + k] = 0.0
        inverse[j * d + j] = 1.0 / factor[j * d + j]
        for k in range(j):
            entry = 0.0
            for m in range(k, j):
                entry -= factor[j * d + m] * inverse[m * d + k]
            inverse[j * d + k] = entry * inverse[j * d + j]
