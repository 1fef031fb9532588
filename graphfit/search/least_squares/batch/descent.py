"""One fit by the method of Levenberg and Marquardt, on fused normal equations.

A kernel gives value, gradient and information in one pass, so it is evaluated at the trial
point, and an accepted trial costs nothing more.  With the gain p of ln L that the quadratic
model predicts and the actual gain a, ``rho = a / p`` decides on the step, and on the damping
(Nielsen 1999): it is multiplied by ``1 - (2 rho - 1)^3``, at least 0.2, after a success, and
by 2, 4, 8, ... after failures in a row.

A fit has converged when the last step gained at most ``tolerance |ln L|``, in fact and by
prediction, *and* the undamped step from there would not gain more: a damped step may only
be short because of its damping.  For a sum of squares this is a relative change of chi^2;
above 100 points it is tightened as 100 / N, because what matters is its size in units of
chi^2 per degree of freedom.  At the default, the remaining distance from the optimum is
below 1e-3 standard errors before the last step, and far below after it.
"""

import math

from graphfit.compiler.driving.evaluate import value_and_normal
from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.kernels.compiled import compiled
from graphfit.samples.status import Status
from graphfit.search.least_squares.batch.step import predicted_gain, propose
from graphfit.search.least_squares.batch.workspace import Settings, Workspace
from graphfit.typing import FloatArray

CONVERGED = int(Status.CONVERGED)
OUT_OF_EVALUATIONS = int(Status.OUT_OF_EVALUATIONS)
DIVERGING = int(Status.DIVERGING)
STALLED = int(Status.STALLED)
NON_FINITE = int(Status.NON_FINITE)

EPSILON = 2.220446049250313e-16
LEAST_PIVOT = 1e-14  # below, the information is singular as far as rounding can tell
FIRST_DAMPING = 1e-3  # in units of the scales
LARGEST_DAMPING = 1e30
NEARLY = 1e-3  # how close to 1 the ratio is where the quadratic model is exact
LEAST_RATIO = 1e-4  # of actual to predicted gain, for a success
# Divergence: in this many evaluations ln L gains less than this part of the noise while a
# parameter changes by more than this part of itself.  Measured on spectra without a line.
WINDOW = 16
NO_GAIN = 0.003
DRIFT = 0.1
ACCURATE = 1e-10  # tolerances below ask for digits: slow progress is not divergence


@compiled
def is_finite(value: float, gradient: FloatArray, information: FloatArray) -> bool:
    """Whether a kernel's results are finite (of the information: its diagonal)."""
    zero = value * 0.0
    for j in range(len(gradient)):
        zero += gradient[j] * 0.0 + information[j, j] * 0.0
    return zero == 0.0


@compiled
def accept(work: Workspace, value: float, relative: bool) -> None:
    """Make the trial the current point, and bring the scales up to date."""
    for i in range(len(work.theta)):
        work.theta[i] = work.trial[i]
        work.gradient[i] = work.trial_gradient[i]
        for j in range(i + 1):
            # The sum keeps a copy of three numbers from becoming a call of memcpy.
            work.information[i, j] = work.trial_information[i, j] + 0.0
        diagonal = abs(work.information[i, i])
        if relative and work.theta[i] != 0.0:
            work.scale[i] = 2.0 * abs(value) / work.theta[i] ** 2
        else:
            work.scale[i] = max(work.scale[i], diagonal)
        if work.scale[i] == 0.0:
            work.scale[i] = 1.0  # any will do: nothing depends on this parameter here


@compiled
def moves(work: Workspace, relative: float) -> bool:
    """Whether the step changes any parameter by more than this part of itself."""
    for j in range(len(work.theta)):
        if abs(work.step[j]) > relative * abs(work.theta[j]):
            return True
    return False


@compiled
def drifted(work: Workspace) -> bool:
    """Whether a parameter has left its mark by a large part of itself."""
    for j in range(len(work.theta)):
        now, then = work.theta[j], work.mark[j]
        if abs(now - then) > DRIFT * max(abs(now), abs(then)):
            return True
    return False


@compiled
def is_stationary(work: Workspace, value: float) -> bool:
    """Whether the gradient is negligible beside the residuals.

    ``g_j^2 / (H_jj |2 ln L|)`` is the squared cosine of the angle between residuals and
    column j of their derivatives, as in MINPACK.
    """
    for j in range(len(work.theta)):
        limit = 1e-8 * abs(2.0 * value * work.information[j, j])
        if work.held[j] == 0 and work.gradient[j] ** 2 > limit:
            return False
    return True


# The arguments are what a thread owns, and one pixel's problem.
@compiled
def descend(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917
    cursor: Int64Array,
    scratch: FloatArray,
    work: Workspace,
    lower: FloatArray,
    upper: FloatArray,
    row: int,
    n_points: int,
    relative: bool,
    settings: Settings,
    max_evaluations: int,
) -> tuple[float, int, int]:
    """Maximise ln L from `work.theta`; leave the optimum and its information in `work`.

    Parameters
    ----------
    cursor, scratch
        Of a table with kernels of the kind "normal", pointed at the pixel.
    work : Workspace
        With the start in `theta`, within the bounds.
    lower, upper : ndarray, shape (P or 1, D)
        Bounds.
    row : int
        Which row of them.
    n_points : int
        Numbers that inform the fit.
    relative : bool
        Whether to damp relative changes of the parameters, ``(d / theta)^2``, in place of
        changes in units of the information.  It takes other ways through valleys
        along which the information changes by many orders of magnitude.
    settings : Settings
        When to end.
    max_evaluations : int
        At most as many as the settings allow.

    Returns
    -------
    tuple
        ln L, evaluations, status.
    """
    # One loop with one call of each large function: it is compiled in place.
    for j in range(len(work.theta)):
        work.trial[j] = work.theta[j]
        work.scale[j] = 0.0
    part = settings.tolerance * min(1.0, 100.0 / max(n_points, 1))
    part = max(part, 4.0 * EPSILON)
    unmoved = max(1e-5 * settings.tolerance, 4.0 * EPSILON)
    value, marked_value, gain = -math.inf, -math.inf, math.inf
    damping, growth = FIRST_DAMPING, 2.0
    evaluations = 0
    while True:
        trial_value = value_and_normal(
            cursor, work.trial, scratch, work.trial_gradient, work.trial_information
        )
        evaluations += 1
        actual = trial_value - value
        ratio = actual / gain
        finite = is_finite(trial_value, work.trial_gradient, work.trial_information)
        if evaluations == 1:
            if not finite:
                return trial_value, evaluations, NON_FINITE
            value = trial_value
            accept(work, value, relative)
        elif finite and ratio > LEAST_RATIO:
            value = trial_value
            accept(work, value, relative)
            # An exact model needs no damping, which would only cost digits.
            exact = not relative and abs(ratio - 1.0) < NEARLY
            least = 1e-3 if exact else 0.2
            damping *= max(least, 1.0 - (2.0 * ratio - 1.0) ** 3)
            growth = 2.0
        elif not moves(work, 4.0 * EPSILON):
            return (
                value,
                evaluations,
                CONVERGED if is_stationary(work, value) else STALLED,
            )
        else:
            damping *= growth
            growth *= 2.0

        enough = part * abs(value)
        if evaluations % WINDOW == 0 and not settings.accurate:
            noise = abs(value) / max(n_points, 1)
            if value - marked_value < NO_GAIN * noise and drifted(work):
                return value, evaluations, DIVERGING
            marked_value = value
            for j in range(len(work.theta)):
                work.mark[j] = work.theta[j]

        # Find a step; where it would bring nothing, ask the undamped one.
        asking = gain <= enough and abs(actual) <= enough
        asked = False
        while True:
            pivot = propose(work, lower, upper, row, 0.0 if asking else damping)
            gain = predicted_gain(work)
            if asking:
                if pivot < LEAST_PIVOT or gain <= enough or not moves(work, unmoved):
                    return value, evaluations, CONVERGED
                asking, asked = False, True
                damping *= 0.1
            elif not (pivot > 0.0 and gain >= 0.0):
                damping *= growth
                growth *= 2.0
                if damping > LARGEST_DAMPING:
                    return value, evaluations, STALLED
            elif asked or (gain > 1e-4 * enough and moves(work, unmoved)):
                break
            else:
                asking = True
        if evaluations >= max_evaluations:
            return value, evaluations, OUT_OF_EVALUATIONS
