"""One problem: the compiled loop, called again and again until it is done."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.errors import LikelihoodError, ResultError
from graphfit.samples import Samples, Status
from graphfit.samples.nested_run import NestedRun
from graphfit.search.nested.called_likelihood import CalledLikelihood
from graphfit.search.nested.nested_problem import NestedProblem
from graphfit.search.task import Task
from graphfit.typing import FloatArray

TRIES_A_POINT = 1_000  # of draws from the prior, to find one that is possible
CONTOURS = 2_000  # between two looks at the clock and the keyboard; a tenth in Python
ROOM = 40  # dead points for each live one, to begin with


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
    LikelihoodError
        If the likelihood is broken, or gives two values at one point.
    ResultError
        If it is zero wherever the prior was tried.
    """
    problem = NestedProblem(task.program, periodic=search.periodic)
    likelihood = _compiled(task) if task.program.is_compiled else _called(task)
    run = _explored(search, task, problem, likelihood)
    if run.status == Status.NON_FINITE and likelihood.callback is None:
        # Machine code has no answer there; the model's own Python may have.
        task.log_likelihood(run.trial)
        likelihood = _called(task)
        run = _explored(search, task, problem, likelihood)
    _require_answer(run.status)
    return _samples(task, run, likelihood.offset)


def _compiled(task: Task) -> Likelihood:
    pairs = [path.callable_kernels() for path in task.program.paths]
    table = FactorTable.of_graph(
        [kernels.address("value") for kernels, _ in pairs],
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
    """A run that is over."""

    status: Status
    trial: FloatArray  # the last point that was tried
    numbers: FloatArray
    calls: int
    switched: bool
    insertion: float
    dead: Any
    count: int


def _explored(
    search: Any, task: Task, problem: NestedProblem, likelihood: Likelihood
) -> Explored:
    from graphfit.search.nested.engine.drivers import explore_pixels
    from graphfit.search.nested.engine.workspace import (
        CALLS,
        DEAD,
        RANK_SUM,
        RANK_VARIANCE,
        STATUS,
        SWITCHED,
        new_dead,
        new_memory,
        new_output,
    )

    d, n_values, n = problem.dimension, problem.n_values, search.n_live
    memory = new_memory(d, n_values, n, ROOM * n, problem.periodic)
    state = memory.state
    target = problem.target(likelihood.table)
    output = new_output(1, n_values, task.program.dimension, 0)
    jobs = np.array([[task.seed, n]], dtype=np.int64)
    dead = memory.dead
    limit = CONTOURS if likelihood.callback is None else CONTOURS // 20
    done = 0
    while done == 0:
        if state.whole[DEAD] + 2 * n >= len(dead.log_l):
            dead = new_dead(d, n_values, 2 * len(dead.log_l), dead)
        done = explore_pixels(
            likelihood.table.arrays,
            target,
            search.engine_settings(d),
            memory.live,
            dead,
            memory.bound,
            state,
            output,
            jobs,
            0,
            1,
            limit,
        )
        _raise_errors(problem, likelihood)
        task.progress.update(_note(state, likelihood.offset))
    variance = state.real[RANK_VARIANCE]
    return Explored(
        Status(int(state.whole[STATUS])),
        state.trial_values[: task.program.dimension].copy(),
        output.numbers[0],
        int(state.whole[CALLS]),
        bool(state.whole[SWITCHED]),
        float(state.real[RANK_SUM] / np.sqrt(variance)) if variance else np.nan,
        dead,
        int(state.whole[DEAD]),
    )


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
    if status in {Status.NON_FINITE, Status.NOT_REPEATABLE}:
        msg = f"NestedSampler: {status.sentence}"
        raise LikelihoodError(msg)
    if status == Status.IMPOSSIBLE:
        msg = (
            f"NestedSampler found no place to begin: ln L is -inf at {TRIES_A_POINT} times "
            "as many draws from the prior as there are live points. Check the likelihood "
            "and the conditions, or give priors nearer to the data."
        )
        raise ResultError(msg)


def _samples(task: Task, run: Explored, offset: float) -> Samples:
    rows, program = slice(0, run.count), task.program
    values = run.dead.values[rows, : program.dimension].copy()
    log_likelihood = run.dead.log_l[rows] + offset
    with np.errstate(divide="ignore"):
        log_weights = np.log(run.dead.mass[rows])
    log_z, error, information = run.numbers[:3]
    task.progress.update(
        f"{run.count} samples, {run.calls} likelihood calls, "
        f"ln Z = {log_z + offset:.2f} +/- {error:.2f}, done"
    )
    return Samples(
        kind="nested",
        parameter_names=program.space.names,
        values=values,
        log_likelihood=log_likelihood,
        log_prior=np.asarray(program.log_prior(np.ascontiguousarray(values.T))),
        log_weights=log_weights,
        log_evidence=float(log_z + offset),
        log_evidence_error=float(error),
        evaluations=run.calls,
        status=run.status,
        run=NestedRun(
            contours=log_likelihood,
            births=run.dead.births[rows] + offset,
            live_points=run.dead.counts[rows].copy(),
            log_volume=run.dead.log_volume[rows].copy(),
            ranks=run.dead.ranks[rows].copy(),
            information=float(information),
            insertion=run.insertion,
            switched=run.switched,
        ),
    )
