"""The units of parameters, found by scaling: what grows with the data, what with x.

If x is measured in units s times smaller and the data in units d times smaller, then
numbers grow by s and d, and a parameter in ``data^a x^b`` by ``d^a s^b``.  Exponents with
which

    f(s x, d^a s^b theta) = d f(x, theta)

holds are those of its unit.  It costs some calls of the model, with plain numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np

from graphfit.model import Collection, Model
from graphfit.model.node import Node
from graphfit.model.space import ParameterSpace
from graphfit.priors import Expression
from graphfit.typing import FloatArray

MOST_TRIALS = 2000
NUMBERS = (1.3, 0.7, 1.1, 0.9)  # to be tried; what they are does not matter
DATA_GROWS, WORLD_GROWS = 1.7, (1.3, 0.6, 2.3)
SAME = 1e-9


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


class _Powers(NamedTuple):
    """A parameter's unit: ``data^a``, times one world unit to the power b."""

    data: int
    world: int = 0
    which: int = 0  # of the world units

    def grows(self) -> float:
        """By how much its number grows."""
        return float(DATA_GROWS**self.data * WORLD_GROWS[self.which] ** self.world)

    def unit(self, data_unit: Any, inputs: Sequence[Any]) -> Any:
        """Return it as a unit."""
        return data_unit**self.data * inputs[self.which] ** self.world


def _profile_units(
    profile: Model, data_unit: Any, inputs: Sequence[Any]
) -> Mapping[str, Any] | None:
    """Return the units of one profile's parameters; None where no choice works."""
    names = [name for name, _ in profile.children()]
    different = list(dict.fromkeys(inputs))
    if len(different) > len(WORLD_GROWS):
        return None
    x = [np.linspace(0.4, 1.7, 5) + 0.01 * i for i in range(len(inputs))]
    theta = [NUMBERS[i % len(NUMBERS)] + 0.01 * i for i in range(len(names))]
    before = _values(profile, x, dict(zip(names, theta, strict=True)))
    if before is None:
        return None
    scaled = [
        WORLD_GROWS[different.index(unit)] * values
        for unit, values in zip(inputs, x, strict=True)
    ]
    for choice in islice(_choices(len(names), len(different)), MOST_TRIALS):
        grown = {
            name: value * power.grows()
            for name, value, power in zip(names, theta, choice, strict=True)
        }
        after = _values(profile, scaled, grown)
        if after is not None and np.allclose(
            after, DATA_GROWS * before, rtol=SAME, atol=0.0
        ):
            found = [power.unit(data_unit, different) for power in choice]
            return dict(zip(names, found, strict=True))
    return None


def _choices(count: int, n_worlds: int) -> Iterator[tuple[_Powers, ...]]:
    """Yield units for the parameters, likely ones first."""
    worlds = range(n_worlds)
    plain = [_Powers(1), *(_Powers(0, 1, i) for i in worlds)]
    yield from product(plain, repeat=count)
    wider = [*plain, _Powers(0), *(_Powers(1, -1, i) for i in worlds)]
    wider += [_Powers(a, b, i) for i in worlds for a, b in ((1, 1), (0, -1))]
    yield from product(wider, repeat=count)


def _values(
    profile: Model, x: Sequence[Any], theta: Mapping[str, float]
) -> FloatArray | None:
    """Return the profile's values; None where they tell nothing."""
    try:
        with np.errstate(all="ignore"):
            if profile.is_profile:
                found = np.asarray(profile.cls(*x, **theta), dtype=np.float64)
            else:
                found = np.asarray(profile.cls(**theta)(*x), dtype=np.float64)
    except Exception:  # boundary: a user's model, at our numbers  # noqa: BLE001
        return None
    tells = found.shape == x[0].shape and np.isfinite(found).all() and found.any()
    return found if tells else None
