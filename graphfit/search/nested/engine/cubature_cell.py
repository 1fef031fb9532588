"""One cell of the compiled quadrature: its nodes, its integral, its error.

See :mod:`graphfit.search.nested.quadrature`, whose rules these are.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.cubature_memory import (
    AHEAD,
    AXIS,
    BACK,
    CALLS,
    CENTRE,
    DECAY,
    ERROR,
    FRESH,
    HALF,
    HIGHEST,
    KNOWN,
    LIFT,
    LOG_LIKELIHOOD,
    MARK,
    MISSED,
    NODE_WEIGHT,
    PLACE,
    SCALED,
    VALUE,
    WEIGHT,
    CubatureMemory,
)
from graphfit.search.nested.engine.target import Target, log_likelihood
from graphfit.search.nested.node_rule import FALL
from graphfit.search.nested.quadrature_cells import EDGE, JUMP, NOTHING, ROUGH, SIMILAR
from graphfit.typing import FloatArray


@compiled_apart
def evaluate(target: Target, memory: CubatureMemory, cell: int) -> bool:
    """Write a cell's nodes, and ln L there; False if that is no log-likelihood."""
    box, units = memory.box, memory.units
    n, size = memory.rule.shape[1] - 2, memory.nodes.shape[1]
    highest = -math.inf
    for node in range(size):
        row, rest = cell * size + node, node
        for back in range(1, box.shape[2] + 1):
            mark = memory.rule[MARK, 1 + rest % n]
            rest //= n
            units[row, -back] = box[CENTRE, cell, -back] + box[HALF, cell, -back] * mark
        value = log_likelihood(target, units[row], memory.values[row])
        if not value < math.inf:
            return False
        value = value if value > NOTHING else -math.inf
        memory.sample[LOG_LIKELIHOOD, row] = value
        highest = max(highest, value)
    memory.logs[HIGHEST, cell] = highest
    memory.counts[CALLS] += size
    return True


@compiled_apart
def _see_faces(
    faces: FloatArray,
    units: FloatArray,
    values: FloatArray,
    cell: int,
    n: int,
    size: int,
) -> None:
    """Write the highest ln L of the outermost nodes along each axis, and where."""
    for axis in range(units.shape[1]):
        stride, step = _lines(n, size, axis)
        for side in range(2):
            face = 2 * axis + side
            faces[KNOWN, cell, face] = -math.inf
            for line in range(size // n):
                row = cell * size + line * step + side * (n - 1) * stride
                if values[row] > faces[KNOWN, cell, face]:
                    faces[KNOWN, cell, face] = values[row]
                    faces[PLACE, cell, face] = units[row, -1 - axis]


@compiled
def _lines(n: int, size: int, axis: int) -> tuple[int, int]:
    """Return the steps from node to node along an axis, and from line to line."""
    return (n, 1) if axis == 0 and size > n else (1, n)


@compiled_apart
def _missed(rule: FloatArray, nodes: FloatArray, axis: int) -> float:
    """Return what the rule along an axis misses, relative to ``V L_max``."""
    n, size = rule.shape[1] - 2, nodes.shape[1]
    stride, step = _lines(n, size, axis)
    last, before = 0.0, 0.0
    for line in range(size // n):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            value = nodes[SCALED, line * step + i * stride]
            a += rule[DECAY, 1 + i] * value
            b += rule[DECAY + 1, 1 + i] * value
            c += rule[DECAY + 2, 1 + i] * value
            d += rule[DECAY + 3, 1 + i] * value
        weight = rule[WEIGHT, 1 + line] if size > n else 1.0
        last += weight * math.sqrt(a * a + b * b)
        before += weight * math.sqrt(c * c + d * d)
    ratio = FALL * last / before if before > 0.0 else 1.0
    return last * ratio * ratio * ratio if ratio < 1.0 else last


@compiled
def _drawn_on(
    rule: FloatArray, values: FloatArray, start: int, stride: int, node: int, side: int
) -> float:
    """Return where the chord from the neighbour at `side` through a node leads next.

    Plus infinity behind a jump, which foretells nothing.
    """
    n, row = rule.shape[1] - 2, AHEAD if side < 0 else BACK
    at, step = start + node * stride, side * stride
    rise = values[at] - values[at + step]
    behind = node if side < 0 else n - 1 - node
    if behind > 1 and rise > 0.0:
        earlier = values[at + step] - values[at + 2 * step]
        if not rise <= JUMP * earlier * rule[row, 1 + node + side]:
            return math.inf
    end: float = values[at] + rise * rule[row, 1 + node]
    return end


@compiled
def _reach(
    rule: FloatArray, values: FloatArray, start: int, stride: int, gap: int
) -> float:
    """Return what ln L may reach between the nodes `gap` and `gap + 1` of a line.

    Before the first node and behind the last it is the end of the cell that bounds the
    gap.  Minus infinity where the chords tell nothing.
    """
    n, bound = rule.shape[1] - 2, math.inf
    if gap >= 0 and values[start + gap * stride] == -math.inf:
        return -math.inf
    if gap < n - 1 and values[start + (gap + 1) * stride] == -math.inf:
        return -math.inf
    if gap > 0:
        bound = _drawn_on(rule, values, start, stride, gap, -1)
    if gap < n - 2:
        bound = min(bound, _drawn_on(rule, values, start, stride, gap + 1, 1))
    return bound if bound < math.inf else -math.inf


@compiled_apart
def _lift(
    rule: FloatArray, values: FloatArray, first: int, size: int, axis: int, top: float
) -> float:
    """Return how far above the highest node a concave ln L may rise, along an axis."""
    n = rule.shape[1] - 2
    stride, step = _lines(n, size, axis)
    highest = top
    for line in range(size // n):
        for gap in range(-1, n):
            bound = _reach(rule, values, first + line * step, stride, gap)
            highest = max(highest, bound)
    return highest - top


@compiled_apart
def _scale(
    nodes: FloatArray, values: FloatArray, first: int, top: float
) -> tuple[float, bool]:
    """Write L relative to the highest node's; return its mean, and if it vanishes."""
    mean, vanishes = 0.0, False
    for node in range(nodes.shape[1]):
        value = values[first + node]
        nodes[SCALED, node] = math.exp(value - top)
        mean += nodes[NODE_WEIGHT, node] * nodes[SCALED, node]
        vanishes = vanishes or value == -math.inf
    return mean, vanishes


@compiled
def log_volume_of(box: FloatArray, cell: int) -> float:
    """Return ln V of a cell."""
    volume = 1.0
    for j in range(box.shape[2]):
        volume *= 2.0 * box[HALF, cell, j]
    return math.log(volume)


@compiled_apart
def _longest(box: FloatArray, cell: int, along: FloatArray, what: int) -> int:
    """Return the longest side among those with nearly the highest score."""
    best, longest, chosen = 0.0, -1.0, 0
    for j in range(along.shape[1]):
        best = max(best, along[what, j])
    for j in range(along.shape[1]):
        if SIMILAR * along[what, j] >= best and box[HALF, cell, j] > longest:
            longest, chosen = box[HALF, cell, j], j
    return chosen


@compiled_apart
def measure(memory: CubatureMemory, cell: int) -> None:
    """Write a cell's integral, its error, and the axis along which to halve."""
    logs, along, size = memory.logs, memory.along, memory.nodes.shape[1]
    values, first = memory.sample[LOG_LIKELIHOOD], cell * size
    top, log_volume = logs[HIGHEST, cell], log_volume_of(memory.box, cell)
    memory.flags[FRESH, cell] = 1
    logs[VALUE, cell] = logs[ERROR, cell] = -math.inf
    for axis in range(along.shape[1]):
        along[MISSED, axis] = along[LIFT, axis] = 0.0
    missed, lift, what = 0.0, 0.0, MISSED
    _see_faces(memory.faces, memory.units, values, cell, memory.rule.shape[1] - 2, size)
    if top > -math.inf:
        mean, vanishes = _scale(memory.nodes, values, first, top)
        for axis in range(along.shape[1]):
            along[MISSED, axis] = _missed(memory.rule, memory.nodes, axis)
            along[LIFT, axis] = _lift(memory.rule, values, first, size, axis, top)
            missed += along[MISSED, axis]
            lift += along[LIFT, axis]
        if vanishes:
            missed = max(missed, EDGE * mean)
        logs[VALUE, cell] = math.log(mean) + top + log_volume
        log_error = math.log(missed) if missed > 0.0 else -math.inf
        if lift > ROUGH:
            log_error, what = max(log_error, lift), LIFT
        logs[ERROR, cell] = log_error + top + log_volume
    memory.flags[AXIS, cell] = _longest(memory.box, cell, along, what)
