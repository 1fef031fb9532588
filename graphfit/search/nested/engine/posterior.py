"""The summary of one run's weighted samples, in compiled code.

Twins in numpy are in :mod:`graphfit.samples.summary`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graphfit.kernels.compiled import compiled_apart
from graphfit.search.nested.engine.moments import moments
from graphfit.search.nested.engine.quantiles import Shelves, quantiles
from graphfit.search.nested.engine.random_numbers import RandomState, below, uniform
from graphfit.typing import FloatArray

Int64Array = NDArray[np.int64]

_TAIL = 0.5 * math.erfc(math.sqrt(0.5))
ONE_SIGMA = (0.5, _TAIL, 1.0 - _TAIL)
"""Probabilities of the median and the limits of the central 68.3 % interval."""


@compiled_apart
def summarize(
    values: FloatArray,
    weights: FloatArray,
    count: int,
    probabilities: FloatArray,
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
    probabilities : ndarray, shape (Q,)
        `ONE_SIGMA`, for example.
    shelves : Shelves
        For S samples or more; overwritten.
    vectors : ndarray, shape (>= Q + 2, A)
        Output: a row for each of the probabilities, the mean, the standard deviation.
    covariance : ndarray, shape (D, D)
        Output, of the first D values.

    Examples
    --------
    >>> values, w = np.array([[1.0], [2.0], [4.0]]), np.array([0.25, 0.5, 0.25])
    >>> vectors, covariance = np.zeros((5, 1)), np.zeros((1, 1))
    >>> shelves = Shelves.of(3)
    >>> summarize(values, w, 3, np.array(ONE_SIGMA), shelves, vectors, covariance)
    >>> vectors[:, 0].round(3).tolist()
    [2.0, 1.09, 3.821, 2.25, 1.09]
    """
    q = len(probabilities)
    moments(values, weights, count, vectors[q], vectors[q + 1], covariance)
    for j in range(vectors.shape[1]):
        quantiles(
            values[:, j],
            weights,
            count,
            vectors[q, j],
            vectors[q + 1, j],
            probabilities,
            shelves,
            vectors[:q, j],
        )


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
