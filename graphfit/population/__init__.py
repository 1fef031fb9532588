"""Populations: the density that many members' parameters are drawn from, from their fits."""

from graphfit.population.diagnostics import MemberDiagnostics
from graphfit.population.fit import fit
from graphfit.population.injections import Injections
from graphfit.population.peak_search import PeakSearch
from graphfit.population.population_model import PopulationModel
from graphfit.population.population_result import PopulationResult
from graphfit.population.refresh import refresh
from graphfit.population.shrinkage import ShrunkenMember

__all__ = [
    "Injections",
    "MemberDiagnostics",
    "PeakSearch",
    "PopulationModel",
    "PopulationResult",
    "ShrunkenMember",
    "fit",
    "refresh",
]
