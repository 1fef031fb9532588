"""The signal example on the real cube: what it finds, and the numbers of the how-to page."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest

from graphfit.cube import signal

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CUBE = "l1448_13co.fits"


@pytest.fixture(scope="module")
def path():
    folders = [os.environ.get("GRAPHFIT_DATA"), EXAMPLES.parents[1] / "shared" / "data"]
    for folder in folders:
        if folder and (Path(folder) / CUBE).exists():
            return Path(folder) / CUBE
    pytest.skip(f"no {CUBE}: name its folder in GRAPHFIT_DATA")


@pytest.fixture(scope="module")
def found(path):
    sys.path.insert(0, str(EXAMPLES))
    spec = importlib.util.spec_from_file_location(
        "cube_signal", EXAMPLES / "cube_signal.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(EXAMPLES))
    cube, velocity = module.read_cube(path)
    cube_read, steps = dask.compute(cube, module.find_signal(cube, velocity))
    return cube_read, velocity, steps


def test_the_axis(found):
    _, velocity, _ = found
    assert velocity.shape == (53,)
    assert velocity[0] == pytest.approx(2.528, abs=1e-3)
    assert velocity[-1] == pytest.approx(5.982, abs=1e-3)


def test_the_plain_deviation_counts_the_line(found):
    """The numbers of docs/how-to/find-signal-in-a-cube.md, to their last digit."""
    cube, _, steps = found
    noise, plain = steps["noise"], steps["plain"]
    empty = ~steps["found"].any(axis=0)
    height = cube.max(axis=0)
    bright = height > np.percentile(height, 99)
    assert np.median(plain) == pytest.approx(0.338, abs=5e-4)
    assert np.median(noise) == pytest.approx(0.158, abs=5e-4)
    assert np.median(plain[empty]) == pytest.approx(0.159, abs=5e-4)
    assert np.median(noise[empty]) == pytest.approx(0.158, abs=5e-4)
    assert np.median(plain[bright]) == pytest.approx(1.46, abs=5e-3)
    assert np.median(noise[bright]) == pytest.approx(0.186, abs=5e-4)
    assert np.median(height[bright]) / np.median(noise[empty]) > 20.0
    assert steps["found"].any(axis=0).sum() == 9730
    assert signal.signal_mask(cube, plain).any(axis=0).sum() == 6431


def test_chunks_do_not_show(found):
    cube, velocity, steps = found
    noise = signal.noise_from_differences(cube)
    np.testing.assert_array_equal(steps["noise"], noise)
    mask = signal.signal_mask(cube, noise)
    np.testing.assert_array_equal(steps["found"], mask)
    start = signal.guesses(cube, velocity, signal.dilate(mask, 1), components=2)
    for name, value in start.items():
        np.testing.assert_array_equal(steps["two"][name], value)


def test_guesses_wherever_there_is_signal(found):
    _, velocity, steps = found
    pixels = steps["found"].any(axis=0)
    for value in steps["start"].values():
        assert (np.isfinite(value) == steps["near"].any(axis=0)).all()
    mean = steps["start"]["mean"][pixels]
    assert ((mean > velocity[0]) & (mean < velocity[-1])).all()


def test_the_script_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / "cube_signal.py"],
        cwd=tmp_path,
        env={**os.environ, "GRAPHFIT_DATA": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pixels    9730 of 11025" in done.stdout
    assert (tmp_path / "output" / "cube_signal.png").stat().st_size > 100_000
