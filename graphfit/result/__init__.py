"""Results: what a search returns."""

from graphfit.result.make import make_results
from graphfit.result.model_samples import ModelSamples
from graphfit.result.result import Result, ResultList

__all__ = ["ModelSamples", "Result", "ResultList", "make_results"]
