"""What a search shows while it runs: nothing but on a terminal, or when asked."""

import warnings

import pytest

from tests.cases import ALL_SEARCHES
from tests.exam import regression, two_parts

by_name = {"ids": lambda case: case.name}

# What the last line must say of each search, as a user reads it.
LAST = {
    "DynestyStatic": ["samples, ", "likelihood calls, ln Z = ", " +/- ", ", done"],
    "DynestyDynamic": ["samples, ", "likelihood calls, ln Z = ", " +/- ", ", done"],
    "NestedSampler": ["samples, ", "likelihood calls, ln Z = ", " +/- ", ", done"],
    "Emcee": ["step 60 of 60, acceptance 0."],
    "NUTS": ["4 of 4 chains, ", "gradient calls"],
    "LBFGS": ["start 4 of 4, ln posterior -"],
    "LevenbergMarquardt": ["The fit converged, ln posterior -"],
}


def fit(case, graph, **settings):
    short = {"nsteps": 60} if case.name == "Emcee" else {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Emcee: ")
        return case.make(seed=1, **short, **settings).fit(graph)


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
@pytest.mark.parametrize("progress", [None, False])
def test_nothing_is_printed_by_default(case, progress, capfd):
    fit(case, regression(2).make(), progress=progress)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_progress_is_one_line_that_ends_in_the_final_state(case, capfd):
    results = fit(case, regression(2).make(), progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    last = err.rstrip("\n").split("\r")[-1]
    assert last.startswith(f"{case.name} [00:")
    for part in LAST[case.name]:
        assert part in last
    if case.kind == "nested":
        assert f"{len(results.record)} samples" in last
        assert f"ln Z = {results.log_evidence:.2f}" in last
        assert f"+/- {results.log_evidence_error:.2f}" in last


def test_each_part_of_a_graph_has_its_line(capfd):
    (lbfgs,) = [case for case in ALL_SEARCHES if case.name == "LBFGS"]
    fit(lbfgs, two_parts(), progress=True)
    lines = capfd.readouterr().err.rstrip("\n").split("\n")
    assert len(lines) == 2
    assert lines[0].split("\r")[-1].startswith("LBFGS part 1 of 2 [")
    assert lines[1].split("\r")[-1].startswith("LBFGS part 2 of 2 [")


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_a_terminal_shows_progress(case, capfd, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    fit(case, regression(2).make())
    assert case.name in capfd.readouterr().err
