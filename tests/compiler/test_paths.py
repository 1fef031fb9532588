"""Ways of factors and the program: compiled and Python agree, in every kind of graph."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower, machine
from graphfit.errors import LikelihoodError
from tests.exam import ALL_PROBLEMS

X = np.linspace(0.2, 4.0, 15)
SCALE = {"value": 1.0}


def decay(x, a, b):
    return a * np.exp(-b * x)


def rejecting(x, a, b):
    if a > 1.5:
        raise gf.FitException
    return a * np.exp(-b * x)


def failing(x, a, b):
    if a > 1.5:
        raise ZeroDivisionError("too high")
    return a * np.exp(-b * x)


def divided(x, a, b):
    return b / a * x


def rooted(x, a, b):
    return np.sqrt(a - 1.0) * x + b


def scaled(x, a, b):
    return SCALE["value"] * a * x + b


def scattered(x, a, b):
    return a * x + b + np.random.default_rng().normal(0.0, 1e-3, x.size)


def by_type(x, a, b):
    if isinstance(x, np.ndarray):
        return a * x + b
    return a * x - b


def by_length(x, a, b):
    return a * x + b if hasattr(x, "__len__") else a


def one_number(x, a, b):
    return a + b


def longer(x, a, b):
    return np.append(a * x, b)


def model_of(function, **more):
    free = {"a": gf.UniformPrior(0.0, 2.0), "b": gf.UniformPrior(0.0, 2.0), **more}
    return gf.Model(function, **free)


def profile(shift=0.0):
    return gf.ProfileAnalysis(X, np.exp(-X) + shift, noise_map=0.1)


def python_value(program, theta):
    try:
        return math.fsum(program.factor_log_likelihoods(theta))
    except gf.FitException:
        return -math.inf


@pytest.mark.parametrize("problem", ALL_PROBLEMS, ids=lambda p: p.name)
def test_the_program_gives_what_python_gives(problem, rng):
    program = lower(problem.make())
    for _ in range(5):
        theta = program.prior_transform(rng.random(program.dimension))
        found = program.log_likelihood(theta)
        if program.space.allowed(program.space.values(theta)):
            assert found == pytest.approx(python_value(program, theta), rel=1e-12)
        else:
            assert found == -math.inf


@pytest.mark.parametrize(
    ("function", "way", "words"),
    [
        (decay, "compiled", ""),
        (rejecting, "compiled", ""),
        (by_length, "compiled", ""),
        (failing, None, ""),
        (scattered, "python", "gives other values"),
        (by_type, None, ""),
        (one_number, "python", "gives other values"),
        (longer, "python", ""),
    ],
)
def test_ways(function, way, words):
    program = lower(as_graph(model_of(function), profile()))
    (path,) = program.paths
    assert way is None or path.way == way
    assert words in path.reason
    theta = np.array([0.7, 0.4])
    if function not in (scattered, one_number, longer):
        assert program.log_likelihood(theta) == pytest.approx(
            python_value(program, theta), rel=1e-12
        )


def test_what_python_rejects_is_rejected():
    program = lower(as_graph(model_of(rejecting), profile()))
    assert program.is_compiled
    assert program.log_likelihood(np.array([1.6, 0.5])) == -math.inf
    assert math.isfinite(program.log_likelihood(np.array([1.4, 0.5])))


@pytest.mark.parametrize(
    ("function", "theta", "words"),
    [
        (failing, (1.6, 0.5), "raised ZeroDivisionError: too high"),
        (divided, (0.0, 0.5), "raised ZeroDivisionError"),  # infinite for the kernel
        (rooted, (0.5, 0.5), "returned nan, which is no log-likelihood"),
    ],
)
def test_the_errors_are_those_of_python(function, theta, words):
    program = lower(as_graph(model_of(function), profile()))
    with np.errstate(all="ignore"), pytest.raises(LikelihoodError, match=words):
        program.log_likelihood(np.array(theta))


def test_a_global_that_changes_between_fits_is_seen():
    model, analysis, theta = model_of(scaled), profile(), np.array([0.7, 0.4])
    values = []
    try:
        for SCALE["value"] in (1.0, 2.0):
            program = lower(as_graph(model, analysis))
            assert program.is_compiled
            values.append(program.log_likelihood(theta))
            assert values[-1] == pytest.approx(python_value(program, theta), rel=1e-12)
    finally:
        SCALE["value"] = 1.0
    assert values[0] != values[1]


def graph_of(order):
    shared = gf.UniformPrior(0.0, 2.0, name="shared")
    factors = [
        gf.AnalysisFactor(model_of(decay, b=shared), profile(0.1 * i), name=f"f{i}")
        for i in range(12)
    ]
    return gf.FactorGraphModel(*[factors[i] for i in order])


def test_the_order_of_the_factors_changes_no_bit(rng):
    order = rng.permutation(12)
    straight, shuffled = lower(graph_of(range(12))), lower(graph_of(order))
    assert straight.is_compiled
    for _ in range(20):
        own, shared = rng.random(12), rng.random()
        values = {f"f{i}": own[i] for i in range(12)}

        def theta(program, values=values, shared=shared):
            names = [str(name) for name in program.space.names]
            return np.array(
                [values.get(name.split(".", maxsplit=1)[0], shared) for name in names]
            )

        vectors = [theta(program) for program in (straight, shuffled)]
        if sorted(vectors[0]) != sorted(vectors[1]):
            pytest.skip("the shared parameter is named after a factor")
        assert straight.log_likelihood(vectors[0]) == shuffled.log_likelihood(
            vectors[1]
        )


def test_eight_threads_get_the_same_bits(rng):
    program = lower(graph_of(range(12)))
    points = rng.random((400, program.dimension))
    with ThreadPoolExecutor(8) as pool:  # the first call compiles, in any of them
        found = list(pool.map(program.log_likelihood, points))
        slopes = list(pool.map(program.gradient, points))
    assert found == [program.log_likelihood(point) for point in points]
    np.testing.assert_array_equal(slopes, [program.gradient(point) for point in points])


def test_a_program_that_has_compiled_is_pickled():
    program = lower(graph_of(range(3)))
    theta = np.full(program.dimension, 0.6)
    value = program.log_likelihood(theta)
    gradient = program.gradient(theta)
    again = pickle.loads(pickle.dumps(program))
    assert again.log_likelihood(theta) == value
    np.testing.assert_array_equal(again.gradient(theta), gradient)


def test_the_second_program_of_a_graph_compiles_nothing(monkeypatch):
    theta = np.full(13, 0.6)
    first = lower(graph_of(range(12)))
    value, gradient = first.log_likelihood(theta), first.gradient(theta)

    def never(*_, **__):
        raise AssertionError("compiled anew")

    monkeypatch.setattr(machine, "_object_code", never)
    second = lower(graph_of(range(12)))
    assert second.log_likelihood(theta) == value
    np.testing.assert_array_equal(second.gradient(theta), gradient)


def test_a_mixed_graph_is_the_sum_of_its_factors(rng):
    class Own(gf.Analysis):
        def log_likelihood_function(self, instance):
            if instance.a > 1.8:
                raise gf.FitException
            return -instance.a

    shared = gf.UniformPrior(0.0, 2.0)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(model_of(decay, a=shared), profile()),
        gf.AnalysisFactor(model_of(decay, a=shared), Own()),
        gf.AnalysisFactor(model_of(rejecting, a=shared), profile(0.3)),
    )
    program = lower(graph)
    assert [path.way for path in program.paths] == ["compiled", "python", "compiled"]
    assert program.gradient(np.full(program.dimension, 0.5)) is None
    for _ in range(30):
        theta = program.prior_transform(rng.random(program.dimension))
        assert program.log_likelihood(theta) == pytest.approx(
            python_value(program, theta), rel=1e-12
        )
