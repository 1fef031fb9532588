"""The same maps come of the same numbers, whatever holds them and in which order."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits as fits_files
from astropy.nddata import NDData, StdDevUncertainty, VarianceUncertainty

import graphfit as gf
from graphfit.errors import DataError
from tests.cube.cube_cases import CARDS, wcs
from tests.cube.line_cases import NOISE, SEED, V, assert_same_bits, cube, line, model

SHAPE = (3, 4)
DATA = cube(*SHAPE)
HOLES = np.random.default_rng(6).random(DATA.shape) < 0.1
NOISES = np.random.default_rng(7).uniform(0.08, 0.12, DATA.shape)
LEAST = gf.LevenbergMarquardt(seed=SEED)
SPEED = u.km / u.s


def fit(data, own=None, **options):
    options = {"noise": NOISE, "scheduler": "synchronous", **options}
    return gf.fit_cube(own or model(), LEAST, data=data, **options)


@pytest.fixture(scope="module")
def plain():
    return fit(DATA, world=V)


@pytest.fixture(scope="module")
def holed():
    return fit(DATA, world=V, mask=HOLES, noise=NOISES)


def lazy(values, chunks):
    import dask.array as da

    return da.from_array(values, chunks=chunks)


def labelled(values=DATA, dims=("velocity", "y", "x")):
    import xarray

    coords = {"velocity": ("velocity", V, {"units": "km/s"})}
    return xarray.DataArray(values, dims=dims, coords=coords, attrs={"units": "K"})


# --- what holds the values -----------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        np.asfortranarray,
        lambda a: a.astype(">f8"),
        lambda a: lazy(a, (24, 3, 4)),
        lambda a: lazy(a, (5, 2, 3)),
        lambda a: lazy(a, ((20, 4), (1, 2), (3, 1))),
        lambda a: a * u.K,
        NDData,
        labelled,
        lambda a: labelled(lazy(a, (24, 1, 2))),
        np.ma.asarray,
    ],
    ids=[
        *("fortran", "big-endian", "dask", "small chunks", "uneven chunks", "Quantity"),
        *("NDData", "xarray", "xarray of dask", "masked array"),
    ],
)
@pytest.mark.parametrize("most", [None, 5])
def test_containers(make, most, plain):
    assert_same_bits(fit(make(DATA), world=V, chunk_n_max=most), plain)


def test_float32_data():
    exact = DATA.astype(np.float32)
    assert_same_bits(fit(exact, world=V), fit(exact.astype(np.float64), world=V))
    counts = np.round(DATA * 10).astype(np.int16)
    assert_same_bits(
        fit(counts, world=V, noise=1.0), fit(counts.astype(float), world=V, noise=1.0)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"data": DATA, "mask": HOLES, "noise": NOISES},
        lambda: {"data": DATA, "mask": HOLES.astype(int), "noise": NOISES},
        lambda: {"data": np.ma.array(DATA, mask=HOLES), "noise": lazy(NOISES, 4)},
        lambda: {"data": np.where(HOLES, np.nan, DATA), "noise": NOISES},
        lambda: {"data": DATA, "noise": np.where(HOLES, np.nan, NOISES)},
        lambda: {"data": DATA, "mask": lazy(HOLES, (7, 3, 2)), "noise": NOISES},
        lambda: {
            "data": NDData(DATA, mask=HOLES, uncertainty=StdDevUncertainty(NOISES)),
            "noise": None,
        },
        lambda: {
            "data": labelled(np.where(HOLES, np.nan, DATA)),
            "noise": labelled(NOISES) * 1.0,
        },
    ],
    ids=[
        *("mask", "integers", "masked array", "NaN", "NaN noise", "dask", "NDData"),
        "xarray",
    ],
)
def test_masks_and_voxel_noise(make, holed):
    options = make()
    assert_same_bits(fit(world=V, **options), holed)


def test_uncertainties_of_other_kinds():
    data = NDData(DATA, uncertainty=VarianceUncertainty(NOISES**2))
    got = fit(data, world=V, noise=None)
    np.testing.assert_allclose(
        got["mean_error"], fit(DATA, world=V, noise=NOISES)["mean_error"], rtol=1e-9
    )


# --- files ---------------------------------------------------------------------------


def test_files(tmp_path, plain):
    import zarr

    header = fits_files.Header(CARDS | {"BUNIT": "K", "CDELT3": V[1] - V[0]})
    header["CRVAL3"], header["CRPIX3"] = V[0], 1.0
    path = tmp_path / "cube.fits"
    blank = fits_files.PrimaryHDU()
    image = fits_files.ImageHDU(DATA, header, name="LINE")
    fits_files.HDUList([blank, image]).writeto(path)
    store = zarr.open(
        tmp_path / "cube.zarr",
        mode="w",
        shape=DATA.shape,
        dtype="f8",
        chunks=(24, 2, 2),
    )
    store[:] = DATA
    for data, options in (
        (path, {}),
        (str(path), {"hdu": "LINE"}),
        (path, {"hdu": 1}),
        (tmp_path / "cube.zarr", {}),
        (store, {}),
    ):
        assert_same_bits(fit(data, world=V, **options), plain)
    own = fit(path, world_unit="km/s")  # the velocities of its header
    np.testing.assert_allclose(own["mean"], plain["mean"], rtol=1e-6)
    assert own["mean"].attrs["units"] == "km / s"
    assert own["amplitude"].attrs["units"] == "K"
    assert own.facts["celestial_header"]["CTYPE1"] == "RA---TAN"
    noise_path = tmp_path / "noise.fits"
    fits_files.writeto(noise_path, np.full(DATA.shape, NOISE), header)
    mask_path = tmp_path / "mask.fits"
    fits_files.writeto(mask_path, HOLES.astype(np.uint8))
    both = fit(path, noise=noise_path, mask=mask_path, world=V)
    np.testing.assert_allclose(both["mean"], fit(DATA, world=V, mask=HOLES)["mean"])


def test_spectral_cubes(plain):
    spectral_cube = pytest.importorskip("spectral_cube")
    cards = {"CDELT3": V[1] - V[0], "CRVAL3": V[0], "CRPIX3": 1.0, "CUNIT3": "km/s"}
    data = spectral_cube.SpectralCube(DATA * u.K, wcs(**cards))
    fits = fit(data, noise=NOISE * u.K, world_unit="km/s")
    np.testing.assert_allclose(fits["mean"], plain["mean"], rtol=1e-6)
    masked = data.with_mask(~HOLES)
    got = fit(masked, noise=NOISE * u.K, world_unit="km/s")
    np.testing.assert_allclose(
        got["mean"], fit(DATA, world=V, mask=HOLES)["mean"], rtol=1e-6
    )


# --- axes ----------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_the_fitting_axis_may_be_any(axis, plain):
    move = lambda a: np.moveaxis(a, 0, axis)  # noqa: E731
    assert_same_bits(fit(move(DATA), world=V, fitting_axes=axis), plain)
    options = {"mask": move(HOLES), "noise": move(NOISES), "fitting_axes": (axis,)}
    whole = fit(DATA, world=V, mask=HOLES, noise=NOISES)
    assert_same_bits(fit(move(DATA), world=V, **options), whole)


def test_maps_of_one_and_of_three_axes(plain):
    row = fit(DATA[:, 1], world=V)
    np.testing.assert_array_equal(row["mean"].values, plain["mean"].values[1])
    blocks = fit(DATA.reshape(24, 3, 2, 2), world=V)
    np.testing.assert_array_equal(
        blocks["mean"].values.reshape(3, 4), plain["mean"].values
    )


def bell(x, y, height, left, low, width):
    return height * np.exp(-0.5 * (((x - left) / width) ** 2 + (y - low) ** 2 / width))


@pytest.mark.parametrize(
    ("axes", "turned"), [((1, 2), False), ((2, 1), True), ((-2, -1), False)]
)
def test_a_model_over_a_plane(axes, turned):
    x, y = np.linspace(-2.0, 2.0, 7), np.linspace(-3.0, 3.0, 9)
    truth = np.array([[0.3, -0.4], [-0.6, 0.5], [0.0, 0.9]])
    rng = np.random.default_rng(3)
    data = np.stack(
        [bell(x[:, None], y, 4.0, left, low, 0.9) for left, low in truth]
    ) + 0.05 * rng.standard_normal((3, 7, 9))
    mask = rng.random((7, 9)) < 0.1

    def swapped(y, x, height, left, low, width):
        return bell(x, y, height, left, low, width)

    own = gf.Model(
        swapped if turned else bell,
        independent_vars=("y", "x") if turned else ("x", "y"),
        height=gf.UniformPrior(0.0, 9.0),
        left=gf.UniformPrior(-2.0, 2.0),
        low=gf.UniformPrior(-3.0, 3.0),
        width=gf.UniformPrior(0.2, 3.0),
    )
    world = (y, x) if turned else (x, y)
    hidden = mask.T if turned else mask
    fits = fit(data, own, fitting_axes=axes, world=world, noise=0.05, mask=hidden)
    assert np.abs(fits["left"] - truth[:, 0]).max() < 0.1
    assert np.abs(fits["low"] - truth[:, 1]).max() < 0.1
    grid = np.stack(np.meshgrid(x, y, indexing="ij")).reshape(2, -1)
    if not turned:
        one = gf.ProfileAnalysis(grid, data[1].ravel(), 0.05, mask=mask.ravel())
        alone = LEAST.fit(own, one)
        np.testing.assert_allclose(
            fits["left"].values[1], alone.instance.left, rtol=1e-4
        )
    assert (fits["degrees_of_freedom"] == 63 - mask.sum() - 4).all()
    shown = np.asarray(fits.model_cube())
    best = [fits[n].values[2] for n in ("height", "left", "low", "width")]
    np.testing.assert_allclose(shown[2], bell(x[:, None], y, *best), rtol=1e-10)
    left = np.asarray(fits.residual_cube())
    assert np.isnan(left[:, mask]).all()
    np.testing.assert_allclose((data - shown)[:, ~mask], left[:, ~mask])
    points, values, sigma, model_values = fits.problem.spectrum_at((2,))
    assert points.shape == (2, 63)
    order = (lambda a: a.T.ravel()) if turned else np.ravel
    np.testing.assert_array_equal(values[~order(mask)], order(data[2])[~order(mask)])
    np.testing.assert_allclose(model_values, order(shown[2]))
    assert sigma.shape == (63,)


# --- the world -----------------------------------------------------------------------


def test_pixel_numbers_without_a_world():
    fits = fit(DATA, model(mean=gf.UniformPrior(0.0, 24.0)))
    step = V[1] - V[0]
    twin = fit(DATA, world=V)
    away = fits["mean"].values * step + V[0] - twin["mean"].values
    assert np.abs(away / twin["mean_error"].values).max() < 2.0


def test_a_world_that_varies_over_the_map():
    shift = np.linspace(-1.0, 1.0, 12).reshape(SHAPE)
    varying = V[:, None, None] + shift
    wide = model(mean=gf.UniformPrior(-9.0, 9.0))
    fits, twin = fit(DATA, wide, world=varying), fit(DATA, wide, world=V)
    np.testing.assert_allclose(fits["mean"], twin["mean"] + shift, atol=1e-4)
    parts = fit(DATA, wide, world=lazy(varying, (24, 2, 1)), chunk_n_max=2)
    assert_same_bits(parts, fits)
    rows = fit(DATA, wide, world=V[:, None, None] + shift[:, :1])
    np.testing.assert_allclose(rows["mean"][:, 0], fits["mean"][:, 0], atol=1e-9)
    x, _, _, own = fits.problem.spectrum_at((2, 3))
    np.testing.assert_array_equal(x, varying[:, 2, 3])
    best = [fits[n].values[2, 3] for n in ("amplitude", "mean", "stddev")]
    np.testing.assert_allclose(own, line(x, *best))
    search = gf.LBFGS(n_draws=2, n_sweep=3, seed=SEED)
    one = gf.fit_cube(wide, search, data=DATA[:, :1, :1], noise=NOISE,
                      world=varying[:, :1, :1], scheduler="synchronous")  # fmt: skip
    np.testing.assert_allclose(
        one["mean"].values, fits["mean"].values[:1, :1], rtol=1e-3
    )


def test_units_of_the_world(plain):
    metres = fit(DATA, world=V * 1000.0 * (u.m / u.s), world_unit="km/s")
    np.testing.assert_allclose(metres["mean"], plain["mean"], rtol=1e-6)
    assert metres["mean"].attrs["units"] == "km / s"
    cards = {"CDELT3": (V[1] - V[0]) * 1000, "CRVAL3": V[0] * 1000, "CUNIT3": "m/s",
             "CRPIX3": 1.0}  # fmt: skip
    fits = fit(DATA, world=wcs(**cards), world_unit="km/s")
    np.testing.assert_allclose(fits["mean"], plain["mean"], rtol=1e-6)
    with pytest.raises(DataError):
        fit(DATA, world=V * SPEED, world_unit="K")


def test_units_of_the_data(plain):
    milli = fit(DATA * 1000.0 * u.mK, world=V, unit="K", noise=100.0 * u.mK)
    np.testing.assert_allclose(milli["amplitude"], plain["amplitude"], rtol=1e-6)
    both = fit(DATA * u.K, world=V, noise=np.full(DATA.shape, 100.0) * u.mK)
    np.testing.assert_allclose(
        both["amplitude_error"], plain["amplitude_error"], rtol=1e-9
    )
    with pytest.raises(DataError, match="noise is in K, and data has no unit"):
        fit(DATA, world=V, noise=0.1 * u.K)
    with pytest.raises(DataError, match="noise is in K, and data has no unit"):
        fit(DATA, world=V, noise=NOISES * u.K)
    with pytest.raises(DataError, match="cannot be converted to the data's unit"):
        fit(DATA * u.K, world=V, noise=0.1 * u.m)
    with pytest.raises(DataError, match="cannot be converted"):
        fit(DATA * u.K, world=V, unit="m")


# --- the noise -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "noise",
    [
        np.full(SHAPE, NOISE),
        np.full(24, NOISE),
        np.full((24, 1, 1), NOISE),
        np.full((1, 3, 4), NOISE),
        np.full((1, 3, 1), NOISE),
        np.full(DATA.shape, NOISE),
        np.float32(NOISE).astype(float),
        [NOISE] * 24,
    ],
    ids=[
        "map",
        "channels",
        "24 x 1 x 1",
        "1 x 3 x 4",
        "1 x 3 x 1",
        "voxels",
        "0-d",
        "list",
    ],
)
def test_noise_of_any_shape(noise, plain):
    fits = fit(DATA, world=V, noise=noise)
    for name in ("mean", "mean_error", "chi_squared", "log_evidence"):
        np.testing.assert_allclose(fits[name], plain[name], rtol=1e-6, err_msg=name)
    lone = fit(DATA, world=V, noise=noise, chunk_n_max=1)
    assert_same_bits(lone, fits)


def test_noise_that_varies_is_that_of_the_pixel():
    sigma = np.random.default_rng(1).uniform(0.05, 0.2, SHAPE)
    fits = fit(DATA, world=V, noise=sigma)
    for index in ((0, 0), (2, 3)):
        alone = LEAST.fit(
            model(), gf.ProfileAnalysis(V, DATA[(slice(None), *index)], sigma[index])
        )
        np.testing.assert_allclose(
            fits["log_evidence"].values[index], alone.log_evidence, rtol=1e-5
        )


def test_measured_noise():
    from graphfit.cube.signal import noise_from_differences

    fits = fit(DATA, world=V, noise="auto", mask=HOLES)
    measured = noise_from_differences(np.where(HOLES, np.nan, DATA))
    twin = fit(DATA, world=V, noise=measured, mask=HOLES)
    assert_same_bits(fits, twin)
    with pytest.raises(DataError, match="along one fitting axis"):
        fit(DATA[:2], world=V[:2], noise="auto")


def test_pixels_without_two_channels_have_no_measured_noise():
    data = DATA.copy()
    data[1:, 0, 0] = np.nan
    data[:, 0, 1] = 3.0  # constant: no noise at all
    fits = fit(data, world=V, noise="auto")
    assert fits["status"].values[0, 0] != 0
    assert fits["status"].values[0, 1] == gf.Status.BAD_NOISE
    assert np.isnan(fits["mean"].values[0, :2]).all()


# --- masks ---------------------------------------------------------------------------


def test_masks_of_any_shape():
    out = np.zeros(SHAPE, dtype=bool)
    out[1, 2] = True
    channels = np.zeros(24, dtype=bool)
    channels[:4] = True
    fits = fit(DATA, world=V, mask=out)
    assert fits.counts() == {"converged": 11, "masked": 1}
    assert_same_bits(fit(DATA, world=V, mask=out[None]), fits)
    fits = fit(DATA, world=V, mask=channels)
    assert (fits["degrees_of_freedom"] == 17).all()
    assert_same_bits(fit(DATA, world=V, mask=channels[:, None, None]), fits)
    voxels = np.broadcast_to(channels[:, None, None], DATA.shape)
    assert_same_bits(fit(DATA, world=V, mask=voxels), fits)
    everything = fit(DATA, world=V, mask=np.ones(SHAPE, dtype=bool))
    assert everything.counts() == {"masked": 12}


def test_shapes_that_could_mean_two_things():
    data = cube(24)  # a map of 24 pixels of 24 channels
    with pytest.raises(DataError, match="that of the map and of the fitting axes"):
        fit(data, world=V, noise=np.full(24, NOISE))
    fits = fit(data, world=V, noise=np.full((1, 24), NOISE))
    assert_same_bits(fits, fit(data, world=V, noise=np.full((24, 1), NOISE)))
    with pytest.raises(DataError, match="give one number a voxel"):
        fit(DATA, world=V, noise=np.full(7, NOISE))
