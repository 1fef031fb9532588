"""Identity by content: what changes it, what does not, what cannot be compared."""

import collections
import datetime as dt
import enum
import functools
import itertools
import os
import re
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import graphfit as gf
from graphfit.errors import OutputError
from graphfit.io.fingerprint import fingerprint
from tests.cases import ALL_PRIORS

# --- values --------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True, slots=True)
class Slotted:
    a: float


class WithStage:
    """Leaves its open file out of what is stored."""

    def __init__(self, level):
        self.level = level
        self.file = sys.stderr

    def __getstate__(self):
        return {"level": self.level}


def masked(mask):
    return np.ma.array([1.0, 2.0], mask=mask)


def quantity(unit):
    from astropy import units

    return np.arange(3.0) * units.Unit(unit)


def frame(value):
    import pandas as pd

    return pd.DataFrame({"flux": [1.0, value]})


def labelled(value):
    import xarray as xr

    return xr.DataArray([1.0, value], dims="x")


def structured(*names):
    return np.zeros(2, dtype=[(name, "f8") for name in names])


# Pairs of different content, each side made anew on every call.
DIFFERENT = [
    lambda: (1, 1.0),
    lambda: (1, True),
    lambda: (0.0, -0.0),
    lambda: (1.0, np.nextafter(1.0, 2.0)),
    lambda: (1j, 2j),
    lambda: ("a", b"a"),
    lambda: ("ab", "ba"),
    lambda: (None, "None"),
    lambda: ([1, 2], (1, 2)),
    lambda: ([1, [2]], [[1], 2]),
    lambda: ({"a": 1}, {"a": 2}),
    lambda: ({"a": 1}, {"b": 1}),
    lambda: ({1, 2}, {1, 3}),
    lambda: ({1, 2}, [1, 2]),
    lambda: (range(3), range(4)),
    lambda: (slice(1), slice(2)),
    lambda: (bytearray(b"a"), bytearray(b"b")),
    lambda: (collections.deque([1]), collections.deque([2])),
    lambda: (collections.OrderedDict(a=1), collections.OrderedDict(a=2)),
    lambda: (dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)),
    lambda: (Path("a"), Path("b")),
    lambda: (re.compile("a"), re.compile("b")),
    lambda: (Colour.RED, Colour.BLUE),
    lambda: (Slotted(1.0), Slotted(2.0)),
    lambda: (WithStage(1), WithStage(2)),
    lambda: (np.zeros(3), np.zeros(4)),
    lambda: (np.zeros((2, 3)), np.zeros((3, 2))),
    lambda: (np.zeros(3), np.zeros(3, dtype=np.float32)),
    lambda: (np.zeros(3), np.array([0.0, 0.0, 5e-324])),
    lambda: (np.arange(3.0), np.arange(3.0).astype(">f8")),
    lambda: (np.array(["a"]), np.array(["b"])),
    lambda: (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-02"], "M8[D]")),
    lambda: (np.array([1j]), np.array([2j])),
    lambda: (structured("a", "b"), structured("a", "c")),
    lambda: (np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object)),
    lambda: (np.float32(1), np.float64(1)),
    lambda: (masked([False, True]), masked([False, False])),
    lambda: (masked([False, False]), np.array([1.0, 2.0])),
    lambda: (quantity("Jy"), quantity("mJy")),
    lambda: (frame(1.0), frame(2.0)),
    lambda: (labelled(1.0), labelled(2.0)),
    lambda: (CubicSpline([0, 1, 2], [0, 1, 4]), CubicSpline([0, 1, 2], [0, 1, 5])),
    lambda: (np.random.default_rng(1), np.random.default_rng(2)),
    lambda: (np.sin, np.cos),
    lambda: (np.add, np.add.reduce),
    lambda: (len, max),
    lambda: ({"a": 1}.get, {"a": 2}.get),  # a bound method of a table
    lambda: (functools.partial(pow, 2), functools.partial(pow, 3)),
    lambda: (lambda x: x + 1, lambda x: x + 2),
    lambda: (lambda x, y=1: x, lambda x, y=2: x),
    lambda: (functools.lru_cache(lambda x: 1), functools.lru_cache(lambda x: 2)),
    lambda: (np.vectorize(lambda x: x + 1), np.vectorize(lambda x: x + 2)),
    lambda: (power(2), power(3)),
    lambda: (guarded(power(2)), guarded(power(3))),
]


def power(exponent):
    def inner(x):
        return x**exponent

    return inner


def guarded(function):
    """A decorator of an installed package around a function of the user's."""
    return np.errstate(all="ignore")(function)


@pytest.mark.parametrize("number", range(len(DIFFERENT)))
def test_different_content_differs_and_equal_content_agrees(number):
    first, second = DIFFERENT[number]()
    again, _ = DIFFERENT[number]()
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) == fingerprint(again)


def test_the_layout_in_memory_does_not_matter():
    grid = np.arange(12.0).reshape(3, 4)
    assert fingerprint(grid) == fingerprint(np.asfortranarray(grid))
    assert fingerprint(grid[:, ::2]) == fingerprint(grid[:, ::2].copy())


def test_the_order_of_sets_does_not_matter_that_of_dictionaries_does():
    orders = itertools.permutations(["centre", "sigma", "flux", "name"])
    assert len({fingerprint(set(order)) for order in orders}) == 1
    # A likelihood may sum over a dictionary: the order is content.
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"b": 2, "a": 1})


def test_objects_that_hold_one_another_are_no_trap():
    loop = []
    loop.append(loop)
    other = [[]]
    assert fingerprint(loop) != fingerprint(other)


@dataclass
class Annotated3:
    a: Annotated[float, gf.UniformPrior(0, 1)] = 1.0
    b: float | None = None
    c: list[int] = field(default_factory=list)


def test_dataclasses_with_modern_annotations():
    assert fingerprint(Annotated3()) != fingerprint(Annotated3(b=2.0))
    assert fingerprint(Annotated3) == fingerprint(Annotated3)


class Cached(gf.Analysis):
    def __init__(self, data):
        self.data = data

    @functools.cached_property
    def total(self):
        return sum(self.data)

    def log_likelihood_function(self, instance):
        return -self.total * instance.x**2


def test_a_cached_property_does_not_change_identity_when_it_is_used():
    analysis = Cached([1.0, 2.0])
    before = fingerprint(analysis)
    assert analysis.total == 3.0
    assert fingerprint(analysis) == before


def test_code_from_exec_counts_as_the_users():
    def made(body):
        names = {}
        exec(f"def f(x):\n    return {body}", names)
        return names["f"]

    assert fingerprint(made("x + 1")) == fingerprint(made("x + 1"))
    assert fingerprint(made("x + 1")) != fingerprint(made("x + 2"))


# --- models --------------------------------------------------------------------------


@pytest.mark.parametrize("case", ALL_PRIORS, ids=lambda case: case.name)
def test_each_family_and_argument_of_a_prior_counts(case):
    made = [case.make(*arguments) for arguments in case.arguments]
    found = {fingerprint(prior) for prior in made}
    assert len(found) == len(made)
    assert fingerprint(made[0]) == fingerprint(case.make(*case.arguments[0]))


def test_families_with_equal_arguments_differ():
    families = [
        gf.UniformPrior,
        gf.LogUniformPrior,
        gf.GaussianPrior,
        gf.LogGaussianPrior,
    ]
    assert len({fingerprint(family(1.0, 2.0)) for family in families}) == 4
    ordered = [gf.ordered_priors(2, family(1.0, 2.0)) for family in families]
    assert len({fingerprint(priors) for priors in ordered}) == 4


def two(shared):
    a = gf.UniformPrior(0, 1)
    b = a if shared else gf.UniformPrior(0, 1)
    return gf.Collection(x=a, y=b)


def test_sharing_is_part_of_a_model():
    assert fingerprint(two(shared=True)) != fingerprint(two(shared=False))
    assert fingerprint(two(shared=True)) == fingerprint(two(shared=True))


def square(x):
    return x**2


MODELS = [
    lambda: gf.Collection(x=gf.UniformPrior(0, 1)),
    lambda: gf.Collection(y=gf.UniformPrior(0, 1)),
    lambda: gf.Collection(x=gf.UniformPrior(0, 1), y=1.0),
    lambda: gf.Collection(x=gf.UniformPrior(0, 1), y=1),
    lambda: gf.Collection(gf.UniformPrior(0, 1)),
    lambda: gf.Collection(x=gf.UniformPrior(0, 1, name="p")),
    lambda: gf.Collection(x=2 * gf.UniformPrior(0, 1)),
    lambda: gf.Collection(x=gf.UniformPrior(0, 1) * 2),
    lambda: gf.Collection(x=gf.UniformPrior(0, 1) + 2),
    lambda: gf.Collection(x=np.exp(gf.UniformPrior(0, 1))),
    lambda: gf.Collection(x=gf.relation(square, gf.UniformPrior(0, 1))),
    lambda: gf.Collection(x=gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0)),
    lambda: gf.Collection(x=gf.GaussianPrior(0.0, gf.UniformPrior(0, 1))),
    lambda: gf.Collection(x=(gf.UniformPrior(0, 1), 0.0)),
    lambda: gf.Collection(x=np.array([1.0]), y=gf.UniformPrior(0, 1)),
    lambda: gf.Model(gf.ex.Gaussian),
    lambda: gf.Model(gf.ex.Gaussian, centre=50.0),
    lambda: gf.Model(gf.ex.Exponential),
    lambda: asserted(strict=True),
    lambda: asserted(strict=False),
]


def asserted(strict):
    model = two(shared=False)
    model.add_assertion(model.x < model.y if strict else model.x <= model.y)
    return model


def test_models_that_differ_have_other_identities():
    found = [fingerprint(make()) for make in MODELS]
    assert len(set(found)) == len(found)
    assert found == [fingerprint(make()) for make in MODELS]


def test_the_code_of_a_component_is_part_of_a_model():
    def profile(body):
        names = {}
        exec(f"def line(x, slope):\n    return {body}", names)
        return gf.Model(names["line"], slope=gf.UniformPrior(0, 1))

    def component(body):
        names = {"__name__": "mine"}
        source = f"""
class Line:
    def __init__(self, slope):
        self.slope = slope
    def __call__(self, x):
        return {body}
"""
        exec(source, names)
        return gf.Model(names["Line"], slope=gf.UniformPrior(0, 1))

    for make, body in ((profile, "slope * x"), (component, "self.slope * x")):
        assert fingerprint(make(body)) == fingerprint(make(body))
        assert fingerprint(make(body)) != fingerprint(make(body + " + 1"))


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t", "poisson"])
def test_a_fit_does_not_change_the_identity_of_its_analysis(likelihood):
    settings = {
        "gaussian": {"noise_map": np.ones(5), "mask": np.arange(5) == 2},
        "student_t": {"noise_map": np.ones(5), "degrees_of_freedom": 3.0},
        "poisson": {},
    }[likelihood]
    x, data = np.arange(5.0), np.array([1.0, 2.0, 3.0, 2.0, 1.0])
    analysis = gf.ProfileAnalysis(x, data, likelihood=likelihood, **settings)
    before = fingerprint(analysis)
    model = gf.Model(gf.ex.Gaussian, centre=gf.UniformPrior(1, 3))
    gf.LBFGS(seed=1, n_draws=3, n_starts=1).fit(model, analysis)
    assert fingerprint(analysis) == before


# --- what cannot be compared -----------------------------------------------------------


class Holding(gf.Analysis):
    def __init__(self, thing):
        self.noise = {"level": [thing]}

    def log_likelihood_function(self, instance):
        return 0.0


# What the message calls it, and how to make it.
UNSEEN = {
    "TextIOWrapper": lambda: open(os.devnull),  # noqa: SIM115 - closed below
    "lock": threading.Lock,
    "generator": lambda: (i for i in range(3)),
    "memoryview": lambda: memoryview(b"a"),
    "np.frompyfunc": lambda: np.frompyfunc(lambda x: x + 1, 1, 1),
}


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_has_no_content_is_an_error_that_names_the_attribute(kind, tmp_path):
    thing = UNSEEN[kind]()
    model = gf.Collection(x=gf.UniformPrior(0, 1))
    named = gf.LBFGS(seed=1, name="fit", path_prefix=tmp_path)
    try:
        with pytest.raises(OutputError) as caught:
            named.fit(model, Holding(thing))
    finally:
        if kind == "TextIOWrapper":
            thing.close()
    message = str(caught.value)
    assert kind in message
    assert message.startswith("factors.0.noise.level: ")
    assert "without name and path_prefix" in message
    assert list(tmp_path.iterdir()) == []


def test_an_unnamed_fit_needs_no_identity():
    model = gf.Collection(x=gf.UniformPrior(0, 1))
    search = gf.LBFGS(seed=1, n_draws=2, n_starts=1)
    assert search.fit(model, Holding(threading.Lock())).log_likelihood == 0.0
