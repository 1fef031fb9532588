"""What tests of cubes share: slices of everything, headers, the real cube."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import strategies as st

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
