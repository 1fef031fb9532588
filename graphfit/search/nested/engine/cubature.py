"""Quadrature of at most two parameters in compiled code.

The rules are those of :mod:`graphfit.search.nested.quadrature`, without seeds; what is
said there of cells, errors and nodes holds here.
"""

import math

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.cubature_cell import evaluate, log_volume_of, measure
from graphfit.search.nested.engine.cubature_faces import compare
from graphfit.search.nested.engine.cubature_memory import (
    AXIS,
    CALLS,
    CELLS,
    CENTRE,
    ERROR,
    GRID,
    HALF,
    LOG_LIKELIHOOD,
    LOG_NODE_WEIGHT,
    LOG_WEIGHT,
    VALUE,
    CubatureMemory,
)
from graphfit.search.nested.engine.target import Target
from graphfit.search.nested.quadrature import (
    BATCH,
    LARGEST_EXPONENT,
    SMALLEST,
)
from graphfit.typing import FloatArray


@compiled_apart
def _place(memory: CubatureMemory) -> int:
    """Divide the cube into equal cells; return how many."""
    box, grid = memory.box, memory.counts[GRID]
    count = 1
    for _ in range(box.shape[2]):
        count *= grid
    for cell in range(count):
        rest = cell
        for back in range(1, box.shape[2] + 1):
            box[CENTRE, cell, -back] = (rest % grid + 0.5) / grid
            box[HALF, cell, -back] = 0.5 / grid
            rest //= grid
    memory.counts[CELLS], memory.counts[CALLS] = count, 0
    return count


@compiled_apart
def _total(logs: FloatArray, count: int) -> tuple[float, float]:
    """Return ln Z and the relative error of Z."""
    highest = -math.inf
    for cell in range(count):
        highest = max(highest, logs[VALUE, cell])
    if highest == -math.inf:
        return highest, math.inf
    total, error = 0.0, 0.0
    for cell in range(count):
        total += math.exp(logs[VALUE, cell] - highest)
        error += math.exp(min(logs[ERROR, cell] - highest, LARGEST_EXPONENT))
    return highest + math.log(total), error / total


@compiled
def _urgency(
    box: FloatArray, logs: FloatArray, flags: Int64Array, cell: int, blind: bool
) -> float:
    """Return ln of a cell's error, or volume; minus infinity if it cannot be halved."""
    if box.shape[2] == 0 or not box[HALF, cell, flags[AXIS, cell]] > SMALLEST:
        return -math.inf
    if blind:
        return log_volume_of(box, cell)
    error: float = logs[ERROR, cell]
    return error


@compiled_apart
def _limit(
    box: FloatArray, logs: FloatArray, flags: Int64Array, count: int, allowed: float
) -> float:
    """Return above which urgency cells are halved; the error may have ln `allowed`."""
    worst, blind = -math.inf, allowed == -math.inf
    for cell in range(count):
        worst = max(worst, _urgency(box, logs, flags, cell, blind))
    return max(worst + math.log(BATCH), allowed - math.log(4.0 * count))


@compiled
def _halve(box: FloatArray, cell: int, new: int, axis: int) -> None:
    """Leave the lower half in place, put the upper one at `new`."""
    for j in range(box.shape[2]):
        box[CENTRE, new, j] = box[CENTRE, cell, j]
        box[HALF, new, j] = box[HALF, cell, j]
    step = box[HALF, cell, axis] / 2.0
    box[HALF, cell, axis] = box[HALF, new, axis] = step
    box[CENTRE, cell, axis] -= step
    box[CENTRE, new, axis] += step


@compiled_apart
def _refine(
    target: Target, memory: CubatureMemory, limit: float, max_calls: int, blind: bool
) -> int:
    """Halve the cells of greater urgency; return how many, -1 if ln L is broken."""
    box, counts, halved = memory.box, memory.counts, 0
    for cell in range(counts[CELLS]):
        if not _urgency(box, memory.logs, memory.flags, cell, blind) > limit:
            continue
        new, calls = counts[CELLS], counts[CALLS] + 2 * memory.nodes.shape[1]
        if new == memory.logs.shape[1] or calls > max_calls:
            break
        counts[CELLS] += 1
        _halve(box, cell, new, memory.flags[AXIS, cell])
        for half in range(2):
            part = new if half else cell
            if not evaluate(target, memory, part):
                return -1
            measure(memory, part)
        halved += 1
    return halved


@compiled_apart
def _weigh(memory: CubatureMemory, log_evidence: float) -> None:
    """Write the logarithms of the nodes' posterior probabilities."""
    size = memory.nodes.shape[1]
    for cell in range(memory.counts[CELLS]):
        constant = log_volume_of(memory.box, cell) - log_evidence
        for node in range(size):
            row = cell * size + node
            value = memory.sample[LOG_LIKELIHOOD, row]
            if value > -math.inf:
                value += memory.nodes[LOG_NODE_WEIGHT, node] + constant
            memory.sample[LOG_WEIGHT, row] = value


@compiled_apart
def cubature(
    target: Target, memory: CubatureMemory, tolerance: float, max_calls: int
) -> tuple[float, float]:
    """Integrate the likelihood of a pixel over the unit cube.

    Parameters
    ----------
    target : Target
        Pointed at a pixel, of d = 0, 1 or 2 sampled parameters.
    memory : CubatureMemory
        Overwritten; see there for the weighted sample.
    tolerance : float
        Relative error of Z to be reached.
    max_calls : int
        Evaluations at most, apart from those of the first cells.

    Returns
    -------
    log_evidence : float
        ln Z, without the data's constant offset; minus infinity where no point of
        positive likelihood was found, NaN where the likelihood is broken.
    error : float
        Bound on the relative error of Z, an estimate.  Above the tolerance where calls or
        cells did not suffice.
    """
    box, faces, logs = memory.box, memory.faces, memory.logs
    flags, counts = memory.flags, memory.counts
    for cell in range(_place(memory)):
        if not evaluate(target, memory, cell):
            return math.nan, math.nan
        measure(memory, cell)
    while True:
        compare(box, faces, logs, flags, counts[CELLS])
        log_evidence, error = _total(logs, counts[CELLS])
        if error <= tolerance:
            break
        allowed = math.log(tolerance) + log_evidence
        limit = _limit(box, logs, flags, counts[CELLS], allowed)
        halved = _refine(target, memory, limit, max_calls, allowed == -math.inf)
        if halved < 0:
            return math.nan, math.nan
        if halved == 0:
            break
    _weigh(memory, log_evidence)
    return log_evidence, error
