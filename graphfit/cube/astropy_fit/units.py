"""Units: taken off a model before its fits, and given back to what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.errors import ModelError, SettingError
from graphfit.model.astropy_units import has_units


@final
@dataclass(frozen=True, eq=False)
class PlainModel:
    """A model in plain numbers, as its fits take it.

    Attributes
    ----------
    model : astropy.modeling.Model
        Without units.
    world_units : tuple of Unit or None
        In which the world coordinates have to be given.
    given : mapping or None
        What brings the units back; None where there are none.
    """

    model: Any
    world_units: tuple[Any, ...]
    given: Mapping[str, Any] | None

    def with_units(self, fitted: Any) -> Any:
        """Return a model of the same kind with its units."""
        if self.given is None:
            return fitted
        return fitted.with_units_from_data(**dict(self.given))


def plain_model(
    model: Any, world_units: Sequence[Any], data_unit: Any, equivalencies: Any
) -> PlainModel:
    """Return a model without units, in those of the data.

    Parameters
    ----------
    model : astropy.modeling.Model
    world_units : sequence of Unit or None
        Of the world coordinates, one an input of the model.
    data_unit : Unit or None
    equivalencies : list, or mapping from str to list, or None
        For the conversion of world coordinates.

    Raises
    ------
    ModelError
        If the model cannot be had without units.
    """
    units = tuple(world_units)
    input_equivalencies(model, equivalencies)  # refuse wrong names in any case
    if not has_units(model) and data_unit is None:
        return PlainModel(model, (None,) * len(units), None)
    targets = _targets(model, units)
    given = _like_data(model, targets, data_unit)
    try:
        plain = model.without_units_for_data(**given)
    except (AttributeError, NotImplementedError) as error:
        msg = (
            f"{WHERE}: {type(model).__name__} does not support being fit to data with "
            f"units ({error}); give the data, the world coordinates and the parameters as "
            "plain numbers, .to_value(unit)."
        )
        raise ModelError(msg) from error
    if isinstance(plain, tuple):  # a product: each side has units of its own
        plain, given["_left_kwargs"], given["_right_kwargs"] = plain
    found = PlainModel(plain, targets, given)
    _convert_bounds(model, found)
    return found


def input_equivalencies(model: Any, given: Any) -> dict[str, list[Any]]:
    """Return the equivalencies of each input of a model, its own and the call's.

    Parameters
    ----------
    model : astropy.modeling.Model
    given : list, or mapping from str to list, or None
        A list holds for every input.

    Raises
    ------
    SettingError
        For an input that the model does not have.
    """
    own = model.input_units_equivalencies or {}
    if given is None or not isinstance(given, Mapping):
        given = {name: given or [] for name in model.inputs}
    unknown = set(given) - set(model.inputs)
    if unknown:
        msg = (
            f"{WHERE}: equivalencies name {sorted(unknown)}, the inputs of the model are "
            f"{list(model.inputs)}; a plain list holds for all of them."
        )
        raise SettingError(msg)
    return {
        name: [*given.get(name, []), *(own.get(name) or [])] for name in model.inputs
    }


def _targets(model: Any, units: tuple[Any, ...]) -> tuple[Any, ...]:
    wanted = model.input_units or {}
    pairs = zip(model.inputs, units, strict=True)
    return tuple(
        unit if wanted.get(name) is None else wanted[name] for name, unit in pairs
    )


def _like_data(model: Any, targets: tuple[Any, ...], data_unit: Any) -> dict[str, Any]:
    """Return arguments with the units of x and data: what astropy reads units from."""
    zero = np.zeros(1)

    def in_unit(unit: Any) -> Any:
        return zero if unit is None else zero * unit

    given = {
        name: in_unit(unit) for name, unit in zip(model.inputs, targets, strict=True)
    }
    given[model.outputs[0]] = in_unit(data_unit)
    given.setdefault("z", None)  # read by some models of one input
    return given


def _convert_bounds(model: Any, found: PlainModel) -> None:
    """Convert bounds, which are numbers in the parameter's own unit, as its value was."""
    target = found.with_units(found.model)
    for name in model.param_names:
        old, new = getattr(model, name).unit, getattr(target, name).unit
        parameter = getattr(found.model, name)
        if old is None or new is None or old == new:
            continue
        parameter.bounds = tuple(
            None if end is None else float((end * old).to_value(new))
            for end in parameter.bounds
        )
