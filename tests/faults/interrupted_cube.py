"""A fit of a cube that waits for Ctrl-C: run as a script with a scheduler and a folder."""

import sys
from pathlib import Path

import graphfit as gf
from tests.faults.cube_run import run

if __name__ == "__main__":
    folder = Path(sys.argv[2])
    try:
        run(sys.argv[1], folder / "begun", pause=0.1, store=folder / "run.zarr")
    except gf.FitInterrupted as interrupted:
        print(interrupted)
        print(interrupted.result.counts())
        sys.exit(77)
