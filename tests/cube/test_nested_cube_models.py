"""Cubes by the compiled nested sampler: graphs, maps in the model, noise, limits."""

import threading
import time
import tracemalloc

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.worker import FitPieces, Piece
from graphfit.cube.problem import cube_problem
from graphfit.samples import Status
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_same_bits,
    cube,
    line,
    truths,
)
from tests.cube.nested_cases import (
    DATA,
    FITTED,
    MASK,
    NOISES,
    SEARCH,
    SHAPE,
    box,
    fit,
    priors,
)


@pytest.fixture(scope="module")
def fits():
    return fit()


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


def turned(v, angle, height):
    return height * np.cos(v - angle)


@pytest.mark.parametrize("way", ["rows", "pixels"])
def test_periodic_parameters_where_a_cube_is_missing(way):
    """The name is that of the whole graph; a spectrum alone has another for it."""
    data = turned(V[:, None, None], 0.05, np.ones((1, 2)))
    second = data.copy()
    second[:, 0, 1] = np.nan
    # Cubes that share nothing are fitted apart, pixel by pixel.
    shared = gf.UniformPrior(0.5, 3.0)

    def fits_of(periodic):
        factors = []
        for name, values in (("a", data), ("b", second)):
            height = shared if way == "rows" else gf.UniformPrior(0.5, 3.0)
            own = gf.Model(
                turned, angle=gf.UniformPrior(0.0, 2.0 * np.pi), height=height
            )
            analysis = gf.CubeAnalysis(values, 1.0, world=V)
            factors.append(gf.AnalysisFactor(own, analysis, name=name))
        search = gf.NestedSampler(n_live=40, seed=SEED, periodic=periodic)
        graph = gf.FactorGraphModel(*factors)
        return gf.fit_cube(graph, search, scheduler="synchronous")

    plain, periodic = fits_of(()), fits_of(("a.angle",))
    for index in np.ndindex(1, 2):
        calls = periodic["evaluations"].values[index]
        assert calls != plain["evaluations"].values[index]
        single = periodic.result_at(*index)
        assert single.log_evidence == periodic["log_evidence"].values[index]
        record = getattr(single, "record", None) or single.samples.record
        assert record.evaluations == calls


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
    """Of 16 times the pixels it takes the outputs more, and less than their data each."""
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
    # One block of pixels holds its results twice, however many blocks there are.
    assert a_pixel < 300


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
