"""Interpolators against exact truths: lines, scipy's spline, least squares by hand."""

import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import graphfit as gf
from graphfit.errors import ResultError, SettingError, UnknownNameError
from graphfit.result import ModelSamples
from graphfit.result.interpolator import (
    CovarianceInterpolator,
    LinearInterpolator,
    SplineInterpolator,
)
from graphfit.result.model_samples import column_positions
from graphfit.samples import Samples

TIMES = (0.0, 1.0, 2.5, 4.0, 7.0)


def instance(time, *, centre=50.0, normalization=2.0, sigma=3.0):
    """What a fit of `gf.Collection(gaussian=gf.ex.Gaussian, time=time)` returns."""
    model = gf.Collection(gaussian=gf.ex.Gaussian, time=time)
    return model.instance_from_vector([centre, normalization, sigma])


@pytest.fixture
def linear():
    """Instances that are linear in time, in no order."""
    times = np.array(TIMES)[[3, 0, 4, 1, 2]]
    return [instance(t, centre=50 + 2 * t, sigma=5 - 0.25 * t) for t in times]


# --- values ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [LinearInterpolator, SplineInterpolator])
@pytest.mark.parametrize("time", [0.0, 0.5, 1.0, 3.3, 7.0])
def test_data_linear_in_time_are_met_exactly(linear, kind, time):
    interpolator = kind(linear)
    found = interpolator[interpolator.time == time]
    assert found.gaussian.centre == pytest.approx(50 + 2 * time, rel=1e-14)
    assert found.gaussian.sigma == pytest.approx(5 - 0.25 * time, rel=1e-14)
    assert found.gaussian.normalization == 2.0  # to the bit: all have it
    assert found.time == time
    assert isinstance(found, gf.ModelInstance)
    assert isinstance(found.gaussian, gf.ex.Gaussian)


@pytest.mark.parametrize("kind", [LinearInterpolator, SplineInterpolator])
def test_an_instance_that_is_hit_is_met_to_the_bit(kind, rng):
    instances = [instance(t, centre=rng.normal()) for t in TIMES]
    interpolator = kind(instances)
    for given in instances:
        found = interpolator[interpolator.time == given.time]
        assert found.gaussian == given.gaussian


def test_lines_run_between_neighbours():
    interpolator = LinearInterpolator(
        [instance(t, centre=c) for t, c in [(0.0, 0.0), (1.0, 10.0), (3.0, 0.0)]]
    )
    assert interpolator[interpolator.time == 0.25].gaussian.centre == 2.5
    assert interpolator[interpolator.time == 2.0].gaussian.centre == 5.0


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_spline_is_that_of_scipy(count, rng):
    times, centres = np.array(TIMES[:count]), rng.normal(50, 5, count)
    interpolator = SplineInterpolator(
        [instance(t, centre=c) for t, c in zip(times, centres, strict=True)]
    )
    for time in np.linspace(times[0], times[-1], 7):
        found = interpolator[interpolator.time == time].gaussian.centre
        expected = CubicSpline(times, centres)(time)
        assert found == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("count", "degree"), [(2, 1), (3, 2), (4, 3), (5, 3)])
def test_the_spline_has_the_degree_that_the_instances_allow(count, degree):
    instances = [instance(t, centre=(t + 1) ** degree) for t in TIMES[:count]]
    interpolator = SplineInterpolator(instances, extrapolate=True)
    found = interpolator[interpolator.time == 9.0].gaussian.centre
    assert found == pytest.approx(10**degree, rel=1e-12)


def test_extrapolation_goes_on_along_the_last_line(linear):
    interpolator = LinearInterpolator(linear, extrapolate=True)
    assert interpolator[interpolator.time == -1.0].gaussian.centre == 48.0
    assert interpolator[interpolator.time == 9.0].gaussian.centre == 68.0


def test_any_path_orders_the_instances(linear):
    interpolator = LinearInterpolator(linear)
    found = interpolator[interpolator.gaussian.centre == 53.0]
    assert found.time == pytest.approx(1.5)
    assert found.gaussian.centre == 53.0


def test_integers_are_times_too():
    interpolator = LinearInterpolator(
        [instance(1, centre=1.0), instance(3, centre=2.0)]
    )
    found = interpolator[interpolator.time == 2]
    assert (found.time, found.gaussian.centre) == (2, 1.5)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.array(1)[()]])
def test_numpy_numbers_ask_from_both_sides(linear, number):
    interpolator = LinearInterpolator(linear)
    centre = 50 + 2 * float(number)
    assert interpolator[interpolator.time == number].gaussian.centre == centre
    assert interpolator[number == interpolator.time].gaussian.centre == centre


# --- what is rebuilt ---------------------------------------------------------------


class Plain:
    """An ordinary class with something derived, and something set later."""

    def __init__(self, radius, label="a"):
        self.radius = radius
        self.label = label
        self.area = radius**2
        self.time = 0.0


class Hidden:
    """Keeps its argument under another name, in other units."""

    def __init__(self, degrees):
        self.degrees = degrees * 2.0


class Open:
    def __init__(self, **values):
        self.__dict__.update(values)


class Slots:
    __slots__ = ("_value", "time")

    def __init__(self, value):
        self._value = value

    @property
    def value(self):
        return self._value


@dataclass(frozen=True)
class Derived:
    width: float
    time: float
    peak: float = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "peak", 1.0 / self.width)


class Pair(NamedTuple):
    low: float
    high: float


def between(first, second, path, value):
    interpolator = LinearInterpolator([first, second])
    return interpolator[interpolator[path] == value]


def with_time(made, time):
    made.time = time
    return made


def test_a_class_is_rebuilt_by_its_constructor():
    first, second = with_time(Plain(1.0), 1.0), with_time(Plain(3.0), 2.0)
    found = between(first, second, "time", 1.5)
    assert type(found) is Plain
    assert (found.radius, found.time) == (2.0, 1.5)
    assert found.area == 4.0  # of the interpolated radius; a line would give 5
    assert (first.radius, first.time, second.radius) == (1.0, 1.0, 3.0)


def test_a_class_that_changes_its_arguments_is_copied():
    found = between(with_time(Hidden(1.0), 0), with_time(Hidden(2.0), 1), "time", 0.5)
    assert found.degrees == 3.0


def test_a_class_of_any_keywords_is_copied():
    found = between(Open(a=1.0, t=0.0), Open(a=2.0, t=1.0), "t", 0.5)
    assert (type(found), found.a, found.t) == (Open, 1.5, 0.5)


def test_slots_behind_a_property_are_rebuilt():
    found = between(with_time(Slots(1.0), 0), with_time(Slots(2.0), 1), "time", 0.25)
    assert (found.value, found.time) == (1.25, 0.25)


def test_a_dataclass_derives_its_fields_anew():
    found = between(Derived(1.0, 0.0), Derived(4.0, 3.0), "time", 1.0)
    assert (found.width, found.peak) == (2.0, 0.5)


def test_named_tuples_lists_and_dictionaries_are_rebuilt():
    def make(t):
        return Open(pair=Pair(t, 2 * t), many=[t, "x"], table={"k": 3 * t}, t=t)

    found = between(make(1.0), make(2.0), "t", 1.5)
    assert found.pair == Pair(1.5, 3.0)
    assert found.many == [1.5, "x"]
    assert found.table == {"k": 4.5}
    interpolator = LinearInterpolator([make(1.0), make(2.0)])
    assert interpolator[interpolator.many[0] == 1.25].t == 1.25
    assert interpolator[interpolator.table["k"] == 3.75].t == 1.25


def profile(x, slope, offset):
    return slope * x + offset


def test_profiles_and_arrays_are_rebuilt():
    def make(t):
        line = gf.Model(profile, slope=gf.UniformPrior(0, 9), offset=1.0)
        weights = gf.Array((2, 2), gf.UniformPrior(0, 9))
        model = gf.Collection(line=line, weights=weights, t=t)
        return model.instance_from_vector([t, t, 2 * t, 3 * t, 4 * t])

    found = between(make(1.0), make(2.0), "t", 1.5)
    assert isinstance(found.line, gf.ProfileInstance)
    assert found.line(2.0) == 4.0
    np.testing.assert_array_equal(found.weights, [[1.5, 3.0], [4.5, 6.0]])


def test_children_by_position_are_reached_by_position():
    def make(t):
        model = gf.Collection(gf.Collection(time=t), gf.ex.Gaussian)
        return model.instance_from_vector([10 * t, 1.0, 1.0])

    interpolator = LinearInterpolator([make(1), make(2)])
    found = interpolator[interpolator[0].time == 1.5]
    assert (found[0].time, found[1].centre) == (1.5, 15.0)


def test_what_is_no_float_is_that_of_the_nearest():
    def make(t, kind, count):
        return Open(t=t, kind=kind, count=count, flag=True, none=None)

    interpolator = LinearInterpolator([make(0.0, "a", 1), make(1.0, "b", 2)])
    early, late = (interpolator[interpolator.t == t] for t in (0.4, 0.6))
    assert (early.kind, early.count, early.flag, early.none) == ("a", 1, True, None)
    assert (late.kind, late.count) == ("b", 2)


def test_references_in_a_circle_end():
    def make(t):
        made = Open(t=t, value=2 * t)
        made.itself = made
        return made

    assert between(make(1.0), make(2.0), "t", 1.5).value == 3.0


def test_a_selector_can_be_copied(linear):
    selector = LinearInterpolator(linear).gaussian
    assert copy.copy(selector).centre == 53.0


# --- by covariance -----------------------------------------------------------------


def samples_of(model, mean, covariance):
    """Return samples with exactly these moments: 2 D points, weights all alike."""
    dimension = len(mean)
    # np.cov divides by (S - 1) / S for equal weights.
    points = np.linalg.cholesky(covariance).T * np.sqrt(dimension - 0.5)
    values = np.concatenate([mean + points, mean - points])
    count = len(values)
    record = Samples(
        kind="mcmc",
        parameter_names=model.parameter_names,
        values=values,
        log_likelihood=np.arange(count, dtype=float),
        log_prior=np.zeros(count),
        log_weights=np.full(count, -np.log(count)),
    )
    return ModelSamples(record, model, column_positions(model))


def random_covariance(rng, scale):
    factor = rng.normal(size=(scale.size, scale.size + 2)) * scale[:, None]
    return factor @ factor.T


@pytest.fixture
def fits(rng):
    """Samples of five fits whose parameters have very different scales."""
    scale = np.array([1.0, 1e-5, 1e4])
    found = []
    for time in TIMES:
        model = gf.Collection(gaussian=gf.ex.Gaussian, time=time)
        mean = scale * (np.array([50.0, 3.0, 8.0]) + rng.normal(0, 0.3, 3) + time)
        covariance = random_covariance(rng, 0.1 * scale)
        found.append(samples_of(model, mean, covariance))
    return found


def by_hand(fits, at, degree):
    """Least squares with the full block covariance, as one dense system."""
    means = np.concatenate([s.values.mean(axis=0) for s in fits])
    size = means.size
    block = np.zeros((size, size))
    for k, s in enumerate(fits):
        block[3 * k : 3 * k + 3, 3 * k : 3 * k + 3] = s.covariance_matrix
    design = np.concatenate(
        [np.kron([t**j for j in range(degree + 1)], np.eye(3)) for t in TIMES]
    )
    unit = np.sqrt(np.diag(block))  # the system in units of each parameter's error
    root = np.linalg.cholesky(block / np.outer(unit, unit))
    system = np.linalg.solve(root, design / unit[:, None])
    column = np.linalg.norm(system, axis=0)
    target = np.linalg.solve(root, means / unit)
    solution = np.linalg.lstsq(system / column, target, rcond=None)[0] / column
    normal = np.linalg.inv((system / column).T @ (system / column))
    basis = np.kron([at**j for j in range(degree + 1)], np.eye(3))
    errors = np.sqrt(np.diag(basis / column @ normal @ (basis / column).T))
    return basis @ solution, errors


@pytest.mark.parametrize("degree", [1, 2, 4])
@pytest.mark.parametrize("at", [0.0, 3.1, 12.0])
def test_generalised_least_squares_by_hand(fits, degree, at):
    interpolator = CovarianceInterpolator(fits, degree=degree)
    query = interpolator.time == at
    found, errors = interpolator[query], interpolator.errors(query)
    names = ("centre", "normalization", "sigma")
    expected, expected_errors = by_hand(fits, at, degree)
    # The reference's normal equations lose twice the digits of degree 4's condition.
    np.testing.assert_allclose(
        [getattr(found.gaussian, n) for n in names], expected, rtol=1e-8
    )
    np.testing.assert_allclose(
        [getattr(errors.gaussian, n) for n in names], expected_errors, rtol=1e-6
    )
    assert found.time == at


def test_a_line_is_met_exactly_whatever_the_covariances(rng):
    def fit(time):
        model = gf.Collection(gaussian=gf.ex.Gaussian, time=time)
        mean = np.array([50.0 + time, 3.0, 8.0 - 0.5 * time])
        return samples_of(model, mean, random_covariance(rng, np.full(3, 0.1)))

    interpolator = CovarianceInterpolator([fit(t) for t in TIMES])
    found = interpolator[interpolator.time == 2.2].gaussian
    values = (found.centre, found.normalization, found.sigma)
    np.testing.assert_allclose(values, (52.2, 3.0, 6.9), rtol=1e-12)


def test_the_error_of_a_mean_of_equal_fits():
    """Two fits of error s: s / sqrt(2) half-way, s at either, s sqrt(5) beyond."""

    def fit(time):
        model = gf.Collection(x=gf.UniformPrior(0, 9), time=time)
        return samples_of(model, np.array([4.0]), np.array([[0.09]]))

    interpolator = CovarianceInterpolator([fit(0), fit(2)])
    for time, factor in [(0, 1.0), (1, np.sqrt(0.5)), (2, 1.0), (4, np.sqrt(5))]:
        assert interpolator.errors(time).x == pytest.approx(0.3 * factor, rel=1e-12)


def test_relations_and_fixed_numbers_follow():
    """A width that grows as slope x time, with the time inside each fit's relation."""
    slope = gf.UniformPrior(0, 10, name="slope")

    def fit(time):
        gaussian = gf.Model(gf.ex.Gaussian, normalization=1.0, sigma=slope * time)
        model = gf.Collection(gaussian=gaussian, time=time, exposure=10 * time)
        return samples_of(model, np.array([20.0, 1.5]), np.diag([0.1, 0.2]) ** 2)

    interpolator = CovarianceInterpolator([fit(t) for t in (1.0, 2.0, 4.0)])
    found = interpolator[interpolator.time == 3.0]
    assert found.gaussian.sigma == pytest.approx(4.5, rel=1e-12)
    assert found.exposure == pytest.approx(30.0, rel=1e-12)
    assert interpolator.errors(3.0).gaussian.sigma is None  # no free parameter


class Normal(gf.Analysis):
    """Measurements of one number with known error."""

    def __init__(self, data, sigma):
        self.data = np.asarray(data, dtype=float)
        self.sigma = float(sigma)

    def log_likelihood_function(self, instance):
        residual = (self.data - instance.x) / self.sigma
        return -0.5 * float(residual @ residual)


def test_results_of_fits_are_taken(rng):
    truth = {0.0: 3.0, 1.0: 4.0, 2.0: 5.0}
    results = []
    for time, value in truth.items():
        model = gf.Collection(x=gf.UniformPrior(0, 10), time=time)
        analysis = Normal(rng.normal(value, 0.2, 20), 0.2)
        search = gf.DynestyStatic(nlive=50, seed=1)
        results.append(search.fit(model=model, analysis=analysis))
    interpolator = CovarianceInterpolator(results)
    query = interpolator.time == 1.5
    means = [result.analysis.data.mean() for result in results]
    errors = np.full(3, 0.2 / np.sqrt(20))
    weights = np.polyfit([0, 1, 2], means, 1, w=1 / errors)
    # Nested samples of 50 live points give a mean to about a fifth of its error.
    assert interpolator[query].x == pytest.approx(np.polyval(weights, 1.5), abs=0.03)
    assert interpolator.errors(query).x == pytest.approx(
        errors[0] * np.sqrt(1 / 3 + 0.25 / 2), rel=0.3
    )


# --- errors ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [LinearInterpolator, SplineInterpolator])
def test_one_instance_is_too_few(kind):
    with pytest.raises(ResultError, match=rf"{kind.__name__} needs two .*Instance'\]"):
        kind([instance(0.0)])


def test_results_are_no_instances(fits):
    with pytest.raises(ResultError, match=r"result\.instance.*ModelSamples"):
        LinearInterpolator(fits)


def test_equal_times_are_refused():
    interpolator = LinearInterpolator([instance(t) for t in (0.0, 1.0, 0)])
    with pytest.raises(ResultError, match="Instances 0 and 2 both have time = 0; give"):
        interpolator[interpolator.time == 0.5]


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda i: i.tine, "The instances have no 'tine'. Did you mean 'time'?"),
        (lambda i: i["tine"], "The instances have no 'tine'. Did you mean 'time'?"),
        (lambda i: i[5], "The instances have no '5'. Known: gaussian, time."),
        (
            lambda i: i.gaussian.center,
            "gaussian of the instances has no 'center'. Did you mean 'centre'?",
        ),
        (lambda i: i.time.hour, "time of the instances has no 'hour'."),
    ],
)
def test_a_path_that_does_not_exist(linear, ask, text):
    with pytest.raises(UnknownNameError) as caught:
        ask(LinearInterpolator(linear))
    assert str(caught.value) == text


@pytest.mark.parametrize("kind", [LinearInterpolator, SplineInterpolator])
@pytest.mark.parametrize("time", [-0.1, 7.1])
def test_a_query_outside_the_range(linear, kind, time):
    interpolator = kind(linear)
    with pytest.raises(
        ResultError, match=rf"time = {time} .* \[0, 7\].*extrapolate=True"
    ):
        interpolator[interpolator.time == time]


@pytest.mark.parametrize("value", ["1", None, np.nan, np.inf, True, [1.0]])
def test_a_query_for_no_number(linear, value):
    interpolator = LinearInterpolator(linear)
    with pytest.raises(ResultError, match=r"time == .*ask for one finite number"):
        interpolator.time == value  # noqa: B015


def test_a_path_to_no_number(linear):
    interpolator = LinearInterpolator(linear)
    with pytest.raises(ResultError, match="gaussian of instance 0 is no finite number"):
        interpolator[interpolator.gaussian == 1.0]


def test_instances_of_several_models(linear):
    other = gf.Collection(gaussian=gf.ex.Exponential, time=9.0)
    interpolator = LinearInterpolator([*linear, other.instance_from_prior_medians()])
    with pytest.raises(ResultError, match="several models: they differ at gaussian"):
        interpolator[interpolator.time == 1.0]


def test_numbers_that_are_not_finite():
    interpolator = LinearInterpolator([instance(0.0), instance(1.0, centre=np.inf)])
    with pytest.raises(
        ResultError, match=r"gaussian\.centre differs and is not finite"
    ):
        interpolator[interpolator.time == 0.5]


@pytest.mark.parametrize("degree", [0, 1.0, True, "1"])
def test_a_degree_is_a_whole_number(fits, degree):
    with pytest.raises(SettingError, match=f"degree={degree!r}.*integer >= 1"):
        CovarianceInterpolator(fits, degree=degree)


def test_too_few_fits_for_the_degree(fits):
    with pytest.raises(
        ResultError, match=r"degree=5\) needs 6 results of fits or more"
    ):
        CovarianceInterpolator(fits, degree=5)


def test_instances_are_no_results(linear):
    with pytest.raises(ResultError, match=r"results of fits or more, got .'ModelInst"):
        CovarianceInterpolator(linear)


def test_fits_of_several_models(fits):
    model = gf.Collection(gaussian=gf.Model(gf.ex.Gaussian, sigma=1.0), time=9.0)
    other = samples_of(model, np.array([1.0, 2.0]), np.eye(2))
    with pytest.raises(ResultError, match=r"fit 5 has parameters .*, the first has"):
        CovarianceInterpolator([*fits, other])


def test_a_fitted_path_is_refused(fits):
    interpolator = CovarianceInterpolator(fits)
    with pytest.raises(ResultError, match=r"gaussian\.centre is fitted itself"):
        interpolator[interpolator.gaussian.centre == 50.0]


def test_a_singular_covariance_is_named(fits):
    model = gf.Collection(gaussian=gf.ex.Gaussian, time=9.0)
    flat = samples_of(model, np.ones(3), np.eye(3))
    flat.record.values[:, 0] = 1.0
    interpolator = CovarianceInterpolator([*fits, flat])
    with pytest.raises(ResultError, match="covariance matrix of fit 5 is singular"):
        interpolator[interpolator.time == 1.0]


def test_an_optimum_has_no_covariance():
    model = gf.Collection(x=gf.UniformPrior(0, 10), time=0.0)
    result = gf.LBFGS(seed=1).fit(model=model, analysis=Normal([3.0], 1.0))
    with pytest.raises(ResultError, match="no covariance"):
        CovarianceInterpolator([result, result])
