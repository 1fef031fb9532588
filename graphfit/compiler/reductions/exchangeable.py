"""Which components of a model may be swapped, so that one of their parameters can be sorted.

K components that may be swapped give a posterior of K! equal modes.  With one parameter of
each in increasing order a single one is left, and the evidence is the same: see
:class:`~graphfit.compiler.unit_cube.UnitCube`.

Candidates are told by the structure of the model.  Whether the likelihood, the prior and
the conditions are the same with two of them swapped is then tried at a few points of the
prior: sums over components in another order differ by their rounding, so that no
comparison of formulas would be more than a sufficient condition.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from graphfit.compiler.program import Program
from graphfit.compiler.reductions.repeated import Component, Family, families
from graphfit.model.tree import inputs
from graphfit.priors import Comparison, OrderedPrior, Prior, Relation
from graphfit.typing import FloatArray, IntArray

LOCATIONS = (
    "centre",
    "center",
    "mean",
    "mu",
    "x_0",
    "x0",
    "loc",
    "location",
    "position",
    "velocity",
    "v",
    "frequency",
)
"""Names of parameters that say where a component is, those to sort first."""
POINTS = 8
"""Points at which components are swapped."""
SAME = 1e-9
"""Relative difference of sums in another order, at most: rounding is 1e-7 of it."""
_TRIES = 64  # draws to find these points
_LAST = len(LOCATIONS)
_NOTHING_TO_SORT = "no parameter of each is its own, and sampled from a plain prior"


@final
@dataclass(frozen=True, eq=False)
class ExchangeablePlan:
    """Groups of components that may be swapped.

    Attributes
    ----------
    groups : tuple of tuple of int
        For each group one parameter of each component, by its position in
        ``program.space.priors``: those to be sorted, in the order of the components.
    members : tuple of tuple of tuple of int
        For each group and component the positions of all its parameters; components may
        share some.
    parameters : tuple of str
        For each group the name of the parameter to be sorted, such as "mean".
    components : tuple of tuple of str
        For each group where its components stand in the model.
    reasons : dict of str to str
        Why other components that are alike cannot be swapped, or not be sorted; by where
        they stand.
    """

    groups: tuple[tuple[int, ...], ...]
    members: tuple[tuple[tuple[int, ...], ...], ...]
    parameters: tuple[str, ...]
    components: tuple[tuple[str, ...], ...]
    reasons: dict[str, str]


def exchangeable(
    program: Program, *, hidden: Collection[int] = (), held: Collection[int] = ()
) -> ExchangeablePlan:
    """Find the components that may be swapped, and what to sort them by.

    Parameters
    ----------
    program : Program
        With data: what they say nothing of cannot be tried.
    hidden : collection of int
        Positions of parameters that stand for numbers given row by row: components that
        have any cannot be swapped.
    held : collection of int
        Positions of parameters that are not sampled, and so not to be sorted.

    Returns
    -------
    ExchangeablePlan

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> from graphfit.compiler.lower import as_graph, lower
    >>> model = gf.Collection(a=gf.ex.Gaussian, b=gf.ex.Gaussian, c=gf.ex.Exponential)
    >>> analysis = gf.ex.Analysis(data=np.arange(5.0), noise_map=np.ones(5))
    >>> plan = exchangeable(lower(as_graph(model, analysis)))
    >>> plan.parameters, plan.groups, plan.components
    (('centre',), ((0, 3),), (('a', 'b'),))
    """
    reasons: dict[str, str] = {}
    trial = _Trial(program)
    found: list[_Group] = []
    used: set[int] = set()
    root = program.graph.global_prior_model
    for family in families(root, alone=len(program.factor_names) == 1):
        for components in _swappable(family, trial, set(hidden), reasons):
            members = tuple(_positions(item, trial.position) for item in components)
            sets = [set(item) for item in members]
            common: set[int] = set.intersection(*sets)
            own = set.union(*sets) - common
            if own & used:  # parts of components that are swapped as a whole
                continue
            names = tuple(item.name for item in components)
            place = _sortable(components, trial.position, {*hidden, *held})
            if place is None:
                reasons[", ".join(names)] = _NOTHING_TO_SORT
                continue
            used |= own
            group = tuple(trial.position[item.priors[place]] for item in components)
            shown = program.space.names[group[0]].rpartition(".")[2]
            found.append(_Group(group, members, shown, names))
    return ExchangeablePlan(
        tuple(item.positions for item in found),
        tuple(item.members for item in found),
        tuple(item.parameter for item in found),
        tuple(item.components for item in found),
        reasons,
    )


class _Group(NamedTuple):
    """What an ExchangeablePlan tells of one group."""

    positions: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    parameter: str
    components: tuple[str, ...]


def _positions(component: Component, position: dict[Prior, int]) -> tuple[int, ...]:
    return tuple(sorted({position[prior] for prior in component.priors.values()}))


def _swappable(
    family: Family,
    trial: "_Trial",
    hidden: set[int],
    reasons: dict[str, str],
) -> list[list[Component]]:
    """Return the groups of a family that may be swapped; write down why others cannot."""
    names = [item.name for item in family.components]
    obstacle = _obstacle(family, trial.position, hidden)
    if obstacle:
        reasons[", ".join(names)] = obstacle
        return []
    # What may be swapped with one of a group may be swapped with all of it.
    groups: list[list[Component]] = []
    for component in family.components:
        for group in groups:
            reason = trial.difference(_swap(group[0], component, trial.position))
            if not reason:
                group.append(component)
                break
            reasons[f"{group[0].name}, {component.name}"] = reason
        else:
            groups.append([component])
    return [group for group in groups if len(group) > 1]


def _obstacle(family: Family, position: dict[Prior, int], hidden: set[int]) -> str:
    """Return why the components of a family cannot be swapped, as their priors tell."""
    held = [set(item.priors.values()) for item in family.components]
    every, common = set.union(*held), set.intersection(*held)
    if any(isinstance(prior, OrderedPrior) for prior in every):
        return "their parameters are in order already"
    if not family.alike:
        return "their priors or fixed values are not equal"
    if any(position[prior] in hidden for prior in every - common):
        return "some of their parameters are given row by row"
    if every == common:
        return "they have no parameters of their own"
    return ""


def _swap(
    one: Component, other: Component, position: dict[Prior, int]
) -> dict[int, int]:
    """Return which position takes the value of which, where two components are swapped."""
    swap: dict[int, int] = {}
    for place, prior in one.priors.items():
        a, b = position[prior], position[other.priors[place]]
        swap[a], swap[b] = b, a
    return swap


def _sortable(
    components: Sequence[Component], position: dict[Prior, int], not_sampled: set[int]
) -> tuple[str, ...] | None:
    """Return the place of the parameter to be sorted; None if there is none."""
    best, place_of_best = math.inf, None
    for place in components[0].priors:
        priors = [item.priors[place] for item in components]
        own = len(set(priors)) == len(priors)
        plain = all(
            prior.density.is_proper
            and not prior.is_conditional
            and position[prior] not in not_sampled
            for prior in priors
        )
        # A relation's input stands below the parameter that the relation is.
        rank = min(LOCATIONS.index(n) if n in LOCATIONS else _LAST for n in place[-2:])
        if own and plain and rank < best:
            best, place_of_best = rank, place
    return place_of_best


@final
class _Trial:
    """Points of the prior, and what a program says of them with components swapped."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.position = {prior: i for i, prior in enumerate(program.space.priors)}
        self._known: list[tuple[FloatArray, float, FloatArray]] | None = None

    def difference(self, swap: dict[int, int]) -> str:
        """Return what tells two components apart; empty if nothing does."""
        points = self._points()
        if len(points) < POINTS:
            return (
                "the prior has too few points of positive likelihood to try it "
                f"({len(points)} of {_TRIES})"
            )
        order: IntArray = np.arange(self._program.dimension)
        for a, b in swap.items():
            order[a] = b
        if sorted(order) != list(range(len(order))):
            return "they have parameters of each other"
        for theta, log_prior, terms in points:
            swapped = theta[order]
            if not _same(log_prior, float(self._program.log_prior(swapped))):
                return self._prior_reason(swap)
            new = self._terms(swapped)
            for name, a, b in zip(self._program.factor_names, terms, new, strict=True):
                if not _same(a, b):
                    return f"the likelihood of factor '{name}' tells them apart"
        return self._vacuous()

    def _terms(self, theta: FloatArray) -> FloatArray:
        """Return ln L of each factor; NaN where the user's code fails."""
        try:
            return self._program.term_log_likelihoods(theta)
        except Exception:  # boundary: a user's likelihood  # noqa: BLE001
            return np.full(len(self._program.factor_names), np.nan)

    def _vacuous(self) -> str:
        """Return which factor says the same at all points, so that nothing was tried."""
        terms = np.array([item[2] for item in self._points()])
        for name, column in zip(self._program.factor_names, terms.T, strict=True):
            if (column == column[0]).all():
                return f"the likelihood of factor '{name}' is the same everywhere"
        return ""

    def _prior_reason(self, swap: dict[int, int]) -> str:
        space = self._program.space
        names = dict(zip(space.priors, space.names, strict=True))
        for condition in space.conditions:
            if {space.priors[i] for i in swap} & _priors_of(condition):
                return f"the condition ({condition.text(names)}) tells them apart"
        return "their joint prior tells them apart"

    def _points(self) -> list[tuple[FloatArray, float, FloatArray]]:
        """Return points of positive likelihood, ln p there, and ln L of each factor."""
        if self._known is not None:
            return self._known
        self._known = []
        program, space = self._program, self._program.space
        draws = np.random.default_rng(0)
        for number in range(_TRIES):
            unit = draws.random(program.dimension)
            if number % 2:  # nearer to the middle of the prior
                unit = 0.3 + 0.4 * unit
            # Numbers that are given row by row may be of any size.
            size = 10.0 ** draws.uniform(-1.0, 3.0)
            given = {i: size * draws.normal() for i in space.improper}
            theta = space.transform_given(unit, given)
            log_prior = float(program.log_prior(theta))
            if not math.isfinite(log_prior):
                continue
            terms = self._terms(theta)
            if np.isfinite(terms).all():
                self._known.append((theta, log_prior, terms))
            if len(self._known) == POINTS:
                break
        return self._known


def _same(one: float, other: float) -> bool:
    if one == other:
        return True
    difference = abs(one - other)  # infinite where one point is impossible
    return math.isfinite(difference) and difference <= SAME * max(
        abs(one), abs(other), 1.0
    )


def _priors_of(condition: Comparison) -> set[Prior]:
    """Return the priors that a condition is about."""
    found: set[Prior] = set()
    for side in (condition.lower, condition.upper):
        if isinstance(side, Prior):
            found.add(side)
        elif isinstance(side, Relation):
            found |= set(inputs(side))
    return found
