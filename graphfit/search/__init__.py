"""Searches: engines that explore a program, one file each."""

from graphfit.search.dynesty import DynestyDynamic, DynestyStatic
from graphfit.search.emcee import Emcee
from graphfit.search.grid_search import SearchGridSearch
from graphfit.search.lbfgs import LBFGS
from graphfit.search.search import Search

__all__ = [
    "LBFGS",
    "DynestyDynamic",
    "DynestyStatic",
    "Emcee",
    "Search",
    "SearchGridSearch",
]
