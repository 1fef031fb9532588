"""Priors, relations and conditions as the words of a drawing, and what they depend on."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from graphfit.model.tree import Substitution, inputs
from graphfit.priors import Comparison, Prior, Relation

LONGEST_TEXT = 34


def prior_text(prior: Prior) -> str:
    """Return a prior as one reads it: ``Uniform(0, 100)``.

    Examples
    --------
    >>> from graphfit.priors import GaussianPrior
    >>> prior_text(GaussianPrior(mean=0.0, sigma=2.5))
    'Gaussian(0, 2.5)'
    """
    if prior.is_conditional:
        return ""
    numbers = ", ".join(f"{value:g}" for _, value in prior.operands())
    return f"{family(prior)}({numbers})"


def family(prior: Prior) -> str:
    """Return the family of a prior: ``Gaussian``."""
    return type(prior).__name__.removesuffix("Prior")


def shortened(text: str, most: int = LONGEST_TEXT) -> str:
    """Return the text, or its beginning where it is too long for a drawing."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def prior_inputs(prior: Prior) -> list[Prior]:
    """Return the parameters that a conditional prior depends on."""
    return list(dict.fromkeys(p for _, v in prior.operands() for p in _leaves(v)))


def condition_priors(condition: Comparison) -> Iterator[Prior]:
    """Yield the parameters that a condition connects."""
    for side in (condition.lower, condition.upper):
        yield from _leaves(side)


def _leaves(value: Any) -> Iterator[Prior]:
    if isinstance(value, Prior):
        yield value
    elif isinstance(value, Relation):
        yield from inputs(value)


def named_text(value: Any, names: dict[Prior, str]) -> str:
    """Return the text of a relation or condition with its parameters' names."""
    swap = Substitution(
        {prior: dataclasses.replace(prior, name=name) for prior, name in names.items()}
    )
    if isinstance(value, Comparison):
        sides = (swap.value(value.lower), swap.value(value.upper))
        return str(Comparison(*sides, strict=value.strict))
    return str(swap.value(value))
