"""What is told of reductions is what the sampler does, and its hints come true."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.compiler.lower import as_graph, lower
from graphfit.compiler.reductions.exact_reductions import (
    exact_reductions,
    reductions_of_part,
)
from graphfit.search.nested.nested_problem import NestedProblem
from graphfit.search.nested.reductions import reductions

X = np.linspace(-3.0, 3.0, 16)
ROOM = "with a uniform or Gaussian one it would be integrated out"


def line(x, height, centre, width):
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def level(x, a, b):
    return a + b * x


def line_model(**others):
    own = {
        "height": gf.UniformPrior(0.0, 5.0),
        "centre": gf.UniformPrior(-2.0, 2.0),
        "width": gf.UniformPrior(0.3, 2.0),
    }
    return gf.Model(line, **{**own, **others})


def profile(**settings):
    if settings.get("likelihood") == "poisson":
        return gf.ProfileAnalysis(X, np.ones(X.size), **settings)
    return gf.ProfileAnalysis(X, np.exp(-(X**2)), noise_map=0.1, **settings)


def lines(count=2, **others):
    """A sum of lines, whose priors are their own."""
    models = [
        line_model(**{k: make() for k, make in others.items()}) for _ in range(count)
    ]
    return gf.Collection(*models)


def program_of(model, analysis=None):
    if isinstance(model, gf.FactorGraphModel):
        return lower(model)
    return lower(as_graph(model, profile() if analysis is None else analysis))


def found(model, analysis=None):
    return exact_reductions(program_of(model, analysis))


def apart(*models):
    return gf.FactorGraphModel(*[gf.AnalysisFactor(m, profile()) for m in models])


SHARED = gf.UniformPrior(0.0, 5.0)
LOG = gf.LogUniformPrior(0.1, 9.0)
CASES = {
    "one line": line_model(),
    "log-uniform": line_model(height=gf.LogUniformPrior(0.1, 5.0)),
    "two lines": lines(),
    "three lines": lines(3),
    "unlimited": lines(3, height=lambda: gf.GaussianPrior(1.0, 2.0)),
    "shared": gf.Collection(line_model(height=SHARED), line_model(height=SHARED)),
    "all linear": gf.Model(level, a=gf.GaussianPrior(0, 1), b=gf.UniformPrior(0, 1)),
}


@pytest.mark.parametrize("model", CASES.values(), ids=CASES)
def test_it_is_what_the_sampler_does(model):
    program = program_of(model)
    plan = reductions(program, gf.NestedSampler())
    told = exact_reductions(program)
    names = program.space.names
    linear = () if plan.linear is None else plan.linear.positions
    assert told.integrated == tuple(names[i] for i in linear)
    assert told.ordered == tuple(tuple(names[i] for i in g) for g in plan.ordered)
    assert told.sampled == (NestedProblem(program, plan).dimension,)
    assert told.parameters == program.dimension
    assert told.is_compiled


def test_the_lines_of_text():
    assert str(found(line_model())).splitlines() == [
        "nested sampling: 2 of 3 parameters sampled; integrated out: height",
        "    exact:  quadrature=True integrates over what is left, to 1e-4.",
    ]
    assert repr(found(lines(3))).splitlines() == [
        "nested sampling: 7 of 9 parameters sampled; integrated out: 0.height, 1.height",
        "    sorted: 0.centre < 1.centre < 2.centre.",
        "    faster: 2.height: 2 amplitudes with limits are integrated out already; with "
        "a Gaussian prior it would be too.",
    ]
    assert str(found(line_model(height=LOG))).splitlines() == [
        "nested sampling: 3 parameters sampled",
        f"    faster: height: its prior is log-uniform; {ROOM}.",
    ]
    assert str(found(gf.Model(level, a=1.0, b=gf.UniformPrior(0, 1)))) == (
        "nested sampling: 0 of 1 parameter sampled; integrated out: b"
    )


def test_parts_are_told_apart():
    graph = apart(
        line_model(), lines(), line_model(height=gf.LogUniformPrior(1.0, 9.0))
    )
    told = exact_reductions(lower(graph))
    assert told.parameters == 12
    assert told.sampled == (2, 4, 3)
    assert str(told).splitlines() == [
        "nested sampling: 9 of 12 parameters sampled; integrated out: 0.height, "
        "1.0.height, 1.1.height",
        "    apart:  3 parts share no parameter.",
        "    sorted: 1.0.centre < 1.1.centre.",
        f"    faster: 2.height: its prior is log-uniform; {ROOM}.",
        "    exact:  quadrature=True integrates over 1 part with 2 or fewer left, to 1e-4.",
    ]
    many = exact_reductions(lower(apart(*[line_model() for _ in range(7)])))
    assert "0.height, 1.height, 2.height, 3.height and 3 more" in str(many)
    assert "over what is left" in str(many)


@pytest.mark.parametrize("count", [1, 3])
def test_hints_come_true(count):
    """With the prior that is asked for, the parameter is integrated out."""
    told = found(lines(count, height=lambda: gf.LogUniformPrior(0.1, 9.0)))
    assert len(told.hints) == count
    assert not told.integrated
    after = found(lines(count, height=lambda: gf.GaussianPrior(1.0, 2.0)))
    assert after.integrated == tuple(told.hints)
    assert not after.hints


def test_where_limits_leave_no_room_only_a_gaussian_helps():
    models = [line_model(), line_model(), line_model(height=LOG)]
    told = found(gf.Collection(*models))
    assert told.hints == {
        "2.height": "its prior is log-uniform; with a Gaussian one it would be integrated "
        "out"
    }


def test_other_priors_in_the_way_are_not_told():
    """Nothing but its prior keeps a parameter that is told from being integrated out."""
    height = gf.LogUniformPrior(0.1, 9.0)
    related = gf.Collection(
        a=line_model(height=height), b=line_model(height=2 * height)
    )
    conditioned = line_model(height=height)
    conditioned.add_assertion(conditioned.height > conditioned.centre)
    scale = gf.LogUniformPrior(0.1, 9.0)
    hierarchical = gf.Collection(
        a=line_model(height=gf.GaussianPrior(0.0, scale)), b=line_model(height=scale)
    )
    for model in (related, conditioned, hierarchical):
        assert not found(model).hints
    noisy = {"likelihood": "student_t", "degrees_of_freedom": 3.0}
    for settings in (noisy, {"likelihood": "poisson"}, {"jitter": "width"}):
        assert not found(line_model(height=height), profile(**settings)).hints
    # The width is not linear, whatever its prior.
    model = line_model(width=gf.LogUniformPrior(0.3, 2.0))
    assert not found(model).hints


def test_a_product_with_an_amplitude_is_no_amplitude():
    def product(x, a, b):
        return a * b * x

    told = found(gf.Model(product, a=gf.GaussianPrior(0.0, 1.0), b=LOG))
    assert told.integrated == ("a",)
    assert not told.hints


def test_models_that_are_not_compiled():
    class Own(gf.Analysis):
        def log_likelihood_function(self, instance):
            return 0.0

    told = found(line_model(), Own())
    assert told.sampled == (3,)
    assert not told.is_compiled
    assert str(told) == ""
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(line_model(), profile()),
        gf.AnalysisFactor(line_model(), Own()),
    )
    told = exact_reductions(lower(graph))
    assert told.sampled == (2, 3)
    assert told.integrated == ("0.height",)


def test_hidden_parameters_are_none_of_the_user_s():
    program = program_of(line_model())
    told = reductions_of_part(program, hidden=(0,))
    assert told.parameters == 2
    assert told.sampled == (2,)
    assert not told.integrated
    own = dict(zip(program.space.priors, ("h", "c", "w"), strict=True))
    assert reductions_of_part(program, names=own).integrated == ("h",)
