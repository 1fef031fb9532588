"""The same bits, whatever the chunks, the scheduler, the order, and the interruptions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphfit as gf
from graphfit.errors import OutputError
from graphfit.samples import Status
from tests.cube.line_cases import NOISE, SEED, V, assert_same_bits, cube, line, model

SHAPE = (4, 5)
DATA = cube(*SHAPE)
DATA[:, 0, 1] = np.nan
DATA[4, :, 2] = np.nan
SECOND = cube(*SHAPE, seed=1, noise=0.2) * 0.5
SECOND[:, 3] = np.nan
NOISES = np.random.default_rng(4).uniform(0.08, 0.12, DATA.shape)
# Where a fit begins is not the matter here: few points are tried first.
LEAST = gf.LevenbergMarquardt(n_draws=8, n_sweep=5, seed=SEED)
SLOW = gf.LBFGS(n_draws=2, n_sweep=2, seed=SEED)

CHUNKS = st.one_of(st.none(), st.integers(1, 25))
ORDERS = st.sampled_from([None, "brightest", "down", "nan"])


def priority(kind):
    down = -np.arange(20.0).reshape(SHAPE)
    return {"down": down, "nan": np.where(down < -8, np.nan, down)}.get(kind, kind)


def joint():
    mean = gf.UniformPrior(-5.0, 5.0)
    half = gf.Model(
        line, amplitude=gf.LogUniformPrior(0.05, 9.0), mean=mean, stddev=0.9
    )
    other = model(
        mean=mean, amplitude=gf.LogUniformPrior(gf.pixel_map(np.full(SHAPE, 0.1)), 9.0)
    )
    return gf.FactorGraphModel(
        gf.AnalysisFactor(other, gf.CubeAnalysis(DATA, NOISES, world=V)),
        gf.AnalysisFactor(half, gf.CubeAnalysis(SECOND, 0.2, world=V)),
    )


@pytest.fixture(scope="module")
def one_thread():
    return gf.fit_cube(joint(), LEAST, scheduler="synchronous")


@given(CHUNKS, st.sampled_from(["synchronous", "threads"]), ORDERS)
@settings(max_examples=12)
def test_chunks_schedulers_and_orders(one_thread, chunk, scheduler, order):
    fits = gf.fit_cube(
        joint(), LEAST, chunk_n_max=chunk, scheduler=scheduler,
        priority=priority(order), n_workers=2,
    )  # fmt: skip
    assert_same_bits(fits, one_thread)


@given(CHUNKS, st.lists(st.integers(0, 14), max_size=3), ORDERS, st.integers(1, 21))
@settings(max_examples=6)
def test_a_run_may_be_stopped_and_go_on(
    tmp_path_factory, one_thread, chunk, stops, order, tile
):
    store = tmp_path_factory.mktemp("run") / "run.zarr"
    options = {"store": store, "scheduler": "synchronous", "priority": priority(order)}
    done = 0
    for pixels in stops:
        fits = gf.fit_cube(
            joint(), LEAST, chunk_n_max=tile, **options,
            stop=lambda counts, pixels=pixels: SHAPE[0] * SHAPE[1]
            - counts.get("not_reached", 0) > pixels
            if "not_reached" in counts else sum(counts.values()) > pixels,
        )  # fmt: skip
        reached = 20 - fits.counts().get("not_reached", 0)
        assert reached >= done
        done = reached
        known = np.asarray(fits.record.arrays["status"]) != Status.NOT_REACHED
        for name in fits.names:
            np.testing.assert_array_equal(
                np.asarray(fits.record.arrays[name])[known],
                one_thread.record.arrays[name][known],
            )
    fits = gf.fit_cube(joint(), LEAST, chunk_n_max=chunk, **options)
    assert_same_bits(fits, one_thread)
    again = gf.fit_cube(joint(), LEAST, chunk_n_max=chunk, **options)
    assert_same_bits(again, one_thread)


def slowly(**options):
    return gf.fit_cube(
        model(), SLOW, data=DATA[:, :2, :2], noise=NOISE, world=V, **options
    )


@pytest.fixture(scope="module")
def slow_fits():
    return slowly(scheduler="synchronous")


@pytest.mark.parametrize("chunk", [1, 3, None])
def test_searches_of_single_pixels(slow_fits, chunk):
    fits = slowly(
        scheduler="threads", n_workers=2, chunk_n_max=chunk, priority="brightest"
    )
    assert_same_bits(fits, slow_fits)


def test_a_stop_after_some_seconds(tmp_path, slow_fits):
    part = slowly(store=tmp_path / "a.zarr", stop=1e-9, scheduler="synchronous")
    assert part.counts() == {"not_reached": 4}
    assert_same_bits(slowly(store=tmp_path / "a.zarr"), slow_fits)


def test_a_fresh_seed_is_kept_by_the_store(tmp_path):
    search = gf.Emcee(nwalkers=6, nsteps=2)
    data = DATA[:, 1:2, :2]

    def run(**options):
        return gf.fit_cube(model(), search, data=data, noise=NOISE, world=V,
                           scheduler="synchronous", **options)  # fmt: skip

    seen = []
    part = run(
        store=tmp_path / "a.zarr",
        stop=lambda counts: bool(seen.append(1)) or len(seen) > 1,
    )
    assert 0 < part.counts()["not_reached"] < 2
    whole = run(store=tmp_path / "a.zarr")
    assert whole.facts["seed"] == part.facts["seed"]
    seeded = gf.fit_cube(
        model(), gf.Emcee(nwalkers=6, nsteps=2, seed=whole.facts["seed"]),
        data=data, noise=NOISE, world=V, scheduler="synchronous",
    )  # fmt: skip
    assert_same_bits(whole, seeded)
    assert not np.array_equal(run()["mean"].values, whole["mean"].values)


def test_a_pixel_has_the_same_numbers_in_a_mask():
    mask = np.ones(SHAPE, dtype=bool)
    mask[2, 3] = mask[0, 0] = False
    options = {"noise": NOISES, "world": V, "scheduler": "synchronous"}
    for search in (LEAST, SLOW):
        some = gf.fit_cube(model(), search, data=DATA, mask=mask, **options)
        part = (slice(None), slice(2, 3), slice(3, 4))
        assert some.counts() == {"converged": 2, "masked": 18}
        if search is LEAST:
            everything = gf.fit_cube(model(), search, data=DATA, **options)
            for name in ("mean", "log_evidence", "covariance", "evaluations"):
                np.testing.assert_array_equal(
                    some[name].values[2, 3], everything[name].values[2, 3]
                )
        del part


def test_a_store_of_another_fit_is_refused(tmp_path):
    store = tmp_path / "run.zarr"
    options = {"noise": NOISE, "world": V, "scheduler": "synchronous", "store": store}
    data = DATA[:, :2, :2]
    gf.fit_cube(model(), LEAST, data=data, **options)
    changed = [
        ("data", {"data": data + 1.0}),
        ("noise", {"noise": 0.2}),
        ("world", {"world": V + 1.0}),
        ("mask", {"mask": np.zeros((2, 2), dtype=bool)}),
        ("start", {"start": {"mean": 0.0}}),
        ("maps to keep", {"covariance": False}),
        ("likelihood", {"likelihood": "student_t", "degrees_of_freedom": 3.0}),
    ]
    for what, other in changed:
        with pytest.raises(OutputError, match=what):
            gf.fit_cube(model(), LEAST, **{"data": data, **options, **other})
    with pytest.raises(OutputError, match="search"):
        gf.fit_cube(model(), gf.LevenbergMarquardt(n_sweep=3), data=data, **options)
    with pytest.raises(OutputError, match="model"):
        gf.fit_cube(model(stddev=1.0), LEAST, data=data, **options)
    width = gf.pixel_map(np.ones((2, 2)))
    with pytest.raises(OutputError, match="model"):
        gf.fit_cube(model(stddev=width), LEAST, data=data, **options)


def test_what_was_found_before_an_interruption_is_kept(tmp_path, slow_fits):
    def press(counts):
        if sum(n for name, n in counts.items() if name != "not_reached") >= 2:
            raise KeyboardInterrupt
        return False

    for store in (None, tmp_path / "a.zarr"):
        with pytest.raises(KeyboardInterrupt) as raised:
            slowly(stop=press, store=store, scheduler="synchronous", chunk_n_max=1)
        error = raised.value
        assert isinstance(error, gf.FitInterrupted)
        assert "2 of 4 pixels done" in str(error)
        assert error.result.counts()["not_reached"] == 2
    assert_same_bits(slowly(store=tmp_path / "a.zarr"), slow_fits)


@pytest.mark.distributed
@pytest.mark.slow
def test_processes(one_thread, slow_fits):
    fits = gf.fit_cube(
        joint(), LEAST, scheduler="processes", n_workers=2, chunk_n_max=7
    )
    assert_same_bits(fits, one_thread)
    fits = slowly(scheduler="processes", n_workers=2, chunk_n_max=1)
    assert_same_bits(fits, slow_fits)


@pytest.mark.distributed
@pytest.mark.slow
def test_a_cluster(one_thread, slow_fits, tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        fits = gf.fit_cube(joint(), LEAST, scheduler=client, chunk_n_max=4)
        assert_same_bits(fits, one_thread)
        fits = gf.fit_cube(
            joint(), LEAST, store=tmp_path / "a.zarr"
        )  # it is the default
        assert_same_bits(fits, one_thread)
        assert_same_bits(slowly(scheduler=client), slow_fits)
