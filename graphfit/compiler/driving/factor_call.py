"""A cursor's layout, and the call of one factor's kernel through it."""

import math

from graphfit.compiler.driving.addresses import address_of, call_kernel
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled
from graphfit.typing import FloatArray

# A cursor is a header (F), one record a factor, then the local indices of all factors,
# then the addresses of all columns at the pixel.
HEADER = 2
ALONE = 1
RECORD = 7
KERNEL, N_LOCAL, POINTS, CONSTANTS, LOCAL, COLUMNS, N_COLUMNS = range(RECORD)


@compiled
def call_factor(
    cursor: Int64Array, record: int, theta: FloatArray, scratch: FloatArray
) -> float:
    """Call a factor's kernel; what it writes follows its parameters in `scratch`."""
    n_local, first = cursor[record + N_LOCAL], cursor[record + LOCAL]
    for index in range(n_local):
        scratch[index] = theta[cursor[first + index]]
    own = address_of(scratch)
    return call_kernel(
        cursor[record + KERNEL],
        own,
        cursor[record + CONSTANTS],
        address_of(cursor) + 8 * cursor[record + COLUMNS],
        cursor[record + POINTS],
        own + 8 * n_local,
    )


@compiled
def added(total: float, correction: float, value: float) -> tuple[float, float]:
    """Return the sum and its accumulated rounding error (Neumaier's summation)."""
    new = total + value
    if abs(total) >= abs(value):
        correction += (total - new) + value
    else:
        correction += (value - new) + total
    return new, correction


@compiled
def completed(total: float, correction: float) -> float:
    """Return the compensated sum; infinite terms have no meaningful correction."""
    return total + correction if math.isfinite(total) else total
