"""The example of nested sampling on the real cube: a corner of it, and what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CUBE = "l1448_13co.fits"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folders = [os.environ.get("GRAPHFIT_DATA"), EXAMPLES.parents[1] / "shared" / "data"]
    if not any(folder and (Path(folder) / CUBE).exists() for folder in folders):
        pytest.skip(f"no {CUBE}: name its folder in GRAPHFIT_DATA")
    folder = tmp_path_factory.mktemp("l1448_nested")
    command = [sys.executable, "-W", "error", str(EXAMPLES / "l1448_nested.py")]
    done = subprocess.run(
        [*command, "--quick", "--output", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder, done.stdout


def figure(text, pattern):
    return float(re.search(pattern, text)[1])


@pytest.mark.slow
def test_its_summary(printed):
    _, text = printed
    assert "K = 0, 1 at 144 pixels" in text
    assert "K = 0, 1, 2 at 36 pixels" in text
    assert "144 converged" in text
    assert "36 converged" in text
    # Where the cloud ends: some pixels have a line beyond doubt, most have not.
    assert 3 <= figure(text, r"1: ln B > 5 at (\d+) pixels") <= 8
    assert figure(text, r"no line +\(y, x\) = .*: P\(0\) = ([\d.]+)") > 0.9
    assert figure(text, r"one line +\(y, x\) = .*: P\(0\) = .*P\(1\) = ([\d.]+)") > 0.9
    # Two independent runs: 5 of their errors.
    assert figure(text, r"combined errors, at most ([\d.]+)") < 5.0


@pytest.mark.slow
def test_what_it_leaves(printed):
    folder, _ = printed
    assert {path.name for path in folder.iterdir()} == {
        "choice.png",
        "dynesty.png",
        "health_one.png",
        "health_two.png",
        "l1448_choice.fits",
        "one_line.png",
        "pixel_0.png",
        "pixel_1.png",
        "ranks_one.png",
        "ranks_two.png",
    }
    written = gf.CubeResult.open(folder / "l1448_choice.fits")
    chances = written["probability"].values
    np.testing.assert_allclose(chances.sum(axis=-1), 1.0, rtol=1e-12)
    assert (written["best_model"].values == chances.argmax(axis=-1)).all()
