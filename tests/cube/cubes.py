"""Small cubes of Gaussian lines with known parameters, and their fits."""

import numpy as np
from astropy.modeling.fitting import TRFLSQFitter
from astropy.modeling.models import Gaussian1D

from graphfit.cube.parallel_fit import parallel_fit_dask

V = np.linspace(-5.0, 5.0, 25)


def lines(*shape, seed=0):
    """Return the model that holds a map of lines."""
    rng = np.random.default_rng(seed)
    return Gaussian1D(
        rng.uniform(1.0, 3.0, shape),
        rng.uniform(-1.5, 1.5, shape),
        rng.uniform(0.6, 1.2, shape),
    )


def cube_of(model, x=V):
    """Return the noiseless cube, its spectral axis first."""
    return model(x.reshape(-1, *(1,) * model.mean.value.ndim))


def guess():
    """Return where fits begin."""
    return Gaussian1D(1.5, 0.2, 1.0)


TRUE = lines(2, 3)
CUBE = cube_of(TRUE)


def fit(data=CUBE, model=None, fitter=None, **options):
    """Fit a cube along its first axis, here and now."""
    options = {"fitting_axes": 0, "world": (V,), "scheduler": "synchronous"} | options
    return parallel_fit_dask(
        model=guess() if model is None else model,
        fitter=TRFLSQFitter() if fitter is None else fitter,
        data=data,
        **options,
    )


def assert_found(fitted, true=TRUE, **tolerance):
    """Check every map of a fit."""
    options = {"rtol": 1e-5, "atol": 1e-6} | tolerance
    for name in true.param_names:
        values = getattr(true, name).value
        np.testing.assert_allclose(getattr(fitted, name).value, values, **options)


def status(fitted):
    """Return how each fit ended."""
    return fitted.meta["fit_status"]


def broken_cube():
    """Return data with a NaN, and weights that are infinite, at one pixel each."""
    data, weights = CUBE.copy(), np.ones(CUBE.shape)
    data[3, 0, 1] = np.nan
    weights[3, 1, 1] = np.inf
    return data, weights
