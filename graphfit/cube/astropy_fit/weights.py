"""Weights: 1 over the standard deviation, from arrays or astropy's uncertainties."""

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.cube.astropy_fit.fields import as_field, is_lazy
from graphfit.errors import DataError
from graphfit.typing import AnyArray

Kind = Literal["weight", "std", "var", "ivar"]


@final
@dataclass(frozen=True, eq=False)
class Weights:
    """What weights are made of, slice by slice.

    Attributes
    ----------
    field : array that broadcasts to the cube
    kind : {"weight", "std", "var", "ivar"}
        What its values are.
    factor : float
        The values in the unit of the data, over the values as they are.
    """

    field: Any
    kind: Kind = "weight"
    factor: float = 1.0

    def values(self, array: AnyArray) -> AnyArray:
        """Return the weights for values of the field."""
        scaled = array * self.factor
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.kind == "std":
                return 1.0 / scaled
            if self.kind == "var":
                return 1.0 / np.sqrt(scaled)
            return np.sqrt(scaled) if self.kind == "ivar" else scaled

    def noise(self) -> tuple[Any, Any]:
        """Return the standard deviations of all the field, and where the weight is 0.

        Standard deviations are 1 where the weight is 0.
        """
        scaled = self.field * self.factor
        if self.kind == "std":
            return scaled, None
        if self.kind == "var":
            return np.sqrt(scaled), None
        weights = np.sqrt(scaled) if self.kind == "ivar" else abs(scaled)
        unused = weights == 0
        return 1.0 / _ones_where(unused, weights), unused


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
    from astropy.units import Quantity

    if weights is None:
        return None
    if isinstance(weights, NDUncertainty):
        return _from_uncertainty(weights, shape, data_unit)
    factor = 1.0
    if isinstance(weights, Quantity):
        wanted = data_unit**-1 if data_unit is not None else None
        factor = _factor(weights.unit, wanted, "weights")
        weights = weights.value
    return Weights(as_field(weights, shape, "weights"), factor=factor)


def _from_uncertainty(
    uncertainty: Any, shape: tuple[int, ...], data_unit: Any
) -> Weights:
    from astropy.nddata import StdDevUncertainty

    kind = uncertainty.uncertainty_type
    if kind not in ("std", "var", "ivar"):
        try:
            uncertainty = uncertainty.represent_as(StdDevUncertainty)
        except Exception as error:  # boundary: a user's kind of uncertainty
            msg = (
                f"{WHERE}: an uncertainty of type {kind!r} has no standard deviation "
                f"({error}); give a StdDevUncertainty, VarianceUncertainty or "
                "InverseVariance."
            )
            raise DataError(msg) from error
        kind = "std"
    unit = uncertainty.unit
    factor = 1.0
    if unit is not None and data_unit is not None:
        power = {"std": 1, "var": 2, "ivar": -2}[kind]
        factor = _factor(unit, data_unit**power, "the uncertainty")
    field = as_field(uncertainty.array, shape, "the uncertainty")
    return Weights(field, kind, factor)


def _factor(unit: Any, wanted: Any, name: str) -> float:
    from astropy.units import UnitConversionError, dimensionless_unscaled

    target = dimensionless_unscaled if wanted is None else wanted
    try:
        return float(unit.to(target))
    except UnitConversionError as error:
        got, allowed = unit.to_string(), target.to_string() or "no unit"
        msg = (
            f"{WHERE}: {name} in {got!r} cannot be had in {allowed!r}, which goes with the "
            "data; weights are 1 over the standard deviation of the data."
        )
        raise DataError(msg) from error


def _ones_where(flags: Any, values: Any) -> Any:
    if is_lazy(values):
        from dask import array as da

        return da.where(flags, 1.0, values)
    return np.where(flags, 1.0, values)
