"""Populations: the drawn variables' density is the population's, and only that."""

import itertools

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
    group.add_drawn_variable(shared, shared=True)
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


# --- members with arguments of their own, tuples, forms ----------------------------


def regression(**hyper):
    """Three members whose means follow a covariate."""
    slope, offset = free("slope"), free("offset")
    group = population(**{"sigma": free(), **hyper})
    members = models()
    for i, member in enumerate(members):
        group.add_drawn_variable(member.position, mean=slope * i + offset)
    return graph_of(members, group)


def test_arguments_by_member():
    program = Program(regression())
    assert program.space.names[3:] == (
        "distribution_model.sigma",
        "distribution_model.slope",
        "distribution_model.offset",
    )
    theta = np.array([1.0, 2.0, 3.0, 0.5, 0.7, 0.2])
    means = 0.7 * np.arange(3) + 0.2
    expected = stats.norm.logpdf(theta[:3], means, 0.5).sum() - 3 * np.log(10.0)
    assert program.log_prior(theta) == pytest.approx(expected, rel=1e-12)


def test_a_member_may_differ_from_the_rest():
    """The last one has a scatter of its own."""
    members = models()
    group = population(mean=1.0, sigma=free())
    for member in members[:2]:
        group.add_drawn_variable(member.position)
    group.add_drawn_variable(members[2].position, sigma=7.0)
    model = graph_of(members, group).global_prior_model
    sigmas = [model[i].position.sigma for i in range(3)]
    assert sigmas == [group.hyperpriors["sigma"]] * 2 + [7.0]


def test_hyper_parameters_without_names_are_called_after_their_argument():
    members = models(2)
    group = population(sigma=1.0)
    slope, offset = free(), free()
    for i, member in enumerate(members):
        group.add_drawn_variable(member.position, mean=slope * (i + 1) + offset)
    names = graph_of(members, group).global_prior_model.parameter_names
    assert names[2:] == ("distribution_model.mean_0", "distribution_model.mean_1")
    group = population(sigma=1.0)
    for member in members:
        group.add_drawn_variable(member.position, mean=slope)
    names = graph_of(members, group).global_prior_model.parameter_names
    assert names[2:] == ("distribution_model.mean",)


def test_a_named_prior_in_the_population_s_own_relation():
    members = models(2)
    group = population(mean=free("slope") * 2.0 + free("offset"), sigma=1.0)
    for member in members:
        group.add_drawn_variable(member.position)
    space = Program(graph_of(members, group)).space
    assert space.names[2:] == ("distribution_model.slope", "distribution_model.offset")
    assert space.derived_names == ("distribution_model.mean",)


def test_a_hyper_parameter_that_is_a_dataset_s_parameter_keeps_its_name():
    members = models(2)
    slope = free("slope")
    members[1].position = slope
    group = population(sigma=1.0)
    group.add_drawn_variable(members[0].position, mean=2.0 * slope)
    names = graph_of(members, group).global_prior_model.parameter_names
    assert names == ("0.position", "1.position")


def test_a_chain_of_draws():
    """Each member is drawn around the one before it."""
    members = models()
    group = population(sigma=0.5)
    group.add_drawn_variable(members[0].position, mean=0.0)
    for before, member in itertools.pairwise(members):
        group.add_drawn_variable(member.position, mean=before.position)
    theta = np.array([0.1, 0.4, -0.3])
    expected = stats.norm.logpdf(theta, [0.0, 0.1, 0.4], 0.5).sum()
    assert Program(graph_of(members, group)).log_prior(theta) == pytest.approx(expected)


def pairs(count=2, **arguments):
    """Members of two variables each."""
    members = [gf.Model(Frozen, position=free(), width=free()) for _ in range(count)]
    group = pair(**arguments)
    for member in members:
        group.add_drawn_variable((member.position, member.width))
    return graph_of(members, group)


def test_tuples_of_variables():
    graph = pairs(mean=[free(), 2.0], sigma=[1.0, free()], correlation=0.4)
    program = Program(graph)
    assert program.space.names[4:] == (
        "distribution_model.mean_0",
        "distribution_model.sigma_1",
    )
    theta = np.array([1.0, 2.0, 0.5, 2.5, 0.8, 1.7])
    covariance = [[1.0, 0.4 * 1.7], [0.4 * 1.7, 1.7**2]]
    twin = stats.multivariate_normal([0.8, 2.0], covariance)
    expected = twin.logpdf(theta[:4].reshape(2, 2)).sum() - 2 * np.log(10.0)
    assert program.log_prior(theta) == pytest.approx(expected, rel=1e-12)


def test_a_tuple_with_a_mean_of_its_own():
    member = gf.Model(Frozen, position=free(), width=free())
    group = pair(mean=[0.0, 0.0], sigma=[1.0, 2.0], correlation=0.0)
    group.add_drawn_variable((member.position, member.width), mean=[3.0, 4.0])
    program = Program(graph_of([member], group))
    expected = stats.norm.logpdf([1.0, 1.0], [3.0, 4.0], [1.0, 2.0]).sum()
    assert program.log_prior(np.ones(2)) == pytest.approx(expected, rel=1e-12)


def test_correlations_are_shared_and_shown():
    graph = pairs(3)
    model = graph.global_prior_model
    assert model.parameter_names[6:] == ("distribution_model.correlation",)
    assert model.instance_from_prior_medians().distribution_model.correlation == 0.0


def test_a_population_of_tuples_whose_mean_is_drawn():
    """The mean of the first variable is a draw from a further population."""
    mean = free()
    top = population(mean=0.0, sigma=3.0, name="top")
    top.add_drawn_variable(mean)
    member = gf.Model(Frozen, position=free(), width=free())
    group = pair(mean=[mean, 0.0], sigma=[1.0, 2.0], correlation=0.5)
    group.add_drawn_variable((member.position, member.width))
    for order in ((top, group), (group, top)):
        program = Program(graph_of([member], *order))
        at = dict(zip(program.space.names, (1.0, 2.0, 0.5), strict=True))
        position, width, centre = (
            at["position"],
            at["width"],
            at["distribution_model.mean_0"],
        )
        twin = stats.multivariate_normal([centre, 0.0], [[1.0, 1.0], [1.0, 4.0]])
        expected = twin.logpdf([position, width]) + stats.norm.logpdf(centre, 0.0, 3.0)
        found = program.log_prior(np.array(list(at.values())))
        assert found == pytest.approx(expected, rel=1e-12)


def test_forms():
    members = models()
    groups = [population(mean=free(), sigma=1.0, form=form) for form in FORMS]
    for group, member in zip(groups, members, strict=True):
        group.add_drawn_variable(member.position)
    graph = graph_of(members, *groups)
    model = graph.global_prior_model
    expected = {model[1].position: "centred", model[2].position: "non-centred"}
    assert graph.forms == expected
    part = graph.part(["1"])
    assert list(part.forms.values()) == ["centred"]


def test_forms_of_tuples():
    graph = pairs(form="centred")
    assert len(graph.forms) == 4
    assert set(graph.forms) <= set(graph.global_prior_model.priors)


def test_one_draw_that_two_factors_observe():
    """A star in two bands: its position is one draw."""
    stars = [free(), free()]
    members = [gf.Model(Frozen, position=p, width=1.0) for p in stars for _ in "gr"]
    group = population(mean=free(), sigma=1.0)
    for star in stars:
        group.add_drawn_variable(star, shared=True)
    model = graph_of(members, group).global_prior_model
    assert model.prior_count == 3
    assert model[0].position is model[1].position


# --- text --------------------------------------------------------------------------


def test_info_shows_populations():
    text = regression().info
    assert text.endswith(
        "\n\nPopulations\n    distribution_model: GaussianPrior(mean by member, sigma) -> "
        "position of 0 - 2 (3 draws)"
    )
    assert "(position, width) of 0 and 1 (2 draws)" in pairs().info
    text = named("group").info
    assert "group: GaussianPrior(mean = 0, sigma = 1) -> position (1 draw)" in text


def test_info_of_populations_of_populations():
    mean = free()
    top = population(mean=free() * 2.0, sigma=2.0, name="top")
    top.add_drawn_variable(mean)
    members = models(1)
    group = population(mean=mean, sigma=1.0)
    group.add_drawn_variable(members[0].position)
    lines = graph_of(members, top, group).info.splitlines()[-2:]
    assert lines[0].endswith(
        "top: GaussianPrior(mean = UniformPrior * 2.0, sigma = 2) -> "
        "mean of distribution_model (1 draw)"
    )


# --- what is refused ---------------------------------------------------------------


FORMS = ("auto", "centred", "non-centred")
FREE = free()


def pair(**arguments):
    given = {"mean": [0.0, 0.0], "sigma": [1.0, 1.0], **arguments}
    return gf.HierarchicalFactor(gf.MultivariateGaussianPrior, **given)


def mixture(*components):
    return gf.HierarchicalFactor(
        gf.MixturePrior, weights=[1.0] * len(components), components=list(components)
    )


def shared_by_two():
    shared = free()
    members = [gf.Model(Frozen, position=shared, width=1.0) for _ in range(2)]
    group = population(mean=0.0, sigma=1.0)
    group.add_drawn_variable(shared)
    graph_of(members, group)


def replaced_by_every_member():
    members = models(2)
    group = population(mean=free(), sigma=1.0)
    for i, member in enumerate(members):
        group.add_drawn_variable(member.position, mean=float(i))
    graph_of(members, group)


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
        (its_own_hyper_parameter_in_a_relation, "cannot be a draw from itself"),
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
            lambda: population(mean=0.0).add_drawn_variable(free()),
            "GaussianPrior needs sigma; give it to HierarchicalFactor",
        ),
        (shared_by_two, "one parameter and one draw. Give each dataset its own prior"),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(3.5),
            "got the fixed value 3.5; give the parameter a prior first",
        ),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(
                gf.pixel_map([1.0])
            ),
            "got a map of fixed values",
        ),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(
                (free(), free())
            ),
            "is a density of one variable",
        ),
        (
            lambda: population(mean=0.0, sigma=1.0).add_drawn_variable(
                free(), sigm=free()
            ),
            "has no argument 'sigm'. Did you mean 'sigma'",
        ),
        (
            lambda: population(mean=0.0, sigma=gf.UniformPrior(-3.0, 0.0)),
            "no value of sigma = UniformPrior(lower_limit=-3.0, upper_limit=0.0) makes",
        ),
        (
            lambda: gf.HierarchicalFactor(
                gf.UniformPrior,
                lower_limit=gf.UniformPrior(5.0, 6.0),
                upper_limit=gf.UniformPrior(1.0, 2.0),
            ),
            "no value of upper_limit = UniformPrior(lower_limit=1.0, upper_limit=2.0) and "
            "lower_limit = ",
        ),
        (
            lambda: pair(sigma=[1.0, gf.UniformPrior(-2.0, -1.0)]),
            "no value of sigma = UniformPrior(lower_limit=-2.0",
        ),
        (
            lambda: mixture(gf.GaussianPrior(0.0, gf.UniformPrior(-2.0, -1.0))),
            "no value of sigma_0 = UniformPrior(lower_limit=-2.0",
        ),
        (
            lambda: population(mean=0.0, sigma=1.0, form="noncentred"),
            "got 'noncentred'. Did you mean 'non-centred'",
        ),
        (
            lambda: pair().add_drawn_variable(free()),
            "is a tuple of 2 priors, got no tuple",
        ),
        (lambda: pair().add_drawn_variable((free(),) * 3), "tuple of 2 priors, got 3"),
        (
            lambda: pair().add_drawn_variable((FREE, FREE)),
            "is drawn from this population",
        ),
        (
            lambda: pair().add_drawn_variable((free(), free()), correlation=0.0),
            "belongs to the whole population",
        ),
        (
            lambda: gf.HierarchicalFactor(gf.MultivariateGaussianPrior),
            "give mean or sigma as a list",
        ),
        (
            lambda: gf.HierarchicalFactor(gf.MultivariateGaussianPrior, means=[0, 0]),
            "has no argument 'means'. Did you mean 'mean'",
        ),
        (replaced_by_every_member, "every member has its own mean"),
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
