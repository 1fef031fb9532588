"""Small things that users of PyAutoFit reach for, one test each."""

import json
from pathlib import Path

import numpy as np
import pytest

import graphfit as gf


def analysis(**values: float) -> gf.ex.Analysis:
    truth = gf.ex.Gaussian(
        **{"centre": 50.0, "normalization": 25.0, "sigma": 10.0} | values
    )
    return gf.ex.Analysis(truth(np.arange(100.0)), np.full(100, 0.05))


@pytest.fixture(scope="module")
def result() -> gf.Result:
    model = gf.Collection(gaussian=gf.ex.Gaussian)
    return gf.DynestyStatic(nlive=40, seed=1).fit(model=model, analysis=analysis())


def test_limits_and_errors_come_apart_and_together(result: gf.Result) -> None:
    samples = result.samples
    together = samples.values_at_sigma(2.0).gaussian.sigma
    apart = (
        samples.values_at_lower_sigma(sigma=2.0).gaussian.sigma,
        samples.values_at_upper_sigma(sigma=2.0).gaussian.sigma,
    )
    assert together == apart
    errors = list(
        zip(
            samples.errors_at_lower_sigma(2.0, as_instance=False),
            samples.errors_at_upper_sigma(2.0, as_instance=False),
            strict=True,
        )
    )
    assert errors == samples.errors_at_sigma(2.0, as_instance=False)


def test_log_posteriors_are_sums(result: gf.Result) -> None:
    samples = result.samples
    assert samples.log_posterior_list[7] == pytest.approx(
        samples.log_likelihood_list[7] + samples.log_prior_list[7]
    )


def test_a_model_counts_its_parameters_and_draws_from_its_priors() -> None:
    model = gf.Model(gf.ex.Gaussian, sigma=3.0)
    assert model.total_free_parameters == model.prior_count == 2
    first = model.random_instance(seed=1)
    assert first == model.random_instance(seed=1) != model.random_instance(seed=2)
    assert first.sigma == 3.0
    assert 0.0 <= first.centre <= 100.0


def test_one_core_is_no_unknown_setting() -> None:
    assert gf.Emcee(nwalkers=30, nsteps=10, number_of_cores=1).nwalkers == 30
    assert gf.DynestyStatic(number_of_cores=2).n_workers == 2
    with pytest.raises(gf.GraphfitError, match="number_of_cores"):
        gf.LBFGS(number_of_cores=2)


def test_priors_symmetric_about_zero_do_not_stop_a_relation_for_a_width() -> None:
    # At the medians of the priors sigma is 0, where the profile has no values.
    m = gf.UniformPrior(lower_limit=-10.0, upper_limit=10.0)
    c = gf.UniformPrior(lower_limit=-10.0, upper_limit=10.0)
    factors = [
        gf.AnalysisFactor(
            gf.Model(gf.ex.Gaussian, centre=50.0, normalization=25.0, sigma=m * x + c),
            analysis(sigma=5.0 * x + 5.0),
        )
        for x in (1.0, 2.0)
    ]
    graph = gf.FactorGraphModel(*factors)
    with pytest.raises(gf.FitException):
        graph.log_likelihood_function(
            graph.global_prior_model.instance_from_prior_medians()
        )
    results = gf.DynestyStatic(nlive=40, seed=1).fit(graph)
    assert results[1].instance.sigma == pytest.approx(15.0, abs=0.1)


def test_the_example_analysis_saves_its_dataset(tmp_path: Path) -> None:
    one = analysis()
    one.save_attributes(tmp_path)
    assert json.loads((tmp_path / "data.json").read_text()) == one.data.tolist()
    noise_map = gf.util.numpy_array_from_json(file_path=tmp_path / "noise_map.json")
    assert np.array_equal(noise_map, one.noise_map)


def test_info_names_what_relations_and_conditional_priors_depend_on() -> None:
    slope, mean = (
        gf.UniformPrior(0.0, 1.0),
        gf.UniformPrior(0.0, 9.0, name="mean_of_all"),
    )
    model = gf.Collection(
        gaussian=gf.Model(
            gf.ex.Gaussian,
            centre=gf.GaussianPrior(mean, 2.0),
            normalization=1.0,
            sigma=slope * 2.0 + 1.0,
        )
    )
    model.add_assertion(model.gaussian.centre > slope)
    text = model.info
    assert "GaussianPrior [0], mean = [2], sigma = 2" in text
    assert "input_0 * 2.0 + 1.0" in text
    tail = text[text.index("Hyper-parameters") :].split()
    assert tail[:4] == [
        "Hyper-parameters",
        "gaussian.centre.mean_of_all",
        "UniformPrior",
        "[2],",
    ]
    assert "gaussian.sigma.input_0 < gaussian.centre" in text
