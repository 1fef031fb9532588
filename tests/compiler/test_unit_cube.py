"""The compiled prior transform: theta, relations, and whether a point is possible."""

import gc
import math
import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import machine
from graphfit.compiler.functions import library
from graphfit.compiler.functions.library import MissingFunction
from graphfit.compiler.unit_cube import UnitCube
from graphfit.errors import FitException, ModelError, PriorError
from graphfit.model.space import ParameterSpace
from tests.cases import PROPER_PRIORS

INF = math.inf
EVERYWHERE = [0.0, 5e-324, 1e-300, 1e-17, 0.075, 0.5, 0.925, 1.0 - 1e-16, 1.0]


def space_of(*priors, condition=None, **others) -> ParameterSpace:
    named = {f"p{i}": prior for i, prior in enumerate(priors)}
    model = gf.Collection(**named, **others)
    if condition is not None:
        model.add_assertion(condition)
    return ParameterSpace(model)


def expected(space: ParameterSpace, unit):
    """By the functions for arrays."""
    theta = space.transform(unit)
    table = space.values(theta)
    values = np.concatenate([theta, space.derived(table)])
    possible = space.allowed(table) and not np.isnan(values).any()
    return (0.0 if possible else -INF), values


def compare(space: ParameterSpace, rng, count: int = 50, **arguments):
    cube = UnitCube(space, **arguments)
    for unit in rng.random((count, space.dimension)):
        possible, values = cube(unit)
        assert possible == expected(space, unit)[0]
        np.testing.assert_allclose(values, expected(space, unit)[1], 1e-12, 1e-13)
    return cube


def untraceable(function):
    """The same function, which asks for its argument's value."""

    def asking(*values):
        return function(*map(float, values))

    return asking


# --- the families --------------------------------------------------------------------


@pytest.mark.parametrize("case", PROPER_PRIORS, ids=lambda case: case.name)
def test_every_family(case, rng):
    points = [*EVERYWHERE, *rng.random(40), *10.0 ** rng.uniform(-30, 0, 20)]
    for arguments in case.arguments:
        prior = case.make(*arguments)
        cube = UnitCube(space_of(prior))
        of_others = case.name in ("mixture_gamma", "mixture_uniform")
        assert cube.way == ("python" if of_others else "compiled"), cube.reason
        width = prior.value_for(0.75) - prior.value_for(0.25)
        for u in points:
            if case.name.startswith("mixture") and 0.0 < u < 1e-300:
                continue  # scipy's ndtr is zero too soon
            possible, (value,) = cube([u])
            true = prior.value_for(u)
            assert possible == 0.0
            assert value == true or math.isclose(
                value, true, rel_tol=1e-12, abs_tol=1e-12 * width
            ), (arguments, u)


PLAIN = [
    case for case in PROPER_PRIORS if not case.name.startswith(("ordered", "mixture"))
]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_arguments_that_are_numbers_of_the_pixel(case, rng):
    arguments = [gf.FlatPrior() for _ in case.arguments[0]]
    prior = case.make(*arguments)
    space = space_of(prior)
    hidden = [space.priors.index(item) for item in arguments]
    cube = UnitCube(space, hidden=hidden)
    assert (cube.way, cube.free) == ("compiled", (0,))
    for numbers in (*case.arguments, *case.impossible):
        for u in rng.random(5):
            possible, values = cube([u], numbers)
            true = prior.density.quantile(u, *numbers)
            np.testing.assert_allclose(values[0], true, 1e-11, 1e-12)
            np.testing.assert_array_equal(values[hidden], numbers)
            assert possible == (-INF if np.isnan(values).any() else 0.0)


# --- what depends on what ------------------------------------------------------------


def test_priors_come_after_what_they_depend_on(rng):
    spread = gf.LogUniformPrior(0.1, 10.0)
    centre = gf.GaussianPrior(5.0, spread)
    end = gf.UniformPrior(centre - spread, centre + 2.0 * spread)
    space = space_of(end, centre, slope=np.exp(-spread) * end)
    assert compare(space, rng).n_values == 4


def test_ordered_priors(rng):
    for base in (gf.UniformPrior(-1.0, 2.0), gf.GaussianPrior(0.0, 3.0)):
        compare(space_of(*gf.ordered_priors(4, base)), rng)


def test_ordered_priors_of_every_family(rng):
    for case in PLAIN:
        base = case.make(*case.arguments[0])
        space = space_of(*gf.ordered_priors(3, base))
        compare(space, rng, 10)


def test_parameters_that_are_held(rng):
    sigma = gf.UniformPrior(0.0, 1.0)
    space = space_of(gf.GaussianPrior(1.0, sigma), gf.FlatPrior(), sigma)
    cube = UnitCube(space, held={1: 7.0, 2: 0.25})
    assert cube.free == (0,)
    _, values = cube([0.3])
    expected = gf.GaussianPrior(1.0, 0.25).value_for(0.3)
    np.testing.assert_allclose(values, [expected, 7.0, 0.25], 1e-15)
    impossible, values = UnitCube(space, held={1: 7.0, 2: 0.0})([0.3])
    assert impossible == -INF
    assert np.isnan(values[0])


def test_a_model_without_a_sampled_parameter():
    space = space_of(gf.FlatPrior(), gf.FlatPrior())
    cube = UnitCube(space, hidden=[1], held={0: 2.0})
    possible, values = cube([], [3.0])
    assert (possible, values.tolist()) == (0.0, [2.0, 3.0])


def test_a_prior_without_an_integral_is_refused():
    with pytest.raises(PriorError, match=r"The unit cube needs .*'p1'"):
        UnitCube(space_of(gf.UniformPrior(0.0, 1.0), gf.FlatPrior()))


def test_shapes_are_checked():
    cube = UnitCube(space_of(gf.UniformPrior(0.0, 1.0)))
    with pytest.raises(ValueError, match=r"got \(2,\) and \(0,\)"):
        cube([0.1, 0.2])


# --- points that are not possible ----------------------------------------------------


def refuse_large(a):
    if a > 0.5:
        raise FitException
    return 2.0 * a


def test_a_relation_that_rejects_the_point(rng):
    a = gf.UniformPrior(0.0, 1.0)
    cube = UnitCube(space_of(a, twice=gf.relation(refuse_large, a)))
    assert cube.way == "compiled"
    assert cube([0.25])[0] == 0.0
    np.testing.assert_array_equal(cube([0.25])[1], [0.25, 0.5])
    assert cube([0.75])[0] == -INF
    assert np.isnan(cube([0.75])[1]).all()


def test_a_relation_that_is_nan():
    a = gf.UniformPrior(-1.0, 1.0)
    cube = UnitCube(space_of(a, root=np.sqrt(a)))
    assert cube([0.75])[0] == 0.0
    assert cube([0.25])[0] == -INF


@pytest.mark.parametrize("strict", [True, False])
def test_conditions(strict, rng):
    a, b = gf.UniformPrior(0.0, 1.0), gf.UniformPrior(0.0, 1.0)
    condition = a * b < 0.25 if strict else a * b <= 0.25
    space = space_of(a, b, condition=condition)
    cube = compare(space, rng)
    assert cube([0.5, 0.5])[0] == (-INF if strict else 0.0)
    assert cube([0.9, 0.9])[0] == -INF
    np.testing.assert_array_equal(cube([0.9, 0.9])[1], [0.9, 0.9])


# --- exchangeable parameters ---------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_group_is_sorted_draws(count, rng):
    priors = [gf.GaussianPrior(1.0, 2.0) for _ in range(count)]
    cube = UnitCube(space_of(*priors), ordered=[range(count)])
    drawn = np.array([cube(unit)[1] for unit in rng.random((4000, count))])
    assert (np.diff(drawn) >= 0.0).all()
    # The k-th smallest of K uniform draws is a beta variate.
    u = priors[0].unit_for(drawn)
    for k in range(count):
        found = stats.kstest(u[:, k], stats.beta(k + 1, count - k).cdf)
        assert found.pvalue > 1e-3
    # So are the distances between neighbours, whatever the others: Beta(1, K).
    for gap in np.diff(u, prepend=0.0).T:
        assert stats.kstest(gap, stats.beta(1, count).cdf).pvalue > 1e-3


def sorted_units(units):
    """``1 - u_(k) = (1 - u_(k-1)) (1 - u_k)^(1 / (K - k + 1))``, with fifty digits."""
    found = []
    with localcontext(prec=50):
        above = Decimal(1)
        for k, u in enumerate(units):
            above *= (1 - Decimal(float(u))) ** (Decimal(1) / (len(units) - k))
            found.append(float(1 - above))
    return found


def test_a_group_follows_its_equation(rng):
    priors = [gf.UniformPrior(0.0, 1.0) for _ in range(5)]
    group = [3, 0, 4, 2]
    cube = UnitCube(space_of(*priors), ordered=[group])
    for unit in [*rng.random((20, 5)), *(10.0 ** rng.uniform(-18, 0, (20, 5)))]:
        _, values = cube(unit)
        np.testing.assert_allclose(values[group], sorted_units(unit[group]), 1e-14)
        assert values[1] == unit[1]


def test_a_group_beside_others_and_at_the_ends():
    prior = gf.LogUniformPrior(1.0, 10.0)
    others = [gf.LogUniformPrior(1.0, 10.0) for _ in range(2)]
    cube = UnitCube(
        space_of(prior, gf.UniformPrior(0.0, 1.0), *others), ordered=[(0, 3)]
    )
    for u in (0.0, 1.0):
        possible, values = cube([u, 0.3, 0.5, u])
        assert possible == 0.0
        end = prior.value_for(u)
        np.testing.assert_allclose(values, [end, 0.3, 10.0**0.5, end], 1e-15)


def test_the_callback_sorts_as_the_kernel_does(rng):
    space, slow = (
        space_of(a, b, total=relation(lambda x, y: x + y)(a, b))
        for relation in (
            lambda function: lambda *items: gf.relation(function, *items),
            lambda function: lambda *items: gf.relation(untraceable(function), *items),
        )
        for a, b in [(gf.GaussianPrior(0.0, 1.0), gf.GaussianPrior(0.0, 1.0))]
    )
    fast, python = (UnitCube(item, ordered=[(1, 0)]) for item in (space, slow))
    assert (fast.way, python.way) == ("compiled", "python")
    for unit in rng.random((20, 2)):
        np.testing.assert_allclose(fast(unit)[1], python(unit)[1], 1e-13)


@pytest.mark.parametrize(
    "group", [(0, 1), (0, 0), (0, 3), (0, 4)], ids=["differ", "twice", "hidden", "none"]
)
def test_groups_that_are_none(group):
    first, other = gf.UniformPrior(0.0, 1.0), gf.UniformPrior(0.0, 2.0)
    space = space_of(first, other, gf.UniformPrior(0.0, 1.0), gf.UniformPrior(0.0, 1.0))
    with pytest.raises(PriorError, match="ordered"):
        UnitCube(space, hidden=[3], ordered=[group])


# --- Python, where it cannot be traced -----------------------------------------------


def test_an_untraceable_relation_is_called(rng):
    a, b = gf.UniformPrior(0.0, 1.0), gf.FlatPrior()
    total = gf.relation(untraceable(lambda x, y: x + y), a, b)
    c = gf.GaussianPrior(total, 1.0)
    space = space_of(a, b, c, total=total, condition=total < 10.0)
    cube = UnitCube(space, hidden=[1])
    assert cube.way == "python"
    assert "float()" in cube.reason
    for unit in rng.random((5, 2)):
        possible, values = cube(unit, [8.0])
        assert possible == 0.0
        mean = unit[0] + 8.0
        end = gf.GaussianPrior(mean, 1.0).value_for(unit[1])
        np.testing.assert_allclose(values, [unit[0], 8.0, end, mean], 1e-15)
    assert cube([0.5, 0.5], [9.75])[0] == -INF
    assert cube.error is None


def test_an_untraceable_relation_that_rejects_the_point():
    a = gf.UniformPrior(0.0, 1.0)
    cube = UnitCube(space_of(a, twice=gf.relation(untraceable(refuse_large), a)))
    assert cube.way == "python"
    assert cube([0.25])[0] == 0.0
    assert cube([0.75])[0] == -INF
    assert cube.error is None


def fail(a):
    raise ZeroDivisionError(str(float(a)))


def test_an_error_is_kept():
    a = gf.UniformPrior(0.0, 1.0)
    cube = UnitCube(space_of(a, broken=gf.relation(fail, a)))
    assert cube.way == "python"
    assert math.isnan(cube([0.25])[0])
    assert isinstance(cube.error, ModelError)
    assert "Relation 'broken': fail(0.25) raised ZeroDivisionError" in str(cube.error)
    cube.error = None
    assert cube.error is None


def test_there_is_no_error_in_machine_code():
    cube = UnitCube(space_of(gf.UniformPrior(0.0, 1.0)))
    cube.error = None
    assert cube.error is None


# --- machine code --------------------------------------------------------------------


def test_equal_transforms_are_one():
    def address(upper):
        return UnitCube(space_of(gf.UniformPrior(0.0, upper))).address()

    assert address(3.0) == address(3.0)
    assert address(3.0) != address(4.0)


def test_a_scipy_without_the_functions(monkeypatch):
    def missing(name, count):
        msg = f"no {name} of {count}"
        raise MissingFunction(msg)

    monkeypatch.setattr(library, "_address", missing)
    cube = UnitCube(space_of(gf.GammaPrior(1.23456, 2.0)))
    assert cube.way == "python"
    assert "no gammaincinv of 2" in cube.reason
    true = gf.GammaPrior(1.23456, 2.0).value_for(0.3)
    assert cube([0.3])[1][0] == pytest.approx(true, rel=1e-14)


def test_a_transform_keeps_its_code_alive():
    """Whatever happens to the machine that made it; so does one that is found again."""
    space = space_of(gf.UniformPrior(2.0, 3.28125))
    first = UnitCube(space)
    machine._machine.cache_clear()
    gc.collect()
    # Others take the memory of what was let go.
    others = [UnitCube(space_of(gf.UniformPrior(0.0, 1.0 + i))) for i in range(20)]
    for cube in (first, UnitCube(space)):
        possible, values = cube([0.5])
        assert (possible, values.tolist()) == (0.0, [2.640625])
    assert [other([0.5])[1][0] for other in others] == [
        0.5 + 0.5 * i for i in range(20)
    ]


PROCESS = """
import sys
import graphfit as gf
from graphfit.compiler import machine
from graphfit.compiler.unit_cube import UnitCube
from graphfit.model.space import ParameterSpace
if sys.argv[1] == "again":
    def refuse(*_):
        raise AssertionError("compiled again")
    machine._object_code = refuse
cube = UnitCube(ParameterSpace(gf.Collection(a=gf.BetaPrior(2.5, 3.5, 0.0, 1.0))))
assert cube.way == "compiled"
print(repr(float(cube([0.3])[1][0])))
"""


def test_code_from_the_disk_finds_scipys_functions(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROCESS, word],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for word in ("first", "again")
    )
    assert first == second
    assert any(tmp_path.rglob("kernels"))
    assert float(first) == pytest.approx(
        gf.BetaPrior(2.5, 3.5, 0.0, 1.0).value_for(0.3), rel=1e-14
    )
