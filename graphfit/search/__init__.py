"""Searches: engines that explore a program, one file each."""

from graphfit.search.dynesty import DynestyDynamic, DynestyStatic
from graphfit.search.emcee import Emcee
from graphfit.search.expectation_propagation.expectation_propagation import (
    ExpectationPropagation,
)
from graphfit.search.grid_search import SearchGridSearch
from graphfit.search.lbfgs import LBFGS
from graphfit.search.least_squares.batch_result import BatchResult
from graphfit.search.least_squares.curve_fit import CurveFitInfo, curve_fit
from graphfit.search.least_squares.levenberg_marquardt import LevenbergMarquardt
from graphfit.search.nested.nested_sampler import NestedSampler
from graphfit.search.nuts.nuts import NUTS
from graphfit.search.search import Search

__all__ = [
    "LBFGS",
    "NUTS",
    "BatchResult",
    "CurveFitInfo",
    "DynestyDynamic",
    "DynestyStatic",
    "Emcee",
    "ExpectationPropagation",
    "LevenbergMarquardt",
    "NestedSampler",
    "Search",
    "SearchGridSearch",
    "curve_fit",
]
