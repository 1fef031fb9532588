import re

import numpy as np
import pytest
from click.testing import CliRunner

import graphfit as gf
from graphfit.cli.application import application
from graphfit.cli.demo_data import POINTS, Truth, simulate
from graphfit.cli.demo_models import WAYS
from graphfit.cli.demo_report import comparison, odds, parameter_table, ranked, verdict

FIGURES = {
    "evidences.png",
    *(f"{kind}_{way.name}.png" for kind in ("fit", "graph") for way in WAYS),
}


def run(*arguments):
    return CliRunner().invoke(application, ["demo", "--nlive", "100", *arguments])


def without_times(text):
    return re.sub(r"\d+\.\d s", "- s", text)


# --- the data ----------------------------------------------------------------------


def test_the_same_seed_gives_the_same_data():
    first, second, other = (simulate(Truth(), seed) for seed in (1, 1, 2))
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert not np.array_equal(a.data, c.data)


def test_the_noise_is_as_stated():
    truth = Truth()
    x = np.arange(float(POINTS))
    residuals = [
        dataset.data - gf.ex.Gaussian(truth.centre, truth.normalization, sigma)(x)
        for seed in range(30)
        for dataset, sigma in zip(simulate(truth, seed), truth.sigmas, strict=True)
    ]
    assert np.std(residuals) == pytest.approx(truth.noise, rel=0.03)
    assert abs(np.mean(residuals)) < 0.005


def test_a_dataset_does_not_depend_on_how_many_there_are():
    few, more = simulate(Truth(count=2), 1), simulate(Truth(count=5), 1)
    np.testing.assert_array_equal(few[1].data, more[1].data)


# --- the models --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"), [("shared", 3), ("per-dataset", 7), ("relational", 4)]
)
def test_the_three_ways(name, count):
    (way,) = (way for way in WAYS if way.name == name)
    graph = way.graph(simulate(Truth(), 1))
    assert graph.global_prior_model.prior_count == count
    known = {*graph.global_prior_model.parameter_names, "0.sigma", "1.sigma", "2.sigma"}
    assert set(way.expected(Truth())) <= known


def test_the_relation_is_the_truth():
    (way,) = (way for way in WAYS if way.name == "relational")
    truth = Truth()
    model = way.graph(simulate(truth, 1)).global_prior_model
    values = way.expected(truth)
    instance = model.instance_from_vector([values[n] for n in model.parameter_names])
    assert [instance[i].sigma for i in range(3)] == list(truth.sigmas)


# --- the whole ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_whole(tmp_path, monkeypatch):
    """Two runs; one test, so that no two processes make the same ones."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "new" / "figures"
    result = run("--output", str(folder))
    assert result.exit_code == 0, result.output
    it_says_what_was_found(result.output)
    the_truth_is_within_the_errors(result.output)
    it_draws_and_says_where(result.output, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    again = run("--no-figures")
    the_same_seed_gives_the_same_numbers(result, again)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def it_says_what_was_found(text):
    assert "m = 2, c = 6: 6, 8, 10" in text
    heads = re.findall(r"^--- (\S+):", text, re.MULTILINE)
    assert heads == ["shared", "per-dataset", "relational"]
    assert re.findall(r"^(\d) free parameters", text, re.MULTILINE) == ["3", "7", "4"]
    assert re.search(
        r"^sigma\.m +\d\.\d+ +-0\.\d+ +\+0\.\d+ +2 +[+-]\d", text, re.MULTILINE
    )
    assert re.search(r"^sigma +\d.* - +-$", text, re.MULTILINE)
    assert re.search(r"^relational +4 +\d", text, re.MULTILINE)
    assert "The data prefer 'relational'. Against 'per-dataset'" in text
    assert re.search(r"ln Z differs by \d+\.\d \+/- \d\.\d:", text)
    assert re.search(r"^Run time \d+\.\d s$", text, re.MULTILINE)
    assert max(len(line) for line in text.splitlines()) <= 100


def the_truth_is_within_the_errors(text):
    """Of the model that was simulated; 4 sigma."""
    part = text.partition("--- relational")[2].partition("---")[0]
    off = [float(found) for found in re.findall(r"([+-]\d+\.\d) sigma$", part, re.M)]
    assert len(off) == 7
    assert max(map(abs, off)) < 4.0


def it_draws_and_says_where(text, folder):
    written = {path.name for path in folder.iterdir()}
    assert written == FIGURES | {"posterior_relational.png"}
    assert str(folder) in text
    for name in written:
        assert name in text
        assert (folder / name).stat().st_size > 5000


def the_same_seed_gives_the_same_numbers(first, again):
    assert again.exit_code == 0
    head = without_times(first.output).partition("\nFigures in")[0]
    assert without_times(again.output).startswith(head)


def test_a_folder_that_cannot_be_made_fails_before_the_fits(tmp_path):
    (tmp_path / "file").write_text("")
    failed = run("--output", str(tmp_path / "file" / "below"))
    assert failed.exit_code == 1
    assert failed.stdout == ""
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("Error: Cannot make the folder")


# --- what is said ------------------------------------------------------------------


class Fit:
    """As much of a ResultList as an evidence needs."""

    def __init__(self, log_evidence, error=0.3):
        self.log_evidence, self.log_evidence_error = log_evidence, error
        self.chi_squared = 300.0
        self.record = type("Record", (), {"parameter_names": ("a", "b")})


def test_a_clear_preference():
    text = verdict({"a": Fit(-20.0), "b": Fit(-10.0), "c": Fit(-500.0)})
    assert "The data prefer 'b'. Against 'a', the next best" in text
    assert "ln Z differs by 10.0 +/- 0.4:" in text
    assert "a factor of e^10.0, odds of 22 000 to 1" in text
    assert "(between 14 000 and 34 000" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("gap", "error"), [(0.5, 0.01), (1.5, 0.8), (0.0, 0.0), (5.0, 2.0)]
)
def test_a_difference_within_the_error_decides_nothing(gap, error):
    text = verdict({"a": Fit(0.0, error), "b": Fit(gap, error)})
    assert text.strip().startswith("The data do not decide between 'b' and 'a'") or (
        gap == 0.0 and "do not decide" in text
    )
    assert f"differs by {gap:.1f} +/- {np.hypot(error, error):.1f}" in text


def test_the_table_has_the_best_first():
    fits = {"a": Fit(-20.0), "b": Fit(-10.0)}
    assert ranked(fits) == ["b", "a"]
    lines = comparison(fits).strip().splitlines()
    assert lines[2].split() == ["b", "2", "300.0", "-10.00", "0.30", "-"]
    assert lines[3].split()[-3:] == ["10.00", "+/-", "0.42"]


def test_how_far_off_counts_the_error_on_that_side():
    class Results:
        record = (
            gf.DynestyStatic(nlive=20, seed=1)
            .fit(
                gf.FactorGraphModel(
                    gf.AnalysisFactor(
                        gf.ex.Gaussian, simulate(Truth(), 1)[0].analysis()
                    )
                )
            )
            .record
        )

    table = parameter_table(Results(), {"centre": 50.0}).splitlines()
    name, middle, minus, plus, truth, off, unit = table[1].split()
    assert (name, truth, unit) == ("centre", "50", "sigma")
    side = -float(minus) if float(middle) > 50.0 else float(plus)
    assert float(off) == pytest.approx((float(middle) - 50.0) / side, abs=0.2)
    assert table[2].split()[-2:] == ["-", "-"]


@pytest.mark.parametrize(
    ("log_odds", "text"),
    [
        (0.0, "1"),
        (-1.0, "0.37"),
        (np.log(9.96), "10"),
        (np.log(12.4), "12"),
        (np.log(99.6), "100"),
        (np.log(4321.0), "4 300"),
        (np.log(999_999.0), "1 000 000"),
        (np.log(2e6), "2.0e+6"),
        (5000.0, "3.0e+2171"),
    ],
)
def test_odds(log_odds, text):
    assert odds(log_odds) == text
