"""Types of the records that the drivers are given."""

from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.factor_table import TableArrays
from graphfit.search.nested.engine.mixture import PolishMemory
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.target import Target
from graphfit.search.nested.engine.workspace import (
    Bound,
    Dead,
    Live,
    Output,
    Settings,
    State,
)

INTEGERS = "int64[::1]"
WHOLE_TABLE = "int64[:,::1]"
VECTOR = "float64[::1]"
MATRIX = "float64[:,::1]"
STACK = "float64[:,:,::1]"

# Fields in the order of the records.
TABLE_RECORD = record(TableArrays, INTEGERS)
TARGET_RECORD = record(Target, INTEGERS, VECTOR, *[INTEGERS] * 2, VECTOR)
SETTINGS_RECORD = record(
    Settings,
    "float64",
    *["int64"] * 2,
    *["boolean"] * 2,
    *["int64"] * 2,
    "boolean",
)
LIVE_RECORD = record(Live, MATRIX, MATRIX, VECTOR, VECTOR, INTEGERS)
DEAD_RECORD = record(Dead, MATRIX, MATRIX, *[VECTOR] * 5, *[INTEGERS] * 2)
BOUND_RECORD = record(
    Bound,
    *[MATRIX] * 3,
    VECTOR,
    MATRIX,
    WHOLE_TABLE,
    *[MATRIX] * 5,
    *[VECTOR] * 3,
    INTEGERS,
    MATRIX,
)
STATE_RECORD = record(State, *[INTEGERS] * 2, *[VECTOR] * 3, MATRIX, VECTOR)
POLISH_RECORD = record(
    PolishMemory,
    *[MATRIX] * 2,
    VECTOR,
    MATRIX,
    WHOLE_TABLE,
    STACK,
    MATRIX,
    STACK,
    INTEGERS,
    MATRIX,
    VECTOR,
)
SHELVES_RECORD = record(Shelves, VECTOR, *[INTEGERS] * 3, WHOLE_TABLE, MATRIX)
OUTPUT_RECORD = record(
    Output,
    *[STACK] * 2,
    MATRIX,
    WHOLE_TABLE,
    "int32[:,::1]",
    STACK,
    MATRIX,
    INTEGERS,
)
