"""What tests of cubes share: headers, slices, the real cube, lines and fits of them.

Lines with noise and priors, for fit_cube, are in :mod:`tests.cube.line_cases`.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling.fitting import TRFLSQFitter
from astropy.modeling.models import Gaussian1D
from hypothesis import strategies as st

from graphfit.cube.parallel_fit import parallel_fit_dask

SKY = {
    "CTYPE1": "RA---TAN",
    "CUNIT1": "deg",
    "CDELT1": -0.01,
    "CRVAL1": 50.0,
    "CTYPE2": "DEC--TAN",
    "CUNIT2": "deg",
    "CDELT2": 0.01,
    "CRVAL2": 30.0,
}
SPECTRAL = {"CTYPE3": "VRAD", "CUNIT3": "km/s", "CDELT3": 0.1, "CRVAL3": 2.0}
CARDS = {**SKY, **SPECTRAL}


def wcs(**cards):
    """The WCS of a cube: RA and Dec on axes 2 and 1, a velocity on axis 0."""
    from astropy.wcs import WCS

    return WCS(fits.Header({**CARDS, **cards}))


def whole(source):
    """All of a source, which must be an ndarray of native byte order."""
    read = source.read((slice(None),) * len(source.shape))
    assert isinstance(read, np.ndarray)
    assert read.shape == source.shape
    assert read.dtype == source.dtype
    assert read.dtype.isnative
    return read


@st.composite
def slices(draw, shape):
    """One slice an axis, as an executor asks for them."""
    cut = []
    for length in shape:
        start = draw(st.integers(0, length - 1))
        cut.append(slice(start, draw(st.integers(start + 1, length))))
    return tuple(cut)


def l1448() -> Path:
    """The path of the 13CO cube of L1448, or a skip where it is missing."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    for folder in (os.environ.get("GRAPHFIT_DATA"), beside):
        if folder is not None and (path := Path(folder, "l1448_13co.fits")).is_file():
            return path
    pytest.skip("no l1448_13co.fits: name its folder in GRAPHFIT_DATA")


# --- lines, by astropy --------------------------------------------------------------

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
