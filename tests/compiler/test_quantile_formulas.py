"""The formulas of the priors' probabilities against the functions for arrays."""

from functools import cache

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.beta_gamma_formulas import wanted
from graphfit.compiler.emit import Kernel, emit
from graphfit.compiler.machine import compile_module, vector_width
from graphfit.compiler.quantile_formulas import PROBABILITIES, quantile
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import Untraceable
from graphfit.priors import density as families
from graphfit.priors.density import Density
from tests.cases import PROPER_PRIORS
from tests.compiler.calls import call_at

FAMILIES = sorted(PROBABILITIES, key=lambda density: density.name)
PLAIN = [
    case for case in PROPER_PRIORS if not case.name.startswith(("ordered", "mixture"))
]
EVERYWHERE = np.array([0.0, 1e-300, 1e-20, 0.5, 1.0 - 1e-16, 1.0])


def examples(density: Density):
    """Arguments of a family, by the cases that priors are tested with."""
    return [
        arguments
        for case in PLAIN
        for arguments in case.arguments
        if case.make(*arguments).density is density
    ]


def function_arguments(density: Density, arguments):
    """What a density's functions take: a Gaussian's limits are infinite, not left out."""
    case = next(
        case
        for case in PLAIN
        if arguments in case.arguments and case.make(*arguments).density is density
    )
    return case.make(*arguments).arguments


@cache
def compiled(density: Density, name: str) -> int:
    """The address of one function, of x or u and the arguments."""
    count = 1 + len(function_arguments(density, examples(density)[0]))

    def call(x, parameter):
        del x
        return [getattr(PROBABILITIES[density], name)(*map(parameter, range(count)))]

    traced = trace(call, (), ())
    kernel = Kernel("value", traced.tape, traced.outputs[0])
    return compile_module(emit(kernel, vector_width()), ["value"]).address("value")


def values(density: Density, name: str, x, arguments):
    address = compiled(density, name)
    points = [(item, *arguments) for item in x]
    return np.array([call_at(address, point, (), (), 0)[0] for point in points])


def agree(found, expected, relative: float, absolute: float):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    np.testing.assert_allclose(
        found[finite], expected[finite], rtol=relative, atol=absolute
    )


def test_every_family_has_formulas():
    proper = {
        density
        for density in vars(families).values()
        if isinstance(density, Density) and density.is_proper
    }
    assert set(PROBABILITIES) == proper


@pytest.mark.parametrize("name", ["quantile", "inverse_survival"])
@pytest.mark.parametrize("density", FAMILIES, ids=lambda density: density.name)
def test_quantiles_agree(density, name, rng):
    u = np.concatenate([EVERYWHERE, rng.random(60), 10.0 ** rng.uniform(-200, 0, 30)])
    for example in examples(density):
        arguments = function_arguments(density, example)
        expected = getattr(density, name)(u, *arguments)
        width = abs(np.subtract(*density.quantile(np.array([0.25, 0.75]), *arguments)))
        # Where x = mean + sigma z is a small difference, its error is that of z.
        agree(values(density, name, u, arguments), expected, 1e-13, 1e-12 * width)


@pytest.mark.parametrize("name", ["cdf", "survival"])
@pytest.mark.parametrize("density", FAMILIES, ids=lambda density: density.name)
def test_probabilities_agree(density, name, rng):
    u = np.concatenate([EVERYWHERE, rng.random(60), 10.0 ** rng.uniform(-200, 0, 30)])
    for example in examples(density):
        arguments = function_arguments(density, example)
        x = density.quantile(u, *arguments)
        x = np.concatenate([x, [-np.inf, np.inf, -1.0, 0.0, 1e300, -1e300]])
        expected = getattr(density, name)(x, *arguments)
        # erfc and its kin: an error of x is multiplied by x^2 in the tails.
        agree(values(density, name, x, arguments), expected, 1e-12, 1e-300)


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_impossible_arguments_give_nan(case):
    density = case.make(*case.arguments[0]).density
    for arguments in case.impossible:
        for name in ("quantile", "inverse_survival", "cdf", "survival"):
            found = values(density, name, np.array([0.0, 0.3, 1.0]), arguments)
            assert np.isnan(found).all(), (name, arguments)


def test_of_a_dear_function_only_what_is_wanted_is_computed():
    def call(x, parameter):
        del x
        return [wanted(parameter(0) > 1.0, parameter(0))]

    traced = trace(call, (), ())
    for value, expected in ((2.0, 2.0), (1.0, np.nan)):
        (found,) = traced.tape.evaluate(traced.outputs, [value], [], [])
        np.testing.assert_equal(float(found), expected)


def test_a_family_without_a_formula_is_refused():
    with pytest.raises(Untraceable, match="the family 'flat' has no formula"):
        quantile(gf.FlatPrior(), 0.5, (-np.inf, np.inf))
