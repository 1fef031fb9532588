"""One parameter for all datasets, or one for each: exact Gaussian evidences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import graphfit as gf
from graphfit.errors import GraphError, ResultError
from graphfit.model_choice.shared import compare_shared, freed

X = np.linspace(-1.0, 1.0, 8)
SEARCH = gf.LevenbergMarquardt(maximize="posterior")


def slope(x, height, tilt):
    return height + tilt * x


def made(seed=1, count=3, apart=0.0, width=3.0):
    """Return heights that are shared and tilts that are, the prior of height, data."""
    rng = np.random.default_rng(seed)
    height, tilt = gf.GaussianPrior(0.0, width), gf.GaussianPrior(0.0, 2.0)
    data = 1.0 + rng.normal(size=(count, X.size))
    data[0] += apart
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(slope, height=height, tilt=tilt),
                gf.ProfileAnalysis(X, row, noise_map=1.0),
                name=f"n{i}",
            )
            for i, row in enumerate(data)
        )
    )
    return graph, height, data


def exact(data, *, free, width=3.0):
    count = len(data)
    who = np.repeat(np.arange(count), X.size)
    heights = who[:, None] == np.arange(count) if free else np.ones((who.size, 1))
    tilts = np.tile(X, count)[:, None]
    covariance = np.eye(who.size) + width**2 * heights @ heights.T
    covariance = covariance + 4.0 * tilts @ tilts.T
    return multivariate_normal(cov=covariance).logpdf(data.ravel())


@pytest.mark.parametrize("apart", [0.0, 3.0])
def test_the_evidences_are_exact(apart):
    graph, height, data = made(apart=apart)
    truth = [exact(data, free=False), exact(data, free=True)]
    found = compare_shared(graph, height, SEARCH)
    assert found.labels == ("shared", "free")
    np.testing.assert_allclose(found.log_evidence, truth, atol=1e-5)
    assert found.best == ("free" if apart else "shared")


def test_by_name_and_with_a_nested_sampler():
    graph, _, data = made(seed=2)
    found = compare_shared(graph, "height", gf.NestedSampler(n_live=200, seed=1))
    truth = exact(data, free=False) - exact(data, free=True)
    value = found.log_evidence[0] - found.log_evidence[1]
    assert value == pytest.approx(truth, abs=4.0 * found.log_evidence_error.sum())


def test_compare_takes_the_two_fits_as_they_are():
    graph, height, data = made(seed=3)
    fits = {"shared": SEARCH.fit(graph), "free": SEARCH.fit(freed(graph, height))}
    found = gf.compare(fits)
    np.testing.assert_allclose(
        found.log_evidence,
        [exact(data, free=free) for free in (False, True)],
        atol=1e-5,
    )


def test_prior_probabilities():
    graph, height, _ = made()
    even = compare_shared(graph, height, SEARCH)
    sure = compare_shared(graph, height, SEARCH, prior={"shared": 9, "free": 1})
    odds = [p.probability[0] / p.probability[1] for p in (even, sure)]
    assert odds[1] / odds[0] == pytest.approx(9.0)


def test_what_is_free_and_what_stays():
    graph, height, _ = made()
    names = freed(graph, "height").global_prior_model.parameter_names
    assert set(names) == {"n0.height", "n1.height", "n2.height", "tilt"}
    assert freed(graph, ["height", "tilt"]).global_prior_model.prior_count == 6
    assert graph.global_prior_model.prior_count == 2
    assert list(freed(graph, height).factors) == ["n0", "n1", "n2"]


def test_relations_follow():
    height = gf.GaussianPrior(0.0, 3.0)
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(slope, height=height * (i + 1), tilt=1.0),
                gf.ProfileAnalysis(X, X, noise_map=1.0),
            )
            for i in range(2)
        )
    )
    model = freed(graph, height).global_prior_model
    instance = model.instance_from_vector([1.0, 10.0])
    assert (instance[0].height, instance[1].height) == (1.0, 20.0)


def test_a_populations_mean_can_be_free():
    mean = gf.GaussianPrior(0.0, 5.0)
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=mean, sigma=1.0)
    factors = []
    for _ in range(2):
        model = gf.Model(slope, height=gf.GaussianPrior(0.0, 1.0), tilt=0.0)
        population.add_drawn_variable(model.height)
        factors.append(
            gf.AnalysisFactor(model, gf.ProfileAnalysis(X, X, noise_map=1.0))
        )
    graph = gf.FactorGraphModel(*factors, population)
    assert graph.global_prior_model.prior_count == 3
    assert freed(graph, mean).global_prior_model.prior_count == 4


def test_conditions_between_datasets():
    graph, height, _ = made()
    model = graph.global_prior_model
    model.add_assertion(model[0].tilt < 5.0)
    assert freed(graph, height).global_prior_model.assertions == model.assertions
    with pytest.raises(GraphError, match="put the condition into each dataset's model"):
        freed(graph, "tilt")


def test_named_runs_have_folders_of_their_own(tmp_path):
    graph, height, _ = made()
    search = gf.LevenbergMarquardt(
        maximize="posterior", name="fit", path_prefix=tmp_path, figures=False
    )
    compare_shared(graph, height, search)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fit_free", "fit_shared"]


def test_what_is_refused():
    graph, _, _ = made()
    with pytest.raises(GraphError, match="Did you mean 'height'"):
        compare_shared(graph, "heigth", SEARCH)
    with pytest.raises(GraphError, match="no parameter UniformPrior"):
        compare_shared(graph, gf.UniformPrior(0.0, 1.0), SEARCH)
    with pytest.raises(GraphError, match="needs a FactorGraphModel, got Model"):
        compare_shared(gf.Model(slope), "height", SEARCH)
    with pytest.raises(GraphError, match="name at least one"):
        compare_shared(graph, [], SEARCH)
    with pytest.raises(GraphError, match="only dataset 'n0'.*free already"):
        compare_shared(freed(graph, "height"), "n0.height", SEARCH)
    with pytest.raises(ResultError, match="has no evidence"):
        compare_shared(graph, "height", gf.LBFGS(seed=1))
