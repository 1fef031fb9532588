"""What others offer for the same problems; each takes a problem and returns parameters."""

from typing import Any

import numpy as np
from scipy import optimize, sparse

from tests.benchmarks.problems import JointData, Spectra, exponential


def leastsq_rows(x: Any, y: Any, start: tuple[float, float]) -> Any:
    """scipy's MINPACK, one row after the other, with its default tolerances: (P, 2)."""

    def residual(theta: Any, row: Any) -> Any:
        return exponential(x, theta[0], theta[1]) - row

    return np.array([optimize.leastsq(residual, start, args=(row,))[0] for row in y])


def astropy_parallel(fitter: Any, problem: Spectra, bounded: bool) -> Any:
    """parallel_fit_dask in this process, with astropy's defaults: (P, 3)."""
    from astropy.modeling.fitting import parallel_fit_dask
    from astropy.modeling.models import Gaussian1D

    amplitude, mean, stddev = (values.copy() for values in problem.start)
    bounds = {"mean": (problem.v[0], problem.v[-1])} if bounded else {}
    fitted = parallel_fit_dask(
        model=Gaussian1D(amplitude, mean, stddev, bounds=bounds),
        fitter=fitter,
        data=problem.data.T,
        fitting_axes=0,
        world=(problem.v,),
        scheduler="synchronous",
    )
    columns = (fitted.amplitude, fitted.mean, fitted.stddev)
    return np.stack([np.asarray(column.value) for column in columns], axis=1)


class SparseJoint:
    """Residuals and sparse analytic Jacobian of a JointData, for scipy.least_squares."""

    def __init__(self, problem: JointData) -> None:
        self.problem = problem
        count, points = problem.data.shape
        rows = np.arange(count * points)
        own = 1 + 2 * np.repeat(np.arange(count), points)
        self.shape = (rows.size, 1 + 2 * count)
        # Three entries a row: centre, own normalization, own sigma.
        self.columns = np.stack([np.zeros_like(own), own, own + 1], axis=1).ravel()
        self.row_starts = 3 * np.arange(rows.size + 1)

    def _parts(self, theta: Any) -> tuple[Any, Any, Any, Any]:
        normalization, sigma = theta[1::2, None], theta[2::2, None]
        z = (self.problem.x - theta[0]) / sigma
        unit = np.exp(-0.5 * z * z) / (
            sigma * np.sqrt(2.0 * np.pi) * self.problem.noise
        )
        return normalization, sigma, z, unit

    def residual(self, theta: Any) -> Any:
        normalization, _, _, unit = self._parts(theta)
        return (normalization * unit - self.problem.data / self.problem.noise).ravel()

    def jacobian(self, theta: Any) -> Any:
        normalization, sigma, z, unit = self._parts(theta)
        slope = normalization * unit / sigma
        entries = np.stack([slope * z, unit, slope * (z * z - 1.0)], axis=-1).ravel()
        return sparse.csr_matrix(
            (entries, self.columns, self.row_starts), shape=self.shape
        )

    def fit(self) -> Any:
        """The trust-region method with LSMR, which keeps the Jacobian sparse."""
        return optimize.least_squares(
            self.residual,
            self.problem.start,
            jac=self.jacobian,
            method="trf",
            tr_solver="lsmr",
            x_scale="jac",
        )
