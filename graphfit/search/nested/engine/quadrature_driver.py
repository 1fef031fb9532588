"""The compiled driver of the quadrature: problems of two dimensions or fewer."""

import math

from graphfit.compiler.driving.driver import driver
from graphfit.compiler.driving.driver_arguments import record
from graphfit.compiler.driving.evaluate import seek
from graphfit.compiler.driving.factor_table import Int64Array, TableArrays
from graphfit.search.nested.engine.conclude import conclude
from graphfit.search.nested.engine.cubature import cubature
from graphfit.search.nested.engine.cubature_memory import (
    CALLS,
    CELLS,
    LOG_LIKELIHOOD,
    LOG_WEIGHT,
    MEMORY_TYPES,
    CubatureMemory,
)
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.random_numbers import seed_state
from graphfit.search.nested.engine.record_types import (
    DEAD_RECORD,
    INTEGERS,
    OUTPUT_RECORD,
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
    ERROR,
    EVALUATIONS,
    FIRST_ROW,
    LOG_EVIDENCE,
    Dead,
    Output,
    State,
)
from graphfit.typing import FloatArray

_CELLS = record(CubatureMemory, *MEMORY_TYPES)


@driver(
    "void",
    TABLE_RECORD,
    TARGET_RECORD,
    DEAD_RECORD,
    STATE_RECORD,
    SHELVES_RECORD,
    _CELLS,
    VECTOR,
    OUTPUT_RECORD,
    WHOLE_TABLE,
    INTEGERS,
)
def integrate_pixels(  # noqa: PLR0913, PLR0917
    table: TableArrays,
    target: Target,
    dead: Dead,
    state: State,
    shelves: Shelves,
    cells: CubatureMemory,
    constants: FloatArray,
    output: Output,
    jobs: Int64Array,
    exact: Int64Array,
) -> None:
    """Integrate over the cube of every pixel, and say where that was exact enough.

    Parameters
    ----------
    constants : ndarray
        The relative tolerance of Z; then the probabilities of the quantiles.
    jobs : ndarray of int64, shape (P, 2)
        Seeds of the pixels' draws, first.
    exact : ndarray of int64, shape (P,)
        Overwritten with 1 or 0.
    """
    most = len(dead.log_l)
    for pixel in range(len(exact)):
        seek(table, target.cursor, pixel)
        point_at(target, pixel)
        seed_state(state.random, jobs[pixel, 0])
        log_z, error = cubature(target, cells, constants[0], most)
        output.whole[pixel, EVALUATIONS] = cells.counts[CALLS]
        exact[pixel] = 1 if error <= constants[0] and log_z > -math.inf else 0
        if exact[pixel] == 0:
            continue
        count = cells.counts[CELLS] * cells.nodes.shape[1]
        for i in range(count):
            dead.log_l[i] = cells.sample[LOG_LIKELIHOOD, i]
            dead.mass[i] = math.exp(cells.sample[LOG_WEIGHT, i])
            for j in range(dead.values.shape[1]):
                dead.values[i, j] = cells.values[i, j]
        output.numbers[pixel, LOG_EVIDENCE] = log_z
        output.numbers[pixel, ERROR] = error
        output.whole[pixel, FIRST_ROW], output.whole[pixel, COUNT] = 0, count
        conclude(target, dead, state, shelves, constants[1:], output, pixel)
