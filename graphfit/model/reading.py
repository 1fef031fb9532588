"""Reading back what :mod:`graphfit.model.serial` wrote.

Names of classes and functions are resolved only in modules that are imported already, and
nothing that is found is called: no code runs while a model is read.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphfit.errors import ModelError
from graphfit.model.array import Array
from graphfit.model.collection import Collection
from graphfit.model.component import Model
from graphfit.model.serial import find_callable
from graphfit.model.signature import MISSING
from graphfit.priors import PRIOR_FAMILIES, Comparison, Expression, Relation


def model_from_dict(content: Mapping[str, Any]) -> Any:
    """Return the model written by ``model.dict()``.

    Parameters
    ----------
    content : mapping
        Plain data, as from ``json.load``.

    Raises
    ------
    ModelError
        If a class or function is not found, or the content is no model.
    """
    return Reader().value(content)


class Reader:
    """Remembers what has been read, so that references become the same object."""

    __slots__ = ("_expressions",)

    def __init__(self) -> None:
        self._expressions: dict[int, Expression] = {}

    def value(self, content: Any) -> Any:
        """Return the object that plain data stands for."""
        if not isinstance(content, Mapping):
            return content
        kind = content.get("type")
        if kind in ("Model", "Collection", "Array"):
            return self._node(kind, content)
        if kind == "reference":
            return self._expressions[content["id"]]
        if kind == "Relation" or kind in PRIOR_FAMILIES:
            return self._expression(str(kind), content)
        return self._constant(kind, content)

    def _node(self, kind: str, content: Mapping[str, Any]) -> Any:
        children = {name: self.value(c) for name, c in content["children"].items()}
        node: Any
        if kind == "Model":
            independent = content.get("independent_vars")
            node = Model(
                _resolve(content["class"]),
                independent_vars=tuple(independent) if independent else None,
            )
        elif kind == "Collection":
            node = Collection.blank(tuple(content.get("siblings", ())))
        else:
            node = Array(tuple(content["shape"]))
        node = node.with_children(children)
        conditions = content.get("assertions", ())
        return node.with_assertions(tuple(self._condition(c) for c in conditions))

    def _condition(self, content: Mapping[str, Any]) -> Comparison:
        sides = self.value(content["lower"]), self.value(content["upper"])
        return Comparison(*sides, strict=bool(content["strict"]))

    def _expression(self, kind: str, content: Mapping[str, Any]) -> Expression:
        made: Expression
        if kind == "Relation":
            arguments = tuple(self.value(item) for item in content["arguments"])
            function = _resolve(content["function"])
            made = Relation(function, arguments, tuple(content["names"]))
        else:
            named = {k: self.value(item) for k, item in content["arguments"].items()}
            made = PRIOR_FAMILIES[kind](**named, name=content.get("name"))
        self._expressions[content["id"]] = made
        return made

    def _constant(self, kind: Any, content: Mapping[str, Any]) -> Any:
        readers: dict[Any, Callable[[], Any]] = {
            "missing": lambda: MISSING,
            "float": lambda: float(content["value"]),
            "tuple": lambda: tuple(self.value(item) for item in content["items"]),
            "list": lambda: [self.value(item) for item in content["items"]],
            "dict": lambda: {k: self.value(v) for k, v in content["items"].items()},
            "callable": lambda: _resolve(content["name"]),
            "ndarray": lambda: _array(content),
        }
        if kind in readers:
            return readers[kind]()
        msg = (
            f"A model file holds an entry of unknown type {kind!r}; is it a model.json?"
        )
        raise ModelError(msg)


def _array(content: Mapping[str, Any]) -> Any:
    data = [float.fromhex(x) if isinstance(x, str) else x for x in content["data"]]
    return np.array(data, dtype=np.dtype(content["dtype"])).reshape(content["shape"])


def _resolve(full: str) -> Any:
    found = find_callable(full)
    is_ufunc = isinstance(found, np.ufunc)
    if not (is_ufunc or inspect.isclass(found) or inspect.isfunction(found)):
        module = full.partition(":")[0]
        msg = (
            f"The model names {full!r}, which is no class or function of a module imported "
            f"here; import {module} first."
        )
        raise ModelError(msg)
    return found
