"""explain, for graphs over cubes too: how a pixel is evaluated, and why."""

from typing import Any

from graphfit.analysis import Analysis
from graphfit.compiler import Explanation, as_graph
from graphfit.compiler import explain as explain_datasets
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.pixel_engine import pixel_analysis
from graphfit.cube.problem import CubeProblem, read_problem
from graphfit.graph import FactorGraphModel
from graphfit.search import LevenbergMarquardt
from graphfit.search.least_squares.row_problem import stand_in


def explain(model: Any, analysis: Any = None) -> Explanation:
    """Return how each factor of a graph is evaluated, why, and what would be faster.

    Of a cube it tells how its pixels are.

    Parameters
    ----------
    model : FactorGraphModel, Model or Collection
        As for ``search.fit`` and ``gf.fit_cube``.
    analysis : Analysis or FactorGraphModel, optional
        As for ``search.fit``.

    Returns
    -------
    Explanation
        A record; its text is meant to be read.

    Raises
    ------
    GraphError, ModelError, DataError
        If there is nothing to evaluate.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def decay(x, a, b):
    ...     return a * np.exp(-b * x)
    >>> model = gf.Model(decay, a=gf.UniformPrior(0, 9), b=gf.UniformPrior(0, 2))
    >>> cube = gf.CubeAnalysis(np.ones((5, 2, 2)), noise=0.1, fitting_axes=0)
    >>> print(explain(model, cube))
    0: compiled
    1 of 1 factors compiled, 1 kernel
    """
    graph = as_graph(model, analysis)
    own = [factor.analysis for factor in graph.factors.values()]
    if not any(isinstance(item, CubeAnalysis) for item in own):
        return explain_datasets(graph)
    problem = read_problem(graph, LevenbergMarquardt(), None)
    return explain_datasets(_of_a_pixel(problem))


def _of_a_pixel(problem: CubeProblem) -> FactorGraphModel:
    """Return the graph with something like a pixel's data in every cube's place."""
    model = problem.model
    analyses: dict[str, Analysis] = {}
    for name, factor in model.factors.items():
        if factor.analysis is None:
            analyses[name] = stand_in(
                factor.inputs, factor.settings, has_sigma=factor.has_sigma
            )
        else:
            first = tuple(slice(0, 1) for _ in problem.map_shape)
            rows = problem.cubes[name].read(first)
            analyses[name] = pixel_analysis(factor, rows, 0)
    return model.graph.with_analyses(analyses, model.numbers(model.trial))
