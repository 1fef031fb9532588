"""From vectors to instances, and models in other processes."""

import multiprocessing
import pickle

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.errors import ModelError
from tests.model.components import Frozen, Holder, Tuples, half, line


def model_of_everything() -> gf.Collection:
    slope = gf.UniformPrior(0.0, 2.0, name="slope")
    scatter = gf.LogUniformPrior(0.1, 10.0)
    model = gf.Collection(
        one=gf.Model(
            Frozen, position=gf.GaussianPrior(slope, scatter), width=2 * slope
        ),
        two=gf.Model(Holder, part=gf.Array((2,), gf.GaussianPrior(1.0, 0.5))),
        three=gf.Model(
            Tuples, centre=(gf.relation(half, slope), gf.UniformPrior(3, 4))
        ),
        four=gf.Model(line, slope=slope, offset=-1.0),
    )
    model.add_assertion(model.two.part[0] < model.two.part[1])
    return model


def build(model: gf.Collection, unit: list[float]) -> list[float]:
    """What a worker process makes of a model."""
    instance = model.instance_from_unit_vector(unit)
    return [
        instance.one.position,
        instance.one.width,
        *instance.two.part.tolist(),
        *instance.three.centre,
        float(instance.four(1.0)),
    ]


UNIT = [0.1, 0.3, 0.9, 0.4, 0.6, 0.2]


def expected() -> list[float]:
    slope = 2.0 * 0.3
    scatter = 0.1 * 100.0**0.2
    return [
        stats.norm(slope, scatter).ppf(0.1),
        2.0 * slope,
        stats.norm(1.0, 0.5).ppf(0.9),
        stats.norm(1.0, 0.5).ppf(0.4),
        0.5 * slope,
        3.6,
        slope - 1.0,
    ]


def test_instance_from_a_unit_vector():
    model = model_of_everything()
    assert model.parameter_names == (
        "one.position",
        "one.width.slope",
        "two.part.0",
        "two.part.1",
        "three.centre_1",
        "one.position.sigma",
    )
    np.testing.assert_allclose(build(model, UNIT), expected(), rtol=1e-14)


def test_instance_from_a_vector_equals_that_from_the_unit_vector():
    model = model_of_everything()
    vector = model.vector_from_unit_vector(UNIT)
    assert model.instance_from_vector(vector.tolist()).one.position == vector[0]
    direct = model.instance_from_unit_vector(UNIT)
    assert model.instance_from_vector(vector).one == direct.one


def test_medians():
    model = gf.Model(Frozen, width=gf.GaussianPrior(5.0, 2.0))
    assert model.instance_from_prior_medians() == Frozen(0.0, 5.0)


def test_random_instances():
    model = gf.Model(Frozen)
    assert model.random_instance(seed=1) == model.random_instance(seed=1)
    assert model.random_instance(seed=1) != model.random_instance(seed=2)
    assert model.total_free_parameters == model.prior_count == 2


@pytest.mark.parametrize("wrong", [[], [0.5], [0.5] * 3, [[0.5, 0.5]], 0.5])
def test_wrong_lengths(wrong):
    model = gf.Model(Frozen)
    for act, what in (
        (model.instance_from_vector, "vector"),
        (model.instance_from_unit_vector, "unit vector"),
        (model.vector_from_unit_vector, "unit vector"),
    ):
        with pytest.raises(ModelError) as caught:
            act(wrong)
        assert f"The {what} must have shape (2,), one value for each of " in str(
            caught.value
        )
        assert "position, width; got shape" in str(caught.value)


def test_a_model_without_free_parameters():
    model = gf.Model(Frozen, position=1.0, width=2.0)
    assert model.parameter_names == ()
    assert model.instance_from_vector([]) == Frozen(1.0, 2.0)
    assert model.instance_from_prior_medians() == Frozen(1.0, 2.0)


def test_pickled_models_keep_names_sharing_and_conditions():
    model = model_of_everything()
    again = pickle.loads(pickle.dumps(model))
    assert again.parameter_names == model.parameter_names
    assert again.info == model.info
    assert not set(again.priors) & set(model.priors)
    assert build(again, UNIT) == build(model, UNIT)
    assert len(again.assertions) == 1


def test_models_pickled_together_stay_joined():
    centre = gf.UniformPrior(0, 100)
    models = [gf.Model(gf.ex.Gaussian, centre=centre) for _ in range(2)]
    first, second = pickle.loads(pickle.dumps(models))
    assert first.centre is second.centre


def test_instances_are_pickled():
    instance = model_of_everything().instance_from_unit_vector(UNIT)
    again = pickle.loads(pickle.dumps(instance))
    assert again.one == instance.one
    assert again.four(3.0) == instance.four(3.0)


@pytest.mark.distributed
def test_a_model_in_a_spawned_process():
    model = model_of_everything()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(build, (model, UNIT))
    assert found == build(model, UNIT)
