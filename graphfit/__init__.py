"""graphfit: Bayesian model fitting of many datasets at once.

The shortest complete fit, two repeat observations of one Gaussian line:

>>> import numpy as np
>>> import graphfit as gf
>>> truth = gf.ex.Gaussian(centre=50.0, normalization=25.0, sigma=10.0)
>>> rng = np.random.default_rng(1)
>>> datasets = [truth(np.arange(100.0)) + rng.normal(0, 0.1, 100) for _ in range(2)]
>>> centre = gf.UniformPrior(0, 100)
>>> factors = [
...     gf.AnalysisFactor(
...         gf.Model(gf.ex.Gaussian, centre=centre, normalization=25.0),
...         gf.ex.Analysis(data=data, noise_map=np.full(100, 0.1)),
...     )
...     for data in datasets
... ]
>>> results = gf.DynestyStatic(nlive=50, seed=1).fit(gf.FactorGraphModel(*factors))
>>> bool(abs(results[0].median_pdf().centre - 50.0) < 1.0)
True
"""

from graphfit import ex, plot, population
from graphfit.analysis import Analysis, Pointwise, ProfileAnalysis
from graphfit.checks import (
    DatasetChecks,
    LeaveOneOut,
    PredictiveCheck,
    Tension,
    dataset_checks,
    leave_one_out,
    posterior_predictive,
    tension,
)
from graphfit.compiler import Explanation
from graphfit.cube import signal
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.explain import explain
from graphfit.cube.fit_cube import fit_cube
from graphfit.cube.fit_info import FitInfoArrayContainer
from graphfit.cube.interrupted import FitInterrupted
from graphfit.cube.parallel_fit import parallel_fit_dask
from graphfit.errors import DataWarning, FitException, GraphfitError
from graphfit.graph import AnalysisFactor, FactorGraphModel, HierarchicalFactor
from graphfit.io import arrays as util
from graphfit.model import (
    Array,
    Collection,
    Model,
    ModelInstance,
    ProfileInstance,
    start_values,
)
from graphfit.model_choice import (
    CubeComparison,
    ModelComparison,
    compare,
    compare_shared,
    fit_components,
)
from graphfit.priors import (
    BetaPrior,
    ExponentialPrior,
    FlatPrior,
    GammaPrior,
    GaussianPrior,
    HalfCauchyPrior,
    HalfGaussianPrior,
    InverseGammaPrior,
    LKJCorrelation,
    LogGaussianPrior,
    LogUniformPrior,
    MixturePrior,
    MultivariateGaussianPrior,
    StudentTPrior,
    TruncatedGaussianPrior,
    UniformPrior,
    ordered_priors,
    pixel_map,
    relation,
    stick_breaking,
)
from graphfit.result import (
    CovarianceInterpolator,
    CubeResult,
    GridSearchResult,
    LinearInterpolator,
    Result,
    ResultList,
    SplineInterpolator,
)
from graphfit.samples import Status
from graphfit.search import (
    LBFGS,
    NUTS,
    BatchResult,
    CurveFitInfo,
    DynestyDynamic,
    DynestyStatic,
    Emcee,
    ExpectationPropagation,
    LevenbergMarquardt,
    NestedSampler,
    SearchGridSearch,
    curve_fit,
)
from graphfit.sensitivity import Sensitivity, SensitivityResult

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "NUTS",
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
    "stick_breaking",
    "tension",
    "util",
]
