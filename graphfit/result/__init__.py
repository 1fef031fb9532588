"""Results: what a search returns."""

from graphfit.result.cube_result import CubeResult
from graphfit.result.grid import GridSearchResult
from graphfit.result.interpolator import (
    CovarianceInterpolator,
    LinearInterpolator,
    SplineInterpolator,
)
from graphfit.result.make import make_results
from graphfit.result.model_samples import ModelSamples
from graphfit.result.result import Result, ResultList

__all__ = [
    "CovarianceInterpolator",
    "CubeResult",
    "GridSearchResult",
    "LinearInterpolator",
    "ModelSamples",
    "Result",
    "ResultList",
    "SplineInterpolator",
    "make_results",
]
