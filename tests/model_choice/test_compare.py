"""compare, for single datasets: evidences, probabilities, refusals, text."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import graphfit as gf
from graphfit.errors import DataError, ResultError, SettingError, UnknownNameError
from graphfit.model_choice import compare

X = np.linspace(-1.0, 1.0, 15)
DATA = 1.0 + np.random.default_rng(3).normal(0.0, 0.5, 15)
SEARCH = gf.LevenbergMarquardt(maximize="posterior")


def level(x, height):
    return height + 0.0 * x


def slope(x, height, slope):
    return height + slope * x


def models():
    return {
        "level": gf.Model(level, height=gf.GaussianPrior(0.0, 2.0)),
        "slope": gf.Model(
            slope, height=gf.GaussianPrior(0.0, 2.0), slope=gf.GaussianPrior(0.0, 3.0)
        ),
    }


@dataclasses.dataclass
class Known:
    """A result with evidence and error, and nothing else."""

    log_evidence: float
    log_evidence_error: float


@pytest.fixture(scope="module")
def fits():
    analysis = gf.ProfileAnalysis(X, DATA, 0.5)
    return {name: SEARCH.fit(model, analysis) for name, model in models().items()}


def exact():
    """Return ln Z of both: they are linear, with Gaussian priors."""
    noise = 0.25 * np.eye(15)
    flat = noise + 4.0
    return [
        multivariate_normal(cov=cov).logpdf(DATA)
        for cov in (flat, flat + 9.0 * np.outer(X, X))
    ]


def test_it_weighs_by_the_evidence(fits):
    found = compare(fits)
    np.testing.assert_allclose(found.log_evidence, exact(), atol=1e-6)
    odds = np.exp(exact()[1] - exact()[0])
    np.testing.assert_allclose(found.probability, [1 / (1 + odds), odds / (1 + odds)])
    assert found.best == "level"
    assert found["slope"] is fits["slope"]
    np.testing.assert_allclose(found.log_bayes_factor, [0.0, np.log(odds)])


def test_errors_and_text():
    found = compare([Known(-10.0, 0.0), Known(-8.0, 0.3), Known(-9.0, 0.4)])
    assert found.labels == (0, 1, 2)
    np.testing.assert_allclose(found.log_bayes_factor_error, [0.3, 0.0, 0.5])
    p, s = found.probability, (0.0, 0.3, 0.4)
    variance = [
        sum((p[k] * ((j == k) - p[j]) * s[j]) ** 2 for j in range(3)) for k in range(3)
    ]
    np.testing.assert_allclose(found.probability_error, np.sqrt(variance))
    assert str(found).splitlines() == [
        "model            ln Z  ln B to the best  prior  P(model | data)",
        "0             -10.000    -2.00 +/- 0.30  0.333  0.090 +/- 0.020",
        "1      -8.00 +/- 0.30             0.000  0.333  0.665 +/- 0.093",
        "2      -9.00 +/- 0.40    -1.00 +/- 0.50  0.333  0.245 +/- 0.089",
    ]
    assert repr(found).startswith("ModelComparison(0 0.090 +/- 0.020, 1 0.665")


def test_what_is_impossible_or_certain_has_no_digits_that_say_nothing():
    found = compare({"no": Known(-139.8, 0.0), "yes": Known(-38.5, 0.3)})
    assert [line.rsplit("  ", 1)[1] for line in str(found).splitlines()[1:]] == [
        "< 1e-6",
        "> 1 - 1e-6",
    ]
    assert repr(found) == "ModelComparison(no < 1e-6, yes > 1 - 1e-6)"
    never = compare({"no": Known(-np.inf, 0.0), "yes": Known(-38.5, 0.3)})
    assert str(never).splitlines()[1].endswith("  0")
    assert "nan" not in repr(never)


def test_priors_that_are_given():
    pair = {"a": Known(0.0, 0.1), "b": Known(0.0, 0.1)}
    np.testing.assert_allclose(
        compare(pair, prior={"a": 3, "b": 1}).probability, [0.75, 0.25]
    )
    assert compare(pair, prior="equal").prior.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prior": {"a": 1.0, "c": 1.0}}, "no model 'c'"),
        ({"prior": {"a": 1.0}}, "a probability >= 0 for every model"),
        ({"prior": {"a": -1.0, "b": 1.0}}, "a probability >= 0"),
        ({"prior": "likely"}, "prior must be"),
        ({"prior": "learned"}, "takes the map of a cube"),
        ({"neighbours": 1}, "is for maps"),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(SettingError, match=message):
        compare({"a": Known(0.0, 0.1), "b": Known(0.0, 0.1)}, **settings)


@pytest.mark.parametrize("wrong", [[], [Known(0.0, 0.1)]])
def test_one_fit_is_no_comparison(wrong):
    with pytest.raises(SettingError, match="at least two fits"):
        compare(wrong)


def test_a_result_in_place_of_several(fits):
    with pytest.raises(SettingError, match="needs several fits"):
        compare(fits["level"])


def test_what_is_no_result():
    with pytest.raises(SettingError, match="'b' is a str"):
        compare({"a": Known(0.0, 0.1), "b": "fit"})


def test_a_chain_has_no_evidence(fits):
    with pytest.raises(ResultError, match="the fit 'chain' has no evidence"):
        compare({"level": fits["level"], "chain": Known(np.nan, np.nan)})


@pytest.mark.parametrize(
    ("x", "data", "how"),
    [
        (X, DATA + 1e-9, "values are not the same"),
        (X[:-1], DATA[:-1], "14 data points"),
    ],
)
def test_other_data_are_refused(fits, x, data, how):
    other = SEARCH.fit(models()["slope"], gf.ProfileAnalysis(x, data, 0.5))
    with pytest.raises(DataError, match=f"different data .*{how}"):
        compare({"level": fits["level"], "slope": other})


def test_graphs_hold_the_same_data_in_any_order():
    halves = [
        gf.ProfileAnalysis(X[cut], DATA[cut], 0.5) for cut in (slice(7), slice(7, 15))
    ]

    def joint(analyses):
        model = models()["level"]
        factors = [gf.AnalysisFactor(model, analysis) for analysis in analyses]
        return SEARCH.fit(gf.FactorGraphModel(*factors))

    found = compare([joint(halves), joint(halves[::-1])])
    np.testing.assert_allclose(found.probability, 0.5)


def test_other_noise_is_another_model(fits):
    noisier = SEARCH.fit(models()["level"], gf.ProfileAnalysis(X, DATA, 0.6))
    assert compare([fits["level"], noisier]).probability.sum() == pytest.approx(1.0)


def test_an_unknown_label_names_the_close_one(fits):
    with pytest.raises(UnknownNameError, match="Did you mean 'level'"):
        compare(fits)["levle"]
