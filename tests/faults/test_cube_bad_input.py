"""Bad input to a fit of a cube: a clear error, or a status; never a lost map."""

import os
import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    DataError,
    GraphError,
    GraphfitError,
    ModelError,
    OutputError,
    PriorError,
    SettingError,
)
from graphfit.io.notes_file import read_notes
from tests.cube.line_cases import NOISE, SEED, V, cube, model
from tests.faults.cube_analyses import Faulty, Level, no_analysis

SHAPE = (3, 4)
DATA = cube(*SHAPE)
LM = gf.LevenbergMarquardt(seed=SEED)
BAD = np.zeros(SHAPE)
BAD[1, 2] = 1.0


def fit(own_model=None, search=LM, **options):
    given = {"data": DATA, "noise": NOISE, "world": V, "scheduler": "synchronous"}
    return gf.fit_cube(own_model or model(), search, **{**given, **options})


def says(kind, *parts, own_model=None, search=LM, **options):
    """Require an error of a kind, whose message holds all parts, before any fit."""
    began = []

    def stop(counts):
        began.append(counts)
        return True

    options.setdefault("stop", stop)
    with pytest.raises(kind) as caught:
        fit(own_model, search, **options)
    assert isinstance(caught.value, GraphfitError)
    assert not began, "work had begun"
    for part in parts:
        assert part in str(caught.value)


# --- the search, the settings ---------------------------------------------------------


@pytest.mark.parametrize("search", ["lm", None, gf.LevenbergMarquardt])
def test_what_is_no_search(search):
    says(SettingError, "gf.fit_cube needs a search such as", search=search)


def test_searches_that_do_more_than_one_fit_of_their_own():
    says(SettingError, "store='run.zarr'", search=gf.LBFGS(name="run"))
    workers = gf.DynestyStatic(nlive=50, n_workers=2)
    says(SettingError, "scheduler='processes'", search=workers)


@pytest.mark.parametrize(
    ("name", "values", "part"),
    [
        ("chunk_n_max", [0, -3, 2.5, "many", np.nan, True], "at least 1 pixel"),
        ("n_workers", [0, -1, 1.5, "two"], "a whole number of at least 1"),
        (
            "time_limit",
            [0, -1.0, np.nan, np.inf, "long", True],
            "a number of seconds > 0",
        ),
        ("stop", [0, np.nan, "soon", np.ones(3)], "or a function of the counts"),
        ("progress", ["loud", 2], "True, False or None"),
        ("scheduler", ["thread", 3, [1]], "scheduler must be one of 'threads'"),
        ("draws", [-1, 2.5], "draws must be a whole number >= 0"),
        ("priority", ["faint"], 'priority must be "brightest"'),
    ],
)
def test_settings_that_do_not_exist(name, values, part):
    for value in values:
        says(SettingError, part, repr(value), **{"stop": None, name: value})


@pytest.mark.parametrize("priority", [np.ones((4, 3)), 3, np.full(SHAPE, "a")])
def test_priorities_that_are_no_map(priority, tmp_path):
    says(
        DataError,
        "priority has shape",
        "a map of (3, 4)",
        priority=priority,
        store=tmp_path / "run.zarr",
    )
    assert not (tmp_path / "run.zarr").exists()


def test_a_misspelt_scheduler_gets_the_close_match():
    says(SettingError, "Did you mean 'threads'?", scheduler="thread")


# --- starts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "kind", "part"),
    [
        ({"amplitud": 3.0}, ModelError, "Did you mean 'amplitude'?"),
        ([1.0, 2.0, 3.0], SettingError, "start must be a dict"),
        ({"mean": "three"}, DataError, "start['mean']"),
        ({"mean": np.ones((4, 3))}, DataError, "a number or a map of (3, 4)"),
        ({"mean": np.ones(SHAPE) * 1j}, DataError, "must be real numbers"),
    ],
)
def test_starts_that_cannot_be(start, kind, part):
    says(kind, part, start=start)


def test_searches_that_begin_everywhere_take_no_start():
    says(
        SettingError,
        "takes no start=",
        search=gf.DynestyStatic(nlive=50),
        start={"mean": 1.0},
    )


@pytest.mark.parametrize("search", [LM, gf.LBFGS(seed=SEED, n_starts=1)])
def test_starts_that_are_bad_at_some_pixels(search):
    start = np.ones(SHAPE)
    start[0] = np.nan
    start[1, 0] = 100.0  # outside of its prior
    found = fit(search=search, start={"amplitude": start})
    status = found["status"].values
    assert (status[0] == 22).all()
    assert status[1, 0] == 22
    assert (status[1:].ravel()[1:] < 10).all()
    assert np.isnan(found["mean"].values[0]).all()


# --- axes, world, units ---------------------------------------------------------------


@pytest.mark.parametrize("axes", [3, -4, 1.0, "x", True, (0, 5), [None]])
def test_fitting_axes_that_do_not_exist(axes):
    says(DataError, "data", "fitting_axes must be", repr(axes), fitting_axes=axes)


@pytest.mark.parametrize(
    ("axes", "part"), [((), "got none"), ((0, 0), "twice"), ((0, -3), "twice")]
)
def test_fitting_axes_that_are_none_or_twice(axes, part):
    says(DataError, part, fitting_axes=axes)


def test_no_axis_left_to_iterate_over():
    says(DataError, "no pixels to repeat it over", fitting_axes=(0, 1, 2))


@pytest.mark.parametrize(
    ("world", "part"),
    [
        (V[:5], "shape (5,)"),
        (np.where(V > 0, V, np.nan), "coordinates are not finite"),
        ("velocity", "must hold real numbers"),
        (V + 1j, "must hold real numbers"),
        (3.0, "has shape ()"),
        ((V, V), "2 entries for 1 fitting axes"),
    ],
)
def test_worlds_that_cannot_be(world, part):
    says(DataError, part, world=world)


def sky(*kinds):
    from astropy.wcs import WCS

    wcs = WCS(naxis=3)
    wcs.wcs.ctype = list(kinds)
    wcs.wcs.cdelt = [1.0 if kind in {"VELO", "STOKES"} else 1e-3 for kind in kinds]
    wcs.wcs.set()
    return wcs


def test_a_wcs_without_a_spectral_axis():
    from astropy.nddata import NDData

    wcs = sky("RA---TAN", "DEC--TAN", "STOKES")
    says(DataError, "no spectral axis", "fitting_axes=0", data=NDData(DATA, wcs=wcs),
         world=None)  # fmt: skip
    says(DataError, "no spectral axis", "fitting_axes=0", world=wcs)
    assert fit(data=NDData(DATA, wcs=wcs), fitting_axes=0).shape == SHAPE


def test_a_wcs_given_as_world_says_which_axis_is_fitted():
    wcs = sky("VELO", "RA---TAN", "DEC--TAN")  # the last axis of the array
    found = fit(data=np.moveaxis(DATA, 0, -1), world=wcs)
    assert found.shape == SHAPE


def test_units_that_do_not_go_together():
    import astropy.units as u

    says(DataError, "Jy cannot be converted", "K", data=DATA * u.K, noise=0.1 * u.Jy)
    per_pixel = np.full(SHAPE, 0.1) * u.Jy
    says(DataError, "cannot be converted to K", data=DATA * u.K, noise=per_pixel)
    says(DataError, "data has no unit", noise=0.1 * u.Jy)
    says(DataError, "cannot be converted to Jy", data=DATA * u.K, unit="Jy")
    says(DataError, "'Kk' cannot be understood", data=DATA * u.K, unit="Kk")
    says(
        DataError, "cannot be converted to GHz", world=V * u.km / u.s, world_unit="GHz"
    )
    says(ModelError, "units: there is no parameter 'men'", units={"men": "km / s"})


def graph(*cubes):
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(model(), gf.CubeAnalysis(c, NOISE, world=V[: len(c)]))
            for c in cubes
        )
    )


def test_cubes_whose_maps_disagree():
    says(
        DataError,
        "different shapes",
        "has the map (3, 4)",
        "has the map (2, 4)",
        own_model=graph(DATA, DATA[:, :2]),
        data=None,
        noise=None,
        world=None,
    )


def test_data_beside_a_graph_and_none_at_all():
    says(GraphError, "belong into gf.CubeAnalysis", own_model=graph(DATA, DATA))
    says(GraphError, "needs data", data=None, noise=None, world=None)
    says(SettingError, "noise, world belong to data=", data=None)


# --- data -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (DATA + 1j, "must be real numbers"),
        (np.full((5, 3, 4), "a"), "must be real numbers"),
        (np.float64(3.0), "must have an axis"),
        (DATA[:, :0], "got shape (24, 0, 4)"),
        (DATA[:0], "got shape (0, 3, 4)"),
        ({}, "must be a numpy or dask array"),
        ("nowhere.fits", "there is no file"),
        (DATA[:, 0, 0], "no pixels to repeat it over"),
    ],
)
def test_data_that_are_no_cube(data, part):
    says(DataError, part, data=data)


def test_a_cube_of_nothing_is_masked():
    found = fit(data=np.full_like(DATA, np.nan))
    assert found.counts() == {"masked": 12}
    assert np.isnan(found["mean"].values).all()
    assert "masked" in found.info


def test_a_pixel_of_nothing_is_masked():
    data = DATA.copy()
    data[:, 1, 2] = np.nan
    found = fit(data=data)
    assert found.counts() == {"converged": 11, "masked": 1}
    assert found["status"].values[1, 2] == 23


def test_a_few_channels_are_too_few():
    search = gf.LevenbergMarquardt(maximize="likelihood")
    found = fit(search=search, data=DATA[:2], world=V[:2])
    assert found.counts() == {"too_few_points": 12}


@pytest.mark.parametrize("chunk_n_max", [None, 1, 5])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_infinite_voxels_are_left_out_and_told_once(chunk_n_max, scheduler):
    data = DATA.copy()
    data[5, 1, 1], data[6, 2, 2] = np.inf, -np.inf
    clean = data.copy()
    clean[~np.isfinite(clean)] = np.nan
    options = {"chunk_n_max": chunk_n_max, "scheduler": scheduler}
    with pytest.warns(
        gf.DataWarning, match="^2 voxels are infinite; they were left out"
    ):
        found = fit(data=data, **options)
    expected = fit(data=clean, **options)
    for name in found.names:
        np.testing.assert_array_equal(found[name], expected[name])
    assert found.facts["warnings"][0].startswith("2 voxels are infinite")
    # Who masks them knows of them.
    assert fit(data=data, mask=~np.isfinite(data), **options).counts()


@pytest.mark.distributed
def test_infinite_voxels_are_counted_once_in_processes():
    data = DATA.copy()
    data[5, 1, 1], data[6, 2, 2] = np.inf, -np.inf
    with pytest.warns(gf.DataWarning, match="^2 voxels are infinite"):
        fit(data=data, scheduler="processes", n_workers=1, chunk_n_max=6)


# --- noise and masks ------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, -1, np.inf, np.nan])
def test_noise_that_is_none(noise):
    says(DataError, "noise must be > 0 and finite", repr(noise), noise=noise)


@pytest.mark.parametrize("value", [0.0, -0.1, np.inf])
def test_noise_that_is_none_at_some_pixels(value):
    noise = np.full(SHAPE, NOISE)
    noise[1, 2] = value
    says(DataError, "at (1, 2)", "1 such values of 12", "say so by NaN", noise=noise)


@pytest.mark.parametrize("value", [0.0, -0.1, np.inf])
def test_lazy_noise_that_is_none_at_some_pixels_is_a_status(value):
    import dask.array as da

    noise = np.full(DATA.shape, NOISE)
    noise[3, 1, 2] = value
    noise[4, 0, 0] = np.nan  # no data
    found = fit(noise=da.from_array(noise, chunks=(24, 2, 2)))
    assert found.counts() == {"converged": 11, "bad_noise": 1}
    assert found["status"].values[1, 2] == 28
    assert found["degrees_of_freedom"].values[0, 0] == len(V) - 1 - 3


@pytest.mark.parametrize(
    ("noise", "part"),
    [
        (None, 'noise="auto"'),
        ({}, "must be a number, an array"),
        ("aut", "there is no file"),
        (np.ones((3, 4, 24)), "a pixel (3, 4) or a channel (24,)"),
        (np.full(SHAPE, "a"), "must be real numbers"),
    ],
)
def test_noise_that_cannot_be(noise, part):
    says(DataError, part, noise=noise)


@pytest.mark.parametrize(
    ("mask", "part"),
    [
        (np.zeros((3, 3), bool), "mask has shape (3, 3)"),
        (np.zeros(7, bool), "mask has shape (7,)"),
        (np.zeros(SHAPE), "mask must be boolean"),
        (np.full(SHAPE, "a"), "mask must be real numbers"),
        (True, "mask=True is no mask"),
        ("nowhere.fits", "there is no file"),
    ],
)
def test_masks_that_cannot_be(mask, part):
    says(DataError, part, mask=mask)


@pytest.mark.parametrize("kind", [bool, int])
def test_a_mask_of_everything(kind):
    assert fit(mask=np.ones(SHAPE, kind)).counts() == {"masked": 12}


def test_likelihoods_that_cannot_be():
    says(DataError, "Did you mean 'gaussian'?", likelihood="gausian")
    says(DataError, "takes no noise_map", likelihood="poisson")
    says(DataError, "unknown arguments gain", extras={"gain": 2.0})
    says(ModelError, "jitter='jit'", "has no 'jit'", jitter="jit")
    odd = {"likelihood": "student_t", "degrees_of_freedom": "nu"}
    says(ModelError, "has no 'nu'", **odd)


# --- files ----------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path):
    from astropy.io import fits

    path = tmp_path / "cube.fits"
    fits.writeto(path, DATA.astype("f4"))
    return path


@pytest.mark.parametrize("size", [0, 1000, 2900, 3500])
def test_a_file_cut_short(image, size):
    image.write_bytes(image.read_bytes()[:size])
    says(DataError, "cube.fits", "again", data=image)


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "cube.fits"
    path.write_text("not FITS at all")
    says(DataError, "cannot be read as FITS", data=path)
    says(DataError, "holds no zarr array", data=tmp_path)
    other = tmp_path / "cube.csv"
    other.write_text("1,2")
    says(DataError, "neither a FITS file nor a zarr folder", data=other)


def test_a_file_without_an_image(tmp_path):
    from astropy.io import fits

    column = fits.Column("a", "E", array=[1.0])
    path = tmp_path / "table.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(
        path
    )
    says(DataError, "holds no image", data=path)


@pytest.mark.parametrize("hdu", [5, "SCI"])
def test_an_image_that_is_not_there(image, hdu):
    says(DataError, "has no HDU", "It holds: 0 PRIMARY", data=image, hdu=hdu)


def test_a_header_of_nonsense_is_told_and_the_data_are_used(tmp_path):
    from astropy.io import fits

    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---XYZ", "DEC--TAN"
    header["CTYPE3"], header["BUNIT"] = "VELO", "nonsense/unit"
    path = tmp_path / "cube.fits"
    fits.writeto(path, DATA.astype("f4"), header)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fit(data=path)
    texts = [str(w.message) for w in caught if issubclass(w.category, gf.DataWarning)]
    assert any(
        "coordinates in the header cannot be understood" in text for text in texts
    )
    assert any("unit 'nonsense/unit' cannot be understood" in text for text in texts)
    assert found.counts() == {"converged": 12}


# --- maps in the model ----------------------------------------------------------------


def width(**maps):
    return model(mean=gf.GaussianPrior(0.0, gf.pixel_map(maps["sigma"])))


@pytest.mark.parametrize("search", [LM, gf.LBFGS(seed=SEED, n_starts=1)])
@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, np.inf])
def test_priors_that_are_impossible_at_some_pixels(search, value):
    sigma = np.ones(SHAPE)
    sigma[0, 0] = sigma[1, 2] = value  # the first pixel, and one further on
    found = fit(width(sigma=sigma), search)
    status = found["status"].values
    assert status[0, 0] == status[1, 2] == 22
    assert (np.delete(status.ravel(), [0, 6]) < 10).all()


def test_priors_that_are_impossible_everywhere():
    says(PriorError, "must be above 0", own_model=width(sigma=-np.ones(SHAPE)))
    says(
        DataError,
        "finite together at no pixel",
        own_model=width(sigma=DATA[0] * np.nan),
    )


def test_maps_of_another_shape():
    own = width(sigma=np.ones((4, 3)))
    says(DataError, "gf.pixel_map has shape (4, 3)", own_model=own)


def test_a_model_without_free_parameters():
    fixed = model(amplitude=1.0, mean=0.0, stddev=1.0)
    says(GraphError, "no free parameters", own_model=fixed)


# --- stores ---------------------------------------------------------------------------


def test_stores_that_cannot_be(tmp_path):
    says(OutputError, "no folder of this machine", store=3)
    says(OutputError, "no folder of this machine", store="s3://bucket/run.zarr")
    (tmp_path / "file").write_text("mine")
    says(OutputError, "no store of graphfit", store=tmp_path / "file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("mine")
    says(OutputError, "it is left as it is", store=tmp_path / "folder")
    assert (tmp_path / "folder" / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"data": DATA + 1.0}, "the data differs"),
        ({"noise": 0.2, "mask": np.eye(3, 4) > 0}, "the noise and the mask differ"),
        ({"search": gf.LevenbergMarquardt(seed=SEED + 1)}, "the search differs"),
        ({"start": {"mean": 1.0}}, "the start differs"),
        ({"covariance": False}, "the maps to keep differs"),
        ({"world": V + 1.0}, "the world differs"),
    ],
)
def test_the_store_of_another_fit(options, part, tmp_path):
    store = tmp_path / "run.zarr"
    fit(store=store)
    says(OutputError, "holds another fit", part, store=store, **options)
    assert fit(store=store).counts() == {"converged": 12}


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    says(OutputError, "Cannot make", store=tmp_path / "run.zarr")


# --- a user's own analysis ------------------------------------------------------------


def faulty(way, scheduler="synchronous", **options):
    return gf.fit_cube(
        gf.Model(Level, level=gf.UniformPrior(-10.0, 10.0)),
        gf.LBFGS(seed=SEED, n_starts=1, n_draws=2, n_sweep=3),
        data=DATA,
        noise=NOISE,
        analysis=Faulty,
        extras={"bad": BAD, "way": way},
        scheduler=scheduler,
        n_workers=2,
        **options,
    )


def assert_one_pixel(found, status):
    assert found.counts() == {"converged": 11, status: 1}
    assert found["status"].values[1, 2] >= 20
    assert np.isnan(found["level"].values[1, 2])
    assert np.isfinite(np.delete(found["level"].values.ravel(), 6)).all()
    (note,) = found.notes
    assert note["index"] == [1, 2]
    assert note["status"] == status
    return note["text"]


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize(
    ("way", "part"),
    [
        ("constructor", "RuntimeError: no calibration for this pixel"),
        ("raise", "RuntimeError: the likelihood broke"),
        ("string", "Faulty"),
        ("nothing", "None"),
        ("array", "Faulty"),
        ("recursion", "RecursionError"),
        ("sys.exit", "SystemExit: 3"),
    ],
)
def test_an_analysis_that_fails_at_a_pixel(way, part, scheduler):
    assert part in assert_one_pixel(faulty(way, scheduler), "user_error")


@pytest.mark.parametrize("way", ["nan", "inf"])
def test_an_analysis_that_is_no_number_at_a_pixel(way):
    assert way in assert_one_pixel(faulty(way), "non_finite")


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize("way", ["sys.exit"])
def test_an_analysis_that_fails_in_a_process(way):
    assert_one_pixel(faulty(way, "processes"), "user_error")


def test_notes_are_durable_and_readable(tmp_path):
    store = tmp_path / "run.zarr"
    found = faulty("raise", store=store)
    text = assert_one_pixel(found, "user_error")
    assert read_notes(store) == list(found.notes)
    opened = gf.CubeResult.open(store)
    again = faulty("raise", store=store)
    assert opened.notes.text(1, 2) == again.notes.text(1, 2) == text
    assert "log_likelihood_function" in text
    shown = repr(opened.notes).splitlines()
    assert shown[0] == "1 note"
    assert shown[1].startswith("  (1, 2) user_error: ")
    assert "the likelihood broke" in shown[1]
    copy = tmp_path / "copy.zarr"
    found.to_zarr(copy)
    assert list(gf.CubeResult.open(copy).notes) == list(found.notes)


def test_an_analysis_that_is_none():
    says(DataError, "analysis must be a class", analysis=3)
    extras = {"bad": BAD, "wey": "raise"}
    says(DataError, "takes no argument 'wey'", analysis=Faulty, extras=extras)
    found = fit(analysis=no_analysis, search=gf.LBFGS(seed=1))
    assert found.counts() == {"user_error": 12}
    assert "no_analysis must make a gf.Analysis for every pixel" in found.notes.text(
        0, 0
    )


LIMIT = 2.0  # s; what is well takes some milliseconds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "scheduler"),
    [
        ("loop", "synchronous"),
        ("loop", "threads"),
        ("swallow", "threads"),
        ("sleep", "synchronous"),
    ],
)
def test_an_analysis_that_hangs_at_a_pixel(way, scheduler):
    text = assert_one_pixel(
        faulty(way, scheduler, time_limit=0.5 * LIMIT), "time_limit"
    )
    assert text.startswith("The fit took longer than the time limit of a pixel.")
    assert "cube_analyses.py" in text  # where it was


@pytest.mark.slow
@pytest.mark.distributed
def test_a_hang_in_compiled_code_ends_its_process(tmp_path):
    """Nothing in Python can end it; only its process can be ended."""
    store = tmp_path / "run.zarr"
    found = faulty("hang", "processes", time_limit=LIMIT, store=store, chunk_n_max=1)
    text = assert_one_pixel(found, "time_limit")
    assert "hangs_in_compiled_code" in text
    assert "Thread" in text
    assert gf.CubeResult.open(store).counts() == found.counts()


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.parametrize(("way", "part"), [("segfault", "Segmentation fault")])
def test_an_analysis_that_kills_its_process_at_a_pixel(way, part):
    assert part in assert_one_pixel(
        faulty(way, "processes", chunk_n_max=3), "worker_died"
    )
