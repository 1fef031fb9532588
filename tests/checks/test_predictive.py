"""Replicates of datasets: p-values, statistics of one's own, refusals."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

import graphfit as gf
from graphfit.errors import ResultError, SettingError, UnknownNameError
from tests.checks.levels import OPTIMUM, X, level, level_data, level_graph

DRAWS = 300


class Counts(gf.Analysis):
    """Poisson counts, as a user writes them."""

    def __init__(self, counts):
        self.counts = np.asarray(counts)

    def log_likelihood_function(self, instance):
        rate = instance.rate
        return float(self.counts.sum() * np.log(rate) - self.counts.size * rate)


class Simulated(Counts):
    def simulate(self, instance, rng):
        return Simulated(rng.poisson(instance.rate, self.counts.size))


def dispersion(analysis, instance):
    return float(analysis.counts.var())


def counted(kind, counts):
    model = gf.Collection(rate=gf.GammaPrior(2.0, 10.0))
    return gf.NestedSampler(n_live=60, seed=1).fit(model, kind(counts))


def test_p_of_chi_square_is_the_tail_of_chi_square():
    """At known parameters a replicate's chi-square has N degrees of freedom."""
    data = level_data(4, count=6)
    results = OPTIMUM.fit(level_graph(data))
    found = gf.posterior_predictive(results, seed=1, draws=1000)
    expected = chi2.sf(found.observed.mean(axis=1), len(X))
    np.testing.assert_allclose(found.p_value, expected, atol=0.08)
    np.testing.assert_allclose(found.replicated.mean(axis=1), len(X), rtol=0.05)


def test_p_values_are_nearly_uniform():
    """Of 10 datasets and one parameter the fit leans on each by a tenth."""
    p = np.concatenate(
        [
            gf.posterior_predictive(
                OPTIMUM.fit(level_graph(level_data(seed))), seed=seed, draws=200
            ).p_value
            for seed in range(8)
        ]
    )
    assert kstest(p, "uniform").pvalue > 0.01


def test_the_dataset_with_wrong_noise_is_flagged():
    data = level_data(1)
    data[4] = 2.0 + 2.5 * (data[4] - 2.0)
    results = gf.NestedSampler(n_live=100, seed=1).fit(level_graph(data))
    found = gf.posterior_predictive(results, seed=1)
    assert found.flagged == ("n4",)
    assert found["n4"] < 0.002
    assert found.observed.shape == (10, 1000)
    assert repr(found) == "PredictiveCheck(chi-squared, 10 datasets, flagged: n4)"
    assert str(found).splitlines()[-1] == "Not as the fit says: n4."


def test_noise_that_is_overestimated_is_flagged_too():
    data = 2.0 + 0.1 * (level_data(1, count=3) - 2.0)
    found = gf.posterior_predictive(OPTIMUM.fit(level_graph(data)), seed=1)
    assert found.flagged == ("n0", "n1", "n2")
    assert found["n0"] > 0.999


def test_one_dataset_of_a_joint_fit_and_seeds():
    results = OPTIMUM.fit(level_graph(level_data(1, count=3)))
    one = gf.posterior_predictive(results[1], seed=3, draws=50)
    assert one.names == ("n1",)
    again = gf.posterior_predictive(results[1], seed=3, draws=50)
    np.testing.assert_array_equal(one.replicated, again.replicated)
    other = gf.posterior_predictive(results[1], draws=50)
    assert (one.replicated != other.replicated).any()


@pytest.mark.parametrize("settings", [{}, {"degrees_of_freedom": 3.0}])
def test_ready_made_noise(settings):
    kind = "student_t" if settings else "poisson"
    rng = np.random.default_rng(2)
    x = np.linspace(0.0, 1.0, 200)
    data = 5.0 + rng.standard_t(3.0, 200) if settings else rng.poisson(5.0, 200)
    noise = 1.0 if settings else None
    analysis = gf.ProfileAnalysis(x, data, noise, likelihood=kind, **settings)
    model = gf.Model(level, height=gf.UniformPrior(1.0, 20.0))
    result = gf.NestedSampler(n_live=60, seed=1).fit(model, analysis)
    found = gf.posterior_predictive(result, seed=1, draws=DRAWS)
    assert found.flagged == ()
    wrong = gf.ProfileAnalysis(x, 5.0 + 4.0 * (data - 5.0), 1.0)
    found = gf.posterior_predictive(OPTIMUM.fit(model, wrong), seed=1)
    assert found.flagged == ("0",)


def test_an_analysis_and_a_statistic_of_ones_own():
    rng = np.random.default_rng(4)
    good = counted(Simulated, rng.poisson(9.0, 50))
    found = gf.posterior_predictive(good, dispersion, seed=1, draws=DRAWS)
    assert found.statistic == "dispersion"
    assert found.flagged == ()
    clumped = counted(Simulated, rng.poisson(rng.gamma(1.0, 9.0, 50)))
    found = gf.posterior_predictive(clumped, dispersion, seed=1, draws=DRAWS)
    assert found.flagged == ("0",)
    assert "< 0.003" in str(found)


def test_errors_of_p():
    results = OPTIMUM.fit(level_graph(level_data(1, count=2)))
    found = gf.posterior_predictive(results, seed=1, draws=400)
    p = found.p_value
    np.testing.assert_allclose(
        found.p_value_error, np.sqrt(p * (1 - p) / 400.0), rtol=0.02, atol=0.001
    )
    few = gf.NestedSampler(n_live=30, seed=1, integrate_amplitudes=False)
    sampled = few.fit(level_graph(level_data(1, count=2)))
    check = gf.posterior_predictive(sampled, seed=1, draws=5000)
    assert check.effective_draws == pytest.approx(sampled.effective_sample_size)


def test_ties_count_half():
    results = OPTIMUM.fit(level_graph(level_data(1, count=2)))
    found = gf.posterior_predictive(results, lambda analysis, instance: 1, draws=20)
    assert found.p_value.tolist() == [0.5, 0.5]


def test_text():
    results = OPTIMUM.fit(level_graph(level_data(1, count=2)))
    lines = str(gf.posterior_predictive(results, seed=1)).splitlines()
    assert lines[0] == "Posterior predictive check of chi-squared, 1000 draws"
    assert lines[1].split() == ["dataset", "observed", "replicated", "p"]
    assert lines[-1] == "All datasets look as the fit says."


def test_what_is_refused():
    results = OPTIMUM.fit(level_graph(level_data(1, count=2)))
    with pytest.raises(SettingError, match="give the Result or ResultList"):
        gf.posterior_predictive(results.model)
    with pytest.raises(SettingError, match="draws must be a whole number"):
        gf.posterior_predictive(results, draws=0)
    with pytest.raises(ResultError, match="a statistic must be one number"):
        gf.posterior_predictive(results, lambda a, i: a.data, draws=10)
    with pytest.raises(UnknownNameError, match="Did you mean 'n1'"):
        gf.posterior_predictive(results, draws=10)["n11"]
    with pytest.raises(ResultError, match="has no posterior.*gf.LevenbergMarquardt"):
        gf.posterior_predictive(gf.LBFGS(seed=1).fit(level_graph(level_data(1))))


def test_analyses_that_do_not_say_how_data_come_about():
    silent = counted(Counts, [8, 9])
    with pytest.raises(ResultError, match="Dataset '0': Counts .*define simulate"):
        gf.posterior_predictive(silent, dispersion)
    with pytest.raises(ResultError, match="Simulated has no chi-square.*statistic="):
        gf.posterior_predictive(counted(Simulated, [8, 9]))
