"""Factor graphs: the joint model and likelihood, the networkx graph, what is refused."""

import math

import networkx as nx
import numpy as np
import pytest
from scipy import stats

import graphfit as gf
from graphfit.compiler import Program
from graphfit.errors import GraphError
from tests.model.components import Frozen, Holder, line

X = np.arange(20.0)


class Counts(gf.Analysis):
    """Poisson counts of a constant rate: another model and another likelihood."""

    def __init__(self, counts):
        self.counts = counts

    def log_likelihood_function(self, instance):
        return float(stats.poisson.logpmf(self.counts, instance.weight).sum())


class Straight(gf.Analysis):
    """A straight line without noise of its own."""

    def __init__(self, y):
        self.y = y

    def log_likelihood_function(self, instance):
        return float(-0.5 * ((self.y - instance(X)) ** 2).sum())


def gaussian_analysis(seed: int = 0) -> gf.ex.Analysis:
    rng = np.random.default_rng(seed)
    return gf.ex.Analysis(rng.normal(0.0, 1.0, 20), np.full(20, 0.5))


def mixed() -> gf.FactorGraphModel:
    """Three kinds of data and of models, joined by a width and a relation."""
    width = gf.UniformPrior(1.0, 5.0)
    gaussian = gf.Model(gf.ex.Gaussian, sigma=width)
    straight = gf.Model(line, slope=gf.UniformPrior(-1, 1), offset=width * 2)
    counts = gf.Model(Holder, part=width, weight=gf.UniformPrior(0.5, 9))
    return gf.FactorGraphModel(
        gf.AnalysisFactor(gaussian, gaussian_analysis()),
        gf.AnalysisFactor(straight, Straight(np.sin(X)), name="straight"),
        gf.AnalysisFactor(counts, Counts(np.array([3, 1, 4])), name="counts"),
    )


# --- the joint model ---------------------------------------------------------------


def test_the_joint_model():
    graph = mixed()
    model = graph.global_prior_model
    assert model.siblings == ("0", "straight", "counts")
    assert model.parameter_names == (
        "0.centre",
        "0.normalization",
        "0.sigma",
        "straight.slope",
        "counts.weight",
    )
    assert model[0] is graph.factor(0).prior_model is graph.factor("0").prior_model
    assert list(graph.factors) == ["0", "straight", "counts"]
    assert len(graph) == 3
    assert repr(graph) == "FactorGraphModel(3 factors, 5 free parameters)"
    assert graph.info == model.info


def test_a_list_of_factors():
    factors = list(mixed().factors.values())
    assert list(gf.FactorGraphModel(factors).factors) == ["0", "straight", "counts"]


def test_classes_functions_and_lists_as_models():
    analysis = gaussian_analysis()
    for model, names in (
        (gf.ex.Gaussian, ("centre", "normalization", "sigma")),
        ([Frozen, Frozen], ("0.position", "0.width", "1.position", "1.width")),
        ({"one": Frozen}, ("one.position", "one.width")),
    ):
        factor = gf.AnalysisFactor(model, analysis)
        assert factor.prior_model.parameter_names == names


# --- the likelihood ----------------------------------------------------------------


def test_the_joint_likelihood_against_one_written_by_hand(rng):
    graph = mixed()
    program = Program(graph)
    data = graph.factor(0).analysis.data
    for u in rng.random((10, 5)):
        centre, height, width, slope, rate = theta = program.prior_transform(u)
        profile = height * stats.norm.pdf(X, centre, width)
        expected = [
            stats.norm.logpdf(data, profile, 0.5).sum(),
            -0.5 * ((np.sin(X) - slope * X - 2 * width) ** 2).sum(),
            stats.poisson.logpmf([3, 1, 4], rate).sum(),
        ]
        np.testing.assert_allclose(
            program.factor_log_likelihoods(theta), expected, rtol=1e-12
        )
        total = program.log_likelihood(theta)
        assert total == math.fsum(program.term_log_likelihoods(theta))
        by_python = math.fsum(program.factor_log_likelihoods(theta))
        assert total == pytest.approx(by_python, rel=1e-13)


def test_the_graph_s_likelihood_of_an_instance_is_the_program_s(rng):
    graph = mixed()
    program = Program(graph)
    for u in rng.random((10, 5)):
        theta = program.prior_transform(u)
        instance = graph.global_prior_model.instance_from_vector(theta)
        by_python = graph.log_likelihood_function(instance)
        assert program.log_likelihood(theta) == pytest.approx(by_python, rel=1e-13)


def test_the_order_of_factors_changes_no_bit(rng):
    centre = gf.UniformPrior(0.0, 20.0)
    factors = [
        gf.AnalysisFactor(gf.Model(gf.ex.Gaussian, centre=centre), gaussian_analysis(i))
        for i in range(9)
    ]
    graph = gf.FactorGraphModel(factors)
    program = Program(graph)
    for _ in range(5):
        order = rng.permutation(9)
        other = Program(gf.FactorGraphModel([factors[i] for i in order]))
        place = [program.space.priors.index(prior) for prior in other.space.priors]
        theta = program.prior_transform(rng.random(program.dimension))
        assert other.log_likelihood(theta[place]) == program.log_likelihood(theta)


# --- relations ---------------------------------------------------------------------


def test_widths_on_a_line_against_a_likelihood_written_by_hand(rng):
    slope, offset = gf.UniformPrior(-0.1, 0.1), gf.UniformPrior(1.0, 5.0)
    times = (0.0, 1.5, 3.0)
    analyses = [gaussian_analysis(i) for i in range(3)]
    factors = [
        gf.AnalysisFactor(
            gf.Model(
                gf.ex.Gaussian,
                centre=10.0,
                normalization=np.exp(offset),
                sigma=(slope * t) + offset,
            ),
            analysis,
        )
        for t, analysis in zip(times, analyses, strict=True)
    ]
    program = Program(gf.FactorGraphModel(*factors))
    assert program.space.names == ("normalization.input_0", "sigma.input_0")
    assert program.space.derived_names == (
        "0.normalization",
        "0.sigma",
        "1.normalization",
        "1.sigma",
        "2.normalization",
        "2.sigma",
    )
    c, m = 2.0, 0.05
    expected = sum(
        stats.norm.logpdf(
            a.data, np.exp(c) * stats.norm.pdf(X, 10.0, m * t + c), 0.5
        ).sum()
        for t, a in zip(times, analyses, strict=True)
    )
    np.testing.assert_allclose(
        program.log_likelihood(np.array([c, m])), expected, rtol=1e-12
    )


# --- the networkx graph ------------------------------------------------------------


def kinds(graph: nx.Graph) -> dict[str, int]:
    found = [kind for _, kind in graph.nodes(data="kind")]
    return {kind: found.count(kind) for kind in found}


def check_bipartite(graph: nx.Graph) -> None:
    assert nx.is_bipartite(graph)
    side = nx.get_node_attributes(graph, "bipartite")
    assert all(side[a] != side[b] for a, b in graph.edges)
    assert set(side) == set(graph)


def test_the_bipartite_graph():
    graph = mixed().graph
    check_bipartite(graph)
    assert kinds(graph) == {"parameter": 5, "factor": 3}
    assert set(graph[("factor", "straight")]) == {"straight.slope", "0.sigma"}
    assert set(graph["0.sigma"]) == {
        ("factor", "0"),
        ("factor", "straight"),
        ("factor", "counts"),
    }
    assert isinstance(graph.nodes["0.sigma"]["prior"], gf.UniformPrior)


def test_conditional_priors_and_conditions_are_factors_of_their_own():
    mean = gf.UniformPrior(0.0, 20.0)
    models = [
        gf.Model(gf.ex.Gaussian, centre=gf.GaussianPrior(mean, 1.0)) for _ in range(2)
    ]
    graph = gf.FactorGraphModel(
        *(gf.AnalysisFactor(model, gaussian_analysis()) for model in models)
    )
    joint = graph.global_prior_model
    joint.add_assertion(models[0].sigma < models[1].sigma)
    drawn = graph.graph
    check_bipartite(drawn)
    assert kinds(drawn) == {"parameter": 7, "factor": 2, "prior": 2, "condition": 1}
    assert set(drawn[("prior", "1.centre")]) == {"1.centre", "centre.mean"}
    assert set(drawn[("condition", 0)]) == {"0.sigma", "1.sigma"}
    assert "centre.mean" not in drawn[("factor", "0")]


def test_a_factor_without_free_parameters_is_a_lone_node():
    fixed = gf.Model(Frozen, position=1.0, width=2.0)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.ex.Gaussian, gaussian_analysis()),
        gf.AnalysisFactor(fixed, Counts(np.ones(1))),
    ).graph
    check_bipartite(graph)
    assert nx.number_connected_components(graph) == 2


# --- what is refused ---------------------------------------------------------------


def factor(name=None):
    return gf.AnalysisFactor(gf.ex.Gaussian, gaussian_analysis(), name=name)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (gf.FactorGraphModel, "at least one AnalysisFactor, got none"),
        (lambda: gf.FactorGraphModel([]), "at least one AnalysisFactor, got none"),
        (lambda: gf.FactorGraphModel(gf.Model(Frozen)), "takes AnalysisFactor and"),
        (lambda: gf.FactorGraphModel(gaussian_analysis()), "wrap an analysis"),
        (
            lambda: gf.FactorGraphModel(factor("a"), factor("b"), factor("a")),
            "Factors 0 and 2 are both named 'a'",
        ),
        (
            lambda: gf.FactorGraphModel(factor("1"), factor()),
            "Factors 0 and 1 are both named '1'",
        ),
        (lambda: gf.FactorGraphModel(factor("a")).factor("b"), "no factor 'b'"),
        (lambda: factor(""), "a name must be a word without dots and slashes"),
        (lambda: factor("a.b"), "AnalysisFactor('a.b'): a name must be a word"),
        (lambda: factor("../up"), "a name must be a word without dots and slashes"),
        (lambda: factor(3), "got 3"),
        (lambda: gf.AnalysisFactor(5, gaussian_analysis()), "must be a Model or Coll"),
        (
            lambda: gf.AnalysisFactor(gf.UniformPrior(), gaussian_analysis()),
            "must be a Model or Collection",
        ),
        (lambda: gf.AnalysisFactor(Frozen, np.ones(3)), "must be an Analysis"),
        (lambda: gf.AnalysisFactor(Frozen, Counts), "must be an Analysis"),
    ],
)
def test_what_makes_no_graph(make, words):
    with pytest.raises(GraphError) as caught:
        make()
    assert words in str(caught.value)


def test_a_graph_without_free_parameters_cannot_be_fitted():
    fixed = gf.Model(Frozen, position=1.0, width=2.0)
    graph = gf.FactorGraphModel(gf.AnalysisFactor(fixed, gaussian_analysis()))
    with pytest.raises(GraphError, match="no free parameters: every value is fixed"):
        Program(graph)


def test_repr_of_factors():
    assert repr(factor("a")) == "AnalysisFactor(Gaussian, Analysis, name='a')"
    assert repr(factor()) == "AnalysisFactor(Gaussian, Analysis)"
