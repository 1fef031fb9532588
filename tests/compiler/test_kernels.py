"""The kernels of every likelihood: values, gradients, information, rows; masks, padding."""

import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.analysis.pointwise import Pointwise, pointwise_of
from graphfit.compiler import as_graph, lower
from graphfit.compiler.factor_kernel import data_columns
from graphfit.errors import LikelihoodError
from tests.compiler.calls import box, call, difference, differences
from tests.reference.slow_information import information

N = 13
X = np.linspace(0.2, 4.0, N)
NOISE = np.linspace(0.1, 0.3, N)
LIMITS = np.arange(N) % 3 == 1
MASK = np.arange(N) % 4 == 2


def decay(x, a, b):
    return a * np.exp(-b * x) + 0.5


def crossing(x, a, b):
    return a - b * x


DATA = decay(X, 2.0, 0.7) + 0.1 * np.cos(37.0 * X)
COUNTS = np.array([5.0, 3, 4, 2, 0, 1, 2, 0, 0, 1, 0, 0, 1])

SETTINGS = {
    "gaussian": {},
    "mask": {"mask": MASK},
    "limits": {"upper_limits": LIMITS},
    "limits, mask": {"upper_limits": LIMITS, "mask": MASK},
    "jitter": {"jitter": "extra"},
    "jitter alone": {"jitter": "extra", "noise_map": None},
    "jitter, limits": {"jitter": "extra", "upper_limits": LIMITS},
    "jitter alone, limits, mask": {
        "jitter": "extra",
        "noise_map": None,
        "upper_limits": LIMITS,
        "mask": MASK,
    },
    "student": {"likelihood": "student_t", "degrees_of_freedom": 3.5},
    "student, jitter": {
        "likelihood": "student_t",
        "degrees_of_freedom": 3.5,
        "jitter": "extra",
    },
    "student, nu": {"likelihood": "student_t", "degrees_of_freedom": "nu"},
    "student, nu, jitter, mask": {
        "likelihood": "student_t",
        "degrees_of_freedom": "nu",
        "jitter": "extra",
        "mask": MASK,
    },
    "student, nu, jitter alone": {
        "likelihood": "student_t",
        "degrees_of_freedom": "nu",
        "jitter": "extra",
        "noise_map": None,
    },
    "poisson": {"likelihood": "poisson", "noise_map": None},
    "poisson, mask": {"likelihood": "poisson", "noise_map": None, "mask": MASK},
}


def analysis_of(settings, x=X, data=None):
    settings = {"noise_map": NOISE, **settings}
    if data is None:
        data = COUNTS if settings.get("likelihood") == "poisson" else DATA
    return gf.ProfileAnalysis(x, data, **settings)


def model_of(settings, function=decay):
    parts = {"line": gf.Model(function, **box(a=(0.5, 5.0), b=(0.1, 2.0)))}
    if "jitter" in settings:
        parts["extra"] = gf.UniformPrior(0.05, 1.0)
    if settings.get("degrees_of_freedom") == "nu":
        parts["nu"] = gf.UniformPrior(1.0, 20.0)
    return gf.Collection(**parts)


def program_of(settings, function=decay, **more):
    program = lower(
        as_graph(model_of(settings, function), analysis_of(settings, **more))
    )
    (path,) = program.paths
    assert path.way == "compiled", path.reason
    return program, path


def point_of(program, nu=4.5):
    names = program.space.names
    known = {"line.a": 1.8, "line.b": 0.8, "extra": 0.25, "nu": nu}
    return np.array([known[".".join(name.split(".")[-2:])] for name in map(str, names)])


def lower_triangle(matrix):
    return matrix[np.tril_indices(matrix.shape[0])]


def in_order(path, matrix):
    """From the order of the graph to the factor's own."""
    return matrix[np.ix_(path.data.local, path.data.local)]


@pytest.mark.parametrize("name", SETTINGS)
def test_value_and_gradient_are_those_of_the_likelihood(name):
    program, path = program_of(SETTINGS[name])
    (analysis,) = program.analyses.values()
    start = point_of(program)

    def log_likelihood(theta):
        return analysis.log_likelihood_function(program.factor_instances(theta)[0])

    for scale in (1.0, 0.9, 1.3):
        theta = start * scale
        expected = log_likelihood(theta)
        assert program.log_likelihood(theta) == pytest.approx(expected, rel=1e-12)
        slopes = differences(log_likelihood, theta, 3e-3)
        size = np.abs(slopes).max()
        for kind in ("value", "gradient", "normal"):
            value, out = call(path.kernels, path.data, kind, theta)
            assert value + path.data.offset == pytest.approx(expected, rel=1e-12)
            if kind != "value":
                found = out[: theta.size]
                want = slopes[path.data.local]
                np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-9 * size)
        np.testing.assert_allclose(
            program.gradient(theta), slopes, rtol=1e-8, atol=1e-9 * size
        )


@pytest.mark.parametrize("name", SETTINGS)
def test_the_matrix_is_the_sum_over_points(name):
    program, path = program_of(SETTINGS[name])
    record = pointwise_of(next(iter(program.analyses.values())))
    theta = point_of(program)

    def parts(vector):
        instance = program.factor_instances(vector)[0]
        values = {"m": instance(X) if callable(instance) else instance.line(X)}
        extra = 0.0 if record.jitter is None else instance.extra
        noise = np.zeros(N) if record.noise is None else record.noise
        values["v"] = noise**2 + extra**2
        nu = record.degrees_of_freedom
        values["nu"] = np.full(N, instance.nu if isinstance(nu, str) else nu or 0.0)
        return values

    at = parts(theta)
    slopes = {
        key: np.array(
            [
                difference(lambda t, key=key: parts(t)[key], theta, j)
                for j in range(theta.size)
            ]
        )
        for key in at
    }
    expected = information(record, at["m"], at["v"], at["nu"][0], slopes)
    _, out = call(path.kernels, path.data, "normal", theta)
    found = out[theta.size :]
    want = lower_triangle(in_order(path, expected))
    np.testing.assert_allclose(found, want, rtol=3e-7, atol=1e-9 * np.abs(want).max())
    full = np.zeros((theta.size, theta.size))
    full[np.tril_indices(theta.size)] = found
    full = full + np.tril(full, -1).T
    assert np.linalg.eigvalsh(full).min() > -1e-9 * np.trace(full)


@pytest.mark.parametrize("name", ["gaussian", "mask"])
def test_rows_are_whitened_residuals_and_slopes(name):
    program, path = program_of(SETTINGS[name])
    theta = point_of(program)
    used = ~SETTINGS[name].get("mask", np.zeros(N, dtype=bool))
    count, n = used.sum(), path.data.size
    assert n == -(-count // 8) * 8
    value, out = call(path.kernels, path.data, "rows", theta)
    rows = out.reshape(1 + theta.size, n)
    assert not rows[:, count:].any()
    z = (DATA - decay(X, *theta)) / NOISE
    np.testing.assert_allclose(rows[0, :count], z[used], rtol=1e-13, atol=1e-14)
    assert value == pytest.approx(-0.5 * z[used] @ z[used], rel=1e-13)
    slopes = np.array([np.exp(-theta[1] * X), -X * theta[0] * np.exp(-theta[1] * X)])
    want = (slopes / NOISE)[path.data.local][:, used]
    np.testing.assert_allclose(rows[1:, :count], want, rtol=1e-13)
    _, normal = call(path.kernels, path.data, "normal", theta)
    np.testing.assert_allclose(normal[: theta.size], rows[1:] @ rows[0], rtol=1e-12)
    np.testing.assert_allclose(
        normal[theta.size :], lower_triangle(rows[1:] @ rows[1:].T), rtol=1e-12
    )
    _, model = call(path.kernels, path.data, "model", theta)
    np.testing.assert_allclose(model[:count], decay(X, *theta)[used], rtol=1e-14)


def test_rows_need_noise_that_is_known():
    _, path = program_of(SETTINGS["jitter"])
    with pytest.raises(ValueError, match="one channel"):
        path.kernels.address("rows")


@pytest.mark.parametrize("n", range(1, 41))
def test_any_number_of_points(n):
    x = np.linspace(0.0, 3.0, n)
    data = decay(x, 2.0, 0.7) + 0.05 * np.sin(40.0 * x) + 0.05
    settings = {"noise_map": 0.1}
    program, path = program_of(settings, x=x, data=data)
    theta = point_of(program)
    z = (data - decay(x, *theta)) / 0.1
    expected = -0.5 * z @ z - n * math.log(0.1 * math.sqrt(2.0 * math.pi))
    assert program.log_likelihood(theta) == pytest.approx(expected, rel=1e-12)
    _, out = call(path.kernels, path.data, "gradient", theta)
    slopes = np.array([np.exp(-theta[1] * x), -x * theta[0] * np.exp(-theta[1] * x)])
    want = (slopes @ z / 0.1)[path.data.local]
    np.testing.assert_allclose(out, want, rtol=1e-11, atol=1e-10)
    assert path.data.points == n
    assert path.data.size == -(-n // 8) * 8


def test_masked_points_may_hold_anything():
    data, noise, x = DATA.copy(), NOISE.copy(), X.copy()
    data[MASK], noise[MASK], x[MASK] = np.nan, np.nan, np.nan
    settings = {"mask": MASK, "noise_map": noise}
    program, path = program_of(settings, data=data, x=x)
    theta = point_of(program)
    z = ((DATA - decay(X, *theta)) / NOISE)[~MASK]
    value, _ = call(path.kernels, path.data, "value", theta)
    assert value == pytest.approx(-0.5 * z @ z, rel=1e-13)


def test_a_model_that_is_nan_at_masked_points_only():
    def root(x, a, b):
        return a * np.sqrt(x - 1.0) + b

    mask = X < 1.0
    settings = {"mask": mask}
    program, path = program_of(settings, root)
    theta = point_of(program)
    for kind in ("value", "gradient", "normal", "rows"):
        value, out = call(path.kernels, path.data, kind, theta)
        assert math.isfinite(value)
        assert np.isfinite(out).all()
    z = ((DATA - root(np.maximum(X, 1.0), *theta)) / NOISE)[~mask]
    assert value == pytest.approx(-0.5 * z @ z, rel=1e-13)


def test_padding_repeats_a_point_and_no_point_is_no_column():
    def columns(used):
        record = Pointwise(
            inputs=(X,),
            data=DATA,
            noise=NOISE,
            used=used,
            likelihood="gaussian",
            offset=0.0,
        )
        return data_columns(record, ())

    data, weight, x = columns(np.arange(N) < 3)
    assert x.tolist() == [*X[:3], *[X[2]] * 5]
    assert data[3:].tolist() == [DATA[2]] * 5
    assert not weight[3:].any()
    assert [c.size for c in columns(np.zeros(N, dtype=bool))] == [0, 0, 0]


# --- edges of the likelihoods --------------------------------------------------------


def verdicts(program, theta):
    """Of the program, and of the factor's own Python."""
    (analysis,) = program.analyses.values()
    try:
        expected = analysis.log_likelihood_function(program.factor_instances(theta)[0])
    except gf.FitException:
        expected = -math.inf
    return program.log_likelihood(theta), expected


@pytest.mark.parametrize("theta", [(1.0, 2.0), (3.0, 0.75), (4.0, 1.0), (0.6, 0.15)])
def test_counts_under_rates_of_zero_and_below(theta):
    """a - b x is negative, or exactly zero, at some of the points."""
    x = np.arange(5.0)
    for data in ([2.0, 1.0, 0.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0, 1.0], [0.0] * 5):
        settings = {"likelihood": "poisson", "noise_map": None}
        program, path = program_of(settings, crossing, x=x, data=np.array(data))
        found, expected = verdicts(program, np.array(theta))
        assert found == pytest.approx(expected, rel=1e-13)
        value, _ = call(path.kernels, path.data, "value", np.array(theta))
        assert value + path.data.offset == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("jitter alone", "extra", 0.0),
        ("jitter", "extra", 0.0),
        ("jitter", "extra", -0.3),
        ("student, nu", "nu", 0.0),
        ("student, nu", "nu", -1.0),
        ("student, nu", "nu", 1e4),
        ("student, nu", "nu", 1e7),
        ("student, nu", "nu", 9999.0),
        ("gaussian", "line.a", 1e200),
        ("student", "line.a", 1e200),
        ("limits", "line.a", 1e4),
        ("limits", "line.a", -1e4),
        ("gaussian", "line.b", -1e4),
        ("gaussian", "line.b", np.nan),
    ],
)
def test_extreme_values(name, path, value):
    program, _ = program_of(SETTINGS[name])
    theta = point_of(program)
    names = list(map(str, program.space.names))
    theta[next(i for i, full in enumerate(names) if full.endswith(path))] = value
    with np.errstate(all="ignore"):
        if math.isnan(value):
            with pytest.raises(LikelihoodError, match="which is no log-likelihood"):
                program.log_likelihood(theta)
            return
        found, expected = verdicts(program, theta)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("beyond", [1.0, 30.0, 39.9, 40.1, 1e2, 1e3, 1e5, 1e8])
def test_limits_far_below_the_model(beyond):
    """ln Phi(-u) has the slope -(u + 1/u - 2/u^3 ...) and a curvature close to one."""

    def level(x, a, b):
        return a + 0.0 * b * x

    settings = {"upper_limits": np.ones(8, dtype=bool), "noise_map": 1.0}
    _, path = program_of(settings, level, x=np.arange(8.0), data=np.zeros(8))
    _, out = call(path.kernels, path.data, "normal", np.array([beyond, 1.0]))
    a = path.data.local.tolist().index(0)
    if beyond >= 30.0:
        u = beyond
        slope = u + 1.0 / u - 2.0 / u**3 + 10.0 / u**5
        curvature = 1.0 - 1.0 / u**2 + 6.0 / u**4
        assert out[a] == pytest.approx(-8.0 * slope, rel=1e-8)
        size = path.kernels.n_parameters
        diagonal = [0, 2][a] if size == 2 else 0
        assert out[size + diagonal] == pytest.approx(8.0 * curvature, rel=1e-5)
