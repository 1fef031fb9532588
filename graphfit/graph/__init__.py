"""Factor graphs: datasets with their models, joined by the priors they share."""

from graphfit.graph.factor import AnalysisFactor
from graphfit.graph.factor_graph import FactorGraphModel
from graphfit.graph.hierarchical_factor import HierarchicalFactor

__all__ = ["AnalysisFactor", "FactorGraphModel", "HierarchicalFactor"]
