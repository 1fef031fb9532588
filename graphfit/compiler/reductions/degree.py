"""The degree of a formula in some of its parameters, read off its tape."""

import math
from collections.abc import Collection

from graphfit.compiler.tape import LEAVES, Tape


def degree(tape: Tape, output: int, parameters: Collection[int]) -> float:
    """Return the degree of a line as a polynomial in parameters.

    Parameters
    ----------
    tape : Tape
        With the line.
    output : int
        The line.
    parameters : collection of int
        Positions of the parameters; all others are constants.

    Returns
    -------
    float
        At most 1 only where the line is ``h + sum_i a_i g_i`` with h and g free of the
        parameters a; infinite where it is no polynomial, or not one to the eye: a maximum
        of two, a power whose exponent is no number.

    Examples
    --------
    >>> tape = Tape()
    >>> a, b = tape.parameter(0), tape.parameter(1)
    >>> product = tape.apply("mul", a, tape.apply("exp", b))
    >>> degree(tape, product, [0]), degree(tape, product, [0, 1])
    (1.0, inf)
    """
    found: dict[int, float] = {}
    for line in tape.needed([output]):
        node = tape.nodes[line]
        if node.operation in LEAVES:
            is_one = node.operation == "parameter" and node.value in parameters
            found[line] = float(is_one)
        else:
            below = [found[item] for item in node.arguments]
            found[line] = _degree(node.operation, below)
    return found[output]


def _degree(operation: str, below: list[float]) -> float:
    """Return the degree of a line from those of its arguments."""
    if not any(below):
        return 0.0
    match operation:
        case "add" | "sub" | "neg":
            return max(below)
        case "mul":
            return sum(below)
        case "div" if not below[1]:
            return below[0]
        case "where" if not below[0]:
            return max(below[1:])
    return math.inf
