"""Formula: what one factor computes at a data point, of its own free parameters.

The factor's instance is built from stand-ins and called on stand-ins, so relations between
priors, fixed values, the sum of a collection's profiles are all part of one tape.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, final

import numpy as np

from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.tape import Node, Tape
from graphfit.compiler.trace import Traced, trace
from graphfit.compiler.tracer import Tracer, Untraceable
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression, Prior, Relation
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True)
class Formula:
    """A factor written down, in a form that can be compared with other factors'.

    Attributes
    ----------
    nodes : tuple of Node
        The lines that the outputs need, numbered from 0.
    outputs : tuple of int
        The lines of the model, then of jitter and degrees of freedom where they are fitted.
    parameters : tuple of Prior
        The free parameters it depends on: parameter 0, 1, ... of the lines.
    arrays : tuple of ndarray, each of shape (N,)
        Arrays of the user's in the formula: the columns after those of x.
    any_x : bool
        Whether it holds for other x as well.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    parameters: tuple[Prior, ...]
    arrays: tuple[FloatArray, ...]
    any_x: bool = True

    @property
    def shape(self) -> tuple[Any, ...]:
        """What two factors that differ only in numbers have in common."""
        bare = [
            Node("literal") if node.operation == "literal" else node
            for node in self.nodes
        ]
        return tuple(bare), self.outputs, len(self.parameters), len(self.arrays)

    def with_constants(self, constants: Sequence[bool]) -> "Formula":
        """Return the formula with numbers as constants of the dataset.

        Parameters
        ----------
        constants : sequence of bool
            For each of `literals`: whether it is to be one.
        """
        nodes: list[Node] = []
        flags, position = iter(constants), 0
        for node in self.nodes:
            if node.operation == "literal" and next(flags):
                nodes.append(Node("constant", (), position))
                position += 1
            else:
                nodes.append(node)
        return replace(self, nodes=tuple(nodes))

    @property
    def content(self) -> tuple[Any, ...]:
        """What decides every bit of the values: equal contents share their kernels."""
        exact = [
            # By their bits: 0.0 == -0.0, and NaN is unequal to itself.
            Node("literal", (), node.value.hex())
            if node.operation == "literal"
            else node
            for node in self.nodes
        ]
        return tuple(exact), self.outputs, len(self.parameters)

    @property
    def literals(self) -> list[float]:
        """The numbers in the formula, in the order of their lines."""
        return [node.value for node in self.nodes if node.operation == "literal"]

    def tape(self) -> Tape:
        """Return the formula as a tape that can grow."""
        tape = Tape()
        for node in self.nodes:
            if node.operation == "literal":
                tape.literal(node.value)
            else:
                tape.append(node)
        return tape


def factor_formula(
    model: Any, space: ParameterSpace, data: Pointwise, first_column: int
) -> Formula:
    """Return the formula of a factor.

    Parameters
    ----------
    model : Node
        The factor's own model.
    space : ParameterSpace
        Of the graph that the factor belongs to.
    data : Pointwise
        What its analysis says of the data.
    first_column : int
        Columns of the kernel before x.

    Raises
    ------
    Untraceable
        If it cannot be written down; the message says why.
    """
    build = instance_builder(model, space)
    positions: dict[Prior, int] = {}

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> list[Any]:
        instance = build(Row(space, positions, parameter))  # type: ignore[arg-type]
        function = instance if data.call == "call" else instance.model_data_from
        values = [function(*x)]
        return [*values, *(attrgetter(path)(instance) for path in fitted_paths(data))]

    traced = trace(call, data.inputs, data.data.shape, first_column)
    return canonical(traced, tuple(positions))


def fitted_paths(data: Pointwise) -> list[str]:
    """Return the paths of jitter and degrees of freedom where they are on the instance."""
    paths = (data.jitter, data.degrees_of_freedom)
    return [path for path in paths if isinstance(path, str)]


@final
class Row:
    """Stands for the table of values: a stand-in for each slot that is asked for."""

    def __init__(
        self,
        space: ParameterSpace,
        positions: dict[Prior, int],
        parameter: Callable[[int], Tracer],
    ) -> None:
        self._space = space
        self._positions = positions
        self._parameter = parameter

    def __getitem__(self, slot: int) -> Any:
        return self.value(self._space.expression(slot))

    def value(self, item: Any) -> Any:
        """Return what stands for a prior, a relation or a constant."""
        if isinstance(item, Relation):
            return item.function(*(self.value(operand) for operand in item.arguments))
        if isinstance(item, Prior):
            position = self._positions.setdefault(item, len(self._positions))
            return self._parameter(position)
        if isinstance(item, Expression):
            msg = f"a {type(item).__name__} among the parameters"
            raise Untraceable(msg)
        return item


def canonical(traced: Traced, parameters: tuple[Prior, ...]) -> Formula:
    """Return the formula of a trace: its needed lines, numbered without gaps."""
    tape = traced.tape
    lines = tape.needed(traced.outputs)
    used = sorted(
        {tape.nodes[i].value for i in lines if tape.nodes[i].operation == "parameter"}
    )
    renamed = {old: new for new, old in enumerate(used)}
    places: dict[int, int] = {}
    nodes: list[Node] = []
    for line in lines:
        node = tape.nodes[line]
        arguments = tuple(places[item] for item in node.arguments)
        value = renamed[node.value] if node.operation == "parameter" else node.value
        places[line] = len(nodes)
        nodes.append(Node(node.operation, arguments, value))
    return Formula(
        tuple(nodes),
        tuple(places[line] for line in traced.outputs),
        tuple(parameters[old] for old in used),
        traced.arrays,
        traced.any_x,
    )


def differing(formulas: Sequence[Formula]) -> list[bool]:
    """Say of each literal of formulas of one shape whether it differs among them."""
    table = np.array([formula.literals for formula in formulas]).view(np.int64)
    if not table.size:
        return []
    flags: list[bool] = (table != table[0]).any(axis=0).tolist()
    return flags
