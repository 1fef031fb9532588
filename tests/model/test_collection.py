"""Collections and arrays: children by name, position, list and dictionary."""

import copy

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError, UnknownNameError
from tests.model.components import Frozen, Holder, Pair, line


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


# --- children ----------------------------------------------------------------------


def test_classes_functions_lists_and_dictionaries_become_nodes():
    model = gf.Collection(
        one=gf.ex.Gaussian,
        two=line,
        three=[Frozen, {"deep": Frozen}],
        four={"prior": free(), "constant": 2.0},
    )
    model.two.slope = 1.0
    assert model.parameter_names == (
        "one.centre",
        "one.normalization",
        "one.sigma",
        "three.0.position",
        "three.0.width",
        "three.1.deep.position",
        "three.1.deep.width",
        "four.prior",
    )
    instance = model.instance_from_prior_medians()
    assert instance.one.centre == 50.0
    assert instance.three[1].deep == Frozen(0.0, pytest.approx(1.0))
    assert instance.four.prior == 0.5
    assert instance.four["constant"] == 2.0


def test_positional_children_are_keyed_by_position():
    model = gf.Collection(gf.ex.Gaussian, gf.ex.Exponential, offset=free())
    assert [key for key, _ in model.items()] == ["0", "1", "offset"]
    assert model.siblings == ("0", "1")
    assert model[0] is model["0"]
    assert model[-1] is model.offset
    assert model[np.int64(1)] is model["1"]
    assert model[0:2] == [model["0"], model["1"]]
    assert list(model) == [model[0], model[1], model.offset]
    assert len(model) == 3
    assert "offset" in model


def test_a_single_list_or_dictionary_is_the_children():
    prior = free()
    assert gf.Collection([prior, 1.0])["1"] == 1.0
    model = gf.Collection({"self": prior, "items": 2.0})
    assert model.parameter_names == ("self",)
    assert gf.Collection(self=prior).parameter_names == ("self",)


def test_children_are_assigned_by_attribute_key_and_position():
    model = gf.Collection(a=1.0, b=2.0)
    model.a = free()
    model["c"] = gf.ex.Gaussian
    model[1] = 5.0
    assert [key for key, _ in model.items()] == ["a", "b", "c"]
    assert model.b == 5.0
    assert model.prior_count == 4


def test_append_takes_the_next_free_position():
    model = gf.Collection({"1": free()}, named=2.0)
    model.append(gf.ex.Gaussian)
    model.append(gf.ex.Gaussian)
    assert [key for key, _ in model.items()] == ["1", "named", "2", "3"]
    assert model.siblings == ("2", "3")


def test_children_named_like_operations_of_collections():
    model = gf.Collection(items=free(), copy=1.0, info=free())
    assert model.parameter_names == ("items", "info")
    model.items = 3.0
    assert model["items"] == 3.0
    assert model.copy()["items"] == 3.0
    assert model.info.startswith("Total Free Parameters = 1")
    instance = model.instance_from_vector([0.5])
    assert (instance.items, instance["info"]) == (3.0, 0.5)


def test_a_child_with_a_leading_underscore():
    model = gf.Collection(_inner=free())
    assert model._inner is model["_inner"]
    assert model.instance_from_vector([0.5])._inner == 0.5


@pytest.mark.parametrize(
    "act",
    [lambda m: m.gausian, lambda m: m["gausian"], lambda m: m.copy()["gausian"]],
    ids=["attribute", "key", "key of a copy"],
)
def test_a_child_that_does_not_exist(act):
    model = gf.Collection(gaussian=gf.ex.Gaussian)
    with pytest.raises(UnknownNameError, match="'gausian'. Did you mean 'gaussian'?"):
        act(model)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gf.Collection({1: free()}), "keys are strings, got 1"),
        (lambda: gf.Collection(1.0, **{"0": 2.0}), "the child '0' is given twice"),
        (lambda: gf.Collection(a=int), "a = int is a type"),
        (lambda: gf.Collection(a=gf.GaussianPrior), "a = GaussianPrior is a class"),
        (lambda: gf.Collection(a=(1.0, {free()})), "a[1] is a set with priors inside"),
        (lambda: gf.Collection(a=free() > 2), "is a condition"),
    ],
)
def test_what_is_no_child_is_refused(make, words):
    with pytest.raises(ModelError) as caught:
        make()
    assert words in str(caught.value)


def test_a_position_that_does_not_exist():
    model = gf.Collection(a=1.0)
    with pytest.raises(IndexError, match="has 1 components, none at position 3"):
        model[3]
    with pytest.raises(IndexError):
        model[3] = 2.0


# --- instances ---------------------------------------------------------------------


def test_the_instance_of_a_collection():
    model = gf.Collection(one=gf.Model(line, slope=free()), two=gf.ex.Gaussian, n=3)
    instance = model.instance_from_prior_medians()
    assert instance.one is instance["one"]
    assert instance[0] is instance.one
    assert instance[-1] == 3
    assert instance[:1] == [instance.one]
    assert list(instance) == [instance.one, instance.two, 3]
    assert len(instance) == 3
    assert dict(instance.items())["n"] == 3
    x = np.linspace(0, 100, 7)
    np.testing.assert_array_equal(instance(x), instance.one(x) + instance.two(x))
    with pytest.raises(UnknownNameError, match="Did you mean 'two'"):
        _ = instance.tow
    with pytest.raises(UnknownNameError, match="no component 'three'"):
        _ = instance["three"]


def test_a_collection_without_profiles_cannot_be_called():
    with pytest.raises(TypeError, match="No component of this collection"):
        gf.Collection(a=1.0).instance_from_vector([])(0.0)


def test_a_profile_instance_names_what_it_has():
    instance = gf.Model(line, slope=free()).instance_from_vector([1.0])
    with pytest.raises(UnknownNameError, match="Did you mean 'slope'"):
        _ = instance.slop


def test_instances_are_copied_and_compared_by_parts():
    instance = gf.Collection(a=Pair, b=1.0).instance_from_prior_medians()
    duplicate = copy.deepcopy(instance)
    assert duplicate.a == instance.a
    assert duplicate is not instance


# --- arrays ------------------------------------------------------------------------


def test_an_array_is_filled_in_its_order():
    model = gf.Collection(weights=gf.Array((2, 3), gf.GaussianPrior(0.0, 1.0)))
    assert model.prior_count == 6
    assert model.parameter_names[:2] == ("weights.0_0", "weights.0_1")
    values = model.instance_from_vector(np.arange(6.0)).weights
    np.testing.assert_array_equal(values, np.arange(6.0).reshape(2, 3))
    assert values.dtype == np.float64


def test_elements_of_an_array():
    array = gf.Array(3)
    prior = free()
    array[1] = prior
    array[-1] = 2 * prior
    array[0] = np.float64(4.0)
    assert array[1] is prior
    assert list(array)[1] is prior
    model = gf.Collection(line=gf.Model(Holder, part=array))
    assert model.parameter_names == ("line.part.1",)
    np.testing.assert_array_equal(
        model.instance_from_vector([0.5]).line.part, [4.0, 0.5, 1.0]
    )


def test_an_array_without_prior_is_zero():
    np.testing.assert_array_equal(
        gf.Array((2, 2)).instance_from_vector([]), np.zeros((2, 2))
    )


def test_copies_of_arrays_are_assigned_apart():
    array = gf.Array(2, free())
    duplicate = array.copy()
    duplicate[0] = 1.0
    assert (array.prior_count, duplicate.prior_count) == (2, 1)
    assert duplicate[1] is array[1]


@pytest.mark.parametrize("shape", [0, (2, 0), (), 1.5, "ab", (2, None), -1])
def test_impossible_shapes(shape):
    with pytest.raises(ModelError, match="shape must be whole numbers"):
        gf.Array(shape)


@pytest.mark.parametrize("prior", [1.0, gf.UniformPrior, 2 * gf.UniformPrior()])
def test_an_array_takes_a_prior(prior):
    with pytest.raises(ModelError, match="of which every element gets its own"):
        gf.Array(2, prior)


@pytest.mark.parametrize("value", ["a", None, gf.ex.Gaussian, (1.0, 2.0)])
def test_an_element_is_one_number(value):
    with pytest.raises(ModelError, match="must be a prior, a relation or a number"):
        gf.Array(2)[0] = value


@pytest.mark.parametrize("index", [2, -3, (0, 0), 0.5, slice(None), "0"])
def test_an_element_that_does_not_exist(index):
    with pytest.raises(IndexError, match="has no element"):
        gf.Array(2)[index]


def test_an_array_has_no_attributes():
    with pytest.raises(UnknownNameError, match="elements, no attributes"):
        gf.Array(2).first = 1.0
