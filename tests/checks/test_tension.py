"""Tension of two groups: closed forms of Gaussians, whatever the prior."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm

import graphfit as gf
from graphfit.checks.tension import tension
from graphfit.errors import GraphError, ResultError, SettingError, UnknownNameError
from tests.checks.levels import (
    OPTIMUM,
    POINTS,
    X,
    level,
    level_data,
    level_graph,
    linear_posterior,
    log_evidence,
    slope_graph,
)

COLUMNS = np.stack([np.ones(POINTS), X], axis=1)
SEARCH = gf.NestedSampler(n_live=400, seed=1)  # amplitudes integrated out: quick
SAMPLED = gf.NestedSampler(n_live=200, seed=1, integrate_amplitudes=False)


def slope_data(seed, count=2, off=(0.0, 0.0)):
    rng = np.random.default_rng(seed)
    data = 1.0 + 2.0 * X + rng.normal(size=(count, POINTS))
    data[0] += COLUMNS @ np.array(off)
    return data


def exact(a, b, **settings):
    """Return ln R, ln S and chi-square of two groups of datasets."""
    parts = (np.concatenate([a, b]), a, b)
    signs = (1.0, -1.0, -1.0)
    log_r = sum(
        s * log_evidence(x, **settings) for s, x in zip(signs, parts, strict=True)
    )
    log_s = sum(
        s * linear_posterior(x, **settings)[2]
        for s, x in zip(signs, parts, strict=True)
    )
    (m, c, _), (n, k, _) = (linear_posterior(x, **settings) for x in (a, b))
    return log_r, log_s, float((m - n) @ np.linalg.solve(c + k, m - n))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("search", [SEARCH, SAMPLED], ids=["marginal", "sampled"])
def test_it_is_the_closed_form(seed, search):
    """With wide priors ``ln S = d/2 - chi^2/2`` and p is that of chi-square."""
    data = slope_data(seed, off=(1.0, -1.0))
    found = tension(slope_graph(data, width=30.0), search)["n0"]
    log_r, log_s, chi = exact(data[:1], data[1:], width=30.0, columns=COLUMNS)
    assert log_s == pytest.approx(1.0 - 0.5 * chi, abs=0.01)
    for name, truth in (
        ("log_r", log_r),
        ("log_s", log_s),
        ("log_i", log_r - log_s),
        ("dimensionality", 2.0),
        ("sigma", norm.isf(0.5 * chi2.sf(chi, 2))),
    ):
        assert abs(found[name] - truth) < 4.0 * found[f"{name}_error"] + 0.02, name


def test_s_does_not_depend_on_the_prior_and_r_does():
    data = slope_data(7, off=(1.5, 0.0))
    narrow, wide = (
        tension(slope_graph(data, width=width), SEARCH)["n0"] for width in (20.0, 200.0)
    )
    noise = np.hypot(narrow["log_s_error"], wide["log_s_error"])
    assert abs(narrow["log_s"] - wide["log_s"]) < 4.0 * noise
    # Two parameters, each with ten times the room.
    assert wide["log_r"] - narrow["log_r"] == pytest.approx(2.0 * np.log(10.0), abs=0.1)
    assert wide["log_i"] - narrow["log_i"] == pytest.approx(
        2.0 * np.log(10.0), abs=0.1 + 4.0 * noise
    )


def test_p_values_are_uniform_and_errors_are_the_scatter():
    p, apart = [], []
    for seed in range(60):
        data = slope_data(seed)
        found = tension(slope_graph(data), gf.NestedSampler(n_live=250, seed=seed))[
            "n0"
        ]
        p.append(found["p_value"])
        _, log_s, _ = exact(data[:1], data[1:], columns=COLUMNS)
        apart.append((found["log_s"] - log_s) / found["log_s_error"])
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.6 < np.std(apart) < 1.4


def test_the_dataset_that_is_off_is_found():
    data = level_data(0, shifted=3)
    found = tension(level_graph(data), SEARCH)
    assert len(found.pairs) == 10
    assert found.labels[3] == "n3 | 9 others"
    assert np.argmax(found.sigma) == 3
    others = np.delete(data, 3, axis=0)
    z = (data[3].mean() - others.mean()) / np.sqrt(1 / POINTS + 1 / others.size)
    assert found["n3"]["sigma"] == pytest.approx(abs(z), abs=0.4)
    assert repr(found).startswith("Tension(n0 | 9 others: ")


def test_a_joint_fit_that_is_there_is_used():
    results = SEARCH.fit(level_graph(level_data(1, count=3)))
    found = tension(results, SEARCH, split=[0])
    again = tension(results.graph, SEARCH, split=[0])
    assert found["n0"] == again["n0"]


@pytest.mark.parametrize(
    ("split", "pair"),
    [
        ("n1", (("n1",), ("n0", "n2", "n3"))),
        (["n2", 0], (("n0", "n2"), ("n1", "n3"))),
        ([["n0"], ["n3", "n1"]], (("n0",), ("n1", "n3"))),
    ],
)
def test_groups(split, pair):
    found = tension(level_graph(level_data(1, count=4)), SEARCH, split=split)
    assert found.pairs == (pair,)


def test_local_parameters_do_not_count():
    """Each dataset has a tilt of its own: d is about the height alone."""
    data = slope_data(3)
    height = gf.GaussianPrior(0.0, 10.0)
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(
                    lambda x, height, tilt: height + tilt * x,
                    height=height,
                    tilt=gf.GaussianPrior(0.0, 10.0),
                ),
                gf.ProfileAnalysis(X, row, noise_map=1.0),
            )
            for row in data
        )
    )
    found = tension(graph, gf.NestedSampler(n_live=1000, seed=1))["0"]
    assert abs(found["dimensionality"] - 1.0) < 4.0 * found["dimensionality_error"]


@pytest.mark.filterwarnings("ignore:Emcee")
def test_a_chain_gives_s_and_no_r():
    pytest.importorskip("emcee")
    data = slope_data(2)
    found = tension(slope_graph(data), gf.Emcee(nwalkers=20, nsteps=600, seed=1))
    _, log_s, _ = exact(data[:1], data[1:], columns=COLUMNS)
    assert np.isnan(found.log_r).all()
    assert abs(found["n0"]["log_s"] - log_s) < 5.0 * found["n0"]["log_s_error"]
    assert "want evidences: a search such as gf.NestedSampler" in str(found)


def test_text():
    found = tension(level_graph(level_data(0, 2, shifted=1, sigmas=8.0)), SEARCH)
    head, columns, row = str(found).splitlines()
    assert head == "Tension between datasets"
    assert columns.split() == ["ln", "R", "ln", "I", "ln", "S", "d", "p", "sigma"]
    assert row.startswith("n0 | n1  ")
    assert row.count("+/-") == 5


def test_what_is_refused():
    graph = level_graph(level_data(1, count=3))
    with pytest.raises(
        SettingError, match="LevenbergMarquardt finds one optimum.*Nested"
    ):
        tension(graph, OPTIMUM)
    with pytest.raises(ResultError, match="this fit is one optimum"):
        tension(OPTIMUM.fit(graph), SEARCH)
    with pytest.raises(SettingError, match="must be a search"):
        tension(graph, "nested")
    with pytest.raises(GraphError, match="no dataset 'n7'"):
        tension(graph, SEARCH, split=["n7"])
    with pytest.raises(GraphError, match="no dataset 9"):
        tension(graph, SEARCH, split=[9])
    with pytest.raises(GraphError, match="'n0' is in both groups"):
        tension(graph, SEARCH, split=[["n0"], ["n0", "n1"]])
    with pytest.raises(GraphError, match="no dataset is left for B"):
        tension(graph, SEARCH, split=["n0", "n1", "n2"])
    with pytest.raises(GraphError, match="group of datasets is empty"):
        tension(graph, SEARCH, split=[])
    with pytest.raises(SettingError, match="split names the datasets"):
        tension(graph, SEARCH, split={"n0"})
    with pytest.raises(GraphError, match="give a FactorGraphModel"):
        tension(None, SEARCH)
    apart = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(level, height=gf.GaussianPrior(0.0, 1.0)),
                gf.ProfileAnalysis(X, X, noise_map=1.0),
            )
            for _ in range(2)
        )
    )
    with pytest.raises(GraphError, match="0 | 1 share no parameter"):
        tension(apart, SEARCH)


def test_a_pair_that_is_not_there():
    found = tension(level_graph(level_data(1, count=2)), SEARCH)
    with pytest.raises(UnknownNameError, match="no pair 'n5'"):
        found["n5"]
