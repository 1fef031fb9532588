"""Tracing: a user's profile in plain numpy becomes a tape.

The function is called once with stand-ins (:class:`~graphfit.compiler.tracer.Tracer`).
Where it branches on a parameter (``if width == 0: raise gf.FitException``) it is called
again for the other way, and the results are joined: ``where(width == 0, NaN, formula)``.
First x is a stand-in too, so that one tape serves every dataset.  A function that needs x
itself (``x.mean()``, ``np.interp(x, ...)``, ``len(x)``) is traced with the real x: then what
depends on x alone becomes a column of numbers.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.compiler.tape import Tape
from graphfit.compiler.tracer import Tracer, Untraceable, lift
from graphfit.errors import FitException
from graphfit.typing import FloatArray

MOST_PATHS = 32  # combinations of branches followed
TOO_MANY_PATHS = f"more than {MOST_PATHS} combinations of branches"


@final
class Recording:
    """One trace: the tape, the arrays captured, the branches taken on this path.

    Parameters
    ----------
    tape : Tape
        Where to write.
    shape : tuple of int
        Of the data; an array in a formula must have it.
    first_column : int
        The position of the first captured array among the columns.
    """

    def __init__(self, tape: Tape, shape: tuple[int, ...], first_column: int) -> None:
        self.tape = tape
        self.arrays: list[FloatArray] = []
        self._shape = shape
        self._first = first_column
        self._conditions: list[int] = []
        self._decisions: tuple[bool, ...] = ()
        self._paths = 0

    def tracer(self, line: int) -> Tracer:
        """Return the stand-in for a line of the tape."""
        return Tracer(self.tape, line, self)

    def capture(self, array: Any) -> int:
        """Return the line of an array in the formula: a number where it is constant."""
        if array.shape != self._shape:
            msg = f"an array of shape {array.shape} meets data of shape {self._shape}"
            raise Untraceable(msg)
        values = np.ascontiguousarray(array, dtype=np.float64)
        bits = values.view(np.int64)  # -0.0 is not 0.0, NaN is NaN
        if values.size and (bits == bits.flat[0]).all():
            return self.tape.literal(float(values.flat[0]))
        for i, known in enumerate(self.arrays):
            if np.array_equal(known.view(np.int64), bits):
                return self.tape.column(self._first + i)
        self.arrays.append(values.copy())
        return self.tape.column(self._first + len(self.arrays) - 1)

    def decide(self, line: int) -> bool:
        """Return which way this path takes at a branch on a condition."""
        node = self.tape.nodes[line]
        known = [self.tape.number(item) for item in node.arguments]
        if None not in known and node.operation in ("le", "lt"):
            return node.operation == "le"  # a folded condition, see Tape
        if self.tape.varying()[line]:
            msg = "a branch on the values of x"
            raise Untraceable(msg)
        if line in self._conditions:
            return self._taken(self._conditions.index(line))
        if len(self._conditions) == MOST_PATHS:  # a loop that no path ends
            raise Untraceable(TOO_MANY_PATHS)
        self._conditions.append(line)
        return self._taken(len(self._conditions) - 1)

    def _taken(self, position: int) -> bool:
        known = position < len(self._decisions)
        return self._decisions[position] if known else False

    def explore(self, call: Callable[[], Sequence[Any]]) -> tuple[int, ...]:
        """Return the lines of what `call` returns, over all its branches."""
        return self._branch(call, ())

    def _branch(
        self, call: Callable[[], Sequence[Any]], decisions: tuple[bool, ...]
    ) -> tuple[int, ...]:
        self._paths += 1
        if self._paths > MOST_PATHS:
            raise Untraceable(TOO_MANY_PATHS)
        self._decisions, self._conditions = decisions, []
        try:
            results = [self._number(value) for value in call()]
        except FitException:
            results = []
        conditions = self._conditions
        for k in range(len(conditions) - 1, len(decisions) - 1, -1):
            untaken = (False,) * (k - len(decisions))
            others = self._branch(call, (*decisions, *untaken, True))
            results = self._joined(conditions[k], others, results)
        return tuple(results)

    def _joined(
        self, condition: int, first: Sequence[int], second: Sequence[int]
    ) -> list[int]:
        """Return where(condition, first, second); NaN where a path rejects the point.

        NaN makes the program ask the user's own code, which rejects it in its own way.
        """
        nan = self.tape.literal(np.nan)
        count = max(len(first), len(second))
        pairs = zip(first or [nan] * count, second or [nan] * count, strict=True)
        return [self.tape.apply("where", condition, a, b) for a, b in pairs]

    def _number(self, value: Any) -> int:
        line = lift(self.tape, value, self)
        return self.tape.apply("number", line) if self.tape.is_bool(line) else line


@final
@dataclass(frozen=True)
class Traced:
    """A function written down.

    Attributes
    ----------
    tape : Tape
    outputs : tuple of int
        The lines of the function's values.
    arrays : tuple of ndarray
        The captured arrays: the columns after those of x.
    any_x : bool
        Whether it holds for other x as well: nothing was computed from the x at hand.
    """

    tape: Tape
    outputs: tuple[int, ...]
    arrays: tuple[FloatArray, ...]
    any_x: bool


Call = Callable[[Sequence[Any], Callable[[int], Tracer]], Sequence[Any]]


def trace(
    call: Call, inputs: Sequence[FloatArray], shape: tuple[int, ...], first: int = 0
) -> Traced:
    """Return the tape of a function of x and parameters.

    Parameters
    ----------
    call : callable
        ``call(x, parameter) -> values``: x are the independent variables, and
        ``parameter(j)`` stands for the free parameter j.
    inputs : sequence of ndarray
        The independent variables, columns ``first`` and on.
    shape : tuple of int
        Of the data.
    first : int
        Columns before x, e.g. the data and their weights.

    Raises
    ------
    Untraceable
        If the function does what no formula can hold; the message says what.

    Examples
    --------
    >>> def decay(x, parameter):
    ...     return [parameter(0) * np.exp(-parameter(1) * x[0])]
    >>> x = np.arange(3.0)
    >>> traced = trace(decay, [x], x.shape)
    >>> traced.tape.evaluate(traced.outputs, [2.0, 0.0], [], [x])[0].tolist()
    [2.0, 2.0, 2.0]
    """
    try:
        return _traced(call, inputs, shape, first, symbolic=True)
    except Untraceable:
        if not inputs:
            raise
    # What is refused with x itself is what stands in the way.
    return _traced(call, inputs, shape, first, symbolic=False)


def _traced(
    call: Call,
    inputs: Sequence[FloatArray],
    shape: tuple[int, ...],
    first: int,
    *,
    symbolic: bool,
) -> Traced:
    tape = Tape()
    recording = Recording(tape, shape, first + len(inputs))
    x: list[Any] = [_read_only(values) for values in inputs]
    if symbolic:
        x = [recording.tracer(tape.column(first + i)) for i in range(len(inputs))]

    def parameter(position: int) -> Tracer:
        return recording.tracer(tape.parameter(position))

    def once() -> Sequence[Any]:
        try:
            return call(x, parameter)
        except (Untraceable, FitException):
            raise
        except Exception as error:  # boundary: a user's function, called with stand-ins
            text = re.sub("'Tracer'( object)?", "a value of the model", str(error))
            msg = f"{type(error).__name__}: {text}"
            raise Untraceable(msg) from error

    with np.errstate(all="ignore"):  # the user's own call will say what is to be said
        outputs = recording.explore(once)
    if not outputs:
        msg = "it rejects every point"
        raise Untraceable(msg)
    return Traced(tape, outputs, tuple(recording.arrays), symbolic)


def _read_only(values: FloatArray) -> FloatArray:
    """Return a view of x that a function cannot write into: it would change the data."""
    view = values.view()
    view.setflags(write=False)
    return view
