"""Profile calls: which functions a factor's model adds up, and with which arguments.

The instance of a model is not built: what building it would do is read off the tree, so that
a compiler that knows no objects can do the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from graphfit.compiler.fallback.frozen_function import frozen, frozen_function
from graphfit.compiler.tracer import Untraceable
from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.priors import Expression


@final
@dataclass(frozen=True, slots=True)
class Fixed:
    """An argument that is the same object at every call."""

    value: Any


@final
@dataclass(frozen=True, slots=True)
class TupleArgument:
    """An argument that is a tuple of arguments."""

    items: tuple[Any, ...]

    @property
    def size(self) -> int:
        """How many numbers it takes."""
        return _count(self.items)


@final
class _Number:
    """An argument that is the next of the numbers."""


@final
@dataclass(frozen=True, slots=True)
class ProfileCall:
    """``function(*x, *arguments)``.

    Attributes
    ----------
    function : callable
        The user's.
    name : str
        Its name, for messages.
    arguments : tuple
        `ProfileCall.NUMBER`, `ProfileCall.Fixed` or `ProfileCall.Tuple`, by position.
    """

    function: Callable[..., Any]
    name: str
    arguments: tuple[Any, ...]

    NUMBER: ClassVar[_Number] = _Number()
    Fixed: ClassVar[type[Fixed]] = Fixed
    Tuple: ClassVar[type[TupleArgument]] = TupleArgument

    @property
    def size(self) -> int:
        """How many numbers the call takes."""
        return _count(self.arguments)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that are the same but for their numbers."""
        inside = tuple(_key(item) for item in self.arguments)
        return frozen_function(self.function), self.name, inside


def profile_calls(model: Any, n_inputs: int) -> tuple[list[ProfileCall], list[Any]]:
    """Return the profiles that a model adds up, and the numbers they take in order.

    Parameters
    ----------
    model : Node
        A Model of a function, or a collection of such.
    n_inputs : int
        How many arrays of x it is called on.

    Returns
    -------
    list of ProfileCall, list of prior, relation or float
        The numbers of all calls, one call after the other.

    Raises
    ------
    Untraceable
        If the model is another; the message says what.
    """
    numbers: list[Any] = []
    calls = [_call(item, n_inputs, numbers) for item in _profiles(model)]
    if not calls:
        msg = "no profile function among its components"
        raise Untraceable(msg)
    return calls, numbers


def _profiles(value: Any) -> Iterator[Model]:
    """Yield the models of profiles, in the order in which they are added."""
    if isinstance(value, Collection):
        for _, child in value.children():
            yield from _profiles(child)
    elif isinstance(value, Model):
        if value.is_profile:
            yield value
        elif not isinstance(value.cls, type) or _makes_callables(value.cls):
            msg = f"{value.label()} is no profile function"
            raise Untraceable(msg)
    elif not isinstance(value, (Node, Expression)) and callable(value):
        msg = f"{value!r} is no profile function"
        raise Untraceable(msg)


def _makes_callables(cls: type) -> bool:
    return any("__call__" in vars(owner) for owner in cls.__mro__)


def _call(model: Model, n_inputs: int, numbers: list[Any]) -> ProfileCall:
    signature, children = model.signature, dict(model.children())
    name = model.label()
    if len(signature.independent) != n_inputs:
        msg = f"{name} is not a function of {n_inputs} independent variables"
        raise Untraceable(msg)
    if not signature.positional or set(children) != set(signature.names):
        msg = f"{name} takes arguments by keyword only"
        raise Untraceable(msg)
    arguments = tuple(
        _argument(children[item], f"{name}.{item}", numbers) for item in signature.names
    )
    return ProfileCall(model.cls, name, arguments)


def _argument(value: Any, where: str, numbers: list[Any]) -> Any:
    if isinstance(value, (Expression, float, np.floating)):
        numbers.append(value)
        return ProfileCall.NUMBER
    if isinstance(value, Node):
        msg = f"{where} is a component"
        raise Untraceable(msg)
    if type(value) is tuple:
        items = tuple(_argument(item, where, numbers) for item in value)
        return TupleArgument(items)
    return Fixed(value)


def _count(items: tuple[Any, ...]) -> int:
    return sum(
        item.size if isinstance(item, TupleArgument) else item is ProfileCall.NUMBER
        for item in items
    )


def _key(item: Any) -> Any:
    if isinstance(item, TupleArgument):
        return tuple(_key(inner) for inner in item.items)
    return frozen(item.value) if isinstance(item, Fixed) else "number"
