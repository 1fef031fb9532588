"""astropy models with other values: one number a parameter, or one map a parameter.

astropy has no public way to change the shape of a parameter.  Its constructor sets shapes
by the two steps that :func:`_reset` repeats.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.errors import ModelError
from graphfit.typing import FloatArray


def start_maps(model: Any, shape: tuple[int, ...]) -> dict[str, FloatArray]:
    """Return the values of a model's parameters as views of the shape of the map.

    Parameters
    ----------
    model : astropy.modeling.Model
    shape : tuple of int
        Of the map.

    Raises
    ------
    ModelError
        For a parameter that does not broadcast to the map.
    """
    found = {}
    for name in model.param_names:
        value = np.asarray(getattr(model, name).value, dtype=np.float64)
        if value.size == 1:
            value = value.reshape(())
        try:
            found[name] = np.broadcast_to(value, shape)
        except ValueError:
            msg = (
                f"{WHERE}: parameter {name!r} has shape {value.shape}, the map has shape "
                f"{shape}; give one value, or an array that broadcasts to the map."
            )
            raise ModelError(msg) from None
    return found


def scalar_model(model: Any) -> Any:
    """Return a copy of a model with one number a parameter, the first of each."""
    first = {}
    for name in model.param_names:
        values = np.ravel(getattr(model, name).value)
        first[name] = float(values[0]) if values.size else 0.0
    return with_values(model, first)


def with_values(model: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a model without units that has other values, of any shape.

    Parameters
    ----------
    model : astropy.modeling.Model
    values : mapping from str to float or array
        Of every parameter; their shapes broadcast together.
    """
    twin = model.copy()
    _reset(twin, values)
    return twin


def free_names(model: Any) -> tuple[str, ...]:
    """Return the parameters that are neither fixed nor tied."""
    return tuple(
        name
        for name in model.param_names
        if not (model.fixed[name] or model.tied[name])
    )


def _reset(model: Any, values: Mapping[str, Any]) -> None:
    model._initialize_parameters((), dict(values))
    _reset_slices(model)


def _reset_slices(model: Any) -> None:
    """Let a model, and those it is made of, find their parameters' new shapes."""
    from astropy.modeling import CompoundModel, Model

    if isinstance(model, CompoundModel):
        for part in (model.left, model.right):
            if isinstance(part, Model):  # not the constants of fix_inputs
                _reset_slices(part)
        # How many values its left side is called with: one a parameter, though astropy
        # counts every value of a map, and then calls the sides with the wrong ones.
        model.n_left_params = len(model.left.param_names)
    model._initialize_slices()
