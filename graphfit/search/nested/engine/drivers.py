"""The compiled drivers: problems one after the other, in one thread's memory."""

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.evaluate import seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.samples.status import Status
from graphfit.search.nested.engine.conclude import (
    conclude,
    polish_run,
    report,
)
from graphfit.search.nested.engine.explore import advance, begin
from graphfit.search.nested.engine.finish import finish
from graphfit.search.nested.engine.mixture import PolishMemory
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.record_types import (
    BOUND_RECORD,
    DEAD_RECORD,
    INTEGERS,
    LIVE_RECORD,
    OUTPUT_RECORD,
    POLISH_RECORD,
    SETTINGS_RECORD,
    SHELVES_RECORD,
    STATE_RECORD,
    TABLE_RECORD,
    TARGET_RECORD,
    VECTOR,
    WHOLE_TABLE,
)
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

_NON_FINITE = int(Status.NON_FINITE)


@driver(
    "int64",
    TABLE_RECORD,
    TARGET_RECORD,
    SETTINGS_RECORD,
    LIVE_RECORD,
    DEAD_RECORD,
    BOUND_RECORD,
    STATE_RECORD,
    SHELVES_RECORD,
    VECTOR,
    OUTPUT_RECORD,
    WHOLE_TABLE,
    INTEGERS,
)
def explore_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    target: Target,
    settings: Settings,
    live: Live,
    dead: Dead,
    bound: Bound,
    state: State,
    shelves: Shelves,
    probabilities: FloatArray,
    output: Output,
    jobs: Int64Array,
    part: Int64Array,
) -> int:
    """Explore pixels; return the first one that is not finished.

    Parameters
    ----------
    probabilities : ndarray
        Of the quantiles.
    jobs : ndarray of int64, shape (P, 2)
        Seed and number of live points of each pixel.
    part : ndarray of int64, shape (3,)
        The first pixel and the last, not included; contours to pass before it returns,
        with the pixel's run in memory: for single problems, of which the progress is
        shown.  It also returns where there is no room for more dead points, and where a
        run is to be polished; with that done the same call goes on.
    """
    whole = state.whole
    for pixel in range(part[0], part[1]):
        seek(table, target.cursor, pixel)
        point_at(target, pixel)
        if whole[PHASE] == FRESH:
            possible = begin(
                target, settings, live, state, jobs[pixel, 0], jobs[pixel, 1]
            )
            whole[PHASE] = RUNNING if possible else FINISHED
        if whole[PHASE] == RUNNING:
            code = advance(target, settings, live, dead, bound, state, part[2])
            if code != DONE:
                return pixel
            log_z, error = finish(live, dead, state)
            numbers, told = output.numbers[pixel], output.whole[pixel]
            numbers[LOG_EVIDENCE], numbers[ERROR] = log_z, error
            told[FIRST_ROW], told[COUNT] = 0, whole[DEAD]
            whole[PHASE] = FINISHED
            if settings.polish > 0 and whole[STATUS] < _NON_FINITE:
                return pixel
        if whole[STATUS] < _NON_FINITE:
            conclude(target, dead, state, shelves, probabilities, output, pixel)
        report(dead, state, output, pixel, whole[DEAD])
        whole[PHASE] = FRESH
    last: int = part[1]
    return last


@driver(
    "void",
    TARGET_RECORD,
    SETTINGS_RECORD,
    DEAD_RECORD,
    STATE_RECORD,
    POLISH_RECORD,
    OUTPUT_RECORD,
    "int64",
)
def polish_pixel(
    target: Target,
    settings: Settings,
    dead: Dead,
    state: State,
    mixture: PolishMemory,
    output: Output,
    pixel: int,
) -> None:
    """Polish the run that `explore_pixels` has returned with: code that few ask for."""
    polish_run(target, settings, dead, state, mixture, output, pixel)
