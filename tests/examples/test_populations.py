"""The examples of populations: they run, in little, and say what is true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CUBE = "l1448_13co.fits"


def printed(script, folder, *options):
    """What a script prints; it must end well and warn of nothing."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / script), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def pairs(text, name):
    """All ``mean +- deviation`` in the line that begins with a name."""
    (row,) = re.findall(rf"^{re.escape(name)} .*\+-.*$", text, flags=re.MULTILINE)
    found = re.findall(r"(-?[\d.]+) \+- ([\d.]+)", row)
    return [(float(mean), float(deviation)) for mean, deviation in found]


@pytest.mark.slow
def test_eight_schools(tmp_path):
    text = printed("eight_schools.py", tmp_path, "--output", "schools.png")
    assert "schools: GaussianPrior(mean, sigma) -> theta of A" in text
    for name in ("schools.mean", "schools.sigma"):
        exact, *sampled = pairs(text, name)
        assert len(sampled) == 2
        for mean, deviation in sampled:
            assert abs(mean - exact[0]) < 0.1 * exact[1]
            assert abs(deviation - exact[1]) < 0.1 * exact[1]
    assert (tmp_path / "schools.png").exists()


@pytest.mark.slow
def test_the_population_of_spectra(tmp_path):
    text = printed("population_of_spectra.py", tmp_path, "--quick", "--output", "p.png")
    for name, truth in (("a", 0.2), ("b", 0.5), ("scatter", 0.15)):
        joint, recycled = pairs(text, name)
        # 128 draws a member: the variance of ln L from them is about a half.
        assert abs(joint[0] - recycled[0]) < 0.35 * joint[1]
        assert joint[1] == pytest.approx(recycled[1], rel=0.15)
        assert abs(joint[0] - truth) < 3.0 * joint[1]
    assert (tmp_path / "p.png").exists()


@pytest.mark.slow
def test_the_line_widths_of_l1448(tmp_path):
    folders = [os.environ.get("GRAPHFIT_DATA"), EXAMPLES.parents[1] / "shared" / "data"]
    if not any(folder and (Path(folder) / CUBE).exists() for folder in folders):
        pytest.skip(f"no {CUBE}: name its folder in GRAPHFIT_DATA")
    text = printed("l1448_population.py", tmp_path, "--quick", "--output", "maps")
    assert "'converged': 225" in text
    assert text.count("Population of 225 members") == 2
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {
        "population.png",
        "quick.zarr",
    }
