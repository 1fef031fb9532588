"""What numba builds into the code of a function, as a key that can be compared.

Numba takes global names, closures and defaults as constants at the moment of compiling.  Two
functions of one key compile to the same code, also when they are different objects, as a
function defined in a loop is; after a global number was changed the key is another.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any, final

import numpy as np

_NUMBERS = (int, float, complex, str, bytes, type(None), np.number)


@final
@dataclass(frozen=True, eq=False, slots=True)
class Same:
    """Equal to what holds the very same object, and keeps it alive."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def frozen_function(function: Callable[..., Any]) -> Hashable:
    """Return the key of a function; of another callable, the object itself.

    Parameters
    ----------
    function : callable
        The user's.

    Examples
    --------
    >>> def scaled(factor):
    ...     return lambda x: factor * x
    >>> frozen_function(scaled(2.0)) == frozen_function(scaled(2.0))
    True
    >>> frozen_function(scaled(2.0)) == frozen_function(scaled(3.0))
    False
    """
    if not isinstance(function, FunctionType):
        return Same(function)
    names = set(_names(function.__code__))
    known = function.__globals__
    return (
        function.__code__,
        _frozen(function.__defaults__, names),
        tuple(_cell(cell, names) for cell in function.__closure__ or ()),
        tuple(
            (name, _frozen(known[name], names)) for name in sorted(names & set(known))
        ),
    )


def frozen(value: Any) -> Hashable:
    """Return the key of a constant: numbers and arrays by value, others as objects."""
    return _frozen(value, set())


def _frozen(value: Any, names: set[str]) -> Hashable:
    if isinstance(value, _NUMBERS):
        return type(value), value
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, (tuple, list)):
        return type(value), tuple(_frozen(item, names) for item in value)
    if isinstance(value, ModuleType):
        # `settings.scale` is a constant too.
        inside = ((name, vars(value).get(name)) for name in sorted(names))
        return Same(value), tuple(
            (name, _frozen(item, set()))
            for name, item in inside
            if isinstance(item, (*_NUMBERS, np.ndarray)) and item is not None
        )
    return Same(value)


def _cell(cell: Any, names: set[str]) -> Hashable:
    try:
        return _frozen(cell.cell_contents, names)
    except ValueError:  # not filled yet
        return None


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that a function, or one inside it, looks up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
