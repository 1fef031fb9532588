"""Quantiles of weighted samples in compiled code, without sorting them all.

The definition is that of :func:`graphfit.samples.summary.weighted_quantiles`: the cumulative
weight at the middle of each sample's own weight, interpolated linearly.  A quantile needs
only the two samples on either side of it.  So samples are put into bins, and the bin that
holds the wanted probability into bins again, until few samples are left to sort.

The first bins are equal parts of mean +- 4 standard deviations, the outer two open.  They
say little where the tail is long, or an outlier makes the spread.  Later bins are equal
parts of a range of doubles as they follow each other in memory; a bin spans at most 1 / 256
of the doubles that the last one did, so there are eight levels at most, whatever the
samples.  Samples keep their order within a bin, hence equal ones too.
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

    Row 0 of `ends` and `masses` is of the first bins, row 1 of those within one of them.
    """

    x: FloatArray  # (C,) the samples
    order: Int64Array  # (C,) samples by bin, in a bin as they came
    spare: Int64Array  # (C,) samples before they are put into bins
    bins: Int64Array  # (C,) the bin of each
    ends: Int64Array  # (2, BINS) where a bin ends in `order`
    masses: FloatArray  # (2, BINS) weight in a bin

    @staticmethod
    def of(capacity: int) -> "Shelves":
        """Return the memory for C samples."""
        return Shelves(
            x=np.zeros(capacity),
            order=np.zeros(capacity, dtype=np.int64),
            spare=np.zeros(capacity, dtype=np.int64),
            bins=np.zeros(capacity, dtype=np.int64),
            ends=np.zeros((2, BINS), dtype=np.int64),
            masses=np.zeros((2, BINS)),
        )


# --- bins -----------------------------------------------------------------------------


@compiled_apart
def _fill(
    shelves: Shelves, weights: FloatArray, first: int, last: int, level: int
) -> None:
    """Put ``spare[first:last]`` into `order`, by the bins that have been written."""
    ends, masses = shelves.ends[level], shelves.masses[level]
    order, spare, bins = shelves.order, shelves.spare, shelves.bins
    for b in range(len(ends)):
        ends[b] = 0
    for b in range(len(masses)):
        masses[b] = 0.0
    # Unsigned, an index is not looked at for being counted from the end.
    for k in range(np.uint64(first), np.uint64(last)):
        own = np.uint64(bins[k])
        ends[own] += 1
        masses[own] += weights[np.uint64(spare[k])]
    place = first
    for b in range(len(ends)):
        size = ends[b]
        ends[b] = place
        place += size
    for k in range(np.uint64(first), np.uint64(last)):
        own = np.uint64(bins[k])
        place = ends[own]
        ends[own] = place + 1
        order[np.uint64(place)] = spare[k]


@compiled_apart
def _fill_by_value(
    shelves: Shelves,
    values: FloatArray,
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
    x, bins, spare = shelves.x, shelves.bins, shelves.spare
    for k in range(count):
        x[k] = values[k]
    for k in range(count):
        t = (x[k] - low) * scale
        t = (t if t > 0.0 else 0.0) if t < end else end
        bins[k] = int(t)
    for k in range(count):
        spare[k] = k
    first = int(np.int64(0))  # a literal would be compiled for itself
    _fill(shelves, weights, first, count, first)


@compiled
def _rank(value: float) -> np.uint64:
    """Return the place of a double among all doubles; what is not a number comes last."""
    if math.isnan(value):
        return _LARGEST
    bits = np.float64(value + 0.0).view(np.uint64)  # -0 is 0
    return ~bits if bits >= _SIGN else bits | _SIGN


@compiled_apart
def _fill_by_rank(
    shelves: Shelves,
    weights: FloatArray,
    first: int,
    last: int,
    level: int,
) -> bool:
    """Put ``order[first:last]`` into bins of its own; False if all samples are equal."""
    x, order = shelves.x, shelves.order
    spare, bins = shelves.spare, shelves.bins
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
    _fill(shelves, weights, first, last, level)
    return True


# --- samples --------------------------------------------------------------------------


@compiled
def _sort(x: FloatArray, order: Int64Array, first: int, last: int) -> None:
    """Sort ``order[first:last]`` by insertion; equal samples keep their order."""
    for k in range(first + 1, last):
        row = order[k]
        value = x[row]
        if not math.isnan(value):  # else it is last already
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
        if x[row] < x[best] or math.isnan(x[best]):
            best = row
    return int(best)


# --- quantiles ------------------------------------------------------------------------


@compiled
def _between(
    p: float, low: float, low_middle: float, high: float, high_middle: float
) -> float:
    """Interpolate; infinite samples as in ``np.interp``."""
    part = (p - low_middle) / (high_middle - low_middle)
    if part == 0.0 or low == high:
        return low
    value = low + part * (high - low)
    if math.isnan(value):
        value = high - (1.0 - part) * (high - low)
    return value


@compiled_apart
def _among(
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
    ends: Int64Array, masses: FloatArray, first: int, base: float, p: float
) -> tuple[int, int, int, int, float]:
    """Return where the bin that holds p begins and ends, and its neighbours; its base.

    It is the first bin up to which there is more weight than p, else the last that is not
    empty.  Empty neighbours are passed over; there is none where its place is empty.
    """
    previous, start, last, above = first, first, first, base
    b = 0
    while b < len(ends) and not above > p:
        if ends[b] > last:
            previous, start, last, base = start, last, ends[b], above
            above += masses[b]
        b += 1
    following = last
    while b < len(ends) and following == last:
        following = ends[b]
        b += 1
    return previous, start, last, following, base


@compiled_apart
def _quantile(shelves: Shelves, weights: FloatArray, p: float) -> float:
    """Return one quantile of samples that are in their first bins."""
    x, order = shelves.x, shelves.order
    first, base, before, after, level = 0, 0.0, -1, -1, 0
    while True:
        ends, masses = shelves.ends[level], shelves.masses[level]
        previous, start, last, following, base = _bin_of(ends, masses, first, base, p)
        first = start
        if previous < start:
            before = _highest(x, order[previous:start])
        if last < following:
            after = _lowest(x, order[last:following])
        level = min(level + 1, 1)  # a literal would be compiled for itself
        if last - first <= FEW:
            _sort(x, order, first, last)
            break
        if not _fill_by_rank(shelves, weights, first, last, level):
            break
    return _among(x, weights, order[first:last], before, after, base, p)


@compiled_apart
def quantiles(
    values: FloatArray,
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
    values, weights : ndarray, shape (>= S,)
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
    _fill_by_value(shelves, values, weights, count, mean, deviation)
    for q in range(len(probabilities)):
        out[q] = _quantile(shelves, weights, probabilities[q])
