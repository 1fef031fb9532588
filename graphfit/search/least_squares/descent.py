"""One fit by the method of Levenberg and Marquardt, on fused normal equations.

A kernel gives value, gradient and information in one pass, so it is evaluated at the trial
point: an accepted trial costs nothing more.  With the predicted gain p of ln L and the
actual one a, the damping follows the ratio a / p.
"""

import math

from graphfit.compiler.evaluate import value_and_normal
from graphfit.compiler.factor_table import Int64Array
from graphfit.kernels.compiled import compiled
from graphfit.samples.status import Status
from graphfit.search.least_squares.step import predicted_gain, propose
from graphfit.search.least_squares.workspace import Workspace
from graphfit.typing import FloatArray

CONVERGED = int(Status.CONVERGED)
OUT_OF_EVALUATIONS = int(Status.OUT_OF_EVALUATIONS)
DIVERGING = int(Status.DIVERGING)
STALLED = int(Status.STALLED)
NON_FINITE = int(Status.NON_FINITE)

FIRST_DAMPING = 1e-3
SHRINK = 0.2
DECAY = 1.0
LARGEST_DAMPING = 1e30
EPSILON = 2.220446049250313e-16


@compiled
def is_finite(value: float, gradient: FloatArray, information: FloatArray) -> bool:
    """Whether a kernel's results are all finite (of the information: its diagonal)."""
    zero = value * 0.0
    for j in range(len(gradient)):
        zero += gradient[j] * 0.0 + information[j, j] * 0.0
    return zero == 0.0


@compiled
def raise_scales(work: Workspace) -> None:
    """Let the scales follow the largest diagonal of the information so far."""
    for j in range(len(work.scale)):
        work.scale[j] = max(DECAY * work.scale[j], abs(work.information[j, j]))


@compiled
def accept(work: Workspace) -> None:
    """Make the trial the current point."""
    for i in range(len(work.theta)):
        work.theta[i] = work.trial[i]
        work.gradient[i] = work.trial_gradient[i]
        for j in range(i + 1):
            work.information[i, j] = work.trial_information[i, j]
    raise_scales(work)


@compiled
def moves(work: Workspace, relative: float) -> bool:
    """Whether the step changes any parameter by more than a relative amount."""
    for j in range(len(work.theta)):
        if abs(work.step[j]) > relative * abs(work.theta[j]):
            return True
    return False


@compiled
def descend(
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    tolerance: float,
    n_points: int,
    max_evaluations: int,
) -> tuple[float, int, int]:
    for j in range(len(work.theta)):
        work.trial[j] = work.theta[j]
        work.scale[j] = 0.0
    part = tolerance * min(1.0, 100.0 / max(n_points, 1))
    relative = max(1e-5 * tolerance, 4.0 * EPSILON)
    damping, growth = FIRST_DAMPING, 2.0
    value, gain, enough = -math.inf, math.inf, 0.0
    evaluations = 0
    while True:
        trial_value = value_and_normal(
            cursor, work.trial, scratch, work.trial_gradient, work.trial_information
        )
        evaluations += 1
        finite = is_finite(trial_value, work.trial_gradient, work.trial_information)
        actual = trial_value - value
        ratio = actual / gain
        if evaluations == 1:
            if not finite:
                return trial_value, evaluations, NON_FINITE
            value = trial_value
            accept(work)
            for j in range(len(work.scale)):
                if work.scale[j] == 0.0:
                    work.scale[j] = 1.0
        elif finite and ratio > 1e-4:
            value = trial_value
            accept(work)
            damping *= max(SHRINK, 1.0 - (2.0 * ratio - 1.0) ** 3)
            growth = 2.0
        else:
            if not moves(work, 4.0 * EPSILON):
                return value, evaluations, STALLED
            damping *= growth
            growth *= 2.0
        enough = part * abs(value)
        checking = gain <= enough and abs(actual) <= enough
        checked = False
        while True:
            pivot = propose(work, lower, upper, row, 0.0 if checking else damping)
            gain = predicted_gain(work)
            if checking:
                if pivot < 1e-14 or gain <= enough or not moves(work, relative):
                    return value, evaluations, CONVERGED
                checking, checked = False, True
                damping *= 0.1
                continue
            if not pivot > 0.0 or not gain > -1.0:
                damping *= growth
                growth *= 2.0
                if damping > LARGEST_DAMPING:
                    return value, evaluations, STALLED
                continue
            if checked or (gain > 1e-4 * enough and moves(work, relative)):
                break
            checking = True
        if evaluations >= max_evaluations:
            return value, evaluations, OUT_OF_EVALUATIONS
