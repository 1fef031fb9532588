"""One problem: the compiled loop, called again and again until it is done."""

import math
import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.errors import (
    ConvergenceWarning,
    ImpossibleError,
    NonFiniteError,
    NotRepeatableError,
)
from graphfit.samples import Samples, Status
from graphfit.samples.nested_run import NestedRun
from graphfit.search.nested.called_likelihood import CalledLikelihood
from graphfit.search.nested.nested_problem import NestedProblem
from graphfit.search.nested.reductions import NOTHING, Reductions, reductions
from graphfit.search.task import Task

TRIES_A_POINT = 1_000  # of draws from the prior, to find one that is possible
CONTOURS = (
    2_000  # between two looks at the clock and the keyboard; a twentieth in Python
)


_UNFINISHED = {
    Status.OUT_OF_EVALUATIONS: (
        "The run used all its likelihood calls before the live points held little of "
        "the evidence: ln Z and samples are of what it has. Raise max_calls."
    ),
    Status.STALLED: (
        "No slice led to another point above the contour; the run ends there. The "
        "likelihood may be a plateau or broken by noise of its own."
    ),
}


class Likelihood(NamedTuple):
    """What is sampled: kernels of values, and what to add to their sum."""

    table: FactorTable
    offset: float
    callback: CalledLikelihood | None


def run_single(search: Any, task: Task) -> Samples:
    """Return the samples of one problem.

    Parameters
    ----------
    search : NestedSampler
    task : Task

    Raises
    ------
    NonFiniteError
        If the likelihood is NaN or plus infinity at a point.
    NotRepeatableError
        If it gives two values at one point.
    ImpossibleError
        If it is zero wherever the prior was tried.
    """
    compiled = task.program.is_compiled
    plan = reductions(task.program, search) if compiled else NOTHING
    periodic = _periodic(search, task)
    problem = NestedProblem(task.program, plan, periodic=periodic)
    likelihood = _compiled(task, plan) if compiled else _called(task)
    run = _explored(search, task, problem, likelihood)
    if run.status == Status.NON_FINITE and likelihood.callback is None:
        # Machine code has no answer there; the model's own Python may have.
        dimension = task.program.dimension
        found = task.log_likelihood(run.memory.state.trial_values[:dimension].copy())
        if found == -math.inf:  # the model rejects the point, and others like it
            plan = replace(plan, rejects=True)
        else:
            plan, likelihood = NOTHING, _called(task)
        problem = NestedProblem(task.program, plan, periodic=periodic)
        run = _explored(search, task, problem, likelihood)
    _require_answer(run.status)
    if run.status != Status.CONVERGED:
        text = _UNFINISHED.get(run.status, run.status.sentence)
        warnings.warn(f"NestedSampler: {text}", ConvergenceWarning, stacklevel=2)
    return _samples(task, run, likelihood.offset)


def _periodic(search: Any, task: Task) -> tuple[str, ...]:
    """Return the periodic parameters as the program calls them."""
    own = task.program.space.names
    pairs = zip(own, task.names or own, strict=True)
    return tuple(name for name, whole in pairs if whole in search.periodic)


def _compiled(task: Task, plan: Reductions) -> Likelihood:
    pairs = [path.callable_kernels() for path in task.program.paths]
    table = FactorTable.of_graph(
        [plan.address(i, kernels) for i, (kernels, _) in enumerate(pairs)],
        [data for _, data in pairs],
        task.program.dimension,
    )
    return Likelihood(table, sum(data.offset for _, data in pairs), None)


def _called(task: Task) -> Likelihood:
    called = CalledLikelihood(task.log_likelihood, task.program.dimension)
    table = FactorTable.of_graph(
        [called.address()], [called.data()], task.program.dimension
    )
    return Likelihood(table, 0.0, called)


class Explored(NamedTuple):
    """A problem that is over."""

    memory: Any
    output: Any

    @property
    def status(self) -> Status:
        """How it ended."""
        from graphfit.search.nested.engine.workspace import STATUS_OUT

        return Status(int(self.output.whole[0, STATUS_OUT]))


def _explored(
    search: Any, task: Task, problem: NestedProblem, likelihood: Likelihood
) -> Explored:
    from graphfit.search.nested.engine.workspace import new_output
    from graphfit.search.nested.nested_memory import NestedMemory

    d, n = problem.dimension, search.n_live
    memory = NestedMemory(
        d, problem.n_kept, n, search.engine_settings(d), problem.periodic
    )
    target = problem.target(likelihood.table)
    output = new_output(1, problem.n_values, task.program.dimension, 0)
    jobs = np.array([[task.seed, n]], dtype=np.int64)
    limit = CONTOURS if likelihood.callback is None else CONTOURS // 20
    exact = memory.integrate(likelihood.table.arrays, target, output, jobs)
    _raise_errors(problem, likelihood)
    done = int(exact[0])
    while done == 0:
        done = memory.explore(
            likelihood.table.arrays, target, output, jobs, 0, 1, limit
        )
        _raise_errors(problem, likelihood)
        task.progress.update(_note(memory.state, likelihood.offset))
    return Explored(memory, output)


def _raise_errors(problem: NestedProblem, likelihood: Likelihood) -> None:
    """Raise what the user's own code raised inside of the loop."""
    callback = likelihood.callback
    error = (
        problem.cube.error if callback is None else callback.error or problem.cube.error
    )
    if error is not None:
        raise error


def _note(state: Any, offset: float) -> str:
    from graphfit.search.nested.engine.workspace import BASE, CALLS, DEAD, SUM

    note = f"{state.whole[DEAD]} points, {state.whole[CALLS]} likelihood calls"
    if state.real[SUM] > 0.0:
        log_z = np.log(state.real[SUM]) + state.real[BASE] + offset
        note += f", ln Z = {log_z:.2f}"
    return note


def _require_answer(status: Status) -> None:
    msg = f"NestedSampler: {status.sentence}"
    if status == Status.NON_FINITE:
        raise NonFiniteError(msg)
    if status == Status.NOT_REPEATABLE:
        raise NotRepeatableError(msg)
    if status == Status.IMPOSSIBLE:
        msg = (
            f"NestedSampler found no place to begin: ln L is -inf at {TRIES_A_POINT} times "
            "as many draws from the prior as there are live points. Check the likelihood "
            "and the conditions, or give priors nearer to the data."
        )
        raise ImpossibleError(msg)


def _samples(task: Task, run: Explored, offset: float) -> Samples:
    from graphfit.search.nested.engine import workspace as at

    numbers, whole = run.output.numbers[0], run.output.whole[0]
    program, dead = task.program, run.memory.dead
    first, count = int(whole[at.FIRST_ROW]), int(whole[at.COUNT])
    rows = slice(first, first + count)
    values = dead.values[rows, : program.dimension].copy()
    with np.errstate(divide="ignore"):
        log_weights = np.log(dead.mass[rows])
    log_z = float(numbers[at.LOG_EVIDENCE] + offset)
    error, calls = float(numbers[at.ERROR]), int(whole[at.EVALUATIONS])
    task.progress.update(
        f"{count} samples, {calls} likelihood calls, "
        f"ln Z = {log_z:.2f} +/- {error:.2f}, done"
    )
    return Samples(
        kind="nested",
        parameter_names=program.space.names,
        values=values,
        log_likelihood=dead.log_likelihood[rows] + offset,
        log_prior=np.asarray(program.log_prior(np.ascontiguousarray(values.T))),
        log_weights=log_weights,
        log_evidence=log_z,
        log_evidence_error=error,
        evaluations=calls,
        status=run.status,
        run=_nested_run(run, offset),
    )


def _nested_run(run: Explored, offset: float) -> NestedRun:
    """Return how it went; a polished or integrated problem has no contours."""
    from graphfit.search.nested.engine import workspace as at

    numbers, whole, dead = run.output.numbers[0], run.output.whole[0], run.memory.dead
    is_run = whole[at.FIRST_ROW] == 0 and whole[at.ITERATIONS] == whole[at.COUNT]
    rows = slice(0, int(whole[at.COUNT]) if is_run else 0)
    return NestedRun(
        contours=dead.log_l[rows] + offset,
        births=dead.births[rows] + offset,
        live_points=dead.counts[rows].copy(),
        log_volume=dead.log_volume[rows].copy(),
        ranks=dead.ranks[rows].copy(),
        information=float(numbers[at.INFORMATION]),
        insertion=float(numbers[at.INSERTION]),
        switched=bool(whole[at.SWITCHED_OUT]),
        pareto_k=float(numbers[at.PARETO_K]),
    )
