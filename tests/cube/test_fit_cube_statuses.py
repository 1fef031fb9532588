"""What a pixel ends in: whatever happens there is told, and stays there."""

import re
import time

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError
from graphfit.samples import Status
from tests.cube.line_cases import NOISE, SEED, V, cube, fit, line, model

SHARP = gf.LevenbergMarquardt(tolerance=1e-12, seed=SEED)


def test_statuses_of_odd_pixels():
    data = cube(2, 3)
    noise = np.full(data.shape, NOISE)
    data[:, 0, 0] = np.nan
    data[3:, 0, 1] = np.nan  # 3 points left for 3 parameters
    data[2:, 0, 2] = np.nan
    data[:5, 1, 0] = np.nan
    data[4, 1, 1] = np.inf
    noise[3, 1, 2] = np.nan
    likely = gf.LevenbergMarquardt(maximize="likelihood", seed=SEED)
    with pytest.warns(gf.errors.DataWarning, match="1 voxels are infinite"):
        fits = fit(data, likely, noise=noise)
    status = fits["status"].values
    assert status[0, 0] == Status.MASKED
    assert status[0, 2] == Status.TOO_FEW_POINTS
    assert (status[1] == Status.CONVERGED).all()
    assert fits["degrees_of_freedom"].values[1].tolist() == [16, 20, 20]
    none = status >= Status.NON_FINITE
    for name in ("mean", "mean_error", "chi_squared", "log_likelihood", "covariance"):
        assert np.isnan(fits.record.arrays[name][none]).all(), name
    for place in ((0, 0), (0, 2)):
        with pytest.raises(gf.errors.ResultError, match=re.escape(str(place))):
            fits.result_at(*place)


def test_with_priors_that_count_few_points_are_enough():
    def odd(v, amplitude, mean, stddev):
        if float(mean) > 50.0:  # no tracer follows this
            raise gf.FitException
        return line(v, amplitude, mean, stddev)

    data = cube(1, 1)
    data[2:] = np.nan
    priors = {
        "amplitude": gf.GaussianPrior(2.0, 0.5),
        "mean": gf.GaussianPrior(-3.0, 1.0),
        "stddev": gf.GaussianPrior(0.8, 0.1),
    }
    compiled, slow = (
        fit(data, SHARP, own) for own in (model(**priors), gf.Model(odd, **priors))
    )
    at_hand = gf.ProfileAnalysis(V[:2], data[:2, 0, 0], NOISE)
    twin = SHARP.fit(model(**priors), at_hand)
    for fits in (compiled, slow):
        assert fits["status"].values[0, 0] == twin.status
        np.testing.assert_allclose(fits["mean"].values, twin.instance.mean, rtol=1e-3)


def test_the_other_engine_gives_the_same_statuses():
    data = cube(1, 3)
    data[:, 0, 0] = np.nan
    data[2:, 0, 1] = np.nan
    fits = fit(data, gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED))
    expected = [Status.MASKED, Status.TOO_FEW_POINTS, Status.CONVERGED]
    assert fits["status"].values[0].tolist() == expected


def test_voxel_noise_that_is_zero_where_it_is_read_late():
    import dask.array as da

    data = cube(1, 3)
    noise = np.full(data.shape, NOISE)
    noise[2, 0, 1] = 0.0
    noise[2, 0, 2] = np.nan
    with pytest.raises(DataError, match=r"noise must be > 0 and finite, got 0 at \(2"):
        fit(data, noise=noise)
    fits = fit(data, noise=da.from_array(noise, chunks=(24, 1, 1)))
    assert fits.counts() == {"converged": 2, "bad_noise": 1}
    data[2, 0, 1] = np.nan  # where nothing is used, noise may be anything
    assert fit(data, noise=da.from_array(noise)).counts() == {"converged": 3}


def test_poisson_refuses_what_is_no_count():
    counts = np.random.default_rng(3).poisson(5.0, (V.size, 1, 4)).astype(float)
    counts[2, 0, 1] = -1.0
    counts[2, 0, 2] = 0.5
    mask = np.zeros(counts.shape, dtype=bool)
    for search in (SHARP, gf.LBFGS(n_draws=5, seed=SEED)):
        options = {"noise": None, "likelihood": "poisson"}
        fits = fit(counts, search, **options)
        assert fits["status"].values[0, 1] == Status.NON_FINITE
        assert fits["status"].values[0, 2] == Status.NON_FINITE
        assert np.isnan(fits["mean"].values[0, 1:3]).all()
        assert np.isfinite(fits["mean"].values[0, [0, 3]]).all()
        mask[2, 0, 1:3] = True
        fits = fit(counts, search, mask=mask, **options)
        assert np.isfinite(fits["mean"].values).all()


def test_errors_of_a_class_are_statuses_of_their_pixels():
    class Picky(gf.Analysis):
        def __init__(self, data):
            if data[0] > 100.0:
                raise ZeroDivisionError("no such pixel")
            self.data = data

        def log_likelihood_function(self, instance):
            if self.data[1] > 100.0:
                raise RuntimeError("broken here")
            return -0.5 * float(np.sum((self.data - instance(V)) ** 2))

    data = cube(1, 4)
    data[0, 0, 1] = data[1, 0, 2] = 1000.0
    search = gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED)
    for scheduler in ("synchronous", "threads"):
        fits = fit(data, search, analysis=Picky, scheduler=scheduler)
        assert fits.counts() == {"converged": 2, "user_error": 2}
        notes = {tuple(note["index"]): note["text"] for note in fits.facts["notes"]}
        assert "ZeroDivisionError: no such pixel" in notes[0, 1]
        assert "RuntimeError: broken here" in notes[0, 2]
        assert np.isnan(fits["mean"].values[0, 1:3]).all()


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_pixel_that_takes_too_long(scheduler):
    class Slow(gf.Analysis):
        def __init__(self, data):
            self.data = data

        def log_likelihood_function(self, instance):
            for _ in range(3000 if self.data[0] > 100.0 else 0):
                time.sleep(0.01)
            return -0.5 * float(np.sum((self.data - instance(V)) ** 2))

    data = cube(1, 3)
    data[0, 0, 1] = 1000.0
    search = gf.LBFGS(n_draws=2, n_sweep=3, seed=SEED)
    fit(data[:, :, :1], search, analysis=Slow)  # what is imported once takes long
    fits = fit(data, search, analysis=Slow, time_limit=1.5, scheduler=scheduler)
    expected = [Status.CONVERGED, Status.TIME_LIMIT, Status.CONVERGED]
    assert fits["status"].values[0].tolist() == expected
    assert np.isnan(fits["mean"].values[0, 1])
    assert fits.facts["notes"][0]["status"] == "time_limit"
