"""gf.LevenbergMarquardt: optima, errors, evidence, statuses, many datasets, batches."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    ModelError,
    PriorError,
    ResultError,
)
from graphfit.search.least_squares import levenberg_marquardt
from tests.reference.evidence import linear_evidence, linear_posterior

X = np.linspace(0.0, 50.0, 53)


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def straight(x, slope, offset):
    return slope * x + offset


def model(**priors):
    priors = {
        "amplitude": gf.UniformPrior(0, 10),
        "mean": gf.GaussianPrior(25, 3),
        "stddev": gf.LogGaussianPrior(1, 0.5),
    } | priors
    return gf.Model(line, **priors)


def data(seed=1, scale=0.2, truth=(5.0, 25.0, 3.0)):
    return line(X, *truth) + np.random.default_rng(seed).normal(0, scale, X.size)


def analysis(seed=1, **settings):
    return gf.ProfileAnalysis(X, data(seed), **({"noise_map": 0.2} | settings))


# --- exact truths --------------------------------------------------------------------


def test_a_linear_model_with_gaussian_priors_has_the_exact_posterior_and_evidence():
    rng = np.random.default_rng(2)
    design = np.stack([X, np.ones_like(X)], axis=1)
    y = design @ [0.3, 1.0] + rng.normal(0, 0.5, X.size)
    prior_mean, prior_covariance = np.array([0.2, 0.5]), np.diag([0.04, 1.0])
    linear = gf.Model(
        straight, slope=gf.GaussianPrior(0.2, 0.2), offset=gf.GaussianPrior(0.5, 1.0)
    )
    answer = design, 0.25 * np.eye(X.size), prior_mean, prior_covariance, y
    mean, covariance = linear_posterior(*answer)
    search = gf.LevenbergMarquardt(tolerance=1e-13)
    result = search.fit(linear, gf.ProfileAnalysis(X, y, 0.5))
    np.testing.assert_allclose(result.samples.values[0], mean, rtol=1e-9)
    np.testing.assert_allclose(result.covariance_matrix, covariance, rtol=1e-9)
    assert result.log_evidence == pytest.approx(linear_evidence(*answer), abs=1e-8)


SETTINGS = {
    "gaussian": {},
    "jitter": {"noise_map": None, "jitter": "extra"},
    "jitter and noise": {"noise_map": 0.1, "jitter": "extra"},
    "student": {"likelihood": "student_t", "degrees_of_freedom": 4.0},
    "student, nu fitted": {"likelihood": "student_t", "degrees_of_freedom": "extra"},
    "poisson": {"likelihood": "poisson", "noise_map": None},
    "limits": {"upper_limits": X > 40.0},
}


def names_extra(settings):
    return any(
        isinstance(value, str) and value == "extra" for value in settings.values()
    )


def observed(case, y):
    """Data of which the likelihood has something to say."""
    if case == "poisson":
        return np.round(np.maximum(y, 0) * 3)
    if "student" in case:  # tails, so that nu is determined
        y = y.copy()
        y[..., ::7] += 1.5
    return y


@pytest.mark.parametrize("case", SETTINGS)
def test_the_optimum_is_that_of_lbfgs(case):
    settings = SETTINGS[case]
    y = observed(case, data(scale=0.2))
    made = gf.ProfileAnalysis(X, y, **({"noise_map": 0.2} | settings))
    profile = model(amplitude=gf.UniformPrior(0, 30))
    whole = gf.Collection(line=profile, extra=gf.LogUniformPrior(0.01, 50))
    tried = whole if names_extra(settings) else profile
    start = {name: 2.0 for name in tried.parameter_names if "mean" not in name}
    found = gf.LevenbergMarquardt().fit(tried, made, start=start)
    expected = gf.LBFGS(seed=1).fit(tried, made)
    assert found.status is gf.Status.CONVERGED
    best, other = found.samples.record, expected.samples.record
    posterior = best.log_likelihood[0] + best.log_prior[0]
    assert posterior >= other.log_likelihood[0] + other.log_prior[0] - 1e-6
    errors = np.sqrt(np.diag(found.covariance_matrix))
    assert (np.abs(best.values[0] - other.values[0]) < 0.02 * errors).all()


def test_errors_agree_with_nested_sampling():
    found = gf.LevenbergMarquardt().fit(model(), analysis())
    sampled = gf.DynestyStatic(nlive=200, seed=1).fit(model(), analysis())
    low, high = np.array(sampled.values_at_sigma(1.0).mean) - found.instance.mean
    error = found.errors_at_sigma(1.0).mean[0]
    assert 0.5 * (high - low) == pytest.approx(error, rel=0.15)
    assert found.log_evidence == pytest.approx(
        sampled.log_evidence, abs=4 * sampled.log_evidence_error
    )


def test_maximum_likelihood_takes_priors_as_bounds_alone():
    linear = gf.Model(
        straight, slope=gf.GaussianPrior(5, 0.01), offset=gf.UniformPrior(-9, 9)
    )
    y = 0.3 * X + 1.0
    made = gf.ProfileAnalysis(X, y, 1.0)
    found = gf.LevenbergMarquardt(maximize="likelihood").fit(linear, made)
    assert found.instance.slope == pytest.approx(0.3, abs=1e-6)
    assert np.isnan(found.log_evidence)
    held = gf.LevenbergMarquardt().fit(linear, made)
    assert held.instance.slope > 0.31


# --- what a result says --------------------------------------------------------------


def test_the_result_answers_like_a_posterior(tmp_path):
    search = gf.LevenbergMarquardt(name="fit", path_prefix=tmp_path, figures=False)
    found = search.fit(model(), analysis())
    again = search.fit(model(), analysis())
    assert again.info == found.info
    np.testing.assert_array_equal(again.covariance_matrix, found.covariance_matrix)
    assert again.samples.record.status is gf.Status.CONVERGED
    low, high = found.values_at_sigma(2.0).amplitude
    minus, plus = found.errors_at_sigma(2.0).amplitude
    assert minus == plus == pytest.approx(0.5 * (high - low))
    assert found.median_pdf().mean == found.instance.mean
    centred = found.model_centred
    assert centred.mean.sigma == pytest.approx(3 * found.errors_at_sigma(1.0).mean[0])
    assert "(Laplace's approximation)" in found.info
    assert "Status                        The fit converged." in found.info
    assert "joint fit" not in found.info  # it is the one dataset
    draw = found.samples.draw_randomly_via_pdf(seed=1)
    assert abs(draw.mean - found.instance.mean) < 6 * minus


def test_relations_have_errors_to_first_order():
    width = gf.UniformPrior(1, 9, name="width")
    tied = gf.Collection(
        a=model(stddev=width), b=gf.Model(straight, slope=0.0, offset=2.0 * width)
    )
    y = data() + 6.0
    found = gf.LevenbergMarquardt().fit(tied, gf.ProfileAnalysis(X, y, 0.2))
    error = found.errors_at_sigma(1.0)
    assert error.b.offset[0] == pytest.approx(2.0 * error.a.stddev[0], rel=1e-6)


def test_an_optimum_without_errors_still_refuses_to_give_them():
    found = gf.LBFGS(seed=1).fit(model(), analysis())
    with pytest.raises(ResultError, match=r"gf\.LevenbergMarquardt"):
        found.errors_at_sigma(1.0)


# --- statuses ------------------------------------------------------------------------


def test_a_bound_is_told_and_there_is_no_evidence():
    found = gf.LevenbergMarquardt().fit(
        model(amplitude=gf.UniformPrior(0, 4.0)), analysis()
    )
    assert found.status is gf.Status.AT_BOUND
    assert found.instance.amplitude == 4.0
    assert np.isnan(found.log_evidence)
    assert "with a parameter at its bound" in found.info


def test_too_few_evaluations_warn():
    with pytest.warns(ConvergenceWarning, match="used all its evaluations"):
        found = gf.LevenbergMarquardt(max_evaluations=2).fit(model(), analysis())
    assert found.status is gf.Status.OUT_OF_EVALUATIONS


def test_a_parameter_without_effect_warns():
    def idle(x, a, b):
        return a + 0.0 * b * x

    free = gf.Model(idle, a=gf.UniformPrior(0, 9), b=gf.UniformPrior(0, 9))
    with pytest.warns(ConvergenceWarning, match="do not determine every parameter"):
        found = gf.LevenbergMarquardt().fit(free, analysis())
    assert found.status is gf.Status.SINGULAR


def test_fewer_points_than_parameters_are_an_error_without_priors_that_help():
    two = gf.ProfileAnalysis(X[:2], data()[:2], 0.2)
    flat = model(mean=gf.UniformPrior(20, 30), stddev=gf.UniformPrior(1, 5))
    with pytest.raises(
        ConvergenceError, match="fewer data points than free parameters"
    ):
        gf.LevenbergMarquardt().fit(flat, two)


def test_flat_priors_need_a_start_and_give_no_evidence():
    flat = model(amplitude=gf.FlatPrior(), mean=gf.FlatPrior(), stddev=gf.FlatPrior(0))
    with pytest.raises(PriorError, match=r"LevenbergMarquardt, given no start="):
        gf.LevenbergMarquardt().fit(flat, analysis())
    start = {"amplitude": 1.0, "mean": 24.0, "stddev": 2.0}
    found = gf.LevenbergMarquardt().fit(flat, analysis(), start=start)
    expected, covariance = gf.curve_fit(
        line, X, data(), (1, 24, 2), 0.2, absolute_sigma=True
    )
    np.testing.assert_allclose(found.samples.values[0], expected, rtol=1e-6)
    np.testing.assert_allclose(found.covariance_matrix, covariance, rtol=1e-5)
    assert np.isnan(found.log_evidence)
    with pytest.raises(PriorError, match="DynestyStatic needs the quantiles"):
        gf.DynestyStatic().fit(flat, analysis())


class Opaque(gf.Analysis):
    def __init__(self, y):
        self.y = y

    def log_likelihood_function(self, instance):
        if instance.stddev > 8.9:
            raise gf.FitException
        return -0.5 * float((((self.y - instance(X)) / 0.2) ** 2).sum())


def test_a_likelihood_of_the_users_own_is_fitted_by_differences():
    found = gf.LevenbergMarquardt().fit(model(), Opaque(data()))
    expected = gf.LevenbergMarquardt().fit(model(), analysis())
    errors = np.sqrt(np.diag(expected.covariance_matrix))
    difference = found.samples.values[0] - expected.samples.values[0]
    assert (np.abs(difference) < 0.01 * errors).all()
    # The observed information, where the compiled fit has the expected one.
    np.testing.assert_allclose(
        np.sqrt(np.diag(found.covariance_matrix)), errors, rtol=0.1
    )


# --- many datasets -------------------------------------------------------------------


def graph(count, seed=0):
    mean = gf.UniformPrior(20, 30)
    return gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(
                model(mean=mean), gf.ProfileAnalysis(X, data(seed + i), 0.2)
            )
            for i in range(count)
        ]
    )


def test_the_structured_solver_finds_what_the_dense_one_finds(monkeypatch):
    dense = gf.LevenbergMarquardt(tolerance=1e-9).fit(graph(10)).record
    monkeypatch.setattr(levenberg_marquardt, "LARGEST_DENSE", 1)
    joint = gf.LevenbergMarquardt(tolerance=1e-9).fit(graph(10)).record
    errors = np.sqrt(np.diag(dense.covariance))
    assert (np.abs(joint.values - dense.values) < 1e-3 * errors).all()
    np.testing.assert_allclose(
        joint.covariance, dense.covariance, atol=1e-4 * errors.max()
    )
    assert joint.log_evidence == pytest.approx(dense.log_evidence, abs=1e-3)


def test_a_hundred_datasets_with_a_population_are_one_fit():
    centre, scatter = gf.UniformPrior(20, 30), gf.LogUniformPrior(0.1, 10)
    rng = np.random.default_rng(4)
    truths = rng.normal(25.0, 1.0, 100)
    factors = [
        gf.AnalysisFactor(
            model(mean=gf.GaussianPrior(centre, scatter)),
            gf.ProfileAnalysis(X, data(i, truth=(5, truth, 3)), 0.2),
        )
        for i, truth in enumerate(truths)
    ]
    results = gf.LevenbergMarquardt().fit(gf.FactorGraphModel(*factors))
    record = results.record
    assert record.status is gf.Status.CONVERGED
    found = record.values[0, record.parameter_names.index("mean.mean")]
    assert found == pytest.approx(truths.mean(), abs=0.02)
    spread = record.values[0, record.parameter_names.index("mean.sigma")]
    assert spread == pytest.approx(truths.std(), rel=0.1)


def test_components_in_order_are_fitted_with_their_evidence():
    low, high = gf.ordered_priors(2, gf.UniformPrior(0, 50))
    two = gf.Collection(
        a=model(mean=low, stddev=gf.UniformPrior(1, 9)),
        b=model(mean=high, stddev=gf.UniformPrior(1, 9)),
    )
    y = data(truth=(5.0, 15.0, 3.0)) + line(X, 4.0, 32.0, 3.0)
    made = gf.ProfileAnalysis(X, y, 0.2)
    found = gf.LevenbergMarquardt(n_starts=4, seed=1).fit(two, made)
    assert found.status is gf.Status.CONVERGED
    assert found.instance.a.mean == pytest.approx(15.0, abs=0.3)
    assert found.instance.b.mean == pytest.approx(32.0, abs=0.3)
    # Free means have two equal modes, each with half of the evidence.
    free = gf.Collection(
        a=model(mean=gf.UniformPrior(0, 50), stddev=gf.UniformPrior(1, 9)),
        b=model(mean=gf.UniformPrior(0, 50), stddev=gf.UniformPrior(1, 9)),
    )
    start = dict(zip(two.parameter_names, found.samples.values[0], strict=True))
    one_mode = gf.LevenbergMarquardt().fit(free, made, start=start)
    assert found.log_evidence == pytest.approx(
        one_mode.log_evidence + np.log(2.0), abs=1e-4
    )


# --- batches -------------------------------------------------------------------------


def rows(count=30, seed=5):
    rng = np.random.default_rng(seed)
    truth = rng.uniform([2, 22, 2], [8, 28, 4], (count, 3))
    y = line(X, *(truth[:, j, None] for j in range(3)))
    return truth, y + rng.normal(0, 0.2, y.shape)


def test_a_batch_is_the_fits_of_its_rows():
    _, y = rows()
    search = gf.LevenbergMarquardt(tolerance=1e-10)
    start = {"amplitude": 5.0, "mean": 25.0, "stddev": np.e}
    batch = search.fit_batch(
        model(), X, y.reshape(5, 6, -1), 0.2, start=start, threads=2
    )
    assert batch.counts() == {"converged": 30}
    assert batch["mean"].shape == (5, 6)
    for i, j in ((0, 0), (4, 5), (2, 3)):
        alone = search.fit(
            model(), gf.ProfileAnalysis(X, y.reshape(5, 6, -1)[i, j], 0.2), start=start
        )
        record = alone.samples.record
        np.testing.assert_allclose(batch.values[i, j], record.values[0], rtol=1e-6)
        np.testing.assert_allclose(batch.covariance[i, j], record.covariance, rtol=1e-4)
        assert batch.log_likelihood[i, j] == pytest.approx(alone.log_likelihood)
        assert batch.log_evidence[i, j] == pytest.approx(alone.log_evidence, abs=1e-4)
        assert batch.chi_squared[i, j] == pytest.approx(alone.chi_squared)
        assert batch.log_prior[i, j] == pytest.approx(record.log_prior[0])


@pytest.mark.parametrize(
    "case", ["jitter", "jitter and noise", "student", "student, nu fitted", "poisson"]
)
def test_a_batch_knows_the_other_likelihoods(case):
    settings = dict(SETTINGS[case])
    y = observed(case, rows(6)[1])
    noise = settings.pop("noise_map", 0.2)
    profile = model(amplitude=gf.UniformPrior(0, 30))
    whole = gf.Collection(line=profile, extra=gf.LogUniformPrior(0.01, 50))
    tried = whole if names_extra(settings) else profile
    batch = gf.LevenbergMarquardt().fit_batch(tried, X, y, noise, **settings)
    made = gf.ProfileAnalysis(X, y[3], noise, **settings)
    start = dict(zip(tried.parameter_names, batch.values[3], strict=True))
    alone = gf.LevenbergMarquardt().fit(tried, made, start=start)
    assert batch.log_likelihood[3] == pytest.approx(alone.log_likelihood, abs=1e-4)
    assert batch.log_evidence[3] == pytest.approx(alone.log_evidence, abs=1e-3)


def test_starts_of_a_batch_are_named_and_may_differ_by_row():
    truth, y = rows()
    wide = model(mean=gf.UniformPrior(0, 50), amplitude=gf.UniformPrior(0, 10))
    guess = X[y.argmax(axis=1)]
    batch = gf.LevenbergMarquardt().fit_batch(wide, X, y, 0.2, start={"mean": guess})
    pulls = (batch["mean"] - truth[:, 1]) / batch.error("mean")
    assert np.abs(pulls).max() < 4.5
    many = gf.LevenbergMarquardt(n_starts=20, seed=1).fit_batch(wide, X, y, 0.2)
    np.testing.assert_allclose(many["mean"], batch["mean"], atol=0.01)


def test_gaps_and_masks_of_a_batch_are_left_out():
    _, y = rows(4)
    y[0, :5], out = np.nan, np.zeros(y.shape, dtype=bool)
    out[1, 10:20] = True
    out[2] = True
    batch = gf.LevenbergMarquardt().fit_batch(model(), X, y, 0.2, mask=out)
    assert batch.points.tolist() == [48, 43, 0, 53]
    assert np.isfinite(batch.values[[0, 1, 3]]).all()
    alone = gf.ProfileAnalysis(X, np.nan_to_num(y[0]), 0.2, mask=np.isnan(y[0]))
    start = {"amplitude": 5.0, "mean": 25.0, "stddev": np.e}
    found = gf.LevenbergMarquardt().fit(model(), alone, start=start)
    assert batch.log_evidence[0] == pytest.approx(found.log_evidence, abs=1e-4)


def test_pulls_of_a_batch_are_standard_normal():
    truth, y = rows(3000, seed=8)
    flat = model(
        amplitude=gf.UniformPrior(0, 20),
        mean=gf.UniformPrior(10, 40),
        stddev=gf.UniformPrior(0.5, 10),
    )
    batch = gf.LevenbergMarquardt().fit_batch(
        flat, X, y, 0.2, start={"mean": truth[:, 1]}
    )
    deviations = np.sqrt(np.diagonal(batch.covariance, axis1=1, axis2=2))
    pulls = (batch.values - truth) / deviations
    assert (np.abs(pulls.mean(axis=0)) < 4 / np.sqrt(3000) + 0.02).all()
    assert (np.abs(pulls.std(axis=0) - 1) < 4 / np.sqrt(6000) + 0.02).all()


def test_what_a_batch_refuses():
    _, y = rows(3)
    search = gf.LevenbergMarquardt()
    with pytest.raises(DataError, match="needs a noise_map"):
        search.fit_batch(model(), X, y)
    with pytest.raises(ModelError, match=r"no parameter 'men'\. Did you mean 'mean'"):
        search.fit_batch(model(), X, y, 0.2, start={"men": 1.0})
    with pytest.raises(ModelError, match=r"mean must be a number or an array of shape"):
        search.fit_batch(model(), X, y, 0.2, start={"mean": [1.0, 2.0]})
    with pytest.raises(
        ModelError, match=r"amplitude = 11 is outside its prior's range"
    ):
        search.fit_batch(model(), X, y, 0.2, start={"amplitude": 11.0})
    with pytest.raises(
        DataError, match=r"fit_batch: x has shape \(4,\) and data \(3, 53\)"
    ):
        search.fit_batch(model(), X[:4], y, 0.2)
    with pytest.raises(DataError, match="fit_batch: noise_map must be > 0"):
        search.fit_batch(model(), X, y, -0.2)
    with pytest.raises(PriorError, match="given no start"):
        search.fit_batch(model(mean=gf.FlatPrior()), X, y, 0.2)
    batch = search.fit_batch(model(), X, y, 0.2)
    with pytest.raises(AttributeError, match="Did you mean 'stddev'"):
        batch["stdev"]
    assert repr(batch) == (
        "BatchResult(3 fits of amplitude, mean, stddev: 3 converged; compiled)"
    )
    assert list(batch) == ["amplitude", "mean", "stddev"]


def test_settings_stay_as_they_are():
    search = gf.LevenbergMarquardt(seed=1)
    assert replace(search, tolerance=1e-6).tolerance == 1e-6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(model(), analysis())
