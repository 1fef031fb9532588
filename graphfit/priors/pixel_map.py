"""A number that is another one at every pixel of a cube: fixed values, limits, means."""

from dataclasses import dataclass
from typing import Any, NoReturn, final

import numpy as np

from graphfit.errors import ModelError
from graphfit.priors.expression import Relation
from graphfit.typing import ArrayLike, FloatArray


@final
@dataclass(frozen=True, eq=False)
class MapValues:
    """The values of a map, where a relation has its function.

    Attributes
    ----------
    values : ndarray
        Over the iterating axes of a cube, or what broadcasts to them.
    """

    values: FloatArray

    __name__ = "pixel_map"

    def __call__(self) -> NoReturn:
        """Raise ModelError: away from a cube there is no pixel to take the value of."""
        msg = (
            f"gf.pixel_map of shape {self.values.shape} has a value at every pixel of a "
            "cube, and none by itself; fit it with gf.fit_cube, or give a number."
        )
        raise ModelError(msg)


def pixel_map(values: ArrayLike) -> Relation:
    """Return what stands for a map in a model: one number at every pixel of a cube.

    It can be a fixed value of a model, an argument of a prior (its limits, its mean), and
    part of a relation.  :func:`graphfit.fit_cube` puts each pixel's number in its place.

    Parameters
    ----------
    values : array-like
        Over the iterating axes of the cube, or what broadcasts to them, in the unit of
        the parameter.  NaN, or a mask of numpy's, where a pixel has none: it is not fitted
        there.

    Returns
    -------
    Relation
        Without arguments; the same object in two places is the same map.

    Raises
    ------
    ModelError
        For values that are no real numbers, or have a unit: that of the parameter is not
        known here.

    Examples
    --------
    >>> import graphfit as gf
    >>> centre = np.array([[40.0, 50.0], [60.0, 70.0]])
    >>> low, high = gf.pixel_map(centre - 5.0), gf.pixel_map(centre + 5.0)
    >>> print(gf.UniformPrior(low, high))
    UniformPrior, lower_limit = pixel_map(), upper_limit = pixel_map()
    """
    given: Any = np.asarray(_without_unit(values))
    if given.dtype.kind not in "fiub":
        msg = (
            f"gf.pixel_map needs an array of real numbers, got values of type "
            f"{given.dtype}."
        )
        raise ModelError(msg)
    array = given.astype(np.float64)
    if isinstance(values, np.ndarray):  # of astropy too
        array[np.broadcast_to(getattr(values, "mask", False), array.shape)] = np.nan
    array.setflags(write=False)
    return Relation(MapValues(array), ())


def _without_unit(values: Any) -> Any:
    """Return values that are numbers; refuse a Quantity that has a unit."""
    if not hasattr(values, "to_value"):
        return values
    if values.unit.is_equivalent(""):
        return values.to_value("")
    unit = str(values.unit)
    msg = (
        f"gf.pixel_map is given values in {unit}, and does not know the unit of the "
        "parameter that they are for; give numbers in that unit: "
        f"gf.pixel_map(values.to_value({unit!r}))."
    )
    raise ModelError(msg)


def is_pixel_map(value: Any) -> bool:
    """Say whether an expression is a map."""
    return isinstance(value, Relation) and isinstance(value.function, MapValues)
