"""NestedProblem: a graph as the compiled sampler sees it, for one problem or for rows."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from graphfit.compiler.driving.factor_table import FactorTable
from graphfit.compiler.program import Program
from graphfit.compiler.unit_cube import UnitCube
from graphfit.typing import FloatArray


@final
class NestedProblem:
    """A program's prior transform, and what its reductions make of it.

    Parameters
    ----------
    program : Program
    hidden : sequence of int
        Positions of parameters that stand for numbers given row by row.
    periodic : sequence of str
        Names of parameters whose ends meet.
    """

    def __init__(
        self,
        program: Program,
        *,
        hidden: Sequence[int] = (),
        periodic: Sequence[str] = (),
    ) -> None:
        self.program = program
        self.cube = UnitCube(program.space, hidden=hidden)
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
        """A."""
        return self.cube.n_values

    def target(self, table: FactorTable, numbers: FloatArray | None = None) -> Any:
        """Return the target of a thread.

        Parameters
        ----------
        table : FactorTable
            Kernels of values at P pixels; it must outlive the target.
        numbers : ndarray, shape (P, H), optional
            For the hidden parameters; it must outlive the target.
        """
        from graphfit.compiler.driving.evaluate import new_cursor, new_scratch
        from graphfit.search.nested.engine.target import Target

        first, stride = 0, 0
        if numbers is not None and numbers.size:
            first, stride = numbers.ctypes.data, numbers.strides[0]
        place = np.array([self.cube.address(), first, first, stride], dtype=np.int64)
        return Target(new_cursor(table), new_scratch(table), place)


def program_table(program: Program) -> tuple[FactorTable, float, Mapping[str, Any]]:
    """Return the factors of a program as kernels of values, and the offset of their sum."""
    pairs = [path.callable_kernels() for path in program.paths]
    table = FactorTable.of_graph(
        [kernels.address("value") for kernels, _ in pairs],
        [data for _, data in pairs],
        program.dimension,
    )
    return table, sum(data.offset for _, data in pairs), {}
