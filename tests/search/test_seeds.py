"""The same seed gives the same bits; another seed, or none, gives others."""

import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.samples import Samples
from tests.cases import ALL_SEARCHES
from tests.exam import regression, two_parts

by_name = {"ids": lambda case: case.name}
# Bits are compared, so the shortest run that draws at every stage will do.
QUICK = {
    "DynestyDynamic": {"nlive_init": 20, "nlive_batch": 20, "maxbatch": 1},
    "DynestyStatic": {"nlive": 20},
    "Emcee": {"nsteps": 50},
    "NUTS": {"draws": 30, "tune": 40},
}


def record(case, seed, graph=None) -> Samples:
    search = case.make(**{**QUICK.get(case.name, {}), "seed": seed})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(Emcee|NUTS): ")  # a short chain
        return search.fit(graph or regression(2).make()).record


def same_bits(first: Samples, second: Samples) -> bool:
    return all(
        getattr(first, name).tobytes() == getattr(second, name).tobytes()
        for name in ("values", "log_likelihood", "log_prior", "log_weights", "derived")
    ) and np.array_equal(
        [first.log_evidence, first.log_evidence_error, first.evaluations],
        [second.log_evidence, second.log_evidence_error, second.evaluations],
        equal_nan=True,
    )


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_the_same_seed_gives_the_same_bits(case):
    first = record(case, 7)
    np.random.seed(1)  # noqa: NPY002 - the legacy generator must not matter
    assert same_bits(first, record(case, 7))


# An optimiser that starts at the median ends in the same bits whatever was drawn beside it.
DRAWING = [case for case in ALL_SEARCHES if case.name != "LevenbergMarquardt"]


@pytest.mark.parametrize("case", DRAWING, **by_name)
def test_another_seed_gives_other_bits(case):
    assert not same_bits(record(case, 7), record(case, 8))


@pytest.mark.parametrize("case", DRAWING, **by_name)
def test_without_a_seed_every_run_is_its_own(case):
    assert not same_bits(record(case, None), record(case, None))


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_the_global_generator_is_left_alone(case):
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.RandomState(5).random(3)
    record(case, 7)
    assert np.array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_parts_of_a_graph_draw_from_streams_of_their_own():
    """Equal parts with one seed must not repeat one another's samples."""
    both = gf.FactorGraphModel(
        *regression(2).make().factors.values(), *regression(2).make().factors.values()
    )
    values = record(ALL_SEARCHES[0], 3, both).values
    assert not np.array_equal(np.sort(values[:, 0]), np.sort(values[:, 2]))


@pytest.mark.parametrize("case", ALL_SEARCHES, **by_name)
def test_parts_are_as_repeatable_as_the_whole(case):
    assert same_bits(record(case, 2, two_parts()), record(case, 2, two_parts()))
