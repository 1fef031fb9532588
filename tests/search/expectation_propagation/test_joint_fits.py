"""Expectation propagation beside joint fits of the same graphs."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from tests.exam import hierarchy, parts, relation, single
from tests.search.expectation_propagation.graphs import column, flat, lines, population

X = np.arange(60.0)
QUICK = gf.NestedSampler(n_live=100)


def five_lines(order=range(5)):
    """Five clean lines of one centre: where others' messages returned the prior."""
    rng = np.random.default_rng(0)
    data = [
        gf.ex.Gaussian(30.0, 10.0 + 3.0 * i, 4.0 + i)(X) + rng.normal(0.0, 0.1, X.size)
        for i in range(5)
    ]
    centre = gf.UniformPrior(0.0, 100.0)
    return gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(
                gf.Model(
                    gf.ex.Gaussian,
                    centre=centre,
                    normalization=gf.LogUniformPrior(1.0, 100.0),
                    sigma=gf.UniformPrior(0.0, 25.0),
                ),
                gf.ex.Analysis(data=data[i], noise_map=np.full(X.size, 0.1)),
                name=f"line_{i}",
            )
            for i in order
        )
    )


def test_five_clean_datasets_find_their_common_centre():
    joint = gf.LevenbergMarquardt(seed=1).fit(five_lines())
    ep = gf.ExpectationPropagation(search=QUICK, seed=1)
    results = ep.fit(five_lines())
    centre, width = joint.record.values[0, 0], joint.record.standard_deviations[0]
    record = results.record
    values = column(record, "centre")
    mean = record.weights @ values
    assert mean == pytest.approx(centre, abs=0.1 * width)
    spread = np.sqrt(record.weights @ (values - mean) ** 2)
    assert spread == pytest.approx(width, rel=0.06)
    # Laplace's evidence of a posterior as round as this one is good to 0.3.
    assert results.log_evidence == pytest.approx(joint.log_evidence, abs=0.3)
    assert results["line_3"].median_pdf().centre == pytest.approx(30.0, abs=5 * width)
    information = record.messages.information[:, 0]
    assert information.sum() == pytest.approx(1.0, abs=1e-3)
    assert np.all(information > 0.0)


def test_the_order_of_factors_is_of_no_account():
    ep = gf.ExpectationPropagation(search=QUICK, damping=1.0, seed=1)
    one = ep.fit(lines(drawn=True)).record.messages
    other = ep.fit(lines(drawn=True, order=[2, 0, 3, 1])).record.messages
    order = [other.shared_names.index(name) for name in one.shared_names]
    np.testing.assert_allclose(other.mean[order], one.mean, atol=1e-8)
    linear, precision = one.site("line_1")
    again = other.site("line_1")
    np.testing.assert_allclose(again[0][order], linear, atol=1e-6)
    np.testing.assert_allclose(again[1][np.ix_(order, order)], precision, atol=1e-6)


def drawn(scheduler):
    ep = gf.ExpectationPropagation(
        search=gf.NestedSampler(n_live=50),
        precision=1.0,
        n_draws=1000,
        seed=7,
        scheduler=scheduler,
        n_workers=2,
    )
    return ep.fit(population(3, 1.0, 0.5, 1)[0]).record


def require_same_bits(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.log_weights, other.log_weights)
    assert one.log_evidence == other.log_evidence


def test_the_same_seed_gives_the_same_bits_in_threads():
    here = drawn("synchronous")
    for _ in range(2):
        require_same_bits(drawn("threads"), here)


@pytest.mark.distributed
def test_the_same_seed_gives_the_same_bits_in_processes():
    require_same_bits(drawn("processes"), drawn("synchronous"))


@pytest.mark.parametrize("problem", [hierarchy(), relation()], ids=lambda p: p.name)
def test_likelihoods_in_python_have_no_gradient_and_more_noise(problem):
    ep = gf.ExpectationPropagation(search=QUICK, precision=1.0, n_draws=500, seed=2)
    results = ep.fit(problem.make())
    record = results.record
    size = 0.5 * record.messages.effective_size
    width = np.sqrt(np.diagonal(problem.covariance))
    mean = record.weights @ record.values
    assert np.all(np.abs(mean - problem.mean) < 5.0 * width / np.sqrt(size))
    miss = results.log_evidence - problem.log_evidence
    assert abs(miss) < 4 * results.log_evidence_error


def test_samples_are_a_sound_record():
    """Rows agree with the program, and their weights sum to one."""
    graph = population(4, 1.0, 0.5, 1)[0]
    record = gf.ExpectationPropagation(search=QUICK, seed=5).fit(graph).record
    program = lower(graph)
    assert record.parameter_names == program.space.names
    assert record.weights.sum() == pytest.approx(1.0, abs=1e-12)
    for row in (0, record.best, len(record) - 1):
        theta = record.values[row]
        assert record.log_likelihood[row] == pytest.approx(
            program.log_likelihood(theta)
        )
        assert record.log_prior[row] == pytest.approx(float(program.log_prior(theta)))
    messages = record.messages
    assert len(messages.shared_names) == 2
    assert set(messages.shared_names) <= set(record.parameter_names)
    assert record.evaluations > 1000


def test_a_graph_of_one_factor_is_the_plain_search():
    def graph():
        model = gf.Model(flat, level=gf.GaussianPrior(0.0, 1.0))
        return single(model, gf.ProfileAnalysis(np.zeros(1), np.ones(1), noise_map=1.0))

    record = gf.ExpectationPropagation(search=QUICK, seed=3).fit(graph()).record
    plain = gf.NestedSampler(n_live=100, seed=3).fit(graph()).record
    assert record.messages is None
    np.testing.assert_array_equal(record.values, plain.values)


def test_factors_that_share_nothing_are_fitted_apart():
    problem = parts()
    results = gf.ExpectationPropagation(search=QUICK, seed=1).fit(problem.make())
    miss = results.log_evidence - problem.log_evidence
    assert abs(miss) < 4 * results.log_evidence_error


def test_a_factor_without_free_parameters_is_a_number():
    def graph(*, constant):
        level = gf.GaussianPrior(0.0, 1.0)
        data = gf.ProfileAnalysis(np.zeros(1), np.ones(1), noise_map=1.0)
        levels = [level, level, 0.5] if constant else [level, level]
        return gf.FactorGraphModel(
            *(gf.AnalysisFactor(gf.Model(flat, level=v), data) for v in levels)
        )

    ep = gf.ExpectationPropagation(search=QUICK, seed=1)
    with_it, without = (ep.fit(graph(constant=c)) for c in (True, False))
    number = -0.5 * 0.25 - 0.5 * np.log(2.0 * np.pi)
    assert with_it.log_evidence - without.log_evidence == pytest.approx(
        number, abs=0.05
    )


def test_conditions_within_a_factor_hold():
    def graph():
        low, shift = gf.GaussianPrior(0.0, 1.0), gf.GaussianPrior(0.0, 1.0)
        factors = []
        for y in (0.3, -0.2):
            model = gf.Model(flat, level=low + shift)
            model.add_assertion(low < shift)
            analysis = gf.ProfileAnalysis(np.zeros(1), np.array([y]), noise_map=0.5)
            factors.append(gf.AnalysisFactor(model, analysis))
        return gf.FactorGraphModel(*factors)

    ep = gf.ExpectationPropagation(
        search=gf.NestedSampler(n_live=400), precision=1.0, seed=1
    )
    record = ep.fit(graph()).record
    possible = record.log_weights > -np.inf
    assert np.all(record.values[possible, 0] < record.values[possible, 1])
    # By symmetry half of the evidence without the condition.
    covariance = 0.25 * np.eye(2) + 2.0
    data = np.array([0.3, -0.2])
    whole = -0.5 * data @ np.linalg.solve(covariance, data)
    whole -= 0.5 * np.linalg.slogdet(2.0 * np.pi * covariance)[1]
    miss = record.log_evidence - (whole - np.log(2.0))
    assert abs(miss) < 4 * record.log_evidence_error + 0.02
