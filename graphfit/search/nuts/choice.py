"""Which coordinate a prior gets: by its family, its arguments, and the form asked for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.compiler.prior_formulas import log_density_formula
from graphfit.errors import SettingError
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression, OrderedPrior, Prior
from graphfit.priors import density as families
from graphfit.priors.density import Density
from graphfit.search.nuts.coordinates import (
    NON_CENTRED,
    ONE_FORM,
    Coordinate,
    Support,
    supported,
)

Form = Literal["centred", "non-centred"]

POSITIVE = frozenset(
    {
        families.HALF_GAUSSIAN,
        families.HALF_CAUCHY,
        families.EXPONENTIAL,
        families.GAMMA,
        families.INVERSE_GAMMA,
        families.LOG_GAUSSIAN,
    }
)
LINE = frozenset({families.GAUSSIAN, families.STUDENT_T})
TRUNCATED = frozenset({families.TRUNCATED_GAUSSIAN, families.TRUNCATED_LOG_GAUSSIAN})


@final
@dataclass(frozen=True)
class Reference:
    """A prior at one point of the parameters: what sets the numbers of a fixed map.

    Attributes
    ----------
    arguments : tuple of float
        Of the density.
    quantiles : tuple of float
        The quantiles 0.16, 0.5 and 0.84 there.
    """

    arguments: tuple[float, ...]
    quantiles: tuple[float, float, float]


def references(space: ParameterSpace) -> list[Reference]:
    """Return every prior at the point where all are at their medians."""
    middle = np.full(space.dimension, 0.5)
    with np.errstate(all="ignore"):
        values = space.values(space.transform(middle)).tolist()
        rows = [space.transform_about(middle, u).tolist() for u in (0.16, 0.5, 0.84)]
    return [
        Reference(
            tuple(_number(space, values, item) for item in prior.arguments), (a, b, c)
        )
        for prior, a, b, c in zip(space.priors, *rows, strict=True)
    ]


def has_choice(prior: Prior) -> bool:
    """Whether a prior can be centred as well as non-centred."""
    density = prior.density
    return prior.is_conditional and density in NON_CENTRED and density not in ONE_FORM


def coordinate(
    prior: Prior, form: Form, reference: Reference, is_last: bool
) -> Coordinate:
    """Return the coordinate of a prior.

    Parameters
    ----------
    prior : Prior
    form : {"centred", "non-centred"}
        Of a conditional prior that can be both.
    reference : Reference
        For maps with fixed numbers.
    is_last : bool
        Of an ordered group: whether the higher ones are parameters of the model too, or
        there are none.

    Raises
    ------
    SettingError
        If the family has no formula, or an ordered group is not whole.
    """
    if isinstance(prior, OrderedPrior):
        return _ordered(prior, reference, is_last)
    return _unordered(prior, prior.density, form, reference)


def _unordered(
    prior: Prior, density: Density, form: Form, reference: Reference
) -> Coordinate:
    fixed = form == "centred" and prior.is_conditional and density not in ONE_FORM
    if density in NON_CENTRED and not fixed:
        return NON_CENTRED[density]
    support = _support(prior, density, reference)
    return supported(
        _formula(prior, density), support, reference.arguments, reference.quantiles
    )


def _formula(prior: Prior, density: Density) -> Callable[..., Any]:
    formula = log_density_formula(density)
    if formula is None:
        msg = (
            f"{prior!r}: NUTS has no gradient of a {density.name} density. Use another "
            "family of priors, or a search without gradients: gf.NestedSampler, gf.Emcee."
        )
        raise SettingError(msg)
    return formula


def _support(prior: Prior, density: Density, reference: Reference) -> Support:
    if density in LINE:
        return Support()
    if density in POSITIVE:
        return Support(is_log=True)
    if density in TRUNCATED:
        is_log = density is families.TRUNCATED_LOG_GAUSSIAN
        *_, lower, upper = prior.arguments
        low = None if _is(lower, 0.0 if is_log else -math.inf) else _limit(-2, is_log)
        high = None if _is(upper, math.inf) else _limit(-1, is_log)
        return Support(low, high, is_log)
    return _fixed_support(prior, density, reference)


def _limit(index: int, is_log: bool) -> Callable[..., Any]:
    """Return the function that takes one of the arguments, or its logarithm."""

    def limit(*arguments: Any) -> Any:
        return np.log(arguments[index]) if is_log else arguments[index]

    return limit


def _is(item: Any, number: float) -> bool:
    return not isinstance(item, Expression) and float(item) == number


def _fixed_support(prior: Prior, density: Density, reference: Reference) -> Support:
    """Return the support of a family that has no row: as long as it does not move."""
    low, high = (float(x) for x in density.support(*reference.arguments))
    moved = [
        1.25 * number + 0.125 if isinstance(item, Expression) else number
        for item, number in zip(prior.arguments, reference.arguments, strict=True)
    ]
    if (low, high) != tuple(float(x) for x in density.support(*moved)):
        msg = (
            f"{prior!r}: the limits of a {density.name} density move with its arguments, "
            "and NUTS does not know how. Use a search without gradients: "
            "gf.NestedSampler, gf.Emcee."
        )
        raise SettingError(msg)
    return Support(_constant(low), _constant(high))


def _constant(limit: float) -> Any:
    return (lambda *_: limit) if math.isfinite(limit) else None


# --- ordered groups ---------------------------------------------------------------------


def _ordered(prior: OrderedPrior, reference: Reference, is_last: bool) -> Coordinate:
    """Return the coordinate above the previous one of the group.

    In the product of Eq. 2 of :mod:`graphfit.priors.ordered` over a whole group the powers
    of the survival function cancel: ln m + ln p(x) is left of each.
    """
    density = prior.base.density
    formula = _formula(prior, density)
    if not is_last:
        msg = (
            f"{prior!r} is one of an ordered group, of which higher ones are no parameters "
            "of the model: NUTS has no gradient of its density. Use all of the group, or "
            "a search without gradients: gf.NestedSampler, gf.Emcee."
        )
        raise SettingError(msg)
    count = float(prior.remaining)
    if not isinstance(prior.previous, Expression):
        own = Reference(reference.arguments[2:], reference.quantiles)
        return _lowest(_unordered(prior.base, density, "non-centred", own), count)
    support = Support(lambda *arguments: arguments[0], _upper(prior.base, density))

    def log_density(x: Any, *arguments: Any) -> Any:
        return math.log(count) + formula(x, *arguments[2:])

    return supported(log_density, support, reference.arguments, reference.quantiles)


def _lowest(base: Coordinate, count: float) -> Coordinate:
    def forward(y: Any, *arguments: Any) -> tuple[Any, Any]:
        theta, log_q = base.forward(y, *arguments[2:])
        return theta, log_q + math.log(count)

    return Coordinate(forward, lambda x, *arguments: base.inverse(x, *arguments[2:]))


def _upper(base: Prior, density: Density) -> Any:
    """Return the function that gives the base's upper limit, or None."""
    if density in LINE or density in POSITIVE or _is(base.arguments[-1], math.inf):
        return None
    return _limit(-1, is_log=False)


def _number(space: ParameterSpace, values: Sequence[float], item: Any) -> float:
    return values[space.slot(item)] if isinstance(item, Expression) else float(item)
