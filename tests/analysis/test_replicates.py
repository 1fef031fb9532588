"""Draws of a fit's parameters, and datasets made of them."""

import dataclasses

import numpy as np
import pytest

import graphfit as gf
from graphfit.analysis.replicates import drawn_vectors, replicates
from graphfit.compiler import lower
from graphfit.errors import ResultError
from graphfit.result import make_results

X = np.linspace(0.0, 1.0, 20)
SEARCH = gf.LevenbergMarquardt(maximize="posterior")


def flat(x, height):
    return height + 0.0 * x


def fitted(prior, mean=3.0):
    data = mean + np.random.default_rng(1).normal(0.0, 1.0, X.size)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(
            gf.Model(flat, height=prior), gf.ProfileAnalysis(X, data, noise_map=1.0)
        )
    )
    return SEARCH.fit(graph)


def test_of_a_gaussian():
    results = fitted(gf.GaussianPrior(0.0, 10.0))
    drawn = drawn_vectors(results.samples, 4000, np.random.default_rng(1))
    assert drawn.shape == (4000, 1)
    error = np.sqrt(results.covariance_matrix[0, 0])
    assert drawn.std() == pytest.approx(error, rel=0.05)
    assert drawn.mean() == pytest.approx(results.record.values[0, 0], abs=error / 12)


def test_a_gaussian_keeps_within_the_priors():
    results = fitted(gf.UniformPrior(2.9, 3.1))
    record = dataclasses.replace(
        results.record, values=np.array([[3.1]]), covariance=np.array([[0.01]])
    )
    near = make_results(lower(results.graph), record)
    drawn = drawn_vectors(near.samples, 200, np.random.default_rng(1))
    assert drawn.shape == (200, 1)
    assert (drawn <= 3.1).all()
    assert (drawn >= 2.9).all()
    far = dataclasses.replace(record, values=np.array([[9.0]]))
    with pytest.raises(ResultError, match="outside of the priors.*gf.NestedSampler"):
        drawn_vectors(
            make_results(lower(results.graph), far).samples, 5, np.random.default_rng(1)
        )


def test_each_replicate_is_of_its_own_vector():
    results = fitted(gf.GaussianPrior(0.0, 10.0))
    vectors = np.array([[-1e6], [1e6]])
    found = list(replicates(results[0], vectors, np.random.default_rng(1)))
    assert [instance(X)[0] for instance, _ in found] == [-1e6, 1e6]
    assert [round(again.data.mean() / 1e6) for _, again in found] == [-1, 1]


def test_simulate_must_return_an_analysis():
    class Wrong(gf.Analysis):
        def log_likelihood_function(self, instance):
            return -0.5 * instance.a**2

        def simulate(self, instance, rng):
            return rng.normal(size=3)

    result = gf.NestedSampler(n_live=30, seed=1).fit(
        gf.Collection(a=gf.GaussianPrior(0.0, 1.0)), Wrong()
    )
    with pytest.raises(ResultError, match=r"Wrong.simulate must return.*got ndarray"):
        next(replicates(result, np.zeros((1, 1)), np.random.default_rng(1)))
