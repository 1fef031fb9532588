"""Maps over graphs: perturbations that datasets share, have for themselves, or lack."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import graphfit as gf
from graphfit.errors import ModelError, SettingError
from tests.sensitivity.linear_case import NOISE, X, level, line

CLOSE = 1e-8
SHAPE = line(X, 1.0)
ONES = np.ones(X.size)
TAU, SIGMA = 4.0, 2.5  # of the heights, and of the strengths


def graph(population=False):
    """Two nights with heights of their own, over data that are only there to replace."""
    rng = np.random.default_rng(1)
    models = [gf.Model(level, height=gf.GaussianPrior(0.0, TAU)) for _ in range(2)]
    factors = [
        gf.AnalysisFactor(
            model, gf.ProfileAnalysis(X, rng.normal(size=X.size), NOISE), f"night_{i}"
        )
        for i, model in enumerate(models)
    ]
    if population:
        mean = gf.GaussianPrior(0.0, TAU)
        drawn = gf.HierarchicalFactor(gf.GaussianPrior, mean=mean, sigma=1.0)
        for model in models:
            drawn.add_drawn_variable(model.height)
        factors.append(drawn)
    return gf.FactorGraphModel(*factors)


def simulate(instance, rng):
    return {
        f"night_{i}": gf.ProfileAnalysis(
            X, instance[f"night_{i}"](X) + rng.normal(0.0, NOISE, X.size), NOISE
        )
        for i in range(2)
    }


def strength():
    return gf.GaussianPrior(0.0, SIGMA)


def sensitivity(perturb_model, base=None, **changes):
    arguments = {
        "base_model": base or graph(),
        "perturb_model": perturb_model,
        "simulate": simulate,
        "search": gf.LevenbergMarquardt(seed=3, split_components=False),
        "number_of_steps": 2,
    }
    return gf.Sensitivity(**{**arguments, **changes})


def covariance(columns):
    """Of both nights' data, from design columns scaled by their priors' widths."""
    found = NOISE**2 * np.eye(2 * X.size)
    for column in columns:
        found += np.outer(column, column)
    return found


def nights(first, second):
    return np.concatenate([first, second])


NOTHING = 0.0 * ONES
OWN_HEIGHTS = [TAU * nights(ONES, NOTHING), TAU * nights(NOTHING, ONES)]
POPULATION = [
    TAU * nights(ONES, ONES),
    nights(ONES, NOTHING),
    nights(NOTHING, ONES),
]


def check(found, base_columns, perturbed_columns):
    """Compare every cell of a map with the closed form."""
    values = found.differences().values
    for position in np.ndindex(*found.shape):
        pair = found.result_at(*position)
        data = np.concatenate([result.analysis.data for result in pair.base])
        evidences = [
            multivariate_normal.logpdf(data, cov=covariance(columns))
            for columns in (base_columns, [*base_columns, *perturbed_columns])
        ]
        assert pair.base.log_evidence == pytest.approx(evidences[0], abs=CLOSE)
        exact = evidences[1] - evidences[0]
        assert values[(*position, 0)] == pytest.approx(exact, abs=CLOSE)


def test_a_perturbation_that_all_datasets_share():
    found = sensitivity(gf.Model(line, strength=strength())).run()
    assert found.parameter_names == ("perturb.strength",)
    check(found, OWN_HEIGHTS, [SIGMA * nights(SHAPE, SHAPE)])
    pair = found.result_at(0)
    assert pair.base.names == pair.perturbed.names == ("night_0", "night_1")


def test_a_perturbation_of_one_dataset():
    found = sensitivity({"night_1": gf.Model(line, strength=strength())}).run()
    assert found.parameter_names == ("night_1.perturb.strength",)
    check(found, OWN_HEIGHTS, [SIGMA * nights(NOTHING, SHAPE)])


def test_perturbations_of_each_dataset_are_two_axes():
    models = {f"night_{i}": gf.Model(line, strength=strength()) for i in range(2)}
    found = sensitivity(models, number_of_steps=(3, 2)).run()
    assert found.shape == (3, 2)
    assert found.parameter_names == (
        "night_0.perturb.strength",
        "night_1.perturb.strength",
    )
    own = [SIGMA * nights(SHAPE, NOTHING), SIGMA * nights(NOTHING, SHAPE)]
    check(found, OWN_HEIGHTS, own)


def test_priors_that_stand_in_several_models_are_shared():
    shared = strength()
    models = {f"night_{i}": gf.Model(line, strength=shared) for i in range(2)}
    found = sensitivity(models).run()
    assert found.shape == (2,)
    check(found, OWN_HEIGHTS, [SIGMA * nights(SHAPE, SHAPE)])


def test_a_hierarchical_base():
    """Heights from a population: their covariance is that of the two levels."""
    base = graph(population=True)
    found = sensitivity(gf.Model(line, strength=strength()), base).run()
    check(found, POPULATION, [SIGMA * nights(SHAPE, SHAPE)])
    names = found.result_at(0).perturbed.model.parameter_names
    assert "distribution_model.mean" in names
    assert base.global_prior_model.prior_count == 3  # left alone


def test_limits_follow_the_cell_in_a_hierarchical_graph():
    own = gf.UniformPrior(0.0, 4.0)
    found = sensitivity(
        gf.Model(line, strength=own), graph(population=True), limit_scale=1.0
    ).run()
    supports = [
        pair.perturbed.model["night_1"].perturb.strength.support
        for pair in found.results
    ]
    assert supports == [(0.0, 2.0), (2.0, 4.0)]


def test_conditions_on_the_joint_model_stay():
    base = graph()
    joint = base.global_prior_model
    joint.add_assertion(joint["night_0"].height < joint["night_1"].height)
    found = sensitivity(
        gf.Model(line, strength=strength()),
        base,
        simulation_instance={"night_0.height": -1.0, "night_1.height": 1.0},
        search=gf.NestedSampler(n_live=50, seed=1),
        number_of_steps=1,
    ).run()
    for results in found.result_at(0):
        assert len(results.model.assertions) == 1
        record = results.record
        first, second = (
            record.values[:, record.parameter_names.index(f"night_{i}.base.height")]
            for i in range(2)
        )
        assert (first < second)[record.log_likelihood > -np.inf].all()


def test_the_truth_is_given_by_the_names_of_the_base_graph():
    seen = []

    def look(instance, rng):
        seen.append([instance[f"night_{i}"].base.height for i in range(2)])
        return list(simulate(instance, rng).values())  # a list is in order

    truth = {"night_0.height": 1.0, "night_1.height": -2.0}
    sensitivity(
        gf.Model(line, strength=strength()),
        simulate=look,
        simulation_instance=truth,
        number_of_steps=1,
    ).run()
    assert seen == [[1.0, -2.0]]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ({"night_0": None}, "no dataset for 'night_1'"),
        ({"night_2": None}, "Did you mean 'night_"),
        ([None], "for each of the 2 datasets"),
        (None, "for each of the 2 datasets"),
        ([None, None], "must return an Analysis"),
    ],
)
def test_what_simulate_must_return(made, text):
    with pytest.raises(SettingError) as caught:
        sensitivity(gf.Model(line, strength=strength()), simulate=lambda *_: made).run()
    assert text in str(caught.value)
    assert caught.value.__notes__[0].startswith("In cell 0: perturb.strength = ")


def test_factors_that_do_not_exist_are_named():
    with pytest.raises(ModelError, match=r"no factor 'nigth_1'.*'night_1'"):
        sensitivity({"nigth_1": gf.Model(line, strength=strength())}).run()
