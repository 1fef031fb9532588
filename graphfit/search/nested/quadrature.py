r"""Evidence and posterior of at most two parameters, by cells that are halved where needed.

Z is the integral of L over the unit cube, a sum over rectangular *cells*, each with the
product rule of :mod:`graphfit.search.nested.node_rule`.  The cells of the largest estimated
errors are halved until the estimates sum to less than the tolerance.  A cell's error is the
largest of

* what the rule misses of a smooth function [Eq. 1 there], summed over the axes;
* what a peak between the nodes may hold.  The chords on both sides of two neighbouring
  nodes, drawn on, meet above whatever lies between them where ln L is concave; so with
  ``lift_j`` how far that is above the highest node, on lines along axis j,

      V exp(max ln L + sum_j lift_j)   if  sum_j lift_j > 2.                     [Eq. 1]

  Far from a narrow peak L is zero in double precision, but ln L still points at it;
* a twentieth of the cell's integral, where L vanishes at some of its nodes; of
  ``V max L`` of such a cell for those beside it in which it vanishes at all nodes;
* V L(seed), while a known point of the cell is higher than all nodes by more than 2.

The nodes, with weights ``V w_i L_i / Z``, are a weighted sample of the posterior: moments
are as exact as Z.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.errors import LikelihoodError, SettingError
from graphfit.search.nested.node_rule import FALL, NodeRule, node_rule
from graphfit.typing import ArrayLike, BoolArray, FloatArray, IntArray

ROUGH = 2.0
"""Steps of ln L that leave a peak unresolved: L varies by e^2."""
EDGE = 0.05
"""Relative error of a cell in which L vanishes at some nodes."""
SIMILAR = 1.5
"""Axes whose errors differ by less are alike: the longer side of a cell is halved."""
BATCH = 0.25
"""Cells whose errors are this part of the largest are halved with it."""
SMALLEST = 2.0**-40
"""Half widths below are not halved."""
_MARGIN = 2.0  # a seed beside a cell may be of a peak that reaches into it
_GRID = (1, 16, 8)  # cells along each axis at the start, by dimension
LARGEST_EXPONENT = 700.0
TOUCH = 1.0 + 1e-9
_FEW = 256  # cells that are compared with all others at once


@final
@dataclass(frozen=True, eq=False)
class Quadrature:
    """What :func:`quadrature` found.

    Attributes
    ----------
    log_evidence : float
        ln Z; minus infinity where no point of positive likelihood was found.
    error : float
        Bound on the relative error of Z, an estimate; infinite with no such point.
    units : ndarray, shape (S, d)
        Nodes in the unit cube, of positive likelihood.
    log_likelihood : ndarray, shape (S,)
        There.
    weights : ndarray, shape (S,)
        Posterior probabilities, of sum one.
    calls : int
        Evaluations of the likelihood.
    converged : bool
        Whether `error` is within the tolerance.
    """

    log_evidence: float
    error: float
    units: FloatArray
    log_likelihood: FloatArray
    weights: FloatArray
    calls: int
    converged: bool


class _Cells(NamedTuple):
    """M cells."""

    centre: FloatArray  # (M, d)
    half: FloatArray  # (M, d)
    values: FloatArray  # (M, n^d) ln L at the nodes
    highest: FloatArray  # (M,) of these
    partial: BoolArray  # (M,) whether L vanishes at some nodes, not all
    log_value: FloatArray  # (M,) ln of the integral
    log_error: FloatArray  # (M,)
    axis: IntArray  # (M,) along which to halve


class _Seeds(NamedTuple):
    """Known points, and ln L there."""

    units: FloatArray  # (K, d)
    values: FloatArray  # (K,)


def quadrature(
    log_likelihood: Callable[[Any], Any],
    dimension: int,
    *,
    tolerance: float = 1e-6,
    max_calls: int = 1_000_000,
    grid: int | None = None,
    seeds: ArrayLike | None = None,
    vectorised: bool = True,
) -> Quadrature:
    """Integrate a likelihood over the unit cube of at most two dimensions.

    Parameters
    ----------
    log_likelihood : callable
        ln L at points `(S, d)`, returns `(S,)`; minus infinity is allowed.
    dimension : int
        d: 0, 1 or 2.
    tolerance : float
        Relative error of Z to be reached.
    max_calls : int
        Evaluations at most, apart from those of the first grid.
    grid : int, optional
        Cells along each axis at the start (default 16 for one dimension, 8 for two): what
        has no slope that the nodes of these cells see can be missed.
    seeds : array-like, shape (K, d), optional
        Points of known high likelihood, e.g. of a nested run: no peak there is missed.
    vectorised : bool
        Whether `log_likelihood` takes many points; if not, it takes one `(d,)`.

    Returns
    -------
    Quadrature
        ln Z, its error, weighted nodes.

    Raises
    ------
    SettingError
        For another dimension.
    LikelihoodError
        If the likelihood returns NaN or plus infinity.

    Examples
    --------
    >>> found = quadrature(lambda u: -0.5 * ((u[:, 0] - 0.5) / 1e-3) ** 2, 1)
    >>> abs(found.log_evidence - np.log(1e-3 * np.sqrt(2.0 * np.pi))) < 1e-6
    True
    """
    if dimension not in {0, 1, 2}:
        msg = f"quadrature: dimension must be 0, 1 or 2, got {dimension!r}."
        raise SettingError(msg)
    ask = _Likelihood(log_likelihood, vectorised)
    rule = node_rule(dimension)
    known = _seeds(ask, seeds, dimension)
    cells = _measured(ask, rule, known, *_start(dimension, grid or _GRID[dimension]))
    while True:
        errors = _log_errors(cells)
        log_evidence, error = _total(cells, errors)
        room = (max_calls - ask.calls) // (2 * cells.values.shape[1])
        if error <= tolerance or room < 1:
            break
        split = _worst(cells, errors, math.log(tolerance) + log_evidence, room)
        if not split.any():
            break
        halves = _measured(ask, rule, known, *_halves(cells, split))
        cells = _Cells(
            *[
                np.concatenate([old[~split], new])
                for old, new in zip(cells, halves, strict=True)
            ]
        )
    return Quadrature(
        log_evidence,
        error,
        *_sample(cells, rule, log_evidence),
        ask.calls,
        error <= tolerance,
    )


@final
class _Likelihood:
    """Counts the calls, and refuses what is no log-likelihood."""

    def __init__(self, function: Callable[[Any], Any], vectorised: bool) -> None:
        self._function = function
        self._vectorised = vectorised
        self.calls = 0

    def __call__(self, units: FloatArray) -> FloatArray:
        self.calls += len(units)
        if self._vectorised:
            values = np.asarray(self._function(units), dtype=np.float64)
        else:
            values = np.array([float(self._function(unit)) for unit in units])
        bad = ~(values < math.inf)
        if bad.any():
            where = int(bad.argmax())
            msg = (
                f"The log-likelihood is {values[where]} at {units[where].tolist()} of the "
                "unit cube; return a finite number, or minus infinity."
            )
            raise LikelihoodError(msg)
        return values


def _seeds(ask: _Likelihood, seeds: ArrayLike | None, dimension: int) -> _Seeds:
    units = np.zeros((0, dimension)) if seeds is None else np.asarray(seeds, np.float64)
    units = units.reshape(-1, dimension)
    return _Seeds(units, ask(units) if len(units) else np.zeros(0))


def _start(dimension: int, grid: int) -> tuple[FloatArray, FloatArray]:
    """Return centres and half widths of equal cells, `grid` along each axis."""
    numbers = np.indices((grid,) * dimension).reshape(dimension, -1).T
    half = np.full(numbers.shape, 0.5 / grid)
    return (numbers + 0.5) / grid, half


def _halves(cells: _Cells, split: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return centres and half widths of the two halves of each cell to be split."""
    centre, half = cells.centre[split], cells.half[split]
    along = np.arange(half.shape[1]) == cells.axis[split, None]
    half = np.where(along, half / 2.0, half)
    step = np.where(along, half, 0.0)
    return np.concatenate([centre - step, centre + step]), np.concatenate([half, half])


def _nodes(centre: FloatArray, half: FloatArray, rule: NodeRule) -> FloatArray:
    """Return the nodes `(M, n^d, d)`, the last axis of the cube running fastest."""
    dimension = centre.shape[1]
    n = len(rule.positions)
    index = np.indices((n,) * dimension).reshape(dimension, -1).T
    nodes: FloatArray = (
        centre[:, None, :] + half[:, None, :] * rule.positions[index][None]
    )
    return nodes


def node_weights(rule: NodeRule, dimension: int) -> FloatArray:
    """Return the weights `(n^d,)` of a cell's nodes."""
    weights = np.ones(1)
    for _ in range(dimension):
        weights = np.outer(weights, rule.weights).ravel()
    return weights


# --- what is known of a cell ------------------------------------------------------------


def _measured(
    ask: _Likelihood,
    rule: NodeRule,
    seeds: _Seeds,
    centre: FloatArray,
    half: FloatArray,
) -> _Cells:
    """Return cells with their integrals, errors, and the axis along which to halve."""
    count, dimension = centre.shape
    nodes = _nodes(centre, half, rule)
    values = ask(nodes.reshape(-1, dimension)).reshape(count, -1)
    highest = values.max(axis=1)
    top = np.where(highest > -math.inf, highest, 0.0)
    scaled = np.exp(values - top[:, None])
    mean = scaled @ node_weights(rule, dimension)
    missed, lift = np.zeros((2, count, dimension))
    shape = (count, *[len(rule.positions)] * dimension)
    for axis in range(dimension):
        missed[:, axis] = _missed(scaled.reshape(shape), rule, axis)
        lift[:, axis] = _lift(values.reshape(shape), rule, axis, top)
    error = missed.sum(axis=1)
    partial = (values == -math.inf).any(axis=1) & (highest > -math.inf)
    error = np.where(partial, np.maximum(error, EDGE * mean), error)
    total_lift = lift.sum(axis=1)
    rough = total_lift > ROUGH
    unseen = _unseen(seeds, centre, half)
    hidden = unseen > highest + ROUGH
    with np.errstate(divide="ignore"):
        log_error = np.log(error) + top
        log_value = np.log(mean) + top
    log_error = np.where(rough, np.maximum(log_error, top + total_lift), log_error)
    log_error = np.where(hidden, np.maximum(log_error, unseen), log_error)
    score = np.where(rough[:, None], lift, missed)
    score[hidden] = 0.0
    log_volume = np.log(2.0 * half).sum(axis=1)
    return _Cells(
        centre,
        half,
        values,
        highest,
        partial,
        log_value + log_volume,
        log_error + log_volume,
        _longest(score, half),
    )


def _longest(score: FloatArray, half: FloatArray) -> IntArray:
    """Return the longest side among those with nearly the highest score."""
    if not half.shape[1]:
        return np.zeros(len(half), dtype=np.intp)
    near = SIMILAR * score >= score.max(axis=1, keepdims=True)
    return np.asarray(np.where(near, half, 0.0).argmax(axis=1))


def _missed(scaled: FloatArray, rule: NodeRule, axis: int) -> FloatArray:
    """Return what the rule along one axis misses, relative to ``V L_max``: [Eq. 1]."""
    terms = np.tensordot(scaled, rule.decay, axes=([axis + 1], [1]))
    last, before = np.hypot(terms[..., 0::2], terms[..., 1::2]).transpose(
        -1, *range(terms.ndim - 1)
    )
    if last.ndim > 1:
        last, before = last @ rule.weights, before @ rule.weights
    ratio = np.divide(FALL * last, before, out=np.ones_like(last), where=before > 0.0)
    missed: FloatArray = last * np.minimum(1.0, ratio) ** 3
    return missed


def _lift(values: FloatArray, rule: NodeRule, axis: int, top: FloatArray) -> FloatArray:
    """Return how far above the highest node a concave ln L may rise, along one axis."""
    lines = np.moveaxis(values, axis + 1, -1)
    x = np.concatenate([[-1.0], rule.positions, [1.0]])
    with np.errstate(invalid="ignore"):
        slope = np.diff(lines, axis=-1) / np.diff(rule.positions)
        # Chords drawn on to the next node, or to the end of the cell.
        ahead = lines[..., 1:] + slope * np.diff(x)[2:]
        back = lines[..., :-1] - slope * np.diff(x)[:-2]
        between = np.minimum(ahead[..., :-2], back[..., 2:])
    bounds = np.concatenate([back[..., :2], between, ahead[..., -2:]], axis=-1)
    # Next to a node without likelihood a chord says nothing.
    bounds = np.where(bounds < math.inf, bounds, -math.inf)
    highest = bounds.reshape(len(values), -1).max(axis=1)
    return np.asarray(np.maximum(highest - top, 0.0))


def _unseen(seeds: _Seeds, centre: FloatArray, half: FloatArray) -> FloatArray:
    """Return the highest ln L of the seeds in or next to each cell, `(M,)`."""
    if not len(seeds.values):
        return np.full(len(centre), -math.inf)
    offset = np.abs(seeds.units[None] - centre[:, None])
    inside = (offset <= _MARGIN * half[:, None]).all(axis=2)
    return np.asarray(np.where(inside, seeds.values, -math.inf).max(axis=1))


# --- all cells --------------------------------------------------------------------------


def _log_errors(cells: _Cells) -> FloatArray:
    """Return ln of the cells' errors: those without likelihood may cut off an edge."""
    empty = np.flatnonzero(cells.highest == -math.inf)
    beside = np.flatnonzero(cells.partial)
    errors = cells.log_error.copy()
    if not (len(empty) and len(beside)):
        return errors
    log_volume = np.log(2.0 * cells.half).sum(axis=1)
    for few in np.array_split(empty, 1 + len(empty) // _FEW):
        apart = np.abs(cells.centre[few, None] - cells.centre[beside])
        reach = (cells.half[few, None] + cells.half[beside]) * TOUCH
        highest = np.where(
            (apart <= reach).all(axis=2), cells.highest[beside], -math.inf
        ).max(axis=1)
        log_edge = highest + log_volume[few] + math.log(EDGE)
        errors[few] = np.maximum(errors[few], log_edge)
    return errors


def _total(cells: _Cells, log_errors: FloatArray) -> tuple[float, float]:
    """Return ln Z and the relative error of Z."""
    highest = float(cells.log_value.max())
    if highest == -math.inf:
        return highest, math.inf
    total = highest + math.log(float(np.exp(cells.log_value - highest).sum()))
    exponents = np.minimum(log_errors - total, LARGEST_EXPONENT)
    return total, float(np.exp(exponents).sum())


def _worst(
    cells: _Cells, log_errors: FloatArray, log_allowed: float, room: int
) -> BoolArray:
    """Return which cells to halve, at most `room`: those of the largest errors.

    `log_allowed` is the logarithm of the error that the sum may have.
    """
    error = log_errors
    if error.max() == -math.inf:  # no likelihood anywhere: look more closely
        error = np.log(2.0 * cells.half).sum(axis=1)
    count = len(error)
    if cells.half.shape[1]:
        own = cells.half[np.arange(count), cells.axis]
        error = np.where(own > SMALLEST, error, -math.inf)
    limit = max(
        float(error.max()) + math.log(BATCH), log_allowed - math.log(4.0 * count)
    )
    split: BoolArray = error > limit
    if split.sum() > room:
        last = np.argsort(-error, kind="stable")[room:]
        split[last] = False
    return split


def _sample(
    cells: _Cells, rule: NodeRule, log_evidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the nodes of positive weight, ln L there, and the weights."""
    dimension = cells.centre.shape[1]
    units = _nodes(cells.centre, cells.half, rule).reshape(-1, dimension)
    log_volume = np.log(2.0 * cells.half).sum(axis=1)
    log_weights = np.log(node_weights(rule, dimension)) + log_volume[:, None]
    values = cells.values.ravel()
    if log_evidence == -math.inf:
        return units[:0], values[:0], values[:0]
    weights = np.exp(values + log_weights.ravel() - log_evidence)
    kept = weights > 0.0
    return units[kept], values[kept], weights[kept] / weights[kept].sum()
