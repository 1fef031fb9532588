"""Columns that analyses derive: names, rejected points, cost."""

import dataclasses
import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.errors import ResultError
from graphfit.result.derive import with_derived
from graphfit.samples import Samples
from tests.model.components import Frozen


class Deriving(gf.Analysis):
    """Derives by a function."""

    def __init__(self, function):
        self.function = function

    def log_likelihood_function(self, instance):
        return 0.0

    def derived(self, instance):
        return self.function(instance)


def samples_of(program, values) -> Samples:
    count = len(values)
    return Samples(
        kind="nested",
        parameter_names=program.space.names,
        values=np.asarray(values, dtype=float),
        log_likelihood=np.arange(count, dtype=float),
        log_prior=np.zeros(count),
        log_weights=np.full(count, -math.log(count)),
    )


VALUES = [[0.1, 1.0], [0.2, 2.0], [0.3, 3.0]]


def derived(function, values=VALUES) -> Samples:
    program = lower(as_graph(gf.Model(Frozen), Deriving(function)))
    return with_derived(program, samples_of(program, values))


def test_one_dataset_s_names_stand_alone():
    found = derived(lambda i: {"area": i.position * i.width, "two": 2})
    assert found.derived_names == ("area", "two")
    np.testing.assert_allclose(found.derived, [[0.1, 2], [0.4, 2], [0.9, 2]])


def test_nothing_derived():
    found = derived(lambda i: {})
    assert found.derived_names == ()
    assert found.derived.shape == (3, 0)


def test_names_that_are_taken_get_a_number():
    found = derived(lambda i: {"width": 5.0})
    assert found.names == ("position", "width", "width_1")


def test_rejected_points_are_nan():
    def picky(instance):
        if instance.position < 0.15:
            raise gf.FitException
        return {"area": instance.width}

    np.testing.assert_array_equal(derived(picky).derived[:, 0], [np.nan, 2.0, 3.0])


def test_names_must_be_the_same_everywhere():
    def fickle(instance):
        return {"small" if instance.position < 0.15 else "large": 1.0}

    with pytest.raises(
        ResultError, match=r"derived\(\) returned \('small',\) here and"
    ):
        derived(fickle)


def test_each_sample_is_built_once_however_many_datasets():
    built = []

    class Counting:
        def __init__(self, a):
            built.append(a)
            self.a = a

    factors = [
        gf.AnalysisFactor(
            gf.Model(Counting, a=gf.UniformPrior()), Deriving(lambda i: {"b": i.a})
        )
        for _ in range(4)
    ]
    program = lower(gf.FactorGraphModel(*factors))
    values = np.arange(12.0).reshape(3, 4)
    found = with_derived(program, samples_of(program, values))
    assert found.derived_names == ("0.b", "1.b", "2.b", "3.b")
    np.testing.assert_array_equal(found.derived, values)
    assert len(built) == 4 * (3 + 1)


def test_relations_of_a_rejected_point_are_nan():
    def positive(value):
        if value < 0.15:
            raise gf.FitException
        return value

    prior = gf.UniformPrior()
    model = gf.Model(Frozen, position=gf.relation(positive, prior), width=1.0)
    program = lower(as_graph(model, Deriving(lambda i: {"b": i.position})))
    found = with_derived(program, samples_of(program, [[0.1], [0.2]]))
    np.testing.assert_array_equal(found.derived, [[np.nan, np.nan], [0.2, 0.2]])


def test_the_record_is_otherwise_unchanged():
    program = lower(as_graph(gf.Model(Frozen), Deriving(lambda i: {"b": 1.0})))
    samples = samples_of(program, VALUES)
    found = with_derived(program, samples)
    for item in dataclasses.fields(Samples):
        if not item.name.startswith("derived"):
            assert getattr(found, item.name) is getattr(samples, item.name)
