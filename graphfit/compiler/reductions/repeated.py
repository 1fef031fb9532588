"""Components of a model that repeat one another: the same function, equal priors.

Whether they may be swapped is another question, that of
:mod:`graphfit.compiler.reductions.exchangeable`.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.model.tree import child_items, leaves, nodes
from graphfit.priors import Prior, Relation

Path = tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Component:
    """One of several alike.

    Attributes
    ----------
    name : str
        Where it stands.
    priors : dict from tuple of str to Prior
        Its free parameters by their places; alike in all of a family.
    """

    name: str
    priors: dict[Path, Prior]


@final
@dataclass(frozen=True, eq=False)
class Family:
    """Components side by side that are alike.

    Attributes
    ----------
    components : tuple of Component, length K
        In the order of the tree.
    alike : bool
        Whether their priors are; if not, they only have the same function.
    """

    components: tuple[Component, ...]
    alike: bool


def families(root: Node, *, alone: bool = False) -> list[Family]:
    """Return components of one kind that stand side by side, those of a graph joined.

    Parameters
    ----------
    root : Node
        The joint model of a graph, whose children are the factors' models.
    alone : bool
        Whether there is one factor, whose name is then no part of the components'.

    Returns
    -------
    list of Family
        Two components at least in each.  Where a component has parameters in several
        factors, its parts are one component here.
    """
    found: list[Family] = []
    for path, node in nodes(root):
        if path and isinstance(node, Collection):
            for family in _side_by_side(path[1:] if alone else path, node):
                _join(found, family)
    return found


def _side_by_side(path: Path, node: Collection) -> Iterator[Family]:
    """Yield the families among the children of a collection."""
    kinds: dict[Hashable, list[tuple[Hashable, Component]]] = {}
    for name, child in node.children():
        if isinstance(child, (Model, Collection)):
            priors = {
                (*path, *place): prior
                for leaf, value in leaves(child)
                for place, prior in _priors(leaf, value)
            }
            component = Component(".".join((*path, name)), priors)
            kinds.setdefault(_kind(child), []).append((_contents(child), component))
    for kind in kinds.values():
        alike: dict[Hashable, list[Component]] = {}
        for contents, component in kind:
            alike.setdefault(contents, []).append(component)
        lonely = [members[0] for members in alike.values() if len(members) == 1]
        for members in alike.values():
            if len(members) > 1:
                yield Family(tuple(members), alike=True)
        if len(lonely) > 1:
            yield Family(tuple(lonely), alike=False)


def _priors(place: Path, value: Any) -> Iterator[tuple[Path, Prior]]:
    """Yield the priors that a leaf is, or is computed from, by their places."""
    if isinstance(value, Prior):
        yield place, value
    elif isinstance(value, Relation):
        for name, operand in value.operands():
            yield from _priors((*place, name), operand)


def _kind(value: Any) -> Hashable:
    """Return what tells kinds of components apart: functions and names."""
    if not isinstance(value, Node):
        return None
    target = value.cls if isinstance(value, Model) else type(value)
    inner = tuple((name, _kind(child)) for name, child in child_items(value))
    return id(target), inner


def _contents(component: Node) -> Hashable:
    """Return what tells components of one kind apart: values and families of priors."""
    return tuple(_content(value) for _, value in leaves(component))


def _content(value: Any) -> Hashable:
    if isinstance(value, Relation):
        return "relation", value.function, *map(_content, value.arguments)
    if isinstance(value, Prior):
        return ("prior", value.density, *map(_content_of_argument, value.arguments))
    return _content_of_argument(value)


def _content_of_argument(value: Any) -> Hashable:
    """Numbers by value, anything else by identity."""
    if isinstance(value, (bool, int, float, np.number)):
        return float(value)
    if isinstance(value, (str, bytes)):
        return value
    return "object", id(value)


def _join(found: list[Family], new: Family) -> None:
    """Add a family; if it shares parameters with another one by one, to that one."""
    for i, old in enumerate(found):
        partners = [_partner(component, old) for component in new.components]
        if old.alike and new.alike and sorted(partners) == list(range(len(partners))):
            if len(partners) != len(old.components):
                continue
            parts = dict(zip(partners, new.components, strict=True))
            joined = tuple(
                Component(component.name, {**component.priors, **parts[k].priors})
                for k, component in enumerate(old.components)
            )
            found[i] = Family(joined, alike=True)
            return
    found.append(new)


def _partner(component: Component, family: Family) -> int:
    """Return which component of a family shares own parameters with one; -1 if not one."""
    common = _common(family)
    mine = {id(prior) for prior in component.priors.values()} - common
    sharing = [
        k
        for k, other in enumerate(family.components)
        if mine & {id(prior) for prior in other.priors.values()}
    ]
    return sharing[0] if len(sharing) == 1 else -1


def _common(family: Family) -> set[int]:
    """Return the identities of priors that all components of a family hold."""
    held = [
        {id(prior) for prior in component.priors.values()}
        for component in family.components
    ]
    return set.intersection(*held)
