"""Masks and units of all that goes beside the data: none is dropped without a word."""

import dask.array as da
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits as fits_files
from astropy.nddata import InverseVariance, NDData

import graphfit as gf
from graphfit.errors import DataError, OutputError
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_close,
    assert_same_bits,
    cube,
    fit,
    model,
    truths,
)

SHAPE = (2, 3)
DATA = cube(*SHAPE)
MEANS = truths(*SHAPE)["mean"]
NOISES = np.random.default_rng(7).uniform(0.08, 0.12, DATA.shape)
HOLES = np.random.default_rng(6).random(DATA.shape) < 0.1
LOST = np.array([[False, True, False], [False, False, True]])
SPEED = u.km / u.s
BLIND = gf.LevenbergMarquardt(seed=SEED, n_sweep=0)


def hidden(values, mask):
    """Values with nonsense under a mask."""
    return np.where(mask, -9e9, values), mask


# --- masks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda v, m: np.ma.array(v, mask=m),
        lambda v, m: NDData(v, mask=m),
        lambda v, m: da.ma.masked_array(da.from_array(v, chunks=2), mask=m),
    ],
    ids=["numpy", "NDData", "dask"],
)
def test_the_mask_of_noise_and_of_data(make):
    expected = fit(DATA, noise=np.where(HOLES, np.nan, NOISES))
    assert_same_bits(fit(DATA, noise=make(*hidden(NOISES, HOLES))), expected)
    assert_same_bits(fit(make(*hidden(DATA, HOLES)), noise=NOISES), expected)


def test_the_mask_of_a_spectral_cube_of_noise():
    spectral_cube = pytest.importorskip("spectral_cube")
    from tests.cube.cube_cases import wcs

    noise = spectral_cube.SpectralCube(NOISES * u.K, wcs()).with_mask(~HOLES)
    expected = fit(DATA * u.K, noise=np.where(HOLES, np.nan, NOISES))
    assert_same_bits(fit(DATA * u.K, noise=noise), expected)


def test_noise_below_its_mask_is_not_checked_and_other_noise_is():
    bad = NOISES.copy()
    bad[3, 1, 1] = 0.0
    with pytest.raises(DataError, match=r"must be > 0 .* got 0 at \(3, 1, 1\) and 1"):
        fit(DATA, noise=np.ma.array(bad, mask=HOLES & (bad > 0.0)))
    fit(DATA, noise=np.ma.array(bad, mask=bad == 0.0))


def test_the_mask_of_a_mask_leaves_out():
    given = np.ma.array(np.zeros(SHAPE, dtype=bool), mask=LOST)
    assert_same_bits(fit(DATA, mask=given), fit(DATA, mask=LOST))


def test_the_mask_of_a_start():
    found = fit(DATA, start={"mean": np.ma.MaskedArray(*hidden(MEANS, LOST))})
    expected = fit(DATA, start={"mean": np.where(LOST, np.nan, MEANS)})
    assert found.counts() == {"converged": 4, "bad_start": 2}
    assert_same_bits(found, expected)


def test_the_mask_of_a_pixel_map():
    def fixed(values):
        return model(mean=gf.pixel_map(values))

    found = fit(DATA, None, fixed(np.ma.MaskedArray(*hidden(MEANS, LOST))))
    assert found.counts() == {"converged": 4, "bad_start": 2}
    expected = fit(DATA, None, fixed(np.where(LOST, np.nan, MEANS)))
    assert_same_bits(found, expected)


def test_the_mask_of_extras():
    values = np.ma.array(np.arange(6).reshape(SHAPE), mask=LOST)
    found = fit(DATA, SLOW, analysis=Weighed, extras={"weight": values})
    assert found.counts() == {"converged": 4, "user_error": 2}


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u1"])
def test_a_mask_in_a_file_is_what_is_not_zero(tmp_path, kind):
    values = LOST.astype(kind)
    if kind[0] == "f":
        values[0, 1] = np.nan
    path = tmp_path / "mask.fits"
    fits_files.writeto(path, values)
    for given in (path, str(path)):
        assert_same_bits(fit(DATA, mask=given), fit(DATA, mask=LOST))
    if kind[0] == "f":
        with pytest.raises(DataError, match="mask must be boolean"):
            fit(DATA, mask=values)


# --- coordinates -----------------------------------------------------------------------


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("most", [None, 1])
def test_points_without_a_coordinate_are_left_out(is_lazy, most):
    varying = np.broadcast_to(V[:, None, None], DATA.shape).copy()
    nowhere = HOLES.copy()
    nowhere[:, 0, 0] = True  # the first pixel, of which the compiler is told
    expected = fit(DATA, world=varying, mask=nowhere)
    varying[nowhere] = np.nan
    varying[2, 1, 1] = np.inf if nowhere[2, 1, 1] else varying[2, 1, 1]
    world = da.from_array(varying, chunks=(24, 2, 1)) if is_lazy else varying
    found = fit(DATA, world=world, chunk_n_max=most)
    assert found.counts() == {"converged": 5, "masked": 1}
    assert_same_bits(found, expected)
    left = np.asarray(found.residual_cube())
    np.testing.assert_array_equal(np.isnan(left), nowhere)


def test_a_world_without_any_coordinates():
    found = fit(DATA, world=np.full(DATA.shape, np.nan))
    assert found.counts() == {"masked": 6}


def test_a_python_search_is_given_finite_coordinates():
    varying = np.broadcast_to(V[:, None, None], DATA.shape).copy()
    varying[:3, 0, 1] = np.nan
    found = fit(DATA[:, :1, :2], gf.LBFGS(seed=1), world=varying[:, :1, :2])
    assert found.counts() == {"converged": 2}
    assert found["degrees_of_freedom"].values.tolist() == [[21, 18]]


# --- no data ---------------------------------------------------------------------------


def test_an_inverse_variance_of_zero_is_no_data():
    known = NOISES**-2.0
    known[HOLES] = 0.0
    known[:, 0, 0] = 0.0
    data = NDData(DATA, uncertainty=InverseVariance(known))
    found = fit(data, noise=None)
    assert found.counts() == {"converged": 5, "masked": 1}
    expected = fit(DATA, noise=np.where(known == 0.0, np.nan, NOISES))
    np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-9)


# --- units -----------------------------------------------------------------------------


def test_a_store_is_of_one_unit(tmp_path):
    options = {"store": tmp_path / "run.zarr"}
    fit(DATA, unit="K", **options)
    with pytest.raises(OutputError, match="amplitude in K, now in Jy"):
        fit(DATA, unit="Jy", **options)
    assert fit(DATA, unit="K", **options)["amplitude"].attrs["units"] == "K"


def test_a_store_of_dask_data_that_were_written_anew(tmp_path):
    import zarr

    path, store = tmp_path / "a.zarr", tmp_path / "run.zarr"
    zarr.create_array(path, data=DATA)
    first = fit(da.from_zarr(path), store=store)
    assert_same_bits(fit(da.from_zarr(path), store=store), first)
    zarr.create_array(path, data=DATA + 0.01, overwrite=True)
    with pytest.raises(OutputError, match="the data differs"):
        fit(da.from_zarr(path), store=store)


def maps_of_starts(folder):
    """The same map in metres a second, as everything that has a unit."""
    import xarray

    metres = MEANS * 1000.0
    attrs = {"units": "m/s"}
    fits_files.writeto(
        folder / "start.fits", metres, fits_files.Header({"BUNIT": "m/s"})
    )
    return [
        metres * (u.m / u.s),
        xarray.DataArray(metres, dims=("y", "x"), attrs=attrs),
        xarray.DataArray(da.from_array(metres), dims=("y", "x"), attrs=attrs),
        NDData(metres, unit="m/s"),
        folder / "start.fits",
    ]


def test_maps_of_starts_are_converted(tmp_path):
    options = {"noise": NOISE * u.K, "world": V * SPEED}
    expected = fit(DATA * u.K, BLIND, start={"mean": MEANS}, **options)
    for start in maps_of_starts(tmp_path):
        found = fit(DATA * u.K, BLIND, start={"mean": start}, **options)
        assert_close(found, expected.record.arrays)
        with pytest.raises(
            DataError, match=r"start\['mean'\] is in m / s, and the unit of that"
        ):
            fit(DATA, BLIND, start={"mean": start})
    ratio = fit(DATA, BLIND, start={"mean": MEANS * u.dimensionless_unscaled})
    assert_same_bits(ratio, fit(DATA, BLIND, start={"mean": MEANS}))


def test_starts_of_one_number_may_be_of_any_kind():
    import xarray

    options = {"noise": NOISE * u.K, "world": V * SPEED}
    expected = fit(DATA * u.K, BLIND, start={"mean": 0.5}, **options)
    for start in (
        500.0 * (u.m / u.s),
        xarray.DataArray(500.0, attrs={"units": "m/s"}),
        np.float32(0.5),
        np.array(0.5),
    ):
        found = fit(DATA * u.K, BLIND, start={"mean": start}, **options)
        assert_close(found, expected.record.arrays)
    with pytest.raises(DataError, match=r"start\['mean'\] must be real numbers"):
        fit(DATA, start={"mean": None})


class Weighed(gf.Analysis):
    """A line, some pixels of which weigh more."""

    def __init__(self, x, data, noise_map, weight):
        if isinstance(weight, float) and not np.isfinite(weight):
            raise ValueError("no weight")
        self.x, self.data, self.noise_map = x, data, noise_map
        self.weight = weight

    def log_likelihood_function(self, instance):
        z = (self.data - instance(self.x)) / self.noise_map
        return -0.5 * float((z**2).sum())


SLOW = gf.LBFGS(n_draws=1, n_sweep=3, seed=SEED)


def test_extras_with_a_unit_are_sliced_for_nobody():
    def analysis(weight):
        return fit(DATA[:, :1], SLOW, analysis=Weighed, extras={"weight": weight})

    with pytest.raises(DataError, match=r"weight is in arcsec, .*to_value\('arcsec'\)"):
        analysis(np.ones((1, 3)) * u.arcsec)
    assert analysis(np.ones((1, 3)) * u.percent).counts() == {"converged": 3}
    whole = 3.0 * u.arcsec  # it goes along as it is
    assert analysis(whole).result_at(0, 0).analysis.weight is whole
