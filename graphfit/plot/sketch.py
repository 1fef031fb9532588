"""What a drawing of a factor graph holds, before anything has a place.

A :class:`Sketch` is the bipartite graph as a reader wants to see it: a row for each factor
with the parameters of its own, the parameters that rows share, and boxes for what connects
parameters without data (conditional priors, conditions).  Rows that repeat one another are
one row under their range, so that three hundred datasets are as readable as three.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, final

from graphfit.errors import ModelError
from graphfit.graph import FactorGraphModel
from graphfit.model import Collection
from graphfit.model.node import Node
from graphfit.model.tree import (
    assertions,
    direct_parameters,
    free_parameters,
    inputs,
    relations,
)
from graphfit.plot.prior_text import (
    LONGEST_TEXT,
    condition_priors,
    family,
    named_text,
    prior_inputs,
    prior_text,
    shortened,
)
from graphfit.priors import Comparison, Expression, Prior

MOST_IN_BUNDLE = 6

Id = Hashable
# A drawn variable: the population's name, its family, which of a draw's variables it is.
Membership = tuple[str, str, int]


@final
@dataclass(slots=True)
class Circle:
    """A parameter, or several that play the same part.

    Attributes
    ----------
    label : str
        Its name; the first and the last of several.
    note : str
        Its prior; empty where a box shows it.
    count : int
        How many parameters it stands for, in each dataset of its row.
    """

    label: str
    note: str
    count: int = 1


@final
@dataclass(slots=True)
class Row:
    """A factor, or several that repeat one another.

    Attributes
    ----------
    label : str
        Its name; the range of several.
    notes : list of str
        Its model, its relations.
    count : int
        How many factors it stands for.
    own, shared : list
        The circles that only it has, and the others.
    """

    label: str
    notes: list[str]
    count: int = 1
    own: list[Id] = field(default_factory=list)
    shared: list[Id] = field(default_factory=list)


@final
@dataclass(slots=True)
class Box:
    """What connects parameters without data."""

    kind: Literal["prior", "condition"]
    label: str
    circles: list[Id]


@final
@dataclass(slots=True)
class Sketch:
    """A factor graph as it is to be drawn.

    Attributes
    ----------
    word : {"dataset", "component"}
        What a row is.
    rows : list of Row
        In order; a row without circles and with ``count`` 0 tells what is left out.
    circles : dict from id to Circle
    boxes : list of Box
    factor_count, parameter_count : int
        Of the whole graph.
    """

    word: str
    rows: list[Row]
    circles: dict[Id, Circle]
    boxes: list[Box]
    factor_count: int
    parameter_count: int


@final
@dataclass(slots=True)
class _Factor:
    """One factor as it stands in the model."""

    name: str
    notes: list[str]
    names: dict[Prior, str]  # its parameters, by their names in its own model
    own: list[Prior]
    shared: list[Prior]


def sketch(subject: Any, most_rows: int) -> Sketch:
    """Return the sketch of a factor graph or a model.

    Parameters
    ----------
    subject : FactorGraphModel, Model or Collection
        The rows are the factors of a graph, the components of a Collection.
    most_rows : int, >= 3
        More than these are shown by range; if no two are alike, the middle is left out.

    Raises
    ------
    ModelError
        If it is neither, or has no free parameter.
    """
    word, root, parts = _parts(subject)
    names = free_parameters(root)
    if not names:
        msg = "plot.graph: the model has no free parameter; give it at least one prior."
        raise ModelError(msg)
    factors = _factors(parts)
    members = _members(subject)
    groups = [[factor] for factor in factors]
    if len(factors) > most_rows:
        groups = _alike(factors, members)
    left_out = 0
    if len(groups) > most_rows:
        head = most_rows // 2
        tail = most_rows - head - 1
        left_out = sum(len(group) for group in groups[head:-tail])
        groups = groups[:head] + groups[-tail:]
    drawing = _Drawing(names, members)
    rows = [drawing.row(group, factors) for group in groups]
    if left_out:
        rows.insert(most_rows // 2, Row("⋮", [f"{left_out} further {word}s"], 0))
    drawing.bundle(rows)
    boxes = drawing.boxes(names, assertions(root))
    visible = {id for row in rows for id in (*row.own, *row.shared)}
    visible |= {id for box in boxes for id in box.circles}
    circles = {id: c for id, c in drawing.circles.items() if id in visible}
    return Sketch(word, rows, circles, boxes, len(factors), len(names))


def _parts(subject: Any) -> tuple[str, Node, dict[str, Any]]:
    """Return what a row is called, the whole model, and the parts that become rows."""
    if isinstance(subject, FactorGraphModel):
        root = subject.global_prior_model
        return "dataset", root, {name: root[name] for name in subject.factors}
    if isinstance(subject, Collection):
        chosen = subject.siblings or [name for name, _ in subject.items()]
        parts = {name: subject[name] for name in chosen}
        holding = {n: p for n, p in parts.items() if isinstance(p, (Node, Expression))}
        return "component", subject, holding or {"model": subject}
    if isinstance(subject, Node):
        return "component", subject, {subject.label(): subject}
    msg = f"plot.graph draws a FactorGraphModel, Model or Collection, got {subject!r}."
    raise ModelError(msg)


def _factors(parts: dict[str, Any]) -> list[_Factor]:
    found = []
    holders: dict[Prior, int] = {}
    for name, part in parts.items():
        names = direct_parameters(_as_node(name, part))
        for prior in names:
            holders[prior] = holders.get(prior, 0) + 1
        found.append(_Factor(name, _notes(name, part), names, [], []))
    for factor in found:
        factor.own = [prior for prior in factor.names if holders[prior] == 1]
        factor.shared = [prior for prior in factor.names if holders[prior] > 1]
    return found


def _members(subject: Any) -> dict[Prior, Membership]:
    """Return the variables that are drawn from the populations of a graph."""
    if not isinstance(subject, FactorGraphModel):
        return {}
    return {
        prior: (name, population.parent.label, k)
        for name, population in subject.populations_by_name.items()
        for draw in subject.draws_of(population)
        for k, prior in enumerate(draw)
    }


def _as_node(name: str, part: Any) -> Node:
    return part if isinstance(part, Node) else Collection(**{name: part})


def _notes(name: str, part: Any) -> list[str]:
    """Return a factor's model, unless that is its name, and its relations."""
    node = _as_node(name, part)
    notes = [node.label()] if isinstance(part, Node) and node.label() != name else []
    for relation, place in relations(node).items():
        notes.append(shortened(f"{place} = {named_text(relation, inputs(relation))}"))
    return notes


def _alike(
    factors: Sequence[_Factor], members: Mapping[Prior, Membership]
) -> list[list[_Factor]]:
    """Group the factors that have the same model and share the same parameters."""
    groups: dict[Hashable, list[_Factor]] = {}
    for factor in factors:
        own = tuple(
            (factor.names[prior], members.get(prior) or _population(prior))
            for prior in factor.own
        )
        places = tuple(note.partition(" = ")[0] for note in factor.notes)
        groups.setdefault((places, own, frozenset(factor.shared)), []).append(factor)
    return list(groups.values())


def _population(prior: Prior) -> Hashable:
    """Return what two draws from one population have in common."""
    arguments = prior.arguments if prior.is_conditional else ()
    return (type(prior).__name__, *arguments)


class _Drawing:
    """The circles of a sketch while it is being made."""

    def __init__(
        self, names: dict[Prior, str], members: Mapping[Prior, Membership]
    ) -> None:
        self.circles: dict[Id, Circle] = {}
        self._members = members
        self._of: dict[Prior, Id] = {}
        self._names = names

    def row(self, group: Sequence[_Factor], factors: Sequence[_Factor]) -> Row:
        first = group[0]
        row = Row(_range(group, factors), _merged_notes(group), len(group))
        for i, prior in enumerate(first.own):
            same = [factor.own[i] for factor in group]
            label = first.names[prior]
            row.own.append(self._add(("own", first.name, label), label, same))
        for prior in first.shared:
            row.shared.append(self._shared(prior))
        return row

    def _shared(self, prior: Prior) -> Id:
        if prior not in self._of:
            self._add(("parameter", self._names[prior]), self._names[prior], [prior])
        return self._of[prior]

    def _add(self, id: Id, label: str, priors: Sequence[Prior]) -> Id:
        notes = {prior_text(prior) for prior in priors}
        note = notes.pop() if len(notes) == 1 else type(priors[0]).__name__[:-5]
        self.circles[id] = Circle(label, note)
        self._of.update(dict.fromkeys(priors, id))
        return id

    def bundle(self, rows: Sequence[Row]) -> None:
        """Let one circle stand for many that are linked alike."""
        links: dict[Id, list[int]] = {}
        for i, row in enumerate(rows):
            for id in (*row.own, *row.shared):
                links.setdefault(id, []).append(i)
        conditional = {id for prior, id in self._of.items() if prior.is_conditional}
        bundles: dict[Hashable, list[Id]] = {}
        for id, where in links.items():
            if id not in conditional:
                bundles.setdefault(tuple(where), []).append(id)
        for members in bundles.values():
            if len(members) > MOST_IN_BUNDLE:
                self._merge(members, rows)

    def _merge(self, members: Sequence[Id], rows: Iterable[Row]) -> None:
        merged = [self.circles.pop(id) for id in members]
        first, last = merged[0], merged[-1]
        note = first.note if len({circle.note for circle in merged}) == 1 else ""
        label = f"{first.label} … {last.label}"
        self.circles[members[0]] = Circle(label, note, len(merged))
        gone = set(members[1:])
        for row in rows:
            row.own = [id for id in row.own if id not in gone]
            row.shared = [id for id in row.shared if id not in gone]
        for prior, id in self._of.items():
            if id in gone:
                self._of[prior] = members[0]

    def boxes(
        self, names: dict[Prior, str], conditions: Iterable[Comparison]
    ) -> list[Box]:
        """Return the conditional priors and the conditions between visible circles."""
        found: dict[Hashable, Box] = {}
        for prior in names:
            if prior.is_conditional and prior in self._of:
                for hyper in prior_inputs(prior):
                    self._shared(hyper)
        for prior in [p for p in names if p in self._of]:
            if prior in self._members:
                self._add_draw(prior, found)
            elif prior.is_conditional:
                ids = [self._of[prior], *(self._of[p] for p in prior_inputs(prior))]
                key = (_population(prior), *ids[1:])
                self._link(found.setdefault(key, Box("prior", family(prior), [])), ids)
        for condition in conditions:
            priors = list(dict.fromkeys(condition_priors(condition)))
            if not all(prior in self._of for prior in priors):
                continue  # of rows that are left out
            ids = list(dict.fromkeys(self._of[prior] for prior in priors))
            label = self._condition_text(condition, priors)
            found.setdefault(("condition", *ids), Box("condition", label, ids))
        return list(found.values())

    def _add_draw(self, prior: Prior, found: dict[Hashable, Box]) -> None:
        """Link the one box of a population to a drawn variable and what that needs."""
        name, label, _ = self._members[prior]
        box = found.setdefault(name, Box("prior", label.removesuffix("Prior"), []))
        # The other variables of the same draw stand at the box already.
        hyper = [p for p in prior_inputs(prior) if self._membership(p) != name]
        self._link(box, [self._of[prior], *(self._of[p] for p in hyper)])

    def _membership(self, prior: Prior) -> str | None:
        return self._members[prior][0] if prior in self._members else None

    @staticmethod
    def _link(box: Box, ids: Iterable[Id]) -> None:
        box.circles += [id for id in dict.fromkeys(ids) if id not in box.circles]

    def _condition_text(self, condition: Comparison, priors: Sequence[Prior]) -> str:
        """Return a condition in the names that the circles show, if those tell it."""
        shown = {prior: self.circles[self._of[prior]].label for prior in priors}
        if len(set(shown.values())) < len(shown):
            shown = {prior: self._names[prior] for prior in priors}
        return shortened(named_text(condition, shown), 2 * LONGEST_TEXT)


def _merged_notes(group: Sequence[_Factor]) -> list[str]:
    """Return the notes of a group: a relation that differs shows its first and last."""
    first, last = group[0].notes, group[-1].notes
    return [
        a if a == b else shortened(f"{a}  …  {b.partition(' = ')[2]}", 2 * LONGEST_TEXT)
        for a, b in zip(first, last, strict=True)
    ]


def _range(group: Sequence[_Factor], factors: Sequence[_Factor]) -> str:
    """Return the names of a group: a range, or a range with gaps."""
    if len(group) == 1:
        return group[0].name
    order = {factor.name: i for i, factor in enumerate(factors)}
    first, last = group[0].name, group[-1].name
    gaps = order[last] - order[first] + 1 > len(group)
    return f"{first} … {last}" + (" (with gaps)" if gaps else "")
