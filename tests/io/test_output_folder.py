"""The folder of a named run: what is in it, reading it back, what can go wrong."""

import csv
import json
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import OutputError
from tests.cases import ALL_SEARCHES
from tests.exam import coefficients, polynomial, trend

SETTINGS = {"nlive": 40, "seed": 3}


def graph(seed=1):
    rng = np.random.default_rng(seed)
    centre = gf.UniformPrior(20.0, 40.0)
    x = np.arange(60.0)
    factors = []
    for i in range(2):
        data = gf.ex.Gaussian(30.0, 20.0, 5.0)(x) + rng.normal(0.0, 0.2, x.size)
        model = gf.Model(gf.ex.Gaussian, centre=centre, normalization=20.0)
        model.sigma = centre * 0.0 + gf.UniformPrior(2.0, 9.0, name="width") + float(i)
        factors.append(gf.AnalysisFactor(model, gf.ex.Analysis(data, np.full(60, 0.2))))
    return gf.FactorGraphModel(*factors)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def only_run(folder):
    (run,) = [path.parent for path in folder.rglob(".completed")]
    return run


def test_nothing_is_written_without_a_name(here):
    gf.DynestyStatic(**SETTINGS).fit(graph())
    assert list(here.iterdir()) == []


def test_what_a_run_leaves(here):
    search = gf.DynestyStatic(**SETTINGS, name="fit", path_prefix="a/b", unique_tag="t")
    results = search.fit(graph(), info={"night": "2026-11-23"})
    run = only_run(here / "output" / "a" / "b")
    assert run.parent.name == "fit"
    found = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    assert {
        "model.info",
        "model.results",
        "search.summary",
        "files/model.json",
        "files/search.json",
        "files/samples.csv",
        "files/samples.npz",
        "files/samples_summary.json",
        "files/info.json",
        "files/run.json",
        "image/graph.png",
        "image/marginals.png",
        "analyses/0/fit.png",
        "analyses/1/fit.png",
    } <= found
    assert not any("evaluations" in name or name.endswith(".part") for name in found)
    assert (run / "model.info").read_text() == results.model.info + "\n"
    assert (run / "model.results").read_text() == results.info + "\n"
    with (run / "files" / "samples.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0][: len(results.record.names)] == list(results.record.names)
    table = np.array(rows[1:], dtype=float)
    np.testing.assert_array_equal(
        table[:, : results.record.table.shape[1]], results.record.table
    )
    summary = json.loads((run / "files" / "samples_summary.json").read_text())
    assert summary["log_evidence"] == results.log_evidence
    model = gf.Model.from_dict(json.loads((run / "files" / "model.json").read_text()))
    assert model.parameter_names == results.samples.parameter_names


def test_a_finished_run_comes_back_the_same(here):
    search = gf.DynestyStatic(**SETTINGS, name="fit")
    fresh = search.fit(graph())
    again = search.fit(graph())
    for name in ("values", "derived", "log_likelihood", "log_prior", "log_weights"):
        np.testing.assert_array_equal(
            getattr(fresh.record, name), getattr(again.record, name)
        )
    assert fresh.info == again.info
    assert fresh[1].info == again[1].info
    assert fresh.log_evidence == again.log_evidence
    assert fresh[0].instance == again[0].instance


@pytest.mark.parametrize("case", ALL_SEARCHES, ids=lambda case: case.name)
def test_every_search_reloads_bit_by_bit(here, case):
    # Chains too short to converge are written and read as others are.
    shorter = {"Emcee": {"nsteps": 60}, "NUTS": {"draws": 40, "tune": 40}}
    short = shorter.get(case.name, {})
    search = case.make(seed=2, name="fit", figures=False, **short)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(Emcee|NUTS): ")
        fresh = search.fit(trend())
        began = time.perf_counter()
        again = search.fit(trend())
        print(f"{case.name}: read back in {time.perf_counter() - began:.4f} s")
        unnamed = case.make(seed=2, **short).fit(trend())
    for other in (again, unnamed):
        assert other.record.table.tobytes() == fresh.record.table.tobytes()
        assert other.record.weights.tobytes() == fresh.record.weights.tobytes()
        assert other.info == fresh.info
        assert [r.info for r in other] == [r.info for r in fresh]
        assert repr(other.instance) == repr(fresh.instance)
        numbers = ("log_evidence", "log_evidence_error", "effective_sample_size")
        for name in numbers:
            np.testing.assert_equal(getattr(other, name), getattr(fresh, name))
        if case.kind != "optimum":
            assert (
                other.covariance_matrix.tobytes() == fresh.covariance_matrix.tobytes()
            )
            assert repr(other[0].median_pdf()) == repr(fresh[0].median_pdf())
            assert repr(other[1].values_at_sigma(3.0)) == repr(
                fresh[1].values_at_sigma(3.0)
            )


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"name": "fit"}, "output/fit"),
        ({"path_prefix": "a"}, "output/a"),
        ({"name": "fit", "unique_tag": "t"}, "output/t/fit"),
        ({"name": "fit", "path_prefix": "a/b"}, "output/a/b/fit"),
        ({"unique_tag": "t"}, None),
        ({"progress": False}, None),
    ],
)
def test_where_a_run_is_written(here, settings, place):
    quick("LBFGS", **settings)
    if place is None:
        assert list(here.iterdir()) == []
    else:
        assert only_run(here).parent == here / place


def test_an_absolute_prefix_is_used_as_it_is(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    quick("LBFGS", name="fit", path_prefix=elsewhere)
    assert only_run(elsewhere).parent == elsewhere / "fit"
    assert list(here.iterdir()) == []


def quick(engine, **settings):
    search = getattr(gf, engine)(seed=1, figures=False, **settings)
    return search.fit(coefficients(1), polynomial(1))


class Hooked(gf.Analysis):
    """Writes its data and a figure of its own, and derives a number."""

    def __init__(self):
        self.data = np.arange(3.0)

    def log_likelihood_function(self, instance):
        return -float(np.sum((self.data - instance.level) ** 2))

    def save_attributes(self, folder):
        np.savetxt(folder / "data.txt", self.data)

    def visualize(self, folder, instance):
        (folder / "figure.txt").write_text(f"level {instance.level:.3f}")

    def derived(self, instance):
        return {"double": 2 * instance.level}


def test_an_analysis_writes_into_its_own_folder(here):
    factors = [
        gf.AnalysisFactor(gf.Collection(level=gf.UniformPrior(0, 2)), Hooked(), name=n)
        for n in ("north", "south")
    ]
    search = gf.LBFGS(seed=1, name="fit", figures=False)
    fresh = search.fit(gf.FactorGraphModel(*factors))
    run = only_run(here)
    for name in ("north", "south"):
        folder = run / "analyses" / name
        assert np.array_equal(np.loadtxt(folder / "data.txt"), np.arange(3.0))
        assert (folder / "figure.txt").read_text() == "level 1.000"
    again = search.fit(gf.FactorGraphModel(*factors))
    assert again.record.names == fresh.record.names
    assert again.record.names[-2:] == ("north.double", "south.double")
    assert again.record.derived.tobytes() == fresh.record.derived.tobytes()


def test_a_model_that_cannot_be_named_is_fitted_all_the_same(here):
    prior = gf.UniformPrior(0, 2)
    model = gf.Collection(level=gf.relation(lambda a: a + 1.0, prior))
    search = gf.LBFGS(seed=1, name="fit", figures=False)
    fresh = search.fit(model, Hooked())
    assert search.fit(model, Hooked()).info == fresh.info
    stored = json.loads((only_run(here) / "files/model.json").read_text())
    assert stored["type"] == "unwritable"
    assert "lambda" in stored["reason"]


def test_the_summary_says_what_was_done(here):
    result = quick("DynestyStatic", name="fit", nlive=20)
    run = only_run(here)
    text = (run / "search.summary").read_text()
    record = result.samples.record
    for words in ("DynestyStatic", run.name, f" {record.evaluations}\n", " 1\n"):
        assert words in text
    facts = json.loads((run / "files/run.json").read_text())
    assert facts["identity"] == run.name
    assert facts["settings"]["nlive"] == 20
    assert {"graphfit", "numpy", "scipy", "dynesty"} <= set(facts["versions"])
    assert (
        json.loads((run / "files/search.json").read_text())["type"] == "DynestyStatic"
    )


def test_an_optimum_has_a_summary_of_plain_json(here):
    quick("LBFGS", name="fit")
    text = (only_run(here) / "files/samples_summary.json").read_text()
    summary = json.loads(text, parse_constant=pytest.fail)  # no NaN, no Infinity
    assert summary["log_evidence"] is None
    assert "values_at_sigma_1" not in summary


def test_new_data_under_an_old_name_are_fitted_anew(here):
    search = gf.DynestyStatic(**SETTINGS, name="fit")
    one, two = search.fit(graph(1)), search.fit(graph(2))
    assert one.log_evidence != two.log_evidence
    assert len(list((here / "output" / "fit").iterdir())) == 2


def test_a_random_seed_is_kept_for_resuming(here):
    search = gf.DynestyStatic(nlive=40, name="fit")
    fresh = search.fit(graph())
    run = only_run(here)
    (run / ".completed").unlink()  # as if it had been killed at the very end
    again = search.fit(graph())
    np.testing.assert_array_equal(fresh.record.values, again.record.values)


def test_a_folder_of_another_run_is_refused(here):
    search = gf.LBFGS(seed=1, name="fit", figures=False)
    search.fit(graph())
    run = only_run(here)
    facts = json.loads((run / "files" / "run.json").read_text())
    (run / "files" / "run.json").write_text(json.dumps({**facts, "identity": "0"}))
    with pytest.raises(OutputError, match="holds another run"):
        search.fit(graph())


def test_a_place_that_cannot_be_written_is_refused_before_work(here):
    (here / "output").write_text("a file in the way")
    with pytest.raises(OutputError, match="not writable"):
        gf.LBFGS(seed=1, name="fit").fit(graph())


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"identity": "0"}'])
def test_a_damaged_run_file_is_refused_by_name(here, content):
    quick("LBFGS", name="fit")
    (only_run(here) / "files" / "run.json").write_text(content)
    with pytest.raises(OutputError, match=r"run\.json.*again"):
        quick("LBFGS", name="fit")


@pytest.mark.parametrize(
    "inside", ["files/samples.csv", "model.info", "files/run.json"]
)
def test_a_folder_where_a_file_must_go_is_said(here, inside):
    quick("LBFGS", name="fit")
    run = only_run(here)
    (run / ".completed").unlink()
    (run / inside).unlink()
    (run / inside).mkdir()
    with pytest.raises(OutputError, match=inside.rpartition("/")[2]):
        quick("LBFGS", name="fit")


FULL = """
import resource, signal, sys
import graphfit as gf
from tests.exam import coefficients, polynomial

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
search = gf.DynestyStatic(nlive=20, seed=1, name="fit", figures=False)
try:
    search.fit(coefficients(1), polynomial(1))
except gf.errors.OutputError as error:
    print(error)
"""


# Room for less than the run's facts, for part of the journal, for all but the samples.
@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 4000, 16_000])
def test_a_full_disk_is_said_and_nothing_is_lost(here, limit):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(limit)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Cannot write" in done.stdout
    assert "File too large" in done.stdout
    assert "space" in done.stdout
    assert not list(here.rglob(".completed"))
    search = gf.DynestyStatic(nlive=20, seed=1, name="fit", figures=False)
    found = search.fit(coefficients(1), polynomial(1)).samples.record
    whole = gf.DynestyStatic(nlive=20, seed=1).fit(coefficients(1), polynomial(1))
    assert found.values.tobytes() == whole.samples.record.values.tobytes()
    assert only_run(here)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut short"])
def test_damaged_samples_are_refused_by_name(here, damage):
    search = gf.LBFGS(seed=1, name="fit", figures=False)
    search.fit(graph())
    (only_run(here) / "files" / "samples.npz").write_bytes(damage)
    with pytest.raises(OutputError, match=r"samples\.npz"):
        search.fit(graph())
