"""The compiled driver: problems one after the other, in one thread's memory."""

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.search.nested.engine.explore import advance, begin
from graphfit.search.nested.engine.finish import finish
from graphfit.search.nested.engine.target import Target, point_at
from graphfit.search.nested.engine.workspace import (
    CALLS,
    DONE,
    FINISHED,
    FRESH,
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

_INTEGERS = "int64[::1]"
_WHOLE_TABLE = "int64[:,::1]"
_VECTOR = "float64[::1]"
_MATRIX = "float64[:,::1]"
_STACK = "float64[:,:,::1]"

# Fields in the order of the records.
_TABLE = record(TableArrays, _INTEGERS)
_TARGET = record(Target, _INTEGERS, _VECTOR, _INTEGERS)
_SETTINGS = record(
    Settings, "float64", "int64", "int64", "boolean", "boolean", "int64", "int64"
)
_LIVE = record(Live, _MATRIX, _MATRIX, _VECTOR, _VECTOR, _INTEGERS)
_DEAD = record(Dead, _MATRIX, _MATRIX, *[_VECTOR] * 4, *[_INTEGERS] * 2)
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
_OUTPUT = record(
    Output, _STACK, _STACK, _MATRIX, _WHOLE_TABLE, "int32[:,::1]", _STACK, _MATRIX
)


@driver(
    "int64",
    _TABLE,
    _TARGET,
    _SETTINGS,
    _LIVE,
    _DEAD,
    _BOUND,
    _STATE,
    _OUTPUT,
    _WHOLE_TABLE,
    "int64",
    "int64",
    "int64",
)
def explore_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    target: Target,
    settings: Settings,
    live: Live,
    dead: Dead,
    bound: Bound,
    state: State,
    output: Output,
    jobs: Int64Array,
    first: int,
    last: int,
    limit: int,
) -> int:
    """Explore pixels `first` to `last - 1`; return the one that is not finished, or `last`.

    Parameters
    ----------
    jobs : ndarray of int64, shape (P, 2)
        Seed and number of live points of each pixel.
    limit : int
        Contours to pass before it returns, with the pixel's run in memory: for single
        problems, of which the progress is shown.  It also returns where there is no room
        for more dead points; with more room the same call goes on.
    """
    for pixel in range(first, last):
        seek(table, target.cursor, pixel)
        point_at(target, pixel)
        if state.whole[PHASE] != RUNNING:
            possible = begin(
                target, settings, live, state, jobs[pixel, 0], jobs[pixel, 1]
            )
            state.whole[PHASE] = RUNNING if possible else FINISHED
        if state.whole[PHASE] == RUNNING:
            code = advance(target, settings, live, dead, bound, state, limit)
            if code != DONE:
                return pixel
            log_z, error, information = finish(live, dead, state)
            output.numbers[pixel, 0] = log_z
            output.numbers[pixel, 1] = error
            output.numbers[pixel, 2] = information
        output.whole[pixel, 0] = state.whole[CALLS]
        output.whole[pixel, 3] = state.whole[STATUS]
        state.whole[PHASE] = FRESH
    return last
