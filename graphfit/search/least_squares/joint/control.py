"""Damping and convergence of one fit, apart from how its equations are solved.

These are the rules of :mod:`graphfit.search.least_squares.batch.descent`, as functions of a
few numbers, for solvers whose matrices have structure.  A solver alternates between them::

    begin -> evaluate -> judge -> solve -> decide -> evaluate -> ... -> a status
                                  ^___________|

The functions are plain Python; a compiled driver compiles them into itself.  Their state is
one array of floats, `Slot` by `Slot`.
"""

import math

from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.descent import (
    ACCURATE,
    EPSILON,
    FIRST_DAMPING,
    LARGEST_DAMPING,
    LEAST_RATIO,
    WINDOW,
)
from graphfit.typing import FloatArray

(
    VALUE,  # ln L at the current point
    DAMPING,  # lambda
    GROWTH,  # the factor of the next failure
    GAIN,  # of ln L, predicted for the step
    ACTUAL,  # gain of the last trial
    MARKED,  # ln L some evaluations ago
    EVALUATIONS,
    MOST,  # evaluations
    PART,  # relative change of ln L that does not matter
    UNMOVED,  # relative change of a parameter that does not matter
    NOISE,  # 1 / points where divergence is looked for, else 0
    ASKING,  # 1: the step being solved for is the undamped one
    ASKED,  # 1: it has been, and promised something
) = range(13)
N_SLOTS = 13

# What to do next; a number that is not negative is a Status instead.
EVALUATE = -1
SOLVE = -2
ACCEPTED = -3
REJECTED = -4

CONVERGED = int(Status.CONVERGED)
OUT_OF_EVALUATIONS = int(Status.OUT_OF_EVALUATIONS)
STALLED = int(Status.STALLED)
NON_FINITE = int(Status.NON_FINITE)

# As in `descent`, less patiently: datasets without a signal hold up all the others.
NO_GAIN = 0.03
# For the step that is called undamped: parameters that nothing constrains stay where they
# are, and do not keep all others from an answer.
LEAST_DAMPING = 1e-12


def begin(
    control: FloatArray, tolerance: float, n_points: int, max_evaluations: int
) -> None:
    """Set the state before the first evaluation.

    Parameters
    ----------
    control : ndarray, shape (N_SLOTS,)
        Overwritten.
    tolerance : float, > 0
        Relative change of ln L that is too small to matter.
    n_points : int
        Numbers that inform the fit.
    max_evaluations : int
        Of all factors.
    """
    part = tolerance * min(1.0, 100.0 / max(n_points, 1))
    control[VALUE] = -math.inf
    control[DAMPING] = FIRST_DAMPING
    control[GROWTH] = 2.0
    control[GAIN] = math.inf
    control[ACTUAL] = math.inf
    control[MARKED] = -math.inf
    control[EVALUATIONS] = 0.0
    control[MOST] = max_evaluations
    control[PART] = max(part, 4.0 * EPSILON)
    control[UNMOVED] = max(1e-5 * tolerance, 4.0 * EPSILON)
    control[NOISE] = 1.0 / max(n_points, 1) if tolerance >= ACCURATE else 0.0
    control[ASKING] = 0.0
    control[ASKED] = 0.0


def judge(control: FloatArray, trial_value: float, is_finite: bool) -> int:
    """Accept or reject the point that was evaluated, and adapt the damping.

    Parameters
    ----------
    control : ndarray, shape (N_SLOTS,)
        The state.
    trial_value : float
        ln L of the trial.
    is_finite : bool
        Whether that, the gradient and the information are finite.

    Returns
    -------
    int
        ACCEPTED, REJECTED, or the status NON_FINITE.
    """
    control[EVALUATIONS] += 1.0
    actual, gain = trial_value - float(control[VALUE]), float(control[GAIN])
    control[ACTUAL] = actual
    verdict = ACCEPTED
    if control[EVALUATIONS] == 1.0:
        if not is_finite:
            return NON_FINITE
        control[VALUE] = trial_value
    elif is_finite and actual > LEAST_RATIO * gain:
        ratio = actual / gain if actual < gain else 1.0
        control[VALUE] = trial_value
        control[DAMPING] *= max(0.2, 1.0 - (2.0 * ratio - 1.0) ** 3)
        control[GROWTH] = 2.0
    else:
        control[DAMPING] *= control[GROWTH]
        control[GROWTH] *= 2.0
        verdict = REJECTED
    enough = control[PART] * abs(control[VALUE])
    control[ASKED] = 0.0
    control[ASKING] = 0.0
    if control[GAIN] <= enough and abs(control[ACTUAL]) <= enough:
        control[ASKING] = 1.0
    return verdict


def is_slow(control: FloatArray) -> bool:
    """Whether ln L has gained next to nothing since the last time this was asked.

    A fit that is slow while its parameters drift is diverging.
    """
    noise = float(control[NOISE] * abs(control[VALUE]))
    gained = float(control[VALUE] - control[MARKED])
    control[MARKED] = control[VALUE]
    return gained < NO_GAIN * noise


def is_time_to_look(control: FloatArray) -> bool:
    """Whether divergence is looked for after this evaluation."""
    return bool(control[NOISE] > 0.0) and bool(control[EVALUATIONS] % WINDOW == 0.0)


def damping(control: FloatArray) -> float:
    """Return lambda for the next solution."""
    return LEAST_DAMPING if control[ASKING] != 0.0 else float(control[DAMPING])


def decide(control: FloatArray, pivot: float, gain: float, moves: bool) -> int:
    """Return what to do with a step.

    Parameters
    ----------
    control : ndarray, shape (N_SLOTS,)
        The state.
    pivot : float
        Smallest scaled pivot; not above 0 where the matrix is not positive definite, and
        there is no step.
    gain : float
        What the quadratic model predicts.
    moves : bool
        Whether a parameter changes by more than `UNMOVED` of itself.

    Returns
    -------
    int
        EVALUATE the trial, SOLVE again with another `damping`, or a status.
    """
    enough = control[PART] * abs(control[VALUE])
    control[GAIN] = gain
    verdict = SOLVE
    if control[ASKING] != 0.0:
        if not pivot > 0.0 or gain <= enough or not moves:
            return CONVERGED
        control[ASKING] = 0.0
        control[ASKED] = 1.0
        control[DAMPING] *= 0.1
    elif not (pivot > 0.0 and gain >= 0.0):
        control[DAMPING] *= control[GROWTH]
        control[GROWTH] *= 2.0
        if control[DAMPING] > LARGEST_DAMPING:
            return STALLED
    elif control[ASKED] != 0.0 or (gain > 1e-4 * enough and moves):
        verdict = EVALUATE
        if control[EVALUATIONS] >= control[MOST]:
            verdict = OUT_OF_EVALUATIONS
    else:
        control[ASKING] = 1.0
    return verdict
