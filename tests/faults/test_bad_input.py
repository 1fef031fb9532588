"""Bad input meets its clear error before any work: what, where, got, what to do."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    DataError,
    GraphError,
    LikelihoodError,
    ModelError,
    PriorError,
    SettingError,
    UnknownNameError,
)

DATA, NOISE = np.zeros(5), np.ones(5)


class NoDefault:
    def __init__(self, depth, width=1.0):
        self.depth = depth


class Raises(gf.Analysis):
    def log_likelihood_function(self, instance):
        raise ValueError("singular matrix")


class Returns(gf.Analysis):
    def __init__(self, value):
        self.value = value

    def log_likelihood_function(self, instance):
        return self.value


def gaussian(**parameters):
    return gf.Model(gf.ex.Gaussian, **parameters)


def analysis(**changes):
    return gf.ex.Analysis(**{"data": DATA, "noise_map": NOISE, **changes})


def fit(model, data=None, search=None):
    search = search or gf.DynestyStatic(nlive=20, seed=1)
    return search.fit(model, data or analysis())


def named(name):
    return gf.AnalysisFactor(gaussian(), analysis(), name=name)


class Silent(gf.Analysis):
    """Has no likelihood."""


class TwoHoles:
    def __init__(self, depth, width):
        self.depth, self.width = depth, width


def profile(**changes):
    content = {"x": np.arange(5.0), "data": DATA, "noise_map": NOISE, **changes}
    return gf.ProfileAnalysis(**content)


def missing_in_one_factor():
    good = gf.AnalysisFactor(gaussian(), analysis(), name="south")
    holes = gf.AnalysisFactor(gf.Model(TwoHoles, width=1.0), analysis(), name="north")
    return gf.LBFGS().fit(gf.FactorGraphModel(good, holes))


def stray_condition():
    model = gaussian()
    model.add_assertion(model.sigma < gf.UniformPrior(0.0, 1.0))
    return fit(model)


def circle():
    model = gaussian()
    outer = gf.HierarchicalFactor(gf.GaussianPrior, mean=model.centre, sigma=1.0)
    outer.add_drawn_variable(model.centre)


def drawn_from_nowhere():
    population = gf.HierarchicalFactor(
        gf.GaussianPrior, mean=gf.UniformPrior(0, 1), sigma=1.0
    )
    population.add_drawn_variable(gf.UniformPrior(0, 1))
    gf.FactorGraphModel(named("a"), population)


def drawn_twice():
    population = gf.HierarchicalFactor(gf.GaussianPrior, mean=0.0, sigma=1.0)
    prior = gf.UniformPrior(0.0, 1.0)
    population.add_drawn_variable(prior)
    population.add_drawn_variable(prior)


def undrawn():
    population = gf.HierarchicalFactor(
        gf.GaussianPrior, mean=gf.UniformPrior(0, 1), sigma=1.0
    )
    gf.FactorGraphModel(named("a"), population)


# What is done, the error, and what its message must say.
CASES = {
    "NaN in the data": (
        lambda: analysis(data=[0.0, np.nan, 0.0, 0.0, 0.0]),
        DataError,
        ["data[1] is nan", "1 of 5", "mask"],
    ),
    "infinity in the data": (
        lambda: analysis(data=[0.0, 0.0, 0.0, 0.0, -np.inf]),
        DataError,
        ["data[4] is -inf", "1 of 5"],
    ),
    "zero noise": (
        lambda: analysis(noise_map=[1.0, 0.0, 1.0, 0.0, 1.0]),
        DataError,
        ["noise_map[1] is 0.0", "2 of 5", "> 0"],
    ),
    "negative noise": (
        lambda: analysis(noise_map=-NOISE),
        DataError,
        ["noise_map[0] is -1.0", "5 of 5"],
    ),
    "shapes that differ": (
        lambda: analysis(noise_map=np.ones(4)),
        DataError,
        ["noise_map", "(4,)", "(5,)"],
    ),
    "no data": (lambda: analysis(data=[], noise_map=[]), DataError, ["empty"]),
    "limits the wrong way round": (
        lambda: gf.UniformPrior(5.0, 2.0),
        PriorError,
        ["UniformPrior", "lower_limit=5.0", "upper_limit=2.0", "swap"],
    ),
    "a log-uniform prior from zero": (
        lambda: gf.LogUniformPrior(0.0, 2.0),
        PriorError,
        ["lower_limit=0.0", "above 0"],
    ),
    "a negative sigma": (
        lambda: gf.GaussianPrior(0.0, -1.0),
        PriorError,
        ["sigma=-1.0", "above 0"],
    ),
    "a misspelt argument of a prior": (
        lambda: gf.UniformPrior(lower=0.0, upper=1.0),
        PriorError,
        ["'lower'", "Did you mean 'lower_limit'?"],
    ),
    "a missing prior": (
        lambda: fit(gf.Model(NoDefault)),
        ModelError,
        ["depth", "no prior", "model.depth = gf.UniformPrior"],
    ),
    "a misspelt parameter": (
        lambda: gaussian(centr=3.0),
        UnknownNameError,
        ["Gaussian", "'centr'", "Did you mean 'centre'?"],
    ),
    "a misspelt attribute": (
        lambda: setattr(gaussian(), "sigm", 3.0),
        UnknownNameError,
        ["'sigm'", "Did you mean 'sigma'?"],
    ),
    "a misspelt setting": (
        lambda: gf.DynestyStatic(nlives=50),
        SettingError,
        ["DynestyStatic", "'nlives'", "Did you mean 'nlive'?"],
    ),
    "a setting of another type": (
        lambda: gf.DynestyStatic(nlive="many"),
        SettingError,
        ["nlive='many'", "an integer"],
    ),
    "a setting that is no choice": (
        lambda: gf.DynestyStatic(sample="rwalkk"),
        SettingError,
        ["sample='rwalkk'", "'rwalk'"],
    ),
    "too few live points": (
        lambda: fit(gaussian(), search=gf.DynestyStatic(nlive=4)),
        SettingError,
        ["nlive=4", "more than 6"],
    ),
    "duplicate factor names": (
        lambda: gf.FactorGraphModel(named("north"), named("north")),
        GraphError,
        ["Factors 0 and 1", "'north'"],
    ),
    "an empty graph": (
        gf.FactorGraphModel,
        GraphError,
        ["at least one AnalysisFactor"],
    ),
    "no free parameters": (
        lambda: fit(gaussian(centre=1.0, normalization=1.0, sigma=1.0)),
        GraphError,
        ["no free parameters", "gf.UniformPrior"],
    ),
    "a model without data": (
        lambda: gf.LBFGS().fit(gaussian()),
        GraphError,
        ["needs data", "analysis=analysis"],
    ),
    "an analysis that is none": (
        lambda: gf.AnalysisFactor(gaussian(), DATA),
        GraphError,
        ["must be an Analysis", "log_likelihood_function"],
    ),
    "a likelihood that raises": (
        lambda: fit(gaussian(), Raises()),
        LikelihoodError,
        ["Factor '0'", "ValueError: singular matrix", "centre = ", "FitException"],
    ),
    "a likelihood that is NaN": (
        lambda: fit(gaussian(), Returns(float("nan"))),
        LikelihoodError,
        ["Factor '0'", "returned nan", "sigma = ", "FitException"],
    ),
    "a likelihood that is nothing": (
        lambda: fit(gaussian(), Returns(None)),
        LikelihoodError,
        ["Factor '0'", "returned None", "is a return missing"],
    ),
    "a start outside the prior": (
        lambda: gf.LBFGS().fit(gaussian(), analysis(), start={"centre": -1.0}),
        ModelError,
        ["centre = -1", "0 to 100"],
    ),
    "a chained condition": (
        lambda: 0.0 < gf.UniformPrior(0.0, 1.0) < 1.0,
        ModelError,
        ["add_assertion", "a < b < c"],
    ),
    "NaN in the noise": (
        lambda: analysis(noise_map=[1.0, 1.0, np.nan, 1.0, 1.0]),
        DataError,
        ["noise_map[2] is nan", "1 of 5"],
    ),
    "text for data": (
        lambda: analysis(data=["a", "b", "c", "d", "e"]),
        DataError,
        ["data must be an array of numbers", "'a'"],
    ),
    "ragged data": (
        lambda: analysis(data=[[1.0, 2.0], [3.0]]),
        DataError,
        ["data must be an array of numbers"],
    ),
    "an image for a profile": (
        lambda: analysis(data=np.zeros((5, 5)), noise_map=np.ones((5, 5))),
        DataError,
        ["one-dimensional", "(5, 5)"],
    ),
    "NaN in a profile's data": (
        lambda: profile(data=[0.0, np.nan, 0.0, 0.0, np.nan]),
        DataError,
        ["data[1] is nan", "2 of 5", "mask of gf.ProfileAnalysis (True: left out)"],
    ),
    "zero noise in a profile": (
        lambda: profile(noise_map=0.0),
        DataError,
        ["noise_map", "0.0", "> 0"],
    ),
    "positions of another shape": (
        lambda: profile(x=np.arange(4.0)),
        DataError,
        ["x ", "(4,)", "(5,)"],
    ),
    "a mask of another shape": (
        lambda: profile(mask=np.zeros(3, dtype=bool)),
        DataError,
        ["mask", "(3,)", "(5,)"],
    ),
    "everything masked": (
        lambda: profile(mask=np.ones(5, dtype=bool)),
        DataError,
        ["mask"],
    ),
    "an unknown likelihood": (
        lambda: profile(likelihood="gausian"),
        gf.GraphfitError,
        ["'gausian'", "Did you mean 'gaussian'?"],
    ),
    "negative counts": (
        lambda: profile(
            data=[1.0, -2.0, 0.0, 3.0, 4.0], noise_map=None, likelihood="poisson"
        ),
        DataError,
        ["data[1] is -2.0"],
    ),
    "NaN for a limit": (
        lambda: gf.UniformPrior(0.0, float("nan")),
        PriorError,
        ["UniformPrior", "upper_limit", "NaN"],
    ),
    "text for a limit": (
        lambda: gf.UniformPrior("low", 1.0),
        PriorError,
        ["lower_limit", "'low'", "a number, a prior or a relation"],
    ),
    "equal limits": (
        lambda: gf.UniformPrior(2.0, 2.0),
        PriorError,
        ["lower_limit=2.0", "to fix a parameter, give a number"],
    ),
    "a prior missing in one factor of a graph": (
        missing_in_one_factor,
        ModelError,
        ["'north.depth'", "no prior"],
    ),
    "a misspelt parameter of a graph's model": (
        lambda: gf.FactorGraphModel(named("a")).global_prior_model["b"],
        UnknownNameError,
        ["'b'", "Known: a"],
    ),
    "an unknown factor": (
        lambda: gf.FactorGraphModel(named("north")).factor("nort"),
        GraphError,
        ["'nort'", "Did you mean 'north'?"],
    ),
    "a name with a dot": (
        lambda: named("a.b"),
        GraphError,
        ["'a.b'", "without dots"],
    ),
    "an analysis in place of a factor": (
        lambda: gf.FactorGraphModel(analysis()),
        GraphError,
        ["gf.AnalysisFactor(model, analysis)"],
    ),
    "a type for a value": (
        lambda: gaussian(centre=float),
        ModelError,
        ["centre", "float", "is a type"],
    ),
    "a condition that is none": (
        lambda: gaussian().add_assertion(True),
        ModelError,
        ["model.a < model.b", "True"],
    ),
    "a condition on a stranger": (
        stray_condition,
        ModelError,
        ["condition", "no parameter of the model"],
    ),
    "a relation in an if": (
        lambda: bool(gf.UniformPrior(0, 1) + 1),
        ModelError,
        ["no truth value", "np.maximum"],
    ),
    "a relation in math.exp": (
        lambda: float(gf.UniformPrior(0, 1)),
        ModelError,
        ["np.exp, not math.exp"],
    ),
    "a vector of another length": (
        lambda: gaussian().instance_from_vector([1.0, 2.0]),
        ModelError,
        ["(3,)", "centre, normalization, sigma", "(2,)"],
    ),
    "an analysis without a likelihood": (
        lambda: fit(gaussian(), Silent()),
        LikelihoodError,
        ["Silent", "must define log_likelihood_function(self, instance)"],
    ),
    "a likelihood that is infinite": (
        lambda: fit(gaussian(), Returns(float("inf"))),
        LikelihoodError,
        ["returned inf", "a finite number or -inf"],
    ),
    "a likelihood that is an array": (
        lambda: fit(gaussian(), Returns(np.zeros(3))),
        LikelihoodError,
        ["returned array([0., 0., 0.])", "Return one number", "a sum?"],
    ),
    "a likelihood that is complex": (
        lambda: fit(gaussian(), Returns(1j)),
        LikelihoodError,
        ["returned 1j"],
    ),
    "a likelihood that is text": (
        lambda: fit(gaussian(), Returns("-3")),
        LikelihoodError,
        ["returned '-3'"],
    ),
    "a start that does not exist": (
        lambda: gf.LBFGS().fit(gaussian(), analysis(), start={"center": 50.0}),
        ModelError,
        ["'center'", "Did you mean 'centre'?"],
    ),
    "a start for nested sampling": (
        lambda: gf.DynestyStatic().fit(gaussian(), analysis(), start={"centre": 50.0}),
        SettingError,
        ["DynestyStatic", "start=", "gf.LBFGS"],
    ),
    "settings by position": (
        lambda: gf.DynestyStatic("my_fit", 100),
        SettingError,
        ["by name only", "DynestyStatic(name='my_fit')"],
    ),
    "a negative seed": (
        lambda: gf.DynestyStatic(seed=-1),
        SettingError,
        ["seed=-1", "non-negative"],
    ),
    "a population that is no family": (
        lambda: gf.HierarchicalFactor(gf.ex.Gaussian, centre=1.0),
        GraphError,
        ["a family of priors such as gf.GaussianPrior"],
    ),
    "a misspelt hyper-parameter": (
        lambda: gf.HierarchicalFactor(gf.GaussianPrior, mean=1.0, sigm=1.0),
        GraphError,
        ["'sigm'", "Did you mean 'sigma'?"],
    ),
    "a population of itself": (circle, GraphError, ["is a hyper-parameter"]),
    "a drawn variable of no model": (
        drawn_from_nowhere,
        GraphError,
        ["no free parameter of any factor's model"],
    ),
    "a variable drawn twice": (drawn_twice, GraphError, ["drawn", "already"]),
    "a population without members": (undrawn, GraphError, ["no drawn variables"]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_error_says_what_and_where_and_what_to_do(case, capsys):
    action, error, phrases = CASES[case]
    with pytest.raises(error) as caught:
        action()
    message = str(caught.value)
    assert [phrase for phrase in phrases if phrase not in message] == []
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""


def test_the_cause_of_a_failing_likelihood_is_kept():
    with pytest.raises(LikelihoodError) as caught:
        fit(gaussian(), Raises())
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_rejected_point_does_not_stop_the_fit():
    class Picky(gf.Analysis):
        def log_likelihood_function(self, instance):
            if instance.centre > 50.0:
                raise gf.FitException
            return -0.5 * ((instance.centre - 45.0) / 3.0) ** 2

    model = gaussian(normalization=1.0, sigma=1.0)
    result = gf.DynestyStatic(nlive=100, seed=1).fit(model, Picky())
    possible = np.isfinite(result.samples.record.log_likelihood)
    assert result.samples.values[possible].max() <= 50.0
    assert abs(result.median_pdf().centre - 44.7) < 1.0
