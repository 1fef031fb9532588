"""Chunks and schedulers: the same fits wherever they run."""

import os
import threading
import warnings

import numpy as np
import pytest
from astropy.modeling import custom_model
from astropy.modeling.fitting import (
    LevMarLSQFitter,
    TRFLSQFitter,
)
from astropy.modeling.models import Const1D
from astropy.nddata import StdDevUncertainty
from dask import array as da

from graphfit.errors import (
    DataError,
    SettingError,
)
from graphfit.samples import Status
from tests.cube.cube_cases import (
    CUBE,
    TRUE,
    V,
    assert_found,
    cube_of,
    fit,
    lines,
    status,
)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("most", [1, 2, 5, 500])
def test_any_chunking_gives_the_same_bits(scheduler, most, rng):
    data = CUBE + rng.normal(0, 0.05, CUBE.shape)
    fitter = TRFLSQFitter(calc_uncertainties=True)
    whole = fit(data, fitter=fitter)
    lazy = da.from_array(data, chunks=(6, 1, 2))
    for one in (data, lazy):
        part = fit(one, fitter=fitter, scheduler=scheduler, chunk_n_max=most)
        np.testing.assert_array_equal(part.parameters, whole.parameters)
        np.testing.assert_array_equal(part.stds.covariance, whole.stds.covariance)


def test_native_chunks():
    data = da.from_array(CUBE, chunks=(25, 1, 2))
    weights = da.ones(CUBE.shape, chunks=(25, 1, 2))
    mask = np.zeros(CUBE.shape, dtype=bool)  # any kind of mask will do
    options = {"preserve_native_chunks": True, "mask": mask}
    assert_found(fit(data, weights=weights, **options))
    assert_found(fit(data, weights=StdDevUncertainty(np.ones(CUBE.shape)), **options))
    for wrong, error in (
        (weights.rechunk((25, 2, 2)), DataError),
        (CUBE, SettingError),
    ):
        with pytest.raises(error, match="preserve_native_chunks=True"):
            fit(data, weights=wrong, **options)
    with pytest.raises(SettingError, match="if input data is a dask array"):
        fit(**options)


def test_threads_keep_their_warnings_apart(tmp_path):
    data = np.tile(CUBE.reshape(25, 6), (1, 20))
    before = list(warnings.filters)
    fit(
        data, fitter=LevMarLSQFitter(), scheduler="threads", chunk_n_max=3,
        diagnostics="error+warn", diagnostics_path=tmp_path, fitter_kwargs={"maxiter": 4},
    )  # fmt: skip
    assert warnings.filters == before
    logs = [(path / "warn.log").read_text() for path in tmp_path.iterdir()]
    assert len(logs) == 120
    assert set(logs) == {logs[0]}


@pytest.mark.distributed
def test_processes(tmp_path):
    """Everything goes there: a function typed in here, a lambda, chunks of dask."""
    data = da.from_array(
        np.where(np.isclose(CUBE, CUBE[3, 0, 0]), np.nan, CUBE), chunks=(25, 1, 3)
    )
    model = custom_model(
        lambda x, a=1.5, m=0.2, s=1.0: a * np.exp(-0.5 * ((x - m) / s) ** 2)
    )
    fitter = LevMarLSQFitter()

    def look(path, *_):
        (path / "seen.txt").write_text("yes")

    options = {
        "world": (np.broadcast_to(V[:, None, None], CUBE.shape),),
        "diagnostics": "error",
        "diagnostics_path": tmp_path,
        "diagnostics_callable": look,
        "fit_info": True,
        "scheduler": None,
        "chunk_n_max": 2,
    }
    fitted = fit(data, model(), fitter, **options)
    assert status(fitted)[0, 0] == Status.NON_FINITE
    np.testing.assert_allclose(fitted.m.value[1], TRUE.mean.value[1], rtol=1e-5)
    assert fitter.fit_info.get_property_as_array("ierr")[1, 1] in (1, 2, 3, 4)
    assert sorted(os.listdir(tmp_path / "0_0")) == ["error.log", "seen.txt"]


def test_a_pixel_that_kills_its_process(monkeypatch):
    """Told as the executor tells it: pieces are halved until one pixel is left."""

    def run(function, pieces, deliver, *, scheduler, split, lost):
        assert scheduler == "processes"
        todo = list(pieces)
        while todo:
            piece = todo.pop()
            if (piece.rows.factors["0"].data.y != 7.0).all():
                deliver(piece, function(piece))
            elif parts := split(piece):
                todo += parts
            else:
                lost(piece, None)

    monkeypatch.setattr("graphfit.cube.parallel_fit.run_pieces", run)
    data = np.ones((25, 2, 3))
    data[:, 1, 1] = 7.0
    fitter = TRFLSQFitter()
    fitted = fit(data, Const1D(), fitter, scheduler="processes", fit_info=True)
    expected = np.zeros((2, 3))
    expected[1, 1] = Status.WORKER_DIED
    assert (status(fitted) == expected).all()
    assert fitter.fit_info[1, 1].outcome is Status.WORKER_DIED
    assert (np.isnan(fitted.amplitude.value) == (expected > 0)).all()


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as one,
    ):
        yield one


@pytest.mark.distributed
@pytest.mark.parametrize("scheduler", ["client", "default", "distributed", "get"])
def test_a_client(client, scheduler):
    named = {"client": client, "get": client.get}.get(scheduler, scheduler)
    data = client.persist(da.from_array(CUBE, chunks=(25, 1, 1)))
    assert_found(fit(data, scheduler=named, chunk_n_max=2))


@pytest.mark.distributed
def test_two_fits_at_once_do_not_mix(client):
    cubes = [cube_of(lines(4, 5, seed=seed)) for seed in range(4)]
    found = {}

    def run(number):
        found[number] = fit(cubes[number], scheduler=client, chunk_n_max=3)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert_found(found[number], lines(4, 5, seed=number), rtol=1e-4, atol=1e-5)
