"""Populations: the drawn variables' density is the population's, and only that."""

import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import Program
from graphfit.errors import GraphError, PriorError
from graphfit.priors import Prior
from tests.model.components import Frozen


class Normal(gf.Analysis):
    """One measurement of a position with unit noise."""

    def __init__(self, y):
        self.y = y

    def log_likelihood_function(self, instance):
        return float(stats.norm.logpdf(self.y, instance.position, instance.width))


def free(name=None) -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 10.0, name=name)


def models(count=3) -> list[gf.Model]:
    return [gf.Model(Frozen, position=free(), width=1.0) for _ in range(count)]


def graph_of(drawn, *populations) -> gf.FactorGraphModel:
    factors = [gf.AnalysisFactor(m, Normal(float(i))) for i, m in enumerate(drawn)]
    return gf.FactorGraphModel(*factors, *populations)


def population(**arguments) -> gf.HierarchicalFactor:
    return gf.HierarchicalFactor(gf.GaussianPrior, **arguments)


def test_the_population_density_replaces_the_variable_s_own(rng):
    members = models()
    mean, sigma = gf.UniformPrior(-5.0, 5.0), gf.LogUniformPrior(0.1, 10.0)
    group = population(mean=mean, sigma=sigma)
    for member in members:
        group.add_drawn_variable(member.position)
    program = Program(graph_of(members, group))
    assert program.space.names == (
        "0.position",
        "1.position",
        "2.position",
        "distribution_model.mean",
        "distribution_model.sigma",
    )
    for u in rng.random((10, 5)):
        theta = program.prior_transform(u)
        *x, m, s = theta
        # The non-centred form: each variable is a quantile of the population.
        np.testing.assert_allclose(x, stats.norm.ppf(u[:3], m, s), rtol=1e-10)
        expected = (
            stats.norm.logpdf(x, m, s).sum()
            + stats.uniform.logpdf(m, -5.0, 10.0)
            + stats.loguniform.logpdf(s, 0.1, 10.0)
        )
        assert program.log_prior(theta) == pytest.approx(expected, rel=1e-12)
        # A position outside [0, 10], the limits of its former prior, is allowed.
        assert np.isfinite(program.log_prior(theta - np.array([50, 0, 0, 0, 0])))
        likelihood = stats.norm.logpdf([0.0, 1.0, 2.0], x, 1.0).sum()
        assert program.log_likelihood(theta) == pytest.approx(likelihood, rel=1e-12)


def test_other_families_and_fixed_arguments():
    members = models(2)
    group = gf.HierarchicalFactor(gf.HalfGaussianPrior, sigma=free(), name="spread")
    for member in members:
        group.add_drawn_variable(member.position)
    model = graph_of(members, group).global_prior_model
    assert isinstance(model[0].position, gf.HalfGaussianPrior)
    assert model[0].position.sigma is model.spread.sigma
    assert model.parameter_names[-1] == "spread.sigma"


def test_the_factors_own_models_are_left_as_they_are():
    members = models(1)
    own = members[0].position
    group = population(mean=free(), sigma=1.0)
    group.add_drawn_variable(own)
    graph = graph_of(members, group)
    assert members[0].position is own
    assert graph.factor(0).prior_model is members[0]
    assert graph.global_prior_model[0].position is not own


def test_a_variable_inside_a_relation_and_a_condition_is_replaced_too():
    shared = free("centre")
    members = [
        gf.Model(Frozen, position=shared, width=1.0),
        gf.Model(Frozen, position=2 * shared, width=1.0),
    ]
    members[1].add_assertion(2 * shared < 50.0)
    group = population(mean=free(), sigma=1.0)
    group.add_drawn_variable(shared)
    model = graph_of(members, group).global_prior_model
    new = model[0].position
    assert isinstance(new, gf.GaussianPrior)
    assert new.name == "centre"
    assert model[1].position.arguments[1] is new
    assert shared not in model.priors
    assert model.prior_count == 2


def test_hyper_parameters_may_be_relations_and_conditional():
    members = models(2)
    top = free()
    group = population(mean=gf.GaussianPrior(top, 1.0), sigma=np.exp(top) / 1e4 + 1.0)
    for member in members:
        group.add_drawn_variable(member.position)
    program = Program(graph_of(members, group))
    assert program.dimension == 4
    x0, x1, sigma_input, mean = 1.0, 2.0, 3.0, 2.5
    order = {name: i for i, name in enumerate(program.space.names)}
    theta = np.empty(4)
    theta[order["0.position"]], theta[order["1.position"]] = x0, x1
    theta[order["distribution_model.mean"]] = mean
    theta[order["distribution_model.sigma.input_0"]] = sigma_input
    scale = np.exp(sigma_input) / 1e4 + 1.0
    expected = (
        stats.norm.logpdf([x0, x1], mean, scale).sum()
        + stats.norm.logpdf(mean, sigma_input, 1.0)
        - np.log(10.0)
    )
    assert program.log_prior(theta) == pytest.approx(expected, rel=1e-12)


def test_populations_of_populations(rng):
    """Two groups of variables; the groups' means are drawn from a third population."""
    members = models(4)
    top = population(mean=free(), sigma=2.0, name="top")
    groups = []
    for k in range(2):
        mean = free()
        group = population(mean=mean, sigma=0.5, name=f"group{k}")
        for member in members[2 * k : 2 * k + 2]:
            group.add_drawn_variable(member.position)
        top.add_drawn_variable(mean)
        groups.append(group)
    # The order in which they are given does not matter.
    for order in ((top, *groups), (*groups, top)):
        program = Program(graph_of(members, *order))
        theta = program.prior_transform(rng.random(7))
        at = dict(zip(program.space.names, theta, strict=True))
        expected = -np.log(10.0)
        for k in range(2):
            mean = at[f"group{k}.mean"]
            expected += stats.norm.logpdf(mean, at["top.mean"], 2.0)
            for i in (2 * k, 2 * k + 1):
                expected += stats.norm.logpdf(at[f"{i}.position"], mean, 0.5)
        assert program.log_prior(theta) == pytest.approx(expected, rel=1e-12)


def test_populations_in_a_circle_are_refused():
    members = models(2)
    first = population(mean=members[1].position, sigma=1.0)
    second = population(mean=members[0].position * 2, sigma=1.0)
    first.add_drawn_variable(members[0].position)
    second.add_drawn_variable(members[1].position)
    with pytest.raises(GraphError, match="depends on itself through the populations"):
        graph_of(members, first, second)


def test_a_population_whose_mean_is_another_dataset_s_variable():
    members = models(2)
    group = population(mean=members[1].position, sigma=1.0)
    group.add_drawn_variable(members[0].position)
    program = Program(graph_of(members, group))
    assert program.dimension == 2
    assert program.log_prior(np.array([3.0, 5.0])) == pytest.approx(
        stats.norm.logpdf(3.0, 5.0, 1.0) - np.log(10.0)
    )


# --- what is refused ---------------------------------------------------------------


def twice_from_one():
    group, prior = population(mean=0.0, sigma=1.0), free()
    group.add_drawn_variable(prior)
    group.add_drawn_variable(prior)


def from_two():
    members = models(1)
    groups = [population(mean=0.0, sigma=1.0) for _ in range(2)]
    for group in groups:
        group.add_drawn_variable(members[0].position)
    graph_of(members, *groups)


def unknown():
    group = population(mean=0.0, sigma=1.0)
    group.add_drawn_variable(free())
    graph_of(models(), group)


def its_own_hyper_parameter():
    mean = free()
    population(mean=mean, sigma=1.0).add_drawn_variable(mean)


def its_own_hyper_parameter_in_a_relation():
    members = models(1)
    group = population(mean=2 * members[0].position, sigma=1.0)
    group.add_drawn_variable(members[0].position)
    graph_of(members, group)


def named(*names):
    members = models(len(names))
    groups = []
    for member, name in zip(members, names, strict=True):
        groups.append(population(mean=0.0, sigma=1.0, name=name))
        groups[-1].add_drawn_variable(member.position)
    return graph_of(members, *groups)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (twice_from_one, "is drawn from this population already"),
        (from_two, "is drawn from two populations"),
        (unknown, "is no free parameter of any factor's model"),
        (its_own_hyper_parameter, "is a hyper-parameter of this population"),
        (its_own_hyper_parameter_in_a_relation, "depends on itself"),
        (lambda: named("group", "group"), "Two populations are both named 'group'"),
        (lambda: named("0"), "A factor and a population are both named '0'"),
        (lambda: named("a.b"), "a name must be a word without dots"),
        (
            lambda: graph_of(models(), population(mean=0.0, sigma=1.0)),
            "has no drawn variables",
        ),
        (lambda: gf.FactorGraphModel(population(mean=0.0, sigma=1.0)), "at least one"),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(2 * free()),
            "got a relation",
        ),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(models()[0]),
            "needs a free parameter's prior",
        ),
        (lambda: population(mean=0.0, scatter=1.0), "has no argument 'scatter'"),
        (lambda: gf.HierarchicalFactor(gf.ex.Gaussian), "must be a family of priors"),
        (lambda: gf.HierarchicalFactor(free()), "must be a family of priors"),
        (lambda: gf.HierarchicalFactor(Prior), "must be a family of priors"),
        (
            lambda: population(mean=0.0),
            "missing 1 required positional argument: 'sigma'",
        ),
    ],
)
def test_what_makes_no_hierarchy(act, words):
    with pytest.raises(GraphError) as caught:
        act()
    assert words in str(caught.value)


def test_impossible_arguments_are_told_at_once():
    with pytest.raises(PriorError, match="sigma=-1.0 must be above 0"):
        population(mean=0.0, sigma=-1.0)


def test_populations_without_names_get_free_ones():
    model = named(None, None, "distribution_model_1").global_prior_model
    keys = [key for key, _ in model.items()]
    assert keys[3:] == [
        "distribution_model",
        "distribution_model_2",
        "distribution_model_1",
    ]


def test_repr():
    group = population(mean=free(), sigma=1.0)
    assert repr(group).startswith("HierarchicalFactor(GaussianPrior, mean=UniformPrior")
