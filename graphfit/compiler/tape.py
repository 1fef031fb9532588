"""Tape: a formula as a straight line of single operations, without names or types.

``a * np.exp(-0.5 * ((x - m) / s) ** 2)`` becomes

    0 parameter 0     3 column 0        6 div 5 4        9 exp 8
    1 parameter 1     4 parameter 2     7 mul 6 6       10 mul 0 9
    2 ...             5 sub 3 1         8 mul -0.5 7

Every value is written once and refers to earlier ones only, and a value that is there
already is not written again: common subexpressions are one.  Leaves are

========= ==============================================================
parameter a free parameter, one number for all data points
constant  a fixed number that differs between the datasets of one kernel
column    one number a data point: x, the data, a captured array
literal   a number in the formula
========= ==============================================================
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.compiler.operations import COMMUTATIVE, OPERATIONS
from graphfit.typing import FloatArray

LEAVES = frozenset({"parameter", "constant", "column", "literal"})
LARGEST_POWER = 8  # integer powers up to here are products


class Node(NamedTuple):
    """One line: an operation on earlier lines, or a leaf with its position or number."""

    operation: str
    arguments: tuple[int, ...] = ()
    value: Any = None


@final
class Tape:
    """A growing formula; `nodes` are only ever appended.

    Attributes
    ----------
    nodes : list of Node
        The lines, in an order in which they can be computed.

    Examples
    --------
    >>> tape = Tape()
    >>> x, slope = tape.column(0), tape.parameter(0)
    >>> line = tape.apply("mul", slope, x)
    >>> line == tape.apply("mul", x, slope)
    True
    >>> tape.evaluate([line], [2.0], [], [np.arange(3.0)])[0].tolist()
    [0.0, 2.0, 4.0]
    """

    __slots__ = ("_known", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, int] = {}

    def parameter(self, position: int) -> int:
        """Return the line of a free parameter."""
        return self._line(Node("parameter", (), position))

    def constant(self, position: int) -> int:
        """Return the line of a constant of the dataset."""
        return self._line(Node("constant", (), position))

    def column(self, position: int) -> int:
        """Return the line of a column of the data."""
        return self._line(Node("column", (), position))

    def literal(self, number: float) -> int:
        """Return the line of a number; -0.0 and 0.0 are two, NaN is one."""
        value = float(number)
        return self._line(Node("literal", (), value), ("literal", value.hex()))

    def apply(self, operation: str, *arguments: int) -> int:
        """Return the line of an operation on earlier lines, simplified.

        Only what changes no bit of any value is left out: a factor of one, a negation of
        a negation, arithmetic between literals.  Integer powers become products, as numpy
        itself takes its squares.
        """
        known = [self.number(item) for item in arguments]
        if None not in known:
            return self._folded(operation, known)
        simpler = self._simpler(operation, arguments, known)
        if simpler is not None:
            return simpler
        if operation in COMMUTATIVE:
            arguments = tuple(sorted(arguments))
        return self._line(Node(operation, tuple(arguments)))

    def append(self, node: Node) -> int:
        """Return the line of a node as it is, without simplification."""
        return self._line(node)

    def number(self, line: int) -> float | None:
        """Return the number of a literal line; None of any other."""
        node = self.nodes[line]
        return node.value if node.operation == "literal" else None

    def is_bool(self, line: int) -> bool:
        """Say whether a line is a condition."""
        node = self.nodes[line]
        return node.operation not in LEAVES and OPERATIONS[node.operation].is_bool

    def needed(self, lines: Iterable[int]) -> list[int]:
        """Return, in order, every line that the given ones are computed from."""
        wanted: set[int] = set()
        waiting = list(lines)
        while waiting:
            line = waiting.pop()
            if line not in wanted:
                wanted.add(line)
                waiting.extend(self.nodes[line].arguments)
        return sorted(wanted)

    def varying(self) -> list[bool]:
        """Say of each line whether it differs from data point to data point."""
        found: list[bool] = []
        for node in self.nodes:
            leaf = node.operation in LEAVES
            found.append(
                node.operation == "column"
                if leaf
                else any(found[item] for item in node.arguments)
            )
        return found

    def evaluate(
        self,
        lines: Sequence[int],
        parameters: Sequence[Any],
        constants: Sequence[Any],
        columns: Sequence[FloatArray],
    ) -> list[Any]:
        """Return the values of `lines` by numpy: the slow, obvious twin of the kernels."""
        sources = {"parameter": parameters, "constant": constants, "column": columns}
        values: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for line in self.needed(lines):
                node = self.nodes[line]
                if node.operation == "literal":
                    values[line] = np.float64(node.value)
                elif node.operation in sources:
                    values[line] = np.asarray(sources[node.operation][node.value])
                else:
                    arguments = [values[item] for item in node.arguments]
                    values[line] = OPERATIONS[node.operation].function(*arguments)
        return [values[line] for line in lines]

    def _line(self, node: Node, key: Any = None) -> int:
        key = node if key is None else key
        line = self._known.get(key)
        if line is None:
            line = self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return line

    def _folded(self, operation: str, numbers: Sequence[Any]) -> int:
        with np.errstate(all="ignore"):
            value = OPERATIONS[operation].function(
                *(np.float64(item) for item in numbers)
            )
        if OPERATIONS[operation].is_bool:
            # A condition between numbers stays one, so that `where` finds a condition.
            zero = self.literal(0.0)
            return self._line(Node("le" if value else "lt", (zero, zero)))
        return self.literal(float(value))

    def _simpler(
        self, operation: str, arguments: Sequence[int], known: Sequence[float | None]
    ) -> int | None:
        """Return an earlier line of the same value, where one is plain to see."""
        first, found = arguments[0], None
        match operation:
            case "mul" if 1.0 in known:
                found = arguments[1 - known.index(1.0)]
            case "div" if known[1] == 1.0:
                found = first
            case "neg" if self.nodes[first].operation == "neg":
                found = self.nodes[first].arguments[0]
            case "where":
                found = self._chosen(*arguments)
            case "pow" if known[1] is not None:
                found = self._power(first, known[1])
            case "number" if not self.is_bool(first):
                found = first
        return found

    def _chosen(self, condition: int, first: int, second: int) -> int | None:
        if first == second:
            return first
        node = self.nodes[condition]
        if node.arguments and node.arguments[0] == node.arguments[-1]:
            number = self.number(node.arguments[0])
            if number == 0.0 and node.operation in ("le", "lt"):
                return first if node.operation == "le" else second
        return None

    def _power(self, base: int, exponent: float) -> int | None:
        if exponent == 0.5:
            return self.apply("sqrt", base)
        if exponent != int(exponent) if abs(exponent) <= LARGEST_POWER else True:
            return None
        count = abs(int(exponent))
        if count == 0:
            return self.literal(1.0)
        product, square = None, base
        while count:
            if count & 1:
                product = (
                    square if product is None else self.apply("mul", product, square)
                )
            count >>= 1
            if count:
                square = self.apply("mul", square, square)
        assert product is not None
        return (
            product if exponent > 0 else self.apply("div", self.literal(1.0), product)
        )
