"""Weights: 1 over the standard deviation, from arrays or astropy's uncertainties."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.inputs.reading import require_numbers
from graphfit.cube.inputs.reading_objects import (
    noise_source,
    of_known_type,
    values_source,
)
from graphfit.cube.inputs.source import Source, converted, scaled, with_all_axes
from graphfit.cube.inputs.units import factor_between
from graphfit.errors import DataError
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """What is known of the noise, in the two ways that fitters take it.

    Attributes
    ----------
    source : Source
        1 over the standard deviation; 0 leaves a point out.  It has all axes of the cube,
        of length 1 where it repeats.
    noise : Source
        Standard deviations; NaN leaves a point out.
    """

    source: Source
    noise: Source


def read_weights(
    weights: Any, shape: tuple[int, ...], data_unit: Any
) -> Weights | None:
    """Return the weights of a call.

    Parameters
    ----------
    weights : array-like, Quantity, NDUncertainty or None
    shape : tuple of int
        Of the data.
    data_unit : Unit or None
        Of the data.

    Raises
    ------
    DataError
        For a shape or a unit that does not fit the data's, or an uncertainty that is no
        standard deviation, variance or inverse variance.
    """
    from astropy.nddata import NDUncertainty
    from astropy.units import Quantity, dimensionless_unscaled

    if weights is None:
        return None
    if isinstance(weights, NDUncertainty):
        known = of_known_type(weights)
        if known is None:
            msg = (
                f"{WHERE}: an uncertainty of type {weights.uncertainty_type!r} has no "
                "standard deviation; give a StdDevUncertainty, VarianceUncertainty or "
                "InverseVariance."
            )
            raise DataError(msg)
        noise = noise_source(known, shape, data_unit, "the uncertainty")
        return Weights(converted(noise, _weight), converted(noise, _without_infinite))
    factor = 1.0
    if isinstance(weights, Quantity):
        wanted = dimensionless_unscaled if data_unit is None else data_unit**-1
        factor = factor_between(weights.unit, wanted, "weights")
        weights = weights.value
    plain = values_source(weights, "weights")
    require_numbers(plain)
    source = with_all_axes(scaled(plain, factor), shape)
    return Weights(source, converted(source, _noise))


def _inverse(values: AnyArray) -> AnyArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 / values


def _weight(noise: AnyArray) -> AnyArray:
    """Return 1 over standard deviations; NaN, where nothing is known, weighs nothing."""
    weights = _inverse(noise)
    return np.where(np.isnan(weights), 0.0, weights)


def _without_infinite(noise: AnyArray) -> AnyArray:
    return np.where(np.isinf(noise), np.nan, noise)


def _noise(weights: AnyArray) -> AnyArray:
    return _without_infinite(_inverse(np.abs(weights)))
