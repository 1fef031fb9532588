"""The compiled driver: problems one after the other, in one thread's memory."""

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.samples.status import Status
from graphfit.search.nested.engine.conclude import (
    conclude,
    integrate,
    polish_run,
    report,
)
from graphfit.search.nested.engine.cubature_memory import (
    MEMORY_TYPES,
    CubatureMemory,
)
from graphfit.search.nested.engine.explore import advance, begin
from graphfit.search.nested.engine.finish import finish
from graphfit.search.nested.engine.mixture import PolishMemory
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.target import Target, point_at
from graphfit.search.nested.engine.workspace import (
    COUNT,
    DEAD,
    DONE,
    ERROR,
    FINISHED,
    FIRST_ROW,
    FRESH,
    LOG_EVIDENCE,
    PHASE,
    RUNNING,
    STATUS,
    Bound,
    Dead,
    Live,
    Output,
    Settings,
    State,
)
from graphfit.typing import FloatArray

_INTEGERS = "int64[::1]"
_WHOLE_TABLE = "int64[:,::1]"
_VECTOR = "float64[::1]"
_MATRIX = "float64[:,::1]"
_STACK = "float64[:,:,::1]"

# Fields in the order of the records.
_TABLE = record(TableArrays, _INTEGERS)
_TARGET = record(Target, _INTEGERS, _VECTOR, *[_INTEGERS] * 2, _VECTOR)
_SETTINGS = record(
    Settings,
    "float64",
    *["int64"] * 2,
    *["boolean"] * 2,
    *["int64"] * 2,
    "boolean",
)
_LIVE = record(Live, _MATRIX, _MATRIX, _VECTOR, _VECTOR, _INTEGERS)
_DEAD = record(Dead, _MATRIX, _MATRIX, *[_VECTOR] * 5, *[_INTEGERS] * 2)
_BOUND = record(
    Bound,
    *[_MATRIX] * 3,
    _VECTOR,
    _MATRIX,
    _WHOLE_TABLE,
    *[_MATRIX] * 5,
    *[_VECTOR] * 3,
    _INTEGERS,
    _MATRIX,
)
_STATE = record(State, *[_INTEGERS] * 2, *[_VECTOR] * 3, _MATRIX, _VECTOR)
_POLISH = record(
    PolishMemory,
    *[_MATRIX] * 2,
    _VECTOR,
    _MATRIX,
    _WHOLE_TABLE,
    _STACK,
    _MATRIX,
    _STACK,
    _INTEGERS,
    _MATRIX,
    _VECTOR,
)
_SHELVES = record(
    Shelves, _VECTOR, *[_INTEGERS] * 3, _WHOLE_TABLE, _MATRIX
)
_CUBATURE = record(CubatureMemory, *MEMORY_TYPES)
_OUTPUT = record(
    Output,
    *[_STACK] * 2,
    _MATRIX,
    _WHOLE_TABLE,
    "int32[:,::1]",
    _STACK,
    _MATRIX,
    _INTEGERS,
)

_NON_FINITE = int(Status.NON_FINITE)


@driver(
    "int64",
    _TABLE,
    _TARGET,
    _SETTINGS,
    _LIVE,
    _DEAD,
    _BOUND,
    _STATE,
    _POLISH,
    _SHELVES,
    _CUBATURE,
    _VECTOR,
    _OUTPUT,
    _WHOLE_TABLE,
    _INTEGERS,
)
def explore_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    target: Target,
    settings: Settings,
    live: Live,
    dead: Dead,
    bound: Bound,
    state: State,
    mixture: PolishMemory,
    shelves: Shelves,
    cells: CubatureMemory,
    constants: FloatArray,
    output: Output,
    jobs: Int64Array,
    part: Int64Array,
) -> int:
    """Explore pixels; return the first one that is not finished.

    Parameters
    ----------
    constants : ndarray
        The relative tolerance of integrals; then the probabilities of the quantiles.
    jobs : ndarray of int64, shape (P, 2)
        Seed and number of live points of each pixel.
    part : ndarray of int64, shape (3,)
        The first pixel and the last, not included; contours to pass before it returns,
        with the pixel's run in memory: for single problems, of which the progress is
        shown.  It also returns where there is no room for more dead points; with more
        room the same call goes on.
    """
    for pixel in range(part[0], part[1]):
        seek(table, target.cursor, pixel)
        point_at(target, pixel)
        numbers, whole = output.numbers[pixel], output.whole[pixel]
        if state.whole[PHASE] == FRESH:
            possible = begin(
                target, settings, live, state, jobs[pixel, 0], jobs[pixel, 1]
            )
            state.whole[PHASE] = RUNNING if possible else FINISHED
            if possible and settings.quadrature:
                exact = integrate(
                    target, dead, state, cells, output, pixel, constants[0]
                )
                state.whole[PHASE] = FINISHED if exact else RUNNING
        run = 0
        if state.whole[PHASE] == RUNNING:
            code = advance(target, settings, live, dead, bound, state, part[2])
            if code != DONE:
                return pixel
            log_z, error = finish(live, dead, state)
            numbers[LOG_EVIDENCE], numbers[ERROR] = log_z, error
            run = state.whole[DEAD]
            whole[FIRST_ROW], whole[COUNT] = 0, run
            if settings.polish > 0 and state.whole[STATUS] < _NON_FINITE:
                polish_run(target, settings, dead, state, mixture, output, pixel)
        if state.whole[STATUS] < _NON_FINITE:
            conclude(target, dead, state, shelves, constants[1:], output, pixel)
        report(dead, state, output, pixel, run)
        state.whole[PHASE] = FRESH
    return part[1]
