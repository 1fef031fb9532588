"""Cells of the unit cube: their nodes, the integral of L over each, and its error.

What counts as the error is told in :mod:`graphfit.search.nested.quadrature`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from graphfit.search.nested.node_rule import FALL, NodeRule
from graphfit.typing import FloatArray, IntArray

ROUGH = 2.0
"""Steps of ln L that leave a peak unresolved: L varies by e^2."""
EDGE = 0.05
"""Relative error of a cell in which L vanishes at some nodes."""
SIMILAR = 1.5
"""Axes whose errors differ by less are alike: the longer side of a cell is halved."""
JUMP = 4.0
"""A step of ln L that is so many times what the step before foretold is a jump."""
NOTHING = -1e25
"""Below it ln L counts as minus infinity: no peak that a cell can resolve is so far."""
_MARGIN = 2.0  # a seed beside a cell may be of a peak that reaches into it


class Cells(NamedTuple):
    """M cells."""

    centre: FloatArray  # (M, d)
    half: FloatArray  # (M, d)
    values: FloatArray  # (M, n^d) ln L at the nodes
    highest: FloatArray  # (M,) of these
    faces: FloatArray  # (M, d, 2) highest ln L of the outermost nodes at both ends
    places: FloatArray  # (M, d, 2) where along the other axis
    log_value: FloatArray  # (M,) ln of the integral
    log_error: FloatArray  # (M,)
    axis: IntArray  # (M,) along which to halve


class Seeds(NamedTuple):
    """Known points, and ln L there."""

    units: FloatArray  # (K, d)
    values: FloatArray  # (K,)


def nodes_of(centre: FloatArray, half: FloatArray, rule: NodeRule) -> FloatArray:
    """Return the nodes `(M, n^d, d)`, the last axis of the cube running fastest."""
    dimension = centre.shape[1]
    n = len(rule.positions)
    index = np.indices((n,) * dimension).reshape(dimension, n**dimension).T
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


def measured(
    ask: Callable[[FloatArray], FloatArray],
    rule: NodeRule,
    seeds: Seeds,
    centre: FloatArray,
    half: FloatArray,
) -> Cells:
    """Return cells with their integrals, errors, and the axis along which to halve.

    Parameters
    ----------
    ask : callable
        ln L at points `(S, d)`, returns `(S,)`.
    rule : NodeRule
        For d dimensions.
    seeds : Seeds
        None is missed.
    centre, half : ndarray, shape (M, d)
        Of the cells.
    """
    count, dimension = centre.shape
    nodes = nodes_of(centre, half, rule)
    values = ask(nodes.reshape(count * nodes.shape[1], dimension))
    values = values.reshape(count, nodes.shape[1])
    highest = values.max(axis=1)
    top = np.where(highest > -math.inf, highest, 0.0)
    scaled = np.exp(values - top[:, None])
    mean = scaled @ node_weights(rule, dimension)
    partial = (values == -math.inf).any(axis=1) & (highest > -math.inf)
    missed, lift = _along_axes(values, scaled, top, rule, dimension)
    error = missed.sum(axis=1)
    error = np.where(partial, np.maximum(error, EDGE * mean), error)
    total_lift = lift.sum(axis=1)
    rough = total_lift > ROUGH
    unseen = _unseen(seeds, centre, half) - top
    hidden = unseen > highest - top + ROUGH
    with np.errstate(divide="ignore"):
        log_error, log_mean = np.log(error), np.log(mean)
    log_error = np.where(rough, np.maximum(log_error, total_lift), log_error)
    log_error = np.where(hidden, np.maximum(log_error, unseen), log_error)
    score = np.where(rough[:, None], lift, missed)
    score[hidden] = 0.0
    log_scale = top + np.log(2.0 * half).sum(axis=1)
    log_value, log_error = log_mean + log_scale, log_error + log_scale
    axis = _longest(score, half)
    faces, places = _at_faces(values, nodes, len(rule.positions))
    return Cells(
        centre, half, values, highest, faces, places, log_value, log_error, axis
    )


def _at_faces(
    values: FloatArray, nodes: FloatArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Return the highest ln L of the outermost nodes along each axis, and where."""
    count, size, dimension = nodes.shape
    index = np.indices((n,) * dimension).reshape(dimension, size)
    faces, places = np.zeros((2, count, dimension, 2))
    rows = np.arange(count)
    for axis in range(dimension):
        for side, layer in enumerate((0, n - 1)):
            outermost = np.flatnonzero(index[axis] == layer)
            best = outermost[values[:, outermost].argmax(axis=1)]
            faces[:, axis, side] = values[rows, best]
            places[:, axis, side] = nodes[rows, best, dimension - 1 - axis]
    return faces, places


def _along_axes(
    values: FloatArray,
    scaled: FloatArray,
    top: FloatArray,
    rule: NodeRule,
    dimension: int,
) -> tuple[FloatArray, FloatArray]:
    """Return what the rule misses along each axis, and how far ln L may rise, `(M, d)`."""
    shape = (len(values), *[len(rule.positions)] * dimension)
    missed, lift = np.zeros((2, len(values), dimension))
    for axis in range(dimension):
        missed[:, axis] = _missed(scaled.reshape(shape), rule, axis)
        lift[:, axis] = _lift(values.reshape(shape), rule, axis, top)
    return missed, lift


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
    gaps = np.diff(np.concatenate([[-1.0], rule.positions, [1.0]]))
    with np.errstate(invalid="ignore"):
        steps = np.diff(lines, axis=-1)
        ahead = lines[..., 1:] + _foretold(steps, gaps[1:])
        back = lines[..., :-1] + _foretold(-steps[..., ::-1], gaps[-2::-1])[..., ::-1]
        between = np.minimum(ahead[..., :-2], back[..., 2:])
    bounds = np.concatenate([back[..., :2], between, ahead[..., -2:]], axis=-1)
    # Where no chord can be trusted, and beside a node without likelihood, none speaks.
    bounds = np.where(bounds < math.inf, bounds, -math.inf)
    highest = bounds.reshape(len(values), -1).max(axis=1)
    return np.asarray(np.maximum(highest - top, 0.0))


def _foretold(steps: FloatArray, gaps: FloatArray) -> FloatArray:
    """Return how far each chord drawn on rises over the next gap; infinite after jumps.

    Parameters
    ----------
    steps : ndarray, shape (..., n - 1)
        Rises of ln L from node to node.
    gaps : ndarray, shape (n,)
        Their widths, and that of the gap behind the last.
    """
    rises = steps * (gaps[1:] / gaps[:-1])
    smooth = steps <= np.maximum(JUMP * np.roll(rises, 1, axis=-1), 0.0)
    smooth[..., 0] = True
    return np.where(smooth, rises, math.inf)


def _unseen(seeds: Seeds, centre: FloatArray, half: FloatArray) -> FloatArray:
    """Return the highest ln L of the seeds in or next to each cell, `(M,)`."""
    if not len(seeds.values):
        return np.full(len(centre), -math.inf)
    offset = np.abs(seeds.units[None] - centre[:, None])
    inside = (offset <= _MARGIN * half[:, None]).all(axis=2)
    return np.asarray(np.where(inside, seeds.values, -math.inf).max(axis=1))
