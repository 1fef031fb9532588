"""Joint fits: parts multiply, the order of datasets does not matter, each has its share."""

import itertools

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.samples import summary
from tests.cases import ALL_SEARCHES
from tests.exam import (
    TREND,
    Linear,
    coefficients,
    parts,
    polynomial,
    regression,
    relation,
    trend,
    two_parts,
)

by_name = {"ids": lambda case: case.name}
NESTED = [case for case in ALL_SEARCHES if case.kind == "nested"]


@pytest.mark.parametrize("case", NESTED, **by_name)
def test_the_evidence_of_a_disconnected_graph_is_the_product(case):
    results = case.make(seed=1).fit(two_parts())
    singles = [case.make(seed=9).fit(part) for part in two_parts().components()]
    total = sum(single.log_evidence for single in singles)
    error = np.hypot(results.log_evidence_error, singles[0].log_evidence_error)
    assert abs(results.log_evidence - total) < 4 * error
    assert abs(results.log_evidence - parts().log_evidence) < 4 * error
    # Errors add in quadrature; both are near sqrt(H / n) of their part.
    apart = np.hypot(*[single.log_evidence_error for single in singles])
    assert results.log_evidence_error == pytest.approx(apart, rel=0.2)


def test_without_splitting_the_answer_is_the_same_within_errors():
    apart = gf.DynestyStatic(nlive=50, seed=1).fit(two_parts())
    whole = gf.DynestyStatic(nlive=50, seed=1, split_components=False).fit(two_parts())
    error = np.hypot(apart.log_evidence_error, whole.log_evidence_error)
    assert abs(apart.log_evidence - whole.log_evidence) < 4 * error
    width = np.sqrt(np.diag(parts().covariance))
    for results in (apart, whole):
        miss = (summary.mean(results.record) - parts().mean) / width
        assert np.all(np.abs(miss) < 4.5 / np.sqrt(results.effective_sample_size))
    # Rows of parts are paired at random: what is independent has no correlation.
    joint = summary.covariance(apart.record)
    count = apart.effective_sample_size
    correlation = joint[0, 2] / np.sqrt(joint[0, 0] * joint[2, 2])
    assert abs(correlation) < 4.5 / np.sqrt(count)


def test_a_connected_fit_beats_its_parts_by_the_exact_factor():
    """Two datasets that share a level against the same two with a level each."""
    separate = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(coefficients(1), Linear(np.ones((y.size, 1)), y, 0.5))
            for y in TREND
        ]
    )
    level = gf.GaussianPrior(0.5, 2.0)
    shared = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(
                gf.Collection(b0=level), Linear(np.ones((y.size, 1)), y, 0.5)
            )
            for y in TREND
        ]
    )
    search = gf.DynestyStatic(nlive=100, seed=2)
    one, two = search.fit(shared), search.fit(separate)
    both = np.concatenate(TREND)
    design = np.ones((both.size, 1))
    expected = evidence(design, both) - sum(
        evidence(np.ones((y.size, 1)), y) for y in TREND
    )
    found = one.log_evidence - two.log_evidence
    assert found == pytest.approx(
        expected, abs=4 * np.hypot(one.log_evidence_error, two.log_evidence_error)
    )


def evidence(design, data):
    from tests.reference.evidence import linear_evidence

    noise = 0.25 * np.eye(data.size)
    return linear_evidence(design, noise, np.array([0.5]), np.array([[4.0]]), data)


def permutations() -> list[gf.FactorGraphModel]:
    """Three datasets of one polynomial with a slope each, in every order."""
    shared = gf.GaussianPrior(0.5, 2.0)
    factors = []
    for i in range(3):
        analysis = Linear(polynomial(2).design, polynomial(2).data + 0.1 * i, 0.5)
        own = gf.GaussianPrior(0.5, 2.0)
        model = gf.Collection(level=shared, slope=own)
        factors.append(gf.AnalysisFactor(model, analysis, name="abc"[i]))
    return [gf.FactorGraphModel(*order) for order in itertools.permutations(factors)]


def test_the_likelihood_of_permuted_datasets_has_the_same_bits():
    graphs = permutations()
    rng = np.random.default_rng(3)
    programs = [lower(graph) for graph in graphs]
    for _ in range(20):
        values = dict(
            zip(programs[0].space.priors, rng.normal(0.5, 2.0, 4), strict=True)
        )
        found = {
            program.log_likelihood(np.array([values[p] for p in program.space.priors]))
            for program in programs
        }
        assert len(found) == 1


def test_the_evidence_of_permuted_datasets_agrees_within_errors():
    graphs = permutations()
    results = [
        gf.DynestyStatic(nlive=50, seed=4).fit(g) for g in (graphs[0], graphs[5])
    ]
    assert [r.names for r in results] == [("a", "b", "c"), ("c", "b", "a")]
    error = np.hypot(*[r.log_evidence_error for r in results])
    assert abs(results[0].log_evidence - results[1].log_evidence) < 4 * error


# Chains whose best point is looked at, and nothing else.
SHORT = {"Emcee": {"nsteps": 200}, "NUTS": {"draws": 40, "tune": 40}}


@pytest.mark.filterwarnings("ignore:(Emcee|NUTS)")
@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_each_dataset_has_its_own_likelihood_and_chi_squared(case):
    results = case.make(seed=5, **SHORT.get(case.name, {})).fit(trend())
    best = results.instance
    for result, data in zip(results, TREND, strict=True):
        chi = np.sum(((data - best[result.name].level) / 0.5) ** 2)
        norm = data.size * np.log(0.5 * np.sqrt(2 * np.pi))
        assert result.chi_squared == pytest.approx(chi)
        assert result.log_likelihood == pytest.approx(-0.5 * chi - norm)
    assert results.chi_squared == pytest.approx(sum(r.chi_squared for r in results))
    total = sum(result.log_likelihood for result in results)
    assert results.log_likelihood == pytest.approx(total, abs=1e-12)
    assert {result.joint_log_likelihood for result in results} == {
        results.log_likelihood
    }


def test_each_dataset_sees_the_joint_posterior_through_its_own_model():
    results = gf.DynestyStatic(nlive=100, seed=6).fit(trend())
    slope, level = relation().mean
    width = np.sqrt(np.diag(relation().covariance)) / np.sqrt(
        results.effective_sample_size
    )
    first, second = (result.median_pdf().level for result in results)
    assert first == pytest.approx(level, abs=6 * width[1])  # at x = 0
    assert second == pytest.approx(slope + level, abs=6 * (width[0] + width[1]))


def test_one_by_one_is_the_joint_fit_of_graphs_of_one():
    """Datasets fitted one at a time: their evidences add up to the disconnected graph's."""
    search = gf.DynestyStatic(nlive=50, seed=7)
    single = search.fit(coefficients(2), polynomial(2))
    assert abs(single.log_evidence - regression(2).log_evidence) < (
        4 * single.log_evidence_error
    )
    graph = gf.FactorGraphModel(gf.AnalysisFactor(coefficients(2), polynomial(2)))
    joint = search.fit(graph)
    assert joint.record.values.tobytes() == single.samples.record.values.tobytes()
