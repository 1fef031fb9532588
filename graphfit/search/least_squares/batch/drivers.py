"""The compiled drivers: ranges of pixels, in one thread's memory."""

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.search.least_squares.batch.pixel import fit_pixel
from graphfit.search.least_squares.batch.polish import polish_pixel
from graphfit.search.least_squares.batch.workspace import (
    Output,
    Problem,
    Rows,
    Settings,
    Workspace,
)
from graphfit.typing import FloatArray

_INTEGERS = "int64[::1]"
_VECTOR = "float64[::1]"
_MATRIX = "float64[:,::1]"
_STACK = "float64[:,:,::1]"

# Fields in the order of the records.
_TABLE = record(TableArrays, _INTEGERS)
_WORKSPACE = record(
    Workspace, *[_VECTOR] * 8, *[_MATRIX] * 3, _VECTOR, *[_INTEGERS] * 2
)
_ROWS = record(Rows, *[_VECTOR] * 4, *[_MATRIX] * 3, _INTEGERS)
_PROBLEM = record(Problem, _STACK, _MATRIX, _MATRIX)
_SETTINGS = record(Settings, "float64", "int64", "boolean")
_OUTPUT = record(
    Output, _MATRIX, _VECTOR, _STACK, _VECTOR, "int32[::1]", "int8[::1]", _VECTOR
)


@driver(
    "void",
    _TABLE,
    _INTEGERS,
    _VECTOR,
    _WORKSPACE,
    _PROBLEM,
    _SETTINGS,
    _OUTPUT,
    "int64",
    "int64",
)
def fit_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    problem: Problem,
    settings: Settings,
    output: Output,
    first: int,
    last: int,
) -> None:
    """Fit pixels `first` to `last - 1`."""
    for pixel in range(first, last):
        seek(table, cursor, pixel)
        fit_pixel(cursor, scratch, work, problem, settings, output, pixel)


@driver(
    "void",
    _TABLE,
    _INTEGERS,
    _VECTOR,
    _WORKSPACE,
    _ROWS,
    _PROBLEM,
    _SETTINGS,
    _OUTPUT,
    _INTEGERS,
)
def polish_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    rows: Rows,
    problem: Problem,
    settings: Settings,
    output: Output,
    pixels: Int64Array,
) -> None:
    """Polish the fits of some pixels, from where `fit_pixels` ended."""
    for pixel in pixels:
        seek(table, cursor, pixel)
        polish_pixel(cursor, scratch, work, rows, problem, settings, output, pixel)
