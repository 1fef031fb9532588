"""Weighted points, halved into groups that normal laws describe well.

Points are halved over and over; then halvings that do not shorten the points' description
are taken back, from below.  So one mode stays one group, two modes become two, and a ring
becomes several arcs, though its first halves describe it hardly better than the whole.
"""

import math

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.cholesky import log_determinant
from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.mixture import (
    EFFECTIVE,
    FEWEST,
    SHARE,
    PolishMemory,
    complete_component,
    factorize_law,
)
from graphfit.typing import FloatArray

_HALVINGS = 2
"""Steps of 2-means."""
_PROMISE = 0.13
"""Loss of a halving, nat a point, up to which its halves are halved: a normal law loses
0.19, a thin shell 0.10 in six dimensions, 0 in three, and gains in two."""

# Further numbers of a node of the tree, and its place among the points.
_OWN, _BEST = 2, 3
_FIRST, _SIZE, _LEAF = range(3)


@compiled_apart
def group(memory: PolishMemory, size: int) -> int:
    """Sort points into groups, and make each one a component of the mixture.

    Parameters
    ----------
    memory : PolishMemory
        With `size` points and their weights, whose order changes.
    size : int
        At least 1.

    Returns
    -------
    int
        How many components there are; their shares sum to the weights'.
    """
    memory.place[:, _SIZE] = 0
    memory.place[0, _FIRST], memory.place[0, _SIZE] = 0, size
    _describe(memory, 0)
    for node in range(len(memory.place) // 2):
        if memory.place[node, _SIZE] > 0:
            _branch(memory, node)
    d = memory.points.shape[1]
    _prune(memory.place, memory.node, 1.0 + 0.5 * d * (d + 3))
    return _collect(memory)


# --- the tree: the children of node i are 2i + 1 and 2i + 2 ---------------------------


@compiled_apart
def _describe(memory: PolishMemory, node: int) -> None:
    """Find the moments of a node's points, and the length of their description.

    A point is described by its node and its place there as of a normal law, so a node of
    share p costs ``p (ln |Sigma| / 2 - ln p)`` nat for each of all points.
    """
    first = int(memory.place[node, _FIRST])
    last = first + int(memory.place[node, _SIZE])
    law, number, d = memory.node_law[node], memory.node[node], memory.points.shape[1]
    share, square = _moments(memory.points[first:last], memory.weights[first:last], law)
    number[SHARE], number[EFFECTIVE] = share, share * share / square
    factorize_law(law, memory.vectors[0], number[EFFECTIVE])
    number[_OWN] = share * (0.5 * log_determinant(law, d) - math.log(share))


@compiled_apart
def _branch(memory: PolishMemory, node: int) -> None:
    """Halve a node's points; make nodes of the halves unless they are poor or hopeless."""
    place, number = memory.place, memory.node
    if number[node, EFFECTIVE] < 2.0 * FEWEST * memory.points.shape[1]:
        return
    first = int(place[node, _FIRST])
    last = first + int(place[node, _SIZE])
    points, weights = memory.points[first:last], memory.weights[first:last]
    whitened, vectors = memory.whitened[first:last], memory.vectors
    _whiten(points, memory.node_law[node], whitened, vectors[0])
    border = _border(whitened, weights, vectors, number[node, SHARE])
    middle = first + _part(points, weights, whitened, vectors[0], border)
    if not first < middle < last:
        return
    left, right = 2 * node + 1, 2 * node + 2
    place[left, _FIRST], place[left, _SIZE] = first, middle - first
    place[right, _FIRST], place[right, _SIZE] = middle, last - middle
    for child in range(left, right + 1):
        _describe(memory, child)
    fewest = min(number[left, EFFECTIVE], number[right, EFFECTIVE])
    loss = number[left, _OWN] + number[right, _OWN] - number[node, _OWN]
    if fewest < FEWEST * points.shape[1] or not loss <= _PROMISE * number[node, SHARE]:
        place[left, _SIZE], place[right, _SIZE] = 0, 0


@compiled_apart
def _prune(place: Int64Array, number: FloatArray, price: float) -> None:
    """Take back halvings that do not pay.

    Each component costs a nat for each of its numbers (Akaike 1974): half for what it
    gained by fitting these points, half for what it loses on others.
    """
    nodes = len(place)
    for node in range(nodes - 1, -1, -1):
        if place[node, _SIZE] == 0:
            continue
        best = number[0, EFFECTIVE] * number[node, _OWN] + price
        place[node, _LEAF] = 1
        left, right = 2 * node + 1, 2 * node + 2
        if right < nodes and place[left, _SIZE] > 0:
            halves = number[left, _BEST] + number[right, _BEST]
            if halves < best:
                best = halves
                place[node, _LEAF] = 0
        number[node, _BEST] = best


@compiled_apart
def _collect(memory: PolishMemory) -> int:
    """Make components of the highest leaves; return how many."""
    nodes, count = len(memory.place), 0
    for node in range(nodes):
        alive = memory.place[node, _SIZE] > 0
        if alive and memory.place[node, _LEAF] == 0:
            continue
        if 2 * node + 2 < nodes:  # what is below a leaf, or below nothing
            memory.place[2 * node + 1, _SIZE] = 0
            memory.place[2 * node + 2, _SIZE] = 0
        if alive:
            source, law = memory.node_law[node], memory.law[count]
            for i in range(source.shape[0]):
                for j in range(source.shape[1]):
                    law[i, j] = source[i, j]
            count += 1
            memory.number[count, SHARE] = memory.node[node, SHARE]
            memory.number[count, EFFECTIVE] = memory.node[node, EFFECTIVE]
            complete_component(law, memory.number[count], 1.0)
    return count


# --- the points of a node -------------------------------------------------------------


@compiled
def _moments(
    points: FloatArray, weights: FloatArray, law: FloatArray
) -> tuple[float, float]:
    """Write mean and covariance; return the sums of weights and of their squares."""
    d = points.shape[1]
    law[:, :] = 0.0
    total, square = 0.0, 0.0
    for i in range(len(points)):
        total += weights[i]
        square += weights[i] * weights[i]
        for j in range(d):
            law[d, j] += weights[i] * points[i, j]
    for j in range(d):
        law[d, j] /= total
    for i in range(len(points)):
        weight = weights[i] / total
        for j in range(d):
            scaled = weight * (points[i, j] - law[d, j])
            for k in range(j + 1):
                law[j, k] += scaled * (points[i, k] - law[d, k])
    return total, square


@compiled
def _whiten(
    points: FloatArray, law: FloatArray, whitened: FloatArray, roots: FloatArray
) -> None:
    """Write points in coordinates in which their covariance is one."""
    d = points.shape[1]
    for j in range(d):
        roots[j] = math.sqrt(law[j, j])
    for i in range(len(points)):
        own = whitened[i]
        for j in range(d):
            rest = points[i, j] - law[d, j]
            for k in range(j):
                rest -= law[j, k] * own[k]
            own[j] = rest
        for j in range(d):
            own[j] *= roots[j]


@compiled
def _best_axis(whitened: FloatArray, weights: FloatArray) -> int:
    """Return the axis on which halving at zero shortens the description most."""
    best, shortest = 0, math.inf
    for j in range(whitened.shape[1]):
        n0, s0, q0, n1, s1, q1 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(len(whitened)):
            y, weight = whitened[i, j], weights[i]
            upper = weight if y > 0.0 else 0.0
            n0 += weight
            s0 += weight * y
            q0 += weight * y * y
            n1 += upper
            s1 += upper * y
            q1 += upper * y * y
        n0, s0, q0 = n0 - n1, s0 - s1, q0 - q1
        v0, v1 = (q0 - s0 * s0 / n0) / n0, (q1 - s1 * s1 / n1) / n1
        length = n0 * math.log(v0 / (n0 * n0)) + n1 * math.log(v1 / (n1 * n1))
        if length < shortest:
            best, shortest = j, length
    return best


@compiled_apart
def _border(
    whitened: FloatArray, weights: FloatArray, vectors: FloatArray, total: float
) -> float:
    """Write the direction from one of two means to the other; return the border on it.

    The mean of all points is zero, so the sum s of those of one side, of weight p, says
    where both means are: ``s / p`` and ``-s / (P - p)``.
    """
    d, border = whitened.shape[1], 0.0
    normal, side = vectors[0], vectors[1]
    normal[:] = 0.0
    normal[_best_axis(whitened, weights)] = 1.0
    for _ in range(_HALVINGS):
        share = 0.0
        side[:] = 0.0
        for i in range(len(whitened)):
            if _along(whitened[i], normal) > border:
                share += weights[i]
                for j in range(d):
                    side[j] += weights[i] * whitened[i, j]
        square = 0.0
        for j in range(d):
            normal[j] = side[j]
            square += side[j] * side[j]
        border = 0.5 * square * (1.0 / share - 1.0 / (total - share))
    return border


@compiled
def _along(point: FloatArray, normal: FloatArray) -> float:
    """Return how far a point lies along a vector."""
    distance = 0.0
    for j in range(len(point)):
        distance += point[j] * normal[j]
    return distance


@compiled_apart
def _part(
    points: FloatArray,
    weights: FloatArray,
    whitened: FloatArray,
    normal: FloatArray,
    border: float,
) -> int:
    """Move the points beyond a border to the end; return how many are not."""
    low, high = 0, len(points) - 1
    while low <= high:
        if not _along(whitened[low], normal) > border:
            low += 1
            continue
        for j in range(points.shape[1]):
            points[low, j], points[high, j] = points[high, j], points[low, j]
            # Of the other one nobody asks again.
            whitened[low, j] = whitened[high, j]
        weights[low], weights[high] = weights[high], weights[low]
        high -= 1
    return low
