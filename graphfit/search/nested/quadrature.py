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
* a twentieth of the cell's integral, where L vanishes at some of its nodes;
* V L, while L at the outermost nodes of the next cell is e^2 times that at its own
  outermost nodes on that side (:mod:`graphfit.search.nested.quadrature_faces`), or while L
  at a known point of the cell is e^2 times that at all nodes.

The nodes, with weights ``V w_i L_i / Z``, are a weighted sample of the posterior: moments
are as exact as Z.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import NonFiniteError, SettingError
from graphfit.search.nested.node_rule import NodeRule, node_rule
from graphfit.search.nested.quadrature_cells import (
    NOTHING,
    Cells,
    Seeds,
    measured,
    node_weights,
    nodes_of,
)
from graphfit.search.nested.quadrature_faces import compared
from graphfit.typing import ArrayLike, BoolArray, FloatArray

BATCH = 0.25
"""Cells whose errors are this part of the largest are halved with it."""
SMALLEST = 2.0**-40
"""Half widths below are not halved."""
LARGEST_EXPONENT = 700.0
"""Errors relative to Z are cut off at its exponential, which is a finite number."""
_GRID = (1, 16, 8)  # cells along each axis at the start, by dimension


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
    NonFiniteError
        If the likelihood returns NaN or plus infinity.

    Examples
    --------
    >>> found = quadrature(lambda u: -0.5 * ((u[:, 0] - 0.5) / 1e-3) ** 2, 1)
    >>> round(math.exp(found.log_evidence) / (1e-3 * math.sqrt(2.0 * math.pi)), 6)
    1.0
    >>> round(float(found.weights @ found.units[:, 0]), 6), found.calls
    (0.5, 480)
    """
    if dimension not in {0, 1, 2}:
        msg = f"quadrature: dimension must be 0, 1 or 2, got {dimension!r}."
        raise SettingError(msg)
    ask = _Likelihood(log_likelihood, vectorised)
    rule = node_rule(dimension)
    known = _seeds(ask, seeds, dimension)
    cells = measured(ask, rule, known, *_start(dimension, grid or _GRID[dimension]))
    fresh = np.ones(len(cells.axis), dtype=bool)
    while True:
        cells = compared(cells, fresh)
        log_evidence, error = _total(cells)
        room = (max_calls - ask.calls) // (2 * cells.values.shape[1])
        if error <= tolerance or room < 1:
            break
        split = _worst(cells, math.log(tolerance) + log_evidence, room)
        if not split.any():
            break
        halves = measured(ask, rule, known, *_halves(cells, split))
        fresh = np.arange(len(split) + split.sum()) >= len(split) - split.sum()
        cells = Cells(
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
            raise NonFiniteError(msg)
        return np.where(values < NOTHING, -math.inf, values)


def _seeds(ask: _Likelihood, seeds: ArrayLike | None, dimension: int) -> Seeds:
    if seeds is None or not np.size(seeds):
        return Seeds(np.zeros((0, dimension)), np.zeros(0))
    units = np.asarray(seeds, dtype=np.float64).reshape(-1, dimension)
    return Seeds(units, ask(units))


def _start(dimension: int, grid: int) -> tuple[FloatArray, FloatArray]:
    """Return centres and half widths of equal cells, `grid` along each axis."""
    count = grid**dimension
    numbers = np.indices((grid,) * dimension).reshape(dimension, count).T
    half = np.full(numbers.shape, 0.5 / grid)
    return (numbers + 0.5) / grid, half


def _halves(cells: Cells, split: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return centres and half widths of the two halves of each cell to be split."""
    centre, half = cells.centre[split], cells.half[split]
    along = np.arange(half.shape[1]) == cells.axis[split, None]
    half = np.where(along, half / 2.0, half)
    step = np.where(along, half, 0.0)
    return np.concatenate([centre - step, centre + step]), np.concatenate([half, half])


# --- all cells --------------------------------------------------------------------------


def _total(cells: Cells) -> tuple[float, float]:
    """Return ln Z and the relative error of Z."""
    highest = float(cells.log_value.max())
    if highest == -math.inf:
        return highest, math.inf
    total = highest + math.log(float(np.exp(cells.log_value - highest).sum()))
    exponents = np.minimum(cells.log_error - total, LARGEST_EXPONENT)
    return total, float(np.exp(exponents).sum())


def _worst(cells: Cells, log_allowed: float, room: int) -> BoolArray:
    """Return which cells to halve, at most `room`: those of the largest errors.

    `log_allowed` is the logarithm of the error that the sum may have.
    """
    count, dimension = cells.half.shape
    if not dimension:
        return np.zeros(count, dtype=bool)
    error = cells.log_error
    if error.max() == -math.inf:  # no likelihood anywhere: look more closely
        error = np.log(2.0 * cells.half).sum(axis=1)
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
    cells: Cells, rule: NodeRule, log_evidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the nodes of positive weight, ln L there, and the weights."""
    dimension = cells.centre.shape[1]
    units = nodes_of(cells.centre, cells.half, rule)
    units = units.reshape(cells.values.size, dimension)
    log_volume = np.log(2.0 * cells.half).sum(axis=1)
    log_weights = np.log(node_weights(rule, dimension)) + log_volume[:, None]
    values = cells.values.ravel()
    if log_evidence == -math.inf:
        return units[:0], values[:0], values[:0]
    weights = np.exp(values + log_weights.ravel() - log_evidence)
    kept = weights > 0.0
    return units[kept], values[kept], weights[kept] / weights[kept].sum()
