"""Models of K components: alike, and with parameters of their own."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError, UnknownNameError
from graphfit.model_choice.components import (
    component_model,
    fresh_copies,
    require_counts,
)
from graphfit.model_choice.no_component import ZeroProfile
from graphfit.priors import OrderedPrior


def line(v, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def level(v, height):
    return height + 0.0 * v


def one_line():
    return gf.Model(
        line,
        amplitude=gf.LogUniformPrior(0.1, 10.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        stddev=gf.UniformPrior(0.2, 2.0),
    )


def test_every_component_has_priors_of_its_own():
    component = one_line()
    model = component_model(component, 3)
    assert model.prior_count == 9
    assert set(model.priors).isdisjoint(component.priors)
    assert model.parameter_names[3:5] == ("1.amplitude", "1.mean")
    assert [str(p) for p in model.priors[:3]] == [str(p) for p in component.priors]


def test_the_model_is_the_sum(rng):
    v = np.linspace(-5.0, 5.0, 11)
    instance = component_model(one_line(), 2).instance_from_vector(range(1, 7))
    np.testing.assert_allclose(instance(v), line(v, 1, 2, 3) + line(v, 4, 5, 6))


def test_what_a_component_shares_within_itself_stays_shared():
    wide = one_line()
    wide.mean = wide.stddev
    assert component_model(wide, 2).prior_count == 4


def test_relations_and_hyper_parameters_are_each_components_own():
    component = one_line()
    scale = gf.LogUniformPrior(0.1, 1.0, name="scale")
    component.amplitude = gf.HalfGaussianPrior(scale)
    component.stddev = component.mean + 3.0
    model = component_model(component, 2)
    assert model.prior_count == 6  # amplitude, its scale, mean; twice
    first, second = model[0], model[1]
    assert first.amplitude.arguments[0] is not second.amplitude.arguments[0]
    instance = model.instance_from_vector(np.arange(1.0, 7.0))
    assert instance[0].stddev == instance[0].mean + 3.0
    assert instance[1].mean != instance[0].mean


def test_conditions_are_copied():
    component = one_line()
    component.add_assertion(component.amplitude > component.stddev)
    model = component_model(component, 2)
    assert len(model[1].assertions) == 1
    assert model.prior_count == 6


def test_maps_are_shared():
    component = one_line()
    component.stddev = gf.pixel_map(np.ones((2, 2)))
    first, second = fresh_copies(component, 2)
    assert first.stddev is second.stddev


def test_components_in_order():
    model = component_model(one_line(), 3, order="mean")
    means = [model[i].mean for i in range(3)]
    assert all(isinstance(prior, OrderedPrior) for prior in means)
    drawn = model.instance_from_unit_vector(np.full(9, 0.3))
    assert drawn[0].mean < drawn[1].mean < drawn[2].mean
    assert not isinstance(
        component_model(one_line(), 1, order="mean")[0].mean, OrderedPrior
    )


def test_a_baseline_is_there_once():
    baseline = gf.Model(level, height=gf.GaussianPrior(0.0, 1.0))
    assert component_model(one_line(), 0, baseline=baseline).parameter_names == (
        "baseline.height",
    )
    model = component_model(one_line(), 2, baseline=baseline)
    assert model.parameter_names[-1] == "baseline.height"
    assert model.prior_count == 7


def test_classes_are_components():
    assert component_model(gf.ex.Gaussian, 2).prior_count == 6


def test_an_unknown_order_names_the_close_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'mean'"):
        component_model(one_line(), 2, order="mena")


def test_an_order_by_a_prior_that_depends_is_refused():
    component = one_line()
    component.mean = gf.GaussianPrior(0.0, component.stddev)
    with pytest.raises(ModelError, match="depends on other parameters"):
        component_model(component, 2, order="mean")


@pytest.mark.parametrize("wrong", [3, (0,), (1, 1), (-1, 0), (0.5, 1), "ab", (True, 2)])
def test_counts_that_are_none_are_refused(wrong):
    with pytest.raises(ModelError, match="n_components must be"):
        require_counts(wrong)


def test_counts_are_sorted():
    assert require_counts((2, np.int64(0), 1)) == [0, 1, 2]


def test_zero_is_zero():
    np.testing.assert_array_equal(ZeroProfile()(np.arange(3.0)), np.zeros(3))
