"""A model's shape with anything in place of its values: intervals, errors, labels."""

from collections.abc import Mapping
from typing import Any

from graphfit.model.instance import ModelInstance
from graphfit.model.node import Node
from graphfit.priors import Expression


def payload_tree(value: Any, payload: Mapping[Expression, Any]) -> Any:
    """Return nested :class:`ModelInstance` objects with `payload` where priors stand.

    Unlike an instance, no class or function of the user's is called.

    Parameters
    ----------
    value : Node or any child
        The model tree.
    payload : mapping from Expression to object
        What stands for each prior and relation; None for those not named.
    """
    if isinstance(value, Node):
        return ModelInstance({k: payload_tree(v, payload) for k, v in value.children()})
    if type(value) is tuple:
        return tuple(payload_tree(item, payload) for item in value)
    if isinstance(value, Expression):
        return payload.get(value)
    return value
