"""Models of classes and functions: defaults, assignment, what is refused."""

import functools

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError, UnknownNameError
from graphfit.model.component import Model
from tests.model.components import (
    Clashing,
    Frozen,
    Holder,
    KeywordOnly,
    Open,
    Outer,
    Pair,
    Plain,
    Tuples,
    WithFactory,
    line,
    plane,
    powerlaw,
)


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


# --- defaults ----------------------------------------------------------------------


def test_annotated_defaults_are_priors_and_plain_ones_are_fixed():
    model = gf.Model(Plain, a=free())
    assert model.parameter_names == ("a", "c")
    assert model.b == 2.0
    assert model.c.upper_limit == 10.0


@pytest.mark.parametrize(
    "target", [gf.ex.Gaussian, Frozen, Pair, Outer.Inner, powerlaw]
)
def test_annotated_defaults_are_new_for_each_model(target):
    first, second = gf.Model(target), gf.Model(target)
    assert first.prior_count > 0
    assert not set(first.priors) & set(second.priors)


def test_a_prior_as_plain_default_is_new_for_each_model():
    def profile(x, height=gf.UniformPrior(0, 1), ends=(gf.UniformPrior(), 2.0)):  # noqa: B008
        return height + 0 * x

    first, second = gf.Model(profile), gf.Model(profile)
    assert first.parameter_names == ("height", "ends_0")
    assert not set(first.priors) & set(second.priors)


def test_a_default_factory_is_called_for_each_model():
    first, second = gf.Model(WithFactory), gf.Model(WithFactory)
    assert first.edges == [0.0, 1.0]
    assert first.edges is not second.edges
    assert first.instance_from_vector([0.5]).edges == [0.0, 1.0]


def test_a_type_as_default_stays_a_constant():
    def profile(x, height, kind=float):
        return kind(height) + 0 * x

    model = gf.Model(profile, height=free())
    assert model.instance_from_vector([1])(2.0) == 1.0


# --- what can be a model -----------------------------------------------------------


def test_a_class_becomes_its_object():
    instance = gf.Model(Frozen).instance_from_vector([0.5, 2.0])
    assert instance == Frozen(0.5, 2.0)


def test_a_named_tuple_becomes_a_named_tuple():
    assert gf.Model(Pair).instance_from_vector([0.5]) == Pair(0.5, 3.0)


def test_a_function_becomes_a_profile():
    instance = gf.Model(line, slope=free()).instance_from_vector([2.0])
    np.testing.assert_array_equal(instance(np.array([0.0, 3.0])), [0.0, 6.0])
    assert (instance.slope, instance.offset) == (2.0, 0.0)
    assert instance.function is line


def test_a_profile_of_two_variables():
    model = gf.Model(plane, independent_vars=("x", "y"), a=free(), b=free())
    assert model.parameter_names == ("a", "b")
    assert model.instance_from_vector([2.0, 3.0])(1.0, 10.0) == 32.0


def test_a_profile_with_keyword_only_parameters():
    model = gf.Model(powerlaw, pivot=free())
    assert model.parameter_names == ("amplitude", "pivot")
    assert model.instance_from_vector([3.0, 0.5])(1.0) == 12.0


def test_a_function_without_independent_variables_gives_its_value():
    def total(a, b):
        return a + b

    model = gf.Model(total, independent_vars=(), a=free(), b=free())
    assert model.instance_from_vector([1.0, 2.0]) == 3.0


def test_keyword_only_parameters_of_a_class():
    model = gf.Model(KeywordOnly, low=free(), high=free())
    instance = model.instance_from_vector([1.0, 2.0])
    assert (instance.low, instance.high) == (1.0, 2.0)


def test_a_class_with_star_args_has_its_named_parameters():
    class Scaled:
        def __init__(self, scale, *rest):
            self.scale, self.rest = scale, rest

    instance = gf.Model(Scaled, scale=free()).instance_from_vector([0.5])
    assert (instance.scale, instance.rest) == (0.5, ())


def test_open_keywords_are_parameters():
    model = gf.Model(Open, colour=free())
    model.tilt = free()
    model.offset_0 = free()
    assert model.parameter_names == ("offset_0", "colour", "tilt")
    instance = model.instance_from_vector([1.0, 2.0, 3.0])
    assert instance.extra == {"colour": 2.0, "tilt": 3.0}
    assert instance.offset == (1.0, 0.0)


def test_a_partial_function_is_a_profile():
    model = gf.Model(functools.partial(line, offset=1.0), slope=free())
    assert model.instance_from_vector([2.0])(3.0) == 7.0
    assert model.info.startswith("Total Free Parameters = 1")
    assert "partial(line)" in model.info


def test_a_bound_method_is_a_profile():
    class Calibration:
        gain = 2.0

        def response(self, x, slope):
            return self.gain * slope * x

    model = gf.Model(Calibration().response, slope=free())
    assert model.instance_from_vector([3.0])(1.0) == 6.0


def no_arguments():
    pass


def only_keywords(*, x, a):
    del x, a


def only_stars(*values):
    del values


def slashed(x, a, /, b=0.0):
    return x + a + b


class Slashed:
    def __init__(self, a, /, b=1.0):
        pass


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (float, "gf.Model(float) is no model"),
        (list, "gf.Model(list) is no model"),
        (gf.UniformPrior, "gf.Model(UniformPrior) is no model"),
        (3.0, "needs a class or a function first, got 3.0"),
        ("Gaussian", "needs a class or a function first"),
        (max, "has no readable signature"),
        (no_arguments, "a profile is f(x, *parameters)"),
        (only_keywords, "takes no argument by position"),
        (only_stars, "takes no argument by position"),
        (slashed, "Parameter 'a' of slashed is positional-only"),
        (Slashed, "Parameter 'a' of Slashed is positional-only"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_component_is_refused(target, words):
    with pytest.raises(ModelError) as caught:
        gf.Model(target)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("target", "independent", "words"),
    [
        (plane, ("y", "x"), "must be the leading arguments of plane"),
        (plane, ("x", "z"), "must be the leading arguments of plane"),
        (Frozen, ("x",), "is for profile functions; Frozen is a class"),
    ],
)
def test_wrong_independent_variables_are_refused(target, independent, words):
    with pytest.raises(ModelError) as caught:
        gf.Model(target, independent_vars=independent)
    assert words in str(caught.value)


def test_an_independent_variable_may_be_a_single_name():
    assert gf.Model(line, independent_vars="x", slope=free()).prior_count == 1


# --- names -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda: gf.Model(gf.ex.Gaussian, sigm=free()),
        lambda: setattr(gf.Model(gf.ex.Gaussian), "sigm", free()),
        lambda: gf.Model(gf.ex.Gaussian).sigm,
        lambda: gf.Model(gf.ex.Gaussian)["sigm"],
        lambda: gf.Model(gf.ex.Gaussian).__setitem__("sigm", 1.0),
    ],
    ids=["keyword", "assign", "read", "item", "assign item"],
)
def test_a_misspelt_parameter_names_the_close_match(act):
    with pytest.raises(UnknownNameError) as caught:
        act()
    expected = "Gaussian has no parameter 'sigm'. Did you mean 'sigma'?"
    assert str(caught.value) == expected


def test_a_misspelt_element_of_a_tuple_names_the_close_match():
    model = gf.Model(Tuples)
    with pytest.raises(UnknownNameError, match="Did you mean 'centre_1'?"):
        model.centre_11 = 0.0
    with pytest.raises(UnknownNameError, match="no parameter 'centre_2'"):
        model.centre_2 = 0.0


def test_a_missing_attribute_is_an_attribute_error():
    assert not hasattr(gf.Model(gf.ex.Gaussian), "flux")


def test_an_item_by_position_is_refused():
    with pytest.raises(UnknownNameError, match="no parameter 0"):
        gf.Model(gf.ex.Gaussian)[0]


def test_a_missing_prior_is_told_when_the_model_is_used():
    model = gf.Collection(first=gf.Model(Plain), second=gf.ex.Gaussian)
    with pytest.raises(UnknownNameError, match="'a' of Plain has no prior yet"):
        _ = model.first.a
    for use in (
        lambda: model.prior_count,
        lambda: model.parameter_names,
        lambda: model.info,
        model.instance_from_prior_medians,
    ):
        with pytest.raises(
            ModelError, match="'first.a' has no prior and no value"
        ) as e:
            use()
        assert "model.a = gf.UniformPrior" in str(e.value)
    model.first.a = 1.0
    assert model.prior_count == 4


def test_a_missing_prior_in_a_graph_names_the_factor():
    analysis = gf.ex.Analysis(np.zeros(3), np.ones(3))
    good = gf.AnalysisFactor(gf.ex.Gaussian, analysis, name="day")
    bad = gf.AnalysisFactor(line, analysis, name="night")
    with pytest.raises(ModelError, match="'night.slope' has no prior"):
        gf.FactorGraphModel(good, bad)


def test_parameters_named_like_operations_of_models():
    """They are assigned by keyword, attribute or item, and read as items."""
    model = gf.Model(Clashing, info=free(), copy=free(), label=free(), cls=free())
    assert model.parameter_names == ("info", "copy", "label", "cls")
    replaced = free()
    model.copy = replaced
    model["label"] = 5.0
    assert model["copy"] is replaced
    assert model["label"] == 5.0
    assert model.info.startswith("Total Free Parameters = 3")
    assert model.copy()["copy"] is replaced
    instance = model.instance_from_vector([0.1, 0.2, 0.3])
    assert instance.values == (0.1, 0.2, 5.0, 0.3, 1.0, 2.0, 3.0)


def test_a_parameter_with_a_leading_underscore():
    model = gf.Model(Clashing, info=1, copy=1, label=1, cls=1, _hidden=free())
    assert model.parameter_names == ("_hidden",)
    assert isinstance(model._hidden, gf.UniformPrior)


def test_profile_parameters_named_like_the_instance_s_own():
    def profile(x, function, parameters):
        return function * x + parameters

    model = gf.Model(profile, function=free(), parameters=free())
    instance = model.instance_from_vector([2.0, 1.0])
    assert instance.parameters == {"function": 2.0, "parameters": 1.0}
    assert instance(3.0) == 7.0


def test_parameters_are_listed_for_completion():
    assert {"centre", "sigma", "info"} <= set(dir(gf.Model(gf.ex.Gaussian)))


# --- values ------------------------------------------------------------------------


def test_fixed_values_are_no_parameters():
    model = gf.Model(gf.ex.Gaussian, centre=50, sigma=np.float64(2.0))
    assert model.parameter_names == ("normalization",)
    instance = model.instance_from_vector([3.0])
    assert (instance.centre, instance.normalization, instance.sigma) == (50, 3.0, 2.0)


def test_a_class_as_value_becomes_a_model():
    model = gf.Model(Holder, part=gf.ex.Gaussian)
    assert isinstance(model.part, Model)
    assert model.parameter_names == ("part.centre", "part.normalization", "part.sigma")
    instance = model.instance_from_vector([1.0, 2.0, 3.0])
    assert instance.part == gf.ex.Gaussian(1.0, 2.0, 3.0)


def test_tuples_are_read_and_assigned_by_element():
    model = gf.Model(Tuples)
    assert model.prior_count == 0
    prior = model.centre_1 = free()
    assert model.centre == (0.0, prior)
    assert model.centre_1 is prior
    assert model.parameter_names == ("centre_1",)
    assert model.instance_from_vector([0.5]).centre == (0.0, 0.5)


def test_tuples_inside_tuples():
    model = gf.Model(Tuples, centre=((free(), 1.0), 2.0))
    model.centre_0_1 = free()
    assert model.parameter_names == ("centre_0_0", "centre_0_1")
    assert model.centre_0 == model.centre[0]
    assert model.instance_from_vector([5.0, 6.0]).centre == ((5.0, 6.0), 2.0)


def test_a_list_with_priors_becomes_a_tuple_and_other_lists_stay():
    model = gf.Model(Holder, part=[free(), [gf.ex.Gaussian, 1.0]])
    assert model.parameter_names[:2] == ("part_0", "part_1_0.centre")
    plain = [1.0, (2.0, 3.0)]
    assert gf.Model(Holder, part=plain).part is plain


def test_a_named_tuple_is_a_constant():
    pair = Pair(1.0, 2.0)
    model = gf.Model(Holder, part=pair, weight=free())
    assert model.instance_from_vector([0.5]).part is pair
    assert model.copy().part is pair


def hidden_in_an_object_array() -> np.ndarray:
    array = np.empty(2, dtype=object)
    array[:] = free(), 1.0
    return array


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: float, "Holder.part = float is a type"),
        (lambda: gf.UniformPrior, "= UniformPrior is a class; give a prior"),
        (lambda: free() < 1, "is a condition; use model.add_assertion"),
        (lambda: {"a": free()}, "is a dict with priors inside"),
        (lambda: {"a": [{"b": free()}]}, "is a dict with priors inside"),
        (lambda: {free()}, "is a set with priors inside"),
        (lambda: (1.0, {"a": free()}), "Holder.part[1] is a dict with priors inside"),
        (hidden_in_an_object_array, "is a ndarray with priors inside"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(make, words):
    with pytest.raises(ModelError) as caught:
        gf.Model(Holder, part=make())
    assert words in str(caught.value)


def test_a_model_cannot_hold_itself():
    model = gf.Model(Holder, part=1.0)
    outer = gf.Collection(inner=model)
    with pytest.raises(ModelError, match="a model cannot hold itself"):
        model.part = (1.0, outer)
    with pytest.raises(ModelError, match="a model cannot hold itself"):
        outer.inner = outer
    outer.other = outer.copy()
    assert outer.prior_count == 0


# --- copies ------------------------------------------------------------------------


def test_a_copy_shares_priors_and_is_assigned_apart():
    import copy

    model = gf.Model(gf.ex.Gaussian)
    for duplicate in (model.copy(), copy.copy(model), copy.deepcopy(model)):
        assert duplicate.priors == model.priors
        duplicate.centre = 5.0
        assert duplicate.prior_count == 2
        assert model.prior_count == 3


def test_a_copy_copies_what_is_nested():
    model = gf.Collection(part=gf.Model(Holder, part=(gf.ex.Gaussian, free())))
    duplicate = model.copy()
    duplicate.part.part[0].centre = 1.0
    assert (model.prior_count, duplicate.prior_count) == (4, 3)


# --- texts -------------------------------------------------------------------------


def test_repr():
    model = gf.Model(Plain, b=3.0)
    assert repr(model) == "Model(Plain, a=<no prior>, b=3.0, c=UniformPrior)"
    assert repr(gf.Collection(a=1.0)) == "Collection(a=1.0)"
    assert repr(gf.Array((2, 3))) == "Array(shape=(2, 3))"
    instance = gf.Model(line, slope=free()).instance_from_vector([2.0])
    assert repr(instance) == "line(slope=2.0, offset=0.0)"
    joint = gf.Collection(one=gf.Model(line, slope=1.0)).instance_from_vector([])
    assert repr(joint) == "ModelInstance(one=line(slope=1.0, offset=0.0))"
