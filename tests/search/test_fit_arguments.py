"""The ways to call `fit`: what is a graph, a model, a start; what is refused."""

import re

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import GraphError, ModelError, SettingError
from tests.exam import Linear, coefficients, polynomial, regression, trend, two_parts

SEARCH = gf.LBFGS(seed=1, n_draws=5, n_starts=1)


def line() -> gf.AnalysisFactor:
    return gf.AnalysisFactor(coefficients(2), polynomial(2), name="line")


# --- one graph, many spellings ---------------------------------------------------------


def test_a_graph_alone_its_global_model_and_a_list_are_one_fit():
    graph = trend()
    alone = SEARCH.fit(graph)
    named = SEARCH.fit(model=graph.global_prior_model, analysis=graph)
    both = SEARCH.fit(graph, graph)
    assert isinstance(alone, gf.ResultList)
    assert alone.names == ("at_0", "at_1")
    for other in (named, both):
        assert isinstance(other, gf.ResultList)
        assert other.record.values.tobytes() == alone.record.values.tobytes()


def test_a_model_with_its_analysis_gives_one_result():
    result = SEARCH.fit(model=coefficients(2), analysis=polynomial(2))
    assert isinstance(result, gf.Result)
    np.testing.assert_allclose(
        result.samples.max_log_likelihood(as_instance=False),
        regression(2).mode,
        atol=1e-5,
    )


def test_a_factor_alone_gives_one_result():
    assert isinstance(SEARCH.fit(line()), gf.Result)


def test_a_graph_of_one_factor_gives_a_list():
    assert len(SEARCH.fit(gf.FactorGraphModel(line()))) == 1


def test_a_fit_leaves_the_graph_as_it_was():
    graph = trend()
    before = (graph.info, graph.global_prior_model.priors)
    SEARCH.fit(graph)
    assert (graph.info, graph.global_prior_model.priors) == before


WRONG = [
    (lambda: (coefficients(2), None), GraphError, "fit needs data"),
    (lambda: (trend().global_prior_model, None), GraphError, "search.fit(graph)"),
    (lambda: (coefficients(2), "data.csv"), GraphError, "must be an Analysis"),
    (lambda: (coefficients(2), np.zeros(3)), GraphError, "must be an Analysis"),
    (lambda: (polynomial(2), coefficients(2)), GraphError, "must be an Analysis"),
    (lambda: (trend(), polynomial(2)), GraphError, "the graph holds its own"),
    (lambda: (coefficients(2), trend()), GraphError, "not this graph's"),
    (lambda: (trend().global_prior_model, trend()), GraphError, "not this graph's"),
    (lambda: ([line()], None), GraphError, "got list alone"),
    (lambda: (Linear, polynomial(2)), ModelError, "'0.design' has no prior"),
    (lambda: (3.0, polynomial(2)), GraphError, "must be a Model or Collection"),
]


@pytest.mark.parametrize(("arguments", "error", "phrase"), WRONG)
def test_what_does_not_belong_together_is_refused(arguments, error, phrase):
    model, analysis = arguments()
    with pytest.raises(error, match=re.escape(phrase)):
        SEARCH.fit(model, analysis)


def test_info_must_be_plain_data():
    with pytest.raises(SettingError, match=r"plain data .*ndarray"):
        SEARCH.fit(line(), info={"times": np.zeros(3)})
    with pytest.raises(SettingError, match="mapping"):
        SEARCH.fit(line(), info=3)


# --- start -----------------------------------------------------------------------------


class Recorded(gf.Analysis):
    """Remembers every point that it is asked about."""

    def __init__(self):
        self.points = []

    def log_likelihood_function(self, instance):
        self.points.append((instance.a, instance.b))
        return -((instance.a - 1.0) ** 2) - (instance.b - 2.0) ** 2


def box() -> gf.Collection:
    return gf.Collection(a=gf.UniformPrior(0, 10), b=gf.UniformPrior(0, 10))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ({"a": 3.0, "b": 4.0}, (3.0, 4.0)),
        ({"b": 4.0}, (5.0, 4.0)),  # the others at their prior's median
        ({}, (5.0, 5.0)),
        ([3.0, 4.0], (3.0, 4.0)),
        ((3, 4), (3.0, 4.0)),
        (np.array([3.0, 4.0]), (3.0, 4.0)),
        (box().instance_from_vector([3.0, 4.0]), (3.0, 4.0)),
    ],
)
def test_a_search_begins_at_its_start(start, expected):
    analysis = Recorded()
    gf.LBFGS(seed=1, n_starts=1, n_draws=3).fit(box(), analysis, start=start)
    # Two points that try the likelihood come first; no draws where the start is given.
    assert analysis.points[2] == pytest.approx(expected, abs=1e-12)


def test_emcee_begins_around_its_start():
    analysis = Recorded()
    search = gf.Emcee(seed=1, nwalkers=4, nsteps=1, discard=0.0, ball=0.01)
    with pytest.warns(gf.errors.ConvergenceWarning):
        search.fit(box(), analysis, start=[3.0, 4.0])
    first = np.array(analysis.points[2:6])
    assert np.all(np.abs(first - [3.0, 4.0]) <= 0.05 + 1e-12)


def test_a_start_by_instance_of_one_model_and_of_a_graph():
    truth = gf.ex.Gaussian(centre=42.0, normalization=2.0, sigma=3.0)
    x = np.arange(50.0)
    analysis = gf.ex.Analysis(truth(x) + 0.01 * np.sin(9 * x), np.full(50, 0.1))
    search = gf.LBFGS(seed=1, n_starts=1, n_draws=1)
    single = search.fit(gf.Model(gf.ex.Gaussian), analysis, start=truth)
    assert single.instance.centre == pytest.approx(42.0, abs=0.5)

    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.Model(gf.ex.Gaussian), analysis, name="night"),
        gf.AnalysisFactor(gf.Model(gf.ex.Gaussian), analysis),
    )
    instance = graph.global_prior_model.instance_from_vector(
        [42.0, 2.0, 3.0, 42.0, 2.0, 3.0]
    )
    for start in (
        instance,
        {"night.centre": 42.0, "night.sigma": 3.0, "1.centre": 42.0},
    ):
        results = search.fit(graph, start=start)
        assert results["night"].instance.centre == pytest.approx(42.0, abs=0.5)


BAD_STARTS = [
    ({"aa": 1.0}, "there is no parameter 'aa'. Did you mean 'a'?"),
    ({"a": 11.0}, "a = 11 is outside its prior's range 0 to 10;"),
    ({"a": "three"}, "a = 'three' is not a number"),
    ({"a": None}, "a = None is not a number"),
    ({"a": float("nan")}, "a = nan"),
    ([1.0], "needs 2 values, one for each of a, b"),
    ([1.0, 2.0, 3.0], "got shape (3,)"),
    ([-1.0, 2.0], "a = -1"),
    (["x", 1.0], "a = 'x' is not a number"),
    (gf.ex.Gaussian(), "has no 'a'"),
    (3.0, "has no 'a'"),
]


@pytest.mark.parametrize(("start", "phrase"), BAD_STARTS)
def test_a_bad_start_is_refused(start, phrase):
    with pytest.raises(ModelError, match=re.escape(phrase)) as caught:
        SEARCH.fit(box(), Recorded(), start=start)
    assert str(caught.value).startswith("start: ")


def test_a_start_against_a_condition_is_refused():
    model = box()
    model.add_assertion(model.a < model.b)
    with pytest.raises(ModelError, match="condition"):
        SEARCH.fit(model, Recorded(), start=[3.0, 2.0])


@pytest.mark.parametrize("engine", [gf.DynestyStatic, gf.DynestyDynamic])
def test_nested_sampling_takes_no_start(engine):
    with pytest.raises(SettingError, match=r"takes no start=.*gf\.Emcee or gf\.LBFGS"):
        engine(seed=1).fit(two_parts(), start=[1.0, 1.0, 1.0])
