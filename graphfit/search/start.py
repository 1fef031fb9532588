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
        vector = program.prior_transform(np.full(program.dimension, 0.5))
        for name, value in start.items():
            if name not in program.space.names:
                msg = (
                    f"start: there is no parameter {name!r}."
                    f"{close_match(name, program.space.names)}"
                )
                raise ModelError(msg)
            vector[program.space.names.index(name)] = float(value)
    elif isinstance(start, (list, tuple, np.ndarray)):
        vector = np.asarray(start, dtype=np.float64)
        if vector.shape != (program.dimension,):
            msg = (
                f"start: a vector needs {program.dimension} values, one for each of "
                f"{', '.join(program.space.names)}; got shape {vector.shape}."
            )
            raise ModelError(msg)
    else:
        vector = _from_instance(program, start)
    if not np.isfinite(program.log_prior(vector)):
        pairs = zip(program.space.names, vector.tolist(), strict=True)
        shown = ", ".join(f"{name} = {value:g}" for name, value in pairs)
        msg = f"start: the prior density is zero at {shown}; start inside the priors."
        raise ModelError(msg)
    return vector


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
