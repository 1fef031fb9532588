"""Conditions between parameters."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ModelError
from graphfit.model.space import ParameterSpace
from tests.model.components import Tuples


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


def allowed(model, vector) -> bool:
    space = ParameterSpace(model)
    return bool(space.allowed(space.values(np.asarray(vector, dtype=float))))


@pytest.mark.parametrize(
    ("condition", "vector", "expected"),
    [
        (lambda a, b: a < b, (0.1, 0.2), True),
        (lambda a, b: a < b, (0.2, 0.2), False),
        (lambda a, b: a <= b, (0.2, 0.2), True),
        (lambda a, b: a > b, (0.2, 0.1), True),
        (lambda a, b: a > b, (0.2, 0.2), False),
        (lambda a, b: a >= b, (0.2, 0.2), True),
        (lambda a, b: a < 0.5, (0.4, 0.0), True),
        (lambda a, b: 0.5 < a, (0.4, 0.0), False),  # noqa: SIM300
        (lambda a, b: np.float64(0.5) > a, (0.4, 0.0), True),
        (lambda a, b: a + b < 2 * a, (0.4, 0.3), True),
        (lambda a, b: np.exp(a) >= b, (0.4, 2.0), False),
    ],
)
def test_conditions(condition, vector, expected):
    a, b = free(), free()
    model = gf.Collection(a=a, b=b)
    assert allowed(model, vector)
    model.add_assertion(condition(a, b))
    assert allowed(model, vector) is expected


def test_a_point_that_is_nan_is_not_allowed():
    model = gf.Collection(a=free())
    model.add_assertion(model.a < 1)
    assert not allowed(model, [np.nan])


def test_conditions_of_nested_models_hold_for_the_whole():
    inner = gf.Model(Tuples, centre=(free(), free()))
    inner.add_assertion(inner.centre_0 < inner.centre_1)
    model = gf.Collection(inner=inner, other=free())
    assert allowed(model, [0.1, 0.2, 0.0])
    assert not allowed(model, [0.2, 0.1, 0.0])


def test_a_batch_is_checked_row_by_row():
    model = gf.Collection(a=free(), b=free())
    model.add_assertion(model.a < model.b)
    model.add_assertion(model.b <= 0.5)
    space = ParameterSpace(model)
    batch = np.array([[0.1, 0.2, 0.1], [0.2, 0.1, 0.6]])
    np.testing.assert_array_equal(
        space.allowed(space.values(batch)), [True, False, False]
    )
    plain = ParameterSpace(gf.Collection(a=free(), b=free()))
    np.testing.assert_array_equal(plain.allowed(plain.values(batch)), [True] * 3)


def test_copies_keep_conditions_and_share_them():
    model = gf.Collection(a=free(), b=free())
    model.add_assertion(model.a < model.b)
    duplicate = model.copy()
    assert duplicate.assertions == model.assertions
    both = gf.Collection(model, duplicate)
    assert both.info.count("<") == 1


def test_a_condition_follows_a_replaced_prior():
    model = gf.Collection(a=free(), b=free())
    model.add_assertion(model.a * 2 < model.b)
    from graphfit.model.tree import substitute

    new = substitute(model, {model.b: gf.UniformPrior(5.0, 6.0)})
    assert allowed(new, [2.0, 5.0])
    assert not allowed(new, [3.0, 5.0])


def test_a_condition_on_a_hyper_parameter():
    mean = free()
    model = gf.Collection(a=gf.GaussianPrior(mean, 1.0))
    model.add_assertion(mean < 0.5)
    assert allowed(model, [0.0, 0.4])
    assert not allowed(model, [0.0, 0.6])


@pytest.mark.parametrize(
    "make", [lambda a, b: a < b, lambda a, b: a + 1 < 2 * b, lambda a, b: b > 1.0]
)
def test_a_prior_that_the_model_does_not_hold_is_refused(make):
    model = gf.Collection(a=free())
    model.add_assertion(make(model.a, free()))
    with pytest.raises(ModelError, match="is no parameter of the model"):
        _ = model.prior_count


def test_what_is_no_condition_is_refused():
    model = gf.Collection(a=free(), b=free())
    for wrong in (True, model.a, model.a + model.b, "a < b"):
        with pytest.raises(ModelError, match="add_assertion needs a condition"):
            model.add_assertion(wrong)
    with pytest.raises(ModelError, match="write a < b < c as two"):
        model.add_assertion(0.0 < model.a < model.b)
    with pytest.raises(ModelError, match="is not a number"):
        _ = model.a * (model.a < model.b)
