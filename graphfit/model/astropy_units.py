"""The numbers of an astropy model with units, as a profile without units takes them.

astropy itself takes the units off before it fits: each parameter goes to the unit that
fits the data's.  The data's are here the model's own input unit, and the unit of what it
returns for that.
"""

from typing import Any

import numpy as np

from graphfit.errors import ModelError
from graphfit.model.astropy_profile import AstropyProfile


def plain_values(model: Any) -> tuple[dict[str, float], dict[str, float], Any]:
    """Return an astropy model's values without units.

    Parameters
    ----------
    model : astropy.modeling.Model
        With or without units.

    Returns
    -------
    values : dict from str to float
        The parameters' values.
    scales : dict from str to float
        What a number in a parameter's own unit (a bound) is multiplied by.
    twin : astropy model
        A copy whose parameters have these values and no units.
    """
    twin = model.copy()
    names = model.param_names
    ones = dict.fromkeys(names, 1.0)
    if not has_units(model):
        return _numbers(twin), ones, twin
    units = {name: getattr(model, name).unit for name in names}
    unity = model.copy()
    for name, unit in units.items():
        if unit is not None:
            setattr(unity, name, 1.0 * unit)
    try:
        twin = _stripped(model, model)
        scaled = _numbers(_stripped(unity, model))
    except Exception as error:  # boundary: units that do not fit one another
        msg = (
            f"The units of {type(model).__name__} do not go together ({error}); give "
            "from_astropy a model without units."
        )
        raise ModelError(msg) from error
    scales = {n: 1.0 if units[n] is None else scaled[n] for n in names}
    return _numbers(twin), scales, twin


def has_units(model: Any) -> bool:
    """Whether any parameter of an astropy model has a unit."""
    return any(getattr(model, name).unit is not None for name in model.param_names)


def require_same_values(
    profile: AstropyProfile, model: Any, values: dict[str, float]
) -> None:
    """Refuse a model with units whose numbers mean something else without them.

    Parameters
    ----------
    profile : AstropyProfile
    model : astropy.modeling.Model
        With or without units.
    values : dict from str to float
        The parameters' values without units.

    Raises
    ------
    ModelError
        If the profile and the model differ.
    """
    if not has_units(model):
        return
    # Around the origin, and around every value: one of them may be a position.
    at = [-1.0, 0.3, 1.0, 3.0, *(v * s for v in values.values() for s in (0.9, 1.1))]
    x = [np.array(at) * (1.0 + 0.01 * i) for i in range(len(profile.inputs))]
    with np.errstate(all="ignore"):
        positive = [np.abs(column) for column in x]
        expected = model(*_with_units(model, positive))
        found = profile(*positive, **values)
    number = getattr(expected, "value", expected)
    if not np.allclose(found, number, rtol=1e-9, atol=0.0, equal_nan=True):
        msg = (
            f"{type(model).__name__} means something else without its units; give "
            "from_astropy a model without units."
        )
        raise ModelError(msg)


def _numbers(model: Any) -> dict[str, float]:
    return {n: np.asarray(getattr(model, n).value).item() for n in model.param_names}


def _stripped(model: Any, like: Any) -> Any:
    """Return `model` without units, as the units of `like` and its output ask for."""
    inputs = _with_units(like, [np.array([1.0])] * like.n_inputs)
    with np.errstate(all="ignore"):
        output = like(*inputs)
    given = dict(zip(like.inputs, inputs, strict=True)) | {like.outputs[0]: output}
    stripped = model.without_units_for_data(**given)
    return stripped[0] if isinstance(stripped, tuple) else stripped


def _with_units(model: Any, columns: list[Any]) -> list[Any]:
    units = model.input_units or {}
    found = [units.get(name) for name in model.inputs]
    return [
        column if unit is None else column * unit
        for column, unit in zip(columns, found, strict=True)
    ]
