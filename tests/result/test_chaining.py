"""From one fit to the next: what the new models keep."""

import math

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ResultError
from graphfit.result import ResultList
from tests.result.fits import results


@pytest.fixture(scope="module")
def fit() -> ResultList:
    return results()


def test_the_model_has_its_original_priors(fit):
    day, night = fit
    assert day.model.centre is night.model.gaussian.centre
    assert isinstance(day.model.centre, gf.UniformPrior)
    new = gf.Collection(a=day.model, b=night.model.gaussian)
    assert new.prior_count == 5


def test_instances_fix_parameters(fit):
    model = gf.Model(gf.ex.Gaussian, centre=fit[0].instance.centre)
    assert model.parameter_names == ("normalization", "sigma")
    whole = gf.Collection(fixed=fit["night"].instance, free=gf.ex.Gaussian)
    assert whole.prior_count == 3
    assert whole.instance_from_prior_medians().fixed is whole.fixed


CENTRED = {
    "error": (lambda r: r.model_centred, lambda median, error: error),
    "absolute": (lambda r: r.model_centred_absolute(2.0), lambda median, error: 2.0),
    "relative": (
        lambda r: r.model_centred_relative(0.1),
        lambda median, error: 0.1 * abs(median),
    ),
}


@pytest.mark.parametrize(("make", "width"), CENTRED.values(), ids=CENTRED)
def test_centred_priors(fit, make, width):
    day = fit["day"]
    model = make(day)
    assert model.parameter_names == day.model.parameter_names
    medians = day.samples.median_pdf(as_instance=False)
    limits = day.samples.values_at_sigma(3.0, as_instance=False)
    for old, new, median, (low, high) in zip(
        day.model.priors, model.priors, medians, limits, strict=True
    ):
        assert isinstance(new, gf.TruncatedGaussianPrior)
        assert new.mean == median
        assert new.sigma == pytest.approx(width(median, 0.5 * (high - low)))
        assert new.support == old.support


@pytest.mark.parametrize("make", [make for make, _ in CENTRED.values()], ids=CENTRED)
def test_centred_models_of_several_datasets_stay_joined(fit, make):
    day, night = make(fit["day"]), make(fit["night"])
    assert day.centre is night.gaussian.centre
    assert day.centre is not fit["day"].model.centre
    # Inside the relation too: the night's width hangs on the day's.
    assert gf.Collection(day, night).prior_count == 5
    assert night.gaussian.sigma.arguments[1] is day.sigma


def test_centred_models_of_different_widths_are_apart(fit):
    wide, narrow = (fit["day"].model_centred_absolute(a) for a in (2.0, 1.0))
    assert wide.centre is not narrow.centre
    assert wide.centre is fit["day"].model_centred_absolute(2.0).centre


def test_names_of_priors_are_kept(fit):
    model = fit["night"].model_centred
    assert model.parameter_names == fit["night"].model.parameter_names


def test_conditions_are_kept():
    from graphfit.compiler import as_graph, lower
    from graphfit.result import make_results
    from graphfit.samples import Samples

    class Flat(gf.Analysis):
        def log_likelihood_function(self, instance):
            return 0.0

    mean = gf.UniformPrior(0.0, 10.0)
    model = gf.Collection(
        low=gf.LogUniformPrior(1e-3, 1e3),
        high=gf.GaussianPrior(mean, 1.0),
        ends=gf.UniformPrior(mean, 20.0),
        mean=mean,
    )
    model.add_assertion(model.low < model.high)
    program = lower(as_graph(model, Flat()))
    samples = Samples(
        kind="optimum",
        parameter_names=program.space.names,
        values=np.array([[2.0, 3.0, 9.0, 4.0]]),
        log_likelihood=np.zeros(1),
        log_prior=np.zeros(1),
        log_weights=np.zeros(1),
    )
    result = make_results(program, samples)[0]
    # An optimum has no errors, but a width of the user's own can be used with it.
    new = result.model_centred_absolute(0.5)
    assert [prior.mean for prior in new.priors] == [2.0, 3.0, 9.0, 4.0]
    assert [prior.support for prior in new.priors] == [
        (1e-3, 1e3),
        (-math.inf, math.inf),
        (4.0, 20.0),
        (0.0, 10.0),
    ]
    assert new.assertions[0].lower is new.low
    assert not any(prior.is_conditional for prior in new.priors)


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan])
def test_widths_without_volume_are_refused(fit, width):
    with pytest.raises(ResultError, match="Parameter 'centre': a prior of width"):
        fit[0].model_centred_absolute(width)
    with pytest.raises(ResultError, match="has no volume"):
        fit[0].model_centred_relative(width)


def test_a_second_fit_with_what_the_first_found():
    """A joint fit by LBFGS, chained into a nested sampling of the centred models."""
    rng = np.random.default_rng(4)
    truth = gf.ex.Gaussian(centre=12.0, normalization=20.0, sigma=3.0)
    x = np.arange(25.0)
    centre = gf.UniformPrior(5.0, 20.0)
    analyses = [
        gf.ex.Analysis(truth(x) + rng.normal(0, 0.2, 25), np.full(25, 0.2))
        for _ in range(2)
    ]
    factors = [
        gf.AnalysisFactor(
            gf.Model(
                gf.ex.Gaussian,
                centre=centre,
                normalization=20.0,
                sigma=gf.UniformPrior(1.0, 6.0),
            ),
            analysis,
        )
        for analysis in analyses
    ]
    first = gf.LBFGS(seed=1, n_draws=50).fit(gf.FactorGraphModel(*factors))
    models = [result.model_centred_absolute(0.5) for result in first]
    graph = gf.FactorGraphModel(
        *(gf.AnalysisFactor(m, a) for m, a in zip(models, analyses, strict=True))
    )
    assert graph.global_prior_model.parameter_names == ("centre", "0.sigma", "1.sigma")
    second = gf.DynestyStatic(nlive=30, seed=1).fit(graph)
    low, high = second[0].values_at_sigma(3.0).centre
    assert low < first[0].instance.centre < high
    assert low < 12.0 < high
