"""The example of the real cube: it runs, and its summary says what was measured."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphfit as gf

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CUBE = "l1448_13co.fits"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folders = [os.environ.get("GRAPHFIT_DATA"), EXAMPLES.parents[1] / "shared" / "data"]
    if not any(folder and (Path(folder) / CUBE).exists() for folder in folders):
        pytest.skip(f"no {CUBE}: name its folder in GRAPHFIT_DATA")
    folder = tmp_path_factory.mktemp("l1448")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "l1448_cube.py"), "--output", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    return folder, done.stdout


def figure(text, pattern):
    return float(re.search(pattern, text)[1].replace(",", ""))


@pytest.mark.slow
def test_its_summary(printed):
    _, text = printed
    assert figure(text, r"noise +([\d.]+) K") == pytest.approx(0.158, abs=0.005)
    assert figure(text, r"signal +(\d+) of 11025") == pytest.approx(9732, abs=30)
    converged = figure(text, r"(\d+) converged")
    assert converged > 9200
    assert figure(text, r"reduced chi-squared +median ([\d.]+)") < 1.6
    fits, data = (
        figure(text, r"integral +([\d.]+) K"),
        figure(text, r"fits, ([\d.]+) of the data"),
    )
    assert fits == pytest.approx(data, rel=0.1)
    assert "same bits: True" in text


@pytest.mark.slow
def test_what_it_leaves(printed):
    folder, _ = printed
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "l1448.zarr",
        "l1448_maps.fits",
        "maps.png",
        "trial.png",
        "typical.png",
        "worst.png",
    }
    stored = gf.CubeResult.open(folder / "l1448.zarr")
    written = gf.CubeResult.open(folder / "l1448_maps.fits")
    assert stored.counts() == written.counts()
    assert stored["mean"].attrs["units"] == "m / s"
    assert stored["amplitude"].attrs["units"] == "K"
