"""From a row of values to the user's objects: one closure a node, made once.

The closures take the table of a :class:`~graphfit.model.space.ParameterSpace` as a list of
floats and return the instance.  Nothing here looks up a name when called.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from graphfit.model.node import Builder, Node, Part
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression


def instance_builder(value: Any, space: ParameterSpace) -> Builder:
    """Return the function that turns a table of values into an instance.

    Parameters
    ----------
    value : Node or any child
        A node of the tree that `space` was made from.
    space : ParameterSpace
        Knows each expression's slot.

    Returns
    -------
    callable
        ``build(values: list of float) -> instance``.
    """
    return _part(value, space).build


def _part(value: Any, space: ParameterSpace) -> Part:
    if isinstance(value, Expression):
        slot = space.slot(value)
        return Part(itemgetter(slot), slot)
    if isinstance(value, Node):
        parts = {name: _part(child, space) for name, child in value.children()}
        return Part(value.assembler(parts), None)
    if type(value) is tuple:
        return Part(_tuple_builder([_part(item, space).build for item in value]), None)
    return Part(lambda values: value, None)


def _tuple_builder(builders: list[Callable[[Any], Any]]) -> Builder:
    return lambda values: tuple(build(values) for build in builders)
