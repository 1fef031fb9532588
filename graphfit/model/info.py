"""The model as text: the count, the tree of components, the priors.

Siblings that hold the same things are shown once under their range (``0 - 2``); what all
of them share stands under the range, what each has for itself under its own key.
"""

from collections.abc import Container, Sequence
from typing import Any

from graphfit.model.node import Node
from graphfit.model.tree import (
    assertions,
    child_items,
    free_parameters,
    inputs,
    leaves,
    nodes,
)
from graphfit.priors import Expression, Prior, Relation

COLUMN = 56
INDENT = "    "


def info_text(root: Node) -> str:
    """Return the text that ``model.info`` shows.

    Parameters
    ----------
    root : Node
        The model.
    """
    parameters = free_parameters(root)
    numbers = {prior: i for i, prior in enumerate(parameters)}
    lines = [f"Total Free Parameters = {len(parameters)}", ""]
    lines += _structure("model", root, 0)
    lines += ["", *_children(root, numbers, 0)]
    # What only conditional priors depend on stands nowhere in the tree.
    held = _held(root)
    hyper = {p: name for p, name in parameters.items() if p not in held}
    if hyper:
        lines += ["", "Hyper-parameters"]
        lines += [_row(name, _prior(p, numbers), 1) for p, name in hyper.items()]
    conditions = assertions(root)
    if conditions:
        lines += ["", "Conditions"]
        lines += [f"{INDENT}{condition.text(parameters)}" for condition in conditions]
    return "\n".join(lines)


def _structure(name: str, node: Node, depth: int) -> list[str]:
    label = f"{node.label()} (N={len(free_parameters(node))})"
    lines = [_row(name, label, depth)]
    below = [
        (key, child) for key, child in child_items(node) if isinstance(child, Node)
    ]
    siblings = frozenset(getattr(node, "siblings", ()))
    for keys, child in _runs(below, siblings):
        lines += _structure(_range(keys), child, depth + 1)
    return lines


def _runs(
    items: Sequence[tuple[str, Node]], siblings: frozenset[str]
) -> list[tuple[list[str], Node]]:
    """Group neighbours among siblings whose trees have the same shape and labels."""
    runs: list[tuple[list[str], Node]] = []
    shapes: list[Any] = []
    for key, node in items:
        shape = [(path, n.label(), len(free_parameters(n))) for path, n in nodes(node)]
        if runs and shapes[-1] == shape and {key, runs[-1][0][-1]} <= siblings:
            runs[-1][0].append(key)
        else:
            runs.append(([key], node))
            shapes.append(shape)
    return runs


def _range(keys: Sequence[str]) -> str:
    """Return ``0 - 2`` for positions, and names one by one where there is room."""
    listed = ", ".join(keys)
    if len(keys) > 1 and (all(map(str.isdigit, keys)) or len(listed) > COLUMN // 2):
        return f"{keys[0]} - {keys[-1]}"
    return listed


def _children(node: Node, numbers: dict[Prior, int], depth: int) -> list[str]:
    siblings = [key for key in getattr(node, "siblings", ()) if depth == 0]
    members = dict(child_items(node))
    trees = {key: members[key] for key in siblings if isinstance(members[key], Node)}
    if len(trees) < 2:
        return _entries(node, numbers, depth, skip=())
    flat = {key: dict(_flat(child)) for key, child in trees.items()}
    first = next(iter(flat.values()))
    common = {
        path
        for path, value in first.items()
        if all(path in other and _same(other[path], value) for other in flat.values())
    }
    lines = []
    if common:
        name = _range(list(trees))
        lines += [name, *_select(next(iter(trees.values())), numbers, (), common, True)]
    for key, child in trees.items():
        own = _select(child, numbers, (), common, False)
        lines += [key, *own] if own else []
    for key, child in members.items():
        if key not in trees:
            lines += _entry(key, child, numbers, 0)
    return lines


def _select(
    node: Node, numbers: dict[Prior, int], path: Any, common: set[Any], wanted: bool
) -> list[str]:
    """Return the lines of the leaves whose being common is as wanted, with their parents."""
    lines: list[str] = []
    depth = len(path) + 1
    for key, child in child_items(node):
        here = (*path, key)
        if isinstance(child, Node):
            below = _select(child, numbers, here, common, wanted)
            lines += [f"{INDENT * depth}{key}", *below] if below else []
        elif isinstance(child, Relation):
            text = (
                [_row(key, child.text(inputs(child)), depth)]
                if (here in common) == wanted
                else []
            )
            below = [
                _row(name, _prior(prior, numbers), depth + 1)
                for prior, name in inputs(child).items()
                if ((*here, name) in common) == wanted
            ]
            lines += text or ([f"{INDENT * depth}{key}"] if below else [])
            lines += below
        elif (here in common) == wanted:
            lines += _entry(key, child, numbers, depth)
    return lines


def _flat(node: Node, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, child in child_items(node):
        if isinstance(child, Node):
            found += _flat(child, (*path, key))
        else:
            found.append(((*path, key), child))
            if isinstance(child, Relation):
                found += [((*path, key, n), p) for p, n in inputs(child).items()]
    return found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Expression) or isinstance(b, Expression):
        return a is b
    return a is b or (
        type(a) is type(b) and isinstance(a, (int, float, str)) and a == b
    )


def _entries(
    node: Node, numbers: dict[Prior, int], depth: int, skip: Sequence[str]
) -> list[str]:
    lines: list[str] = []
    children = dict(child_items(node))
    beside = {child for child in children.values() if isinstance(child, Prior)}
    for key, child in children.items():
        if key not in skip:
            lines += _entry(key, child, numbers, depth, beside)
    return lines


def _entry(
    key: str,
    value: Any,
    numbers: dict[Prior, int],
    depth: int,
    beside: Container[Prior] = (),
) -> list[str]:
    """Return a child's lines; a relation's inputs, unless they stand beside it."""
    if isinstance(value, Node):
        return [f"{INDENT * depth}{key}", *_entries(value, numbers, depth + 1, ())]
    if isinstance(value, Prior):
        return [_row(key, _prior(value, numbers), depth)]
    if isinstance(value, Relation):
        lines = [_row(key, value.text(inputs(value)), depth)]
        for prior, name in inputs(value).items():
            if prior not in beside:
                lines += _entry(name, prior, numbers, depth + 1)
        return lines
    return [_row(key, _constant(value), depth)]


def _held(root: Node) -> set[Prior]:
    """Return the priors that stand in the tree, or in a relation that does."""
    found: set[Prior] = set()
    for _, value in leaves(root):
        if isinstance(value, Prior):
            found.add(value)
        elif isinstance(value, Relation):
            found |= set(inputs(value))
    return found


def _prior(prior: Prior, numbers: dict[Prior, int]) -> str:
    kind, _, rest = str(prior).partition(", ")
    if prior.is_conditional:
        # Parameters by their numbers; their own priors are shown where they stand.
        rest = ", ".join(
            f"{name} = {_argument(value, numbers)}" for name, value in prior.operands()
        )
    number = numbers.get(prior)
    mark = f"{kind} [{number}]" if number is not None else kind
    return f"{mark}, {rest}" if rest else mark


def _argument(value: Any, numbers: dict[Prior, int]) -> str:
    if isinstance(value, Prior):
        return f"[{numbers[value]}]"
    if isinstance(value, Relation):
        return value.text({prior: f"[{numbers[prior]}]" for prior in inputs(value)})
    return f"{value:g}"


def _constant(value: Any) -> str:
    text = repr(value)
    if len(text) <= 60 and "\n" not in text:
        return text
    shape = getattr(value, "shape", None)
    return type(value).__name__ + ("" if shape is None else f" {shape}")


def _row(name: str, value: str, depth: int) -> str:
    left = f"{INDENT * depth}{name}"
    return f"{left:<{COLUMN}}{value}" if len(left) < COLUMN else f"{left}  {value}"
