"""Formulas of factors: relations, fixed values, tuples, collections, shared kernels."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.compiler.explain import explain
from tests.compiler.calls import box, differences

X = np.linspace(0.1, 4.0, 15)


def bell(x, height, centre, width):
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def line(x, slope, offset):
    return slope * x + offset


def pair(x, ends, power=2):
    low, high = ends
    return low + (high - low) * x**power


class Bell:
    def __init__(self, height=1.0, centre=0.0, width=1.0):
        self.height = height
        self.centre = centre
        self.width = width

    @property
    def area(self):
        return self.height * self.width * np.sqrt(2.0 * np.pi)

    def __call__(self, x):
        z = (x - self.centre) / self.width
        return self.area * np.exp(-0.5 * z * z)


def broadening(width, seeing):
    return np.sqrt(width**2 + seeing**2)


def steps(width):
    return float(width) // 1 + 1.0


def data_of(shift=0.0):
    return gf.ProfileAnalysis(X, np.cos(X) + shift, np.full(15, 0.3))


def relations():
    m, c = gf.UniformPrior(0.1, 2.0), gf.UniformPrior(0.2, 1.0)
    return [
        (gf.Model(Bell, height=m, centre=1.0, width=m * i + c), data_of(i))
        for i in range(3)
    ]


def nested_relations():
    w, s = gf.UniformPrior(0.1, 2.0), gf.UniformPrior(0.2, 1.0)
    inner = gf.relation(broadening, w, s)
    return [
        (
            gf.Model(
                bell,
                height=2.0 * w,
                centre=s,
                width=gf.relation(broadening, inner, 0.5 * s),
            ),
            data_of(),
        ),
        (gf.Model(bell, height=w**2, centre=-s, width=abs(inner)), data_of()),
    ]


def tuples():
    low, high = gf.UniformPrior(-1.0, 1.0), gf.UniformPrior(0.0, 2.0)
    return [
        (gf.Model(pair, ends=(low, high)), data_of()),
        (gf.Model(pair, ends=(low, 3.0), power=3), data_of()),
        (gf.Model(pair, ends=(1.0, high * 2.0), power=0.5), data_of()),
    ]


def sums():
    centre = gf.UniformPrior(0.0, 3.0)
    return [
        (
            gf.Collection(
                back=gf.Model(line, slope=0.5, offset=gf.UniformPrior(-1.0, 1.0)),
                peaks=gf.Collection(
                    gf.Model(
                        bell, height=gf.UniformPrior(0.0, 2.0), centre=centre, width=0.4
                    ),
                    gf.Model(Bell, height=1.0, centre=centre + 1.0, width=0.7),
                ),
            ),
            data_of(),
        )
    ]


def shared():
    width = gf.GaussianPrior(1.0, 0.1)
    return [
        (
            gf.Model(Bell, **box(height=(0.5, 2.0)), centre=1.0 + 0.1 * i, width=width),
            data_of(i),
        )
        for i in range(4)
    ]


def unused():
    return [
        (
            gf.Collection(
                one=gf.Model(Bell, **box(height=(0, 1))), other=gf.UniformPrior(0, 1)
            ),
            data_of(),
        )
    ]


def same_twice():
    a = gf.UniformPrior(0.5, 2.0)
    return [(gf.Model(bell, height=a, centre=a, width=a), data_of())]


GRAPHS = [relations, nested_relations, tuples, sums, shared, unused, same_twice]


def program_of(pairs):
    return lower(gf.FactorGraphModel(*[gf.AnalysisFactor(*item) for item in pairs]))


@pytest.mark.parametrize("make", GRAPHS, ids=lambda f: f.__name__)
def test_values_and_gradients_are_those_of_python(make, rng):
    program = program_of(make())
    assert program.is_compiled, [path.reason for path in program.paths]

    def log_likelihood(theta):
        return program.factor_log_likelihoods(theta).sum()

    for _ in range(5):
        theta = program.prior_transform(rng.uniform(0.1, 0.9, program.dimension))
        expected = log_likelihood(theta)
        assert program.log_likelihood(theta) == pytest.approx(expected, rel=1e-12)
        values = program.term_log_likelihoods(theta)
        np.testing.assert_allclose(
            values, program.factor_log_likelihoods(theta), rtol=1e-12
        )
        slopes = differences(
            lambda t: log_likelihood(t) + float(program.log_prior(t)), theta, 1e-3
        )
        np.testing.assert_allclose(
            program.gradient(theta), slopes, rtol=1e-7, atol=1e-8 * np.abs(slopes).max()
        )


def test_a_relation_that_cannot_be_traced():
    width = gf.UniformPrior(0.5, 3.0)
    model = gf.Model(bell, height=1.0, centre=1.0, width=gf.relation(steps, width))
    program = lower(as_graph(model, data_of()))
    (path,) = program.paths
    assert path.way == "python"
    assert "float() or a function of the math module" in path.reason
    theta = np.array([1.2])
    expected = data_of().log_likelihood_function(
        gf.Model(bell, height=1.0, centre=1.0, width=2.0).instance_from_vector([])
    )
    assert program.log_likelihood(theta) == pytest.approx(expected, rel=1e-13)


def test_fifty_factors_that_differ_in_numbers_share_a_kernel(rng):
    slope, offset = gf.UniformPrior(0.0, 2.0), gf.UniformPrior(-1.0, 1.0)
    pairs = [
        (
            gf.Model(
                bell,
                height=1.05 + 0.1 * i,
                centre=slope * (0.37 * i) + offset,
                width=0.5 + 0.01 * i,
            ),
            data_of(0.1 * i),
        )
        for i in range(50)
    ]
    graph = gf.FactorGraphModel(*[gf.AnalysisFactor(*item) for item in pairs])
    found = explain(graph)
    program = lower(graph)
    kernels = {id(path.kernels) for path in program.paths}
    assert found.kernels == len(kernels) == 1
    for _ in range(3):
        theta = program.prior_transform(rng.random(2))
        np.testing.assert_allclose(
            program.term_log_likelihoods(theta),
            program.factor_log_likelihoods(theta),
            rtol=1e-12,
        )


def scaled(x, a, table):
    return a * table + x


def test_captured_arrays_may_differ_between_factors_of_a_kernel():
    a = gf.UniformPrior(0.0, 2.0)
    tables = [np.sin(X), np.cos(X), X**2, np.exp(-X)]

    def make(table):
        def scaled(x, a):
            return a * table + x

        return scaled

    program = program_of([(gf.Model(make(t), a=a), data_of()) for t in tables])
    assert len({id(path.kernels) for path in program.paths}) == 1
    theta = np.array([0.8])
    np.testing.assert_allclose(
        program.term_log_likelihoods(theta),
        program.factor_log_likelihoods(theta),
        rtol=1e-12,
    )


def test_likelihoods_do_not_share_a_kernel():
    a = gf.UniformPrior(0.5, 2.0)
    settings = [
        {"noise_map": 0.3},
        {"noise_map": 0.5},
        {"noise_map": 0.3, "likelihood": "student_t", "degrees_of_freedom": 3.0},
        {"noise_map": 0.3, "likelihood": "student_t", "degrees_of_freedom": 4.0},
        {"noise_map": 0.3, "upper_limits": np.arange(15) > 10},
    ]
    program = program_of(
        [
            (
                gf.Model(bell, height=a, centre=1.0, width=1.0),
                gf.ProfileAnalysis(X, np.cos(X), **each),
            )
            for each in settings
        ]
    )
    assert len({id(path.kernels) for path in program.paths}) == 4
    theta = np.array([0.8])
    np.testing.assert_allclose(
        program.term_log_likelihoods(theta),
        program.factor_log_likelihoods(theta),
        rtol=1e-12,
    )


def test_an_unused_parameter_is_not_of_the_factor():
    program = program_of(unused())
    (path,) = program.paths
    assert path.data.local.tolist() == [
        program.space.names.index(n) for n in program.space.names if "height" in str(n)
    ]
    assert program.gradient(np.array([0.5, 0.5])).shape == (2,)


def test_nothing_free_is_left_to_python():
    fixed = gf.Model(bell, height=1.0, centre=1.0, width=1.0)
    free = gf.Model(bell, **box(height=(0, 2)), centre=1.0, width=1.0)
    program = program_of([(fixed, data_of()), (free, data_of())])
    assert [path.way for path in program.paths] == ["python", "compiled"]
    assert "no free parameter" in program.paths[0].reason
    theta = np.array([0.8])
    assert program.log_likelihood(theta) == pytest.approx(
        program.factor_log_likelihoods(theta).sum(), rel=1e-13
    )
