"""The compiled drivers: ranges of pixels, in one thread's memory."""

from typing import Any

from numba import types

from graphfit.compiler.driver import driver
from graphfit.compiler.evaluate import seek
from graphfit.compiler.factor_table import Int64Array, TableArrays
from graphfit.search.least_squares.pixel import fit_pixel
from graphfit.search.least_squares.polish import polish_pixel
from graphfit.search.least_squares.workspace import (
    Output,
    Problem,
    Rows,
    Settings,
    Workspace,
)
from graphfit.typing import FloatArray

_INTEGERS = types.int64[::1]
_VECTOR = types.float64[::1]
_MATRIX = types.float64[:, ::1]
_STACK = types.float64[:, :, ::1]

# Fields in the order of the records.
_record: Any = types.NamedTuple  # numba leaves them without types
_uniform: Any = types.NamedUniTuple
_TABLE = _uniform(_INTEGERS, len(TableArrays._fields), TableArrays)
_WORKSPACE = _record(
    [*[_VECTOR] * 8, *[_MATRIX] * 3, _VECTOR, *[_INTEGERS] * 2], Workspace
)
_ROWS = _record([*[_VECTOR] * 4, *[_MATRIX] * 3, _INTEGERS], Rows)
_PROBLEM = _record([_STACK, _MATRIX, _MATRIX], Problem)
_SETTINGS = _record([types.float64, types.int64, types.boolean], Settings)
_OUTPUT = _record(
    [_MATRIX, _VECTOR, _STACK, _VECTOR, types.int32[::1], types.int8[::1], _VECTOR],
    Output,
)


@driver(
    types.void(
        _TABLE,
        _INTEGERS,
        _VECTOR,
        _WORKSPACE,
        _PROBLEM,
        _SETTINGS,
        _OUTPUT,
        types.int64,
        types.int64,
    )
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
    types.void(
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
