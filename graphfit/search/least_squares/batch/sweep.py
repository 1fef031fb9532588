"""Where fits of many pixels begin: each parameter at its best of several values.

A parameter at which the likelihood is silent (a line of no strength, a centre off the line)
gives least squares nothing to go by.  So each is tried at quantiles of its prior, one after
the other, the others held: :mod:`graphfit.search.starting_points` for many pixels at once.
"""

import math

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import seek, value
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.typing import FloatArray

_TABLE = record(TableArrays, "int64[::1]")


@driver(
    "void",
    _TABLE,
    "int64[::1]",
    "float64[::1]",
    "float64[:,:,::1]",
    "int64[::1]",
    "float64[:,::1]",
    "int64",
    "int64",
)
def sweep_pixels(
    table: TableArrays,
    cursor: Int64Array,
    scratch: FloatArray,
    tried: FloatArray,
    swept: Int64Array,
    theta: FloatArray,
    first: int,
    last: int,
) -> None:
    """Move the starts of pixels `first` to `last - 1` to better ones, in place.

    Parameters
    ----------
    table : TableArrays
        With kernels of the kind "value".
    cursor, scratch
        Of :mod:`graphfit.compiler.driving.evaluate`.
    tried : ndarray, shape (P or 1, D, Q)
        The values to try.
    swept : ndarray of int64
        The positions of the parameters to move, in their order.
    theta : ndarray, shape (P, D)
        Where the fits begin.
    first, last : int
        Pixels.
    """
    for pixel in range(first, last):
        seek(table, cursor, pixel)
        row = pixel if tried.shape[0] > 1 else 0
        best = value(cursor, theta[pixel], scratch)
        if math.isnan(best):
            best = -math.inf
        for j in swept:
            kept = theta[pixel, j]
            for q in range(tried.shape[2]):
                theta[pixel, j] = tried[row, j, q]
                found = value(cursor, theta[pixel], scratch)
                if found > best:
                    best = found
                    kept = tried[row, j, q]
            theta[pixel, j] = kept
