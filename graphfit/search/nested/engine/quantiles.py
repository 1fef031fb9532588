"""Quantiles of weighted samples in compiled code, without sorting them all.

The definition is that of :func:`graphfit.samples.summary.weighted_quantiles`: the cumulative
weight at the middle of each sample's own weight, interpolated linearly.  A quantile needs
only the two samples on either side of it.  So samples are put into bins, and the bin that
holds the wanted probability into bins again, until few samples are left to sort.

First bins are equal parts of mean +- 4 standard deviations, the outer two open.  They fail
on a long tail, and where all the spread is an outlier's.  Later bins are equal parts of the
numbers' own order in memory (from double to double, not from value to value): each time a
bin holds at most 1 / 512 of the doubles that the last one held, so seven times is the most,
whatever the samples are.  Samples keep their order within a bin, hence equal ones too.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.typing import FloatArray

Int64Array = NDArray[np.int64]

BINS = 512
FEW = 64  # samples that are sorted by insertion
REACH = 4.0  # standard deviations
_SIGN = np.uint64(1 << 63)
_LARGEST = np.uint64((1 << 64) - 1)
_ONE = np.uint64(1)


class Shelves(NamedTuple):
    """Memory of one thread for the quantiles of up to C samples.

    Row 0 of `starts` and `masses` is of the first bins, row 1 of those within one of them.
    """

    order: Int64Array  # (C,) samples by bin, in a bin as they came
    spare: Int64Array  # (C,) samples before they are put into bins
    bins: Int64Array  # (C,) the bin of each
    starts: Int64Array  # (2, BINS + 1) where a bin begins in `order`
    masses: FloatArray  # (2, BINS) weight in a bin

    @staticmethod
    def of(capacity: int) -> "Shelves":
        """Return the memory for C samples."""
        return Shelves(
            order=np.zeros(capacity, dtype=np.int64),
            spare=np.zeros(capacity, dtype=np.int64),
            bins=np.zeros(capacity, dtype=np.int64),
            starts=np.zeros((2, BINS + 1), dtype=np.int64),
            masses=np.zeros((2, BINS)),
        )


# --- bins -----------------------------------------------------------------------------


@compiled_apart
def _fill(
    shelves: Shelves, weights: FloatArray, first: int, last: int, row: int
) -> None:
    """Put ``spare[first:last]`` into `order`, by the bins that have been written."""
    starts, masses = shelves.starts[row], shelves.masses[row]
    order, ends = shelves.order, starts[1:]
    bins, spare = shelves.bins[first:last], shelves.spare[first:last]
    for b in range(BINS):
        ends[b] = 0
        masses[b] = 0.0
    # Unsigned, an index is not looked at for being counted from the end.
    for k in range(len(bins)):
        own = np.uint64(bins[k])
        ends[own] += 1
        masses[own] += weights[np.uint64(spare[k])]
    place = first
    for b in range(BINS):
        size = ends[b]
        ends[b] = place
        place += size
    for k in range(len(bins)):
        own = np.uint64(bins[k])
        place = ends[own]
        ends[own] = place + 1
        order[np.uint64(place)] = spare[k]
    starts[0] = first


@compiled_apart
def _fill_by_value(
    shelves: Shelves,
    x: FloatArray,
    weights: FloatArray,
    count: int,
    mean: float,
    deviation: float,
) -> None:
    """Put all samples into bins of equal width."""
    low = mean - REACH * deviation
    scale = 0.5 * BINS / (REACH * deviation)
    if not 0.0 < scale < math.inf:
        scale = math.nan  # all in the last bin, as is what is not a number
    end = float(BINS - 1)
    bins, spare = shelves.bins, shelves.spare
    for k in range(count):
        t = (x[k] - low) * scale
        t = (t if t > 0.0 else 0.0) if t < end else end
        bins[k] = int(t)
    for k in range(count):
        spare[k] = k
    _fill(shelves, weights, 0, count, 0)


@compiled
def _rank(value: float) -> np.uint64:
    """Return the place of a double among all doubles; what is not a number comes last."""
    if value != value:  # noqa: PLR0124
        return _LARGEST
    bits = np.float64(value + 0.0).view(np.uint64)  # -0 is 0
    return ~bits if bits >= _SIGN else bits | _SIGN


@compiled_apart
def _fill_by_rank(
    shelves: Shelves, x: FloatArray, weights: FloatArray, first: int, last: int
) -> bool:
    """Put ``order[first:last]`` into bins of its own; False if all samples are equal."""
    order, spare, bins = shelves.order, shelves.spare, shelves.bins
    low, high = _LARGEST, np.uint64(0)
    for k in range(first, last):
        spare[k] = order[k]
        own = _rank(x[order[k]])
        low = min(low, own)
        high = max(high, own)
    if low == high:
        return False
    shift = np.uint64(0)
    while (high - low) >> shift >= np.uint64(BINS):
        shift += _ONE
    for k in range(first, last):
        bins[k] = np.int64((_rank(x[order[k]]) - low) >> shift)
    _fill(shelves, weights, first, last, 1)
    return True


# --- samples --------------------------------------------------------------------------


@compiled
def _sort(x: FloatArray, order: Int64Array, first: int, last: int) -> None:
    """Sort ``order[first:last]`` by insertion; equal samples keep their order."""
    for k in range(first + 1, last):
        row = order[k]
        value = x[row]
        if value == value:  # noqa: PLR0124  # else it is last already
            i = k
            while i > first and not x[order[i - 1]] <= value:
                order[i] = order[i - 1]
                i -= 1
            order[i] = row


@compiled
def _highest(x: FloatArray, rows: Int64Array) -> int:
    """Return the sample that would be last if these were sorted."""
    best = rows[0]
    for row in rows:
        if x[row] >= x[best]:
            best = row
    return int(best)


@compiled
def _lowest(x: FloatArray, rows: Int64Array) -> int:
    """Return the sample that would be first if these were sorted."""
    best = rows[0]
    for row in rows:
        if x[row] < x[best] or x[best] != x[best]:  # noqa: PLR0124
            best = row
    return int(best)


@compiled
def _is_sorted(
    shelves: Shelves, x: FloatArray, weights: FloatArray, first: int, last: int
) -> bool:
    """Sort a bin if it is small, else put it into bins; True if it is sorted."""
    if last - first > FEW:
        return not _fill_by_rank(shelves, x, weights, first, last)
    _sort(x, shelves.order, first, last)
    return True


# --- quantiles ------------------------------------------------------------------------


@compiled
def _between(  # noqa: PLR0913, PLR0917
    p: float, low: float, low_middle: float, high: float, high_middle: float
) -> float:
    """Interpolate; infinite samples as in ``np.interp``."""
    part = (p - low_middle) / (high_middle - low_middle)
    if part == 0.0 or low == high:
        return low
    value = low + part * (high - low)
    return value if value == value else high - (1.0 - part) * (high - low)  # noqa: PLR0124


@compiled_apart
def _among(  # noqa: PLR0913, PLR0917
    x: FloatArray,
    weights: FloatArray,
    rows: Int64Array,
    before: int,
    after: int,
    base: float,
    p: float,
) -> float:
    """Return the quantile among sorted samples.

    Parameters
    ----------
    x, weights : ndarray
    rows : ndarray of int64
        Samples, sorted.
    before, after : int
        Their neighbours on either side; -1: none.
    base : float
        Weight of all that comes before `rows`; at most p.
    p : float
    """
    last = math.nan
    last_middle = math.nan
    if before >= 0:
        last, last_middle = x[before], base - 0.5 * weights[before]
    for k in range(len(rows) + 1):
        if k == len(rows) and after < 0:
            break
        row = rows[k] if k < len(rows) else after
        middle = base + 0.5 * weights[row]
        if middle > p:
            if k == 0 and before < 0:
                return x[row]  # type: ignore[no-any-return]
            return _between(p, last, last_middle, x[row], middle)
        last, last_middle = x[row], middle
        base += weights[row]
    return last


@compiled
def _bin_of(
    starts: Int64Array, masses: FloatArray, base: float, p: float
) -> tuple[int, int, float]:
    """Return the bin that holds p, the one before it (-1: none), the weight before it."""
    chosen, previous, above = 0, -1, base
    for b in range(BINS):
        if starts[b + 1] > starts[b]:
            previous, chosen, base = chosen, b, above
            above += masses[b]
            if above > p:
                break
    return chosen, previous, base


@compiled_apart
def _quantile(shelves: Shelves, x: FloatArray, weights: FloatArray, p: float) -> float:
    """Return one quantile of samples that are in their first bins."""
    order = shelves.order
    base, before, after, row = 0.0, -1, -1, 0
    while True:
        starts = shelves.starts[row]
        chosen, previous, base = _bin_of(starts, shelves.masses[row], base, p)
        first, last = starts[chosen], starts[chosen + 1]
        if first > starts[0]:
            before = _highest(x, order[starts[previous] : first])
        if last < starts[BINS]:
            following = chosen + 1
            while starts[following + 1] == last:
                following += 1
            after = _lowest(x, order[last : starts[following + 1]])
        if _is_sorted(shelves, x, weights, first, last):
            return _among(x, weights, order[first:last], before, after, base, p)
        row = 1


@compiled_apart
def quantiles(  # noqa: PLR0913, PLR0917
    x: FloatArray,
    weights: FloatArray,
    count: int,
    mean: float,
    deviation: float,
    probabilities: FloatArray,
    shelves: Shelves,
    out: FloatArray,
) -> None:
    """Write quantiles of weighted samples of one value.

    Parameters
    ----------
    x, weights : ndarray, shape (>= S,)
        Samples, in any order, and their weights, which add up to one.
    count : int
        S.
    mean, deviation : float
        Where most of the weight is.  Only time depends on them.
    probabilities : ndarray, shape (Q,)
        In [0, 1].
    shelves : Shelves
        For S samples or more; overwritten.
    out : ndarray, shape (Q,)
        Output.

    Examples
    --------
    >>> x, w = np.array([3.0, 1.0, 2.0]), np.full(3, 1 / 3)
    >>> out = np.zeros(1)
    >>> quantiles(x, w, 3, 2.0, 0.8, np.array([0.5]), Shelves.of(3), out)
    >>> out
    array([2.])
    """
    _fill_by_value(shelves, x, weights, count, mean, deviation)
    for q in range(len(probabilities)):
        out[q] = _quantile(shelves, x, weights, probabilities[q])
