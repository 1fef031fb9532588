"""The hyper-parameters of a population as a part of the joint model, and their names."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphfit.graph.parent import Arguments, Parent
from graphfit.model.tree import unique_name
from graphfit.priors import Prior
from graphfit.priors.expression import Operand


def named_children(
    parent: Parent,
    arguments: Arguments,
    members: Sequence[Arguments],
    held: Collection[Prior],
) -> dict[str, Any]:
    """Return what a population adds to the joint model: its hyper-parameters, by name.

    A prior with a name inside a relation gets that name; what only the members' own
    arguments hold is named after the argument.

    Parameters
    ----------
    parent : Parent
    arguments : mapping
        The population's own.
    members : sequence of mappings
        Arguments of single draws.
    held : set of Prior
        What stands in the factors' models, and has its name from there.
    """
    naming = _Naming(held)
    own = dict(parent.operands(arguments))
    naming.note_all(value for value in own.values() if isinstance(value, Prior))
    for value in own.values():
        naming.add_named(value, own)
    for name, value in own.items():
        naming.children[name] = value
        naming.note_all(leaf_priors(value))
    found: dict[str, list[Operand]] = {}
    for member in members:
        for name, value in parent.operands(member):
            if name not in own or own[name] is not value:
                found.setdefault(name, []).append(value)
    for name, values in found.items():
        for value in values:
            naming.add_named(value, own)
        naming.add_unnamed(name, values)
    return naming.children


class _Naming:
    """Finds a name for each hyper-parameter, once."""

    def __init__(self, held: Collection[Prior]) -> None:
        self.children: dict[str, Any] = {}
        self._done: set[Prior] = set(held)

    def add_named(self, value: Operand, taken: Mapping[str, Any]) -> None:
        """Add the named priors inside a relation under their names."""
        if isinstance(value, Prior):
            return
        for prior in leaf_priors(value):
            name = prior.name
            if (
                prior in self._done
                or not name
                or name in taken
                or set(name) & set("./\\")
            ):
                continue
            self._done.add(prior)
            self.children[unique_name(name, self.children)] = prior

    def note_all(self, priors: Iterable[Prior]) -> None:
        """Remember the priors that have a name by where they stand."""
        self._done.update(priors)

    def add_unnamed(self, name: str, values: Sequence[Operand]) -> None:
        """Add what is left of the members' values of one argument."""
        left = [p for value in values for p in leaf_priors(value)]
        left = [p for p in dict.fromkeys(left) if p not in self._done]
        self._done.update(left)
        if len(left) == 1:
            self.children[unique_name(name, self.children)] = left[0]
        for k, prior in enumerate(left if len(left) > 1 else []):
            self.children[unique_name(f"{name}_{k}", self.children)] = prior


def leaf_priors(value: Any) -> Iterator[Prior]:
    """Yield the priors that a value is, or is computed from, but not what those need."""
    if isinstance(value, Prior):
        yield value
    elif hasattr(value, "operands"):
        for _, operand in value.operands():
            yield from leaf_priors(operand)
