"""Factors without a formula: by numba, by callback; each against its own Python."""

import ctypes
import math
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import graphfit as gf
from graphfit.analysis.pointwise import pointwise_of
from graphfit.compiler import as_graph, lower
from graphfit.compiler.fallback.likelihood_callback import LikelihoodCallback
from graphfit.compiler.fallback.model_callback import ModelCallback
from graphfit.compiler.paths import FactorPath, disagreeing, factor_paths
from graphfit.errors import LikelihoodError
from graphfit.model.space import ParameterSpace

SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_double, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_void_p
)
X = np.linspace(0.3, 4.0, 13)
TRUTH = np.array([2.0, 0.7])


def paths_of(model, analysis, space=None) -> FactorPath:
    space = ParameterSpace(model) if space is None else space
    (path,) = factor_paths(space, {"0": model}, {"0": analysis})
    return path


def call(kernels, data, kind, local):
    """Return the kernel's value and what it wrote."""
    columns = (ctypes.c_void_p * len(data.columns))(
        *(column.ctypes.data for column in data.columns)
    )
    n, count = data.columns[0].size, kernels.n_parameters
    sizes = {
        "value": 0,
        "gradient": count,
        "normal": count + count * (count + 1) // 2,
        "rows": n * (1 + count),
        "model": n,
    }
    out = np.full(sizes[kind] + 1, 77.0)
    theta = np.ascontiguousarray(local, dtype=np.float64)
    value = SIGNATURE(kernels.address(kind))(
        theta.ctypes.data,
        data.constants.ctypes.data,
        ctypes.addressof(columns),
        n,
        out.ctypes.data,
    )
    assert out[-1] == 77.0  # nothing beyond
    return value, out[:-1]


def slope(function, theta, j, h=1e-2):
    """Return a derivative by differences of the eighth order."""
    scale = h * max(abs(theta[j]), 0.1)
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    total = 0.0
    for k, weight in weights.items():
        moved = theta.copy()
        moved[j] += k * scale
        total = total + weight * function(moved)
        moved[j] -= 2 * k * scale
        total = total - weight * function(moved)
    return total / scale


def gradient(function, theta):
    return np.array([slope(function, theta, j) for j in range(theta.size)])


def check(model, analysis, kernels, data, theta):
    """Compare all kinds of kernels with Python at theta, in the order of the graph."""

    def log_likelihood(vector):
        return analysis.log_likelihood_function(model.instance_from_vector(vector))

    local = theta[data.local]
    for kind in ("value", "gradient", "normal"):
        value, _ = call(kernels, data, kind, local)
        assert value + data.offset == pytest.approx(log_likelihood(theta), rel=1e-11)
    expected = gradient(log_likelihood, theta)[data.local]
    for kind in ("gradient", "normal"):
        _, out = call(kernels, data, kind, local)
        np.testing.assert_allclose(
            out[: expected.size], expected, rtol=1e-6, atol=1e-6 * abs(expected).max()
        )


# --- functions that cannot be written as a formula ---------------------------------


def loop(x, a, b):
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = a * math.exp(-b * x[i])
    return out


def from_the_first(x, a, b):
    out = np.full(x.size, a)
    for i in range(x.size):
        if x[i] > x[0] + b:
            out[i] = a + b * (x[i] - x[0]) ** 2
    return out


def interpolated(x, a, b):
    nodes = np.array([0.0, 1.0, 2.5, 5.0])
    return np.interp(x, nodes, np.array([a, a * b, b * b, 1.0]))


def summed(x, a, b):
    return np.cumsum(a * np.exp(-b * x)) * (x[1] - x[0])


def convolved(x, a, b):
    width = np.exp(-(np.arange(-2.0, 3.0) ** 2) / (2.0 * b**2))
    padded = np.concatenate((np.zeros(2), a * x, np.zeros(2)))
    out = np.zeros(x.size)
    for i in range(x.size):
        for k in range(5):
            out[i] += padded[i + k] * width[k]
    return out / width.sum()


FUNCTIONS = [loop, from_the_first, interpolated, summed, convolved]


def model_of(function, **more) -> gf.Model:
    return gf.Model(
        function, a=gf.UniformPrior(0.0, 5.0), b=gf.UniformPrior(0.1, 3.0), **more
    )


def analysis_of(function, **settings) -> gf.ProfileAnalysis:
    rng = np.random.default_rng(3)
    data = function(X, *TRUTH) + 0.1 * rng.standard_normal(X.size)
    given = {"noise_map": np.linspace(0.1, 0.2, X.size), **settings}
    return gf.ProfileAnalysis(X, data, **given)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_numba_and_callbacks_give_what_python_gives(function):
    model, analysis = model_of(function), analysis_of(function)
    path = paths_of(model, analysis)
    assert path.way == "numba"
    theta = np.array([1.9, 0.8])
    for kernels, data in (path.callable_kernels(), path.callback()):
        check(model, analysis, kernels, data, theta)
        values = function(X, *theta)
        _, found = call(kernels, data, "model", theta[data.local])
        np.testing.assert_allclose(found[: X.size], values, rtol=1e-14)


def test_normal_and_rows_are_those_of_least_squares():
    model, analysis = model_of(loop), analysis_of(loop)
    path, theta = paths_of(model, analysis), np.array([1.9, 0.8])
    w = 1.0 / analysis.noise_map
    slopes = np.array([slope(lambda t: loop(X, *t), theta, j) for j in range(2)]) * w
    for kernels, data in (path.callable_kernels(), path.callback()):
        assert kernels.is_plain
        local = theta[data.local]
        _, normal = call(kernels, data, "normal", local)
        expected = (slopes @ slopes.T)[np.ix_(data.local, data.local)]
        np.testing.assert_allclose(normal[2:], expected[np.tril_indices(2)], rtol=1e-8)
        _, rows = call(kernels, data, "rows", local)
        rows = rows.reshape(3, -1)
        z = (analysis.data - loop(X, *theta)) * w
        np.testing.assert_allclose(rows[0, :13], z, rtol=1e-12)
        np.testing.assert_allclose(rows[1:, :13], slopes[data.local], rtol=1e-7)
        assert not rows[:, 13:].any()


# --- likelihoods -------------------------------------------------------------------

LIKELIHOODS = {
    "mask": {"mask": np.arange(13) % 4 == 1},
    "student_t": {"likelihood": "student_t", "degrees_of_freedom": 3.5},
    "named nu": {"likelihood": "student_t", "degrees_of_freedom": "nu"},
    "jitter": {"jitter": "extra"},
    "jitter alone": {"jitter": "extra", "noise_map": None},
    "both": {"likelihood": "student_t", "degrees_of_freedom": "nu", "jitter": "extra"},
    "limits": {"upper_limits": np.arange(13) % 3 == 0},
    "limits, jitter": {"upper_limits": np.arange(13) % 3 == 0, "jitter": "extra"},
}


def collection(function, settings) -> gf.Collection:
    parts = {"line": model_of(function)}
    if "jitter" in settings:
        parts["extra"] = gf.LogUniformPrior(1e-2, 1.0)
    if settings.get("degrees_of_freedom") == "nu":
        parts["nu"] = gf.UniformPrior(1.0, 20.0)
    return gf.Collection(**parts)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_every_likelihood_by_callback(name):
    settings = LIKELIHOODS[name]
    model, analysis = collection(loop, settings), analysis_of(loop, **settings)
    theta = np.array([1.9, 0.8, 0.3, 6.0])
    theta = theta[[0, 1, *([2] if "jitter" in settings else [])]]
    if settings.get("degrees_of_freedom") == "nu":
        theta = np.append(theta, 6.0)
    space = ParameterSpace(model)
    assert space.dimension == theta.size
    kernels, data = paths_of(model, analysis, space).callback()
    assert isinstance(kernels, ModelCallback)
    check(model, analysis, kernels, data, theta)


@pytest.mark.parametrize("name", ["both", "limits, jitter"])
def test_likelihoods_with_fitted_noise_by_numba(name):
    settings = LIKELIHOODS[name]
    model, analysis = collection(loop, settings), analysis_of(loop, **settings)
    theta = np.array([1.9, 0.8, 0.3, 6.0])[: ParameterSpace(model).dimension]
    path = paths_of(model, analysis)
    assert path.way == "numba"
    check(model, analysis, path.kernels, path.data, theta)


def test_counts():
    def rate(x, a, b):
        return np.cumsum(a + b * np.ones_like(x))

    analysis = gf.ProfileAnalysis(X, np.round(rate(X, 1.9, 0.8)), likelihood="poisson")
    model = model_of(rate)
    path = paths_of(model, analysis)
    for kernels, data in (path.callable_kernels(), path.callback()):
        check(model, analysis, kernels, data, np.array([1.5, 0.7]))


def test_masked_points_are_seen_by_the_model_and_count_for_nothing():
    x, noise = X.copy(), np.full(13, 0.1)
    data = summed(X, *TRUTH)
    mask = np.arange(13) < 3
    data[mask], noise[mask] = np.nan, np.nan
    analysis = gf.ProfileAnalysis(x, data, noise, mask=mask)
    model = model_of(summed)
    path = paths_of(model, analysis)
    for kernels, own in (path.callable_kernels(), path.callback()):
        check(model, analysis, kernels, own, np.array([1.9, 0.8]))


# --- arguments ---------------------------------------------------------------------


def many(x, ab, count, scale=1.0, kind="up"):
    out = np.zeros_like(x)
    for i in range(count):
        out += ab[0] * x**i / (1.0 + ab[1])
    if kind == "up":
        return out * scale
    return -out


def test_tuples_whole_numbers_words_relations_and_sums_by_numba():
    a = gf.UniformPrior(0.5, 5.0)
    model = gf.Collection(
        many=gf.Model(many, ab=(a, gf.UniformPrior(0.0, 1.0)), count=3, scale=2.5),
        inner=gf.Collection(second=gf.Model(loop, a=2.0 * a, b=0.3)),
        number=gf.UniformPrior(0.0, 1.0),
    )
    analysis = analysis_of(loop)
    path = paths_of(model, analysis)
    assert path.way == "numba", path.reason
    assert path.data.local.tolist() == [0, 1]
    theta = np.array([1.2, 0.4, 0.5])
    kernels, data = path.kernels, path.data

    def log_likelihood(vector):
        return analysis.log_likelihood_function(model.instance_from_vector(vector))

    value, out = call(kernels, data, "gradient", theta[:2])
    assert value + data.offset == pytest.approx(log_likelihood(theta), rel=1e-12)
    expected = gradient(log_likelihood, theta)
    np.testing.assert_allclose(out, expected[:2], rtol=1e-7)
    # Python is not asked what depends on what.
    kernels, data = path.callback()
    _, out = call(kernels, data, "gradient", theta)
    np.testing.assert_allclose(out, expected, rtol=1e-7)


def test_two_inputs_by_numba():
    def plane(x, y, a, b):
        return np.cumsum(a * x) + b * y

    x = np.array([X, X[::-1] ** 2])
    data = plane(*x, *TRUTH) + 0.3
    analysis = gf.ProfileAnalysis(x, data, np.full(13, 0.1))
    model = gf.Model(
        plane,
        independent_vars=("x", "y"),
        a=gf.UniformPrior(0.0, 5.0),
        b=gf.UniformPrior(0.0, 5.0),
    )
    path = paths_of(model, analysis)
    assert path.way == "numba", path.reason
    check(model, analysis, path.kernels, path.data, np.array([1.9, 0.8]))


def test_factors_of_one_function_share_a_kernel():
    a = gf.UniformPrior(0.0, 5.0)
    models = {
        "0": gf.Model(loop, a=a, b=0.5),
        "1": gf.Model(loop, a=a, b=0.9),
    }
    analyses = {"0": analysis_of(loop), "1": analysis_of(summed)}
    space = ParameterSpace(gf.Collection(**models))
    first, second = factor_paths(space, models, analyses)
    assert first.kernels is second.kernels
    for path, model, analysis in zip(
        (first, second), models.values(), analyses.values(), strict=True
    ):
        check(model, analysis, path.kernels, path.data, np.array([1.9]))


def test_a_function_that_is_numbas_already():
    compiled = numba.njit(loop)
    model, analysis = model_of(compiled), analysis_of(loop)
    path = paths_of(model, analysis)
    assert path.way == "numba", path.reason
    check(model, analysis, path.kernels, path.data, np.array([1.9, 0.8]))


# --- what goes wrong ---------------------------------------------------------------


def test_a_buffer_used_again():
    buffer = np.empty(13)

    def reused(x, a, b):
        for i in range(13):
            buffer[i] = a * math.exp(-b * x[i])
        return buffer

    model, analysis = model_of(reused), analysis_of(loop)
    path = paths_of(model, analysis)
    assert path.way == "python"
    kernels, data = path.callable_kernels()
    check(model, analysis, kernels, data, np.array([1.9, 0.8]))


def test_a_function_that_writes_into_x_is_left_to_python():
    def careless(x, a, b):
        x[0] = a
        return np.cumsum(x) * b

    analysis = analysis_of(loop)
    path = paths_of(model_of(careless), analysis)
    assert path.way == "python"
    assert "numba cannot compile careless" in path.reason
    kernels, data = path.callable_kernels()
    assert math.isnan(call(kernels, data, "value", [1.0, 1.0])[0])
    assert isinstance(kernels.error, ValueError)
    np.testing.assert_array_equal(analysis.x, X)


def sometimes(x, a, b):
    if b > 1.0:
        raise gf.FitException("too steep")
    if a > 4.0:
        return np.array([x[int(100 * a)]])
    return np.cumsum(a * np.exp(-b * x))


def test_a_function_that_raises_sometimes():
    model, analysis = model_of(sometimes), analysis_of(summed)
    path = paths_of(model, analysis)
    assert path.way == "numba"
    python, data = path.callback()
    for point, error in (([1.0, 2.0], None), ([4.5, 0.5], IndexError)):
        for kernels in (path.kernels, python):
            for kind in ("value", "gradient", "normal"):
                assert math.isnan(call(kernels, data, kind, point)[0])
        assert error is None or isinstance(python.error, error)
        assert error is not None or python.error is None
    python.error = None
    check(model, analysis, python, data, np.array([1.9, 0.8]))
    assert python.error is None
    program = lower(as_graph(model, analysis))
    assert program.log_likelihood(np.array([1.0, 2.0])) == -math.inf
    with pytest.raises(LikelihoodError, match="IndexError"):
        program.log_likelihood(np.array([4.5, 0.5]))


def test_differences_are_taken_on_the_side_that_exists():
    model, analysis = model_of(sometimes), analysis_of(summed)
    path = paths_of(model, analysis)
    edge = np.array([1.9, 1.0])  # fails beyond b = 1

    def log_likelihood(theta):
        z = (analysis.data - summed(X, *theta) / (X[1] - X[0])) / analysis.noise_map
        return -0.5 * float(z @ z)

    expected = gradient(log_likelihood, edge)
    for kernels, data in (path.callable_kernels(), path.callback()):
        _, out = call(kernels, data, "gradient", edge)
        np.testing.assert_allclose(out, expected, rtol=1e-4)


def test_threads():
    model, analysis = model_of(sometimes), analysis_of(summed)
    path = paths_of(model, analysis)
    points = np.random.default_rng(1).uniform(0.2, 1.5, (100, 2))
    for kernels, data in (path.callable_kernels(), path.callback()):

        def found(point, kernels=kernels, data=data):
            value, out = call(kernels, data, "normal", point)
            return [value, *(out if math.isfinite(value) else out * math.nan)]

        expected = [found(point) for point in points]
        assert 10 < np.isnan(expected).any(axis=1).sum() < 90
        with ThreadPoolExecutor(4) as pool:
            np.testing.assert_array_equal(list(pool.map(found, points)), expected)


SCALE = 1.0


def test_a_model_is_compiled_once(monkeypatch):
    def kernels_now():
        def scaled(x, a, b):
            out = np.zeros_like(x)
            for i in range(x.size):
                out[i] = SCALE * a * x[i] ** b
            return out

        path = paths_of(model_of(scaled), analysis_of(loop))
        assert path.way == "numba"
        return path.kernels

    first = kernels_now()
    assert kernels_now() is first
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    assert kernels_now() is not first


def test_one_number_for_all_points_where_the_analysis_takes_it():
    def level(x, a, b):
        return a * math.exp(b) + 0.0 * x[0]

    model = model_of(level)
    analysis = gf.ex.Analysis(data=X, noise_map=np.full(13, 0.5))
    path = paths_of(model, analysis)
    for kernels, data in (path.callable_kernels(), path.callback()):
        check(model, analysis, kernels, data, np.array([1.5, 0.7]))
    path = paths_of(model, analysis_of(loop))
    assert path.way == "python"


class Level:
    """A class whose constructor needs the numbers themselves."""

    def __init__(self, a, b):
        self.level = float(a)
        self.b = b

    def __call__(self, x):
        return self.level * np.exp(-self.b * x)


def test_a_class_runs_as_python_and_the_reasons_say_why():
    model, analysis = model_of(Level), analysis_of(loop)
    path = paths_of(model, analysis)
    assert path.way == "python"
    assert "float() or a function of the math module" in path.reason
    assert "nor is it for numba: Level is no profile function" in path.reason
    kernels, data = path.callable_kernels()
    assert isinstance(kernels, ModelCallback)
    check(model, analysis, kernels, data, np.array([1.9, 0.8]))


class Decay:
    """An object that is called."""

    def __call__(self, x, a, b):
        return float(a) * np.exp(-float(b) * x)


def test_an_object_that_is_called_runs_as_python():
    model, analysis = model_of(Decay()), analysis_of(loop)
    path = paths_of(model, analysis)
    assert path.way == "python"
    assert "is no function but an object that is called" in path.reason
    kernels, data = path.callable_kernels()
    check(model, analysis, kernels, data, np.array([1.9, 0.8]))


def test_noise_that_cannot_be_traced_is_left_to_the_likelihood():
    model = gf.Collection(line=Level)
    model.line.a, model.line.b = gf.UniformPrior(0.1, 5.0), gf.UniformPrior(0.1, 3.0)
    analysis = analysis_of(loop, jitter="line.level")
    kernels, data = paths_of(model, analysis).callable_kernels()
    assert isinstance(kernels, LikelihoodCallback)
    check(model, analysis, kernels, data, np.array([1.9, 0.8]))


def helper(x):
    return np.cumsum(x)


def test_the_reason_of_numba_is_one_line():
    def calling(x, a, b):
        return a * helper(x) * math.exp(b)

    path = paths_of(model_of(calling), analysis_of(loop))
    assert path.way == "python"
    assert "\n" not in path.reason
    assert "helper" in path.reason


class Mistaken(gf.Analysis):
    """Says one thing of its data and does another."""

    def __init__(self, inner):
        self.inner = inner

    def pointwise(self):
        return self.inner.pointwise()

    def log_likelihood_function(self, instance):
        return 2.0 * self.inner.log_likelihood_function(instance)


def test_an_analysis_that_contradicts_itself():
    model, analysis = model_of(Level), Mistaken(analysis_of(loop))
    kernels, data = paths_of(model, analysis).callable_kernels()
    assert math.isnan(call(kernels, data, "value", [1.9, 0.8])[0])
    assert isinstance(kernels.error, LikelihoodError)
    assert "let pointwise() return None" in str(kernels.error)
    path = disagreeing(paths_of(model_of(loop), analysis))
    kernels, data = path.callable_kernels()
    check(model_of(loop), analysis, kernels, data, np.array([1.9, 0.8]))


# --- likelihoods of the user's own -------------------------------------------------


class Own(gf.Analysis):
    """Correlated noise: no sum over points."""

    def __init__(self):
        self.covariance = 0.04 * np.exp(-np.abs(X[:, None] - X[None, :]))
        self.precision = np.linalg.inv(self.covariance)
        self.data = loop(X, *TRUTH)

    def log_likelihood_function(self, instance):
        if instance.b > 2.5:
            raise gf.FitException
        if instance.b < 0.15:
            raise ZeroDivisionError
        residual = self.data - instance(X)
        return -0.5 * float(residual @ self.precision @ residual)

    def data_point_count(self):
        return 13


def test_a_likelihood_of_ones_own_has_differences_of_its_value():
    model, analysis = model_of(loop), Own()
    assert pointwise_of(analysis) is None
    path = paths_of(model, analysis)
    assert path.way == "python"
    kernels, data = path.callable_kernels()
    assert data.points == 13
    theta = np.array([1.9, 0.8])
    check(model, analysis, kernels, data, theta)
    slopes = np.array([slope(lambda t: loop(X, *t), TRUTH, j) for j in range(2)])
    _, out = call(kernels, data, "normal", TRUTH[data.local])
    expected = (slopes @ analysis.precision @ slopes.T)[np.ix_(data.local, data.local)]
    np.testing.assert_allclose(out[2:], expected[np.tril_indices(2)], rtol=1e-4)
    for kind in ("rows", "model"):
        with pytest.raises(KeyError, match="of your own has no kernel"):
            kernels.address(kind)


@pytest.mark.parametrize(
    ("prior", "peak", "sigma"),
    [
        (gf.UniformPrior(600.0, 700.0), 656.28, 1e-4),
        (gf.UniformPrior(-1.0, 1.0), 0.0, 0.1),
        (gf.LogUniformPrior(1e-20, 1e-10), 3e-18, 1e-19),
        (gf.UniformPrior(0.0, 1e6), 3.0, 0.01),
        (gf.FlatPrior(), 0.0, 0.1),
        (gf.FlatPrior(), 1e5, 3.0),
    ],
)
def test_steps_suit_parameters_of_every_size(prior, peak, sigma):
    class Parabola(gf.Analysis):
        def log_likelihood_function(self, instance):
            return -0.5 * ((instance.a - peak) / sigma) ** 2

    model = gf.Collection(a=prior)
    kernels, data = paths_of(model, Parabola()).callable_kernels()
    _, out = call(kernels, data, "normal", [peak])
    assert out[1] == pytest.approx(sigma**-2, rel=1e-4)
    assert abs(out[0]) < 1e-3 / sigma
    _, out = call(kernels, data, "gradient", [peak + sigma])
    assert out[0] == pytest.approx(-1.0 / sigma, rel=1e-4)


def test_errors_of_a_likelihood_are_kept():
    kernels, data = paths_of(model_of(loop), Own()).callable_kernels()
    assert math.isnan(call(kernels, data, "normal", [1.0, 2.8])[0])
    assert kernels.error is None
    assert math.isnan(call(kernels, data, "gradient", [1.0, 0.1])[0])
    assert isinstance(kernels.error, ZeroDivisionError)


def test_an_interrupt_stops_the_calls():
    calls = []

    class Stopped(gf.Analysis):
        def log_likelihood_function(self, instance):
            calls.append(instance)
            raise KeyboardInterrupt

    kernels, data = paths_of(model_of(loop), Stopped()).callable_kernels()
    assert math.isnan(call(kernels, data, "normal", [1.0, 0.5])[0])
    assert math.isnan(call(kernels, data, "value", [1.0, 0.5])[0])
    assert isinstance(kernels.error, KeyboardInterrupt)
    assert len(calls) == 1
