"""The maps in a model: where its numbers differ from pixel to pixel of a cube."""

from typing import Any

from graphfit.model.node import Node
from graphfit.model.tree import assertions
from graphfit.priors import Expression, Relation
from graphfit.priors.pixel_map import is_pixel_map


def pixel_maps(root: Node, *, conditions: bool = True) -> tuple[Relation, ...]:
    """Return every :func:`~graphfit.pixel_map` below a node, each once, in order.

    Parameters
    ----------
    root : Node
        A model; maps may be its values, arguments of its priors, operands of relations,
        sides of conditions.
    conditions : bool
        Whether to look into conditions.

    Examples
    --------
    >>> import graphfit as gf
    >>> width = gf.pixel_map([1.0, 2.0])
    >>> len(pixel_maps(gf.Model(gf.ex.Gaussian, sigma=width)))
    1
    """
    found: dict[Relation, None] = {}
    seen: set[Expression] = set()
    _collect(root, found, seen)
    for condition in assertions(root) if conditions else ():
        _collect(condition.lower, found, seen)
        _collect(condition.upper, found, seen)
    return tuple(found)


def _collect(value: Any, found: dict[Relation, None], seen: set[Expression]) -> None:
    if isinstance(value, Node):
        for _, child in value.children():
            _collect(child, found, seen)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found, seen)
    elif isinstance(value, Expression) and value not in seen:
        seen.add(value)
        if isinstance(value, Relation) and is_pixel_map(value):
            found[value] = None
        for _, operand in value.operands():
            _collect(operand, found, seen)
