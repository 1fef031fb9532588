"""Models of K components: copies of one, each with parameters of its own."""

from collections.abc import Iterator
from typing import Any

from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.model.tree import Substitution, free_parameters, inputs, substitute
from graphfit.priors import Prior, Relation, ordered_priors


def component_model(
    component: Any, count: int, *, order: str | None = None, baseline: Any = None
) -> Collection:
    """Return the sum of `count` components, called ``"0"``, ``"1"``, ..., and a baseline.

    Every component has priors of its own, alike in all: a copy of a model shares them.

    Parameters
    ----------
    component : Model, Collection, class or function
    count : int, >= 0
    order : str, optional
        A parameter of the component that increases from one to the next; see
        :func:`~graphfit.ordered_priors`.
    baseline : Model, Collection, class or function, optional
        What is there however many components are, called ``"baseline"``.

    Raises
    ------
    UnknownNameError
        If the component has no parameter `order`.
    ModelError
        If the prior of `order` depends on other parameters.

    Examples
    --------
    >>> import graphfit as gf
    >>> component_model(gf.ex.Gaussian, 2, order="centre").parameter_names[:3]
    ('0.centre', '0.normalization', '0.sigma')
    """
    node = as_node(component)
    copies = fresh_copies(node, count, order)
    siblings = {str(i): copy for i, copy in enumerate(copies)}
    if baseline is None:
        return Collection.of_siblings(siblings)
    return Collection.of_siblings(siblings, {"baseline": as_node(baseline).copy()})


def as_node(component: Any) -> Any:
    """Return a model: a class or a function becomes one."""
    return component if isinstance(component, Node) else Model(component)


def fresh_copies(component: Node, count: int, order: str | None = None) -> list[Node]:
    """Return copies of a model that share no prior with it or one another.

    Parameters
    ----------
    component : Node
    count : int, >= 0
    order : str, optional
        As for :func:`component_model`.
    """
    priors = free_parameters(component)
    sorted_ones: tuple[Prior, ...] = ()
    chosen = None if order is None else _parameter(priors, order)
    if chosen is not None and count > 1:
        sorted_ones = ordered_priors(count, chosen)
    copies = []
    for i in range(count):
        made: dict[Prior, Prior] = {}
        if sorted_ones:
            assert chosen is not None
            made[chosen] = sorted_ones[i]
        for prior in priors:
            _make_fresh(prior, made)
        copies.append(substitute(component, made))
    return copies


def _parameter(priors: dict[Prior, str], name: str) -> Prior:
    named = {own: prior for prior, own in priors.items()}
    if name not in named:
        hint = close_match(name, named)
        msg = f"order: the component has no free parameter {name!r}.{hint}"
        raise UnknownNameError(msg)
    prior = named[name]
    if any(_priors_of(argument) for argument in prior.arguments):
        msg = (
            f"order: the prior of {name!r} depends on other parameters of its component, so "
            "that components are no draws from one density; order by another parameter."
        )
        raise ModelError(msg)
    return prior


def _make_fresh(prior: Prior, made: dict[Prior, Prior]) -> None:
    """Add a new prior in place of an old one, after those that it depends on."""
    if prior in made:
        return
    for argument in prior.arguments:
        for other in _priors_of(argument):
            _make_fresh(other, made)
    swap = Substitution(made)
    arguments = tuple(swap.value(argument) for argument in prior.arguments)
    made[prior] = prior.with_arguments(arguments)


def _priors_of(argument: Any) -> list[Prior]:
    if isinstance(argument, Prior):
        return [argument]
    return list(inputs(argument)) if isinstance(argument, Relation) else []


def require_counts(n_components: Any) -> list[int]:
    """Return numbers of components in ascending order.

    Raises
    ------
    ModelError
        If they are not at least two different whole numbers from 0 on.
    """
    try:
        counts = sorted(_whole(n_components))
    except (TypeError, ValueError):
        counts = []
    if len(counts) < 2 or counts[0] < 0 or len(set(counts)) < len(counts):
        msg = (
            "n_components must be at least two different whole numbers from 0 on, e.g. "
            f"range(3) for 0, 1 and 2, got {n_components!r}."
        )
        raise ModelError(msg)
    return counts


def _whole(numbers: Any) -> Iterator[int]:
    for number in numbers:
        if isinstance(number, bool) or int(number) != number:
            raise TypeError
        yield int(number)
