"""Tracer: stands in for a number or an array while a plain numpy function is called.

It answers to operators, to numpy's and scipy's ufuncs and to the numpy functions that work
element by element, and writes each down on a tape.  What asks for its value (``float(p)``,
``x[3]``, ``np.sum(x)``) cannot be written down and raises :class:`Untraceable`.

A branch on a parameter (``if sigma == 0``) is followed both ways, see
:mod:`graphfit.compiler.trace`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, final

import numpy as np
from scipy import special

from graphfit.compiler import numpy_formulas as formulas
from graphfit.compiler.operations import OPERATIONS
from graphfit.compiler.tape import Tape

MOST_LINES = 10_000  # of a tape; beyond, a loop is better left to numba


class Untraceable(Exception):
    """A function did what no formula can hold; the message says what."""


class Recorder(Protocol):
    """Where tracers write: a tape, what decides branches, the arrays met on the way."""

    tape: Tape

    def decide(self, line: int) -> bool:
        """Return which way a branch on the condition `line` goes."""

    def capture(self, array: Any) -> int:
        """Return the line of an array of the user's."""


@final
class Tracer(np.lib.mixins.NDArrayOperatorsMixin):
    """One line of a tape, as a user's function sees it.

    Parameters
    ----------
    tape : Tape
        Where operations are written.
    line : int
        The line that this stands for.
    recorder : Recorder, optional
        Decides branches and takes arrays; without one both are refused.
    """

    __slots__ = ("line", "recorder", "tape")

    def __init__(self, tape: Tape, line: int, recorder: Recorder | None = None) -> None:
        self.tape = tape
        self.line = line
        self.recorder = recorder

    def apply(self, operation: str, *arguments: Any) -> "Tracer":
        """Return the tracer of an operation on tracers and numbers."""
        if len(self.tape.nodes) > MOST_LINES:
            msg = f"the formula has more than {MOST_LINES} operations"
            raise Untraceable(msg)
        lines = [lift(self.tape, item, self.recorder) for item in arguments]
        if operation == "add" and all(self.tape.is_bool(line) for line in lines):
            operation = "or"  # what numpy means by the sum of two conditions
        if operation in OPERATIONS and operation not in ("and", "or", "not"):
            lines = [
                self.tape.apply("number", line)
                if self.tape.is_bool(line) and not (operation == "where" and i == 0)
                else line
                for i, line in enumerate(lines)
            ]
        return Tracer(self.tape, self.tape.apply(operation, *lines), self.recorder)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if method != "__call__":
            msg = f"np.{ufunc.__name__}.{method} needs the values"
            raise Untraceable(msg)
        if any(value is not None for value in kwargs.values()):
            msg = f"np.{ufunc.__name__} is called with {', '.join(kwargs)}="
            raise Untraceable(msg)
        made = UFUNCS.get(ufunc)
        if made is None:
            msg = f"{ufunc.__name__} has no compiled form"
            raise Untraceable(msg)
        return self.apply(made, *inputs) if isinstance(made, str) else made(*inputs)

    def __array_function__(
        self, func: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        del types
        made = FUNCTIONS.get(func)
        if made is None:
            msg = f"np.{func.__name__} needs the values"
            raise Untraceable(msg)
        try:
            return made(*args, **kwargs)
        except TypeError as error:
            msg = f"np.{func.__name__}: {error}"
            raise Untraceable(msg) from error

    def __bool__(self) -> bool:
        line = lift(self.tape, self, self.recorder)
        if not self.tape.is_bool(line):
            line = self.tape.apply("ne", line, self.tape.literal(0.0))
        if self.recorder is None:
            msg = "a branch"
            raise Untraceable(msg)
        return self.recorder.decide(line)

    def __float__(self) -> float:
        msg = (
            "float() or a function of the math module needs the value, as does writing "
            "into an array"
        )
        raise Untraceable(msg)

    def __int__(self) -> int:
        msg = "int() needs the value"
        raise Untraceable(msg)

    def __index__(self) -> int:
        msg = "an index or a count that depends on a parameter needs the value"
        raise Untraceable(msg)

    def __complex__(self) -> complex:
        msg = "complex() needs the value"
        raise Untraceable(msg)

    def __round__(self, digits: int | None = None) -> Any:
        del digits
        msg = "round() needs the value"
        raise Untraceable(msg)

    def __len__(self) -> int:
        msg = "len() needs the values"
        raise Untraceable(msg)

    def __iter__(self) -> Any:
        msg = "a loop over an array needs the values"
        raise Untraceable(msg)

    def __setitem__(self, key: Any, value: Any) -> None:
        del key, value
        msg = "writing into an array needs the values"
        raise Untraceable(msg)

    def __getattr__(self, name: str) -> Any:
        # Object arrays call methods of their elements: np.exp(np.asarray(x)).
        function = getattr(np, name, None)
        if isinstance(function, np.ufunc) and function.nin == 1:
            return lambda: function(self)
        if name == "astype":
            return lambda dtype, *_, **__: _astype(self, dtype)
        if name in ("copy", "ravel", "flatten", "squeeze"):
            return lambda *_, **__: self
        if name == "clip":
            return lambda *args, **kwargs: formulas.clip(self, *args, **kwargs)
        if name.startswith("__"):
            raise AttributeError(name)
        msg = f"its attribute .{name} needs the values"
        raise Untraceable(msg)

    # Equality makes a condition, so a tracer has no hash.
    __hash__ = None  # type: ignore[assignment]


def lift(tape: Tape, value: Any, recorder: Recorder | None = None) -> int:
    """Return the line of whatever a formula may contain.

    Raises
    ------
    Untraceable
        For what is neither a number nor an array of the data's shape.
    """
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 0:
        value = value.item()
    if isinstance(value, Tracer):
        if value.tape is not tape:
            msg = "a value that was kept from another call"
            raise Untraceable(msg)
        return value.line
    if isinstance(value, (bool, np.bool_)):
        return tape.apply("le" if value else "lt", tape.literal(0.0), tape.literal(0.0))
    if isinstance(value, (int, float, np.floating, np.integer)):
        return tape.literal(float(value))
    if isinstance(value, np.ndarray):
        return _lift_array(tape, value, recorder)
    msg = f"a {type(value).__name__} in a formula"
    raise Untraceable(msg)


def _lift_array(tape: Tape, value: Any, recorder: Recorder | None) -> int:
    if value.dtype == object:
        msg = "an array made of single values of the model"
        raise Untraceable(msg)
    if value.dtype.kind not in "fiub" or (value.ndim and recorder is None):
        msg = f"an array of {value.dtype} in a formula"
        raise Untraceable(msg)
    if recorder is None or value.ndim == 0:
        return tape.literal(float(value))
    line = recorder.capture(value)
    is_bool = value.dtype.kind == "b"
    return tape.apply("ne", line, tape.literal(0.0)) if is_bool else line


def _first(*values: Any) -> Tracer:
    for value in values:
        inner = (
            value.item() if isinstance(value, np.ndarray) and not value.ndim else value
        )
        if isinstance(inner, Tracer):
            return inner
    msg = "no traced value among the arguments"
    raise Untraceable(msg)


def _where(condition: Any, *choices: Any) -> Any:
    if len(choices) != 2:
        msg = "np.where(condition) needs the values"
        raise Untraceable(msg)
    owner = _first(condition, *choices)
    line = lift(owner.tape, condition, owner.recorder)
    if not owner.tape.is_bool(line):
        line = owner.tape.apply("ne", line, owner.tape.literal(0.0))
    return owner.apply("where", Tracer(owner.tape, line, owner.recorder), *choices)


def _logical(operation: str) -> Callable[..., Any]:
    def combine(*values: Any) -> Any:
        owner = _first(*values)
        lines = [lift(owner.tape, value, owner.recorder) for value in values]
        conditions = [
            line
            if owner.tape.is_bool(line)
            else owner.tape.apply("ne", line, owner.tape.literal(0.0))
            for line in lines
        ]
        return Tracer(
            owner.tape, owner.tape.apply(operation, *conditions), owner.recorder
        )

    return combine


def _bitwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation of conditions; `&` of numbers is another thing."""

    def combine(*values: Any) -> Any:
        owner = _first(*values)
        for value in values:
            line = lift(owner.tape, value, owner.recorder)
            if not owner.tape.is_bool(line):
                msg = "&, |, ^ or ~ of what is not a condition"
                raise Untraceable(msg)
        return function(*values)

    return combine


def _astype(value: Tracer, dtype: Any) -> Tracer:
    kind = np.dtype(dtype)
    if kind == np.bool_:
        line = lift(value.tape, value, value.recorder)
        return value if value.tape.is_bool(line) else value != 0.0
    if kind == np.float64:
        return value.apply("number", value)
    if kind.kind in "iu":
        return value.apply("trunc", value.apply("number", value))
    msg = f"a conversion to {kind.name}"
    raise Untraceable(msg)


def _voigt(x: Any, sigma: Any, gamma: Any) -> Any:
    # Real part of w(z) / (sigma sqrt(2 pi)), z = (x + i gamma) / (sigma sqrt 2).
    owner = _first(x, sigma, gamma)
    scale = sigma * np.sqrt(2.0)
    return owner.apply("voigt_real", x / scale, gamma / scale) / (
        scale * np.sqrt(np.pi)
    )


def _full(number: float) -> Callable[..., Any]:
    return lambda a, *args, **kwargs: _full_like(a, number, *args, **kwargs)


def _full_like(a: Any, value: Any, dtype: Any = None, **_: Any) -> Any:
    owner = _first(a, value)
    full = Tracer(owner.tape, lift(owner.tape, value, owner.recorder), owner.recorder)
    return full if dtype is None else _astype(full, dtype)


# What a ufunc becomes: an operation, or a formula of them.
UFUNCS: Mapping[Any, str | Callable[..., Any]] = MappingProxyType(
    {
        row.function: name
        for name, row in OPERATIONS.items()
        if isinstance(row.function, np.ufunc)
    }
    | {
        np.square: lambda a: a * a,
        np.reciprocal: lambda a: 1.0 / a,
        np.positive: lambda a: a,
        np.fabs: "abs",
        np.float_power: "pow",
        np.fmin: lambda a, b: np.where(
            np.isnan(a), b, np.where(np.isnan(b), a, np.minimum(a, b))
        ),
        np.fmax: lambda a, b: np.where(
            np.isnan(a), b, np.where(np.isnan(b), a, np.maximum(a, b))
        ),
        np.deg2rad: lambda a: a * (np.pi / 180.0),
        np.radians: lambda a: a * (np.pi / 180.0),
        np.rad2deg: lambda a: a * (180.0 / np.pi),
        np.degrees: lambda a: a * (180.0 / np.pi),
        np.heaviside: formulas.heaviside,
        np.logaddexp: formulas.logaddexp,
        np.logical_and: _logical("and"),
        np.logical_or: _logical("or"),
        np.logical_not: _logical("not"),
        np.logical_xor: formulas.exclusive,
        np.bitwise_and: _bitwise(_logical("and")),
        np.bitwise_or: _bitwise(_logical("or")),
        np.invert: _bitwise(_logical("not")),
        np.bitwise_xor: _bitwise(formulas.exclusive),
        special.ndtr: lambda a: 0.5 * special.erfc(-a * np.sqrt(0.5)),
        special.expit: formulas.expit,
        special.log_expit: lambda a: -np.logaddexp(0.0, -a),
        special.logit: lambda a: np.log(a) - np.log1p(-a),
        special.xlogy: formulas.xlogy,
        special.xlog1py: formulas.xlog1py,
        special.exp10: lambda a: np.exp(a * np.log(10.0)),
        special.exp2: "exp2",
        special.expm1: "expm1",
        special.log1p: "log1p",
        special.cbrt: "cbrt",
        special.voigt_profile: _voigt,
    }
)

# Functions of numpy that are no ufuncs, and act element by element.
FUNCTIONS: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        np.where: _where,
        np.clip: formulas.clip,
        np.sinc: formulas.sinc,
        np.polyval: formulas.polyval,
        np.select: formulas.select,
        np.piecewise: formulas.piecewise,
        np.zeros_like: _full(0.0),
        np.ones_like: _full(1.0),
        np.full_like: _full_like,
        np.atleast_1d: lambda a: a,
        np.ravel: lambda a, *_, **__: a,
        np.squeeze: lambda a, *_, **__: a,
        np.copy: lambda a, *_, **__: a,
        np.real: lambda a: a,
        np.nan_to_num: formulas.nan_to_num,
    }
)
