"""Sensitivity maps against closed forms: linear models, of which ln B is known."""

from typing import Annotated

import numpy as np
import pytest
from scipy.stats import norm

import graphfit as gf
from graphfit.errors import ModelError, PriorError, ResultError, SettingError
from tests.sensitivity.linear_case import (
    HEIGHT,
    NOISE,
    STRENGTH_PRIOR,
    X,
    base_model,
    boundary,
    dataset,
    expected_log_bayes_factor,
    level,
    line,
    log_bayes_factor,
    sensitivity,
)

# Laplace's evidence of a linear model is exact; what is left is the optimum's rounding.
CLOSE = 1e-8
SIMULATIONS = 12


@pytest.fixture(scope="module")
def result():
    return sensitivity(number_of_steps=8, n_simulations=SIMULATIONS).run()


# --- values ---------------------------------------------------------------------------


def test_cells_are_at_the_quantiles_of_the_prior(result):
    expected = norm(*STRENGTH_PRIOR).ppf((np.arange(8) + 0.5) / 8)
    assert result.parameter_names == ("perturb.strength",)
    np.testing.assert_allclose(result.centres["perturb.strength"], expected)
    assert result.physical_centres_lists == [
        [v] for v in result.centres["perturb.strength"]
    ]
    inner = norm(*STRENGTH_PRIOR).ppf(np.arange(1, 8) / 8)
    np.testing.assert_allclose(
        result.edges["perturb.strength"], [-np.inf, *inner, np.inf], atol=1e-12
    )


def test_every_difference_is_the_exact_one(result):
    values = result.differences().values
    assert values.shape == (8, SIMULATIONS)
    for cell in range(8):
        for k in (0, 7):
            pair = result.result_at(cell, simulation=k)
            data = pair.base.analysis.data
            assert values[cell, k] == pytest.approx(log_bayes_factor(data), abs=CLOSE)
            assert pair.perturbed.analysis.data is data
            assert pair.base.log_evidence + values[cell, k] == pytest.approx(
                pair.perturbed.log_evidence
            )


def test_simulations_are_of_the_truth_and_its_noise(result):
    residuals = []
    for cell, strength in enumerate(result.centres["perturb.strength"]):
        for k in range(4):
            data = result.result_at(cell, simulation=k).base.analysis.data
            residuals.append((data - HEIGHT - line(X, strength)) / NOISE)
    sample = np.concatenate(residuals)
    assert abs(sample.mean()) < 4 / np.sqrt(sample.size)
    assert abs((sample**2).mean() - 1.0) < 4 * np.sqrt(2 / sample.size)


def test_means_over_the_noise_are_the_expected_ones(result):
    found = result.differences()
    expected = [
        expected_log_bayes_factor(s) for s in result.centres["perturb.strength"]
    ]
    assert (np.abs(found.mean - expected) < 4 * found.error).all()
    np.testing.assert_allclose(found.scatter, found.values.std(axis=1, ddof=1))
    np.testing.assert_allclose(found.error, found.scatter / np.sqrt(SIMULATIONS))
    np.testing.assert_allclose(result.log_evidence_differences, found.mean)
    np.testing.assert_allclose(
        result.log_evidences_perturbed - result.log_evidences_base, found.mean
    )


def test_the_boundary_is_where_the_expected_difference_crosses_zero(result):
    """Cells that are significant at four errors lie on the right side of it."""
    edge = boundary()
    assert expected_log_bayes_factor(edge) == pytest.approx(0.0, abs=1e-9)
    found = result.differences()
    strengths = np.abs(result.centres["perturb.strength"])
    sure = np.abs(found.mean) > 4 * found.error
    above = found.mean > 0.0
    np.testing.assert_array_equal(above[sure], strengths[sure] > edge)
    assert set(above[sure].tolist()) == {True, False}


def test_nested_sampling_agrees_within_its_error():
    exact = sensitivity(number_of_steps=3, seed=5).run()
    found = sensitivity(
        number_of_steps=3, seed=5, search=gf.NestedSampler(n_live=200)
    ).run()
    difference = found.differences()
    assert (difference.error > 0.0).all()
    assert (difference.error < 0.5).all()
    gap = np.abs(difference.mean - exact.differences().mean)
    assert (gap < 4 * difference.error).all()


def test_detection_is_the_fraction_above_the_threshold(result):
    values = result.differences().values
    for threshold in (0.0, 5.0):
        np.testing.assert_array_equal(
            result.detectable(threshold), (values > threshold).mean(axis=1)
        )
    assert result.detectable(1e9).max() == 0.0


@pytest.mark.parametrize("search", [gf.LBFGS(seed=1, n_starts=1, n_draws=20)])
def test_a_search_without_evidence_is_compared_by_its_bic(search):
    found = sensitivity(search=search, number_of_steps=2).run()
    assert found.statistic == "bic"
    gain = found.log_likelihood_differences
    penalty = 0.5 * np.log(X.size)
    np.testing.assert_allclose(found.differences().mean, gain - penalty)
    assert np.isnan(found.log_evidence_differences).all()
    with pytest.raises(ResultError, match=r"no evidence; .*There is: bic"):
        found.differences("log_evidence")
    with pytest.raises(SettingError, match="Did you mean 'log_likelihood'"):
        found.detectable(statistic="log_likelyhood")


# --- what is fitted -------------------------------------------------------------------


def test_limits_follow_the_cell_only_where_asked():
    strength = gf.UniformPrior(0.0, 8.0)
    model = gf.Model(line, strength=strength)
    whole = sensitivity(perturb_model=model).run().result_at(1)
    assert whole.perturbed.model.perturb.strength is strength
    cut = sensitivity(perturb_model=model, limit_scale=1.5).run()
    supports = [r.perturbed.model.perturb.strength.support for r in cut.results]
    assert supports == [(0.0, 2.5), (1.5, 4.5), (3.5, 6.5), (5.5, 8.0)]
    assert strength.support == (0.0, 8.0)


def test_other_parameters_are_simulated_at_their_medians():
    def wide(x, strength, width):
        return strength * np.exp(-0.5 * (x / width) ** 2)

    model = gf.Model(
        wide, strength=gf.UniformPrior(0.0, 8.0), width=gf.UniformPrior(0.5, 2.5)
    )
    seen = []

    def simulate(instance, rng):
        seen.append((instance.base.height, instance.perturb.width))
        return dataset(instance, rng)

    found = sensitivity(
        base_model=gf.Model(level, height=gf.GaussianPrior(0.5, 4.0)),
        perturb_model=model,
        simulate=simulate,
        simulation_instance=None,
        number_of_steps=2,
        grid_priors=[model.strength],
    ).run()
    assert seen == [(0.5, 1.5)] * 2
    assert found.shape == (2,)
    free = found.result_at(0).perturbed.model.parameter_names
    assert free == ("base.height", "perturb.strength", "perturb.width")


def test_two_axes_with_their_own_steps():
    shift = gf.UniformPrior(-1.0, 1.0)

    def shifted(x, strength, centre):
        return strength * np.exp(-0.5 * (x - centre) ** 2)

    model = gf.Model(shifted, strength=gf.UniformPrior(0.0, 4.0), centre=shift)
    found = sensitivity(
        perturb_model=model,
        number_of_steps=(2, 3),
        grid_priors=[shift, model.strength],
    ).run()
    assert found.shape == found.statuses.shape == (2, 3)
    assert found.parameter_names == ("perturb.centre", "perturb.strength")
    assert found.physical_centres_lists[1] == pytest.approx([-0.5, 2.0])
    table = found.to_xarray()
    assert table["difference"].dims == found.parameter_names
    picked = table["difference"].sel({"perturb.strength": 2.0}, method="nearest")
    np.testing.assert_array_equal(picked, found.differences().mean[:, 1])
    assert table["differences"].dims == (*found.parameter_names, "simulation")
    assert (table["status"] == 0).all()


def test_components_of_a_collection_stay_and_get_one_more():
    base = gf.Collection(sky=gf.Model(level, height=gf.GaussianPrior(0.0, 4.0)))
    base.add_assertion(base.sky.height < 3.0)
    found = sensitivity(
        base_model=base, simulation_instance={"sky.height": HEIGHT}, number_of_steps=2
    ).run()
    pair = found.result_at(0)
    assert pair.base.model.parameter_names == ("sky.height",)
    assert pair.perturbed.model.parameter_names == ("sky.height", "perturb.strength")
    for result in pair:
        assert len(result.model.assertions) == 1
    assert "perturb" not in base


def test_the_truth_may_be_the_instance_of_a_fit():
    model = gf.Model(level, height=gf.GaussianPrior(0.0, 4.0))
    fit = gf.LevenbergMarquardt().fit(
        model, gf.ProfileAnalysis(X, np.full(X.size, 2.0), 1e-3)
    )
    seen = []

    def simulate(instance, rng):
        seen.append(instance.base.height)
        return dataset(instance, rng)

    sensitivity(
        base_model=model,
        simulation_instance=fit.instance,
        simulate=simulate,
        number_of_steps=1,
    ).run()
    assert seen == pytest.approx([2.0], abs=1e-6)


# --- what is shown, and errors --------------------------------------------------------


def test_the_map_as_text(result):
    assert repr(result) == "SensitivityResult(8 cells over perturb.strength)"
    first, second, _, head, *rows = result.info.splitlines()
    assert first.split(None, 1)[1] == (
        f"8 cells over perturb.strength, {SIMULATIONS} simulations each"
    )
    share = result.detectable().mean()
    assert second.startswith("ln B > 5")
    assert second.endswith(f"{share:.1%} of what the prior expects")
    assert head.split() == [
        "cell",
        "perturb.strength",
        "ln",
        "B",
        "scatter",
        "detected",
    ]
    assert len(rows) == 8
    single = sensitivity(number_of_steps=2).run().info.splitlines()
    assert single[3].split()[-1] == "detected"
    assert single[4].split()[-1] in ("yes", "no")


def test_samples_need_not_be_kept():
    found = sensitivity(number_of_steps=2, keep_results=False).run()
    assert found.results.tolist() == [None, None]
    with pytest.raises(ResultError, match="keep_results=True"):
        found.result_at(0)
    with pytest.raises(ResultError, match=r"2 numbers|1 numbers"):
        found.result_at(0, 0)


def test_noise_that_is_not_of_the_generator_is_noticed():
    own = np.random.default_rng(1)
    found = sensitivity(
        simulate=lambda instance, rng: dataset(instance, own), number_of_steps=1
    ).run()
    with pytest.raises(ResultError, match="draw all noise from the generator"):
        found.result_at(0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"number_of_steps": 0}, "number_of_steps=0): must be at least 1"),
        ({"number_of_steps": (2, 2)}, "the grid has 1 axes"),
        ({"n_simulations": 0}, "n_simulations=0): must be at least 1"),
        ({"limit_scale": 0.0}, "limit_scale=0.0): must be > 0, or None"),
        ({"simulate": 3}, "simulate=3): must be a function"),
        ({"scheduler": "thread"}, "Did you mean 'threads'"),
        ({"n_workers": 2}, "say of what, scheduler='threads'"),
        ({"number_of_cores": 2, "n_workers": 3}, "two words for the same"),
        ({"simulations": 3}, "no setting 'simulations'. Did you mean 'n_simulations'"),
        ({"mask": [True, True, True, True]}, "leaves out every cell"),
        ({"mask": [True, False]}, "of the grid's shape (4,)"),
        ({"simulate": lambda instance, rng: X}, "must return an Analysis"),
        ({"search": gf.LBFGS(name="map")}, "a search with a name needs a seed"),
    ],
)
def test_settings_are_checked(changes, text):
    with pytest.raises(SettingError) as caught:
        sensitivity(**changes).run()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"perturb_model": 3.0}, "perturb_model must be a Model"),
        ({"perturb_model": {"0": line}}, "base_model is one model"),
        ({"perturb_model": gf.Model(line, strength=1.0)}, "no free parameter"),
        ({"grid_priors": [gf.UniformPrior(0, 1)]}, "no free parameter of the model"),
        ({"base_model": gf.Collection(perturb=base_model())}, "rename it"),
        ({"simulation_instance": {"hight": 1.0}}, "simulation_instance: there is no"),
    ],
)
def test_models_that_do_not_go_together(changes, text):
    with pytest.raises(ModelError) as caught:
        sensitivity(**changes).run()
    assert text in str(caught.value)


def test_the_grid_is_over_the_perturbation():
    base = gf.Model(level, height=gf.UniformPrior(0.0, 1.0))
    with pytest.raises(
        ModelError, match=r"'base\.height' is a parameter of base_model"
    ):
        sensitivity(
            base_model=base, grid_priors=[base.height], simulation_instance=None
        ).run()


@pytest.mark.parametrize(
    ("prior", "changes", "text"),
    [
        (gf.FlatPrior(), {}, "has no integral"),
        (
            gf.UniformPrior(0.0, gf.UniformPrior(1, 2)),
            {},
            "depends on other parameters",
        ),
        (gf.GaussianPrior(0.0, 1.0), {"limit_scale": 1.0}, "cannot be cut into cells"),
    ],
)
def test_priors_that_are_no_axes(prior, changes, text):
    model = gf.Model(line, strength=prior)
    with pytest.raises(PriorError, match=text):
        sensitivity(perturb_model=model, grid_priors=[prior], **changes).run()


def test_a_function_is_a_model():
    def own(x, strength: Annotated[float, gf.UniformPrior(0.0, 4.0)]):
        return line(x, strength)

    found = sensitivity(perturb_model=own, number_of_steps=2).run()
    assert found.centres == {"perturb.strength": [1.0, 3.0]}
