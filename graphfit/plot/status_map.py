"""Statuses in colour: answers blue and green, what was given up warm, the rest grey."""

from collections.abc import Sequence

from graphfit.samples.status import Status

COLOURS = {
    Status.CONVERGED: "#0072b2",
    Status.AT_BOUND: "#56b4e9",
    Status.SINGULAR: "#009e73",
    Status.OUT_OF_EVALUATIONS: "#f0e442",
    Status.DIVERGING: "#e69f00",
    Status.STALLED: "#d55e00",
    Status.NON_FINITE: "#7b3294",
    Status.TOO_FEW_POINTS: "#8c96a3",
    Status.BAD_START: "#c994c7",
    Status.MASKED: "#d0d7de",
    Status.USER_ERROR: "#a50f15",
    Status.NOT_REACHED: "#f3f4f6",
    Status.TIME_LIMIT: "#8c510a",
    Status.WORKER_DIED: "#1f2328",
    Status.BAD_NOISE: "#cc79a7",
    Status.NOT_REPEATABLE: "#54278f",
    Status.IMPOSSIBLE: "#57606a",
}


def status_name(status: Status) -> str:
    """Return the name as figures write it, e.g. ``"at bound"``."""
    return status.name.lower().replace("_", " ")


def status_colours(present: Sequence[Status]) -> list[str]:
    """Return the colours of the statuses that a map holds, the same in every figure.

    Examples
    --------
    >>> status_colours([Status.CONVERGED, Status.MASKED])
    ['#0072b2', '#d0d7de']
    """
    return [COLOURS[status] for status in present]
