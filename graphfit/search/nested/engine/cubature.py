"""Quadrature of at most two parameters in compiled code.

The rules are those of :mod:`graphfit.search.nested.quadrature`, without seeds; what is
said there of cells, errors and nodes holds here.  All memory is the caller's.

Axes: ``C`` cells at most, ``d`` sampled parameters, ``n`` nodes along an axis of a cell,
``m = n^d`` nodes of a cell, ``A`` values.
"""

import math
from typing import NamedTuple

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.target import Target, log_likelihood
from graphfit.search.nested.node_rule import FALL, node_rule
from graphfit.search.nested.quadrature import (
    BATCH,
    EDGE,
    LARGEST_EXPONENT,
    ROUGH,
    SIMILAR,
    SMALLEST,
    TOUCH,
    node_weights,
)
from graphfit.typing import FloatArray

GRID, CELLS, CALLS = range(3)
"""Places of `CubatureMemory.counts`."""


class CubatureMemory(NamedTuple):
    """What one thread works in, and where the answer is left.

    After a run the rows ``0 .. counts[CELLS] * m - 1`` of the last four are a weighted
    sample of the posterior; weights of one sum to one.

    Attributes
    ----------
    marks : ndarray, shape (n + 2,)
        The rule's positions, between -1 and 1.
    weights, decay : ndarray
        See :class:`~graphfit.search.nested.node_rule.NodeRule`.
    node_weights : ndarray, shape (m,)
        Products of weights.
    scaled : ndarray, shape (m,)
        L of a cell's nodes relative to the highest.
    missed, lift : ndarray, shape (d,)
        Of a cell, along each axis.
    centre, half : ndarray, shape (C, d)
        Of the cells.
    highest, log_value, log_error, log_bound : ndarray, shape (C,)
        Highest ln L, ln of the integral, of its error, and of that with cut-off edges.
    axis, partial : ndarray of int64, shape (C,)
        Along which to halve; whether L vanishes at some nodes, not all.
    counts : ndarray of int64, shape (3,)
        Cells along an axis at the start, given; cells and calls, written.
    units : ndarray, shape (C m, d)
        Nodes.
    values : ndarray, shape (C m, A)
        There.
    log_likelihood, log_weight : ndarray, shape (C m,)
        ln L and the logarithm of the posterior probability.
    """

    marks: FloatArray
    weights: FloatArray
    decay: FloatArray
    node_weights: FloatArray
    scaled: FloatArray
    missed: FloatArray
    lift: FloatArray
    centre: FloatArray
    half: FloatArray
    highest: FloatArray
    log_value: FloatArray
    log_error: FloatArray
    log_bound: FloatArray
    axis: Int64Array
    partial: Int64Array
    counts: Int64Array
    units: FloatArray
    values: FloatArray
    log_likelihood: FloatArray
    log_weight: FloatArray

    @staticmethod
    def of(
        dimension: int, n_values: int, cells: int = 256, grid: int = 4
    ) -> "CubatureMemory":
        """Return the memory for d = 0, 1 or 2 parameters of A values.

        Parameters
        ----------
        dimension, n_values : int
            d and A.
        cells : int
            C; a run ends where more are needed.
        grid : int
            Cells along each axis at the start.  What has no slope that their nodes see
            can be missed.
        """
        d, rule = dimension, node_rule(dimension)
        size = len(rule.positions) ** d
        count = max(cells, grid**d)
        return CubatureMemory(
            marks=np.concatenate([[-1.0], rule.positions, [1.0]]),
            weights=rule.weights,
            decay=rule.decay,
            node_weights=node_weights(rule, d),
            scaled=np.zeros(size),
            missed=np.zeros(d),
            lift=np.zeros(d),
            centre=np.zeros((count, d)),
            half=np.zeros((count, d)),
            highest=np.zeros(count),
            log_value=np.zeros(count),
            log_error=np.zeros(count),
            log_bound=np.zeros(count),
            axis=np.zeros(count, dtype=np.int64),
            partial=np.zeros(count, dtype=np.int64),
            counts=np.array([grid, 0, 0], dtype=np.int64),
            units=np.zeros((count * size, d)),
            values=np.zeros((count * size, n_values)),
            log_likelihood=np.zeros(count * size),
            log_weight=np.zeros(count * size),
        )


_VECTOR, _MATRIX, _INTEGERS = "float64[::1]", "float64[:,::1]", "int64[::1]"
MEMORY_TYPES = (
    *[_VECTOR] * 2,
    _MATRIX,
    *[_VECTOR] * 4,
    *[_MATRIX] * 2,
    *[_VECTOR] * 4,
    *[_INTEGERS] * 3,
    *[_MATRIX] * 2,
    *[_VECTOR] * 2,
)
"""Types of the fields of `CubatureMemory`, for the record of a driver."""


# --- one cell ---------------------------------------------------------------------------


@compiled_apart
def _evaluate(target: Target, memory: CubatureMemory, cell: int) -> bool:
    """Write a cell's nodes, and ln L there; False if that is no log-likelihood."""
    d, n, size = len(memory.lift), len(memory.weights), len(memory.scaled)
    highest = -math.inf
    for node in range(size):
        row, rest = cell * size + node, node
        for back in range(d):
            axis = d - 1 - back
            mark = memory.marks[1 + rest % n]
            rest //= n
            memory.units[row, axis] = (
                memory.centre[cell, axis] + memory.half[cell, axis] * mark
            )
        value = log_likelihood(target, memory.units[row], memory.values[row])
        if not value < math.inf:
            return False
        memory.log_likelihood[row] = value
        highest = max(highest, value)
    memory.highest[cell] = highest
    memory.counts[CALLS] += size
    return True


@compiled
def _missed(memory: CubatureMemory, axis: int) -> float:
    """Return what the rule along an axis misses, relative to ``V L_max``."""
    n, size = len(memory.weights), len(memory.scaled)
    last, before = 0.0, 0.0
    along_first = axis == 0 and size > n
    stride, step = (n, 1) if along_first else (1, n)
    for line in range(size // n):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            value = memory.scaled[line * step + i * stride]
            a += memory.decay[0, i] * value
            b += memory.decay[1, i] * value
            c += memory.decay[2, i] * value
            d += memory.decay[3, i] * value
        weight = memory.weights[line] if size > n else 1.0
        last += weight * math.sqrt(a * a + b * b)
        before += weight * math.sqrt(c * c + d * d)
    ratio = FALL * last / before if before > 0.0 else 1.0
    return last * ratio * ratio * ratio if ratio < 1.0 else last


@compiled
def _bound(memory: CubatureMemory, start: int, stride: int, gap: int) -> float:
    """Return what ln L may reach between the nodes `gap` and `gap + 1` of a line.

    Before the first node and behind the last it is the end of the cell that bounds the
    gap.  Minus infinity where the chords tell nothing.
    """
    n, values = len(memory.weights), memory.log_likelihood
    width = memory.marks[gap + 2] - memory.marks[gap + 1]
    bound = math.inf
    if gap >= 0:
        here: float = values[start + gap * stride]
        if here == -math.inf:
            return here
        if gap > 0:
            slope = here - values[start + (gap - 1) * stride]
            bound = here + slope * width / (memory.marks[gap + 1] - memory.marks[gap])
    if gap < n - 1:
        there: float = values[start + (gap + 1) * stride]
        if there == -math.inf:
            return there
        if gap < n - 2:
            slope = values[start + (gap + 2) * stride] - there
            run = memory.marks[gap + 3] - memory.marks[gap + 2]
            bound = min(bound, there - slope * width / run)
    return bound if bound < math.inf else -math.inf


@compiled_apart
def _lift(memory: CubatureMemory, cell: int, axis: int) -> float:
    """Return how far above the highest node a concave ln L may rise, along an axis."""
    n, size = len(memory.weights), len(memory.scaled)
    along_first = axis == 0 and size > n
    stride, step = (n, 1) if along_first else (1, n)
    highest: float = memory.highest[cell]
    for line in range(size // n):
        start = cell * size + line * step
        for gap in range(-1, n):
            highest = max(highest, _bound(memory, start, stride, gap))
    return highest - float(memory.highest[cell])


@compiled
def _scale(memory: CubatureMemory, cell: int) -> tuple[float, bool]:
    """Write L relative to the highest node's; return its mean, and if it vanishes."""
    size, mean, vanishes = len(memory.scaled), 0.0, False
    for node in range(size):
        value = memory.log_likelihood[cell * size + node]
        memory.scaled[node] = math.exp(value - memory.highest[cell])
        mean += memory.node_weights[node] * memory.scaled[node]
        vanishes = vanishes or value == -math.inf
    return mean, vanishes


@compiled
def _log_volume(memory: CubatureMemory, cell: int) -> float:
    """Return ln V of a cell."""
    total = 0.0
    for j in range(len(memory.lift)):
        total += math.log(2.0 * memory.half[cell, j])
    return total


@compiled
def _longest(memory: CubatureMemory, cell: int, score: FloatArray) -> int:
    """Return the longest side among those with nearly the highest score."""
    best, longest, chosen = 0.0, -1.0, 0
    for j in range(len(score)):
        best = max(best, score[j])
    for j in range(len(score)):
        if SIMILAR * score[j] >= best and memory.half[cell, j] > longest:
            longest, chosen = memory.half[cell, j], j
    return chosen


@compiled_apart
def _measure(memory: CubatureMemory, cell: int) -> None:
    """Write a cell's integral, its error, and the axis along which to halve."""
    d = len(memory.lift)
    top, log_volume = memory.highest[cell], _log_volume(memory, cell)
    memory.partial[cell] = 0
    memory.log_value[cell] = memory.log_error[cell] = -math.inf
    memory.lift[:] = 0.0
    memory.axis[cell] = _longest(memory, cell, memory.lift)
    if top == -math.inf:
        return
    mean, vanishes = _scale(memory, cell)
    missed, lift = 0.0, 0.0
    for axis in range(d):
        memory.missed[axis] = _missed(memory, axis)
        memory.lift[axis] = _lift(memory, cell, axis)
        missed += memory.missed[axis]
        lift += memory.lift[axis]
    if vanishes:
        memory.partial[cell] = 1
        missed = max(missed, EDGE * mean)
    memory.log_value[cell] = math.log(mean) + top + log_volume
    log_error = math.log(missed) if missed > 0.0 else -math.inf
    if lift > ROUGH:
        log_error = max(log_error, lift)
        memory.axis[cell] = _longest(memory, cell, memory.lift)
    else:
        memory.axis[cell] = _longest(memory, cell, memory.missed)
    memory.log_error[cell] = log_error + top + log_volume


# --- all cells --------------------------------------------------------------------------


@compiled
def _start(target: Target, memory: CubatureMemory) -> bool:
    """Divide the cube into equal cells; False if ln L is broken."""
    d, grid = len(memory.lift), memory.counts[GRID]
    count = 1
    for _ in range(d):
        count *= grid
    memory.counts[CELLS], memory.counts[CALLS] = count, 0
    for cell in range(count):
        rest = cell
        for back in range(d):
            axis = d - 1 - back
            memory.centre[cell, axis] = (rest % grid + 0.5) / grid
            memory.half[cell, axis] = 0.5 / grid
            rest //= grid
        if not _evaluate(target, memory, cell):
            return False
        _measure(memory, cell)
    return True


@compiled
def _touch(memory: CubatureMemory, one: int, other: int) -> bool:
    """Whether two cells touch."""
    for j in range(len(memory.lift)):
        reach = (memory.half[one, j] + memory.half[other, j]) * TOUCH
        if abs(memory.centre[one, j] - memory.centre[other, j]) > reach:
            return False
    return True


@compiled_apart
def _bound_errors(memory: CubatureMemory) -> None:
    """Write ln of the cells' errors: those without likelihood may cut off an edge."""
    count, n_partial = memory.counts[CELLS], 0
    for cell in range(count):
        memory.log_bound[cell] = memory.log_error[cell]
        n_partial += memory.partial[cell]
    if n_partial == 0:
        return
    for cell in range(count):
        if memory.highest[cell] != -math.inf:
            continue
        highest = -math.inf
        for other in range(count):
            higher = memory.partial[other] and memory.highest[other] > highest
            if higher and _touch(memory, cell, other):
                highest = memory.highest[other]
        memory.log_bound[cell] = highest + _log_volume(memory, cell) + math.log(EDGE)


@compiled_apart
def _total(memory: CubatureMemory) -> tuple[float, float]:
    """Return ln Z and the relative error of Z."""
    count, highest = memory.counts[CELLS], -math.inf
    for cell in range(count):
        highest = max(highest, memory.log_value[cell])
    if highest == -math.inf:
        for cell in range(count):  # no likelihood anywhere: look more closely
            memory.log_bound[cell] = _log_volume(memory, cell)
        return highest, math.inf
    total, error = 0.0, 0.0
    for cell in range(count):
        total += math.exp(memory.log_value[cell] - highest)
        error += math.exp(min(memory.log_bound[cell] - highest, LARGEST_EXPONENT))
    return highest + math.log(total), error / total


@compiled
def _limit(memory: CubatureMemory, log_allowed: float) -> float:
    """Return above which error cells are halved; the sum may have `log_allowed`."""
    count, worst = memory.counts[CELLS], -math.inf
    for cell in range(count):
        if not memory.half[cell, memory.axis[cell]] > SMALLEST:
            memory.log_bound[cell] = -math.inf
        worst = max(worst, memory.log_bound[cell])
    return max(worst + math.log(BATCH), log_allowed - math.log(4.0 * count))


@compiled_apart
def _refine(
    target: Target, memory: CubatureMemory, log_allowed: float, max_calls: int
) -> int:
    """Halve the worst cells; return how many, -1 if ln L is broken."""
    count, size = memory.counts[CELLS], len(memory.scaled)
    limit, halved = _limit(memory, log_allowed), 0
    for cell in range(count):
        if not memory.log_bound[cell] > limit:
            continue
        new = memory.counts[CELLS]
        if new == len(memory.axis) or memory.counts[CALLS] + 2 * size > max_calls:
            break
        memory.counts[CELLS] += 1
        axis = memory.axis[cell]
        for j in range(len(memory.lift)):
            memory.centre[new, j] = memory.centre[cell, j]
            memory.half[new, j] = memory.half[cell, j]
        step = memory.half[cell, axis] / 2.0
        memory.half[cell, axis] = memory.half[new, axis] = step
        memory.centre[cell, axis] -= step
        memory.centre[new, axis] += step
        for part in (cell, new):
            if not _evaluate(target, memory, part):
                return -1
            _measure(memory, part)
        halved += 1
    return halved


@compiled
def _weigh(memory: CubatureMemory, log_evidence: float) -> None:
    """Write the logarithms of the nodes' posterior probabilities."""
    size = len(memory.scaled)
    for cell in range(memory.counts[CELLS]):
        constant = _log_volume(memory, cell) - log_evidence
        for node in range(size):
            row = cell * size + node
            value = memory.log_likelihood[row]
            if value > -math.inf:
                value += math.log(memory.node_weights[node]) + constant
            memory.log_weight[row] = value


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
    if not _start(target, memory):
        return math.nan, math.nan
    log_allowed = math.log(tolerance)
    while True:
        _bound_errors(memory)
        log_evidence, error = _total(memory)
        if error <= tolerance:
            break
        halved = _refine(target, memory, log_allowed + log_evidence, max_calls)
        if halved < 0:
            return math.nan, math.nan
        if halved == 0:
            break
    _weigh(memory, log_evidence)
    return log_evidence, error
