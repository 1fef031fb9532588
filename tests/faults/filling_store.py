"""A store being filled, to be killed again and again: run as a script.

Each round forks a writer, which opens the store, writes regions that depend on the seed and
the round, and leaves the limits of every region whose write has returned in a file beside
it.  The first writers are killed after a random time, perhaps before there is a store; the
others a moment after a random number of writes.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from tests.io.store_cases import open_store, part_of, truth

SHAPE = (24, 24)
TILE = (7, 8)


def fill(folder, seed):
    """Write random regions until killed."""
    rng = random.Random(seed)
    whole = truth(SHAPE)
    limit = rng.choice([0, 5_000, 2**20])
    acknowledged = os.open(
        folder / "acknowledged", os.O_WRONLY | os.O_APPEND | os.O_CREAT
    )
    store = open_store(folder / "run.zarr", SHAPE, TILE, memory_limit=limit)
    while True:
        if rng.random() < 0.1:
            store.flush()
        limits = [sorted(rng.sample(range(25), 2)) for _ in SHAPE]
        limits = [(start, min(stop, start + 9)) for start, stop in limits]
        region = tuple(slice(*pair) for pair in limits)
        store.write(region, part_of(whole, region))
        os.write(acknowledged, np.array(limits, dtype="<i2").tobytes())


def await_writes(path, count):
    """Wait until so many more writes have returned."""
    size = path.stat().st_size if path.exists() else 0
    patience = time.monotonic() + 60.0
    while (path.stat().st_size if path.exists() else 0) < size + 8 * count:
        if time.monotonic() > patience:
            sys.exit("The writer writes nothing.")
        time.sleep(0.001)


if __name__ == "__main__":
    import zarr  # noqa: F401  # once, not in each writer

    folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    moments = random.Random(seed)
    for number in range(rounds):
        writer = os.fork()
        if not writer:
            fill(folder, 1000 * seed + number)
        if number < 5:
            time.sleep(moments.uniform(0.0, 0.1))
        else:
            await_writes(folder / "acknowledged", moments.randrange(1, 20))
            time.sleep(moments.uniform(0.0, 0.01))
        os.kill(writer, signal.SIGKILL)
        _, status = os.waitpid(writer, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(f"The writer of round {number} ended by itself.")
