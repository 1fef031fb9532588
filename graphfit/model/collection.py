"""Collection: several components under names or positions."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Self, final

import numpy as np

from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.model.component import Model, child, refuse_circle
from graphfit.model.composed import Composed
from graphfit.model.instance import ModelInstance
from graphfit.model.node import Builder, Part


@final
class Collection(Composed):
    """Components side by side; a collection of profiles evaluates to their sum.

    Parameters
    ----------
    *args
        Children keyed ``"0"``, ``"1"``, ...: siblings, so that a parameter which all of
        them share is named without the key.  A single list is taken as the children, a
        single dictionary as children by name.
    **kwargs
        Children by name: Models, Collections, classes and functions (which become Models),
        lists and dictionaries (which become Collections), priors, relations, constants.

    Raises
    ------
    ModelError
        For a key that is no string, a key given twice, or what no child can be.
    UnknownNameError
        For a child that does not exist, with the close match.

    Notes
    -----
    Children are attributes, items by key, and items by position.  A child named like
    something that collections can do (``items``, ``copy``) is assigned alike, and read as
    ``collection["items"]``.

    Examples
    --------
    >>> import graphfit as gf
    >>> model = gf.Collection(gaussian=gf.ex.Gaussian, time=1.5)
    >>> model.parameter_names
    ('gaussian.centre', 'gaussian.normalization', 'gaussian.sigma')
    >>> model.gaussian.centre = 50.0
    >>> model.prior_count
    2
    """

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        given: Mapping[Any, Any] = kwargs
        if len(args) == 1 and isinstance(args[0], list):
            args = tuple(args[0])
        elif len(args) == 1 and isinstance(args[0], dict):
            given, args = {**args[0], **kwargs}, ()
        siblings = tuple(str(i) for i in range(len(args)))
        self._set(siblings)
        for key, value in zip(siblings, args, strict=True):
            self._put(key, value)
        for name, value in given.items():
            if name in self._children:
                msg = f"Collection: the child {name!r} is given twice."
                raise ModelError(msg)
            self._put(name, value)

    def _set(self, siblings: tuple[str, ...]) -> None:
        object.__setattr__(self, "_children", {})
        object.__setattr__(self, "_assertions", ())
        object.__setattr__(self, "_siblings", siblings)

    _children: dict[str, Any]
    _siblings: tuple[str, ...]

    @classmethod
    def of_siblings(
        cls, siblings: Mapping[str, Any], others: Mapping[str, Any] | None = None
    ) -> "Collection":
        """Return a collection whose `siblings` repeat one another (a graph's factors)."""
        collection = cls({**siblings, **(others or {})})
        object.__setattr__(collection, "_siblings", tuple(siblings))
        return collection

    @property
    def siblings(self) -> tuple[str, ...]:
        """The keys of the children that repeat one another."""
        return self._siblings

    def children(self) -> Iterator[tuple[str, Any]]:
        yield from self._children.items()

    def with_children(self, children: Mapping[str, Any]) -> Self:
        copy = type(self).blank(self._siblings)
        copy._children.update(children)
        return copy

    def assembler(self, parts: Mapping[str, Part]) -> Builder:
        pairs = [(name, part.build) for name, part in parts.items()]
        return lambda values: ModelInstance({n: build(values) for n, build in pairs})

    def description(self) -> dict[str, Any]:
        return {"siblings": list(self._siblings)} if self._siblings else {}

    @classmethod
    def blank(cls, siblings: tuple[str, ...]) -> "Collection":
        """Return a collection before its children are known (for readers)."""
        collection = object.__new__(cls)
        collection._set(siblings)
        return collection

    def label(self) -> str:
        return "Collection"

    def __getattr__(self, name: str) -> Any:
        # Before a copy or an unpickled collection has its children, and for Python's own.
        if "_children" not in self.__dict__ or name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._put(name, value)

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, slice):
            return list(self._children.values())[key]
        return self._children[self._key(key)]

    def __setitem__(self, key: str | int, value: Any) -> None:
        self._put(key if isinstance(key, str) else self._key(key), value)

    def _put(self, key: Any, value: Any) -> None:
        if not isinstance(key, str):
            msg = f"A collection's keys are strings, got {key!r}; name the child."
            raise ModelError(msg)
        new = _child(value, key)
        refuse_circle(self, new, key)
        self._children[key] = new

    def _key(self, key: str | int) -> str:
        """Return the key of a child that exists, found by key or by position."""
        if isinstance(key, str) and key in self._children:
            return key
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            keys = list(self._children)
            if -len(keys) <= key < len(keys):
                return keys[key]
            msg = f"The collection has {len(keys)} components, none at position {key}."
            raise IndexError(msg)
        match = close_match(str(key), self._children)
        msg = f"The collection has no component {key!r}.{match}"
        raise UnknownNameError(msg)

    def append(self, value: Any) -> None:
        """Add a child under the next free position."""
        position = len(self._children)
        while str(position) in self._children:
            position += 1
        self._put(str(position), value)
        object.__setattr__(self, "_siblings", (*self._siblings, str(position)))

    def items(self) -> list[tuple[str, Any]]:
        """Return the keys and the children."""
        return list(self._children.items())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._children.values())

    def __len__(self) -> int:
        return len(self._children)

    def __contains__(self, key: object) -> bool:
        return key in self._children

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._children]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._children.items())
        return f"Collection({inside})"


def _child(value: Any, where: str) -> Any:
    """Return the node that a class, function, list or dictionary stands for."""
    if inspect.isfunction(value):
        return Model(value)
    if isinstance(value, (list, dict)):
        return Collection(value)
    return child(value, where)
