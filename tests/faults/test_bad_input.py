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
        ["Factor '0'", "returned None"],
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
