"""The public names: adding one is a decision, losing one breaks users' scripts."""

import pytest

import graphfit as gf

PUBLIC = [
    "LBFGS",
    "Analysis",
    "AnalysisFactor",
    "Array",
    "BatchResult",
    "BetaPrior",
    "Collection",
    "CovarianceInterpolator",
    "CubeAnalysis",
    "CubeComparison",
    "CubeResult",
    "CurveFitInfo",
    "DataWarning",
    "DatasetChecks",
    "DynestyDynamic",
    "DynestyStatic",
    "Emcee",
    "ExpectationPropagation",
    "Explanation",
    "ExponentialPrior",
    "FactorGraphModel",
    "FitException",
    "FitInfoArrayContainer",
    "FitInterrupted",
    "FlatPrior",
    "GammaPrior",
    "GaussianPrior",
    "GraphfitError",
    "GridSearchResult",
    "HalfCauchyPrior",
    "HalfGaussianPrior",
    "HierarchicalFactor",
    "InverseGammaPrior",
    "LKJCorrelation",
    "LeaveOneOut",
    "LevenbergMarquardt",
    "LinearInterpolator",
    "LogGaussianPrior",
    "LogUniformPrior",
    "MixturePrior",
    "Model",
    "ModelComparison",
    "ModelInstance",
    "MultivariateGaussianPrior",
    "NestedSampler",
    "NUTS",
    "Pointwise",
    "PredictiveCheck",
    "ProfileAnalysis",
    "ProfileInstance",
    "Result",
    "ResultList",
    "SearchGridSearch",
    "Sensitivity",
    "SensitivityResult",
    "SplineInterpolator",
    "Status",
    "StudentTPrior",
    "Tension",
    "TruncatedGaussianPrior",
    "UniformPrior",
    "compare",
    "compare_shared",
    "curve_fit",
    "dataset_checks",
    "ex",
    "explain",
    "fit_components",
    "fit_cube",
    "leave_one_out",
    "ordered_priors",
    "parallel_fit_dask",
    "pixel_map",
    "plot",
    "population",
    "posterior_predictive",
    "relation",
    "signal",
    "start_values",
    "tension",
    "stick_breaking",
    "util",
]


def test_the_public_map():
    assert sorted(gf.__all__) == sorted(PUBLIC)


def test_every_public_name_exists():
    assert [name for name in gf.__all__ if not hasattr(gf, name)] == []


def test_nothing_else_is_public_but_the_rooms():
    rooms = {
        "analysis",
        "checks",
        "cli",
        "compiler",
        "cube",
        "errors",
        "graph",
        "io",
        "kernels",
        "model",
        "model_choice",
        "priors",
        "result",
        "samples",
        "scheduling",
        "search",
        "seeding",
        "sensitivity",
        "typing",
    }
    found = {name for name in dir(gf) if not name.startswith("_")}
    assert found - rooms <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    assert getattr(gf, name).__doc__
