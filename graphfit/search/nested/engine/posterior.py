"""The summary of one run's weighted samples, in compiled code.

Twins in numpy are in :mod:`graphfit.samples.summary`.

Axes: ``S`` samples, room for ``C``; ``A`` values, of which the first ``D`` are parameters.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphfit.kernels.compiled import compiled, compiled_apart
from graphfit.search.nested.engine.quantiles import Shelves, quantiles
from graphfit.search.nested.engine.random_numbers import RandomState, below, uniform
from graphfit.typing import FloatArray

Int64Array = NDArray[np.int64]

LANES = 64
"""Samples that are added to as many sums at once."""

_TAIL = 0.5 * math.erfc(math.sqrt(0.5))
ONE_SIGMA = (0.5, _TAIL, 1.0 - _TAIL)
"""Probabilities of the median and the limits of the central 68.3 % interval."""


class SummaryMemory(NamedTuple):
    """Memory of one thread for the summary of up to C samples of A values."""

    columns: FloatArray  # (A, C) samples, one value after the other
    lanes: FloatArray  # (rows, LANES) a block of samples, and sums
    probabilities: FloatArray  # (Q,)
    found: FloatArray  # (Q,)

    @staticmethod
    def of(
        n_values: int, capacity: int, probabilities: tuple[float, ...] = ONE_SIGMA
    ) -> "SummaryMemory":
        """Return the memory for C samples of A values."""
        return SummaryMemory(
            columns=np.zeros((n_values, capacity)),
            lanes=new_lanes(n_values),
            probabilities=np.array(probabilities),
            found=np.zeros(len(probabilities)),
        )


def new_lanes(n_values: int) -> FloatArray:
    """Return the memory in which `moments` of A values adds up."""
    n_sums = max(n_values + 2, n_values * (n_values + 1) // 2)
    return np.zeros((2 * n_values + n_sums, LANES))


# --- moments --------------------------------------------------------------------------
# A sum is kept in LANES parts: one alone waits for each addition, and the compiler may not
# change the order of additions by itself.


@compiled
def _clear(lanes: FloatArray, first: int) -> None:
    for place in range(first, lanes.shape[0]):
        for i in range(LANES):
            lanes[place, i] = 0.0


@compiled
def _total(lane: FloatArray) -> float:
    total = 0.0
    for i in range(LANES):
        total += lane[i]
    return total


@compiled
def _add_products(sums: FloatArray, a: FloatArray, b: FloatArray, about: float) -> None:
    """Add ``a (b - about)`` to sums."""
    for i in range(len(a)):
        sums[i] += a[i] * (b[i] - about)


@compiled_apart
def _write_means(
    columns: FloatArray,
    weights: FloatArray,
    count: int,
    mean: FloatArray,
    lanes: FloatArray,
) -> tuple[float, float]:
    """Write the means; return the sums of weights and of their squares."""
    n = columns.shape[0]
    last = max(count - 1, 0)
    _clear(lanes, 0)
    for first in range(0, count, LANES):
        w = weights[first : min(first + LANES, count)]
        for i in range(len(w)):
            lanes[n, i] += w[i]
        _add_products(lanes[n + 1], w, w, 0.0)
        for j in range(n):
            # Some sample is nearer to the mean than zero may be.
            _add_products(lanes[j], w, columns[j, first:], columns[j, last])
    total = _total(lanes[n])
    for j in range(n):
        mean[j] = columns[j, last] + _total(lanes[j]) / total
    return total, _total(lanes[n + 1])


@compiled_apart
def _add_block(
    columns: FloatArray,
    weights: FloatArray,
    mean: FloatArray,
    dimension: int,
    lanes: FloatArray,
) -> None:
    """Add the products of a block of samples to their sums."""
    n, size = columns.shape[0], len(weights)
    place = 2 * n
    for j in range(n):
        x, centred, weighted = columns[j], lanes[j], lanes[n + j]
        for i in range(size):
            centred[i] = x[i] - mean[j]
        for i in range(size):
            weighted[i] = weights[i] * centred[i]
        for k in range(0 if j < dimension else j, j + 1):
            _add_products(lanes[place], weighted[:size], lanes[k], 0.0)
            place += 1


@compiled_apart
def moments(  # noqa: PLR0913, PLR0917
    columns: FloatArray,
    weights: FloatArray,
    count: int,
    mean: FloatArray,
    deviation: FloatArray,
    covariance: FloatArray,
    lanes: FloatArray,
) -> None:
    """Write mean, standard deviation and covariance of weighted samples.

    ``m = sum_i w_i x_i``, ``s^2 = sum_i w_i (x_i - m)^2``, and, as ``np.cov`` has it for
    such weights, ``C = sum_i w_i (x_i - m) (x_i - m)^T / (1 - sum_i w_i^2)``.  The samples
    are centred first: sums of squares lose all digits where m is much larger than s.

    Parameters
    ----------
    columns : ndarray, shape (A, >= S)
        Samples, one value after the other.
    weights : ndarray, shape (>= S,)
        Adding up to one.
    count : int
        S.
    mean, deviation : ndarray, shape (A,)
        Output.
    covariance : ndarray, shape (D, D)
        Output, of the first D values; not finite if one sample has all the weight.
    lanes : ndarray
        From `new_lanes`; overwritten.

    Examples
    --------
    >>> x, w = np.array([[1.0, 2.0, 4.0]]), np.array([0.25, 0.5, 0.25])
    >>> mean, deviation, covariance = np.zeros(1), np.zeros(1), np.zeros((1, 1))
    >>> moments(x, w, 3, mean, deviation, covariance, new_lanes(1))
    >>> float(mean[0]), float(covariance[0, 0] / deviation[0] ** 2)
    (2.25, 1.6)
    """
    n, dimension = columns.shape[0], covariance.shape[0]
    total, square = _write_means(columns, weights, count, mean, lanes)
    scale = 1.0 / (total - square / total)
    _clear(lanes, 2 * n)
    for first in range(0, count, LANES):
        last = min(first + LANES, count)
        _add_block(columns[:, first:last], weights[first:last], mean, dimension, lanes)
    place = 2 * n
    for j in range(n):
        for k in range(0 if j < dimension else j, j + 1):
            found = _total(lanes[place])
            place += 1
            if k == j:
                deviation[j] = math.sqrt(found / total)
            if j < dimension:
                covariance[j, k] = found * scale
                covariance[k, j] = found * scale


# --- the whole summary ----------------------------------------------------------------


@compiled_apart
def write_columns(values: FloatArray, count: int, columns: FloatArray) -> None:
    """Write the first S rows of ``values`` (>= S, A) as ``columns`` (A, >= S)."""
    for first in range(0, count, LANES):
        last = min(first + LANES, count)
        for j in range(columns.shape[0]):
            source, target = values[first:last, j], columns[j, first:last]
            for i in range(last - first):
                target[i] = source[i]


@compiled_apart
def summarize(  # noqa: PLR0913, PLR0917
    values: FloatArray,
    weights: FloatArray,
    count: int,
    memory: SummaryMemory,
    shelves: Shelves,
    vectors: FloatArray,
    covariance: FloatArray,
) -> None:
    """Write the summary of weighted samples.

    Parameters
    ----------
    values : ndarray, shape (>= S, A)
    weights : ndarray, shape (>= S,)
        Adding up to one.
    count : int
        S.
    memory, shelves : SummaryMemory, Shelves
        For S samples or more; overwritten.
    vectors : ndarray, shape (>= Q + 2, A)
        Output: a row for each of the probabilities of `memory` (median, lower and upper
        limit unless others were asked for), the mean, the standard deviation.
    covariance : ndarray, shape (D, D)
        Output, of the first D values.

    Examples
    --------
    >>> values, w = np.array([[1.0], [2.0], [4.0]]), np.array([0.25, 0.5, 0.25])
    >>> vectors, covariance = np.zeros((5, 1)), np.zeros((1, 1))
    >>> memory, shelves = SummaryMemory.of(1, 3), Shelves.of(3)
    >>> summarize(values, w, 3, memory, shelves, vectors, covariance)
    >>> vectors[:, 0].round(3).tolist()
    [2.0, 1.09, 3.821, 2.25, 1.09]
    """
    columns, found = memory.columns, memory.found
    n_quantiles = len(found)
    mean, deviation = vectors[n_quantiles], vectors[n_quantiles + 1]
    write_columns(values, count, columns)
    moments(columns, weights, count, mean, deviation, covariance, memory.lanes)
    for j in range(columns.shape[0]):
        quantiles(
            columns[j],
            weights,
            count,
            mean[j],
            deviation[j],
            memory.probabilities,
            shelves,
            found,
        )
        for q in range(n_quantiles):
            vectors[q, j] = found[q]


# --- draws ----------------------------------------------------------------------------


@compiled_apart
def draw_rows(
    weights: FloatArray, count: int, state: RandomState, rows: Int64Array
) -> None:
    """Write the numbers of equal-weight draws, by systematic resampling.

    Every sample is drawn N times its weight, up to rounding; the order is random.

    Parameters
    ----------
    weights : ndarray, shape (>= S,)
        Non-negative, with a positive sum.
    count : int
        S.
    state : ndarray of int64, shape (4,)
        Of :mod:`graphfit.search.nested.engine.random_numbers`.
    rows : ndarray of int64, shape (N,)
        Output; N at most some thousands.

    Examples
    --------
    >>> from graphfit.search.nested.engine.random_numbers import seed_state
    >>> state, rows = np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)
    >>> seed_state(state, 1)
    >>> draw_rows(np.array([0.25, 0.0, 0.75]), 3, state, rows)
    >>> np.bincount(rows)
    array([1, 0, 3])
    """
    n = len(rows)
    total = 0.0
    for row in range(count):
        total += weights[row]
    step = total / n
    offset = uniform(state)
    row, cumulative = 0, weights[0]
    for i in range(n):
        place = (i + offset) * step
        while cumulative < place and row < count - 1:
            row += 1
            cumulative += weights[row]
        rows[i] = row
    for i in range(n - 1, 0, -1):
        other = below(state, i + 1)
        kept = rows[i]
        rows[i] = rows[other]
        rows[other] = kept
