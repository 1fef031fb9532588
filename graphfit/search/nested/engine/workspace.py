"""What one thread works in, and what all threads read and fill.

Axes: ``d`` sampled dimensions, ``A`` values, ``B`` numbers kept of a point, its values and
what its linear amplitudes are drawn from, ``L`` live points, ``C`` dead points that there is
room for, ``E`` ellipsoids, ``P`` pixels.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphfit.search.nested.nested_fits import RANK_BINS
from graphfit.typing import AnyArray, FloatArray

Int64Array = NDArray[np.int64]

MOST_ELLIPSOIDS = 64
MOST_NODES = 2 * MOST_ELLIPSOIDS - 1


class Settings(NamedTuple):
    """How problems are explored.

    Attributes
    ----------
    dlogz : float
        Stop when the live points can add less than this to ln Z.
    max_calls : int
        Of one problem.
    max_tries : int
        Draws from the prior for the first live points, of one problem.
    rejection, slices : bool
        Ways that are allowed.
    slice_steps : int
        Slices for one new point.
    draws : int
        Equal-weight draws that are kept.
    """

    dlogz: float
    max_calls: int
    max_tries: int
    rejection: bool
    slices: bool
    slice_steps: int
    polish: int
    quadrature: bool


class Live(NamedTuple):
    """The live points; a slot keeps its place in memory, `order` sorts the slots."""

    units: FloatArray  # (L, d)
    values: FloatArray  # (L, B)
    births: FloatArray  # (L,) the contour that a point was drawn within
    log_l: FloatArray  # (L,) rising
    order: Int64Array  # (L,) the slot of each


class Dead(NamedTuple):
    """The points that have been replaced, and at the end the last live ones."""

    units: FloatArray  # (C, d)
    values: FloatArray  # (C, B)
    log_l: FloatArray  # (C,) the contour, amplitudes being integrated out
    log_likelihood: FloatArray  # (C,) with the amplitudes that were drawn
    births: FloatArray  # (C,)
    log_volume: FloatArray  # (C,) ln X at the point
    mass: FloatArray  # (C,) L X over a common factor, then the posterior weight
    counts: Int64Array  # (C,) live points that there were
    ranks: Int64Array  # (C,) of the point that came in its place; -1: none


class Bound(NamedTuple):
    """A union of ellipsoids about the live points, and the memory to find it."""

    centres: FloatArray  # (E, d)
    axes: FloatArray  # (E, d * d) lower triangular: u = centre + axes z, |z| <= 1
    inverses: FloatArray  # (E, d * d)
    heights: FloatArray  # (E,) volumes added up
    nodes: FloatArray  # (N, 3) ln of volume of a node, of its best parts; its excess
    tree: Int64Array  # (N, 3) first point, number of points, left child
    node_centres: FloatArray  # (N, d)
    node_axes: FloatArray  # (N, d * d)
    node_inverses: FloatArray  # (N, d * d)
    points: FloatArray  # (d, L) coordinates, sorted into nodes
    whitened: FloatArray  # (2 d + 1, L) as the node that is being split sees them
    side: FloatArray  # (L,) 0 or 1
    margin: FloatArray  # (L,)
    offsets: FloatArray  # (d,) where periodic coordinates are cut
    periodic: Int64Array  # (d,) whether a coordinate is
    vectors: FloatArray  # (4, d)


class State(NamedTuple):
    """What changes from step to step."""

    random: Int64Array  # (4,)
    whole: Int64Array  # see the names below
    real: FloatArray
    trial: FloatArray  # (d,) the point under trial
    trial_values: FloatArray  # (B,)
    line: FloatArray  # (3, d): of slice sampling
    best_values: FloatArray  # (B,)


class Output(NamedTuple):
    """The summaries of P pixels: columns of NestedFits, packed."""

    vectors: FloatArray  # (P, 6, A): as VECTOR_OUTPUTS
    covariance: FloatArray  # (P, D, D)
    numbers: FloatArray  # (P, 6): as REAL_OUTPUTS
    whole: Int64Array  # (P, 6): as WHOLE_OUTPUTS
    insertion_counts: NDArray[np.int32]  # (P, bins)
    draws: FloatArray  # (P, N, A)
    draw_log_l: FloatArray  # (P, N)
    rows: Int64Array  # (N,) scratch


VECTOR_OUTPUTS = ("median", "lower", "upper", "mean", "deviation", "best")
REAL_OUTPUTS = (
    "log_evidence",
    "log_evidence_error",
    "information",
    "log_likelihood",
    "insertion",
    "pareto_k",
)
WHOLE_OUTPUTS = ("evaluations", "iterations", "switched", "status", "first", "count")

# Output.numbers
LOG_EVIDENCE, ERROR, INFORMATION, LOG_LIKELIHOOD_OUT, INSERTION, PARETO_K = range(6)
# Output.whole
EVALUATIONS, ITERATIONS, SWITCHED_OUT, STATUS_OUT, FIRST_ROW, COUNT = range(6)

# State.whole
(
    PHASE,
    CALLS,
    DEAD,
    N_LIVE,
    FIRST,  # of the live points that are still there
    WAY,
    N_ELLIPSOIDS,
    STATUS,
    SWITCHED,
    SINCE_BOUND,  # points, since the bound was made; below: what they cost
    ACCEPTED,
    COST,
    CONTOURS,
    SINCE_SCALE,  # points, since the bound was scaled or made
) = range(14)
# State.real
LOG_X, LOG_X_START, BASE, SUM, RANK_SUM, RANK_VARIANCE, OUTWARDS, INWARDS = range(8)
# The last two: expm1(1 / n) and -expm1(-1 / n) of all live points

FRESH, RUNNING, FINISHED = range(3)  # FINISHED: but for polish and summary
IN_CUBE, IN_ELLIPSOIDS, BY_SLICES = range(3)
DONE, PAUSED, FULL = range(3)


class Memory(NamedTuple):
    """What one thread explores in."""

    live: Live
    dead: Dead
    bound: Bound
    state: State


def new_memory(
    d: int, n_kept: int, n_live: int, capacity: int, periodic: AnyArray
) -> Memory:
    """Return memory for problems of d dimensions and B numbers kept of a point.

    Parameters
    ----------
    d, n_kept : int
    n_live : int
        L, the largest number of live points.
    capacity : int
        C.
    periodic : array of bool, shape (d,)
    """

    def whole(*shape: int) -> Int64Array:
        return np.zeros(shape, dtype=np.int64)

    live = Live(
        np.zeros((n_live, d)),
        np.zeros((n_live, n_kept)),
        np.zeros(n_live),
        np.zeros(n_live),
        whole(n_live),
    )
    bound = Bound(
        np.zeros((MOST_ELLIPSOIDS, d)),
        np.zeros((MOST_ELLIPSOIDS, d * d)),
        np.zeros((MOST_ELLIPSOIDS, d * d)),
        np.zeros(MOST_ELLIPSOIDS),
        np.zeros((MOST_NODES, 3)),
        whole(MOST_NODES, 3),
        np.zeros((MOST_NODES, d)),
        np.zeros((MOST_NODES, d * d)),
        np.zeros((MOST_NODES, d * d)),
        np.zeros((d, n_live)),
        np.zeros((2 * d + 1, n_live)),
        np.zeros(n_live),
        np.zeros(n_live),
        np.zeros(d),
        np.asarray(periodic, dtype=np.int64),
        np.zeros((4, d)),
    )
    state = State(
        whole(4),
        whole(16),
        np.zeros(8),
        np.zeros(d),
        np.zeros(n_kept),
        np.zeros((3, d)),
        np.zeros(n_kept),
    )
    return Memory(live, new_dead(d, n_kept, capacity), bound, state)


def new_dead(d: int, n_kept: int, capacity: int, old: Dead | None = None) -> Dead:
    """Return room for C dead points, with those of `old` in it."""
    made = Dead(
        np.zeros((capacity, d)),
        np.zeros((capacity, n_kept)),
        np.zeros(capacity),
        np.zeros(capacity),
        np.zeros(capacity),
        np.zeros(capacity),
        np.zeros(capacity),
        np.zeros(capacity, dtype=np.int64),
        np.zeros(capacity, dtype=np.int64),
    )
    if old is not None:
        for new, held in zip(made, old, strict=True):
            new[: len(held)] = held
    return made


def new_output(count: int, n_values: int, dimension: int, n_draws: int) -> Output:
    """Return the arrays that the summaries of P pixels are written to."""
    p = count
    return Output(
        np.full((p, len(VECTOR_OUTPUTS), n_values), np.nan),
        np.full((p, dimension, dimension), np.nan),
        np.full((p, len(REAL_OUTPUTS)), np.nan),
        np.zeros((p, len(WHOLE_OUTPUTS)), dtype=np.int64),
        np.zeros((p, RANK_BINS), dtype=np.int32),
        np.full((p, n_draws, n_values), np.nan),
        np.full((p, n_draws), np.nan),
        np.zeros(n_draws, dtype=np.int64),
    )
