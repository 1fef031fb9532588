"""Nested runs step by step: the compiled loop over any function of the unit cube."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import graphfit as gf
from graphfit.compiler import lower
from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.search.nested.called_likelihood import CalledLikelihood
from graphfit.search.nested.engine import workspace as at
from graphfit.search.nested.nested_memory import NestedMemory
from graphfit.search.nested.nested_problem import NestedProblem
from graphfit.search.nested.reductions import NOTHING
from tests.exam import Function, single


@dataclass
class Run:
    """A run that is advanced by hand; `target` and `table` are what it explores."""

    memory: Any
    table: Any
    target: Any
    output: Any
    jobs: Any
    owners: Any
    done: int = 0

    def advance(self, contours: int = 1 << 62) -> bool:
        """Pass so many contours; say whether the run is over."""
        last = len(self.jobs)
        self.done = self.memory.explore(
            self.table.arrays,
            self.target,
            self.output,
            self.jobs,
            self.done,
            last,
            contours,
        )
        return self.done == last

    @property
    def live(self) -> Any:
        return self.memory.live

    @property
    def dead(self) -> Any:
        return self.memory.dead

    @property
    def state(self) -> Any:
        return self.memory.state

    @property
    def count(self) -> int:
        """Dead points."""
        return int(self.state.whole[at.DEAD])

    @property
    def status(self) -> gf.Status:
        return gf.Status(int(self.output.whole[-1, at.STATUS_OUT]))

    def rows(self, name: str) -> Any:
        """A copy of one of the dead points' columns."""
        return getattr(self.dead, name)[: self.count].copy()


def run_of(function, d, *, n_live=40, seed=1, periodic=(), pixels=1, room=None, **more):
    """A run over ``function(u)``, u (d,) in the unit cube, that has not begun."""
    box = {f"x{k}": gf.UniformPrior(0.0, 1.0) for k in range(d)}
    program = lower(single(gf.Collection(**box), Function(function)))
    called = CalledLikelihood(program.log_likelihood, d)
    table = FactorTable.of_graph([called.address()], [called.data()], d)
    run = _run(program, table, pixels, seed, n_live, periodic, room, more)
    run.owners = called, run.owners
    return run


def compiled_run_of(model, *, n_live=40, seed=1, periodic=(), room=None, **more):
    """A run over ``ln L = -model(theta)^2 / 2``, in machine code."""
    analysis = gf.ProfileAnalysis(np.zeros(1), np.zeros(1), 1.0)
    program = lower(single(model, analysis))
    (path,) = program.paths
    kernels, data = path.callable_kernels()
    d = program.dimension
    table = FactorTable.of_graph([kernels.address("value")], [data], d)
    return _run(program, table, 1, seed, n_live, periodic, room, more)


def _run(program, table, pixels, seed, n_live, periodic, room, more):
    d = program.dimension
    problem = NestedProblem(program, NOTHING, periodic=periodic)
    search = gf.NestedSampler(n_live=n_live, **more)
    memory = NestedMemory(d, d, n_live, search.engine_settings(d), problem.periodic)
    if room is not None:
        memory.dead = at.new_dead(d, d, room)
    jobs = np.array([[seed + p, n_live] for p in range(pixels)], dtype=np.int64)
    return Run(
        memory,
        table,
        problem.target(table),
        at.new_output(pixels, d, d, 0),
        jobs,
        (problem, program),
    )


# --- likelihoods of the unit cube ----------------------------------------------------------


def peak(u):
    """A normal law of width 0.1 about the middle, not normalised."""
    return float(-0.5 * np.sum((u - 0.5) ** 2) / 0.01)


def high_peak(u):
    """From ln L = -10^5 up: further than a double reaches without another base."""
    return 1e5 * peak(u) / 12.5 + 700.0


def stairs(u):
    """Plateaus of a fifth of the range each, the first coordinate's."""
    return float(np.floor(5.0 * u[0]))


def terraces(u):
    """Rings of equal likelihood about the middle."""
    return float(-np.floor(30.0 * np.hypot(*(u - 0.5))))


def island(u):
    """A peak in the one half of the square that is possible."""
    if u[0] + u[1] > 1.0:
        raise gf.FitException
    return peak(u)


def level(u):
    return -2.5
