"""Where a search begins: a vector from names, an instance or numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import ModelError, close_match
from graphfit.model.node import Node
from graphfit.priors import Prior
from graphfit.typing import FloatArray


def start_vector(program: Program, start: Any) -> FloatArray:
    """Return the vector `(D,)` that a user's `start` stands for.

    Parameters
    ----------
    program : Program
        Whose parameters they are.
    start : mapping, array-like or instance
        Values by name (parameters not named start at their prior's median), a vector, or
        an instance of the model.

    Raises
    ------
    ModelError
        For unknown names, a wrong length, or a point outside the priors.
    """
    if isinstance(start, Mapping):
        vector = _from_names(program, start)
    elif isinstance(start, (list, tuple, np.ndarray)):
        if np.shape(start) != (program.dimension,):
            msg = (
                f"start: a vector needs {program.dimension} values, one for each of "
                f"{', '.join(program.space.names)}; got shape {np.shape(start)}."
            )
            raise ModelError(msg)
        pairs = zip(start, program.space.names, strict=True)
        vector = np.array([_number(value, name) for value, name in pairs])
    else:
        vector = _from_instance(program, start)
    _require_possible(program, vector)
    return vector


def _from_names(program: Program, start: Mapping[Any, Any]) -> FloatArray:
    space = program.space
    given: dict[int, float] = {}
    for name, value in start.items():
        if name not in space.names:
            msg = f"start: there is no parameter {name!r}.{close_match(name, space.names)}"
            raise ModelError(msg)
        given[space.names.index(name)] = _number(value, name)
    for i in space.improper:
        if i not in given:
            msg = (
                f"start: '{space.names[i]}' has {space.priors[i]!r}, which has no median "
                "to start at; name it in start= as well."
            )
            raise ModelError(msg)
    vector = space.medians(given)
    vector[list(given)] = list(given.values())
    return vector


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        msg = f"start: {name} = {value!r} is not a number."
        raise ModelError(msg) from None


def _require_possible(program: Program, vector: FloatArray) -> None:
    """Refuse a start where the prior density is zero, naming the parameters."""
    if np.isfinite(program.log_prior(vector)):
        return
    low, high = program.space.support(vector)
    outside = [
        f"{name} = {value:g} is outside its prior's range {lowest:g} to {highest:g}"
        for name, value, lowest, highest in zip(
            program.space.names, vector, low, high, strict=True
        )
        if not lowest <= value <= highest
    ]
    shown = "; ".join(outside) or "a condition of the model does not hold there"
    msg = f"start: {shown}; start where the prior density is not zero."
    raise ModelError(msg)


def _from_instance(program: Program, instance: Any) -> FloatArray:
    model = program.graph.global_prior_model
    if len(program.factor_names) == 1 and not _has(instance, program.factor_names[0]):
        model = model[program.factor_names[0]]
    values: dict[Prior, float] = {}
    _collect(model, instance, values)
    return np.array([values[prior] for prior in program.space.priors], dtype=np.float64)


def _has(instance: Any, key: str) -> bool:
    return key in getattr(instance, "__dict__", {})


def _collect(node: Any, instance: Any, values: dict[Prior, float]) -> None:
    """Walk the model and the instance side by side."""
    if isinstance(node, Prior):
        values[node] = float(instance)
    elif isinstance(node, tuple):
        for child, part in zip(node, instance, strict=True):
            _collect(child, part, values)
    elif isinstance(node, Node):
        for name, child in node.children():
            if isinstance(child, (Node, Prior, tuple)):
                _collect(child, _part(instance, name), values)


def _part(instance: Any, name: str) -> Any:
    if isinstance(instance, np.ndarray):
        return instance[tuple(int(i) for i in name.split("_"))]
    try:
        return getattr(instance, name)
    except AttributeError:
        msg = f"start: the instance {instance!r} has no {name!r}; is it of this model?"
        raise ModelError(msg) from None
