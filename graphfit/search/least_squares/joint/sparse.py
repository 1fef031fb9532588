"""One large fit without a small border: chains, grids, crossed designs.

The iteration is that of :mod:`graphfit.search.least_squares.batch.descent`, written with
arrays: what takes time is the factorisation.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.compiler.driving.evaluate_blocks import fill_system, new_factor_scratch
from graphfit.compiler.driving.factor_table import FactorTable, Int64Array
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.descent import DRIFT, EPSILON
from graphfit.search.least_squares.joint import control as rules
from graphfit.search.least_squares.joint.bordered_step import MOST_ROUNDS
from graphfit.search.least_squares.joint.sparse_errors import (
    SparseErrors,
    sparse_errors,
)
from graphfit.search.least_squares.joint.sparse_pattern import (
    Factor,
    Pattern,
    held_out,
    new_pattern,
)
from graphfit.search.least_squares.joint.structure import Plan
from graphfit.typing import FloatArray


@final
@dataclass(slots=True, eq=False)
class State:
    """A sparse fit under way.

    Attributes
    ----------
    theta, step, scale, mark : ndarray, shape (D,)
        The best point, the step from it, the largest diagonal so far, and where the fit
        was some evaluations ago.
    held : ndarray of int, shape (D,)
        -1 held at the lower bound, +1 at the upper, else 0.
    system : ndarray
        Gradient and information at `theta`.
    """

    theta: FloatArray
    step: FloatArray
    scale: FloatArray
    mark: FloatArray
    held: Int64Array
    system: FloatArray


def fit_sparse(
    table: FactorTable,
    way: Plan,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    control: FloatArray,
) -> tuple[FloatArray, Status, SparseErrors | None, bool]:
    """Maximise ln L within bounds.

    Parameters
    ----------
    table : FactorTable
        Kernels of the kind "normal".
    way : Plan
        Not needed here.
    start, lower, upper : ndarray, shape (D,)
        Where to begin, and bounds.
    control : ndarray, shape (N_SLOTS,)
        As `control.begin` leaves it.

    Returns
    -------
    tuple
        The optimum, the status, the errors, and whether a bound holds it.
    """
    del way
    d = len(start)
    pattern = new_pattern(table)
    theta = np.clip(start, lower, upper)
    state = State(
        theta=theta,
        step=np.zeros(d),
        scale=np.zeros(d),
        mark=np.zeros(d),
        held=np.zeros(d, dtype=np.int64),
        system=np.zeros(pattern.size),
    )
    with np.errstate(all="ignore"):  # a trial may be anywhere
        status = _descend(table, pattern, state, lower, upper, control)
    if status >= Status.NON_FINITE:
        return state.theta, status, None, False
    _hold(state, lower, upper)
    at_bound = bool(((state.held != 0) & (lower < upper)).any())
    errors = sparse_errors(pattern, state.system, lower < upper)
    return state.theta, status, errors, at_bound


def _descend(
    table: FactorTable,
    pattern: Pattern,
    state: State,
    lower: FloatArray,
    upper: FloatArray,
    control: FloatArray,
) -> Status:
    d = len(state.theta)
    scratch = new_factor_scratch(table)
    diagonal = np.empty(d, dtype=np.int64)
    diagonal[pattern.order] = pattern.source[pattern.diagonal]
    trial, other = state.theta.copy(), np.zeros(pattern.size)
    while True:
        value = fill_system(table.arrays, pattern.destination, trial, other, scratch)
        finite = math.isfinite(value) and bool(np.isfinite(other).all())
        verdict = rules.judge(control, value, finite)
        if verdict == rules.ACCEPTED:
            state.theta = trial
            state.system, other = other, state.system
            state.scale = np.maximum(state.scale, np.abs(state.system[diagonal]))
            if control[rules.EVALUATIONS] == 1.0:
                state.scale[state.scale == 0.0] = 1.0
        elif verdict != rules.REJECTED:
            return Status(verdict)
        elif not _moves(state, 4.0 * EPSILON):
            squared = state.system[:d] ** 2
            limit = 1e-8 * np.abs(2.0 * control[rules.VALUE] * state.system[diagonal])
            at_rest = (squared <= limit) | (state.held != 0)
            return Status.CONVERGED if at_rest.all() else Status.STALLED
        if rules.is_time_to_look(control):
            largest = np.maximum(np.abs(state.theta), np.abs(state.mark))
            drifts = (np.abs(state.theta - state.mark) > DRIFT * largest).any()
            if rules.is_slow(control) and drifts:
                return Status.DIVERGING
            state.mark = state.theta.copy()
        verdict = rules.SOLVE
        while verdict == rules.SOLVE:
            pivot, gain = _propose(pattern, state, lower, upper, rules.damping(control))
            moves = _moves(state, float(control[rules.UNMOVED]))
            verdict = rules.decide(control, pivot, gain, moves)
        if verdict >= 0:
            return Status(verdict)
        bound = np.where(state.held < 0, lower, upper)
        trial = np.where(state.held == 0, state.theta + state.step, bound)


def _moves(state: State, relative: float) -> bool:
    return bool((np.abs(state.step) > relative * np.abs(state.theta)).any())


def _hold(state: State, lower: FloatArray, upper: FloatArray) -> None:
    """Hold what is at its bound with an outward gradient, or has no room."""
    gradient = state.system[: len(state.theta)]
    below = (state.theta <= lower) & ((gradient <= 0.0) | (lower == upper))
    above = (state.theta >= upper) & (gradient >= 0.0)
    state.held = np.where(below, -1, np.where(above, 1, 0))


def _propose(
    pattern: Pattern,
    state: State,
    lower: FloatArray,
    upper: FloatArray,
    damping: float,
) -> tuple[float, float]:
    """Set the bounded, damped step; return the smallest scaled pivot and the gain."""
    theta, gradient = state.theta, state.system[: len(state.theta)]
    entries = state.system[pattern.source]
    information = pattern.matrix(entries)
    _hold(state, lower, upper)
    state.step = np.zeros(len(theta))
    pivot = 1.0
    for _ in range(MOST_ROUNDS):
        free = state.held == 0
        damped = entries.copy()
        damped[pattern.diagonal] += damping * state.scale[pattern.order]
        factor = Factor(pattern, held_out(pattern, damped, free))
        pivot = factor.pivot
        if not pivot > 0.0:
            return pivot, 0.0
        fixed = (information @ state.step[pattern.order])[pattern.rank]
        solution = factor.solve(np.where(free, gradient - fixed, 0.0))
        below = free & (theta + solution < lower)
        above = free & (theta + solution > upper)
        state.held[below], state.held[above] = -1, 1
        state.step[below] = (lower - theta)[below]
        state.step[above] = (upper - theta)[above]
        if not (below | above).any():
            break
    state.step = np.where(state.held == 0, solution, state.step)
    curved = (information @ state.step[pattern.order])[pattern.rank]
    return pivot, float(state.step @ (gradient - 0.5 * curved))
