"""Order and names of free parameters: by the tree, not by history."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import graphfit as gf
from graphfit.model.tree import direct_parameters, relations, unique_name
from tests.model.components import Frozen, Holder, Tuples, half, hypotenuse

ROOT = Path(__file__).resolve().parents[2]


def free(name: str | None = None) -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0, name=name)


def test_the_order_is_that_of_first_appearance():
    late, early = free(), free()  # created the other way round
    model = gf.Collection(first=early, second=late, third=early)
    assert model.priors == (early, late)
    assert model.parameter_names == ("first", "second")


def test_assigning_anew_keeps_the_place():
    model = gf.Model(gf.ex.Gaussian)
    model.sigma = free()
    model.centre = free()
    assert model.parameter_names == ("centre", "normalization", "sigma")


def test_a_parameter_of_all_siblings_is_named_without_the_key():
    shared, partly = free(), free()
    models = [gf.Model(gf.ex.Gaussian, centre=shared, sigma=1.0) for _ in range(3)]
    models[1].normalization = models[2].normalization = partly
    assert gf.Collection(models).parameter_names == (
        "centre",
        "0.normalization",
        "1.normalization",
    )


def test_the_key_stays_where_the_places_differ():
    shared = free()
    first = gf.Model(Frozen, position=shared, width=1.0)
    second = gf.Model(Frozen, position=0.0, width=shared)
    assert gf.Collection(first, second).parameter_names == ("0.position",)


def test_the_key_stays_beside_children_by_name():
    shared = free()
    model = gf.Collection(a=gf.Model(Frozen, position=shared, width=1.0), b=shared)
    assert model.parameter_names == ("a.position",)


def test_only_the_outermost_siblings_drop_their_key():
    shared = free()
    inner = [gf.Model(Frozen, position=shared, width=1.0) for _ in range(2)]
    assert gf.Collection(group=inner).parameter_names == ("group.0.position",)


def test_inputs_of_relations():
    slope, plain, other = free("slope"), free(), free()
    model = gf.Model(gf.ex.Gaussian, sigma=slope * plain + other * plain, centre=1.0)
    assert model.parameter_names == (
        "normalization",
        "sigma.slope",
        "sigma.input_0",
        "sigma.input_1",
    )
    assert list(relations(model).values()) == ["sigma"]


def test_inputs_of_functions_are_named_by_their_arguments():
    a, b = free(), free("beta")
    model = gf.Collection(c=gf.relation(hypotenuse, a, b), d=gf.relation(half, b))
    assert model.parameter_names == ("c.a", "c.beta")
    assert list(relations(model).values()) == ["c", "d"]


def test_a_prior_in_the_tree_and_in_a_relation_is_named_where_it_comes_first():
    shared = free("m")
    model = gf.Collection(a=2 * shared, b=shared)
    assert model.parameter_names == ("a.m",)
    assert gf.Collection(b=shared, a=2 * shared).parameter_names == ("b",)


def test_hyper_parameters_come_last_and_are_named_after_arguments():
    mean, scatter = free(), free("tau")
    widest = free()
    centre = gf.GaussianPrior(mean=mean, sigma=scatter * gf.HalfGaussianPrior(widest))
    model = gf.Model(gf.ex.Gaussian, centre=centre, sigma=1.0)
    assert model.parameter_names == (
        "centre",
        "normalization",
        "centre.mean",
        "centre.sigma.tau",
        "centre.sigma.input_0",
        "centre.sigma.input_0.sigma",
    )
    assert set(direct_parameters(model)) == {centre, model.normalization}


def test_a_hyper_parameter_of_all_siblings_drops_the_key():
    mean = free()
    models = [
        gf.Model(Frozen, position=gf.GaussianPrior(mean, 1.0), width=1.0)
        for _ in range(2)
    ]
    assert gf.Collection(models).parameter_names == (
        "0.position",
        "1.position",
        "position.mean",
    )


def test_a_hyper_parameter_that_stands_in_the_tree_keeps_its_place():
    mean = free()
    model = gf.Collection(a=gf.GaussianPrior(mean, 1.0), b=mean)
    assert model.parameter_names == ("a", "b")


def test_names_are_unique():
    class Both:
        def __init__(self, centre, centre_0):
            pass

    model = gf.Model(Both, centre=(free(), free()), centre_0=free())
    assert model.parameter_names == ("centre_0", "centre_1", "centre_0_1")
    named = gf.Collection(a=free("m") * free("m"))
    assert named.parameter_names == ("a.m", "a.m_1")
    shared = free()
    mixed = gf.Collection(
        gf.Model(Frozen, position=shared, width=1.0),
        gf.Model(Frozen, position=shared, width=1.0),
        position=free(),
    )
    assert mixed.parameter_names == ("position", "position_1")


@pytest.mark.parametrize(
    ("taken", "expected"),
    [((), "x"), (("x",), "x_1"), (("x", "x_1"), "x_2"), (("x_1",), "x")],
)
def test_unique_name(taken, expected):
    assert unique_name("x", taken) == expected


def test_names_of_everything_at_once():
    model = gf.Collection(
        one=gf.Model(Tuples, centre=(free(), gf.ex.Gaussian)),
        two=gf.Model(Holder, part=gf.Array(2, free())),
        three=free(),
    )
    assert model.parameter_names == (
        "one.centre_0",
        "one.centre_1.centre",
        "one.centre_1.normalization",
        "one.centre_1.sigma",
        "two.part.0",
        "two.part.1",
        "three",
    )


SCRIPT = """
import graphfit as gf
unused = [gf.UniformPrior() for _ in range(%d)]
tau, mu = gf.LogUniformPrior(0.1, 10.0), gf.UniformPrior(0.0, 100.0)
slope = gf.UniformPrior(0.0, 1.0)
if %d:
    slope, tau, mu = gf.UniformPrior(0.0, 1.0), tau, gf.UniformPrior(0.0, 100.0)
models = [
    gf.Model(gf.ex.Gaussian, centre=gf.GaussianPrior(mu, tau), sigma=slope * i + 1)
    for i in range(3)
]
model = gf.Collection(models)
print(*model.parameter_names)
print(*model.vector_from_unit_vector([0.1 * (i + 1) for i in range(9)]).tolist())
"""


def test_another_process_agrees():
    def report(unused: int, other_order: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT) % (unused, other_order)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first, second = report(0, 0), report(1000, 1)
    assert "position" not in first
    assert first.split()[:3] == ["0.centre", "0.normalization", "sigma.input_0"]
    assert first == second
