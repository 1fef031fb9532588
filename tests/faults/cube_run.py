"""A cube to be fitted under fire; as a script it is killed again and again.

    python cube_run.py SCHEDULER FOLDER KILLS SEED

Each round forks a run, which is killed with all its processes after some pixels; the last
one is left alone.  Two files tell what happened: ``begun`` (a line "round pixel" at the
start of every fit) and ``kept`` (the same, once a pixel's write has returned).
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

import graphfit as gf
from graphfit.io.cube_store import CubeStore

SHAPE = (6, 7)
X = np.linspace(0.0, 1.0, 6)
MASKED = (5, 6)
SEARCH = gf.LBFGS(seed=11, n_starts=1, n_draws=2, n_sweep=3)


class Level:
    def __init__(self, level):
        self.level = level


class Logged(gf.Analysis):
    """A constant with noise, which leaves a line for every fit."""

    def __init__(self, data, noise_map, pixel, log, pause=0.0, deadly=-1):
        self.data, self.noise = data, noise_map
        with Path(log).open("ab") as file:  # short, and so in one piece
            file.write(f"{os.environ.get('ROUND', '0')} {int(pixel)}\n".encode())
        if pixel == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(pause)

    def log_likelihood_function(self, instance):
        residual = (self.data - instance.level) / self.noise
        return float(-0.5 * residual @ residual)


def run(scheduler, log, *, pause=0.01, deadly=-1, **options):
    rng = np.random.default_rng(3)
    data = rng.normal(2.0, 0.5, (len(X), *SHAPE))
    data[(slice(None), *MASKED)] = np.nan
    pixel = np.arange(float(np.prod(SHAPE))).reshape(SHAPE)
    return gf.fit_cube(
        gf.Model(Level, level=gf.UniformPrior(-10.0, 10.0)),
        SEARCH,
        data=data,
        noise=0.5,
        world=X,
        analysis=Logged,
        extras={"pixel": pixel, "log": str(log), "pause": pause, "deadly": deadly},
        scheduler=scheduler,
        n_workers=2,
        **options,
    )


def lines(path):
    """Return the rounds and pixels in a log."""
    if not Path(path).exists():
        return np.zeros((0, 2), dtype=int)
    rows = [line.split() for line in Path(path).read_bytes().split(b"\n")[:-1]]
    return np.array(rows, dtype=int).reshape(-1, 2)


def counts(path):
    """Return how often each pixel is in a log."""
    return np.bincount(lines(path)[:, 1], minlength=np.prod(SHAPE)).reshape(SHAPE)


def log_what_is_kept(path):
    """Let every store write down the pixels of a write that has returned."""
    write = CubeStore.write

    def logged(store, region, values, wanted=None):
        write(store, region, values, wanted)
        pixels = np.arange(np.prod(SHAPE)).reshape(SHAPE)[region]
        done = pixels.ravel() if wanted is None else pixels[wanted]
        with path.open("ab") as file:
            text = "".join(f"{os.environ['ROUND']} {pixel}\n" for pixel in done)
            file.write(text.encode())

    CubeStore.write = logged


def fitted_here(scheduler, folder):
    log_what_is_kept(folder / "kept")
    options = {"store": folder / "run.zarr"}
    if scheduler != "distributed":
        run(scheduler, folder / "begun", **options)
        return
    import logging

    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        LocalCluster(
            2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        run(client, folder / "begun", **options)


def main(scheduler, folder, kills, seed):
    import astropy.units  # noqa: F401  # once, not in each run
    import scipy.optimize  # noqa: F401
    import zarr  # noqa: F401

    rng = random.Random(seed)
    for number in range(kills + 1):
        os.environ["ROUND"] = str(number)
        child = os.fork()
        if not child:
            os.setsid()  # its group is the run with all its workers
            fitted_here(scheduler, folder)
            os._exit(0)
        status = kill_some_time(child, folder, kills - number, rng)
        if status is None:
            _, status = os.waitpid(child, 0)
        # Near the end a run may be done before it is killed.
        if os.waitstatus_to_exitcode(status) not in {0, -signal.SIGKILL}:
            sys.exit(f"The run of round {number} ended by itself: {status}.")


def kill_some_time(child, folder, kills, rng):
    """Kill a run after its share of the pixels; return its status if it ends before."""
    if not kills:
        return None
    left = np.prod(SHAPE) - 1 - len(set(lines(folder / "kept")[:, 1]))
    before = len(lines(folder / "begun"))
    wanted = before + rng.randint(0, left // kills + (left > 0))
    while len(lines(folder / "begun")) < wanted:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, 0.03))
    while True:  # until it has a group of its own
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:
            time.sleep(0.001)
        else:
            return None


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
