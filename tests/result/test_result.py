"""What a result answers: by dataset, by sigma, by part of the model."""

import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import lower
from graphfit.errors import ResultError, UnknownNameError
from graphfit.model import ModelInstance
from graphfit.result import ResultList, make_results
from graphfit.samples import Samples
from tests.result.fits import ERRORS, MEANS, Noisy, draws, graph, results

NAMES = (
    "day.centre",
    "day.normalization",
    "day.sigma",
    "night.gaussian.normalization",
    "night.gaussian.sigma.m",
)


@pytest.fixture(scope="module")
def fit() -> ResultList:
    return results()


@pytest.fixture(scope="module")
def optimum() -> ResultList:
    return results("optimum")


# --- the list ----------------------------------------------------------------------


def test_results_by_position_name_and_slice(fit):
    assert len(fit) == 2
    assert fit.names == ("day", "night")
    assert fit[0] is fit["day"] is fit[-2]
    assert list(fit) == [fit[0], fit[1]] == fit[:]
    assert fit[1:] == [fit["night"]]
    assert [result.name for result in fit] == ["day", "night"]
    assert fit[np.int64(1)] is fit[1]
    with pytest.raises(
        UnknownNameError, match="no factor 'nigth'. Did you mean 'night'"
    ):
        fit["nigth"]
    with pytest.raises(IndexError):
        fit[2]


def test_the_joint_numbers(fit):
    assert fit.record.parameter_names == NAMES
    assert fit.log_evidence == fit[0].log_evidence == fit.samples.log_evidence == -12.5
    assert fit.log_evidence_error == fit[1].log_evidence_error == 0.25
    assert fit.effective_sample_size == pytest.approx(4000)
    assert fit.log_likelihood == max(fit.samples.log_likelihood_list)
    assert fit[0].joint_log_likelihood == fit.log_likelihood
    assert fit.model.parameter_names == fit.record.parameter_names


def test_each_dataset_has_its_own_likelihood_and_chi_squared(fit):
    day, night = fit
    best = fit.record.values[fit.record.best]
    expected = day.analysis.log_likelihood_function(gf.ex.Gaussian(*best[:3]))
    assert day.log_likelihood == expected
    assert day.chi_squared == day.analysis.chi_squared(gf.ex.Gaussian(*best[:3]))
    assert night.log_likelihood == -0.5 * best[0] ** 2
    assert math.isnan(night.chi_squared)
    assert math.isnan(fit.chi_squared)


# --- instances ---------------------------------------------------------------------


def test_best_instances(fit):
    day, night = fit
    best = fit.record.values[fit.record.best]
    assert day.instance == day.max_log_likelihood_instance == gf.ex.Gaussian(*best[:3])
    assert fit.instance.day == day.instance
    assert night.instance.gaussian.centre == best[0]
    assert night.instance.offset == 7.0
    assert day.samples.max_log_likelihood(as_instance=False) == list(best[:3])
    posterior = fit.record.log_likelihood + fit.record.log_prior
    row = fit.record.values[np.argmax(posterior)]
    assert fit.samples.max_log_posterior(as_instance=False) == list(row)


def test_medians(fit):
    day, night = fit
    values = fit.samples.values
    assert day.median_pdf().centre == pytest.approx(np.median(values[:, 0]))
    # A relation at the medians is computed from them.
    sigma = night.median_pdf().gaussian.sigma
    medians = fit.samples.median_pdf(as_instance=False)
    at = dict(zip(NAMES, medians, strict=True))
    assert sigma == at["night.gaussian.sigma.m"] * 2 + at["day.sigma"]


def test_samples_of_one_dataset(fit):
    samples = fit["night"].samples
    assert samples.parameter_names == (
        "gaussian.centre",
        "gaussian.normalization",
        "gaussian.sigma.m",
        "gaussian.sigma.input_0",
    )
    assert samples.values.shape == (4000, 4)
    assert np.array(samples.parameter_lists).shape == (4000, 4)
    np.testing.assert_array_equal(samples.values[:, 0], fit.record.values[:, 0])
    np.testing.assert_array_equal(samples.values[:, 3], fit.record.values[:, 2])
    assert sum(samples.weight_list) == pytest.approx(1.0)
    total = np.array(samples.log_likelihood_list) + np.array(samples.log_prior_list)
    np.testing.assert_array_equal(samples.log_posterior_list, total)
    assert len(samples) == 4000


def test_random_draws(fit):
    first = fit[0].samples.draw_randomly_via_pdf(seed=3)
    assert first == fit[0].samples.draw_randomly_via_pdf(seed=3)
    assert first.centre in fit.record.values[:, 0]


# --- intervals ---------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_limits_are_shaped_like_the_model(fit, sigma):
    values = fit["night"].values_at_sigma(sigma)
    assert isinstance(values, ModelInstance)
    low, high = values.gaussian.centre
    assert low == pytest.approx(10.0 - sigma * 0.1, abs=0.05)
    assert high == pytest.approx(10.0 + sigma * 0.1, abs=0.05)
    assert values.offset == 7.0  # fixed
    below, above = values.gaussian.sigma  # a relation has limits too
    spread = math.hypot(2 * ERRORS[4], ERRORS[2])
    assert (above - below) / 2 == pytest.approx(sigma * spread, rel=0.15)


def test_limits_as_lists(fit):
    samples = fit["day"].samples
    pairs = samples.values_at_sigma(1.0, as_instance=False)
    assert [len(pair) for pair in pairs] == [2, 2, 2]
    assert samples.values_at_lower_sigma(1.0, False) == [low for low, _ in pairs]
    assert samples.values_at_upper_sigma(1.0, False) == [high for _, high in pairs]
    assert samples.values_at_lower_sigma(1.0).centre == pairs[0][0]
    assert samples.values_at_upper_sigma(1.0).centre == pairs[0][1]


def test_errors_are_distances_from_the_median(fit):
    samples = fit["day"].samples
    medians = samples.median_pdf(as_instance=False)
    for sigma in (1.0, 3.0):
        limits = samples.values_at_sigma(sigma, as_instance=False)
        errors = samples.errors_at_sigma(sigma, as_instance=False)
        for middle, (low, high), (minus, plus) in zip(
            medians, limits, errors, strict=True
        ):
            assert (minus, plus) == pytest.approx((middle - low, high - middle))
        assert samples.errors_at_lower_sigma(sigma, False) == [e[0] for e in errors]
        assert samples.errors_at_upper_sigma(sigma, False) == [e[1] for e in errors]
    assert fit["day"].errors_at_sigma(1.0).centre == pytest.approx((0.1, 0.1), rel=0.1)


def test_covariances(fit):
    joint = fit.covariance_matrix
    assert joint.shape == (5, 5)
    np.testing.assert_allclose(joint, np.cov(draws(4000, "nested").T), rtol=1e-10)
    own = fit["night"].covariance_matrix
    columns = fit["night"].samples.columns
    np.testing.assert_array_equal(own, joint[np.ix_(columns, columns)])


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_impossible_sigmas(fit, sigma):
    with pytest.raises(ResultError, match="sigma must be > 0"):
        fit[0].values_at_sigma(sigma)


# --- parts of the model ------------------------------------------------------------


def test_subsamples(fit):
    night = fit["night"]
    part = night.samples.subsamples(night.model.gaussian)
    assert part.parameter_names == (
        "centre",
        "normalization",
        "sigma.m",
        "sigma.input_0",
    )
    assert part.max_log_likelihood() == night.instance.gaussian
    assert part.values_at_sigma(1.0).centre == night.values_at_sigma().gaussian.centre
    new = gf.Collection(a=night.model.gaussian.centre, b=2.0)
    assert (
        fit.samples.subsamples(new).median_pdf().a == night.median_pdf().gaussian.centre
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (gf.Model(gf.ex.Gaussian), "The samples have no parameter 'centre'"),
        (gf.UniformPrior(), "subsamples needs a part of the model"),
        (None, "subsamples needs a part of the model"),
    ],
)
def test_subsamples_of_another_model(fit, model, words):
    with pytest.raises(ResultError) as caught:
        fit.samples.subsamples(model)
    assert words in str(caught.value)


# --- what an optimum does not know -------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit[0].values_at_sigma(1.0),
        lambda fit: fit[0].errors_at_sigma(3.0),
        lambda fit: fit[0].samples.values_at_lower_sigma(),
        lambda fit: fit[0].samples.errors_at_upper_sigma(),
        lambda fit: fit[0].covariance_matrix,
        lambda fit: fit.covariance_matrix,
        lambda fit: fit[0].model_centred,
        lambda fit: fit.to_datatree(),
    ],
)
def test_an_optimum_has_no_errors(optimum, ask):
    with pytest.raises(ResultError, match="An optimum has no posterior"):
        ask(optimum)


def test_what_an_optimum_knows(optimum):
    best = gf.ex.Gaussian(*MEANS[:3])
    assert optimum[0].instance == optimum[0].median_pdf() == best
    assert math.isnan(optimum.log_evidence)
    assert optimum.info.startswith("Maximum log likelihood")


# --- further shapes ----------------------------------------------------------------


def test_a_datatree_in_the_arviz_schema(fit):
    tree = fit.to_datatree(draws=500, seed=2)
    posterior = tree["posterior"]
    assert posterior["day.centre"].dims == ("chain", "draw")
    assert posterior["day.centre"].shape == (1, 500)
    assert set(posterior.data_vars) == set(fit.record.names)
    assert float(posterior["day.centre"].mean()) == pytest.approx(10.0, abs=0.02)
    assert tree["sample_stats"]["lp"].shape == (1, 500)
    assert tree["posterior"].attrs["log_evidence"] == -12.5
    again = fit.to_datatree(draws=500, seed=2)
    assert tree.identical(again)


def test_derived_columns(fit):
    record = fit.record
    assert record.derived_names == (
        "night.gaussian.sigma",
        "night.fwhm",
        "night.offset",
    )
    sigma = record.derived[:, 0]
    np.testing.assert_allclose(record.derived[:, 1], 2.355 * sigma, rtol=1e-14)
    np.testing.assert_array_equal(record.derived[:, 2], np.full(4000, 7.0))
    expected = record.values[:, 4] * 2 + record.values[:, 2]
    np.testing.assert_array_equal(sigma, expected)


class Reporter(Noisy):
    """Returns another object than a Result."""

    def make_result(self, result):
        return {"peak": result.instance.gaussian.normalization}


def test_make_result_may_return_anything():
    source = graph()
    factors = list(source.factors.values())
    factors[1] = gf.AnalysisFactor(factors[1].prior_model, Reporter(), name="night")
    program = lower(gf.FactorGraphModel(*factors))
    values = MEANS[None].copy()
    samples = Samples(
        kind="optimum",
        parameter_names=program.space.names,
        values=values,
        log_likelihood=np.zeros(1),
        log_prior=np.zeros(1),
        log_weights=np.zeros(1),
    )
    fit = make_results(program, samples)
    assert fit["night"] == {"peak": values[0, 3]}
    assert [result.name for result in fit.plain] == ["day", "night"]
    assert math.isnan(fit.chi_squared)
    assert "night" in fit.info


def test_repr(fit):
    assert repr(fit) == "ResultList(day, night; ln Z = -12.50)"
    assert repr(fit[0]) == f"Result('day', log_likelihood={fit[0].log_likelihood:.3f})"
