"""Factor graphs: datasets with their models, joined by the priors they share."""

from graphfit.graph.factor import AnalysisFactor, HierarchicalFactor
from graphfit.graph.factor_graph import FactorGraphModel

__all__ = ["AnalysisFactor", "FactorGraphModel", "HierarchicalFactor"]
