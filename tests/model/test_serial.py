"""Models as JSON and back."""

import json
import math

import numpy as np
import pytest
import scipy.special

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.model.reading import model_from_dict
from tests.cases import ALL_PRIORS
from tests.model.components import (
    Frozen,
    Holder,
    Open,
    Outer,
    Pair,
    Plain,
    Tuples,
    WithFactory,
    half,
    hypotenuse,
    line,
    plane,
)
from tests.model.test_info import CASES


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


def through_json(model):
    """The model after strict JSON, which knows neither NaN nor infinity."""
    return model_from_dict(json.loads(json.dumps(model.dict(), allow_nan=False)))


def same_bits(first, second) -> bool:
    count = first.prior_count
    units = np.random.default_rng(0).random((3, count))
    return all(
        (first.vector_from_unit_vector(u) == second.vector_from_unit_vector(u)).all()
        for u in units
    )


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_round_trip_of_whole_models(make):
    made = make()
    model = getattr(made, "global_prior_model", made)
    again = through_json(model)
    assert type(again) is type(model)
    assert again.info == model.info
    assert again.parameter_names == model.parameter_names
    assert again.dict() == model.dict()
    assert same_bits(model, again)
    assert not set(again.priors) & set(model.priors)


@pytest.mark.parametrize("case", ALL_PRIORS, ids=lambda case: case.name)
def test_round_trip_of_every_family(case):
    for arguments in case.arguments:
        prior = case.make(*arguments)
        (again,) = through_json(gf.Collection(a=prior)).priors
        assert type(again) is type(prior)
        assert repr(again) == repr(prior)
        assert again.arguments == prior.arguments


def test_names_of_priors_are_kept():
    model = gf.Collection(a=2 * gf.UniformPrior(name="slope"))
    assert through_json(model).parameter_names == ("a.slope",)


def test_ordered_priors():
    model = gf.Collection(list(gf.ordered_priors(3, gf.UniformPrior(0, 10))))
    again = through_json(model)
    assert again[1].previous is again[0]
    assert again[1].base is again[0].base
    assert same_bits(model, again)


def test_sharing_is_kept():
    prior, mean = free(), free()
    ratio = prior / 3
    model = gf.Collection(
        a=prior, b=[ratio, gf.GaussianPrior(mean, ratio)], c=(prior, ratio), d=mean
    )
    again = through_json(model)
    assert again.a is again.c[0]
    assert again.b[0] is again.c[1]
    assert again.b[1].mean is again.d
    assert again.b[1].sigma is again.b[0]


def test_relations_of_ufuncs_and_functions():
    a, b = free(), free()
    model = gf.Collection(
        ufunc=np.hypot(a, b) ** 2 - abs(-a) % 2 // 3,
        scipy=scipy.special.expit(a),
        named=gf.relation(hypotenuse, a, b=b),
        constant=gf.relation(max, a, 0.25),
    )
    model.constant = gf.relation(half, a)
    again = through_json(model)
    assert again.parameter_names == model.parameter_names
    values = model.instance_from_vector([0.3, 0.4])
    assert list(again.instance_from_vector([0.3, 0.4])) == list(values)


def test_conditions():
    model = gf.Collection(a=free(), b=free())
    model.add_assertion(model.a < model.b)
    model.add_assertion(np.exp(model.a) >= 1.5)
    again = through_json(model)
    assert [str(c) for c in again.assertions] == [str(c) for c in model.assertions]
    assert [c.strict for c in again.assertions] == [True, False]
    assert again.assertions[0].lower is again.a


def test_every_kind_of_component():
    model = gf.Collection(
        plain=gf.Model(Plain, a=free()),
        missing=gf.Model(Plain, b=0),
        frozen=Frozen,
        pair=Pair,
        factory=WithFactory,
        tuples=gf.Model(Tuples, centre=((free(), 1), 2.0)),
        extra=gf.Model(Open, more=free()),
        inner=Outer.Inner,
        profile=gf.Model(line, slope=free()),
        two=gf.Model(plane, independent_vars=("x", "y"), a=free(), b=1.0),
        none=gf.Model(plane, independent_vars=(), a=1.0, b=1.0, x=1.0, y=1.0),
    )
    again = through_json(model)
    assert again.dict() == model.dict()
    with pytest.raises(ModelError, match=r"'missing\.a' has no prior"):
        _ = again.prior_count
    again.missing.a = model.missing.a = 0.0
    assert again.info == model.info
    assert again.two.signature == model.two.signature
    assert again.two.cls is plane


CONSTANTS = {
    "none": None,
    "true": True,
    "integer": 10**30,
    "text": "a 'word'\n",
    "float": 0.1,
    "numpy integer": np.int32(3),
    "numpy float": np.float64(1 / 3),
    "numpy bool": np.bool_(True),
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "tuple": (1, (2.0, "x")),
    "list": [1, [2.0, math.inf]],
    "dictionary": {"type": "Model", "children": {"a": [1, (2,)]}},
    "class": np.ndarray,
    "function": half,
}


@pytest.mark.parametrize("value", CONSTANTS.values(), ids=CONSTANTS)
def test_constants(value):
    model = gf.Model(Holder, weight=free(), part=1.0)
    model._children["part"] = (
        value  # as it is, also where assigning makes a Model of it
    )
    again = through_json(model)["part"]
    assert again == value
    assert type(again) is type(value) or isinstance(value, np.generic)


def test_nan():
    assert math.isnan(through_json(gf.Collection(a=math.nan)).a)


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.1, np.nan, np.inf, -0.0, 5e-324]),
        np.array([[1, -2], [3, 2**62]]),
        np.array([2**64 - 1], dtype=np.uint64),
        np.array([True, False]),
        np.float32(1) / np.arange(1, 4, dtype=np.float32),
        np.zeros((0, 3)),
        np.array(2.5),
    ],
)
def test_arrays_keep_every_bit(array):
    again = through_json(gf.Collection(a=array)).a
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()


def test_fixed_components_come_back_as_models_without_priors():
    source = gf.Collection(
        gaussian=gf.ex.Gaussian,
        pair=gf.Model(plane, independent_vars=("x", "y"), a=free(), b=2.0),
    )
    instance = source.instance_from_prior_medians()
    model = gf.Collection(
        gaussian=instance.gaussian, pair=instance.pair, all=instance, free=free()
    )
    again = through_json(model).instance_from_vector([0.5])
    assert again.gaussian == again.all.gaussian == instance.gaussian
    assert again.pair(1.0, 2.0) == again.all.pair(1.0, 2.0) == instance.pair(1.0, 2.0)


# --- what cannot be written --------------------------------------------------------


def local_class():
    class Local:
        def __init__(self, a=1.0):
            pass

    return Local


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: gf.Model(lambda x, a: a * x, a=1.0), "'<lambda>': tests.model."),
        (lambda: gf.Collection(shape=local_class()), "local_class.<locals>.Local"),
        (
            lambda: gf.Collection(a=gf.relation(lambda p: p, free())),
            "<lambda> cannot be",
        ),
        (lambda: gf.Collection(noise=object()), "'noise': a object cannot be written"),
        (lambda: gf.Collection(z=1j), "'z': a complex cannot be written"),
        (lambda: gf.Collection(when={1: 2}, plain=1), "keys are strings"),
        (lambda: gf.Model(Holder, part={1: 2}), "'part': the keys of a dictionary"),
        (lambda: gf.Collection(text=np.array(["a"])), "'text': a ndarray cannot be"),
    ],
)
def test_what_has_no_name_or_no_form_is_refused(make, words):
    with pytest.raises(ModelError) as caught:
        make().dict()
    assert words in str(caught.value)


# --- what cannot be read -----------------------------------------------------------

GAUSSIAN = "graphfit.analysis.example:Gaussian"


def written(**changes):
    content = gf.Model(gf.ex.Gaussian).dict()
    return {**content, **changes}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (5, "is no model but 5"),
        ([], "is no model but []"),
        ({}, "is no model but None"),
        ({"type": "UniformPrior"}, "is no model but 'UniformPrior'"),
        ({"type": "Modle"}, "is no model but 'Modle'"),
        ({"type": "Model"}, "a damaged model (KeyError('children'))"),
        (
            {"type": "Collection", "children": {"a": {"type": "pickle"}}},
            "type 'pickle'",
        ),
        ({"type": "Collection", "children": {"a": {"type": ["x"]}}}, "damaged model"),
        (
            {"type": "Collection", "children": {"a": {"type": "reference", "id": 3}}},
            "3",
        ),
        ({"type": "Collection", "children": 3}, "damaged model"),
        ({"type": "Array", "shape": [0], "children": {}}, "shape must be"),
        (
            written(**{"class": "not_imported.module:Gaussian"}),
            "import not_imported.mod",
        ),
        (written(**{"class": "graphfit.analysis.example:Gausian"}), "no class or func"),
        (written(**{"class": 3}), "names 3"),
        (written(children={"centre": 1.0, "sigmas": 2.0}), "a parameter 'sigmas'"),
    ],
)
def test_what_is_no_model_is_refused(content, words):
    with pytest.raises(ModelError) as caught:
        gf.Model.from_dict(content)
    assert words in str(caught.value)


def test_bad_arguments_of_a_prior_are_told_as_such():
    content = gf.Collection(a=free()).dict()
    content["children"]["a"]["arguments"] = {"lower_limit": 2.0, "upper_limit": 1.0}
    with pytest.raises(gf.GraphfitError, match="lower_limit=2.0 must be below"):
        model_from_dict(content)


def test_a_parameter_that_the_class_has_won_since():
    """It is missing where it has no default, and left to its default where it has."""
    content = gf.Model(Plain, a=free(), b=1.0).dict()
    del content["children"]["a"], content["children"]["b"]
    model = model_from_dict(content)
    with pytest.raises(ModelError, match="'a' has no prior"):
        _ = model.prior_count
    model.a = 5.0
    assert model.instance_from_vector([7.0]).__dict__ == {"a": 5.0, "b": 2.0, "c": 7.0}


def test_parameters_in_another_order_go_where_they_belong():
    content = gf.Model(Frozen).dict()
    content["children"] = dict(reversed(content["children"].items()))
    model = model_from_dict(content)
    assert model.parameter_names == ("width", "position")
    assert model.instance_from_vector([2.0, 0.5]) == Frozen(0.5, 2.0)
