"""Program: what a user's likelihood may do, and what is told when it fails."""

import math
import pickle
import traceback
import warnings

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler import Program, as_graph, lower
from graphfit.errors import GraphError, LikelihoodError, ModelError
from tests.model.components import Frozen, Plain


class Returns(gf.Analysis):
    """Calls a function in place of a likelihood."""

    def __init__(self, function):
        self.function = function

    def log_likelihood_function(self, instance):
        return self.function(instance)


def free() -> gf.UniformPrior:
    return gf.UniformPrior(0.0, 1.0)


def program_of(*functions, model=None) -> Program:
    factors = [
        gf.AnalysisFactor(
            model or gf.Model(Frozen, position=free(), width=free()),
            Returns(function),
            name=f"night_{i}",
        )
        for i, function in enumerate(functions)
    ]
    return lower(gf.FactorGraphModel(*factors))


THETA = np.array([0.25, 0.5])


# --- values ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float64(2.0), np.float32(2.0), np.array(2.0), np.int64(2)]
)
def test_any_real_number_is_a_log_likelihood(value):
    assert program_of(lambda instance: value).log_likelihood(THETA) == 2.0


def test_minus_infinity_is_a_log_likelihood():
    program = program_of(lambda i: -math.inf, lambda i: 1.0)
    assert program.log_likelihood(np.array([0.1, 0.2, 0.3, 0.4])) == -math.inf


def test_large_terms_cancel_exactly():
    values = (1e300, 1.0, -1e300, 1e-300)
    program = program_of(*(lambda i, v=v: v for v in values))
    assert program.log_likelihood(np.full(8, 0.5)) == 1.0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (None, "None"),
        ("1.0", "'1.0'"),
        (1j, "1j"),
        (np.array([1.0, 2.0]), "array([1., 2.])"),
        ([1.0], "[1.0]"),
        (np.float64(np.nan), "np.float64(nan)"),
    ],
)
def test_what_is_no_log_likelihood(value, shown):
    program = program_of(lambda instance: 0.0, lambda instance: value)
    with pytest.raises(LikelihoodError) as caught:
        program.log_likelihood(np.array([0.25, 0.5, 0.125, 1.0]))
    remedy = "Return one number, a float: is a return missing, or a sum?"
    if isinstance(value, float):
        remedy = "Raise gf.FitException in the likelihood to reject such points."
    assert str(caught.value) == (
        "Factor 'night_1': Returns.log_likelihood_function returned "
        f"{shown}, which is no log-likelihood (a finite number or -inf)\n"
        "  at night_0.position = 0.25, night_0.width = 0.5, night_1.position = 0.125, "
        "night_1.width = 1\n"
        f"  {remedy}"
    )


def test_infinities_that_cancel_are_told():
    program = program_of(lambda i: math.inf, lambda i: -math.inf)
    with pytest.raises(LikelihoodError, match="'night_0'.*returned inf"):
        program.log_likelihood(np.full(4, 0.5))


def test_a_sum_beyond_all_numbers_is_told():
    program = program_of(lambda i: 1.7e308, lambda i: 1.7e308)
    with pytest.raises(LikelihoodError, match="have no finite sum"):
        program.log_likelihood(np.full(4, 0.5))


# --- errors ------------------------------------------------------------------------


def test_an_error_in_a_likelihood_names_the_factor_and_the_point():
    def broken(instance):
        return {}["missing"]

    program = program_of(lambda instance: 0.0, broken)
    with pytest.raises(LikelihoodError) as caught:
        program.log_likelihood(np.array([0.25, 0.5, 0.125, 1.0]))
    text = str(caught.value)
    assert text.startswith("Factor 'night_1': Returns of Frozen raised KeyError:")
    assert "night_1.position = 0.125, night_1.width = 1\n" in text
    assert "Raise gf.FitException" in text
    cause = caught.value.__cause__
    assert isinstance(cause, KeyError)
    assert traceback.extract_tb(cause.__traceback__)[-1].name == "broken"


def test_an_error_in_a_component_is_told_alike():
    class Strict:
        def __init__(self, a):
            if a > 0.1:
                msg = "too large"
                raise ValueError(msg)

    program = program_of(lambda instance: 0.0, model=gf.Model(Strict, a=free()))
    assert program.log_likelihood(np.array([0.05])) == 0.0
    with pytest.raises(
        LikelihoodError, match="Returns of Strict raised ValueError: too"
    ):
        program.log_likelihood(np.array([0.5]))


def test_a_likelihood_that_was_not_written():
    class Nothing(gf.Analysis):
        pass

    program = lower(as_graph(gf.Model(Frozen), Nothing()))
    with pytest.raises(
        LikelihoodError, match="Nothing must define log_likelihood_func"
    ):
        program.log_likelihood(THETA)


def test_an_interrupt_is_not_swallowed():
    def interrupted(instance):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program_of(interrupted).log_likelihood(THETA)


# --- points that are rejected ------------------------------------------------------


def reject(*_):
    raise gf.FitException


def test_fit_exception_rejects_the_point():
    assert (
        program_of(lambda i: 0.0, reject).log_likelihood(np.full(4, 0.5)) == -math.inf
    )


def test_a_component_may_reject_the_point():
    class Picky:
        def __init__(self, a):
            reject()

    program = program_of(lambda instance: 0.0, model=gf.Model(Picky, a=free()))
    assert program.log_likelihood(np.array([0.5])) == -math.inf


def test_a_relation_may_reject_the_point():
    model = gf.Model(Frozen, position=gf.relation(reject, free()), width=1.0)
    program = program_of(lambda instance: 0.0, model=model)
    assert program.log_likelihood(np.array([0.5])) == -math.inf
    assert program.log_prior(np.array([0.5])) == -math.inf


def test_a_failing_relation_is_an_error():
    model = gf.Model(Frozen, position=gf.relation(lambda p: 1 / 0, free()), width=1.0)
    program = program_of(lambda instance: 0.0, model=model)
    with pytest.raises(ModelError, match="Relation 'position'.*ZeroDivisionError"):
        program.log_likelihood(np.array([0.5]))


def test_a_violated_condition_asks_no_likelihood():
    asked = []
    model = gf.Model(Frozen, position=free(), width=free())
    model.add_assertion(model.position < model.width)
    program = program_of(lambda i: asked.append(i) or 0.0, model=model)
    assert program.log_likelihood(np.array([0.5, 0.25])) == -math.inf
    assert program.log_prior(np.array([0.5, 0.25])) == -math.inf
    assert not asked
    assert program.log_likelihood(np.array([0.25, 0.5])) == 0.0
    assert program.log_prior(np.array([0.25, 0.5])) == 0.0
    assert len(asked) == 1


def test_a_conditional_prior_without_density_asks_no_likelihood():
    scale = gf.UniformPrior(-1.0, 1.0)
    model = gf.Model(Frozen, position=gf.GaussianPrior(0.0, scale), width=scale)
    program = program_of(lambda instance: instance.position, model=model)
    theta = program.prior_transform([0.5, 0.25])
    assert np.isnan(theta[0])
    assert program.log_likelihood(theta) == -math.inf
    assert program.log_prior(theta) == -math.inf
    assert np.isfinite(program.log_likelihood(program.prior_transform([0.5, 0.75])))


def test_nothing_warns():
    scale = gf.UniformPrior(-1.0, 1.0)
    model = gf.Collection(a=np.log(scale), b=1 / (scale - scale), c=scale**0.5)
    program = program_of(lambda instance: 0.0, model=model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert program.log_likelihood(np.array([-0.5])) == 0.0


# --- the rest of the program -------------------------------------------------------


def test_instances_and_chi_squared(rng):
    data = rng.normal(size=10)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(gf.ex.Gaussian, gf.ex.Analysis(data, np.full(10, 0.5))),
        gf.AnalysisFactor(Frozen, Returns(lambda i: i.position)),
    )
    program = Program(graph)
    theta = program.prior_transform(rng.random(5))
    first, second = program.factor_instances(theta)
    assert first == gf.ex.Gaussian(*theta[:3])
    assert second == Frozen(*theta[3:])
    joint = program.instance(theta)
    assert (joint[0], joint["1"]) == (first, second)
    expected = (((data - first(np.arange(10.0))) / 0.5) ** 2).sum()
    found = program.factor_chi_squared(theta)
    assert found[0] == pytest.approx(expected, rel=1e-13)
    assert math.isnan(found[1])
    assert program.factor_log_likelihoods(theta)[1] == theta[3]
    assert program.factor_names == ("0", "1")


def test_log_prior_of_a_batch(rng):
    model = gf.Collection(a=gf.GaussianPrior(0.0, 1.0), b=free())
    model.add_assertion(model.a < model.b)
    program = program_of(lambda instance: 0.0, model=model)
    batch = np.array([program.prior_transform(u) for u in rng.random((9, 2))])
    rows = [program.log_prior(theta) for theta in batch]
    np.testing.assert_array_equal(program.log_prior(batch.T.copy()), rows)


def test_later_changes_of_the_model_are_not_followed():
    model = gf.Model(Frozen, position=free(), width=1.0)
    program = program_of(lambda instance: instance.width, model=model)
    model.width = 3.0
    assert program.log_likelihood(np.array([0.5])) == 1.0


class Prepared(gf.Analysis):
    """Counts how often it was prepared, and answers with what it was prepared for."""

    def __init__(self, width=None):
        self.width = width

    def modify_before_fit(self, model):
        return Prepared(model.width)

    def log_likelihood_function(self, instance):
        return self.width


def test_an_analysis_is_prepared_once_for_its_own_model():
    graph = as_graph(gf.Model(Frozen, width=2.0), Prepared())
    program = lower(graph)
    assert program.log_likelihood(np.array([0.5])) == 2.0
    assert graph.factor(0).analysis.width is None
    assert program.analyses["0"].width == 2.0


def test_an_analysis_that_forgets_to_return_itself():
    class Forgetful(Prepared):
        def modify_before_fit(self, model):
            self.width = 1.0

    graph = as_graph(gf.Model(Frozen), Forgetful())
    with pytest.raises(GraphError, match="must return the analysis to use, got None"):
        lower(graph)


def test_a_pickled_program_gives_the_same_bits(rng):
    centre = gf.UniformPrior(0.0, 20.0)
    analysis = gf.ex.Analysis(rng.normal(size=20), np.full(20, 0.5))
    models = [gf.Model(gf.ex.Gaussian, centre=centre, sigma=centre + i) for i in (1, 2)]
    program = Program(
        gf.FactorGraphModel(*(gf.AnalysisFactor(m, analysis) for m in models))
    )
    again = pickle.loads(pickle.dumps(program))
    assert again.space.names == program.space.names
    for u in rng.random((5, program.dimension)):
        theta = program.prior_transform(u)
        np.testing.assert_array_equal(again.prior_transform(u), theta)
        assert again.log_likelihood(theta) == program.log_likelihood(theta)


# --- the arguments of a fit --------------------------------------------------------


def test_as_graph():
    model, analysis = gf.Model(Frozen), Returns(lambda i: 0.0)
    graph = as_graph(model, analysis)
    assert graph.factor(0).prior_model is model
    assert as_graph(graph) is graph
    assert as_graph(graph, graph) is graph
    assert as_graph(graph.global_prior_model, graph) is graph
    factor = gf.AnalysisFactor(model, analysis)
    assert as_graph(factor).factor(0) is factor


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda g, m, a: (g, a), "takes no further analysis"),
        (lambda g, m, a: (g.factor(0), a), "takes no further analysis"),
        (lambda g, m, a: (m, g), "The model is not this graph's"),
        (lambda g, m, a: (m,), "fit needs data"),
        (lambda g, m, a: (m, np.ones(3)), "analysis must be an Analysis"),
        (lambda g, m, a: (5, a), "prior_model must be a Model or Collection"),
    ],
)
def test_arguments_that_do_not_belong_together(arguments, words):
    model, analysis = gf.Model(Frozen), Returns(lambda i: 0.0)
    graph = as_graph(model, analysis)
    with pytest.raises(GraphError) as caught:
        as_graph(*arguments(graph, model, analysis))
    assert words in str(caught.value)


def test_a_missing_prior_stops_before_any_work():
    with pytest.raises(ModelError, match="'0.a' has no prior and no value"):
        as_graph(gf.Model(Plain), Returns(lambda i: 0.0))
