"""Which axes of a cube one fit spans, as a call of parallel_fit_dask says it."""

from typing import Any

import numpy as np

from graphfit.cube.inputs.axes import CubeAxes, normal_axes
from graphfit.errors import DataError, SettingError

WHERE = "gf.parallel_fit_dask"


def divide_axes(shape: tuple[int, ...], fitting_axes: Any, n_inputs: int) -> CubeAxes:
    """Return the axes as a call gives them.

    Parameters
    ----------
    shape : tuple of int
        Of the data.
    fitting_axes : int or sequence of int
        Negative ones count from the end.
    n_inputs : int
        Of the model.

    Raises
    ------
    SettingError
        For axes that do not exist, appear twice, or are not as many as the inputs.

    Examples
    --------
    >>> axes = divide_axes((53, 105, 100), -3, 1)
    >>> axes.fitting, axes.iterating, axes.map_shape
    ((0,), (1, 2), (105, 100))
    """
    given = fitting_axes if isinstance(fitting_axes, tuple | list) else (fitting_axes,)
    if len(given) != n_inputs:
        msg = (
            f"Model is {n_inputs}-dimensional, but got {len(given)} value(s) in "
            "fitting_axes=; give one axis for each input of the model, in their order."
        )
        raise SettingError(msg)
    ndim = len(shape)
    for axis in given:
        if isinstance(axis, int | np.integer) and not -ndim <= axis < ndim:
            msg = (
                f"Fitting index {axis} out of range for {ndim}-dimensional data; axes go "
                f"from {-ndim} to {ndim - 1}."
            )
            raise SettingError(msg)
    try:
        return CubeAxes(shape, normal_axes(fitting_axes, ndim, WHERE))
    except DataError as error:
        raise SettingError(str(error)) from None
