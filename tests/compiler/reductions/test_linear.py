"""Which parameters are found to be linear, why others are not, and their kernels."""

import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import as_graph, lower
from graphfit.compiler.reductions.linear import linear_amplitudes
from tests.compiler.calls import box, call, call_at

X = np.linspace(0.0, 4.0, 13)
Y = 2.0 * np.exp(-0.7 * X) + 0.5
INFINITY = math.inf


def line(x, amplitude, centre, width):
    return amplitude * np.exp(-0.5 * ((x - centre) / width) ** 2)


def two_lines(x, a, b, c, d):
    return line(x, a, 1.0, b) + c * np.exp(-d * x)


def plan_of(model, *, hidden=(), **settings):
    analysis = gf.ProfileAnalysis(X, Y, **{"noise_map": 0.1, **settings})
    program = lower(as_graph(model, analysis))
    return program, linear_amplitudes(program, hidden=hidden)


def names(program, plan):
    return [program.space.names[position] for position in plan.positions]


def test_amplitudes_of_two_lines():
    model = gf.Model(two_lines, **box(a=(0, 9), b=(0.1, 2), c=(-3, 9), d=(0, 2)))
    program, plan = plan_of(model)
    assert names(program, plan) == ["a", "c"]
    assert plan.reasons == dict.fromkeys("bd", "the model is not linear in it")
    assert plan.entries == ((0, 1),)


def test_a_product_counts_once():
    def product(x, a, b, c):
        return a * b * x + c * a

    priors = {name: gf.GaussianPrior(0.0, 1.0) for name in "abc"}
    program, plan = plan_of(gf.Model(product, **priors))
    assert names(program, plan) == ["a"]
    assert plan.reasons == dict.fromkeys("bc", "it multiplies another amplitude")


def test_families_of_priors():
    def sums(x, a, b, c, d, e):
        return a + b * x + c * x**2 + d * np.sqrt(x) + e * np.exp(-x)

    model = gf.Model(
        sums,
        a=gf.GaussianPrior(3.0, 2.0),
        b=gf.GaussianPrior(1.0, 2.0, lower_limit=0.0),
        c=gf.LogUniformPrior(0.1, 10.0),
        d=gf.HalfGaussianPrior(4.0),
        e=gf.GaussianPrior(mean=gf.UniformPrior(0.0, 1.0, name="mu"), sigma=1.0),
    )
    program, plan = plan_of(model)
    assert names(program, plan) == ["a", "b", "d"]
    assert plan.reasons == {
        "c": "its prior is log-uniform",
        "e": "the arguments of its prior are not all numbers",
        "e.mu": "another prior depends on it",
    }
    found = [
        (item.mean, item.sigma, item.lower, item.upper) for item in plan.amplitudes
    ]
    assert found == [
        (3.0, 2.0, -INFINITY, INFINITY),
        (1.0, 2.0, 0.0, INFINITY),
        (0.0, 4.0, 0.0, INFINITY),
    ]
    for item in plan.amplitudes:
        prior = program.space.priors[item.position]
        assert item.log_density == prior.log_density_at(item.reference)


def test_no_more_than_two_with_limits():
    def sums(x, a, b, c, d):
        return a + b * x + c * x**2 + d * np.sqrt(x)

    priors = {**box(a=(0, 1), b=(0, 1), c=(0, 1)), "d": gf.GaussianPrior(0.0, 1.0)}
    program, plan = plan_of(gf.Model(sums, **priors))
    assert names(program, plan) == ["a", "b", "d"]
    assert plan.reasons == {"c": "2 amplitudes with limits are integrated out already"}


def test_what_else_uses_it():
    a, b, c = (gf.UniformPrior(0.0, 2.0) for _ in range(3))
    model = gf.Collection(
        one=gf.Model(line, amplitude=a, centre=1.0, width=0.5),
        two=gf.Model(line, amplitude=b, centre=3.0, width=0.5),
        three=gf.Model(line, amplitude=c, centre=2.0 * a, width=0.5),
    )
    model.add_assertion(b < c)
    _, plan = plan_of(model)
    assert plan.amplitudes == ()
    assert sorted(plan.reasons.values()) == [
        "a condition uses it",
        "a condition uses it",
        "a relation uses it",
    ]


def test_what_no_data_depend_on():
    def flat(x, a, b):
        return a + 0.0 * x

    _, plan = plan_of(gf.Model(flat, **box(a=(0, 1), b=(0, 1))))
    assert plan.positions == (0,)
    assert plan.reasons == {"b": "no factor depends on it"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"likelihood": "poisson", "noise_map": None}, "has Poisson noise"),
        (
            {"likelihood": "student_t", "degrees_of_freedom": 3.0},
            "has Student-t noise",
        ),
        ({"upper_limits": X > 3.0}, "has upper limits"),
        ({"jitter": "extra"}, "fits its noise"),
    ],
)
def test_other_noise(settings, reason):
    parts = {
        "line": gf.Model(line, **box(amplitude=(0.1, 9), centre=(0, 4), width=(1, 2)))
    }
    if "jitter" in settings:
        parts["extra"] = gf.UniformPrior(0.05, 1.0)
    data = {"data": np.ones(13)} if settings.get("likelihood") == "poisson" else {}
    analysis = gf.ProfileAnalysis(
        X, **{"data": Y, "noise_map": 0.1, **settings, **data}
    )
    plan = linear_amplitudes(lower(as_graph(gf.Collection(**parts), analysis)))
    assert plan.amplitudes == ()
    assert set(plan.reasons.values()) == {f"factor '0' {reason}"}
    assert plan.kernels == (None,)


def test_a_factor_of_ones_own():
    class Own(gf.Analysis):
        def log_likelihood_function(self, instance):
            return -0.5 * float(instance(X).sum())

    shared = gf.UniformPrior(0.0, 5.0)
    model = gf.Model(line, amplitude=shared, centre=1.0, width=gf.UniformPrior(1, 2))
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(model, gf.ProfileAnalysis(X, Y, noise_map=0.1)),
        gf.AnalysisFactor(model.copy(), Own(), name="own"),
    )
    plan = linear_amplitudes(lower(graph))
    assert plan.amplitudes == ()
    assert "factor 'own' is not compiled" in plan.reasons.values()


def test_hidden_parameters_are_left_out():
    model = gf.Model(two_lines, **box(a=(0, 9), b=(0.1, 2), c=(-3, 9), d=(0, 2)))
    program, plan = plan_of(model, hidden=[0])
    assert names(program, plan) == ["c"]
    assert "a" not in plan.reasons


def shared_amplitude():
    """Two factors of one formula with a common amplitude, one with its own background."""
    amplitude = gf.UniformPrior(0.0, 9.0)
    width = gf.UniformPrior(0.3, 2.0)
    parts = [
        gf.Model(line, amplitude=amplitude, centre=c, width=width) for c in (1.0, 2.0)
    ]
    background = gf.Model(two_lines, **box(a=(0, 9), b=(0.1, 2), c=(-3, 9), d=(0, 2)))
    background.a = 1.5
    return gf.FactorGraphModel(
        gf.AnalysisFactor(parts[0], gf.ProfileAnalysis(X, Y, noise_map=0.1)),
        gf.AnalysisFactor(background, gf.ProfileAnalysis(X, Y, noise_map=0.2)),
        gf.AnalysisFactor(parts[1], gf.ProfileAnalysis(X, Y, noise_map=0.3)),
    )


def test_kernels_write_derivatives_by_amplitudes_only():
    program = lower(shared_amplitude())
    plan = linear_amplitudes(program)
    assert len(plan.amplitudes) == 2
    assert plan.entries == ((0,), (1,), (0,))
    theta = program.prior_transform(np.full(program.dimension, 0.4))
    for path, partial in zip(program.paths, plan.kernels, strict=True):
        value, full = call(path.kernels, path.data, "normal", theta)
        count = path.kernels.n_parameters
        gradient, information = full[:count], np.zeros((count, count))
        information[np.tril_indices(count)] = full[count:]
        (j,) = partial.wanted
        own = theta[path.data.local]
        found, out = call_at(
            partial.address("normal"), own, path.data.constants, path.data.columns, 2
        )
        assert found == pytest.approx(value, rel=1e-13)
        assert out[0] == pytest.approx(gradient[j], rel=1e-12)
        assert out[1] == pytest.approx(information[j, j], rel=1e-12)
        assert partial.n_parameters == count


def test_factors_without_amplitudes_have_their_own_kernel():
    def curve(x, rate):
        return np.exp(-rate * x)

    model = gf.Model(two_lines, **box(a=(0, 9), b=(0.1, 2), c=(-3, 9), d=(0, 2)))
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(
            gf.Model(curve, rate=model.d), gf.ProfileAnalysis(X, Y, noise_map=0.1)
        ),
        gf.AnalysisFactor(model, gf.ProfileAnalysis(X, Y, noise_map=0.1)),
    )
    program = lower(graph)
    plan = linear_amplitudes(program)
    assert plan.kernels[0] is None
    assert plan.entries[0] == ()
    kernels = program.paths[0].kernels
    assert plan.address(0, kernels) == kernels.address("value")
    assert plan.address(1, program.paths[1].kernels) == plan.kernels[1].address(
        "normal"
    )


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (gf.UniformPrior(-20.0, 20.0), pytest.approx(0.0, abs=1e-6)),
        (gf.UniformPrior(2.0, 20.0), 2.0),
        (gf.UniformPrior(-20.0, -2.0), -2.0),
        (gf.GaussianPrior(1000.0, 1.0), 999.0),
        (gf.GaussianPrior(0.0, 1.0, lower_limit=5.0), 5.0),
        (gf.GaussianPrior(0.0, 1.0, upper_limit=-5.0), -5.0),
        (gf.GaussianPrior(0.0, 1.0, lower_limit=0.0), pytest.approx(0.0, abs=1e-6)),
        (gf.GaussianPrior(0.0, 1.0, upper_limit=0.0), pytest.approx(0.0, abs=1e-6)),
    ],
)
def test_references(prior, expected):
    """Near zero, but not zero, and within the limits."""
    _, plan = plan_of(gf.Model(line, amplitude=prior, centre=1.0, width=0.5))
    (item,) = plan.amplitudes
    assert item.reference == expected
    assert item.reference != 0.0
    assert item.lower <= item.reference <= item.upper
    assert plan.references == {0: item.reference}
