"""NestedProblem: a graph as the compiled sampler sees it, for one problem or for rows."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.compiler.program import Program
from graphfit.compiler.unit_cube import UnitCube
from graphfit.search.nested.reductions import Reductions
from graphfit.typing import FloatArray


@final
class NestedProblem:
    """A program's prior transform, and what its reductions make of it.

    Parameters
    ----------
    program : Program
    plan : Reductions
        What is done exactly before anything is sampled.
    hidden : sequence of int
        Positions of parameters that stand for numbers given row by row.
    periodic : sequence of str
        Names of parameters whose ends meet.
    """

    def __init__(
        self,
        program: Program,
        plan: Reductions,
        *,
        hidden: Sequence[int] = (),
        periodic: Sequence[str] = (),
    ) -> None:
        self.program = program
        self.plan = plan
        held = {} if plan.linear is None else plan.linear.references
        self.cube = UnitCube(
            program.space, hidden=hidden, held=held, ordered=plan.ordered
        )
        names = program.space.names
        self.periodic = np.array(
            [names[position] in periodic for position in self.cube.free], dtype=bool
        )

    @property
    def dimension(self) -> int:
        """d, the sampled dimensions."""
        return len(self.cube.free)

    @property
    def n_values(self) -> int:
        """A, the parameters and the relations."""
        return self.cube.n_values

    @property
    def n_kept(self) -> int:
        """Numbers kept of a point: A, and what its linear amplitudes are drawn from."""
        if self.plan.linear is None:
            return self.n_values
        from graphfit.search.nested.engine.linear_amplitudes import form_size

        return self.n_values + form_size(len(self.plan.linear.amplitudes))

    def target(
        self,
        table: FactorTable,
        numbers: FloatArray | None = None,
        factors: tuple[int, ...] | None = None,
    ) -> Any:
        """Return the target of a thread.

        Parameters
        ----------
        table : FactorTable
            Kernels of values at P pixels; it must outlive the target.
        numbers : ndarray, shape (P, H), optional
            For the hidden parameters; it must outlive the target.
        factors : tuple of int, optional
            Which factor of the graph each of the table is; by default in its order.
        """
        from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
        from graphfit.search.nested.engine.linear_amplitudes import pack
        from graphfit.search.nested.engine.target import Target

        first, stride = 0, 0
        if numbers is not None and numbers.size:
            first, stride = numbers.ctypes.data, numbers.strides[0]
        order = range(table.n_factors) if factors is None else factors
        flags = self.plan.flags(order)
        place = [
            *(self.cube.address(), first, first, stride),
            int(self.plan.rejects),
            *flags,
        ]
        index, amounts = np.zeros(0, dtype=np.int64), np.zeros(0)
        if self.plan.linear is not None:
            index, amounts = pack(self.plan.linear, factors)
        return Target(
            new_cursor(table),
            new_scratch(table),
            np.array(place, dtype=np.int64),
            index,
            amounts,
        )
