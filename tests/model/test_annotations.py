"""Annotations written as strings, with and without names that exist at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pytest

import graphfit as gf
from graphfit.errors import ModelError

if TYPE_CHECKING:
    from somewhere import Missing


class Partly:
    """One annotation exists for type checkers only."""

    def __init__(
        self,
        a: Annotated[float, gf.UniformPrior(0, 1)] = 0.0,
        b: Missing | None = None,
    ):
        self.a, self.b = a, b


class Broken:
    def __init__(self, a: Annotated[float, gf.NoSuchPrior(0, 1)] = 0.0):
        self.a = a


@dataclass
class Parent:
    a: Annotated[float, gf.UniformPrior(0, 1)]


@dataclass
class Child(Parent):
    b: Annotated[float, gf.UniformPrior(0, 2)]


class Many:
    def __init__(
        self,
        pair: Annotated[tuple[float, float], gf.UniformPrior(0, 1)],
        mixed: tuple[Annotated[float, gf.UniformPrior(0, 1)], float] = (0.0, 7.0),
        several: Annotated[tuple[float, ...], gf.UniformPrior(0, 1)] = (0.0, 0.0, 0.0),
        maybe: Annotated[float, gf.UniformPrior(0, 1)] | None = None,
        noted: Annotated[float, "in seconds"] = 4.0,
    ):
        self.values = (pair, mixed, several, maybe, noted)


def test_a_name_for_type_checkers_does_not_hide_a_prior():
    model = gf.Model(Partly)
    assert model.parameter_names == ("a",)
    assert model.b is None


def test_a_prior_that_cannot_be_evaluated_is_no_silent_constant():
    with pytest.raises(
        ModelError, match=r"annotation of Broken\.a cannot be evaluated"
    ):
        gf.Model(Broken)


def test_fields_of_a_parent_are_read_where_they_were_written():
    assert gf.Model(Child).parameter_names == ("a", "b")


def test_tuples_and_options():
    model = gf.Model(Many)
    assert model.parameter_names == (
        "pair_0",
        "pair_1",
        "mixed_0",
        "several_0",
        "several_1",
        "several_2",
        "maybe",
    )
    assert len(set(model.priors)) == 7
    values = model.instance_from_vector([1, 2, 3, 4, 5, 6, 7]).values
    assert values == ((1, 2), (3, 7.0), (4, 5, 6), 7, 4.0)


def test_a_tuple_of_unknown_length_is_missing():
    def profile(x, heights: Annotated[tuple[float, ...], gf.UniformPrior(0, 1)]):
        return sum(heights) + 0 * x

    model = gf.Model(profile)
    with pytest.raises(ModelError, match="'heights' has no prior and no value"):
        _ = model.prior_count
