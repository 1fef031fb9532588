"""The driver that evaluates every factor by itself at given points of many pixels."""

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import factor_values, seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.typing import FloatArray

_TABLE = record(TableArrays, "int64[::1]")


@driver(
    "void", _TABLE, "int64[::1]", "float64[::1]", "float64[:,::1]", "float64[:,::1]"
)
def factor_pixels(
    table: TableArrays,
    cursor: Int64Array,
    scratch: FloatArray,
    theta: FloatArray,
    values: FloatArray,
) -> None:
    """Write the values of all factors at every pixel.

    Parameters
    ----------
    table : TableArrays
        With kernels of the kind "value".
    cursor, scratch
        Of :mod:`graphfit.compiler.driving.evaluate`.
    theta : ndarray, shape (P, D)
        Global parameters.
    values : ndarray, shape (P, F)
        Overwritten.
    """
    for pixel in range(theta.shape[0]):
        seek(table, cursor, pixel)
        factor_values(cursor, theta[pixel], scratch, values[pixel])
