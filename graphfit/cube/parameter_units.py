"""The units of parameters, found by trying: which ones make the model one of the data?

A profile is called with quantities instead of numbers.  Units that do not go together raise;
those whose value has the unit of the data are taken.  It costs some calls of the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression

MOST_TRIALS = 150
NUMBERS = (1.3, 0.7, 1.1, 0.9)  # to be tried; what they are does not matter


def parameter_units(
    model: Node, data_unit: Any, world_units: Sequence[Any], space: ParameterSpace
) -> dict[str, str]:
    """Return the units of a model's parameters by name, where they can be found.

    Parameters
    ----------
    model : Node
        Of one cube.
    data_unit : unit or None
        Of the data; where it is not known, parameters that have it have no entry.
    world_units : sequence of unit or None
        Of the model's inputs.
    space : ParameterSpace
        Of the whole graph: whose names are wanted.

    Examples
    --------
    >>> import astropy.units as u, graphfit as gf
    >>> def line(v, amplitude, mean, stddev):
    ...     return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)
    >>> prior = gf.UniformPrior
    >>> model = gf.Model(line, amplitude=prior(), mean=prior(), stddev=prior())
    >>> parameter_units(model, u.K, [u.km / u.s], ParameterSpace(model))
    {'amplitude': 'K', 'mean': 'km / s', 'stddev': 'km / s'}
    """
    from astropy import units

    if data_unit is None and not any(world_units):
        return {}
    known = data_unit is not None
    unit = data_unit if known else units.def_unit("unit of the data")
    inputs = [units.dimensionless_unscaled if w is None else w for w in world_units]
    found: dict[Expression, Any] = {}
    for profile in _profiles(model):
        own = _profile_units(profile, unit, inputs)
        for name, child in profile.children():
            if own and isinstance(child, Expression):
                found.setdefault(child, own[name])
    named = (
        *zip(space.priors, space.names, strict=True),
        *zip(space.relations, space.derived_names, strict=True),
    )
    return {
        name: text
        for item, name in named
        if item in found and (text := _text(found[item], unit, known))
    }


def _profiles(node: Node) -> Iterator[Model]:
    if isinstance(node, Collection):
        for _, child in node.children():
            if isinstance(child, Node):
                yield from _profiles(child)
    elif isinstance(node, Model):
        yield node


def _text(found: Any, data_unit: Any, known: bool) -> str:
    if not known and data_unit in found.bases:
        return ""
    return str(found.to_string())


def _profile_units(
    profile: Model, data_unit: Any, inputs: Sequence[Any]
) -> Mapping[str, Any] | None:
    """Return the units of one profile's parameters; None where no choice works."""
    names = [name for name, _ in profile.children()]
    x = [np.array([0.4, 1.7]) * unit for unit in inputs]
    for trial, choice in enumerate(_choices(len(names), data_unit, inputs)):
        if trial == MOST_TRIALS:
            return None
        given = {
            name: NUMBERS[i % len(NUMBERS)] * unit
            for i, (name, unit) in enumerate(zip(names, choice, strict=True))
        }
        if _gives(profile, x, given, data_unit):
            return dict(zip(names, choice, strict=True))
    return None


def _choices(
    count: int, data_unit: Any, inputs: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield units for the parameters, likely ones first."""
    from astropy.units import dimensionless_unscaled

    plain = [data_unit, *dict.fromkeys(inputs)]
    yield from product(plain, repeat=count)
    first = inputs[0]
    wider = [*plain, dimensionless_unscaled, data_unit / first, data_unit * first]
    yield from product([*wider, first**-1], repeat=count)


def _gives(
    profile: Model, x: Sequence[Any], given: Mapping[str, Any], data_unit: Any
) -> bool:
    """Say whether the profile's value has the unit of the data."""
    try:
        with np.errstate(all="ignore"):
            if profile.is_profile:
                value = profile.cls(*x, **given)
            else:
                value = profile.cls(**given)(*x)
        return bool(value.unit.is_equivalent(data_unit))
    except Exception:  # boundary: a user's model, called with units  # noqa: BLE001
        return False
