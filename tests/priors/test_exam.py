"""The exam that every family of priors sits: the product over tests.cases.ALL_PRIORS.

Families without an integral sit what is left of it here, and test_flat.py.
"""

import copy
import pickle
from math import exp, inf, isfinite, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from graphfit.errors import PriorError
from graphfit.priors import (
    PRIOR_FAMILIES,
    MixturePrior,
    OrderedPrior,
    Prior,
    UniformPrior,
)
from tests.cases import ALL_PRIORS, PROPER_PRIORS, PriorCase

EPS = np.finfo(float).eps

every_family = pytest.mark.parametrize("case", ALL_PRIORS, ids=lambda case: case.name)
every_proper_family = pytest.mark.parametrize(
    "case", PROPER_PRIORS, ids=lambda case: case.name
)


def with_arguments(cases: list[PriorCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("case", "arguments"),
        [
            pytest.param(case, arguments, id=f"{case.name}{arguments}".replace(" ", ""))
            for case in cases
            for arguments in case.arguments
        ],
    )


every_prior = with_arguments(ALL_PRIORS)
every_proper_prior = with_arguments(PROPER_PRIORS)

probabilities = st.one_of(
    st.floats(0.0, 1.0, allow_subnormal=False),
    st.floats(-300.0, 0.0).map(lambda power: 10.0**power),
    st.integers(1, 1000).map(lambda k: 1.0 - k * EPS / 2.0),
)


def scale_of(prior: Prior) -> float:
    """Half the distance between the quartiles."""
    return 0.5 * (prior.value_for(0.75) - prior.value_for(0.25))


def test_the_list_holds_every_family():
    examined = {type(case.make(*case.arguments[0])) for case in ALL_PRIORS}
    assert examined == set(PRIOR_FAMILIES.values())


# --- what a density must do ---------------------------------------------------------


@every_proper_prior
@given(u=probabilities)
def test_cdf_inverts_quantile(case: PriorCase, arguments, u):
    prior = case.make(*arguments)
    x = prior.value_for(u)
    if not isfinite(x):
        return
    lowest = prior.support[0]
    from_limit = x - lowest if isfinite(lowest) else abs(x)
    # x is rounded: its last digit may hold more probability than u itself.
    last_digits = 2 * np.spacing(abs(x)) + 1e-12 * from_limit
    density = exp(min(prior.log_density_at(x), 700.0))
    around = prior.unit_for(x + last_digits) - prior.unit_for(x - last_digits)
    allowed = 1e-10 * u + max(density * last_digits, around) + 1e-307
    assert abs(prior.unit_for(x) - u) <= allowed


@every_proper_prior
@given(u=probabilities, v=probabilities)
def test_quantile_is_monotone(case: PriorCase, arguments, u, v):
    prior = case.make(*arguments)
    low, high = prior.value_for(min(u, v)), prior.value_for(max(u, v))
    rounding = 4 * EPS * (abs(low) + scale_of(prior)) if isfinite(low) else 0.0
    # The largest terms of incomplete functions leave a few more digits undone.
    assert low <= high + rounding + 1e-12 * (abs(low) if isfinite(low) else 0.0)


def unfolded(prior: Prior, low: float, high: float):
    """A variable y in which the density is smooth: (x(y), dx/dy, y range)."""
    lowest, highest = prior.support
    over_decades = high - lowest > 100.0 * (low - lowest)
    if isfinite(lowest) and (over_decades or prior.unit_for(high) <= 0.5):
        return (
            lambda y: lowest + exp(y),
            exp,
            (np.log(low - lowest), np.log(high - lowest)),
        )
    if isfinite(highest) and prior.unit_for(low) >= 0.5:
        return (
            lambda y: highest - exp(-y),
            lambda y: exp(-y),
            (-np.log(highest - low), -np.log(highest - high)),
        )
    middle, scale = prior.median, scale_of(prior)
    return (
        lambda y: middle + scale * np.sinh(y),
        lambda y: scale * np.cosh(y),
        tuple(np.arcsinh((np.array([low, high]) - middle) / scale)),
    )


@every_proper_prior
def test_density_is_normalised(case: PriorCase, arguments):
    """Between quantiles its integral is the difference of u; so all over, it is one."""
    prior = case.make(*arguments)
    steps = np.array([1e-9, 1e-4, 0.01, 0.1, 0.3, 0.5])
    u = np.concatenate([steps, 1.0 - steps[-2::-1]])
    x = prior.value_for(u)
    (lowest, highest), covered = prior.support, 0.0
    for k in range(len(u) - 1):
        low, high = float(x[k]), float(x[k + 1])
        room = min(
            (high - low) / (abs(high) + 1e-307),
            (highest - high) / (abs(high) + 1e-307),
            (low - lowest) / (abs(low) + 1e-307),
        )
        if room < 1e4 * EPS:
            continue  # too few floats lie here
        value, slope, ends = unfolded(prior, low, high)
        part, _ = quad(
            lambda y, x=value, dx=slope: exp(prior.log_density_at(x(y))) * dx(y), *ends
        )
        resolved = 10 * EPS / room
        assert part == pytest.approx(u[k + 1] - u[k], rel=1e-8 + resolved)
        covered += u[k + 1] - u[k]
    assert covered > 0.5


@every_proper_prior
def test_log_density_is_the_slope_of_the_cdf(case: PriorCase, arguments):
    prior = case.make(*arguments)
    for u in (1e-8, 0.01, 0.2, 0.5, 0.8, 0.99):
        step = 1e-6 * min(u, 1.0 - u)
        below, x, above = (prior.value_for(p) for p in (u - step, u, u + step))
        if above - below < 1e5 * EPS * abs(x):
            continue  # too few floats lie here
        resolved = 10 * EPS * abs(x) / (above - below)
        slope = (prior.unit_for(above) - prior.unit_for(below)) / (above - below)
        digits = 4 * EPS * u / (2 * step)
        assert exp(prior.log_density_at(x)) == pytest.approx(
            slope, rel=1e-6 + resolved + digits
        )


@every_proper_prior
def test_agrees_with_scipy(case: PriorCase, arguments):
    """Where scipy itself is exact; tests/kernels has the values for everything."""
    twin = case.twin(*arguments)
    if twin is None:
        pytest.skip("scipy loses digits here")
    prior = case.make(*arguments)
    with np.errstate(all="ignore"):
        u = np.array([1e-6, 1e-3, 0.1, 0.4, 0.5, 0.6, 0.9, 0.999])
        x = np.asarray(prior.value_for(u))
        np.testing.assert_allclose(
            x, twin.ppf(u), rtol=1e-10, atol=1e-10 * scale_of(prior)
        )
        np.testing.assert_allclose(prior.unit_for(x), twin.cdf(x), rtol=1e-8)
        np.testing.assert_allclose(
            prior.log_density_at(x), twin.logpdf(x), rtol=1e-10, atol=1e-10
        )
        survival = prior.density.survival(x, *prior.arguments)
        np.testing.assert_allclose(survival, twin.sf(x), rtol=1e-8)


@every_proper_prior
def test_limits_are_the_support(case: PriorCase, arguments):
    prior = case.make(*arguments)
    lowest, highest = prior.support
    assert prior.value_for(0.0) == lowest
    assert prior.value_for(1.0) == highest
    assert prior.density.inverse_survival(0.0, *prior.arguments) == highest
    assert prior.density.inverse_survival(1.0, *prior.arguments) == lowest
    assert prior.unit_for(lowest) == 0.0
    assert prior.unit_for(highest) == 1.0
    for outside in (np.nextafter(lowest, -inf), np.nextafter(highest, inf)):
        if isfinite(outside):
            assert prior.log_density_at(outside) == -inf
    assert prior.log_density_at(np.nan) == -inf


@every_proper_prior
@given(u=probabilities)
def test_values_stay_in_the_support(case: PriorCase, arguments, u):
    prior = case.make(*arguments)
    lowest, highest = prior.support
    assert lowest <= prior.value_for(u) <= highest


@every_proper_prior
def test_upper_tail_mirrors_the_lower(case: PriorCase, arguments):
    prior = case.make(*arguments)
    density = prior.density
    for p in (0.9, 0.5, 0.25, 0.0625):  # 1 - p is exact
        low = density.quantile(1.0 - p, *prior.arguments)
        high = density.inverse_survival(p, *prior.arguments)
        assert low == pytest.approx(high, rel=1e-12, abs=1e-12 * scale_of(prior))
        total = prior.unit_for(high) + density.survival(high, *prior.arguments)
        assert total == pytest.approx(1.0, rel=1e-13)


# --- how it is called ---------------------------------------------------------------


@every_proper_prior
def test_arrays_are_scalars_one_by_one(case: PriorCase, arguments):
    prior = case.make(*arguments)
    u = np.array([0.0, 1e-300, 1e-9, 0.2, 0.5, 0.75, 1.0 - 1e-9, 1.0])
    x = prior.value_for(u)
    assert x.shape == u.shape
    for function, points in (
        (prior.value_for, u),
        (prior.unit_for, x),
        (prior.log_density_at, x),
    ):
        whole = function(points)
        single = [function(float(point)) for point in points]
        assert all(type(value) is float for value in single)
        np.testing.assert_allclose(whole, single, rtol=4 * EPS, atol=5e-324)


@every_family
def test_arguments_broadcast(case: PriorCase):
    """As the compiler calls it: a column an argument, and samples in the last axis."""
    priors = [case.make(*arguments) for arguments in case.arguments]
    density = priors[0].density
    group = [prior for prior in priors if prior.density is density]
    columns = [
        np.array(column)[:, None]
        for column in zip(*(p.arguments for p in group), strict=True)
    ]
    u = np.array([0.1, 0.5, 0.8])
    x = density.quantile(u, *columns)
    assert x.shape == (len(group), 3)
    for function, points in (
        (density.quantile, np.broadcast_to(u, x.shape)),
        (density.inverse_survival, np.broadcast_to(u, x.shape)),
        (density.cdf, x),
        (density.survival, x),
        (density.log_density, x),
    ):
        together = function(points, *columns)
        apart = [function(points[i], *prior.arguments) for i, prior in enumerate(group)]
        np.testing.assert_allclose(together, apart, rtol=4 * EPS, atol=5e-324)


@every_family
def test_bad_arguments_are_refused(case: PriorCase):
    for arguments in case.impossible:
        with pytest.raises(PriorError, match=r"^\w+Prior: .+\.$"):
            case.make(*arguments)


# --- an object to hold --------------------------------------------------------------


@every_prior
def test_repr_is_a_constructor_call(case: PriorCase, arguments):
    prior = case.make(*arguments)
    again = eval(repr(prior), dict(PRIOR_FAMILIES))
    assert type(again) is type(prior)
    assert again.arguments == prior.arguments
    assert repr(again) == repr(prior)


@every_family
def test_copies_are_the_same_parameter(case: PriorCase):
    prior = case.make(*case.arguments[0])
    assert copy.copy(prior) is prior
    assert copy.deepcopy([prior])[0] is prior


@every_proper_family
def test_pickling_keeps_sharing(case: PriorCase):
    prior = case.make(*case.arguments[0])
    first, second = pickle.loads(pickle.dumps([prior, prior * 2.0]))
    assert second.arguments[0] is first
    assert first is not prior
    assert repr(first) == repr(prior)
    assert first.value_for(0.3) == prior.value_for(0.3)


@every_proper_family
def test_densities_can_travel_to_another_process(case: PriorCase):
    prior = case.make(*case.arguments[0])
    density = pickle.loads(pickle.dumps(prior.density))
    assert density.quantile(0.3, *prior.arguments) == prior.value_for(0.3)


@every_family
def test_a_prior_is_frozen(case: PriorCase):
    prior = case.make(*case.arguments[0])
    with pytest.raises(AttributeError):
        prior.name = "other"


@every_family
def test_equal_priors_are_two_parameters(case: PriorCase):
    one, other = (case.make(*case.arguments[0]) for _ in range(2))
    assert one != other
    assert len({one, other}) == 2
    assert one.density is other.density


@every_proper_family
def test_any_argument_may_be_a_prior(case: PriorCase):
    prior = case.make(*case.arguments[0])
    if isinstance(prior, (MixturePrior, OrderedPrior)):
        pytest.skip("its own tests; `remaining` is a count, a mixture's are lists")
    hyper = UniformPrior(1, 2, name="hyper")
    for i, name in enumerate(prior.argument_names):
        values = list(case.arguments[0])
        if i >= len(values):
            break
        values[i] = hyper
        conditional = case.make(*values)
        assert conditional.is_conditional
        assert dict(conditional.operands())[name] is hyper
        assert f"{name} = {hyper}" in str(conditional)
        with pytest.raises(PriorError, match="depends on other parameters"):
            conditional.value_for(0.5)
        number = case.arguments[0][i]
        known = [number if a is hyper else a for a in conditional.arguments]
        swapped = conditional.with_arguments(known)
        assert type(swapped) is type(prior)
        assert not swapped.is_conditional
        assert not isnan(swapped.value_for(0.5))
