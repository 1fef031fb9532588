"""Scripts written for PyAutoFit run with one line changed, the import.

The scripts in scripts/ use the calls of PyAutoFit's cookbooks, on the datasets that the
workspace's simulators make.  They set no seed, as their users do, so the tolerances here
are wide: many times the posterior errors.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parents[1] / "workspace"

pytestmark = [
    pytest.mark.slow,
    # Scripts call plt.show() and the like; tests have no screen.
    pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive"),
]

Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the workspace's simulators make."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(WORKSPACE / "simulators", folder / "simulators")
    subprocess.run([sys.executable, str(folder / "simulators" / "all.py")], check=True)
    return folder / "dataset"


@pytest.fixture
def run(datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a script in a folder that holds nothing but the datasets."""
    shutil.copytree(datasets, tmp_path / "dataset")
    monkeypatch.chdir(tmp_path)

    def execute(name: str) -> dict[str, Any]:
        text = (HERE / "scripts" / f"{name}.txt").read_text()
        changed, count = re.subn(
            r"^import autofit as af$", "import graphfit as af", text, flags=re.MULTILINE
        )
        assert count == 1
        assert "autofit" not in changed
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(changed, f"{name}.py", "exec"), namespace)
        return namespace

    return execute


def lines_of(info: str) -> list[str]:
    """Return the lines of an info text without their column spacing."""
    return [re.sub(r"(?<=\S)\s{2,}", " | ", line) for line in info.splitlines()]


def test_multiple_datasets(run: Run, tmp_path: Path) -> None:
    names = run("multiple_datasets")
    check_identical(names)
    check_own_normalization_and_sigma(names)
    check_relation(names)
    for name in ("identical", "free_sigma", "relation"):
        (folder,) = (tmp_path / "output" / "features" / name).iterdir()
        assert {"model.info", "model.results", "search.summary", "files"} <= {
            path.name for path in folder.iterdir()
        }
        assert (folder / "files" / "samples.csv").exists()


def check_identical(names: dict[str, Any]) -> None:
    assert names["identical_graph"].global_prior_model.prior_count == 3
    lines = lines_of(names["identical_info"])
    assert lines[0] == "Total Free Parameters = 3"
    assert "    0 - 2 | Gaussian (N=3)" in lines
    assert lines.count("0 - 2") == 1
    assert not {"0", "1", "2"} & set(lines)

    results = names["identical_results"]
    assert len(results) == 3
    best = [result.max_log_likelihood_instance for result in results]
    assert best[0] == best[1] == best[2]
    assert best[0].centre == pytest.approx(50.0, abs=0.7)
    assert best[0].normalization == pytest.approx(25.0, abs=1.5)
    assert best[0].sigma == pytest.approx(10.0, abs=0.7)
    assert best[0].model_data_from(xvalues=np.arange(100)).shape == (100,)


def check_own_normalization_and_sigma(names: dict[str, Any]) -> None:
    assert names["variable_graph"].global_prior_model.prior_count == 7
    lines = lines_of(names["variable_info"])
    assert lines[0] == "Total Free Parameters = 7"
    assert "    0 - 2 | Gaussian (N=3)" in lines
    shared = lines[lines.index("0 - 2") : lines.index("0")]
    assert [line.split(" | ")[0].strip() for line in shared] == ["0 - 2", "centre"]
    for i in range(3):
        own = [line.split(" | ")[0].strip() for line in lines[lines.index(f"{i}") :]]
        assert own[:3] == [f"{i}", "normalization", "sigma"]

    best = [r.max_log_likelihood_instance for r in names["variable_results"]]
    assert best[0].centre == best[1].centre == best[2].centre
    assert best[0].centre == pytest.approx(50.0, abs=0.5)
    for instance, sigma in zip(best, (10.0, 15.0, 20.0), strict=True):
        assert instance.normalization == pytest.approx(50.0, abs=4.0)
        assert instance.sigma == pytest.approx(sigma, abs=2.0)


def check_relation(names: dict[str, Any]) -> None:
    assert names["relation_graph"].global_prior_model.prior_count == 4
    lines = lines_of(names["relation_info"])
    assert lines[0] == "Total Free Parameters = 4"
    assert "    0 - 2 | Collection (N=4)" in lines
    assert "        gaussian | Gaussian (N=4)" in lines
    start = lines.index("0 - 2")
    shared = "\n".join(lines[start : lines.index("0")])
    assert shared.count("UniformPrior, lower") + shared.count("UniformPrior [") == 4
    for i, x in enumerate(("1.0", "2.0", "3.0")):
        own = "\n".join(lines[lines.index(f"{i}") :][:3])
        assert x in own

    results = names["relation_results"]
    best = [result.max_log_likelihood_instance.gaussian for result in results]
    assert best[0].normalization == best[2].normalization
    widths = [instance.sigma for instance in best]
    assert widths[1] - widths[0] == pytest.approx(widths[2] - widths[1])
    assert widths == pytest.approx([10.0, 15.0, 20.0], abs=1.2)

    low, high = names["values"].gaussian.sigma
    assert low < names["median"].gaussian.sigma < high
    assert names["upper_values"].gaussian.sigma == high
    minus, plus = names["errors"].gaussian.centre
    assert 0.0 < minus < 1.0
    assert 0.0 < plus < 1.0
    assert names["lower_errors"].gaussian.centre == minus
    assert len(names["as_list"]) == 4
    assert np.isfinite(names["samples"].log_evidence)


def test_interpolation(run: Run) -> None:
    names = run("interpolation")
    centres = [instance.gaussian.centre for instance in names["best_instances"]]
    assert centres == pytest.approx([40.0, 50.0, 60.0], abs=1.0)
    found = names["instance"].gaussian.centre
    assert found == pytest.approx(0.5 * (centres[1] + centres[2]))


def test_hierarchy(run: Run) -> None:
    names = run("hierarchy")
    model = names["factor_graph"].global_prior_model
    # Four centres and the two hyper-parameters.
    assert model.prior_count == 6
    assert model.parameter_names[-2:] == (
        "distribution_model.mean",
        "distribution_model.sigma",
    )
    lines = lines_of(names["info"])
    assert lines[0] == "Total Free Parameters = 6"
    assert [line for line in lines if line.startswith("distribution_model")]
    assert len(names["results"]) == 4
    truth = [53.08, 58.29, 63.16, 44.60]  # the simulator's first four centres
    assert names["centres"] == pytest.approx(truth, abs=10.0)


def test_chaining_and_grid_search(run: Run) -> None:
    names = run("chaining_and_grid_search")
    assert names["result_1"].instance.gaussian_left.centre == pytest.approx(25.0, abs=1)
    assert names["model_2"].prior_count == 3
    assert names["model_3"].prior_count == 6
    both = names["result_3"].instance
    assert both.gaussian_left.sigma == pytest.approx(8.0, abs=0.5)
    assert both.gaussian_right.sigma == pytest.approx(10.0, abs=0.8)

    evidences = np.asarray(names["grid_search_result"].log_evidence_values)
    assert evidences.shape == (4,)
    # The second line is at 75, on the border of the last two quarters.
    assert int(np.argmax(evidences)) in (2, 3)
    assert evidences.max() > evidences[:2].max() + 100.0
