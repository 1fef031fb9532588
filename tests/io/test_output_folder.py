"""The folder of a named run: what is in it, reading it back, what can go wrong."""

import csv
import json

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import OutputError

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


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut short"])
def test_damaged_samples_are_refused_by_name(here, damage):
    search = gf.LBFGS(seed=1, name="fit", figures=False)
    search.fit(graph())
    (only_run(here) / "files" / "samples.npz").write_bytes(damage)
    with pytest.raises(OutputError, match=r"samples\.npz"):
        search.fit(graph())
