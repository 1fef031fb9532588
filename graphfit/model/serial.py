"""A model as plain data: dictionaries, lists, numbers and names, ready for JSON.

Priors and relations are written once, with a number; where they stand again there is a
reference, so the sharing survives the round trip.
"""

import dataclasses
import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from graphfit.errors import ModelError
from graphfit.model.instance import ModelInstance, ProfileInstance
from graphfit.model.node import Missing, Node
from graphfit.priors import Comparison, Expression, Relation


def model_to_dict(root: Node) -> dict[str, Any]:
    """Return the tree as plain data; see :func:`~graphfit.model.reading.model_from_dict`.

    Parameters
    ----------
    root : Node
        The model.

    Raises
    ------
    ModelError
        If it holds a lambda, a local class, or a constant that JSON cannot hold.
    """
    return Writer().node(root)


class Writer:
    """Remembers what has been written, so that sharing becomes references."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[Expression, int] = {}

    def node(self, node: Node) -> dict[str, Any]:
        """Return a node of the tree."""
        content: dict[str, Any] = {"type": type(node).__name__, **node.description()}
        content["children"] = {
            name: self.value(child, name) for name, child in node.children()
        }
        if node.assertions:
            content["assertions"] = [self._condition(c) for c in node.assertions]
        return content

    def value(self, value: Any, where: str) -> Any:
        """Return any child as plain data."""
        if isinstance(value, Node):
            return self.node(value)
        if isinstance(value, Expression):
            return self._expression(value, where)
        if isinstance(value, Missing):
            return {"type": "missing"}
        if type(value) in (tuple, list, dict):
            return self._container(value, where)
        if isinstance(value, (ModelInstance, ProfileInstance)) or _is_record(value):
            return self._instance(value, where)
        return _constant(value, where)

    def _container(self, value: Any, where: str) -> dict[str, Any]:
        items: Any
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                msg = f"'{where}': the keys of a dictionary must be strings for JSON."
                raise ModelError(msg)
            items = {key: self.value(item, where) for key, item in value.items()}
        else:
            items = [self.value(item, where) for item in value]
        return {"type": type(value).__name__, "items": items}

    def _instance(self, value: Any, where: str) -> dict[str, Any]:
        """Return a fixed component as the model without priors that becomes it."""
        if isinstance(value, ModelInstance):
            content: dict[str, Any] = {"type": "Collection"}
            children = vars(value)
        elif isinstance(value, ProfileInstance):
            children = value.parameters
            names = list(inspect.signature(value.function).parameters)
            content = {
                "type": "Model",
                "class": callable_name(value.function, where),
                "independent_vars": names[
                    : next((i for i, n in enumerate(names) if n in children), 1)
                ],
            }
        else:
            names = [item.name for item in dataclasses.fields(value) if item.init]
            children = {name: getattr(value, name) for name in names}
            content = {"type": "Model", "class": callable_name(type(value), where)}
        content["children"] = {k: self.value(v, k) for k, v in children.items()}
        return content

    def _expression(self, value: Expression, where: str) -> dict[str, Any]:
        if value in self._numbers:
            return {"type": "reference", "id": self._numbers[value]}
        content: dict[str, Any]
        if isinstance(value, Relation):
            arguments = [self.value(item, where) for item in value.arguments]
            content = {
                "type": "Relation",
                "function": callable_name(value.function, where),
                "arguments": arguments,
                "names": list(value.names),
            }
        else:
            content = {"type": type(value).__name__, **self._fields(value, where)}
        content["id"] = self._numbers[value] = len(self._numbers)
        return content

    def _fields(self, prior: Any, where: str) -> dict[str, Any]:
        names = [item.name for item in dataclasses.fields(prior) if item.name != "name"]
        arguments = {name: self.value(getattr(prior, name), where) for name in names}
        named = {} if prior.name is None else {"name": prior.name}
        return {"arguments": arguments, **named}

    def _condition(self, condition: Comparison) -> dict[str, Any]:
        return {
            "lower": self.value(condition.lower, "condition"),
            "upper": self.value(condition.upper, "condition"),
            "strict": condition.strict,
        }


def callable_name(function: Callable[..., Any], where: str) -> str:
    """Return ``module:qualified.name`` of a class or function that can be found again.

    Raises
    ------
    ModelError
        If the name does not lead back to the same object (lambdas, local definitions).
    """
    if isinstance(function, np.ufunc):
        name = function.__name__
        module = "numpy" if getattr(np, name, None) is function else "scipy.special"
        full = f"{module}:{name}"
    else:
        module = getattr(function, "__module__", None) or "?"
        full = f"{module}:{getattr(function, '__qualname__', '?')}"
    if find_callable(full) is not function:
        shown = repr(function) if "?" in full else full
        msg = (
            f"'{where}': {shown} cannot be written by name; define it at the top level of "
            "a module (no lambda, no definition inside a function)."
        )
        raise ModelError(msg)
    return full


def find_callable(full: str) -> Any:
    """Return the class or function of that name in a module imported already, or None."""
    module, _, qualified = full.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        # Static look-up: no property or __getattr__ of a stranger runs.
        found = None if found is None else inspect.getattr_static(found, part, None)
    if type(found) is staticmethod:  # isinstance would ask its __class__
        found = found.__func__
    return found


def _is_record(value: Any) -> bool:
    """Whether a value is what its class makes of its fields: a plain dataclass."""
    return dataclasses.is_dataclass(value) and not inspect.isclass(value)


def _constant(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        text = repr(number)
        return number if math.isfinite(number) else {"type": "float", "value": text}
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {
            "type": "ndarray",
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "data": [
                float(x).hex() if value.dtype.kind == "f" else int(x)
                for x in value.flat
            ],
        }
    if inspect.isfunction(value) or inspect.isclass(value):
        return {"type": "callable", "name": callable_name(value, where)}
    msg = (
        f"'{where}': a {type(value).__name__} cannot be written as JSON; keep such objects "
        "in the Analysis, or give the model numbers, strings and arrays."
    )
    raise ModelError(msg)
