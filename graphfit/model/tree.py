"""Walking the model tree: where priors stand, their order, and their names.

A free parameter is named by its path.  In a collection of siblings (the factors of a graph,
or the positional children of a Collection) a parameter that every sibling has at the same
place drops the sibling's key: ``centre`` beside ``0.sigma`` and ``1.sigma``.

The order is that of first appearance: first everything that stands in the tree itself
(parameters, and inputs of relations), then hyper-parameters that appear only as arguments
of conditional priors.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from graphfit.errors import ModelError
from graphfit.model.node import Missing, Node
from graphfit.priors import Comparison, Expression, Prior, Relation

Path = tuple[str, ...]
NodeType = TypeVar("NodeType", bound=Node)


def child_items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the named children of a node; a tuple's are found by its owner."""
    if isinstance(value, Node):
        for name, child in value.children():
            if type(child) is tuple:
                yield from tuple_items(name, child)
            else:
                yield name, child


def tuple_items(name: str, values: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield ``name_0``, ``name_1``, ... with the elements of a tuple parameter."""
    for i, value in enumerate(values):
        if type(value) is tuple:
            yield from tuple_items(f"{name}_{i}", value)
        else:
            yield f"{name}_{i}", value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the value of everything below that is not a node."""
    if isinstance(value, Node):
        for name, child in child_items(value):
            yield from leaves(child, (*path, name))
    elif isinstance(value, Missing):
        msg = (
            f"Parameter '{'.'.join(path)}' has no prior and no value; assign one, e.g. "
            f"model.{path[-1]} = gf.UniformPrior(0.0, 1.0), or give the signature a "
            f"default, {path[-1]}: Annotated[float, gf.UniformPrior(0.0, 1.0)]."
        )
        raise ModelError(msg)
    else:
        yield path, value


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every node of the tree with its path, parents first."""
    if isinstance(value, Node):
        yield path, value
        for name, child in child_items(value):
            yield from nodes(child, (*path, name))


def assertions(root: Node) -> list[Comparison]:
    """Return the conditions of every node of the tree, each once."""
    return list(dict.fromkeys(c for _, node in nodes(root) for c in node.assertions))


def relations(root: Node) -> dict[Relation, str]:
    """Return the relations that stand as parameters, with their names."""
    found: dict[Relation, list[Path]] = {}
    for path, value in leaves(root):
        if isinstance(value, Relation):
            found.setdefault(value, []).append(path)
    return _named(root, found)


def free_parameters(root: Node) -> dict[Prior, str]:
    """Return the free parameters in the order of vectors, with their names.

    Raises
    ------
    ModelError
        If a parameter of the tree has neither a prior nor a value.
    """
    found: dict[Prior, list[Path]] = {}
    for path, value in leaves(root):
        for prior, place in _direct(value, path):
            found.setdefault(prior, []).append(place)
    _add_hyper_parameters(found)
    _require_held(root, found)
    return _named(root, found)


def direct_parameters(root: Node) -> dict[Prior, str]:
    """Return the parameters that the values of the tree are computed from.

    Unlike :func:`free_parameters` without those that appear only as arguments of
    conditional priors: a likelihood does not depend on them.

    Parameters
    ----------
    root : Node
        The model.

    Returns
    -------
    dict from Prior to str
        With the names that :func:`free_parameters` gives, in that order.
    """
    direct = {p for path, value in leaves(root) for p, _ in _direct(value, path)}
    return {p: name for p, name in free_parameters(root).items() if p in direct}


def _require_held(root: Node, found: Mapping[Prior, Any]) -> None:
    """Refuse conditions on priors that the model does not hold."""
    for condition in assertions(root):
        for side in (condition.lower, condition.upper):
            if any(prior not in found for prior, _ in _direct(side, ())):
                msg = (
                    f"The condition ({condition}) uses a prior that is no parameter of "
                    "the model; use the priors the model holds."
                )
                raise ModelError(msg)


def _add_hyper_parameters(found: dict[Prior, list[Path]]) -> None:
    """Add the priors on which conditional priors depend, and theirs in turn."""
    pending = list(found)
    for prior in pending:  # grows on the way
        if not prior.is_conditional:
            continue
        for place in list(found[prior]):
            for name, argument in prior.operands():
                label = getattr(argument, "name", None) or name
                for hyper, below in _direct(argument, (*place, label)):
                    if hyper not in found:
                        pending.append(hyper)
                        found[hyper] = []
                    if below not in found[hyper]:
                        found[hyper].append(below)


def inputs(relation: Relation) -> dict[Prior, str]:
    """Return the priors that a relation is computed from, with their local names."""
    found: dict[Prior, str] = {}
    unnamed = 0
    for name, operand in _flat_operands(relation):
        if isinstance(operand, Prior) and operand not in found:
            generic = name.startswith("input_")
            found[operand] = operand.name or (f"input_{unnamed}" if generic else name)
            unnamed += generic and operand.name is None
    return found


def substitute(node: NodeType, replacement: Mapping[Prior, Any]) -> NodeType:
    """Return a copy of the tree with some priors replaced, inside relations too.

    Parameters
    ----------
    node : Node
        The root of the tree; left as it is.
    replacement : mapping from Prior to an expression or constant
        What takes the place of which prior; others stay shared with the original.
    """
    swap = Substitution(replacement)
    return swap.node(node)


class Substitution:
    """Replaces priors, or relations, consistently over trees and their relations."""

    __slots__ = ("_done",)

    def __init__(self, replacement: Mapping[Any, Any]) -> None:
        self._done: dict[Any, Any] = dict(replacement)

    def node(self, node: NodeType) -> NodeType:
        """Return the tree below `node` with the replacements made."""
        copy = node.with_children({k: self.value(v) for k, v in node.children()})
        return copy.with_assertions(tuple(self.condition(c) for c in node.assertions))

    def condition(self, condition: Comparison) -> Comparison:
        """Return a condition with the replacements made; itself if there are none."""
        lower, upper = self.value(condition.lower), self.value(condition.upper)
        if lower is condition.lower and upper is condition.upper:
            return condition
        return Comparison(lower, upper, strict=condition.strict)

    def value(self, value: Any) -> Any:
        """Return any child with the replacements made."""
        if isinstance(value, Node):
            return self.node(value)
        if type(value) is tuple:
            return tuple(self.value(item) for item in value)
        if isinstance(value, Expression):
            return self._expression(value)
        return value

    def _expression(self, value: Expression) -> Any:
        if value in self._done:
            return self._done[value]
        new: Any = value
        if isinstance(value, Relation):
            arguments = tuple(self.value(item) for item in value.arguments)
            if _changed(arguments, value.arguments):
                new = Relation(value.function, arguments, value.names)
        elif isinstance(value, Prior) and value.is_conditional:
            arguments = tuple(self.value(item) for item in value.arguments)
            if _changed(arguments, value.arguments):
                new = value.with_arguments(arguments)
        self._done[value] = new
        return new


def _changed(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    return any(a is not b for a, b in zip(new, old, strict=True))


def _direct(value: Any, path: Path) -> Iterator[tuple[Prior, Path]]:
    """Yield the priors that a leaf is or is computed from, with their paths."""
    if isinstance(value, Prior):
        yield value, path
    elif isinstance(value, Relation):
        for prior, name in inputs(value).items():
            yield prior, (*path, name)


def _flat_operands(relation: Relation) -> Iterator[tuple[str, Any]]:
    for name, operand in relation.operands():
        if isinstance(operand, Relation):
            yield from _flat_operands(operand)
        else:
            yield name, operand


Key = TypeVar("Key")


def _named(root: Node, found: Mapping[Key, list[Path]]) -> dict[Key, str]:
    siblings: frozenset[str] = frozenset(getattr(root, "siblings", ()))
    names: dict[Key, str] = {}
    taken: set[str] = set()
    for key, paths in found.items():
        name = ".".join(_shortest(paths, siblings))
        if name in taken:
            name = ".".join(paths[0])
        names[key] = unique_name(name, taken)
        taken.add(names[key])
    return names


def unique_name(name: str, taken: Container[str]) -> str:
    """Return the name, or with the first free number behind it if it is taken.

    Examples
    --------
    >>> unique_name("centre", ["centre", "centre_1"])
    'centre_2'
    """
    serial = 1
    unique = name
    while unique in taken:
        unique, serial = f"{name}_{serial}", serial + 1
    return unique


def _shortest(paths: Iterable[Path], siblings: frozenset[str]) -> Path:
    """Drop the sibling's key from the path that every sibling has in common."""
    own = list(paths)
    below = own[0][1:]
    if own[0][0] not in siblings or not below:
        return own[0]
    holders = {path[0] for path in own if path[1:] == below}
    return below if holders == siblings else own[0]
