"""A population as one line of text: its family, its hyper-parameters, what it draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphfit.graph.hierarchical_factor import HierarchicalFactor
from graphfit.priors import Prior, Relation

LONGEST = 40  # of a relation


def population_text(
    name: str,
    population: HierarchicalFactor,
    draws: Sequence[tuple[Prior, ...]],
    names: Mapping[Prior, str],
) -> str:
    """Return ``distribution_model: GaussianPrior(mean, sigma) -> centre of 0 - 299``.

    Parameters
    ----------
    name : str
        The population's name in the joint model.
    population : HierarchicalFactor
    draws : sequence of tuples of Prior
        The variables of each draw, as they stand in the joint model.
    names : mapping from Prior to str
        The free parameters' names.
    """
    family = f"{population.parent.label}({', '.join(_arguments(population))})"
    return f"{name}: {family} -> {drawn_text(draws, names)}"


def drawn_text(draws: Sequence[tuple[Prior, ...]], names: Mapping[Prior, str]) -> str:
    """Return which variables are drawn, by the factors that hold them.

    Examples
    --------
    >>> from graphfit.priors import UniformPrior
    >>> members = [UniformPrior(0, 1) for _ in range(300)]
    >>> names = {prior: f"{i}.centre" for i, prior in enumerate(members)}
    >>> drawn_text([(prior,) for prior in members], names)
    'centre of 0 - 299 (300 draws)'
    """
    holders: dict[tuple[str, ...], list[str]] = {}
    for variables in draws:
        split = [names[prior].partition(".") for prior in variables]
        keys = {key for key, _, below in split if below}
        if len(keys) == 1 and all(below for _, _, below in split):
            place = tuple(below for _, _, below in split)
            holders.setdefault(place, []).append(keys.pop())
        else:
            holders.setdefault(tuple(names[prior] for prior in variables), [])
    parts = []
    for place, keys_of in holders.items():
        what = place[0] if len(place) == 1 else f"({', '.join(place)})"
        parts.append(f"{what} of {_range(keys_of)}" if keys_of else what)
    count = len(draws)
    return f"{', '.join(parts)} ({count} draw{'s' * (count != 1)})"


def _range(keys: Sequence[str]) -> str:
    if len(keys) < 3:
        return " and ".join(keys)
    numbers = [int(key) for key in keys if key.isdigit()]
    in_a_row = len(numbers) == len(keys) == numbers[-1] - numbers[0] + 1
    return f"{keys[0]} - {keys[-1]}" if in_a_row else f"{keys[0]} … {keys[-1]}"


def _arguments(population: HierarchicalFactor) -> list[str]:
    """Return the arguments: free ones by name, others with what they are."""
    own = [draw.arguments for draw in population.draws]
    found: list[str] = []
    for name in population.parent.argument_names:
        by_member = any(name in arguments for arguments in own)
        if name in population.hyperpriors or by_member:
            text = _argument(name, population.hyperpriors.get(name))
            if by_member:
                text = f"{name} by member"
            found.append(text)
        elif name == "correlation":
            found.append(name)
    return found


def _argument(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        free = any(hasattr(item, "operands") for item in value)
        count = len(value)
        return f"{name} × {count}" if free or count > 4 else f"{name} = {list(value)}"
    if isinstance(value, Prior):
        return name
    if isinstance(value, Relation):
        text = str(value)
        return f"{name} = {text}" if len(text) <= LONGEST else f"{name} = a relation"
    return f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
