"""The driver that evaluates one factor's model at the points of many pixels."""

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
    "int64",
    "float64[:,::1]",
    "float64[:,::1]",
)
def model_pixels(
    table: TableArrays,
    cursor: Int64Array,
    scratch: FloatArray,
    n_local: int,
    theta: FloatArray,
    out: FloatArray,
) -> None:
    """Write the model of every pixel of a table with one factor.

    Parameters
    ----------
    table : TableArrays
        Of one factor, with its kernel of the kind "model".
    cursor, scratch
        Of :mod:`graphfit.compiler.driving.evaluate`; scratch for rows.
    n_local : int
        Parameters of the factor: what the kernel writes follows them in `scratch`.
    theta : ndarray, shape (P, D)
        Global parameters.
    out : ndarray, shape (P, n)
        Overwritten; n is at most the padded number of points.
    """
    for pixel in range(theta.shape[0]):
        seek(table, cursor, pixel)
        value(cursor, theta[pixel], scratch)
        for point in range(out.shape[1]):
            out[pixel, point] = scratch[n_local + point]
