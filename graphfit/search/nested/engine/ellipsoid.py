"""One ellipsoid about a set of points, large enough to hold the region they fill.

A set of n points uniform in an ellipsoid does not reach its surface, and its covariance is
uncertain; bounds that only just hold their points cut off prior volume, and the evidence
comes out too high.  The ellipsoid of the points' covariance is scaled to hold all of them,
and then its volume is multiplied by

    1 + max(3 q / n, 2 (1 - v_q / v_0)),  q = D (D + 3) / 2,                        [Eq. 1]

q being the numbers that an ellipsoid of D dimensions has, v_0 and v_q the volumes of the
ellipsoids of that shape through the outermost point and through the one q places inside.
For points uniform in an ellipsoid ``1 - v_q / v_0`` is q / n, and the first term is the
larger; where the region has corners that an ellipsoid does not follow, the outer points are
farther apart.  What is added to 1 may be multiplied: parts of a split need more.

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
    """Return the logarithm of [Eq. 1] for points uniform in an ellipsoid."""
    return math.log(1.0 + 1.5 * d * (d + 3.0) / n)


@compiled
def _log_inflation_of(squares: FloatArray, largest: float, d: int) -> float:
    """Return the logarithm of [Eq. 1], from |z|^2 of the points, which are overwritten."""
    n = len(squares)
    q = d * (d + 3) // 2
    plain = log_inflation(n, d)
    near = 1.0 - 1.5 * q / n  # v_q / v_0 below which the second term is the larger
    if near <= 0.0:
        return plain
    limit = largest * math.pow(near, 2.0 / d)
    outer = 0
    for i in range(n):
        outer += int(squares[i] > limit)
    if outer > q:
        return plain
    inner = outermost(squares, q)
    if not 0.0 < inner < largest:
        return plain
    gap = -math.expm1(0.5 * d * math.log(inner / largest))
    return max(plain, math.log1p(2.0 * gap))


@compiled
def outermost(values: FloatArray, q: int) -> float:
    """Return the highest number of an array but q, which is overwritten.

    The first q + 1 places hold the highest so far, falling: of n numbers in any order
    some ``q ln(n / q)`` are put there.
    """
    last = q
    for i in range(len(values)):
        value = values[i]
        if i > last:
            if value <= values[last]:
                continue
            place = last
        else:
            place = i
        while place > 0 and values[place - 1] < value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
    found: float = values[last]
    return found


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
    widths: FloatArray,
    log_share: float,
    excess: float,
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
    whitened : ndarray, shape (>= d + 2, >= first + count)
        Overwritten at the same columns, with z of the points in the first d rows.
    widths : ndarray, shape (d,)
        Scales of the coordinates: few points say little of a shape, and theirs is mixed
        with that of a ball in these units.  All 0: it is not.
    log_share : float
        ln of the prior volume that the points stand for.  Before it is multiplied by
        [Eq. 1] an ellipsoid is at least as large.
    excess : float
        Times the second term of [Eq. 1]: 1 for points that were not chosen.
    """
    d = points.shape[0]
    for j in range(d):
        column = points[j, first : first + count]
        out = whitened[j, first : first + count]
        centre[j] = total(column) / count
        for i in range(count):
            out[i] = column[i] - centre[j]
    log_determinant = _factorize(whitened, first, count, factor, widths)
    invert_factor(factor, inverse, d)
    largest = max(_whiten(whitened, first, count, inverse, d), 1e-300)
    squares = whitened[d + 1, first : first + count]
    for i in range(count):
        squares[i] = whitened[d, first + i]
    plain = _log_inflation_of(squares, largest, d)
    grown = math.log1p(excess * math.expm1(plain))
    log_volume = log_ball(d) + log_determinant + 0.5 * d * math.log(largest)
    grown += max(log_share - log_volume, 0.0)
    shrink = _scale(factor, inverse, 0.5 * math.log(largest) + grown / d)
    for j in range(d):
        out = whitened[j, first : first + count]
        for i in range(count):
            out[i] *= shrink
    whole: float = log_volume + grown
    return whole


@compiled
def _scale(factor: FloatArray, inverse: FloatArray, log_scale: float) -> float:
    """Make an ellipsoid larger; return one over by how much."""
    scale = math.exp(log_scale)
    shrink = math.exp(-log_scale)
    for j in range(len(factor)):
        factor[j] *= scale
        inverse[j] *= shrink
    return shrink


@compiled_apart
def rescale(
    points: FloatArray,
    count: int,
    centre: FloatArray,
    factor: FloatArray,
    inverse: FloatArray,
    whitened: FloatArray,
    log_share: float,
) -> float:
    """Scale an ellipsoid as `enclose` would; its centre and its shape stay.

    Points that it was not shaped by do no better than they do by chance.

    Parameters
    ----------
    points, count, whitened, log_share
        As for `enclose`; the first of them.
    centre, factor, inverse : ndarray
        Of the ellipsoid.

    Returns
    -------
    float
        ln of its volume.
    """
    d = points.shape[0]
    log_determinant = 0.0
    for j in range(d):
        log_determinant += math.log(factor[j * d + j])
        out = whitened[j, :count]
        for i in range(count):
            out[i] = points[j, i] - centre[j]
    largest = max(_whiten(whitened, 0, count, inverse, d), 1e-300)
    grown = _log_inflation_of(whitened[d, :count], largest, d)
    log_volume = log_ball(d) + log_determinant + 0.5 * d * math.log(largest)
    grown += max(log_share - log_volume, 0.0)
    _scale(factor, inverse, 0.5 * math.log(largest) + grown / d)
    whole: float = log_volume + grown
    return whole


@compiled
def _factorize(
    centred: FloatArray, first: int, count: int, factor: FloatArray, widths: FloatArray
) -> float:
    """Write the Cholesky factor of the points' covariance; return ln of its determinant.

    Of fewer than 2 (d + 1) points, as if the rest up to that number were of a ball.
    """
    d = len(widths)
    own, size = 1.0, 0.0
    enough = 2 * (d + 1)
    if count < enough and widths[0] > 0.0:
        own = count / enough
        for j in range(d):
            a = centred[j, first : first + count]
            size += total_product(a, a) / (count * d * widths[j] * widths[j])
    log_determinant = 0.0
    for j in range(d):
        a = centred[j, first : first + count]
        for k in range(j + 1, d):
            factor[j * d + k] = 0.0
        variance = 0.0
        for k in range(j + 1):
            entry = own * total_product(a, centred[k, first : first + count]) / count
            if k == j:
                entry += (1.0 - own) * size * widths[j] * widths[j]
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
