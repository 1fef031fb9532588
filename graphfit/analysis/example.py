"""The components of the examples: 1D profiles on pixel positions, and their analysis."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np

from graphfit.analysis.analysis import Analysis as AbstractAnalysis
from graphfit.analysis.dataset import (
    as_floats,
    require_finite,
    require_positive,
    require_shape,
)
from graphfit.analysis.pointwise import Pointwise
from graphfit.errors import DataError, FitException
from graphfit.priors import LogUniformPrior, UniformPrior
from graphfit.typing import ArrayLike, FloatArray


@final
@dataclass(frozen=True, slots=True)
class Gaussian:
    """A Gaussian profile, ``N / (sigma sqrt(2 pi)) exp(-(x - centre)^2 / (2 sigma^2))``.

    Parameters
    ----------
    centre : float, unit of x
        The position of the peak; default prior uniform in [0, 100].
    normalization : float
        The integral over x, N; default prior log-uniform in [1e-6, 1e6].
    sigma : float, > 0, unit of x
        The width; default prior uniform in [0, 25].

    Examples
    --------
    >>> float(Gaussian(centre=50.0, normalization=np.sqrt(2 * np.pi), sigma=1.0)(50.0))
    1.0
    """

    centre: Annotated[float, UniformPrior(0.0, 100.0)] = 0.0
    normalization: Annotated[float, LogUniformPrior(1e-6, 1e6)] = 0.1
    sigma: Annotated[float, UniformPrior(0.0, 25.0)] = 0.01

    def model_data_from(self, xvalues: ArrayLike) -> FloatArray:
        """Return the profile at the positions `xvalues`, in their shape.

        Raises
        ------
        FitException
            If sigma is 0, as a relation can make it: a line of no width has no values.
        """
        if self.sigma == 0.0:
            msg = "A Gaussian of sigma 0 has no finite values."
            raise FitException(msg)
        z = (np.asarray(xvalues) - self.centre) / self.sigma
        peak = self.normalization / (self.sigma * np.sqrt(2.0 * np.pi))
        return np.asarray(peak * np.exp(-0.5 * z * z))

    def __call__(self, xvalues: ArrayLike) -> FloatArray:
        """Return the profile at the positions `xvalues`, in their shape."""
        return self.model_data_from(xvalues)


@final
@dataclass(frozen=True, slots=True)
class Exponential:
    """A two-sided exponential profile, ``N rate exp(-rate |x - centre|)``.

    Parameters
    ----------
    centre : float, unit of x
        The position of the peak; default prior uniform in [0, 100].
    normalization : float
        The factor N; default prior log-uniform in [1e-6, 1e6].
    rate : float, > 0, one over the unit of x
        The decay; default prior uniform in [0, 1].

    Examples
    --------
    >>> float(Exponential(centre=50.0, normalization=2.0, rate=0.5)(50.0))
    1.0
    """

    centre: Annotated[float, UniformPrior(0.0, 100.0)] = 0.0
    normalization: Annotated[float, LogUniformPrior(1e-6, 1e6)] = 0.1
    rate: Annotated[float, UniformPrior(0.0, 1.0)] = 0.01

    def model_data_from(self, xvalues: ArrayLike) -> FloatArray:
        """Return the profile at the positions `xvalues`, in their shape."""
        distance = np.abs(np.asarray(xvalues) - self.centre)
        return np.asarray(
            self.normalization * self.rate * np.exp(-self.rate * distance)
        )

    def __call__(self, xvalues: ArrayLike) -> FloatArray:
        """Return the profile at the positions `xvalues`, in their shape."""
        return self.model_data_from(xvalues)


@final
class Analysis(AbstractAnalysis):
    """A 1D profile on pixel positions 0 .. N-1 with independent Gaussian noise.

    ``ln L = -1/2 sum ((data - model) / noise)^2 - sum ln(noise sqrt(2 pi))``.

    Parameters
    ----------
    data : array-like, shape (N,)
        The observed profile, finite.
    noise_map : array-like, shape (N,)
        The standard deviation of each value, > 0, in the unit of the data.

    Raises
    ------
    DataError
        For values that are not finite, noise that is not positive, shapes that differ.

    Examples
    --------
    >>> analysis = Analysis(data=np.zeros(3), noise_map=np.ones(3))
    >>> round(analysis.log_likelihood_function(Gaussian(1.0, 0.0, 1.0)), 6)
    -2.756816
    """

    def __init__(self, data: ArrayLike, noise_map: ArrayLike) -> None:
        where = "gf.ex.Analysis"
        self.data = as_floats(data, "data", where)
        self.noise_map = as_floats(noise_map, "noise_map", where)
        if self.data.ndim != 1:
            msg = f"{where}: data must be one-dimensional, got shape {self.data.shape}."
            raise DataError(msg)
        require_shape(self.noise_map, self.data.shape, "noise_map", where)
        everywhere = np.ones(self.data.shape, dtype=bool)
        require_finite(self.data, "data", where, everywhere)
        require_finite(self.noise_map, "noise_map", where, everywhere)
        require_positive(self.noise_map, "noise_map", where, everywhere)
        self.xvalues = np.arange(self.data.size, dtype=np.float64)
        self._log_norm = float(np.log(self.noise_map * np.sqrt(2.0 * np.pi)).sum())

    def model_data(self, instance: Any) -> FloatArray:
        """Return the model's values `(N,)`: the sum over the instance's profiles."""
        return np.asarray(instance(self.xvalues))

    def log_likelihood_function(self, instance: Any) -> float:
        return -0.5 * self.chi_squared(instance) - self._log_norm

    def pointwise(self) -> Pointwise:
        return Pointwise(
            inputs=(self.xvalues,),
            data=self.data,
            noise=self.noise_map,
            broadcasts=True,
            offset=-self._log_norm,
        )

    def chi_squared(self, instance: Any) -> float:
        residual = (self.data - self.model_data(instance)) / self.noise_map
        return float(residual @ residual)

    def data_point_count(self) -> int:
        return self.data.size

    def simulate(self, instance: Any, rng: np.random.Generator) -> "Analysis":
        return Analysis(
            rng.normal(self.model_data(instance), self.noise_map), self.noise_map
        )

    def save_attributes(self, folder: Any) -> None:
        for name, array in (("data", self.data), ("noise_map", self.noise_map)):
            (folder / f"{name}.json").write_text(json.dumps(array.tolist()) + "\n")
