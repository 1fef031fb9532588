"""NUTS: posteriors that are known, what it says of its chains, and what it refuses."""

import sys
import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    ConvergenceWarning,
    LikelihoodError,
    ResultError,
    SettingError,
)
from tests.search.nuts.hierarchies import (
    eight_schools,
    hyper_moments,
    level,
    population_graph,
)


def simulated(count, spread=1.3, seed=1):
    rng = np.random.default_rng(seed)
    s = rng.uniform(0.3, 2.0, count)
    return rng.normal(2.0, spread, count) + s * rng.normal(size=count), s


def hyper_priors():
    return gf.GaussianPrior(0.0, 5.0), gf.HalfGaussianPrior(3.0)


def hyper_draws(result):
    record = result.record
    mu, tau = record.values[:, -2], record.values[:, -1]
    return np.column_stack([mu, np.log(tau)]), record.chains.bulk_ess[-2:]


def check_hyper(result, y, s, mean, sigma):
    expected, deviations = hyper_moments(y, s, mean, sigma)
    draws, ess = hyper_draws(result)
    miss = np.abs(draws.mean(axis=0) - expected) / deviations
    assert np.all(miss < 0.1 + 3.0 / np.sqrt(ess))
    ratio = draws.std(axis=0) / deviations
    # 5 %, and three standard errors of a scatter, sqrt(1 / 2 ESS), more for long tails.
    assert np.all(np.abs(ratio - 1.0) < 0.05 + 3.0 / np.sqrt(ess))


@pytest.mark.parametrize(
    ("count", "form"), [(10, "auto"), (10, "non-centred"), (100, "auto")]
)
def test_normal_hierarchy(count, form):
    y, s = simulated(count)
    mean, sigma = hyper_priors()
    search = gf.NUTS(seed=4, draws=1200, form=form, target_accept=0.95)
    result = search.fit(population_graph(y, s, mean, sigma))
    check_hyper(result, y, s, mean, sigma)


@pytest.mark.calibration
@pytest.mark.filterwarnings("ignore:NUTS")  # of ten thousand R-hats in short chains
def test_normal_hierarchy_of_ten_thousand():
    y, s = simulated(10_000)
    mean, sigma = hyper_priors()
    search = gf.NUTS(seed=4, draws=250, tune=250, chains=2, target_accept=0.8)
    result = search.fit(population_graph(y, s, mean, sigma))
    check_hyper(result, y, s, mean, sigma)


@pytest.mark.published
def test_eight_schools():
    """posteriordb, eight_schools_noncentered: mu 4.4 +/- 3.3, tau 3.6 +/- 3.2."""
    search = gf.NUTS(seed=2, draws=2500, target_accept=0.95)
    record = search.fit(eight_schools()).record
    mu, tau = record.values[:, -2], record.values[:, -1]
    ess = record.chains.bulk_ess[-2:].min()
    assert ess > 2000
    # Printed to one digit; the standard error is 3.3 / sqrt(2000) = 0.07.
    assert mu.mean() == pytest.approx(4.4, abs=0.3)
    assert mu.std() == pytest.approx(3.3, abs=0.2)
    assert tau.mean() == pytest.approx(3.6, abs=0.3)
    assert tau.std() == pytest.approx(3.2, abs=0.3)
    assert not record.chains.centred.any()


def test_forms_are_chosen_member_by_member():
    """Of a few noisy members none is centred, of precise ones all; mixed: each its own."""
    y, _ = simulated(12)
    mean, sigma = hyper_priors()
    for errors, expected in (
        (np.full(12, 0.05), np.ones(12, bool)),
        (np.full(12, 8.0), np.zeros(12, bool)),
        (np.where(np.arange(12) < 6, 0.05, 8.0), np.arange(12) < 6),
    ):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="NUTS: ")  # short on purpose
            result = gf.NUTS(seed=1, draws=20, tune=50).fit(
                population_graph(y, errors, mean, sigma)
            )
        assert result.record.chains.centred.tolist() == [*expected, False, False]


def test_a_population_says_its_form_and_the_search_says_it_for_the_others():
    y, s = simulated(4)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="NUTS: ")
        for own, given, centred in (
            ("centred", "auto", True),
            ("non-centred", "centred", False),
            ("auto", "centred", True),
        ):
            graph = population_graph(y, s, *hyper_priors(), form=own)
            result = gf.NUTS(seed=1, draws=20, tune=20, form=given).fit(graph)
            assert result.record.chains.centred.tolist() == [centred] * 4 + [False] * 2


def line(x, slope, offset):
    return slope * x + offset


def two_parameters():
    x = np.arange(10.0)
    noise = np.random.default_rng(1).normal(0.0, 0.3, 10)
    model = gf.Model(
        line, slope=gf.GaussianPrior(0.0, 5.0), offset=gf.UniformPrior(-5.0, 5.0)
    )
    return model, gf.ProfileAnalysis(x, 2.0 * x + 1.0 + noise, 0.3)


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores():
    found = [
        gf.NUTS(seed=5, draws=400, tune=100, cores=cores, chains=3)
        .fit(*two_parameters())
        .samples.record
        for cores in (1, 2, 3)
    ]
    for record in found[1:]:
        np.testing.assert_array_equal(record.values, found[0].values)
        assert record.evaluations == found[0].evaluations
    other = gf.NUTS(seed=6, draws=400, tune=100, chains=3).fit(*two_parameters())
    assert not np.array_equal(other.samples.record.values, found[0].values)


def test_a_start_and_the_prior_lead_to_the_same_posterior():
    model, analysis = two_parameters()
    search = gf.NUTS(seed=1, draws=500, tune=200)
    medians = [
        search.fit(model, analysis).median_pdf().slope,
        search.fit(model, analysis, start={"slope": 2.5}).median_pdf().slope,
        gf.NUTS(seed=1, draws=500, tune=200, begin="prior")
        .fit(model, analysis)
        .median_pdf()
        .slope,
    ]
    assert np.ptp(medians) < 0.01  # a fifth of the posterior's width


def test_a_named_run_is_read_back_as_it_was(tmp_path):
    search = gf.NUTS(name="chains", path_prefix=tmp_path, seed=1, draws=400, tune=100)
    fresh = search.fit(*two_parameters())
    again = search.fit(*two_parameters())
    assert fresh.info == again.info
    assert "4 of 400 draws, R-hat <= " in fresh.info
    ours, theirs = fresh.samples.record.chains, again.samples.record.chains
    for name in ours.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_independent_parts_are_sampled_apart():
    model, analysis = two_parameters()
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(model, analysis), gf.AnalysisFactor(*two_parameters())
    )
    record = gf.NUTS(seed=1, draws=300, tune=100).fit(graph).record
    assert record.chains is None  # draws of the parts are paired anew
    assert record.values.shape[1] == 4


def test_warnings_say_what_to_do():
    with pytest.warns(ConvergenceWarning) as caught:
        gf.NUTS(seed=1, draws=8, tune=5, chains=2, form="centred").fit(eight_schools())
    text = " ".join(str(item.message) for item in caught)
    assert "sample size of" in text
    assert "Raise draws" in text


def test_centred_schools_diverge_and_are_told_to_take_the_other_form():
    with pytest.warns(ConvergenceWarning) as caught:
        gf.NUTS(seed=1, draws=1000, form="centred").fit(eight_schools())
    text = " ".join(str(item.message) for item in caught)
    assert "trajectories diverged" in text
    assert "target_accept" in text


class Broken(gf.Analysis):
    def __init__(self, error, beyond):
        self.error, self.beyond = error, beyond

    def log_likelihood_function(self, instance):
        if instance.a > self.beyond:
            raise self.error
        return -0.5 * (instance.a - 1.0) ** 2 / 0.3**2


def broken(error, beyond):
    model = gf.Collection(a=gf.UniformPrior(-10.0, 10.0))
    return model, Broken(error, beyond)


@pytest.mark.filterwarnings("ignore:NUTS")
def test_a_rejected_point_ends_a_trajectory_and_no_more():
    result = gf.NUTS(seed=1, draws=100, tune=50).fit(*broken(gf.FitException(), 1.5))
    assert result.samples.record.values.max() <= 1.5


def test_an_error_of_the_user_is_the_users():
    with pytest.raises(LikelihoodError, match="Factor '0'.*ZeroDivisionError"):
        gf.NUTS(seed=1, draws=500, tune=50).fit(*broken(ZeroDivisionError("oh"), 1.9))


def test_nowhere_to_begin():
    class Never(gf.Analysis):
        def log_likelihood_function(self, instance):
            return -np.inf

    model = gf.Collection(a=gf.UniformPrior(0.0, 1.0))
    with pytest.raises(ResultError, match="NUTS.*-inf"):
        gf.NUTS(seed=1).fit(model, Never())
    with pytest.raises(ResultError, match="NUTS found no place to begin"):
        gf.NUTS(seed=1, begin="prior", chains=1).fit(model, Never())


def looked_up(p):
    return [1.0, 2.0][int(p > 0.5)]


def test_a_prior_without_a_gradient_is_refused_before_any_work():
    scale = gf.relation(looked_up, gf.UniformPrior(0.0, 1.0))
    model = gf.Model(level, theta=gf.GaussianPrior(0.0, scale))
    analysis = gf.ProfileAnalysis(np.zeros(1), np.zeros(1), 1.0)
    with pytest.raises(SettingError, match="'theta' depends on a relation.*NestedSamp"):
        gf.NUTS(seed=1).fit(model, analysis)


def test_part_of_an_ordered_group_is_refused():
    low, _ = gf.ordered_priors(2, gf.UniformPrior(0.0, 1.0))
    analysis = gf.ProfileAnalysis(np.zeros(1), np.zeros(1), 1.0)
    with pytest.raises(SettingError, match="ordered group.*NestedSampler"):
        gf.NUTS(seed=1).fit(gf.Model(level, theta=low), analysis)


def test_without_nutpie(monkeypatch):
    monkeypatch.setitem(sys.modules, "nutpie", None)
    with pytest.raises(SettingError, match="pip install 'graphfit.nutpie.'"):
        gf.NUTS().fit(*two_parameters())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("draws", 3),
        ("tune", 0),
        ("chains", 0),
        ("cores", 0),
        ("target_accept", 1.0),
        ("max_treedepth", 21),
        ("form", "central"),
        ("begin", "map"),
    ],
)
def test_impossible_settings(name, value):
    with pytest.raises(SettingError, match=name):
        gf.NUTS(**{name: value})
