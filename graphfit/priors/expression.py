"""Arithmetic on priors: an immutable tree that the compiler lowers to arrays.

Three things are expressions.  A *prior* is a leaf: a free parameter.  A *relation* applies
a function to expressions and constants: ``m * x + c``, ``np.exp(p)``,
``gf.relation(function, p, q)``.  A *comparison* of two expressions, ``a < b``, is not a
value but a condition, for ``model.add_assertion``.

Identity is the object: the same prior in two places is one parameter, two priors that look
alike are two.  So ``==`` compares identity, and expressions are keys of dictionaries.
"""

import inspect
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ModelError

Operand = Any  # an Expression or a plain number

OPERATORS: dict[Any, str] = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.true_divide: "/",
    np.floor_divide: "//",
    np.remainder: "%",
    np.power: "**",
}

# Ufunc: (whether the right-hand side is the lower one, whether it is strict).
COMPARISONS: dict[np.ufunc, tuple[bool, bool]] = {
    np.less: (False, True),
    np.less_equal: (False, False),
    np.greater: (True, True),
    np.greater_equal: (True, False),
}


class Expression:
    """A number that is known only when the free parameters are.

    Supports ``+ - * / // % **``, unary minus, ``abs``, their reflected forms, the
    comparisons ``< <= > >=``, and every numpy ufunc with one output.
    """

    __slots__ = ()

    # numpy scalars and arrays on the left hand ask here first.
    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if ufunc in (np.equal, np.not_equal):  # np.float64(2) == prior, or `in` a list
            return (inputs[0] is inputs[1]) is (ufunc is np.equal)
        if ufunc in COMPARISONS and not kwargs:  # np.float64(2) < prior
            swapped, strict = COMPARISONS[ufunc]
            lower, upper = inputs[::-1] if swapped else inputs
            return Comparison(lower, upper, strict=strict)
        if method != "__call__" or kwargs or ufunc.nout != 1:
            what = f"np.{ufunc.__name__}" + (
                "" if method == "__call__" else f".{method}"
            )
            msg = (
                f"{what} cannot be used in a relation between priors (method, keyword "
                "or several outputs): wrap it, gf.relation(lambda a: ..., prior)."
            )
            raise ModelError(msg)
        return Relation(ufunc, inputs)

    def __add__(self, other: Operand) -> "Expression":
        return Relation(np.add, (self, other))

    def __radd__(self, other: Operand) -> "Expression":
        return Relation(np.add, (other, self))

    def __sub__(self, other: Operand) -> "Expression":
        return Relation(np.subtract, (self, other))

    def __rsub__(self, other: Operand) -> "Expression":
        return Relation(np.subtract, (other, self))

    def __mul__(self, other: Operand) -> "Expression":
        return Relation(np.multiply, (self, other))

    def __rmul__(self, other: Operand) -> "Expression":
        return Relation(np.multiply, (other, self))

    def __truediv__(self, other: Operand) -> "Expression":
        return Relation(np.true_divide, (self, other))

    def __rtruediv__(self, other: Operand) -> "Expression":
        return Relation(np.true_divide, (other, self))

    def __floordiv__(self, other: Operand) -> "Expression":
        return Relation(np.floor_divide, (self, other))

    def __rfloordiv__(self, other: Operand) -> "Expression":
        return Relation(np.floor_divide, (other, self))

    def __mod__(self, other: Operand) -> "Expression":
        return Relation(np.remainder, (self, other))

    def __rmod__(self, other: Operand) -> "Expression":
        return Relation(np.remainder, (other, self))

    def __pow__(self, other: Operand) -> "Expression":
        return Relation(np.power, (self, other))

    def __rpow__(self, other: Operand) -> "Expression":
        return Relation(np.power, (other, self))

    def __neg__(self) -> "Expression":
        return Relation(np.negative, (self,))

    def __pos__(self) -> "Expression":
        return self

    def __abs__(self) -> "Expression":
        return Relation(np.absolute, (self,))

    def __lt__(self, other: Operand) -> "Comparison":
        return Comparison(self, other, strict=True)

    def __le__(self, other: Operand) -> "Comparison":
        return Comparison(self, other, strict=False)

    def __gt__(self, other: Operand) -> "Comparison":
        return Comparison(other, self, strict=True)

    def __ge__(self, other: Operand) -> "Comparison":
        return Comparison(other, self, strict=False)

    def __bool__(self) -> bool:
        msg = (
            "A prior or relation has no truth value before it is fitted; in relations "
            "use np.minimum, np.maximum or gf.relation instead of if / and / or / max()."
        )
        raise ModelError(msg)

    def __float__(self) -> float:
        msg = (
            "A prior or relation is not a number before it is fitted; use numpy "
            "functions (np.exp, not math.exp) or gf.relation(function, prior)."
        )
        raise ModelError(msg)

    # A frozen leaf or node is shared, never copied: identity is the parameter.
    def __copy__(self) -> "Expression":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Expression":
        del memo
        return self

    def operands(self) -> Iterator[tuple[str, Operand]]:
        """Yield ``(name, operand)`` of what this expression is computed from."""
        yield from ()


@final
@dataclass(frozen=True, eq=False, slots=True)
class Relation(Expression):
    """A function of expressions and constants.

    Parameters
    ----------
    function : callable
        A numpy ufunc, or any function of as many positional numbers that returns one.
    arguments : tuple
        Expressions, or constants passed through.
    names : tuple of str
        What the arguments are called in parameter paths (default ``input_0``, ...).

    Examples
    --------
    >>> from graphfit.priors import UniformPrior
    >>> m, c = UniformPrior(0, 1, name="m"), UniformPrior(0, 5, name="c")
    >>> print(m * 3.0 + c)
    m * 3.0 + c
    """

    function: Callable[..., Any]
    arguments: tuple[Operand, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for argument in self.arguments:
            _refuse_condition(argument)
            _refuse_hidden(argument)
        if isinstance(self.function, np.ufunc):
            _check_ufunc(self.function, len(self.arguments))
            plain = tuple(_real_number(argument) for argument in self.arguments)
            object.__setattr__(self, "arguments", plain)

    def operands(self) -> Iterator[tuple[str, Operand]]:
        for i, argument in enumerate(self.arguments):
            yield (self.names[i] if self.names else f"input_{i}"), argument

    def __str__(self) -> str:
        return self.text({})

    def text(self, names: Mapping[Any, str]) -> str:
        """Return the relation as a formula, in which priors go by `names`.

        A prior that is not among them goes by its own name, or its family's.
        """
        symbol = OPERATORS.get(self.function)
        if symbol is not None:
            left, right = (_word(item, names, symbol) for item in self.arguments)
            return f"{left} {symbol} {right}"
        if self.function is np.negative:
            return f"-{_word(self.arguments[0], names, '-')}"
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{name}({', '.join(_word(item, names) for item in self.arguments)})"


@final
@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """The condition ``lower < upper`` (or ``<=`` when not strict) between expressions."""

    lower: Operand
    upper: Operand
    strict: bool

    def __post_init__(self) -> None:
        for side in ("lower", "upper"):
            _refuse_condition(getattr(self, side))
            object.__setattr__(self, side, _real_number(getattr(self, side)))

    def __bool__(self) -> bool:
        msg = (
            f"The condition ({self}) has no truth value before the fit: give conditions "
            "one by one to model.add_assertion(a < b); write a < b < c as two."
        )
        raise ModelError(msg)

    def __str__(self) -> str:
        return self.text({})

    def text(self, names: Mapping[Any, str]) -> str:
        """Return the condition in words, in which priors go by `names`."""
        sign = "<" if self.strict else "<="
        return f"{_word(self.lower, names)} {sign} {_word(self.upper, names)}"


def relation(
    function: Callable[..., Any], *arguments: Operand, **named: Operand
) -> Relation:
    """Return the expression ``function(*arguments)`` for a user's own function.

    Parameters
    ----------
    function : callable
        Takes one float for each argument, in order, and returns one float.  A module-level
        function can be stored in results; a lambda cannot be read back by name.
    *arguments : Expression or constant
        Priors, relations, or values handed through as they are.
    **named : Expression or constant
        The same by keyword, in the order of the function's parameters.

    Returns
    -------
    Relation
        Usable wherever a prior is; its value is a derived column of the samples.

    Raises
    ------
    ModelError
        If `function` is not callable, cannot take these arguments, or none is given.

    Notes
    -----
    A default value that stands before an argument given by keyword becomes a constant of
    the relation, because the function is called with positional arguments.

    Examples
    --------
    >>> from graphfit.priors import UniformPrior
    >>> def kepler(period):
    ...     return period ** (2 / 3)
    >>> print(relation(kepler, UniformPrior(1, 10, name="period")))
    kepler(period)
    """
    given: Any = function  # whatever the annotation says
    if not callable(given):
        msg = f"gf.relation needs a function first, got {given!r}."
        raise ModelError(msg)
    if not arguments and not named:
        msg = "gf.relation needs at least one prior, relation or value to act on."
        raise ModelError(msg)
    names, values = _bound(function, arguments, named)
    return Relation(function, values, names)


def is_ufunc(expression: Relation) -> bool:
    """Say whether the relation's function is a numpy ufunc (works on whole arrays)."""
    return isinstance(expression.function, np.ufunc)


def _bound(
    function: Callable[..., Any],
    arguments: tuple[Operand, ...],
    named: Mapping[str, Operand],
) -> tuple[tuple[str, ...], tuple[Operand, ...]]:
    """Bind the arguments to the function's signature: names and values by position."""
    label = getattr(function, "__name__", repr(function))
    try:
        signature = inspect.signature(function)
    except ValueError:  # built-ins such as some ufuncs tell no signature
        if named:
            msg = f"gf.relation: {label} takes no keywords; pass them in order."
            raise ModelError(msg) from None
        return tuple(f"input_{i}" for i in range(len(arguments))), arguments
    try:
        bound = signature.bind(*arguments, **named)
    except TypeError as error:
        msg = f"gf.relation: {label}{signature} does not fit the arguments: {error}."
        raise ModelError(msg) from None
    last = list(bound.arguments)[-1]
    bound.apply_defaults()
    items: list[tuple[str, Operand]] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            items.extend((f"{name}_{i}", item) for i, item in enumerate(value))
        elif kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            msg = (
                f"gf.relation: parameter {name!r} of {label} is keyword-only; relations "
                "pass their arguments by position."
            )
            raise ModelError(msg)
        else:
            items.append((name, value))
        if name == last:
            break
    return tuple(name for name, _ in items), tuple(value for _, value in items)


def _refuse_condition(operand: Operand) -> None:
    if isinstance(operand, Comparison):
        msg = (
            f"The condition ({operand}) is not a number; use "
            "gf.relation(lambda a, b: ..., a, b), or model.add_assertion."
        )
        raise ModelError(msg)


def _refuse_hidden(operand: Operand) -> None:
    """Refuse priors inside a container: they would never be fitted."""
    items: Any = ()
    if isinstance(operand, Mapping):
        items = operand.values()
    elif isinstance(operand, (list, tuple, set, frozenset)):
        items = operand
    elif isinstance(operand, np.ndarray) and operand.dtype.hasobject:
        items = operand.flat
    for item in items:
        if isinstance(item, Expression):
            msg = (
                f"A relation got priors inside a {type(operand).__name__}; pass each as an "
                "argument of its own: gf.relation(function, a, b), def function(*values)."
            )
            raise ModelError(msg)
        _refuse_hidden(item)


def _check_ufunc(ufunc: np.ufunc, count: int) -> None:
    """Refuse a ufunc that does not make one float of `count` floats."""
    loops = [set(loop.partition("->")[0]) for loop in ufunc.types]
    # Any object: np.frompyfunc; beside other loops it stands for integers of any size.
    takes_floats = {"d"} in loops or loops == [{"O"}]
    if ufunc.nout != 1 or ufunc.signature or ufunc.nin != count or not takes_floats:
        msg = (
            f"np.{ufunc.__name__} of {count} real numbers is no real number, so it makes "
            "no relation; wrap it, gf.relation(lambda a: ..., prior)."
        )
        raise ModelError(msg)


def _real_number(operand: Operand) -> Operand:
    """Return an operand of arithmetic as an Expression or a plain number."""
    if isinstance(operand, Expression):
        return operand
    if isinstance(operand, (list, tuple, np.ndarray)) and np.ndim(operand):
        msg = (
            f"A relation between priors is one number, got an array of shape "
            f"{np.shape(operand)}; make one relation an element, or use gf.Array."
        )
        raise ModelError(msg)
    number = (
        operand.item() if isinstance(operand, (np.generic, np.ndarray)) else operand
    )
    if not isinstance(number, (numbers.Real, np.floating)):
        msg = f"A relation takes priors, relations and numbers, got {operand!r}."
        raise ModelError(msg)
    return number


def _word(operand: Operand, names: Mapping[Any, str], within: str = "") -> str:
    """How an operand reads inside a relation's text; brackets where they are needed."""
    if isinstance(operand, Relation):
        symbol = OPERATORS.get(operand.function, "")
        if operand.function is np.negative:
            bare = within in ("", "*", "/")
        else:
            bare = not within or not symbol or (within in "+-" and symbol in "*/")
        text = operand.text(names)
        return text if bare else f"({text})"
    if isinstance(operand, Expression) and operand in names:
        return names[operand]
    name = getattr(operand, "name", None)
    if name:
        return str(name)
    return type(operand).__name__ if isinstance(operand, Expression) else repr(operand)
