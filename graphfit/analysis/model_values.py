"""The values that a user's model returned, checked: one number for each data point."""

from typing import Any

import numpy as np

from graphfit.analysis.profile_input import WHERE
from graphfit.errors import ModelError
from graphfit.model import ProfileInstance
from graphfit.typing import FloatArray


def as_values(values: Any, instance: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return what a model gave as an array of floats of its own.

    Parameters
    ----------
    values : object
        What calling `instance` returned.
    instance : object
        The model, for messages.
    shape : tuple of int
        That of the data.

    Raises
    ------
    ModelError
        If the shape is another, or the values are no real numbers.
    """
    array = np.asarray(values)
    if array.shape != shape:
        msg = (
            f"{WHERE}: the model {_name(instance)} returned shape {array.shape} on x, the "
            f"data have shape {shape}; return one value for each data point, e.g. "
            "np.full_like(x, level) for a constant."
        )
        raise ModelError(msg)
    if array.dtype.kind not in "fiub":
        msg = (
            f"{WHERE}: the model {_name(instance)} returned values of type {array.dtype}; "
            "they must be real numbers."
        )
        raise ModelError(msg)
    return array.astype(np.float64)


def _name(instance: Any) -> str:
    """Return what the user calls a model."""
    if isinstance(instance, ProfileInstance):
        return instance.function.__name__
    return type(instance).__name__
