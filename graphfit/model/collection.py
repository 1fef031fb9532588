"""Collection: several components under names or positions."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Self, final

from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.model.component import Model
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
        them share is named without the key.  A single list is taken as the children.
    **kwargs
        Children by name: Models, Collections, classes and functions (which become Models),
        priors, relations, constants.

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) == 1 and isinstance(args[0], (list, dict)):
            content = args[0]
            args, kwargs = (
                (tuple(content), kwargs)
                if isinstance(content, list)
                else ((), {**content, **kwargs})
            )
        object.__setattr__(self, "_children", {})
        object.__setattr__(self, "_assertions", ())
        siblings = tuple(str(i) for i in range(len(args)))
        object.__setattr__(self, "_siblings", siblings)
        for key, value in zip(siblings, args, strict=True):
            self._children[key] = _child(value, key)
        for name, value in kwargs.items():
            self._children[name] = _child(value, name)

    _children: dict[str, Any]
    _siblings: tuple[str, ...]

    @classmethod
    def of_siblings(
        cls, siblings: Mapping[str, Any], others: Mapping[str, Any] | None = None
    ) -> "Collection":
        """Return a collection whose `siblings` repeat one another (a graph's factors)."""
        collection = cls(**{**siblings, **(others or {})})
        object.__setattr__(collection, "_siblings", tuple(siblings))
        return collection

    @property
    def siblings(self) -> tuple[str, ...]:
        """The keys of the children that repeat one another."""
        return self._siblings

    def children(self) -> Iterator[tuple[str, Any]]:
        yield from self._children.items()

    def with_children(self, children: Mapping[str, Any]) -> Self:
        copy = object.__new__(type(self))
        object.__setattr__(copy, "_children", dict(children))
        object.__setattr__(copy, "_assertions", ())
        object.__setattr__(copy, "_siblings", self._siblings)
        return copy

    def assembler(self, parts: Mapping[str, Part]) -> Builder:
        pairs = [(name, part.build) for name, part in parts.items()]
        return lambda values: ModelInstance({n: build(values) for n, build in pairs})

    def description(self) -> dict[str, Any]:
        return {"siblings": list(self._siblings)} if self._siblings else {}

    @classmethod
    def blank(cls, siblings: tuple[str, ...]) -> "Collection":
        """Return a collection before its children are known (for readers)."""
        collection = cls()
        object.__setattr__(collection, "_siblings", siblings)
        return collection

    def label(self) -> str:
        return "Collection"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._children[name] = _child(value, name)

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, int):
            return list(self._children.values())[key]
        if key in self._children:
            return self._children[key]
        msg = f"The collection has no component {key!r}.{close_match(key, self._children)}"
        raise UnknownNameError(msg)

    def __setitem__(self, key: str | int, value: Any) -> None:
        self._children[str(key)] = _child(value, str(key))

    def append(self, value: Any) -> None:
        """Add a child under the next free position."""
        key = str(len(self._children))
        self._children[key] = _child(value, key)
        object.__setattr__(self, "_siblings", (*self._siblings, key))

    def items(self) -> list[tuple[str, Any]]:
        """Return the keys and the children."""
        return list(self._children.items())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._children.values())

    def __len__(self) -> int:
        return len(self._children)

    def __contains__(self, key: object) -> bool:
        return key in self._children

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self._children.items())
        return f"Collection({inside})"


def _child(value: Any, where: str) -> Any:
    """Return the node that a class, function, list or dictionary stands for."""
    if inspect.isclass(value) and value.__module__ == "builtins":
        msg = f"{where} = {value.__name__} is a type; give a value or a prior."
        raise ModelError(msg)
    if inspect.isclass(value) or inspect.isfunction(value):
        return Model(value)
    if isinstance(value, dict):
        return Collection(**value)
    if isinstance(value, list):
        return Collection(*value)
    return value
