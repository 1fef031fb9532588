"""NestedRows: the compiled sampler for many rows of data."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable, TableRow
from graphfit.samples.status import Status
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.batch_result import offsets
from graphfit.search.least_squares.blocks import Buffers, block_columns, rows_per_block
from graphfit.search.least_squares.row_fits import row_blocks
from graphfit.search.least_squares.row_problem import RowProblem
from graphfit.search.nested.nested_fits import NestedFits
from graphfit.search.nested.nested_problem import NestedProblem
from graphfit.search.nested.reductions import reductions
from graphfit.typing import AnyArray, FloatArray

CONTOURS = 5_000  # between two looks at the clock, where there is a limit of time


@final
class NestedRows:
    """A graph whose every row of data is a problem for the compiled sampler.

    Parameters
    ----------
    search : NestedSampler
    rows : RowProblem
        The graph, lowered and compiled for rows.
    """

    def __init__(self, search: Any, rows: RowProblem) -> None:
        self._search = search
        self._rows = rows
        program, hidden = rows.program, tuple(rows.hidden)
        plan = reductions(program, search, hidden=hidden)
        if rows.kernels.way != "compiled":
            # No number from numba's code is a point that the model rejects.
            plan = replace(plan, rejects=True)
        self._problem = NestedProblem(
            program, plan, hidden=hidden, periodic=search.periodic
        )
        order = {name: i for i, name in enumerate(program.factor_names)}
        own = [order[name] for name in rows.own]
        # Of a table: factors with data of their own first, as in RowKernels.
        self._factors = (*own, *(i for i in range(len(order)) if i not in own))

    def fit(
        self,
        data: Mapping[str, CurveData],
        jobs: AnyArray,
        *,
        numbers: FloatArray,
        draws: int = 0,
        time_limit: float | None = None,
    ) -> NestedFits:
        """Return the runs of every row.

        Parameters
        ----------
        data : mapping of str to CurveData
            P rows of each factor that has data of its own.
        jobs : ndarray of int64, shape (P, 2)
            Seed and number of live points of each row.
        numbers : ndarray, shape (P, H)
            For the hidden parameters, in the order of their positions.
        draws : int
            Equal-weight draws to keep.
        time_limit : float, optional
            Seconds that a row may take.
        """
        rows = {name: data[name] for name in self._rows.own}
        count, program = len(jobs), self._rows.program
        n_values = self._problem.n_values
        fits = NestedFits.of(count, n_values, program.dimension, draws)
        points = np.zeros((len(rows), count), dtype=np.int64)
        memory = self._memory(int(jobs[:, 1].max(initial=1)))
        buffers = [Buffers() for _ in rows]
        widest = max(item.y.shape[1] for item in rows.values())
        for low, high in row_blocks(count, rows_per_block(widest)):
            columns = []
            for i, item in enumerate(rows.values()):
                filled, points[i, low:high] = block_columns(
                    item,
                    low,
                    high,
                    buffers[i],
                    with_variance=self._rows.kernels.factors[i].fits_noise,
                )
                columns.append(filled)
            part = slice(low, high)
            self._explore(
                memory,
                self._table(columns),
                (numbers[part], jobs[part], time_limit),
                fits.rows(part),
            )
        constant = offsets(program, self._rows.kernels, rows, points)
        fits.log_evidence[:] += constant
        fits.log_likelihood[:] += constant
        fits.draw_log_likelihood[:] += constant[:, None]
        return fits

    def _memory(self, n_live: int) -> Any:
        from graphfit.search.nested.nested_memory import NestedMemory

        problem = self._problem
        return NestedMemory(
            problem.dimension,
            problem.n_kept,
            n_live,
            self._search.engine_settings(problem.dimension),
            problem.periodic,
        )

    def _table(self, columns: Sequence[tuple[FloatArray, ...]]) -> FactorTable:
        """Return the kernels of a block of rows, of values or with amplitudes."""
        kernels, plan = self._rows.kernels, self._problem.plan
        table = [
            TableRow(
                plan.address(position, factor.kernels),
                factor.local,
                factor.constants[None],
                (*own, *(column[None] for column in factor.columns)),
            )
            for position, factor, own in zip(
                self._factors, kernels.factors, columns, strict=False
            )
        ]
        shared = zip(self._factors[len(table) :], kernels.shared, strict=True)
        table += [
            TableRow(
                plan.address(position, own),
                item.local,
                item.constants[None],
                tuple(column[None] for column in item.columns),
            )
            for position, (own, item) in shared
        ]
        return FactorTable.of(table, n_parameters=self._rows.program.dimension)

    def _explore(
        self,
        memory: Any,
        table: FactorTable,
        given: tuple[FloatArray, AnyArray, float | None],
        fits: NestedFits,
    ) -> None:
        """Run a block of rows, and write what is found."""
        from graphfit.search.nested.engine.workspace import (
            FRESH,
            PHASE,
            STATUS_OUT,
            new_output,
        )
        from graphfit.search.nested.nested_memory import UNLIMITED

        numbers, jobs, time_limit = given
        numbers = np.ascontiguousarray(numbers)
        jobs = np.ascontiguousarray(jobs, dtype=np.int64)
        target = self._problem.target(table, numbers, self._factors)
        count = len(jobs)
        output = new_output(
            count,
            self._problem.n_values,
            self._rows.program.dimension,
            fits.draws.shape[1],
        )
        limit = UNLIMITED if time_limit is None else CONTOURS
        done, here, began = 0, 0, time.perf_counter()
        exact = memory.integrate(table.arrays, target, output, jobs)
        while done < count:
            if exact[done]:
                done = here = done + 1
                continue
            last = done + int(np.argmax(np.append(exact[done:], True)))
            done = memory.explore(table.arrays, target, output, jobs, done, last, limit)
            if done != here:
                here, began = done, time.perf_counter()
            elif time_limit is not None and time.perf_counter() - began > time_limit:
                output.whole[done, STATUS_OUT] = Status.TIME_LIMIT
                memory.state.whole[PHASE] = FRESH
                done = here = done + 1
                began = time.perf_counter()
        _write(output, fits)


def _write(output: Any, fits: NestedFits) -> None:
    from graphfit.search.nested.engine.workspace import (
        REAL_OUTPUTS,
        STATUS_OUT,
        VECTOR_OUTPUTS,
        WHOLE_OUTPUTS,
    )

    for i, name in enumerate(VECTOR_OUTPUTS):
        getattr(fits, name)[:] = output.vectors[:, i]
    for i, name in enumerate(REAL_OUTPUTS):
        getattr(fits, name)[:] = output.numbers[:, i]
    for i, name in enumerate(WHOLE_OUTPUTS[: STATUS_OUT + 1]):
        getattr(fits, name)[:] = output.whole[:, i]
    fits.covariance[:] = output.covariance
    fits.insertion_counts[:] = output.insertion_counts
    fits.draws[:] = output.draws
    fits.draw_log_likelihood[:] = output.draw_log_l
