"""Every cookbook of the workspace runs as a user runs it, and finds what it simulated.

The workspace is copied first, so that a test sees a fresh one and leaves none behind.

The datasets are fixed, and the seed of one (moving_centre) was chosen so that the example
looks typical: agreement with the truth here shows that a cookbook works.  Whether errors
are of the right size is for the calibration tests.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

WORKSPACE = Path(__file__).resolve().parents[2] / "workspace"
COOKBOOKS = sorted(
    path.stem
    for path in (WORKSPACE / "scripts").glob("*.py")
    if path.stem != "cookbook"  # what they share
)

# How many parameters a cookbook compares with their truth, and what else it must say.
EXPECTED = {
    "chaining": (6, "left alone: Gaussian(centre=2"),
    "different_analyses": (7, "counts.line_counts"),
    "hierarchy": (14, "Total Free Parameters = 14"),
    "identical_signal": (6, "The error of the centre shrank by a factor 1."),
    "least_squares": (10, "The fit converged."),
    "one_by_one": (10, "linear, time 1.5: centre 5"),
    "own_normalization_and_sigma": (7, "Total Free Parameters = 7"),
    "relation": (7, "Total Free Parameters = 4"),
    "resume": (3, "read back equals fresh: True\nother data, other answer: True"),
}

COMPARED = re.compile(
    r"^(?P<name>\S+) +(?P<median>\S+)  -(?P<minus>\S+)  \+(?P<plus>\S+)   "
    r"truth (?P<truth>\S+)$",
    re.MULTILINE,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    copy = tmp_path / "workspace"
    shutil.copytree(
        WORKSPACE,
        copy,
        ignore=lambda folder, names: (
            names
            if Path(folder) == WORKSPACE / "dataset"
            else {"output", "__pycache__"} & set(names)
        ),
    )
    return copy


def run(script: Path, *arguments: str, cwd: Path) -> str:
    """Run a script from another folder than its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=cwd,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_every_cookbook_is_expected() -> None:
    assert sorted(EXPECTED) == COOKBOOKS


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in COOKBOOKS if name != "resume"])
def test_cookbook(name: str, workspace: Path, tmp_path: Path) -> None:
    script = workspace / "scripts" / f"{name}.py"
    printed = run(script, "--nlive", "40", cwd=tmp_path)
    check_what_was_found(name, printed)
    assert list((workspace / "output" / "figures").glob(f"{name}*.png"))
    # Nothing is written where the script was called from.
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def check_what_was_found(name: str, printed: str) -> None:
    count, words = EXPECTED[name]
    assert words in printed
    compared = list(COMPARED.finditer(printed))
    assert len(compared) == count
    pulls = {}
    for line in compared:
        median, minus, plus, truth = map(
            float, line.group("median", "minus", "plus", "truth")
        )
        pulls[line["name"]] = (median - truth) / (minus if median > truth else plus)
    assert max(map(abs, pulls.values())) < 4.0, pulls
    assert np.sqrt(np.mean(np.square(list(pulls.values())))) < 2.0, pulls


@pytest.mark.slow
def test_resume_and_a_named_run_is_not_done_twice(
    workspace: Path, tmp_path: Path
) -> None:
    script = workspace / "scripts" / "resume.py"
    first = run(script, "--nlive", "40", cwd=tmp_path)
    check_what_was_found("resume", first)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]
    second = run(script, "--nlive", "40", cwd=tmp_path)

    def without_seconds(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.startswith("made ")]
        return re.sub(r"\d+\.\d\d s", "", "\n".join(lines))

    assert without_seconds(first) == without_seconds(second)


def test_the_simulators_make_the_same_data_again(
    workspace: Path, tmp_path: Path
) -> None:
    folder = workspace / "dataset" / "example_1d"

    def contents() -> dict[str, bytes]:
        run(workspace / "simulators" / "all.py", cwd=tmp_path)
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*.json"))
        }

    once = contents()
    shutil.rmtree(folder)
    assert contents() == once
    for expected in (
        "gaussian_x1_identical_2/data.json",
        "gaussian_x1_variable/sigma_2/noise_map.json",
        "gaussian_x1_variable/time_2/data.json",
        "gaussian_x1__low_snr/dataset_9/data.json",
    ):
        assert expected in once
