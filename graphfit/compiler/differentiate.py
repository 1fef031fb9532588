"""Derivatives of a tape: one sweep backwards for all parameters at once.

For ``y = f(g(...))`` every line gets its adjoint ``dy / d line``, from the last to the
first: ``adjoint(argument) += adjoint(line) * d line / d argument`` (Linnainmaa 1976, BIT 16,
146).  The derivatives are lines of the same tape, so they share what the value computes.
"""

from collections.abc import Sequence

from graphfit.compiler.operations import OPERATIONS
from graphfit.compiler.tape import LEAVES, Tape
from graphfit.compiler.tracer import Tracer, lift


def gradient(tape: Tape, output: int, wrt: Sequence[int]) -> list[int | None]:
    """Return the lines of ``d output / d line`` for each of `wrt`; None where it is zero.

    Parameters
    ----------
    tape : Tape
        Grows by the derivative's lines.
    output : int
        The line to differentiate.
    wrt : sequence of int
        Lines, leaves or others; what one of them is computed from is not followed.

    Examples
    --------
    >>> tape = Tape()
    >>> a, x = tape.parameter(0), tape.column(0)
    >>> square = tape.apply("mul", a, a)
    >>> (slope,) = gradient(tape, tape.apply("mul", square, x), [a])
    >>> float(tape.evaluate([slope], [3.0], [], [2.0])[0])
    12.0
    """
    stops = frozenset(wrt)
    order = _dependent(tape, output, stops)
    adjoints: dict[int, int] = {output: tape.literal(1.0)} if output in order else {}
    for line in sorted(order, reverse=True):
        if line in adjoints and line not in stops:
            _propagate(tape, line, adjoints, order)
    return [adjoints.get(line) for line in wrt]


def _dependent(tape: Tape, output: int, stops: frozenset[int]) -> set[int]:
    """Return the lines between `output` and `stops`: those that depend on one of them."""
    found: set[int] = set()
    for line in tape.needed([output]):
        if line in stops or any(item in found for item in tape.nodes[line].arguments):
            found.add(line)
    return found


def _propagate(
    tape: Tape, line: int, adjoints: dict[int, int], active: set[int]
) -> None:
    node = tape.nodes[line]
    if node.operation in LEAVES:
        return
    rule = OPERATIONS[node.operation].rule
    if rule is None or not any(item in active for item in node.arguments):
        return
    if node.operation in ("where", "minimum", "maximum"):
        parts = _chosen(tape, line, adjoints[line])
    else:
        arguments = [Tracer(tape, item) for item in node.arguments]
        partials = rule(*arguments, Tracer(tape, line))
        parts = [
            None
            if partial is None or item not in active
            else _times(tape, adjoints[line], lift(tape, partial))
            for item, partial in zip(node.arguments, partials, strict=True)
        ]
    for item, part in zip(node.arguments, parts, strict=True):
        if part is not None and item in active:
            held = adjoints.get(item)
            adjoints[item] = part if held is None else _plus(tape, held, part)


def _chosen(tape: Tape, line: int, adjoint: int) -> list[int | None]:
    """Return the adjoints of a choice: chosen, never multiplied by zero."""
    node = tape.nodes[line]
    zero = tape.literal(0.0)
    head: list[int | None] = []
    if node.operation == "where":
        condition = node.arguments[0]
        head.append(None)
    else:
        sign = "le" if node.operation == "minimum" else "ge"
        condition = tape.apply(sign, *node.arguments)
    first = tape.apply("where", condition, adjoint, zero)
    second = tape.apply("where", condition, zero, adjoint)
    return [*head, first, second]


# What is not chosen may be NaN or infinite, and 0 * NaN is NaN: products and sums of choices
# are taken inside the choice.
def _times(tape: Tape, adjoint: int, partial: int) -> int:
    node = tape.nodes[adjoint]
    if node.operation == "where":
        condition, first, second = node.arguments
        if tape.number(second) == 0.0:
            product = _times(tape, first, partial)
            return tape.apply("where", condition, product, second)
        if tape.number(first) == 0.0:
            product = _times(tape, second, partial)
            return tape.apply("where", condition, first, product)
    if tape.number(partial) == -1.0:
        return tape.apply("neg", adjoint)
    return tape.apply("mul", adjoint, partial)


def _plus(tape: Tape, first: int, second: int) -> int:
    a, b = tape.nodes[first], tape.nodes[second]
    if a.operation == b.operation == "where" and a.arguments[0] == b.arguments[0]:
        pairs = zip(a.arguments[1:], b.arguments[1:], strict=True)
        inside = [_plus(tape, *pair) for pair in pairs]
        return tape.apply("where", a.arguments[0], *inside)
    for one, other in ((first, second), (second, first)):
        if tape.number(one) == 0.0:
            return other
    return tape.apply("add", first, second)
