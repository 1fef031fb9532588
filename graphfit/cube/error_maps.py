"""ErrorMaps: the standard deviations of an astropy model's parameters, one map each."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any, final

import numpy as np

from graphfit.errors import UnknownNameError, close_match
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False)
class ErrorMaps:
    """What ``model.stds`` is where each parameter is a map.

    Numbers are in the unit of the parameter; NaN where a fit has no covariance.

    Attributes
    ----------
    param_names : tuple of str
        The F free parameters.
    covariance : ndarray, shape (..., F, F)

    Examples
    --------
    >>> errors = ErrorMaps(("slope", "offset"), np.array([[[4.0, 1.0], [1.0, 9.0]]]))
    >>> errors["slope"], errors[1]
    (array([2.]), array([3.]))
    """

    param_names: tuple[str, ...]
    covariance: FloatArray

    @property
    def stds(self) -> list[FloatArray]:
        """The maps of all parameters, in the order of their names."""
        return [self[i] for i in range(len(self.param_names))]

    def __getitem__(self, name: Any) -> FloatArray:
        """Return one map, by name or number.

        Raises
        ------
        UnknownNameError
            For a parameter that is not free, or does not exist.
        """
        i = name
        if not isinstance(name, Integral):
            if name not in self.param_names:
                msg = (
                    f"There is no free parameter {name!r}."
                    f"{close_match(str(name), self.param_names)}"
                )
                raise UnknownNameError(msg)
            i = self.param_names.index(name)
        variance = self.covariance[..., i, i]
        with np.errstate(invalid="ignore"):
            return np.where(variance > 0, np.sqrt(variance), np.nan)

    def __repr__(self) -> str:
        shape = self.covariance.shape[:-2]
        return f"ErrorMaps({', '.join(self.param_names)}: maps of shape {shape})"
