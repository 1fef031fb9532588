"""JointFit: the answer of one large fit, with errors that are computed when asked for."""

from dataclasses import dataclass
from typing import Protocol, final

import numpy as np

from graphfit.compiler.driving.factor_table import Int64Array
from graphfit.errors import DataError
from graphfit.samples.combine import LARGEST_COVARIANCE
from graphfit.samples.status import Status
from graphfit.typing import ArrayLike, FloatArray


class Errors(Protocol):
    """What a solver knows of the information at the optimum.

    Attributes
    ----------
    variances : ndarray, shape (D,)
        Diagonal of the inverse; 0 for fixed parameters, NaN for undetermined ones.
    log_determinant : float
        ln |H| of what is not fixed; NaN if some parameter is undetermined.
    undetermined : ndarray of int64
        Indices of the parameters that the data do not determine.
    """

    @property
    def variances(self) -> FloatArray:
        """Diagonal."""

    @property
    def log_determinant(self) -> float:
        """Of the information."""

    @property
    def undetermined(self) -> Int64Array:
        """Indices."""

    def covariance_of(self, indices: Int64Array) -> FloatArray:
        """Return the covariance of some parameters, shape (len(indices),) twice."""


@final
@dataclass(frozen=True, eq=False, slots=True)
class JointFit:
    """The best point of a joint fit.

    Attributes
    ----------
    theta : ndarray, shape (D,)
        Parameters; NaN where there is no answer.
    value : float
        ln of the posterior: the sum of the kernels' values.
    status : Status
        How the fit ended.
    evaluations : int
        Of all factors.
    log_determinant : float
        ln |H| of the information of all parameters that are not fixed by equal bounds;
        NaN where it is singular.
    standard_deviations : ndarray, shape (D,)
        From the diagonal of ``H^-1``; 0 for fixed parameters, NaN for those that the data
        do not determine.  At a bound it is what the derivatives say.
    undetermined : ndarray of int64
        Indices of these.
    way : str
        "bordered" or "sparse".
    reason : str
        Why that way.
    """

    theta: FloatArray
    value: float
    status: Status
    evaluations: int
    log_determinant: float
    standard_deviations: FloatArray
    undetermined: Int64Array
    way: str
    reason: str
    _errors: Errors | None

    @property
    def covariance(self) -> FloatArray:
        """``H^-1`` (D, D), or the variances (D,) alone where D > `LARGEST_COVARIANCE`."""
        d = len(self.theta)
        if d > LARGEST_COVARIANCE:
            variances: FloatArray = self.standard_deviations**2
            return variances
        return self.covariance_of(np.arange(d))

    def covariance_of(self, indices: ArrayLike) -> FloatArray:
        """Return the covariance of some parameters, those of one dataset for instance.

        Parameters
        ----------
        indices : array-like of int, shape (K,)
            Which parameters.

        Returns
        -------
        ndarray, shape (K, K)
            Rows and columns of ``H^-1``.

        Raises
        ------
        DataError
            For an index that is not one of a parameter.
        """
        d = len(self.theta)
        which = np.asarray(indices)
        if which.size == 0:
            return np.zeros((0, 0))
        integer = np.issubdtype(which.dtype, np.integer)
        if which.ndim != 1 or not integer or which.min() < 0 or which.max() >= d:
            message = (
                f"JointFit.covariance_of(indices): got {indices!r}; give a list of "
                f"parameters' indices, 0 to {d - 1}."
            )
            raise DataError(message)
        if self._errors is None:
            return np.full((which.size, which.size), np.nan)
        found = self._errors.covariance_of(which.astype(np.int64))
        unknown = np.isin(which, self.undetermined)
        found[unknown] = np.nan
        found[:, unknown] = np.nan
        return found
