"""Independent parts of a graph."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import Program
from tests.model.components import Frozen


class Flat(gf.Analysis):
    """Any model; the likelihood is the sum of its numbers."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def log_likelihood_function(self, instance):
        return self.scale * (instance.position + instance.width)


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


def model(position=None, width=None) -> gf.Model:
    return gf.Model(
        Frozen,
        position=free() if position is None else position,
        width=free() if width is None else width,
    )


def graph_of(*models, populations=()) -> gf.FactorGraphModel:
    factors = [gf.AnalysisFactor(m, Flat(i + 1.0)) for i, m in enumerate(models)]
    return gf.FactorGraphModel(*factors, *populations)


def parts(graph) -> list[list[str]]:
    return [list(part.factors) for part in graph.components()]


def test_a_connected_graph_is_its_only_component():
    shared = free()
    graph = graph_of(model(shared), model(shared), model(0.0, shared))
    assert graph.components() == (graph,)


def test_disconnected_factors_come_apart_in_order():
    first, second = free(), free()
    graph = graph_of(model(first), model(second), model(second), model(first), model())
    assert parts(graph) == [["0", "3"], ["1", "2"], ["4"]]
    names = [part.global_prior_model.parameter_names for part in graph.components()]
    assert names[0] == ("position", "0.width", "3.width")


def test_factors_keep_their_names():
    factors = [gf.AnalysisFactor(model(), Flat(), name=name) for name in ("x", "y")]
    assert parts(gf.FactorGraphModel(*factors)) == [["x"], ["y"]]


@pytest.mark.parametrize(
    "join",
    [
        lambda p: (p, 2 * p),
        lambda p: (p + free(), gf.relation(max, p, free())),
        lambda p: (gf.GaussianPrior(p, 1.0), gf.GaussianPrior(0.0, p)),
        lambda p: (gf.GaussianPrior(p, 1.0), p),
        lambda p: (gf.GaussianPrior(gf.GaussianPrior(p, 1.0), 1.0), np.exp(p)),
    ],
    ids=["relation", "functions", "hyper-prior", "one and its prior", "chain"],
)
def test_what_joins_two_factors(join):
    first, second = join(free())
    graph = graph_of(model(first), model(second), model())
    assert parts(graph) == [["0", "1"], ["2"]]


def test_a_condition_joins_two_factors():
    graph = graph_of(model(), model(), model())
    joint = graph.global_prior_model
    joint.add_assertion(joint[0].position < joint[2].width)
    joint.add_assertion(joint[1].position < joint[1].width)
    assert parts(graph) == [["0", "2"], ["1"]]
    kept = [part.global_prior_model.assertions for part in graph.components()]
    assert [len(conditions) for conditions in kept] == [1, 1]
    program = Program(graph.components()[1])
    assert program.log_likelihood(np.array([0.5, 0.4])) == -np.inf
    assert program.log_likelihood(np.array([0.3, 0.4])) == pytest.approx(1.4)


def test_a_population_joins_its_variables():
    models = [model() for _ in range(4)]
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=free(), sigma=free())
    for i in (1, 3):
        population.add_drawn_variable(models[i].position)
    graph = graph_of(*models, populations=[population])
    assert parts(graph) == [["0"], ["1", "3"], ["2"]]
    second = graph.components()[1].global_prior_model
    assert [key for key, _ in second.items()] == ["1", "3", "distribution_model"]
    assert second.prior_count == 6
    assert graph.components()[0].populations == ()
    assert graph.components()[1].populations == (population,)


def test_a_population_of_fixed_shape_joins_nothing():
    models = [model() for _ in range(2)]
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=0.0, sigma=1.0, name="p")
    for m in models:
        population.add_drawn_variable(m.position)
    graph = graph_of(*models, populations=[population])
    assert parts(graph) == [["0"], ["1"]]
    for part in graph.components():
        assert isinstance(part.global_prior_model[0].position, gf.GaussianPrior)


def test_several_populations_keep_their_names():
    models = [model() for _ in range(2)]
    populations = [
        gf.HierarchicalFactor(gf.GaussianPrior, mean=free(), sigma=1.0)
        for _ in range(2)
    ]
    for m, population in zip(models, populations, strict=True):
        population.add_drawn_variable(m.position)
    first, second = graph_of(*models, populations=populations).components()
    assert "distribution_model" in first.global_prior_model
    assert "distribution_model_1" in second.global_prior_model
    assert "distribution_model" not in second.global_prior_model


def test_a_factor_without_free_parameters_goes_with_another_part():
    fixed = model(0.5, 0.25)
    graph = graph_of(model(), fixed, model())
    assert parts(graph) == [["0", "1"], ["2"]]
    assert parts(graph_of(model(), fixed)) == [["0", "1"]]


def test_the_parts_sum_to_the_whole(rng):
    shared = free()
    graph = graph_of(model(shared), model(), model(2 * shared), model())
    whole = Program(graph)
    theta = whole.prior_transform(rng.random(whole.dimension))
    at = dict(zip(whole.space.priors, theta, strict=True))
    total, prior = 0.0, 0.0
    seen: list[gf.UniformPrior] = []
    for part in graph.components():
        program = Program(part)
        own = np.array([at[p] for p in program.space.priors])
        seen += program.space.priors
        total += program.log_likelihood(own)
        prior += program.log_prior(own)
    assert sorted(map(id, seen)) == sorted(map(id, whole.space.priors))
    assert total == pytest.approx(whole.log_likelihood(theta), rel=1e-14)
    assert prior == pytest.approx(whole.log_prior(theta), abs=1e-14)
