"""The bar of a run: counts by status, rate, and silence where nobody looks."""

import sys
import time

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.progress import CubeProgress
from graphfit.samples import Status
from tests.cube.line_cases import NOISE, SEED, V, cube, model

CONVERGED, MASKED = int(Status.CONVERGED), int(Status.MASKED)


class Screen:
    """What has been written to standard error."""

    def __init__(self, captured):
        self._captured = captured
        self._text = ""

    def getvalue(self):
        self._text += self._captured.readouterr().err
        return self._text


@pytest.fixture
def terminal(capsys):
    return Screen(capsys)


def last_line(terminal):
    return terminal.getvalue().replace("\n", "").split("\r")[-1]


def test_counts_by_status_largest_first():
    progress = CubeProgress(10, 0, "fit", show=False)
    progress.add(np.array([CONVERGED, MASKED, MASKED], dtype=np.int8))
    assert progress.text == "2 masked, 1 converged"
    progress.add(np.array([[CONVERGED], [CONVERGED]]))
    assert progress.text == "3 converged, 2 masked"
    assert progress.counts == {Status.MASKED: 2, Status.CONVERGED: 3}
    assert (progress.done, progress.added, progress.total) == (5, 5, 10)


def test_pixels_of_an_earlier_run_are_done_but_not_added():
    progress = CubeProgress(10, 4, "fit", show=False)
    progress.add(np.array([CONVERGED] * 3))
    assert (progress.done, progress.added) == (7, 3)


def test_an_empty_piece_counts_nothing():
    progress = CubeProgress(10, 0, "fit", show=False)
    progress.add(np.array([], dtype=np.int8))
    assert progress.text == ""
    assert progress.done == 0


def test_silence_where_nobody_looks(capfd):
    for show in (False, None):  # tests have no terminal
        progress = CubeProgress(2, 0, "fit", show=show)
        progress.add(np.array([CONVERGED] * 2))
        progress.close()
    assert capfd.readouterr() == ("", "")


def test_the_bar_on_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = CubeProgress(4, 1, "DynestyStatic", show=None)
    progress.add(np.array([CONVERGED, MASKED]))
    progress.add(np.array([CONVERGED]))
    progress.close()
    line = last_line(terminal)
    for part in ("DynestyStatic", "100%", "4.00/4.00", "px/s", "2 converged, 1 masked"):
        assert part in line


def test_the_rate_is_of_this_run(terminal):
    """What an earlier run did took no time of this one."""
    progress = CubeProgress(1000, 900, "fit", show=True)
    progress.add(np.array([CONVERGED]))
    time.sleep(0.25)
    progress.add(np.array([CONVERGED] * 99))
    bar = progress._bar
    assert bar.initial == 900
    assert bar.n == 1000
    rate = (bar.n - bar.initial) / bar.format_dict["elapsed"]
    assert rate < 1000.0
    progress.close()


def test_the_bar_is_not_drawn_for_every_piece(terminal):
    progress = CubeProgress(10_000, 0, "fit", show=True)
    began = time.perf_counter()
    for _ in range(5_000):
        progress.add(np.array([CONVERGED]))
    taken = time.perf_counter() - began
    progress.close()
    assert terminal.getvalue().count("\r") <= 10 + 20 * taken


def test_close_shows_the_last_state(terminal):
    progress = CubeProgress(10, 0, "fit", show=True)
    progress.add(np.array([CONVERGED]))
    progress.add(np.array([MASKED] * 3))  # too soon after the first to be drawn
    progress.close()
    assert "3 masked, 1 converged" in last_line(terminal)
    assert "4.00/10.0" in last_line(terminal)


def fitted(scheduler, **options):
    data = cube(4, 5)
    data[:, 0, :2] = np.nan
    return gf.fit_cube(
        model(),
        gf.LevenbergMarquardt(seed=SEED),
        data=data,
        noise=NOISE,
        world=V,
        scheduler=scheduler,
        chunk_n_max=3,
        **options,
    )


@pytest.mark.parametrize(
    "scheduler",
    [
        "synchronous",
        "threads",
        pytest.param("processes", marks=pytest.mark.distributed),
    ],
)
def test_every_scheduler_shows_the_same(scheduler, terminal):
    found = fitted(scheduler, n_workers=2, progress=True)
    line = last_line(terminal)
    for part in ("LevenbergMarquardt", "20.0/20.0", "18 converged, 2 masked"):
        assert part in line
    assert found.facts["pixels"] == 20


@pytest.mark.distributed
def test_a_cluster_shows_the_same(terminal):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        fitted(client, progress=True)
    assert "18 converged, 2 masked" in terminal.getvalue()


def test_pixels_of_this_run_give_the_rate(tmp_path, terminal):
    counts = []

    def stop(seen):
        counts.append(dict(seen))
        return sum(seen.values()) >= 9

    first = fitted("synchronous", store=tmp_path / "run.zarr", stop=stop, progress=True)
    left = first.counts()["not_reached"]
    second = fitted("synchronous", store=tmp_path / "run.zarr", progress=True)
    third = fitted("synchronous", store=tmp_path / "run.zarr", progress=True)
    done = first.facts["pixels"]
    assert 9 <= done < 20
    assert sum(counts[-1].values()) == done
    assert counts[-1]["masked"] == 2
    assert second.facts["pixels"] == 20 - done
    assert third.facts["pixels"] == 0
    assert f"{20 - done} converged" in last_line(terminal)
    assert left == 20 - done
