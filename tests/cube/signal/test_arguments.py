"""Input that cannot be used, at every tool: what the message says."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from astropy import units as u
from astropy.nddata import NDData

from graphfit.cube import signal
from graphfit.errors import DataError

CUBE = np.ones((6, 4, 3))
X = np.arange(6.0)

ON_A_CUBE = {
    "noise_from_differences": signal.noise_from_differences,
    "noise_from_channels": lambda c, **k: signal.noise_from_channels(
        c, slice(None), **k
    ),
    "signal_to_noise": lambda c, **k: signal.signal_to_noise(c, 1.0, **k),
    "signal_mask": lambda c, **k: signal.signal_mask(c, 1.0, **k),
    "peak": lambda c, **k: signal.peak(c, X, **k),
    "moments": lambda c, **k: signal.moments(c, X, **k),
    "line_width": lambda c, **k: signal.line_width(c, X, **k),
    "guesses": lambda c, **k: signal.guesses(c, X, **k),
}


@pytest.mark.parametrize("tool", ON_A_CUBE)
@pytest.mark.parametrize(
    ("cube", "message"),
    [
        (CUBE * u.K, "the cube has the unit 'K', which would be lost; give its plain"),
        (NDData(CUBE), "the cube is a NDData; give a numpy or a dask array, such as"),
        ("l1448.fits", "the cube is a str; give a numpy or a dask array"),
        (CUBE.astype(complex), "must hold real numbers, got values of type complex128"),
        (CUBE.astype(object), "must hold real numbers, got values of type object"),
        (CUBE > 0, "must hold real numbers, got values of type bool"),
        (np.float64(3.0), r"at least one axis and one value, got shape \(\)"),
        (np.ones((6, 0, 3)), r"at least one axis and one value, got shape \(6, 0, 3\)"),
        (
            da.from_array(CUBE.ravel())[da.from_array(CUBE.ravel()) > 0],
            r"dask array of unknown shape \(nan,\); call its compute_chunk_sizes",
        ),
    ],
)
def test_a_cube_that_cannot_be_used(tool, cube, message):
    with pytest.raises(DataError, match=message) as caught:
        ON_A_CUBE[tool](cube)
    assert str(caught.value).startswith(f"{tool}: ")


@pytest.mark.parametrize("tool", ON_A_CUBE)
@pytest.mark.parametrize("axis", [3, -4, 1.0, "spectral"])
def test_an_axis_that_is_not_there(tool, axis):
    with pytest.raises(
        DataError, match=r"the cube of shape \(6, 4, 3\) has the axes 0"
    ):
        ON_A_CUBE[tool](CUBE, axis=axis)


@pytest.mark.parametrize("tool", [signal.signal_to_noise, signal.signal_mask])
@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (0.0, "the noise must be > 0 and finite, got 0; estimate it by"),
        (-1.0, "the noise must be > 0 and finite, got -1"),
        (np.nan, "the noise must be > 0 and finite, got nan"),
        (np.ones((3, 4)), r"the noise has shape \(3, 4\).*give \(4, 3\), one a pixel"),
        (np.ones(6), r"the noise has shape \(6,\), which does not fit"),
        (np.ones((6, 4, 2)), r"or \(6, 4, 3\), one a voxel"),
        (np.ones((4, 3)) * u.K, "the noise has the unit 'K'"),
        (np.ones((4, 3), dtype=bool), "the noise must hold real numbers"),
    ],
)
def test_noise_that_cannot_be_used(tool, noise, message):
    with pytest.raises(DataError, match=message):
        tool(CUBE, noise)


ON_X = {
    "peak": signal.peak,
    "moments": signal.moments,
    "line_width": signal.line_width,
    "guesses": signal.guesses,
}


@pytest.mark.parametrize("tool", ON_X)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.arange(5.0),
            r"x has shape \(5,\).*give \(6,\), one a channel, or \(6, 4, 3\)",
        ),
        (2.0, "x has shape"),
        (X * u.km, "x has the unit 'km'"),
        (
            [0, 1, 2, 2, 3, 4],
            "x must be finite and rise or fall from channel to channel",
        ),
        ([0, 1, 2, np.nan, 3, 4], "x must be finite and rise or fall"),
        ([0, 1, 2, 1, 3, 4], "x must be finite and rise or fall"),
    ],
)
def test_x_that_cannot_be_used(tool, x, message):
    with pytest.raises(DataError, match=message):
        ON_X[tool](CUBE, x)


@pytest.mark.parametrize("tool", ON_X)
@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (
            np.ones((6, 4, 3)),
            "the mask must hold True or False, got values of type float64",
        ),
        (np.ones((3, 4), dtype=bool), r"the mask has shape \(3, 4\).*give \(4, 3\)"),
        (True, "the mask has shape"),
    ],
)
def test_a_mask_that_cannot_be_used(tool, mask, message):
    with pytest.raises(DataError, match=message):
        ON_X[tool](CUBE, X, within=mask)


@pytest.mark.parametrize("tool", ["moments", "line_width", "guesses"])
def test_one_channel_has_no_width(tool):
    with pytest.raises(DataError, match=r"has 1 channel along axis=0; at least 2"):
        ON_X[tool](CUBE[:1], X[:1])


def test_other_containers_are_named_before_their_unit():
    for cube in (xr.DataArray(CUBE), NDData(CUBE * u.K)):
        with pytest.raises(
            DataError, match=f"the cube is a {type(cube).__name__}; give"
        ):
            signal.noise_from_differences(cube)


def test_lists_and_masked_arrays_are_cubes():
    spectrum = [0, 3, 1]
    assert signal.peak(spectrum, [1, 2, 3]).position == 2.0
    hidden = np.ma.masked_array(spectrum, mask=[False, True, False])
    assert signal.peak(hidden, [1, 2, 3]).position == 3.0
    mask = np.ma.masked_array([True, True, True], mask=[False, False, True])
    assert signal.peak([0, 1, 2], [1, 2, 3], mask).position == 2.0


def test_a_memory_map_is_a_cube(tmp_path):
    path = tmp_path / "cube.dat"
    CUBE.astype(">f4").tofile(path)
    cube = np.memmap(path, dtype=">f4", mode="r", shape=CUBE.shape)
    found = signal.signal_to_noise(cube, 0.5)
    assert (found == 2.0).all()
    assert found.dtype == np.float32
    assert type(found) is np.ndarray
