"""The sum of the factors, given up once it cannot reach a level.

Where every term that is still to come is at most zero, as ``-chi^2 / 2`` is, a sum below the
level stays below.  Long datasets are evaluated piece by piece to the same end.
"""

import math

from graphfit.compiler.driving.factor_call import (
    COLUMNS,
    HEADER,
    N_COLUMNS,
    POINTS,
    RECORD,
    added,
    call_factor,
    completed,
)
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.factor_flags import DIVISIBLE, FALLING
from graphfit.typing import FloatArray

PIECE = 128  # points; a call costs as much as some of them


@compiled
def value_above(
    cursor: Int64Array,
    theta: FloatArray,
    scratch: FloatArray,
    flags: Int64Array,
    level: float,
) -> float:
    """Return the sum of the factors' values; where it is not above `level`, a bound on it.

    Parameters
    ----------
    cursor, theta, scratch
        As for :func:`graphfit.compiler.driving.evaluate.value`.
    flags : ndarray of int64, shape (F,)
        Of each factor.
    level : float
        Minus infinity: the sum itself.
    """
    total, correction = 0.0, 0.0
    for factor in range(cursor[0]):
        record = HEADER + RECORD * factor
        if flags[factor] & DIVISIBLE and cursor[record + POINTS] > 2 * PIECE:
            total, correction = _in_pieces(
                cursor, record, theta, scratch, level, total, correction
            )
        else:
            term = call_factor(cursor, record, theta, scratch)
            total, correction = added(total, correction, term)
        if flags[factor] & FALLING and total <= level:
            return total
    return completed(total, correction)


@compiled_apart
def _in_pieces(
    cursor: Int64Array,
    record: int,
    theta: FloatArray,
    scratch: FloatArray,
    level: float,
    total: float,
    correction: float,
) -> tuple[float, float]:
    """Add a factor's value, piece by piece until all is done or the sum too low."""
    points = cursor[record + POINTS]
    first, count = cursor[record + COLUMNS], cursor[record + N_COLUMNS]
    done = 0
    while done < points:
        size = min(PIECE, points - done)
        cursor[record + POINTS] = size
        term = call_factor(cursor, record, theta, scratch)
        total, correction = added(total, correction, term)
        for column in range(count):
            cursor[first + column] += 8 * size
        done += size
        if total <= level or math.isnan(total):
            break
    for column in range(count):
        cursor[first + column] -= 8 * done
    cursor[record + POINTS] = points
    return total, correction
