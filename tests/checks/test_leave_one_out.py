"""Each dataset left out: exact truths of linear models and of a population."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, norm

import graphfit as gf
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

NESTED = gf.NestedSampler(n_live=200, seed=1, integrate_amplitudes=False)


def exact(data, **settings):
    """Return ln p(D_i | D_-i) of every dataset."""
    whole = log_evidence(data, **settings)
    return np.array(
        [
            whole - log_evidence(np.delete(data, i, axis=0), **settings)
            for i in range(len(data))
        ]
    )


def exact_shifts(data):
    mean, covariance, _ = linear_posterior(data)
    others = [linear_posterior(np.delete(data, i, axis=0))[0] for i in range(len(data))]
    return (np.array(others) - mean) / np.sqrt(np.diagonal(covariance))


@pytest.fixture(scope="module")
def outlier():
    """Ten datasets, of which n3 is off by 5 sigma: data, fit."""
    data = level_data(0, shifted=3)
    return data, NESTED.fit(level_graph(data))


@pytest.mark.parametrize("seed", range(4))
def test_the_draws_give_the_exact_predictive(seed):
    data = level_data(seed, count=5)
    found = gf.leave_one_out(NESTED.fit(level_graph(data)))
    assert found.trusted.all()
    assert not found.refitted.any()
    apart = (found.log_predictive - exact(data)) / found.log_predictive_error
    assert np.abs(apart).max() < 4.0
    np.testing.assert_allclose(found.shift, exact_shifts(data), atol=0.12)


def test_of_two_shared_parameters():
    rng = np.random.default_rng(5)
    data = 1.0 + 2.0 * X + rng.normal(size=(4, POINTS))
    columns = np.stack([np.ones(POINTS), X], axis=1)
    found = gf.leave_one_out(NESTED.fit(slope_graph(data)))
    apart = found.log_predictive - exact(data, columns=columns)
    assert np.abs(apart / found.log_predictive_error).max() < 4.0
    assert found.parameter_names == ("height", "tilt")
    assert found.degrees_of_freedom.tolist() == [2, 2, 2, 2]


def test_laplace_refits_are_exact():
    data = level_data(7, count=4)
    found = gf.leave_one_out(level_graph(data), OPTIMUM)
    np.testing.assert_allclose(found.log_predictive, exact(data), atol=1e-5)
    np.testing.assert_allclose(found.shift, exact_shifts(data), atol=1e-4)
    assert found.refitted.all()
    assert np.isnan(found.pareto_k).all()


def test_p_values_are_uniform():
    """Of the first of three datasets: it is independent from one seed to the next."""
    p = [
        gf.leave_one_out(level_graph(level_data(seed, count=3)), OPTIMUM).p_value[0]
        for seed in range(40)
    ]
    assert kstest(p, "uniform").pvalue > 0.01


def test_draws_and_refits_agree_on_p(outlier):
    data, results = outlier
    by_draws = gf.leave_one_out(results)
    by_refits = gf.leave_one_out(level_graph(data), OPTIMUM)
    good = np.arange(10) != 3
    np.testing.assert_allclose(
        by_draws.p_value[good], by_refits.p_value[good], atol=0.1
    )
    assert by_draws.degrees_of_freedom.tolist() == [1] * 10


def test_the_dataset_that_is_off_is_found(outlier):
    found = gf.leave_one_out(outlier[1])
    assert found.flagged == ("n3",)
    assert found.p_value[3] < 1e-4
    assert found.shifts("n3")["height"] < -1.0
    assert repr(found).startswith("LeaveOneOut(10 datasets, flagged: n3")


def test_refits_of_every_dataset(outlier):
    data, results = outlier
    search = gf.NestedSampler(n_live=100, seed=2)  # amplitudes integrated out: quick
    found = gf.leave_one_out(results, search, refit="all")
    assert found.refitted.all()
    assert found.flagged == ("n3",)
    apart = (found.log_predictive - exact(data)) / found.log_predictive_error
    assert np.abs(apart).max() < 4.0


def test_untrusted_weights_are_refitted():
    """Two datasets that are 8 sigma apart: without either, the other is elsewhere."""
    data = level_data(3, count=2, shifted=1, sigmas=9.0)
    results = gf.NestedSampler(n_live=100, seed=1).fit(level_graph(data))
    alone = gf.leave_one_out(results)
    assert not alone.trusted.any()
    assert alone.untrusted == ("n0", "n1")
    assert "draws (?)" in str(alone)
    assert "Give search= to fit without." in str(alone)
    found = gf.leave_one_out(results, gf.NestedSampler(n_live=100, seed=2))
    assert found.refitted.all()
    assert found.trusted.all()
    np.testing.assert_allclose(found.log_predictive, exact(data), atol=0.05)
    assert set(found.flagged) == {"n0", "n1"}


SHORT = pytest.mark.filterwarnings("ignore:Emcee")  # a chain of few steps will do


@SHORT
def test_a_chain_needs_no_evidence():
    pytest.importorskip("emcee")
    data = level_data(2, count=3)
    search = gf.Emcee(nwalkers=20, nsteps=400, seed=1)
    found = gf.leave_one_out(search.fit(level_graph(data)))
    apart = (found.log_predictive - exact(data)) / found.log_predictive_error
    assert np.abs(apart).max() < 5.0


def population_graph(data, sigma):
    population = gf.HierarchicalFactor(
        gf.GaussianPrior,
        mean=gf.GaussianPrior(0.0, 10.0),
        sigma=gf.UniformPrior(0.5, 4),
    )
    factors = []
    for i, row in enumerate(data):
        height = gf.GaussianPrior(0.0, 10.0)
        population.add_drawn_variable(height)
        factors.append(
            gf.AnalysisFactor(
                gf.Model(level, height=height),
                gf.ProfileAnalysis(X, row, noise_map=sigma),
                name=f"m{i}",
            )
        )
    return gf.FactorGraphModel(*factors, population)


def exact_population(data, sigma):
    """Integrate mean and scatter of the population over a grid."""
    tau = np.linspace(0.5, 4.0, 401)[:, None]
    mu = np.linspace(-30.0, 30.0, 6001)
    error = sigma / np.sqrt(POINTS)
    terms = [
        norm.logpdf(row.mean(), mu, np.hypot(error, tau))
        + norm.logpdf(row, row.mean(), sigma).sum()
        - norm.logpdf(0.0, 0.0, error)
        for row in data
    ]
    prior = norm.logpdf(mu, 0.0, 10.0)
    whole = logsumexp(prior + sum(terms))
    return np.array([whole - logsumexp(prior + sum(terms) - term) for term in terms])


@pytest.mark.parametrize("seed", range(3))
def test_members_of_a_population(seed):
    """Each dataset has a parameter of its own, which is integrated out."""
    rng = np.random.default_rng(seed)
    sigma = 0.8 * np.sqrt(POINTS)
    data = rng.normal(rng.normal(1.0, 1.5, (5, 1)), sigma, (5, POINTS))
    results = gf.NestedSampler(n_live=300, seed=1).fit(population_graph(data, sigma))
    found = gf.leave_one_out(results)
    assert found.parameter_names == (
        "distribution_model.mean",
        "distribution_model.sigma",
    )
    good = found.pareto_k < 0.4
    assert good.sum() >= 3
    apart = found.log_predictive - exact_population(data, sigma)
    limit = 4.0 * found.log_predictive_error + 0.05
    assert (np.abs(apart) < limit)[good].all()


def test_parameters_of_one_dataset_alone():
    """A background that only the second dataset has, flat within its limits."""
    data = level_data(4, count=3)
    rng = np.random.default_rng(8)
    height, extra = gf.GaussianPrior(0.0, 10.0), gf.UniformPrior(-20.0, 20.0)

    def tilted(x, height, tilt):
        return height + tilt * x

    models = [gf.Model(level, height=height) for _ in range(3)]
    models[1] = gf.Model(tilted, height=height, tilt=extra)
    data[1] += 3.0 * X + rng.normal(0.0, 0.1, POINTS)
    factors = [
        gf.AnalysisFactor(model, gf.ProfileAnalysis(X, row, noise_map=1.0))
        for model, row in zip(models, data, strict=True)
    ]
    graph = gf.FactorGraphModel(*factors)
    found = gf.leave_one_out(NESTED.fit(graph))
    truth = gf.leave_one_out(graph, OPTIMUM)  # exact, but for the far limits
    assert found.parameter_names == ("height",)
    assert found.trusted.all()
    np.testing.assert_allclose(found.log_predictive, truth.log_predictive, atol=0.1)


def test_conditions_on_own_parameters_need_a_refit():
    data = level_data(4, count=2)
    height = gf.GaussianPrior(0.0, 10.0)
    widths = [gf.UniformPrior(0.1, 5.0), gf.UniformPrior(0.1, 5.0)]
    models = [
        gf.Collection(line=gf.Model(level, height=height), jitter=width)
        for width in widths
    ]
    models[0].add_assertion(widths[0] < 3.0)
    graph = gf.FactorGraphModel(
        *(
            gf.AnalysisFactor(model, gf.ProfileAnalysis(X, row, jitter="jitter"))
            for model, row in zip(models, data, strict=True)
        )
    )
    found = gf.leave_one_out(gf.NestedSampler(n_live=100, seed=1).fit(graph))
    assert found.trusted.tolist() == [False, True]
    assert np.isnan(found.log_predictive[0])


def test_text():
    found = gf.leave_one_out(level_graph(level_data(0, 3)), OPTIMUM)
    assert str(found).splitlines() == [
        "Each of 3 datasets left out",
        "dataset  ln p(D_i | others)  k   from    largest shift      p",
        *(
            f"{name:<7}  {value:>18.3f}  -  refit  height {shift:+.2f} sd  {p:.3f}"
            for name, value, shift, p in zip(
                found.names,
                found.log_predictive,
                found.shift[:, 0],
                found.p_value,
                strict=True,
            )
        ),
        "No dataset disagrees with the others.",
    ]


def test_several_that_are_off_name_the_worst_first():
    found = gf.leave_one_out(
        level_graph(level_data(0, 4, shifted=2, sigmas=20.0)), OPTIMUM
    )
    assert found.flagged[0] == "n2"
    assert "leave it out, and check again" in str(found)


def test_what_is_refused():
    data = level_data(1, count=2)
    graph = level_graph(data)
    results = OPTIMUM.fit(graph)
    with pytest.raises(ResultError, match="one optimum, without draws.*search="):
        gf.leave_one_out(results)
    best = gf.LBFGS(seed=1).fit(graph)
    with pytest.raises(ResultError, match="Use gf.NestedSampler"):
        gf.leave_one_out(best)
    with pytest.raises(GraphError, match="a graph is not fitted yet"):
        gf.leave_one_out(graph)
    with pytest.raises(GraphError, match="got Result"):
        gf.leave_one_out(results[0])
    with pytest.raises(GraphError, match="this graph has one"):
        gf.leave_one_out(level_graph(data[:1]), OPTIMUM)
    with pytest.raises(SettingError, match="must be a search such as"):
        gf.leave_one_out(graph, gf.NestedSampler)
    with pytest.raises(SettingError, match="refit must be"):
        gf.leave_one_out(results, OPTIMUM, refit="some")
    with pytest.raises(SettingError, match="refit='all' needs search="):
        gf.leave_one_out(results, refit="all")
    with pytest.raises(UnknownNameError, match="Did you mean 'n1'"):
        gf.leave_one_out(results, OPTIMUM).shifts("n11")


@SHORT
def test_refits_without_evidence_are_refused():
    pytest.importorskip("emcee")
    results = OPTIMUM.fit(level_graph(level_data(1, count=2)))
    with pytest.raises(ResultError, match="Emcee have no evidence.*gf.NestedSampler"):
        gf.leave_one_out(results, gf.Emcee(nwalkers=8, nsteps=30, seed=1), refit="all")


def test_named_refits_have_folders_of_their_own(tmp_path):
    search = gf.LevenbergMarquardt(
        maximize="posterior", name="nights", path_prefix=tmp_path, figures=False
    )
    gf.leave_one_out(level_graph(level_data(1, count=3)), search)
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert folders == [
        "nights",
        "nights_without_n0",
        "nights_without_n1",
        "nights_without_n2",
    ]


@pytest.mark.calibration
def test_a_sound_joint_fit_is_flagged_once_in_a_hundred():
    """At most: p-values of ten datasets, times ten; 400 fits."""
    flagged = [
        bool(gf.leave_one_out(level_graph(level_data(seed)), OPTIMUM).flagged)
        for seed in range(1000, 1400)
    ]
    assert 0 <= sum(flagged) <= 12  # 4 expected, standard deviation 2


@pytest.mark.calibration
def test_the_stated_errors_are_those_of_members():
    """Of datasets with parameters of their own, over 30 populations."""
    apart = []
    sigma = 0.8 * np.sqrt(POINTS)
    for seed in range(100, 130):
        rng = np.random.default_rng(seed)
        data = rng.normal(rng.normal(1.0, 1.5, (5, 1)), sigma, (5, POINTS))
        search = gf.NestedSampler(n_live=300, seed=seed)
        found = gf.leave_one_out(search.fit(population_graph(data, sigma)))
        off = found.log_predictive - exact_population(data, sigma)
        apart += list((off / found.log_predictive_error)[found.trusted])
    assert len(apart) > 100
    assert np.median(np.abs(apart)) < 1.5
    assert np.mean(np.abs(apart) < 4.0) > 0.9
