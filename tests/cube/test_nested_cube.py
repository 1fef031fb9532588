"""fit_cube with the compiled nested sampler: its maps, its bits, pixels that are bad."""

import threading
import time
import tracemalloc

import dask.array as da
import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.worker import FitPieces, Piece
from graphfit.cube.problem import cube_problem
from graphfit.samples import Status, summary
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_same_bits,
    cube,
    line,
    truths,
)

SHAPE = (3, 4)
DATA = cube(*SHAPE)
DATA[3:6, 0, 1] = np.nan  # some voxels
DATA[:, 1, 2] = np.nan  # a pixel
NOISES = np.full(DATA.shape, NOISE)
NOISES[5, 2, 0] = -1.0
NOISES = da.from_array(NOISES, chunks=(24, 2, 3))  # not looked at before it is read
MASK = np.zeros(SHAPE, dtype=bool)
MASK[0, 3] = True
FITTED = np.ones(SHAPE, dtype=bool)
FITTED[1, 2] = FITTED[2, 0] = FITTED[0, 3] = False
SEARCH = gf.NestedSampler(n_live=40, dlogz=0.1, seed=SEED)


def priors(**others):
    own = {
        "amplitude": gf.UniformPrior(0.0, 10.0),
        "mean": gf.UniformPrior(-5.0, 5.0),
        "stddev": gf.UniformPrior(0.3, 3.0),
    }
    return {**own, **others}


def box(**others):
    return gf.Model(line, **priors(**others))


def fit(search=SEARCH, own_model=None, **options):
    options = {
        "data": DATA,
        "noise": NOISES,
        "mask": MASK,
        "world": V,
        "scheduler": "synchronous",
        "draws": 7,
        **options,
    }
    return gf.fit_cube(own_model or box(), search, **options)


@pytest.fixture(scope="module")
def fits():
    return fit()


# --- the maps --------------------------------------------------------------------------


def test_what_cannot_be_fitted_has_its_status(fits):
    status = fits["status"].values
    assert (status[FITTED] == Status.CONVERGED).all()
    assert status[0, 3] == status[1, 2] == Status.MASKED
    assert status[2, 0] == Status.BAD_NOISE
    for name in fits.names:
        found = fits[name].values
        if found.dtype.kind == "f" and name != "pareto_k":
            assert np.isfinite(found[FITTED]).all(), name
            assert np.isnan(found[~FITTED]).all(), name
    assert (fits["evaluations"].values[FITTED] > 100).all()
    assert (fits["iterations"].values[FITTED] > 100).all()
    assert np.isnan(fits["pareto_k"].values).all()  # not polished


def test_the_lines_are_found(fits):
    for name, truth in truths(*SHAPE).items():
        away = (fits[name].values - truth) / fits[f"{name}_error"].values
        assert np.abs(away[FITTED]).max() < 5.0
        lower, upper = (fits[f"{name}_{side}"].values for side in ("lower", "upper"))
        ordered = (lower < fits[name].values) & (fits[name].values < upper)
        assert ordered[FITTED].all()
    used = np.full(SHAPE, V.size - 3)
    used[0, 1] -= 3
    np.testing.assert_array_equal(
        fits["degrees_of_freedom"].values[FITTED], used[FITTED]
    )


def test_the_best_point_has_its_likelihood(fits):
    best, found = fits["best"].values, fits["log_likelihood"].values
    for index in np.argwhere(FITTED):
        y, x = index
        used = np.isfinite(DATA[:, y, x])
        z = (DATA[:, y, x] - line(V, *best[y, x]))[used] / NOISE
        assert fits["chi_squared"].values[y, x] == pytest.approx(z @ z, rel=1e-9)
        norm = used.sum() * np.log(NOISE * np.sqrt(2.0 * np.pi))
        assert found[y, x] == pytest.approx(-0.5 * z @ z - norm, rel=1e-9)


def test_draws_have_their_likelihood_and_the_spread_of_the_posterior(fits):
    draws, log_l = fits["draws"].values, fits["draw_log_likelihood"].values
    assert draws.shape == (*SHAPE, 7, 3)
    for y, x in np.argwhere(FITTED):
        used = np.isfinite(DATA[:, y, x])
        for own, value in zip(draws[y, x], log_l[y, x], strict=True):
            z = (DATA[:, y, x] - line(V, *own))[used] / NOISE
            norm = used.sum() * np.log(NOISE * np.sqrt(2.0 * np.pi))
            assert value == pytest.approx(-0.5 * z @ z - norm, rel=1e-9)
    names = fits.facts["parameter_names"]
    centre = np.stack([fits[name].values for name in names], axis=-1)
    spread = np.stack([fits[f"{name}_error"].values for name in names], axis=-1)
    away = (draws - centre[..., None, :]) / spread[..., None, :]
    assert 0.6 < np.nanstd(away) < 1.4


def test_the_covariance_goes_with_the_errors(fits):
    covariance = fits["covariance"].values
    names = fits.facts["parameter_names"]
    for y, x in np.argwhere(FITTED):
        deviations = np.sqrt(np.diag(covariance[y, x]))
        errors = [fits[f"{name}_error"].values[y, x] for name in names]
        # The one with the factor n / (n - 1) of weighted samples, the other without.
        np.testing.assert_allclose(deviations, errors, rtol=0.02)
        assert np.linalg.eigvalsh(covariance[y, x]).min() > 0.0
    assert "covariance" not in fit(covariance=False, draws=0).names


def test_health_is_written(fits):
    counts = fits["insertion_counts"].values
    new = fits["iterations"].values - SEARCH.n_live
    np.testing.assert_array_equal(counts.sum(axis=-1)[FITTED], new[FITTED])
    assert (counts[~FITTED] == 0).all()
    assert np.abs(fits["insertion"].values[FITTED]).max() < 4.5
    information = fits["information"].values[FITTED]
    assert ((information > 3.0) & (information < 25.0)).all()
    # sqrt(H / n), H that of the two parameters left where the amplitude is integrated out.
    errors = fits["log_evidence_error"].values[FITTED]
    assert (errors < np.sqrt(information / SEARCH.n_live)).all()


# --- the same bits ---------------------------------------------------------------------


@pytest.mark.parametrize("index", [(0, 0), (0, 1), (2, 3)])
def test_a_single_pixel_is_the_same_problem(fits, index):
    result = fits.result_at(*index)
    record = result.samples.record
    # Without the voxels that are missing the others are added up in another order.
    rtol = 1e-12 if index == (0, 1) else 0.0

    def same(own, name, rtol=rtol):
        np.testing.assert_allclose(
            own, fits[name].values[index], rtol=rtol, err_msg=name
        )

    same(result.log_evidence, "log_evidence")
    same(record.log_evidence_error, "log_evidence_error")
    same(record.run.information, "information")
    same(record.run.insertion, "insertion")
    same(record.log_likelihood[record.best], "log_likelihood")
    same(record.values[record.best], "best")
    same(record.evaluations, "evaluations", 0.0)
    same(len(record.run.contours), "iterations", 0.0)
    assert record.parameter_names == tuple(fits.facts["parameter_names"])
    lower, upper = summary.interval(record, 1.0)
    for j, name in enumerate(record.parameter_names):
        same(summary.median(record)[j], name, 1e-12)
        same(lower[j], f"{name}_lower", 1e-12)
        same(upper[j], f"{name}_upper", 1e-12)
    same(summary.covariance(record), "covariance", 1e-9)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_chunks_and_threads_change_no_bit(fits, chunk, scheduler):
    assert_same_bits(fit(chunk_n_max=chunk, scheduler=scheduler, n_workers=2), fits)


@pytest.mark.distributed
@pytest.mark.slow
def test_processes_change_no_bit(fits):
    assert_same_bits(fit(scheduler="processes", n_workers=2, chunk_n_max=4), fits)


@pytest.mark.parametrize(
    "changes", [{"polish": 200}, {"quadrature": True}, {"sample": "slice"}], ids=str
)
def test_options_depend_on_no_chunk(changes):
    search = gf.NestedSampler(n_live=25, dlogz=0.5, seed=SEED, **changes)
    whole = fit(search)
    assert_same_bits(fit(search, chunk_n_max=2), whole)
    assert (whole["status"].values[FITTED] == Status.CONVERGED).all()
    if "quadrature" in changes:
        assert (whole["log_evidence_error"].values[FITTED] < 1e-3).all()
    if "sample" in changes:
        assert (whole["switched"].values[FITTED] == 1).all()


def test_a_store_holds_the_same_and_a_stopped_run_goes_on(fits, tmp_path):
    options = {"store": tmp_path / "run.zarr", "chunk_n_max": 2}
    part = fit(stop=lambda counts: counts.get("converged", 0) >= 3, **options)
    assert 3 <= part.counts()["converged"] < 9
    assert part.counts()["not_reached"] > 0
    assert_same_bits(fit(**options), fits)
    assert_same_bits(fit(**options), fits)
    assert_same_bits(gf.CubeResult.open(tmp_path / "run.zarr"), fits)


def test_a_seed_is_of_the_run_and_of_the_pixel(fits):
    other = fit(gf.NestedSampler(n_live=40, dlogz=0.1, seed=SEED + 1))
    assert (other["evaluations"].values != fits["evaluations"].values)[FITTED].all()
    same = np.repeat(np.repeat(DATA[:, :1, :1], 2, axis=1), 2, axis=2)
    twins = fit(data=same, noise=NOISE, mask=None)["log_evidence"].values
    assert len(np.unique(twins)) == 4


# --- graphs, maps in the model, likelihoods ---------------------------------------------


def two_cubes():
    mean = gf.UniformPrior(-5.0, 5.0)
    second = cube(*SHAPE, seed=1, noise=0.2)
    second[:, 2, 2:] = np.nan
    return gf.FactorGraphModel(
        gf.AnalysisFactor(
            box(mean=mean), gf.CubeAnalysis(DATA, NOISES, mask=MASK, world=V), name="a"
        ),
        gf.AnalysisFactor(
            box(mean=mean, stddev=0.9), gf.CubeAnalysis(second, 0.2, world=V), name="b"
        ),
    )


def test_two_cubes_of_which_one_is_missing_at_some_pixels(fits):
    both = gf.fit_cube(two_cubes(), SEARCH, scheduler="synchronous", draws=3)
    status = both["status"].values
    assert (status[FITTED] == Status.CONVERGED).all()
    away = (both["mean"].values - truths(*SHAPE)["mean"]) / both["mean_error"].values
    assert np.abs(away[FITTED]).max() < 5.0
    lost = np.zeros(SHAPE, dtype=bool)
    lost[2, 2:] = True
    for name in ("b.amplitude", "b.amplitude_error", "b.chi_squared"):
        np.testing.assert_array_equal(np.isnan(both[name].values)[FITTED], lost[FITTED])
    # Where the second is missing it is the fit of the first alone.
    error = np.hypot(
        both["log_evidence_error"].values, fits["log_evidence_error"].values
    )
    miss = (both["log_evidence"] - fits["log_evidence"].values).values / error
    assert np.abs(miss[2, 2:]).max() < 4.0
    place = both.facts["parameter_names"].index("b.amplitude")
    assert np.isnan(both["best"].values[2, 2:, place]).all()
    assert np.isnan(both["draws"].values[2, 2:, :, place]).all()
    assert np.isnan(both["covariance"].values[2, 2:, place]).all()
    assert_same_bits(
        gf.fit_cube(two_cubes(), SEARCH, scheduler="threads", n_workers=2, draws=3,
                    chunk_n_max=1),
        both,
    )  # fmt: skip
    found = both.result_at(2, 3)
    assert found.log_evidence == both["log_evidence"].values[2, 3]


def test_a_map_in_a_prior(fits):
    """Limits that differ from pixel to pixel: ln Z falls by the logarithm of their width."""
    wide = np.full(SHAPE, 5.0)
    wide[:, 1] = 50.0
    wide[0, 0] = np.nan
    limits = gf.pixel_map(wide)
    own = box(mean=gf.UniformPrior(-1.0 * limits, limits))
    found = fit(own_model=own)
    assert found["status"].values[0, 0] == Status.BAD_START
    gain = found["log_evidence"].values - fits["log_evidence"].values
    error = np.hypot(
        found["log_evidence_error"].values, fits["log_evidence_error"].values
    )
    expected = np.where(wide == 50.0, -np.log(10.0), 0.0)
    used = FITTED & np.isfinite(wide)
    assert np.abs((gain - expected) / error)[used].max() < 4.0
    y, x = 2, 1
    assert found.result_at(y, x).log_evidence == found["log_evidence"].values[y, x]


def test_counts(rng):
    rate = 20.0 * line(V[:, None, None], 1.0, truths(2, 2)["mean"], 0.9) + 3.0

    def bright(v, amplitude, mean):
        return amplitude * np.exp(-0.5 * ((v - mean) / 0.9) ** 2) + 3.0

    own = gf.Model(
        bright, amplitude=gf.UniformPrior(0.0, 100.0), mean=gf.UniformPrior(-5.0, 5.0)
    )
    found = fit(
        own_model=own, data=rng.poisson(rate).astype(float), noise=None, mask=None,
        likelihood="poisson",
    )  # fmt: skip
    assert found.counts() == {"converged": 4}
    away = (found["amplitude"].values - 20.0) / found["amplitude_error"].values
    assert np.abs(away).max() < 4.5
    result = found.result_at(1, 0)
    assert result.log_evidence == pytest.approx(
        found["log_evidence"].values[1, 0], rel=1e-12
    )


def spared(v, amplitude, mean, stddev, spare):
    return line(v, amplitude, mean, stddev)


@pytest.mark.parametrize(
    "options",
    [{"likelihood": "student_t", "degrees_of_freedom": 3.0}, {"jitter": "spare"}],
    ids=str,
)
def test_other_noise(options):
    own = box()
    if "jitter" in options:
        own = gf.Model(spared, **priors(), spare=gf.LogUniformPrior(0.01, 1.0))
    found = fit(own_model=own, data=DATA[:, :1, :2], noise=0.09, mask=None, **options)
    assert found.counts() == {"converged": 2}
    truth = truths(*SHAPE)["mean"][:1, :2]
    away = (found["mean"].values - truth) / found["mean_error"].values
    assert np.abs(away).max() < 4.5
    result = found.result_at(0, 1)
    assert result.log_evidence == pytest.approx(
        found["log_evidence"].values[0, 1], rel=1e-12
    )


# --- what runs as Python ----------------------------------------------------------------


class Opaque:
    """A model's function of which nothing is known."""

    def __call__(self, v, amplitude, mean, stddev):
        return line(v, float(amplitude), float(mean), float(stddev))


def test_a_model_in_python_has_the_same_maps(fits):
    small = {"data": DATA[:, :1, :2], "noise": NOISE, "mask": None}
    slow = fit(own_model=gf.Model(Opaque(), **priors()), **small)
    fast = fit(**small)
    assert slow.names == fast.names == fits.names
    for name in slow.names:
        assert slow[name].values.shape == fast[name].values.shape
        assert slow[name].values.dtype == fast[name].values.dtype
    assert slow.counts() == {"converged": 2}
    error = np.hypot(
        slow["log_evidence_error"].values, fast["log_evidence_error"].values
    )
    miss = (slow["log_evidence"].values - fast["log_evidence"].values) / error
    assert np.abs(miss).max() < 4.0
    new = slow["iterations"].values - SEARCH.n_live
    np.testing.assert_array_equal(slow["insertion_counts"].values.sum(axis=-1), new)


# --- limits -----------------------------------------------------------------------------


def test_a_pixel_may_take_too_long():
    """With a huge number of live points and little time every pixel ends, and soon."""
    search = gf.NestedSampler(n_live=20_000, seed=SEED)
    began = time.perf_counter()
    found = fit(search, time_limit=0.02, data=DATA[:, :1, :3], noise=NOISE, mask=None)
    assert found.counts() == {"time_limit": 3}
    assert time.perf_counter() - began < 10.0
    assert np.isnan(found["log_evidence"].values).all()
    generous = fit(time_limit=60.0)
    assert_same_bits(generous, fit())


def test_a_pixel_may_take_too_many_calls(fits):
    search = gf.NestedSampler(n_live=40, dlogz=0.1, seed=SEED, max_calls=200)
    found = fit(search)
    assert (found["status"].values[FITTED] == Status.OUT_OF_EVALUATIONS).all()
    assert (found["evaluations"].values[FITTED] < 300).all()
    # What it has is kept.
    assert np.isfinite(found["log_evidence"].values[FITTED]).all()
    assert_same_bits(fit(search, chunk_n_max=1), found)


def rooted(v, amplitude, mean, offset):
    """No number where the mean is below -offset."""
    return amplitude * np.exp(-0.5 * (v - mean) ** 2) + 0.0 * np.sqrt(mean + offset)


def rejected(v, amplitude, mean, offset):
    if mean + offset < 0.0:
        raise gf.FitException
    return amplitude * np.exp(-0.5 * (v - mean) ** 2)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "status"),
    [(rooted, Status.NON_FINITE), (rejected, Status.IMPOSSIBLE)],
)
def test_a_pixel_without_a_place_to_begin(function, status):
    """By a number that is a map, and all right at its neighbour."""
    own = gf.Model(
        function,
        amplitude=gf.UniformPrior(0.0, 10.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        offset=gf.pixel_map(np.array([[10.0, -10.0]])),
    )
    found = fit(own_model=own, data=DATA[:, 2:, 2:], noise=NOISE, mask=None)
    assert found["status"].values.tolist() == [[Status.CONVERGED, status]]
    assert np.isnan(found["log_evidence"].values[0, 1])
    assert np.isfinite(found["log_evidence"].values[0, 0])


def test_memory_beyond_the_outputs_is_that_of_a_thread():
    """Of 16 times the pixels it takes the outputs more, and a few hundred bytes each."""
    own = box()
    search = gf.NestedSampler(n_live=10, dlogz=3.0, seed=SEED)
    noisy = np.random.default_rng(3).normal(0.0, NOISE, (V.size, 40, 64))
    problem = cube_problem(
        own, search, gf.CubeAnalysis(noisy.astype(np.float32), NOISE, world=V),
        start=None, wanted=Wanted(), time_limit=None, seed=1,
    )  # fmt: skip
    pieces = FitPieces(problem.model, problem.reader)
    pieces(Piece((slice(0, 1), slice(0, 5))))  # compiles
    peaks = []
    for rows in (2, 32):
        tracemalloc.start()
        try:
            found = pieces(Piece((slice(0, rows), slice(0, 64))))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        outputs = sum(values.nbytes for values in found.values.values())
        peaks.append((peak - outputs, 64 * rows))
    (small, few), (large, many) = peaks
    a_pixel = (large - small) / (many - few)
    print(f"{a_pixel:.0f} bytes a pixel beyond its outputs")
    data = 3 * 8 * V.size  # a block of rows: data, weights, and what they are read from
    assert a_pixel < data + 1000


def test_many_threads_have_memory_of_their_own(fits):
    found, threads = [], []
    for _ in range(3):
        threads.append(threading.Thread(target=lambda: found.append(fit())))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for other in found:
        assert_same_bits(other, fits)
    assert len(found) == 3
