"""Values of expressions where the numbers of some priors and maps are known.

The same function serves arrays and the compiler's stand-ins for them, so a population's
density is written once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphfit.compiler.prior_formulas import LOG_DENSITY
from graphfit.errors import ModelError
from graphfit.priors import Expression, Prior, Relation
from graphfit.priors.density import Density

Known = Mapping[Expression, Any]


def evaluated(item: Any, known: Known) -> Any:
    """Return the value of a number, a prior or a relation.

    Parameters
    ----------
    item : object
        A number, or an expression whose priors and maps are all among `known`.
    known : mapping of Expression to number, array or stand-in
        Values by prior, and by map where one takes part.

    Raises
    ------
    ModelError
        If a prior is not among them.
    """
    if not isinstance(item, Expression):
        return item
    if item in known:
        return known[item]
    if isinstance(item, Relation):
        return item.function(*(evaluated(part, known) for part in item.arguments))
    msg = f"{item} has no value here: it is no parameter of the model at hand."
    raise ModelError(msg)


def log_density(prior: Prior, x: Any, known: Known) -> Any:
    """Return ln p(x | arguments) of a conditional prior.

    Parameters
    ----------
    prior : Prior
        Of any family.
    x : array or stand-in
        Values of the parameter.
    known : mapping
        Values of what its arguments depend on.
    """
    arguments = [evaluated(part, known) for part in prior.arguments]
    return family_log_density(prior.density, x, arguments)


def family_log_density(family: Density, x: Any, arguments: Sequence[Any]) -> Any:
    """Return ln p(x | arguments) of a family: as a formula where one is known.

    Parameters
    ----------
    family : Density
        Any.
    x : array or stand-in
        Values.
    arguments : sequence
        The family's, in order.
    """
    if family in LOG_DENSITY:
        return LOG_DENSITY[family](x, *arguments)
    if family.parts:
        parts = mixture_parts(family, arguments)
        total = sum((weight for weight, _, _ in parts), start=0.0)
        terms = [
            np.log(weight / total) + family_log_density(own, x, numbers)
            for weight, own, numbers in parts
        ]
        return log_sum(terms)
    return family.log_density(x, *arguments)


def mixture_parts(
    family: Density, arguments: Sequence[Any]
) -> list[tuple[Any, Density, Sequence[Any]]]:
    """Return the weight, the family and the arguments of each part; one of a plain family.

    Parameters
    ----------
    family : Density
        Plain, or a mixture.
    arguments : sequence
        Its own: of a mixture the weights, then the arguments of each component.
    """
    if not family.parts:
        return [(1.0, family, arguments)]
    found: list[tuple[Any, Density, Sequence[Any]]] = []
    start = len(family.parts)
    for k, (own, count) in enumerate(family.parts):
        found.append((arguments[k], own, arguments[start : start + count]))
        start += count
    return found


def log_sum(terms: Sequence[Any]) -> Any:
    """Return ``ln sum exp(terms)``, minus infinity where every term is."""
    if len(terms) == 1:
        return terms[0]
    top = highest(terms)
    return top + np.log(sum((np.exp(term - top) for term in terms), start=0.0))


def highest(terms: Sequence[Any]) -> Any:
    """Return the largest of the terms, 0 where all are minus infinity."""
    top = terms[0]
    for term in terms[1:]:
        top = np.maximum(top, term)
    return np.where(top > -math.inf, top, 0.0)


def priors_in(item: Any) -> Iterator[Prior]:
    """Yield every prior that a value is computed from, itself included.

    Parameters
    ----------
    item : object
        A number or an expression; a prior's own arguments are not looked into.
    """
    if isinstance(item, Prior):
        yield item
    elif isinstance(item, Relation):
        for part in item.arguments:
            yield from priors_in(part)
