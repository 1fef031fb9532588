"""A run over a cube that is killed, interrupted or out of disk goes on to the same bits."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import graphfit as gf
from graphfit.errors import OutputError
from graphfit.io.notes_file import read_notes
from tests.cube.line_cases import NOISE, SEED, V, cube, model
from tests.faults import cube_run, interrupted_cube
from tests.faults.cube_run import MASKED, SHAPE, counts, lines, run

# Code that is interrupted anywhere may leave a file open, or be in the callback of a weak
# reference; Python passes over both.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SCHEDULERS = [
    "synchronous",
    "threads",
    pytest.param("processes", marks=pytest.mark.distributed),
]
once = np.ones(SHAPE, dtype=int)
once[MASKED] = 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The maps of a run that nothing happened to."""
    log = tmp_path_factory.mktemp("whole") / "begun"
    found = run("synchronous", log, pause=0.0)
    np.testing.assert_array_equal(counts(log), once)
    return found


def assert_same_bits(found, whole):
    assert found.names == whole.names
    for name in whole.names:
        got = np.asarray(found.record.arrays[name])
        expected = np.asarray(whole.record.arrays[name])
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes(), name


# --- SIGKILL --------------------------------------------------------------------------


def kill_and_compare(scheduler, folder, kills, whole, seed=1):
    command = [
        sys.executable,
        cube_run.__file__,
        scheduler,
        folder,
        str(kills),
        str(seed),
    ]
    subprocess.run(command, check=True, env=ENVIRONMENT, timeout=600)
    assert_same_bits(gf.CubeResult.open(folder / "run.zarr"), whole)
    begun, kept = lines(folder / "begun"), lines(folder / "kept")
    for number in range(kills):
        done = set(kept[kept[:, 0] <= number, 1])
        later = set(begun[begun[:, 0] > number, 1])
        assert not done & later, "a pixel that was durable has been fitted again"
    # Once for each pixel, and once more for what a kill has caught in flight.
    lost = sum(
        len(set(begun[begun[:, 0] == n, 1]) - set(kept[kept[:, 0] == n, 1]))
        for n in range(kills)
    )
    assert once.sum() <= counts(folder / "begun").sum() <= once.sum() + lost


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks its runs")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_four_kills(scheduler, tmp_path, whole):
    kill_and_compare(scheduler, tmp_path, 4, whole)


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.calibration
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks its runs")
@pytest.mark.parametrize(
    ("scheduler", "kills"),
    [("synchronous", 20), ("threads", 20), ("processes", 20), ("distributed", 6)],
)
def test_twenty_kills(scheduler, kills, tmp_path, whole):
    kill_and_compare(scheduler, tmp_path, kills, whole, seed=2)


# --- one worker dies ------------------------------------------------------------------


class Killer(threading.Thread):
    """Kills one process, as soon as some fits have begun."""

    def __init__(self, log, victims):
        super().__init__(daemon=True)
        self._log, self._victims = log, victims
        self.victim = None
        self.start()

    def run(self):
        while len(lines(self._log)) < 8:
            time.sleep(0.005)
        self.victim = self._victims()[0]
        os.kill(self.victim, signal.SIGKILL)


def spawned():
    """Return the worker processes of this one, the busiest first."""
    children = psutil.Process().children()
    found = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return [child.pid for child in found]


@pytest.mark.distributed
def test_a_killed_process_costs_nothing_but_time(tmp_path, whole):
    log = tmp_path / "begun"
    killer = Killer(log, spawned)
    found = run("processes", log, store=tmp_path / "run.zarr")
    assert killer.victim
    assert_same_bits(found, whole)
    assert not found.notes


@pytest.mark.slow
@pytest.mark.distributed
def test_a_killed_worker_of_a_cluster_costs_nothing_but_time(tmp_path, whole):
    import logging

    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    log = tmp_path / "begun"
    with (
        LocalCluster(
            2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        killer = Killer(log, lambda: pids)
        found = run(client, log, store=tmp_path / "run.zarr")
    assert killer.victim
    assert_same_bits(found, whole)


@pytest.mark.slow
@pytest.mark.distributed
def test_a_pixel_that_kills_its_process_is_one_pixel(tmp_path, whole):
    store = tmp_path / "run.zarr"
    found = run("processes", tmp_path / "begun", deadly=10, store=store, chunk_n_max=4)
    status = np.array(found.record.arrays["status"])
    assert found.counts() == {"converged": 40, "masked": 1, "worker_died": 1}
    assert status[divmod(10, SHAPE[1])] == 27
    level = np.array(found.record.arrays["level"])
    others = np.arange(42).reshape(SHAPE) != 10
    np.testing.assert_array_equal(level[others], whole.record.arrays["level"][others])
    (note,) = found.notes
    assert note["index"] == [1, 3]
    assert note["status"] == "worker_died"
    assert read_notes(store) == [note]
    # Done is done: the same call does not try that pixel again.
    before = counts(tmp_path / "begun")
    again = run("processes", tmp_path / "begun", deadly=10, store=store, chunk_n_max=4)
    np.testing.assert_array_equal(counts(tmp_path / "begun"), before)
    assert list(again.notes) == [note]


# --- Ctrl-C ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no process groups")
@pytest.mark.parametrize("scheduler", SCHEDULERS[1:])
def test_ctrl_c_at_a_terminal(scheduler, tmp_path, whole):
    """A terminal interrupts the whole group: the workers are not to say a word."""
    command = [sys.executable, interrupted_cube.__file__, scheduler, tmp_path]
    process = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60.0
    while len(lines(tmp_path / "begun")) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 77, err
    assert "they are safe in" in out
    assert "not_reached" in out
    assert err == ""
    found = run("threads", tmp_path / "begun", pause=0.1, store=tmp_path / "run.zarr")
    assert_same_bits(found, whole)


def interrupting(after):
    """A `stop` that is a Ctrl-C."""

    def stop(counts):
        if sum(counts.values()) >= after:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.01)
        return False

    return stop


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_ctrl_c_leaves_what_was_found(scheduler, tmp_path, whole):
    store = tmp_path / "run.zarr"
    with pytest.raises(gf.FitInterrupted) as caught:
        run(scheduler, tmp_path / "begun", pause=0.0, store=store, stop=interrupting(5))
    error = caught.value
    assert isinstance(error, KeyboardInterrupt)
    done = 42 - error.result.counts()["not_reached"]
    assert str(error) == (
        f"Interrupted with {done} of 42 pixels done; they are safe in {store}: the same "
        "call goes on from there."
    )
    assert 5 <= done == error.result.facts["pixels"]
    before = counts(tmp_path / "begun")
    found = run(scheduler, tmp_path / "begun", pause=0.0, store=store)
    assert_same_bits(found, whole)
    assert found.facts["pixels"] == 42 - done
    assert before.sum() >= done - 1


def test_ctrl_c_without_a_store_keeps_the_maps_in_the_error(tmp_path, whole):
    with pytest.raises(gf.FitInterrupted, match="in the result attribute") as caught:
        run("synchronous", tmp_path / "begun", pause=0.0, stop=interrupting(5))
    part = caught.value.result
    status = part.record.arrays["status"]
    done = status != 25
    assert 5 <= done.sum() < 42
    for name in ("level", "level_error", "evaluations"):
        np.testing.assert_array_equal(
            part.record.arrays[name][done], whole.record.arrays[name][done]
        )
    assert part.result_at(0, 0).instance.level == part["level"].values[0, 0]


def lines_fit(store):
    data = cube(9, 11)
    return gf.fit_cube(
        model(),
        gf.LevenbergMarquardt(seed=SEED),
        data=data,
        noise=NOISE,
        world=V,
        scheduler="synchronous",
        chunk_n_max=4,
        store=store,
    )


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms on this system")
def test_ctrl_c_at_any_line_of_the_run(tmp_path):
    """Interrupts wherever Python happens to be: in a fit, in a write, in the closing."""
    whole = lines_fit(tmp_path / "whole.zarr")
    store = tmp_path / "run.zarr"
    rng = np.random.default_rng(8)

    def ring(number, frame):
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, ring)
    interrupts, found = 0, None
    try:
        while found is None and interrupts < 40:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.005, 0.08))
            try:
                found = lines_fit(store)
            except KeyboardInterrupt:
                interrupts += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert interrupts
    assert_same_bits(found or lines_fit(store), whole)


# --- the disk -------------------------------------------------------------------------


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 5, 8])
def test_a_full_disk_in_mid_run(writes, tmp_path, monkeypatch, whole):
    store, log = tmp_path / "run.zarr", tmp_path / "begun"
    with pytest.raises(gf.FitInterrupted):
        run("synchronous", log, pause=0.0, store=store, stop=interrupting(2))
    write, left = os.write, [writes]

    def refuse(descriptor, content):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(OutputError, match=r"No space left on device.*free space"):
            run("synchronous", log, pause=0.0, store=store)
    found = run("synchronous", log, pause=0.0, store=store)
    assert_same_bits(found, whole)
    assert not list(tmp_path.rglob("*.part"))


def test_the_same_store_on_one_scheduler_after_the_other(tmp_path, whole):
    store, log = tmp_path / "run.zarr", tmp_path / "begun"
    for scheduler in ("synchronous", "threads", "synchronous"):
        stop = interrupting(10)
        try:
            found = run(scheduler, log, pause=0.0, store=store, stop=stop)
        except gf.FitInterrupted as interrupted:
            found = interrupted.result
    found = run("threads", log, pause=0.0, store=store)
    assert_same_bits(found, whole)


def test_two_runs_on_one_store_are_refused(tmp_path):
    store, refused = tmp_path / "run.zarr", []

    def stop(counts):
        with pytest.raises(OutputError) as caught:
            run("synchronous", tmp_path / "begun", pause=0.0, store=store)
        refused.append(str(caught.value))
        return True

    run("synchronous", tmp_path / "begun", pause=0.0, store=store, stop=stop)
    assert "is open already in this process" in refused[0]
