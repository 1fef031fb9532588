"""Components that may be swapped, and those that something tells apart."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.lower import as_graph, lower
from graphfit.compiler.reductions.exchangeable import exchangeable
from graphfit.compiler.unit_cube import UnitCube
from graphfit.search.nested.quadrature import quadrature

X = np.arange(12.0)
DATA = np.exp(-0.5 * (X - 3.0) ** 2) + 2.0 * np.exp(-0.5 * ((X - 8.0) / 1.5) ** 2)


def line(x, amplitude, mean, stddev):
    return amplitude * np.exp(-0.5 * ((x - mean) / stddev) ** 2)


def gaussian(**parameters):
    own = {
        "centre": gf.UniformPrior(0.0, 12.0),
        "normalization": gf.UniformPrior(0.0, 9.0),
        "sigma": gf.UniformPrior(0.5, 4.0),
    }
    return gf.Model(gf.ex.Gaussian, **(own | parameters))


def analysis(data=DATA):
    return gf.ex.Analysis(data=data, noise_map=np.full(12, 0.3))


def plan_of(model, data=None, **settings):
    return exchangeable(lower(as_graph(model, data or analysis())), **settings)


def sorted_names(model, data=None, **settings):
    """The names of the sorted parameters, group by group."""
    program = lower(as_graph(model, data or analysis()))
    plan = exchangeable(program, **settings)
    return [[program.space.names[i] for i in group] for group in plan.groups]


def test_two():
    plan = plan_of(gf.Collection(a=gaussian(), b=gaussian()))
    assert plan.groups == ((0, 3),)
    assert plan.members == (((0, 1, 2), (3, 4, 5)),)
    assert plan.parameters == ("centre",)
    assert plan.components == (("a", "b"),)
    assert plan.reasons == {}


def test_three_beside_another_kind():
    model = gf.Collection(
        gaussian(), gf.ex.Exponential, gaussian(), gf.ex.Exponential, gaussian()
    )
    plan = plan_of(model)
    assert plan.components == (("0", "2", "4"), ("1", "3"))
    assert plan.parameters == ("centre", "centre")
    assert [len(group) for group in plan.groups] == [3, 2]
    single = plan_of(gf.Collection(gaussian(), gf.ex.Exponential, gaussian()))
    assert single.components == (("0", "2"),)
    assert not plan_of(gf.Collection(gaussian(), gf.ex.Exponential)).groups


def test_a_shared_parameter_is_not_swapped():
    sigma = gf.UniformPrior(0.5, 4.0)
    plan = plan_of(gf.Collection(gaussian(sigma=sigma), gaussian(sigma=sigma)))
    assert plan.groups == ((0, 3),)
    assert plan.members == (((0, 1, 2), (2, 3, 4)),)


@pytest.mark.parametrize(
    ("parameters", "sort"),
    [
        (("amplitude", "mean", "stddev"), "mean"),
        (("amplitude", "stddev"), "amplitude"),
        (("stddev",), "stddev"),
    ],
)
def test_a_location_is_sorted_where_there_is_one(parameters, sort):
    fixed = {"amplitude": 1.0, "mean": 5.0, "stddev": 2.0}
    models = [
        gf.Model(line, **fixed | {n: gf.UniformPrior(1.0, 9.0) for n in parameters})
        for _ in range(2)
    ]
    data = gf.ProfileAnalysis(X, DATA, noise_map=0.3)
    assert plan_of(gf.Collection(*models), data).parameters == (sort,)


def test_different_priors():
    other = gaussian(centre=gf.UniformPrior(0.0, 13.0))
    plan = plan_of(gf.Collection(a=gaussian(), b=other))
    assert not plan.groups
    assert plan.reasons == {"a, b": "their priors or fixed values are not equal"}
    # Two of three are alike.
    third = plan_of(gf.Collection(a=gaussian(), b=other, c=gaussian()))
    assert third.components == (("a", "c"),)
    assert not plan_of(gf.Collection(gaussian(sigma=1.0), gaussian(sigma=2.0))).groups


def test_a_relation_between_them():
    first = gaussian()
    second = gaussian(centre=first.centre + 4.0)
    plan = plan_of(gf.Collection(a=first, b=second))
    assert not plan.groups
    assert "a, b" in plan.reasons


def test_relations_within_each():
    def component():
        fwhm = gf.UniformPrior(1.0, 9.0, name="fwhm")
        return gaussian(sigma=fwhm / 2.355)

    plan = plan_of(gf.Collection(component(), component()))
    assert plan.groups == ((0, 3),)
    assert plan.members == (((0, 1, 2), (3, 4, 5)),)


def test_a_location_within_a_relation():
    start = gf.UniformPrior(0.0, 2.0, name="start")

    def component():
        return gf.Model(
            line,
            amplitude=gf.UniformPrior(0.0, 9.0),
            mean=start + gf.UniformPrior(0.0, 9.0, name="shift"),
            stddev=1.0,
        )

    data = gf.ProfileAnalysis(X, DATA, noise_map=0.3)
    assert plan_of(gf.Collection(component(), component()), data).parameters == (
        "shift",
    )


def test_kinds_that_share_a_parameter():
    centre = gf.UniformPrior(0.0, 12.0)
    kinds = [gf.ex.Gaussian, gf.ex.Exponential] * 2
    plan = plan_of(gf.Collection(*[gf.Model(kind, centre=centre) for kind in kinds]))
    assert plan.components == (("0", "2"), ("1", "3"))
    assert plan.parameters == ("normalization", "normalization")


def test_order_by_a_condition():
    model = gf.Collection(a=gaussian(), b=gaussian())
    model.add_assertion(model.a.centre < model.b.centre)
    plan = plan_of(model)
    assert not plan.groups
    assert plan.reasons == {
        "a, b": "the condition (a.centre < b.centre) tells them apart"
    }


def test_conditions_that_are_the_same_for_all():
    model = gf.Collection(a=gaussian(), b=gaussian())
    model.add_assertion(model.a.normalization + model.b.normalization < 12.0)
    model.add_assertion(model.a.sigma < 3.0)
    model.add_assertion(model.b.sigma < 3.0)
    assert sorted_names(model) == [["a.centre", "b.centre"]]


def test_order_by_the_user():
    low, high = gf.ordered_priors(2, gf.UniformPrior(0.0, 12.0))
    model = gf.Collection(a=gaussian(centre=low), b=gaussian(centre=high))
    plan = plan_of(model)
    assert not plan.groups
    assert plan.reasons == {"a, b": "their parameters are in order already"}


class Weighted(gf.Analysis):
    """Not the sum of the components, but the second one doubled."""

    def log_likelihood_function(self, instance):
        model = sum(k * c(X) for k, c in enumerate(instance, start=1))
        return -0.5 * float(((DATA - model) ** 2).sum())


def test_a_likelihood_that_tells_them_apart():
    plan = plan_of(gf.Collection(a=gaussian(), b=gaussian()), Weighted())
    assert not plan.groups
    assert plan.reasons == {"a, b": "the likelihood of factor '0' tells them apart"}


class Failing(Weighted):
    def log_likelihood_function(self, instance):
        if instance.a.sigma > 3.0:
            msg = "too wide"
            raise ValueError(msg)
        model = sum(c(X) for c in instance)
        return -0.5 * float(((DATA - model) ** 2).sum())


def test_a_likelihood_that_fails():
    plan = plan_of(gf.Collection(a=gaussian(), b=gaussian()), Failing())
    assert not plan.groups
    assert list(plan.reasons) == ["a, b"]


class Constant(gf.Analysis):
    def log_likelihood_function(self, instance):
        return -1.0


def test_what_cannot_be_tried():
    model = gf.Collection(a=gaussian(), b=gaussian())
    reasons = plan_of(model, Constant()).reasons
    assert reasons == {"a, b": "the likelihood of factor '0' is the same everywhere"}
    model.add_assertion(model.a.sigma + model.b.sigma < 1.001)
    (reason,) = plan_of(model).reasons.values()
    assert reason.startswith("the prior has too few points")


def joint(second):
    """Two factors with lines of shared centres and widths; the second by a function."""
    lines = [gaussian(), gaussian()]
    own = [
        gaussian(centre=a.centre, sigma=a.sigma, normalization=second()) for a in lines
    ]
    return lines, own


def test_a_joint_graph_with_own_amplitudes():
    lines, own = joint(lambda: gf.UniformPrior(0.0, 5.0))
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.Collection(*lines), analysis()),
        gf.AnalysisFactor(gf.Collection(*reversed(own)), analysis(2.0 * DATA)),
    )
    program = lower(graph)
    plan = exchangeable(program)
    assert len(plan.groups) == 1
    names = [[program.space.names[i] for i in part] for part in plan.members[0]]
    assert [len(part) for part in names] == [4, 4]
    assert plan.parameters == ("centre",)
    assert not set(names[0]) & set(names[1])


def test_a_joint_graph_that_shares_all():
    lines = [gaussian(), gaussian()]
    graph = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(gf.Collection(a=lines[0], b=lines[1]), analysis(data))
            for data in (DATA, 1.1 * DATA)
        ]
    )
    plan = exchangeable(lower(graph))
    assert plan.groups == ((0, 3),)
    assert plan.reasons == {}


def test_a_factor_with_one_of_them_only():
    lines = [gaussian(), gaussian()]
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.Collection(*lines), analysis()),
        gf.AnalysisFactor(lines[0], analysis(), name="blue"),
    )
    plan = exchangeable(lower(graph))
    assert not plan.groups
    (reason,) = plan.reasons.values()
    assert reason == "the likelihood of factor 'blue' tells them apart"


def test_two_factors_of_their_own():
    graph = gf.FactorGraphModel(
        *[
            gf.AnalysisFactor(gf.Collection(gaussian(), gaussian()), analysis(data))
            for data in (DATA, 1.1 * DATA)
        ]
    )
    assert exchangeable(lower(graph)).groups == ((0, 3), (6, 9))


def test_draws_from_one_population():
    mean = gf.UniformPrior(0.0, 12.0)
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=mean, sigma=2.0)
    lines = [gaussian(), gaussian()]
    for item in lines:
        population.add_drawn_variable(item.centre)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.Collection(*lines), analysis()), population
    )
    plan = exchangeable(lower(graph))
    assert plan.parameters == ("normalization",)  # the centres have no plain prior


def test_components_of_components():
    pairs = [gf.Collection(a=gaussian(), b=gaussian()) for _ in range(2)]
    plan = plan_of(gf.Collection(*pairs))
    # The pairs as a whole; what is inside of them stays as it is.
    assert plan.components == (("0", "1"),)
    assert plan.parameters == ("centre",)


def test_held_and_hidden_parameters():
    model = gf.Collection(a=gaussian(), b=gaussian())
    assert plan_of(model, held=(0, 3)).parameters == ("normalization",)
    nothing = plan_of(model, held=range(6))
    assert not nothing.groups
    assert nothing.reasons == {
        "a, b": "no parameter of each is its own, and sampled from a plain prior"
    }
    given = plan_of(model, hidden=(4,))
    assert not given.groups
    assert given.reasons == {"a, b": "some of their parameters are given row by row"}
    shared = gf.FlatPrior()
    model = gf.Collection(gaussian(sigma=shared), gaussian(sigma=shared))
    assert sorted_names(model, hidden=(2,)) == [["0.centre", "1.centre"]]


def test_the_evidence_of_sorted_components():
    def component():
        return gaussian(normalization=2.5, sigma=1.0)

    data = sum(np.exp(-0.5 * (X - mean) ** 2) for mean in (3.0, 8.0))
    model = gf.Collection(component(), component())
    program = lower(as_graph(model, analysis(data)))
    plan = exchangeable(program)
    free = UnitCube(program.space)
    ordered = UnitCube(program.space, ordered=plan.groups)

    def evidence(cube):
        def log_likelihood(unit):
            theta = cube(unit)[1]
            return program.log_likelihood(theta)

        return quadrature(log_likelihood, 2, tolerance=1e-4, grid=3, vectorised=False)

    one, other = evidence(free), evidence(ordered)
    assert abs(one.log_evidence - other.log_evidence) < 2e-4
    means = other.weights @ np.array([ordered(unit)[1] for unit in other.units])
    np.testing.assert_allclose(means, [3.0, 8.0], atol=0.1)
