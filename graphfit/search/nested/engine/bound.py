"""A union of ellipsoids about the live points: a tree of 2-means, pruned by volume.

The points are split in two, and the parts again, as long as an ellipsoid is more than twice
as large as its share of the prior volume that is left; from the leaves upwards a split is
kept where the whole is larger than its parts together by a factor ``1 + 0.15 D``.  Smaller
gains are made by chance: parts of one lump, each enclosed by itself, leave out its corners,
and ln Z comes out too high.  (Feroz, Hobson & Bridges 2009, MNRAS 398, 1601, split likewise;
how much larger than its points each ellipsoid is made is
:mod:`graphfit.search.nested.engine.ellipsoid`'s.)

A part's points were chosen for lying close together, and say too little of how far it
reaches: what its ellipsoid is larger than they need, relatively, is 2.5 times that of points
that were not chosen.  Parts that are apart were not cut from one another: where there is a
gap at each split above a node, wider than chance leaves, its excess is the plain one.

A node is split across the direction in which its points are least like one lump: the one of
lowest kurtosis, among its own axes and those of the cube.
"""

import math

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.ellipsoid import enclose, total, total_product
from graphfit.search.nested.engine.random_numbers import RandomState, uniform
from graphfit.search.nested.engine.workspace import (
    MOST_NODES,
    Bound,
    Live,
)
from graphfit.typing import FloatArray

_FIRST, _COUNT, _LEFT = range(3)  # of a node's points; its parts are left and left + 1
_OWN, _BEST, _EXCESS = range(3)
_LARGER = math.log(2.0)  # than its share: worth a split
_ROUNDS = 12  # of 2-means
_GAIN_A_DIMENSION = 0.15  # by which parts have to be smaller than the whole
_PART = 2.5  # times the excess of an ellipsoid whose points were not chosen
_BY_CHANCE = 1e-4  # that points without a gap seem to have one


@compiled_apart
def gather(
    live: Live, first: int, n_live: int, bound: Bound, is_new: bool = True
) -> None:
    """Copy live points, with periodic coordinates cut at their largest gap.

    That of a bound that is not new is where it was.
    """
    d = live.units.shape[1]
    for i in range(n_live):
        slot = live.order[first + i]
        for j in range(d):
            bound.points[j, i] = live.units[slot, j]
    for j in range(d):
        if bound.periodic[j] == 0:
            bound.offsets[j] = 0.0
            continue
        column = bound.points[j, :n_live]
        cut = _largest_gap(column) if is_new else bound.offsets[j]
        bound.offsets[j] = cut
        for i in range(n_live):
            column[i] = wrapped(column[i] - cut)


@compiled
def wrapped(x: float) -> float:
    """Return x modulo 1, in [0, 1)."""
    inside = x - math.floor(x)
    return inside if inside < 1.0 else 0.0


@compiled
def _largest_gap(column: FloatArray) -> float:
    """Return the middle of the largest gap between numbers of a circle of length 1."""
    widest, middle = -1.0, 0.0
    for here in column:
        nearest = 1.0  # once around
        for other in column:
            ahead = wrapped(other - here)
            if 0.0 < ahead < nearest:
                nearest = ahead
        if nearest > widest:
            widest, middle = nearest, here + 0.5 * nearest
    return wrapped(middle)


@compiled_apart
def build(bound: Bound, n_live: int, log_x: float) -> tuple[int, float]:
    """Find the union of ellipsoids; return their number and ln of the sum of volumes.

    Parameters
    ----------
    bound : Bound
        With points from `gather`; overwritten.
    n_live : int
        Of them.
    log_x : float
        ln of the prior volume that they are expected to fill.
    """
    d = bound.points.shape[0]
    least = d + 2
    widths = bound.vectors[2]
    for j in range(d):
        widths[j] = 0.0
    bound.tree[0, _FIRST], bound.tree[0, _COUNT] = 0, n_live
    bound.nodes[0, _EXCESS] = 1.0
    n_nodes = 1
    node = 0
    while node < n_nodes:
        first, count = bound.tree[node, _FIRST], bound.tree[node, _COUNT]
        share = log_x + math.log(count / n_live)
        log_volume = enclose(
            bound.points,
            first,
            count,
            bound.node_centres[node],
            bound.node_axes[node],
            bound.node_inverses[node],
            bound.whitened,
            widths,
            share,
            bound.nodes[node, _EXCESS],
        )
        bound.nodes[node, _OWN] = log_volume
        bound.tree[node, _LEFT] = -1
        if node == 0:
            _widths(bound.node_axes[0], widths)
        if (
            log_volume > share + _LARGER
            and count >= 2 * least
            and n_nodes + 2 <= MOST_NODES
        ):
            left, apart = _split(bound, node, first, count)
            part = bound.nodes[node, _EXCESS] if apart else _PART
            if least <= left <= count - least:
                for child in range(2):
                    new = n_nodes + child
                    bound.nodes[new, _EXCESS] = part
                    bound.tree[new, _FIRST] = first if child == 0 else first + left
                    bound.tree[new, _COUNT] = left if child == 0 else count - left
                bound.tree[node, _LEFT] = n_nodes
                n_nodes += 2
        node += 1
    _prune(bound, n_nodes)
    return _leaves(bound, n_nodes)


@compiled
def about_all(bound: Bound, n_live: int) -> None:
    """Find one ellipsoid about all points from `gather`, whatever its volume.

    Its axes are ``1 / (1 - sqrt(D / n))`` times as long as those of [Eq. 1]: of n points in
    many dimensions the narrowest width that they seem to have is too small by that factor
    (Marchenko & Pastur 1967).  So it holds all of the region, which slices do not leave,
    but for some 1e-3 with the fewest points that are allowed, and 1e-5 with 10 D.
    """
    d = bound.points.shape[0]
    no_widths = bound.vectors[2]
    for j in range(len(no_widths)):
        no_widths[j] = 0.0
    enclose(
        bound.points,
        0,
        n_live,
        bound.centres[0],
        bound.axes[0],
        bound.inverses[0],
        bound.whitened,
        no_widths,
        -math.inf,
        1.0,
    )
    shrink = 1.0 - math.sqrt(d / max(n_live, 2 * (d + 1)))
    for j in range(d * d):
        bound.axes[0, j] /= shrink
        bound.inverses[0, j] *= shrink


@compiled
def _widths(axes: FloatArray, widths: FloatArray) -> None:
    """Write the half widths of an ellipsoid along the axes of the cube."""
    d = len(widths)
    for j in range(d):
        square = 0.0
        for k in range(j + 1):
            square += axes[j * d + k] * axes[j * d + k]
        widths[j] = math.sqrt(square)


@compiled
def _prune(bound: Bound, n_nodes: int) -> None:
    """From the last nodes up: keep a split where its parts are smaller together."""
    gain = math.log(1.0 + _GAIN_A_DIMENSION * bound.points.shape[0])
    for back in range(n_nodes):
        node = n_nodes - 1 - back
        own = bound.nodes[node, _OWN]
        bound.nodes[node, _BEST] = own
        left = bound.tree[node, _LEFT]
        if left < 0:
            continue
        a, b = bound.nodes[left, _BEST], bound.nodes[left + 1, _BEST]
        high = max(a, b)
        both = high + math.log(math.exp(a - high) + math.exp(b - high))
        if both < own - gain:
            bound.nodes[node, _BEST] = both
        else:
            bound.tree[node, _LEFT] = -1


@compiled
def _leaves(bound: Bound, n_nodes: int) -> tuple[int, float]:
    """Write the ellipsoids of the nodes that are left."""
    d = bound.points.shape[0]
    for node in range(n_nodes):  # a node is kept where all above it are split
        bound.tree[node, _COUNT] = 0 if node else 1
    found = 0
    height = 0.0
    reference = bound.nodes[0, _BEST]
    for node in range(n_nodes):
        if bound.tree[node, _COUNT] == 0:
            continue
        left = bound.tree[node, _LEFT]
        if left >= 0:
            bound.tree[left, _COUNT] = bound.tree[left + 1, _COUNT] = 1
            continue
        for j in range(d):
            bound.centres[found, j] = bound.node_centres[node, j]
        for j in range(d * d):
            bound.axes[found, j] = bound.node_axes[node, j]
            bound.inverses[found, j] = bound.node_inverses[node, j]
        height += math.exp(bound.nodes[node, _OWN] - reference)
        bound.heights[found] = height
        found += 1
    return found, reference + math.log(height)


@compiled
def _split(bound: Bound, node: int, first: int, count: int) -> tuple[int, bool]:
    """Sort a node's points into two parts; return the number of the first, and `_apart`."""
    d = bound.points.shape[0]
    last = first + count
    _standardise(bound, node, first, count)
    start = bound.whitened[_flattest(bound.whitened, first, count, d), first:last]
    side = bound.side[first:last]
    for i in range(count):
        side[i] = 1.0 if start[i] > 0.0 else 0.0
    margin = bound.margin[first:last]
    for _ in range(_ROUNDS):
        there = total(side)
        here = count - there
        if here == 0.0 or there == 0.0:
            return 0, False
        # |z - a|^2 - |z - b|^2 = 2 z (b - a) + a^2 - b^2
        constant = 0.0
        for j in range(d):
            column = bound.whitened[j, first:last]
            everything = total(column)
            b_sum = total_product(side, column)
            a, b = (everything - b_sum) / here, b_sum / there
            constant += a * a - b * b
            slope = 2.0 * (b - a)
            if j == 0:
                for i in range(count):
                    margin[i] = slope * column[i]
            else:
                for i in range(count):
                    margin[i] += slope * column[i]
        moved = 0.0
        for i in range(count):
            new = 1.0 if margin[i] + constant > 0.0 else 0.0
            moved += abs(new - side[i])
            side[i] = new
        if moved == 0.0:
            break
    apart = _apart(side, margin)  # of which partition sorts the sides alone
    return _partition(bound, first, count), apart


@compiled
def _apart(side: FloatArray, margin: FloatArray) -> bool:
    """Say whether there is a gap between two parts, in the direction of their means.

    Of n points that are even on a line the widest gap is more than x of it with a
    probability of at most ``(n - 1) (1 - x)^(n - 2)``.
    """
    n = len(side)
    low, high = math.inf, -math.inf
    here, there = -math.inf, math.inf
    for i in range(n):
        low, high = min(low, margin[i]), max(high, margin[i])
        if side[i] == 0.0:
            here = max(here, margin[i])
        else:
            there = min(there, margin[i])
    filled = 1.0 - (there - here) / max(high - low, 1e-300)
    return filled <= 0.0 or (n - 2) * math.log(filled) < math.log(_BY_CHANCE / (n - 1))


@compiled
def _standardise(bound: Bound, node: int, first: int, count: int) -> None:
    """Write the points over the width of their ellipsoid, below those it whitened."""
    d = bound.points.shape[0]
    widths = bound.vectors[3]
    _widths(bound.node_axes[node], widths)
    for j in range(d):
        width = 1.0 / widths[j]
        centre = bound.node_centres[node, j]
        column = bound.points[j, first : first + count]
        out = bound.whitened[d + j, first : first + count]
        for i in range(count):
            out[i] = (column[i] - centre) * width


@compiled
def _flattest(table: FloatArray, first: int, count: int, d: int) -> int:
    """Return the row of lowest kurtosis."""
    best, lowest = 0, math.inf
    for j in range(2 * d):
        row = table[j, first : first + count]
        second, fourth = 0.0, 0.0
        for i in range(count):
            square = row[i] * row[i]
            second += square
            fourth += square * square
        kurtosis = fourth / max(second * second, 1e-300)
        if kurtosis < lowest:
            best, lowest = j, kurtosis
    return best


@compiled
def _partition(bound: Bound, first: int, count: int) -> int:
    """Bring the points of side 0 before those of side 1; return their number."""
    d = bound.points.shape[0]
    low, high = first, first + count - 1
    while low <= high:
        if bound.side[low] == 0.0:
            low += 1
            continue
        for j in range(d):
            held = bound.points[j, low]
            bound.points[j, low] = bound.points[j, high]
            bound.points[j, high] = held
        bound.side[low] = bound.side[high]
        bound.side[high] = 1.0
        high -= 1
    return low - first


@compiled
def containing(bound: Bound, n_ellipsoids: int, point: FloatArray) -> int:
    """Return how many ellipsoids hold a point."""
    d = len(point)
    found = 0
    for e in range(n_ellipsoids):
        square = 0.0
        for j in range(d):
            total = 0.0
            for k in range(j + 1):
                total += bound.inverses[e, j * d + k] * (point[k] - bound.centres[e, k])
            square += total * total
            if square > 1.0:
                break
        if square <= 1.0:
            found += 1
    return found


@compiled
def pick(bound: Bound, n_ellipsoids: int, state: RandomState) -> int:
    """Return an ellipsoid, each as likely as it is large."""
    if n_ellipsoids == 1:
        return 0
    height = uniform(state) * bound.heights[n_ellipsoids - 1]
    for e in range(n_ellipsoids):
        if height < bound.heights[e]:
            return e
    return n_ellipsoids - 1
