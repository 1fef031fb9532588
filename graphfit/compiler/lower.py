"""Lowering: from the declared graph to the program that a search runs."""

from typing import Any

from graphfit.analysis import Analysis
from graphfit.compiler.program import Program
from graphfit.errors import GraphError
from graphfit.graph import AnalysisFactor, FactorGraphModel


def as_graph(model: Any, analysis: Any = None) -> FactorGraphModel:
    """Return the factor graph that the arguments of a fit describe.

    Parameters
    ----------
    model : FactorGraphModel, Model or Collection
        A graph alone; or a model with its `analysis`; or a graph's
        ``global_prior_model`` with the graph as `analysis`.
    analysis : Analysis or FactorGraphModel, optional
        See above.

    Raises
    ------
    GraphError
        If the two do not belong together.
    """
    if isinstance(model, FactorGraphModel):
        if analysis is None or analysis is model:
            return model
        msg = "fit(graph) takes no further analysis; the graph holds its own."
        raise GraphError(msg)
    if isinstance(analysis, FactorGraphModel):
        if model is not analysis.global_prior_model:
            msg = (
                "The model is not this graph's: pass model=graph.global_prior_model with "
                "analysis=graph, or the graph alone: search.fit(graph)."
            )
            raise GraphError(msg)
        return analysis
    if isinstance(model, AnalysisFactor):
        if analysis is not None:
            msg = "fit(factor) takes no further analysis; the factor holds its own."
            raise GraphError(msg)
        return FactorGraphModel(model)
    if analysis is None:
        msg = (
            f"fit needs data: search.fit(model=model, analysis=analysis), or "
            f"search.fit(graph); got {type(model).__name__} alone."
        )
        raise GraphError(msg)
    if not isinstance(analysis, Analysis):
        msg = f"analysis must be an Analysis or a FactorGraphModel, got {analysis!r}."
        raise GraphError(msg)
    return FactorGraphModel(AnalysisFactor(model, analysis))


def lower(graph: FactorGraphModel) -> Program:
    """Return the program of a graph: index maps, prior steps, the users' functions.

    Parameters
    ----------
    graph : FactorGraphModel
        What a search is to explore.

    Examples
    --------
    >>> import graphfit as gf, numpy as np
    >>> analysis = gf.ex.Analysis(data=np.zeros(5), noise_map=np.ones(5))
    >>> program = lower(as_graph(gf.Model(gf.ex.Gaussian), analysis))
    >>> round(program.log_likelihood(np.array([2.0, 0.0, 1.0])), 6)
    -4.594693
    """
    return Program(graph)
