"""The functions of each family against 60-digit values and textbook formulas."""

import csv
from math import exp, inf, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.kernels.truncated_gaussian import hazard_integral, hazard_step
from tests.cases import ALL_PRIORS, PROPER_PRIORS, PriorCase
from tests.reference.slow_densities import SLOW_DENSITIES

EPS = np.finfo(float).eps
VALUES = Path(__file__).parents[1] / "reference" / "distribution_values.csv"
FAMILIES = {case.name: case for case in ALL_PRIORS}

every_family = pytest.mark.parametrize("case", ALL_PRIORS, ids=lambda case: case.name)
every_proper_family = pytest.mark.parametrize(
    "case", PROPER_PRIORS, ids=lambda case: case.name
)


def read_values() -> dict[str, list[dict[str, str]]]:
    grouped: dict[str, list[dict[str, str]]] = {}
    with VALUES.open(newline="") as file:
        for row in csv.DictReader(file):
            grouped.setdefault(row["case"], []).append(row)
    return grouped


REFERENCE = read_values()


def test_the_reference_holds_every_case():
    named = {
        " ".join([case.name, *map(str, arguments)])
        for case in PROPER_PRIORS
        for arguments in case.arguments
    }
    assert named == set(REFERENCE), (
        "run python -m tests.reference.make_distribution_values"
    )


@pytest.mark.parametrize("label", REFERENCE)
def test_against_mpmath(label):
    """1e-12, beside what a last-digit change of x makes of the probability."""
    name, *numbers = label.split()
    prior = FAMILIES[name].make(*map(float, numbers))
    density, arguments = prior.density, prior.arguments
    spread = density.quantile(0.75, *arguments) - density.quantile(0.25, *arguments)
    for row in REFERENCE[label]:
        p, x = float(row["p"]), float(row["x"])
        is_lower = row["side"] == "lower"
        inverse = density.quantile if is_lower else density.inverse_survival
        found = inverse(p, *arguments)
        assert found == pytest.approx(x, rel=1e-12, abs=2 * EPS * spread), row
        if not row["cdf"]:  # x is a limit, or beyond what a float can hold
            continue
        log_density = float(row["log_density"])
        assert density.log_density(x, *arguments) == pytest.approx(
            log_density, rel=1e-12, abs=1e-12
        ), row
        for function, truth in (
            (density.cdf, float(row["cdf"])),
            (density.survival, float(row["survival"])),
        ):
            last_digit = 2 * EPS * abs(x) * exp(min(log_density, 700))
            allowed = 1e-12 * truth + last_digit + 1e-307
            assert abs(function(x, *arguments) - truth) <= allowed, (row, function)


# Arguments, and u, for which the textbook's formula keeps its digits.
MILD = {
    "uniform": ((-1.0, 3.0),),
    "log_uniform": ((0.1, 50.0),),
    "gaussian": ((1.0, 2.0),),
    "truncated_gaussian": ((1.0, 2.0, -1.0, 4.0), (1.0, 2.0, 2.0, inf)),
    "log_gaussian": ((0.5, 0.7),),
    "truncated_log_gaussian": ((0.5, 0.7, 1.0, 3.0),),
    "half_gaussian": ((2.0,),),
    "half_cauchy": ((2.0,),),
    "student_t": ((4.0, 1.0, 2.0), (0.7, 0.0, 1.0), (80.0, 0.0, 1.0)),
    "beta": ((2.5, 1.5, -1.0, 4.0), (0.5, 3.0, 0.0, 1.0)),
    "gamma": ((2.5, 1.5), (0.5, 3.0)),
    "exponential": ((2.0,),),
    "inverse_gamma": ((2.5, 1.5),),
    "ordered_uniform": ((3.0, -1.0, 4.0),),
    "ordered_exponential": ((0.5, 3.0, 2.0),),
    "mixture_gaussian": ((0.65, 0.0, 1.0, 10.0, 1.0), (0.3, 0.0, 1.0, 0.5, 3.0)),
    "mixture_gamma": ((0.3, 2.0, 3.0, 5.0, 1.0),),
    "mixture_uniform": ((0.5, 0.0, 2.0, 1.0, 3.0),),
}


@every_proper_family
@given(u=st.floats(0.001, 0.999))
def test_against_the_textbook(case: PriorCase, u):
    for arguments in MILD[case.name]:
        prior = case.make(*arguments)
        x = prior.value_for(u)
        slow = SLOW_DENSITIES[case.name](x, *arguments)
        assert exp(prior.log_density_at(x)) == pytest.approx(slow, rel=1e-11)


@given(start=st.floats(0.0, 1e6), step=st.floats(0.0, 40.0), forward=st.booleans())
def test_hazard_step_inverts_the_hazard_integral(start, step, forward):
    sign = 1.0 if forward else -1.0
    step = step if forward else min(step, start)
    target = hazard_integral(np.float64(start), np.float64(sign * step))
    if target > 1e-290:
        found = hazard_step(np.float64(start), sign, target)
        assert found == pytest.approx(step, rel=1e-13)


# --- arguments that make no density ------------------------------------------------


@every_family
def test_impossible_arguments_are_quiet(case: PriorCase):
    """A relation can give them: no error, no warning (warnings are errors here)."""
    prior = case.make(*case.arguments[0])
    density = prior.density
    count = len(prior.arguments)
    for given_arguments in case.impossible:
        arguments = as_density_arguments(case, given_arguments)[:count]
        for p in (0.0, 1e-300, 0.3, 1.0 - EPS, 1.0):
            assert np.isnan(density.quantile(p, *arguments)), (arguments, p)
            assert np.isnan(density.inverse_survival(p, *arguments)), (arguments, p)
        for x in (-inf, -1.0, 0.0, 0.5, 1.0, 2.0, inf, nan):
            assert density.log_density(x, *arguments) == -inf, (arguments, x)
            assert np.isnan(density.cdf(x, *arguments)), (arguments, x)
            assert np.isnan(density.survival(x, *arguments)), (arguments, x)


def as_density_arguments(case: PriorCase, arguments: tuple[float, ...]):
    """The order in which the density takes what the case's function takes."""
    if case.name == "ordered_uniform":
        return (-inf, *arguments)
    if case.name.startswith("mixture"):
        weight, *others = arguments
        return (weight, 1.0 - weight, *others)
    return arguments


@every_proper_family
def test_impossible_entries_leave_the_others_alone(case: PriorCase):
    good = case.make(*case.arguments[0])
    density = good.density
    bad = as_density_arguments(case, case.impossible[0])
    columns = np.array([good.arguments, bad[: len(good.arguments)], good.arguments]).T
    values = density.quantile(np.full(3, 0.3), *columns)
    assert np.isnan(values).tolist() == [False, True, False]
    assert values[0] == values[2] == pytest.approx(good.value_for(0.3), rel=1e-15)


@every_proper_family
def test_extreme_values_are_quiet(case: PriorCase):
    for arguments in case.arguments:
        prior = case.make(*arguments)
        density = prior.density
        for x in (-inf, -1e308, -1.0, -0.0, 0.0, 5e-324, 1.0, 1e308, inf):
            lower = density.cdf(x, *prior.arguments)
            upper = density.survival(x, *prior.arguments)
            assert lower + upper == pytest.approx(1.0, rel=1e-12), (arguments, x)
            assert 0.0 <= lower <= 1.0, (arguments, x)
            assert 0.0 <= upper <= 1.0, (arguments, x)
            assert not np.isnan(density.log_density(x, *prior.arguments))
        for p in (0.0, 5e-324, 1e-308, 0.5, 1.0 - EPS / 2, 1.0):
            assert not np.isnan(density.quantile(p, *prior.arguments)), (arguments, p)
            assert not np.isnan(density.inverse_survival(p, *prior.arguments))


# --- places where a library's function loses digits ---------------------------------


@pytest.mark.parametrize("x", [1e-300, 1e-12, 1.6e-10, 1e-5, 1.0, 40.0])
def test_student_t_of_one_degree_is_cauchy(x):
    density = FAMILIES["student_t"].make(1.0, 0.0, 1.0).density
    away = np.arctan(x) / np.pi
    for value, truth in ((x, 0.5 + away), (-x, 0.5 - away)):
        assert density.cdf(value, 1.0, 0.0, 1.0) == pytest.approx(truth, rel=1e-13)
        assert density.survival(-value, 1.0, 0.0, 1.0) == pytest.approx(
            truth, rel=1e-13
        )


def test_student_t_where_squares_overflow():
    prior = FAMILIES["student_t"].make(0.3, 0.0, 1.0)
    for u in (1e-50, 1e-90, 1.2e-93):
        x = prior.value_for(u)
        assert x < -1e154
        assert prior.unit_for(x) == pytest.approx(u, rel=1e-12)


@pytest.mark.parametrize("rest", [1e-40, 1e-20, 1e-10, 1e-5])
def test_beta_next_to_its_limit(rest):
    """The arcsine law, below an upper limit of zero: 1 - F = (2 / pi) asin(sqrt(rest))."""
    density = FAMILIES["beta"].make(0.5, 0.5, -1.0, 0.0).density
    above = 2 / np.pi * np.arcsin(np.sqrt(rest))
    arguments = (0.5, 0.5, -1.0, 0.0)
    assert density.survival(-rest, *arguments) == pytest.approx(above, rel=1e-13)
    assert density.cdf(-rest, *arguments) == pytest.approx(1 - above, rel=1e-15)


def test_truncation_is_exact_next_to_a_limit():
    """x - limit keeps its digits: half of a Gaussian starts as 2 phi(0) x."""
    density = FAMILIES["truncated_gaussian"].make(0.0, 1.0, 0.0, inf).density
    for u in (1e-300, 1e-100, 1e-17):
        x = density.quantile(u, 0.0, 1.0, 0.0, inf)
        assert x == pytest.approx(u * np.sqrt(np.pi / 2), rel=1e-14)
        assert density.cdf(x, 0.0, 1.0, 0.0, inf) == pytest.approx(u, rel=1e-14)
