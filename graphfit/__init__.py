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

from graphfit import ex, plot
from graphfit.analysis import Analysis, ProfileAnalysis
from graphfit.errors import FitException, GraphfitError
from graphfit.graph import AnalysisFactor, FactorGraphModel, HierarchicalFactor
from graphfit.io import arrays as util
from graphfit.model import Array, Collection, Model, ModelInstance, ProfileInstance
from graphfit.priors import (
    BetaPrior,
    ExponentialPrior,
    FlatPrior,
    GammaPrior,
    GaussianPrior,
    HalfCauchyPrior,
    HalfGaussianPrior,
    InverseGammaPrior,
    LogGaussianPrior,
    LogUniformPrior,
    StudentTPrior,
    TruncatedGaussianPrior,
    UniformPrior,
    ordered_priors,
    relation,
)
from graphfit.result import (
    CovarianceInterpolator,
    GridSearchResult,
    LinearInterpolator,
    Result,
    ResultList,
    SplineInterpolator,
)
from graphfit.search import (
    LBFGS,
    DynestyDynamic,
    DynestyStatic,
    Emcee,
    SearchGridSearch,
)

__version__ = "0.1.0"

__all__ = [
    "LBFGS",
    "Analysis",
    "AnalysisFactor",
    "Array",
    "BetaPrior",
    "Collection",
    "CovarianceInterpolator",
    "DynestyDynamic",
    "DynestyStatic",
    "Emcee",
    "ExponentialPrior",
    "FactorGraphModel",
    "FitException",
    "FlatPrior",
    "GammaPrior",
    "GaussianPrior",
    "GraphfitError",
    "GridSearchResult",
    "HalfCauchyPrior",
    "HalfGaussianPrior",
    "HierarchicalFactor",
    "InverseGammaPrior",
    "LinearInterpolator",
    "LogGaussianPrior",
    "LogUniformPrior",
    "Model",
    "ModelInstance",
    "ProfileAnalysis",
    "ProfileInstance",
    "Result",
    "ResultList",
    "SearchGridSearch",
    "SplineInterpolator",
    "StudentTPrior",
    "TruncatedGaussianPrior",
    "UniformPrior",
    "ex",
    "ordered_priors",
    "plot",
    "relation",
    "util",
]
