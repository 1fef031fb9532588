"""Reading back what :mod:`graphfit.model.serial` wrote.

Names of classes and functions are resolved only in modules that are imported already, and
nothing that is found is called: no code runs while a model is read.
"""

import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphfit.errors import GraphfitError, ModelError, close_match
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
        If a class or function is not found or has other parameters now, or the content
        is no model.
    """
    if not isinstance(content, Mapping) or content.get("type") not in NODES:
        kind = content.get("type") if isinstance(content, Mapping) else content
        msg = f"The content is no model but {kind!r}; read what model.dict() wrote."
        raise ModelError(msg)
    try:
        return Reader().value(content)
    except GraphfitError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # What has the right type but not the entries that belong to it.
        msg = f"The content is a damaged model ({error!r}); write it anew."
        raise ModelError(msg) from error


NODES = ("Model", "Collection", "Array")


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
        if kind in NODES:
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
            node = _model(content, children)
        elif kind == "Collection":
            node = Collection.blank(tuple(content.get("siblings", ())))
            node = node.with_children(children)
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


def _model(content: Mapping[str, Any], children: dict[str, Any]) -> Model:
    """Return a Model with these children, if its target still takes them."""
    independent = content.get("independent_vars")
    blank = Model.blank(
        _resolve(content["class"]), None if independent is None else tuple(independent)
    )
    signature = blank.signature
    for name in children:
        if name not in signature.names and not signature.open:
            msg = (
                f"The file was written when {content['class']!r} had a parameter {name!r}, "
                f"which it has no longer.{close_match(name, signature.names)}"
            )
            raise ModelError(msg)
    # What the target takes beyond that keeps its default, or is missing.
    needed = {name: MISSING for name in signature.required if name not in children}
    return blank.with_children({**children, **needed})


def _array(content: Mapping[str, Any]) -> Any:
    data = [float.fromhex(x) if isinstance(x, str) else x for x in content["data"]]
    return np.array(data, dtype=np.dtype(content["dtype"])).reshape(content["shape"])


def _resolve(full: Any) -> Any:
    found = find_callable(full) if isinstance(full, str) else None
    # By the object's own type: isinstance would ask its __class__, which can run code.
    if not issubclass(type(found), (type, np.ufunc, types.FunctionType)):
        module = str(full).partition(":")[0]
        msg = (
            f"The model names {full!r}, which is no class or function of a module imported "
            f"here; import {module} first."
        )
        raise ModelError(msg)
    return found
