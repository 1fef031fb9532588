"""What a user may call a cube, and what comes of each."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    NDDataRef,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from astropy.utils.masked import Masked

from graphfit.cube.inputs.reading import read_cube
from graphfit.errors import DataError, DataWarning
from tests.cube.cube_cases import CARDS, l1448, wcs, whole

SHAPE = (4, 3, 5)
VALUES = np.random.default_rng(3).normal(size=SHAPE)
HIDDEN = np.random.default_rng(4).random(SHAPE) < 0.3


def dask_array(values):
    import dask.array as da

    return da.from_array(values, chunks=(4, 2, 2))


def data_array(values=VALUES, **options):
    import xarray

    options.setdefault("attrs", {"units": "K"})
    coords = {
        "velocity": ("velocity", np.arange(4.0), {"units": "km/s"}),
        "y": ("y", [2.0, 3.0, 4.0]),
    }
    dims = ("velocity", "y", "x")
    return xarray.DataArray(values, dims=dims, coords=coords, name="t", **options)


# --- arrays ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        np.ndarray.tolist,
        lambda a: a.astype(">f8"),
        lambda a: np.asfortranarray(a)[:],
        dask_array,
        NDData,
        data_array,
        lambda a: data_array(dask_array(a)),
        lambda a: a * u.K,
        np.ma.asarray,
        lambda a: Masked(a, mask=False),
    ],
    ids=[
        *("numpy", "list", "big-endian", "fortran", "dask", "NDData", "xarray"),
        *("xarray of dask", "Quantity", "masked array", "Masked"),
    ],
)
def test_the_values_are_those_given(make):
    cube = read_cube(make(VALUES))
    assert cube.shape == SHAPE
    assert cube.ndim == 3
    assert cube.label == "data"
    np.testing.assert_array_equal(whole(cube.source), VALUES)
    copy = pickle.loads(pickle.dumps(cube))
    np.testing.assert_array_equal(whole(copy.source), VALUES)


@pytest.mark.parametrize("kind", ["f4", "f2", "i2", "u1", "i8", "?"])
def test_real_numbers_of_any_type(kind):
    assert read_cube(np.ones(3, kind)).source.dtype == np.dtype(kind)


def test_a_cube_that_was_read_is_returned():
    cube = read_cube(VALUES)
    assert read_cube(cube) is cube


def test_the_mask_of_a_masked_array():
    cube = read_cube(np.ma.array(VALUES, mask=HIDDEN))
    np.testing.assert_array_equal(whole(cube.mask), HIDDEN)
    np.testing.assert_array_equal(whole(cube.source), VALUES)
    assert read_cube(np.ma.array(VALUES)).mask is None


def test_the_mask_of_a_masked_quantity():
    cube = read_cube(Masked(VALUES * u.K, mask=HIDDEN))
    assert cube.unit == u.K
    np.testing.assert_array_equal(whole(cube.mask), HIDDEN)


def test_a_quantity_has_a_unit():
    cube = read_cube(VALUES * u.Jy / u.beam)
    assert cube.unit == u.Jy / u.beam


@pytest.mark.parametrize(
    "through", [np.asarray, lambda a: u.Quantity(a, u.K, copy=False)]
)
def test_a_memmap_stays_a_file(tmp_path, through):
    array = np.memmap(tmp_path / "cube.bin", "f8", "w+", shape=SHAPE)
    array[...] = VALUES
    cube = read_cube(through(array))
    assert cube.source.is_light
    np.testing.assert_array_equal(whole(cube.source), VALUES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.zeros((2, 0, 3)),
            "data must have an axis to fit along, and values; got shape",
        ),
        (3.0, "data must have an axis to fit along, and values; got shape ()."),
        (
            np.zeros(3, complex),
            "data must be real numbers, got values of type complex128. ",
        ),
        (
            np.zeros(3, object),
            "data must be real numbers, got values of type object. data",
        ),
        (
            np.array(["a"]),
            "data must be real numbers, got values of type <U1. data must be",
        ),
        (None, "data must be real numbers, got values of type object."),
        ([[1.0], [1.0, 2.0]], "data makes no array"),
        ({"a": 1}, "data must be real numbers, got values of type object."),
    ],
)
def test_what_is_no_cube_is_refused(data, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_cube(data)


def test_several_variables_are_refused():
    with pytest.raises(DataError, match="cube is a Dataset: choose one variable"):
        read_cube(data_array().to_dataset(), label="cube")
    with pytest.raises(DataError, match="cube is a PrimaryHDU: choose one"):
        read_cube(fits.PrimaryHDU(VALUES), label="cube")


# --- units -------------------------------------------------------------------------


def test_a_unit_is_given_to_plain_numbers():
    assert read_cube(VALUES, unit="mK").unit == u.mK


def test_values_and_noise_are_converted_to_the_unit_asked_for():
    noise = StdDevUncertainty(np.full(SHAPE, 0.5))
    cube = read_cube(NDData(VALUES, unit=u.K, uncertainty=noise), unit="mK")
    assert cube.unit == u.mK
    np.testing.assert_array_equal(whole(cube.source), VALUES * 1000.0)
    np.testing.assert_array_equal(whole(cube.noise), np.full(SHAPE, 500.0))


def test_a_unit_that_does_not_fit_is_refused():
    with pytest.raises(
        DataError, match="data is in K, which cannot be converted to Jy by"
    ):
        read_cube(VALUES * u.K, unit=u.Jy)


# --- NDData ------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, dask_array])
@pytest.mark.parametrize(
    ("kind", "values", "unit", "expected"),
    [
        (StdDevUncertainty, np.full(SHAPE, 0.5), None, 0.5),
        (StdDevUncertainty, np.full(SHAPE, 500.0), u.mK, 0.5),
        (VarianceUncertainty, np.full(SHAPE, 0.25), None, 0.5),
        (VarianceUncertainty, np.full(SHAPE, 0.25e6), u.mK**2, 0.5),
        (InverseVariance, np.full(SHAPE, 4.0), None, 0.5),
        (InverseVariance, np.full(SHAPE, 4e-6), u.mK**-2, 0.5),
        (InverseVariance, np.full(SHAPE, 0.0), None, np.nan),
        (VarianceUncertainty, np.full(SHAPE, -1.0), None, np.nan),
    ],
)
def test_uncertainties_become_standard_deviations(make, kind, values, unit, expected):
    uncertainty = kind(make(values), unit=unit)
    cube = read_cube(NDData(VALUES, unit=u.K, uncertainty=uncertainty))
    assert cube.unit == u.K
    np.testing.assert_allclose(whole(cube.noise), np.full(SHAPE, expected), rtol=1e-14)
    np.testing.assert_array_equal(
        whole(pickle.loads(pickle.dumps(cube)).noise), whole(cube.noise)
    )


def test_one_uncertainty_for_all_is_not_expanded():
    cube = read_cube(NDData(VALUES, uncertainty=StdDevUncertainty(np.array([0.5]))))
    assert cube.noise.read((slice(None),) * 3).strides == (0, 0, 0)


def test_an_uncertainty_of_unknown_type_is_left_out_with_a_warning():
    data = NDData(VALUES, uncertainty=UnknownUncertainty(VALUES))
    with pytest.warns(DataWarning, match="data.uncertainty is of type 'unknown'"):
        assert read_cube(data).noise is None


def test_the_mask_of_an_nddata():
    cube = read_cube(NDData(VALUES, mask=HIDDEN))
    np.testing.assert_array_equal(whole(cube.mask), HIDDEN)
    cube = read_cube(NDData(VALUES, mask=HIDDEN[0]))
    np.testing.assert_array_equal(whole(cube.mask), np.broadcast_to(HIDDEN[0], SHAPE))
    cube = read_cube(NDData(dask_array(VALUES), mask=dask_array(HIDDEN)))
    np.testing.assert_array_equal(whole(cube.mask), HIDDEN)
    assert cube.source.chunks == (4, 2, 2)


def test_a_mask_that_is_not_boolean_or_of_another_shape_is_refused():
    with pytest.raises(DataError, match=r"data.mask must be boolean .*got int64; e.g."):
        read_cube(NDData(VALUES, mask=HIDDEN.astype("i8")))
    with pytest.raises(
        DataError, match=r"data.mask has shape \(3, 4, 5\), which does not"
    ):
        read_cube(NDData(VALUES, mask=HIDDEN.reshape(3, 4, 5)))


def test_an_nddata_brings_its_wcs():
    cube = read_cube(NDDataRef(VALUES, wcs=wcs()))
    assert cube.wcs.low_level_wcs.pixel_n_dim == 3
    assert read_cube(CCDData(VALUES[0], unit="adu")).unit == u.adu


# --- xarray ------------------------------------------------------------------------


def test_an_xarray_brings_names_coordinates_and_unit():
    cube = read_cube(data_array())
    assert cube.dims == ("velocity", "y", "x")
    assert cube.unit == u.K
    assert list(cube.coords) == ["velocity", "y"]
    assert cube.coords["velocity"].unit == u.km / u.s
    np.testing.assert_array_equal(cube.coords["y"], [2.0, 3.0, 4.0])


def test_an_xarray_of_a_file_is_read_block_by_block(tmp_path):
    import xarray

    data_array().to_zarr(tmp_path / "a.zarr", consolidated=False)
    with xarray.open_zarr(
        tmp_path / "a.zarr", consolidated=False, chunks=None
    ) as found:
        cube = read_cube(found["t"])
        assert type(cube.source).__name__ == "DaskSource"
        np.testing.assert_array_equal(whole(cube.source), VALUES)
        assert not found["t"].variable._in_memory


def test_a_unit_of_an_xarray_that_makes_no_sense_is_left_out_with_a_warning():
    with pytest.warns(
        DataWarning, match="data: the unit 'parsnips' cannot be understood"
    ):
        assert read_cube(data_array(attrs={"units": "parsnips"})).unit is None


# --- spectral-cube -----------------------------------------------------------------


@pytest.fixture
def spectral_cube():
    return pytest.importorskip("spectral_cube").SpectralCube


@pytest.mark.parametrize("use_dask", [False, True])
def test_a_spectral_cube_brings_mask_unit_and_wcs(spectral_cube, use_dask):
    values = VALUES.copy()
    values[0, 0, 0] = np.nan
    made = spectral_cube(
        dask_array(values) if use_dask else values,
        wcs(),
        header=fits.Header({**CARDS, "OBJECT": "L1448"}),
        use_dask=use_dask,
    )
    cube = read_cube(made.with_mask(~HIDDEN))
    assert cube.unit == u.dimensionless_unscaled
    assert cube.header == {"OBJECT": "L1448", "RADESYS": "ICRS"}
    assert cube.wcs.world_axis_physical_types[2] == "spect.dopplerVeloc.radio"
    np.testing.assert_array_equal(whole(cube.source), values)
    np.testing.assert_array_equal(
        cube.source.read((slice(1, 3), slice(0, 1), slice(2, 5))), values[1:3, :1, 2:]
    )
    np.testing.assert_array_equal(whole(cube.mask), HIDDEN)


# --- paths -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_the_path_of_a_fits_file(tmp_path, kind):
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(VALUES, fits.Header({**CARDS, "BUNIT": "K"})).writeto(path)
    cube = read_cube(kind(path))
    assert cube.unit == u.K
    assert cube.label == "cube.fits[0]"
    assert cube.wcs.pixel_n_dim == 3
    assert cube.header == {"BUNIT": "K"}
    np.testing.assert_array_equal(whole(cube.source), VALUES)


def test_an_hdu_of_a_fits_file(tmp_path):
    path = tmp_path / "cube.fits"
    hdus = [fits.PrimaryHDU(VALUES), fits.ImageHDU(VALUES + 1, name="ERR")]
    fits.HDUList(hdus).writeto(path)
    np.testing.assert_array_equal(whole(read_cube(path, hdu="ERR").source), VALUES + 1)
    with pytest.raises(
        DataError, match="data: hdu= chooses in a FITS file, and data is no"
    ):
        read_cube(VALUES, hdu=1)


def test_a_packed_fits_file(tmp_path):
    path = tmp_path / "cube.fits.gz"
    fits.PrimaryHDU(VALUES.astype("f4")).writeto(path)
    cube = read_cube(path)
    np.testing.assert_array_equal(whole(cube.source), VALUES.astype("f4"))
    assert cube.source.identity()[0].path == str(path)


def test_a_unit_of_a_file_that_makes_no_sense_is_left_out_with_a_warning(tmp_path):
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(VALUES, fits.Header({"BUNIT": "parsnips"})).writeto(path)
    with pytest.warns(
        DataWarning, match=r"cube.fits\[0\]: the unit 'parsnips' cannot be"
    ):
        assert read_cube(path).unit is None


def test_the_path_of_a_zarr_folder(tmp_path):
    data_array().to_zarr(tmp_path / "a.zarr", consolidated=False)
    for path in (tmp_path / "a.zarr", tmp_path / "a.zarr" / "t"):
        cube = read_cube(path)
        assert cube.dims == ("velocity", "y", "x")
        assert cube.unit == u.K
        np.testing.assert_array_equal(whole(cube.source), VALUES)
    assert read_cube(tmp_path / "a.zarr").coords["velocity"].unit == u.km / u.s
    with pytest.raises(
        DataError, match="data: hdu= chooses in a FITS file, and .*a.zarr is"
    ):
        read_cube(tmp_path / "a.zarr", hdu=1)


def test_a_zarr_array(tmp_path):
    import zarr

    array = zarr.create_array(
        tmp_path / "a.zarr", data=VALUES, attributes={"units": "K"}
    )
    cube = read_cube(array)
    assert cube.unit == u.K
    assert cube.source.is_light
    np.testing.assert_array_equal(whole(cube.source), VALUES)


def test_paths_that_lead_to_no_cube_are_refused(tmp_path):
    with pytest.raises(
        DataError, match=f"data: there is no file {tmp_path}/none.fits. "
    ):
        read_cube(tmp_path / "none.fits")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        DataError, match="notes.txt is neither a FITS file nor a zarr folder"
    ):
        read_cube(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="holds no zarr array"):
        read_cube(tmp_path)


# --- the real cube -----------------------------------------------------------------


def test_l1448():
    cube = read_cube(l1448())
    assert cube.shape == (53, 105, 105)
    assert cube.source.dtype == np.dtype("f4")
    assert cube.unit is None
    expected = fits.getdata(l1448())
    np.testing.assert_array_equal(whole(cube.source), expected)


LATE = """
import sys
import numpy as np
from graphfit.cube.inputs.reading import read_cube
read_cube(np.ones(3))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.distributed
def test_reading_an_array_loads_nothing_heavy():
    run = [sys.executable, "-c", LATE]
    loaded = subprocess.run(
        run, check=True, capture_output=True, text=True
    ).stdout.split()
    assert {"numpy", "graphfit"} <= set(loaded)
    assert not {"astropy", "dask", "spectral_cube", "xarray", "zarr"} & set(loaded)
