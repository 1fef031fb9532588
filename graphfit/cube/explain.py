"""explain, for graphs over cubes too: how a pixel is evaluated, and why."""

from dataclasses import replace
from typing import Any

from graphfit.analysis import Analysis
from graphfit.compiler import Explanation, as_graph
from graphfit.compiler import explain as explain_datasets
from graphfit.compiler.reductions.exact_reductions import (
    ExactReductions,
    reductions_of_part,
)
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fitting.pixel_engine import pixel_analysis
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.worker import fits_rows
from graphfit.cube.problem import CubeProblem, read_problem
from graphfit.errors import ModelError
from graphfit.graph import FactorGraphModel
from graphfit.search import NestedSampler
from graphfit.search.least_squares.row_problem import stand_in


def explain(model: Any, analysis: Any = None) -> Explanation:
    """Return how each factor of a graph is evaluated, why, and what would be faster.

    And what :class:`~graphfit.NestedSampler` does exactly instead of sampling it.  Of a cube
    it tells how its pixels are fitted.

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
    nested sampling: 1 of 2 parameters sampled; integrated out: a
        exact:  quadrature=True integrates over what is left, to 1e-4.
    """
    graph = as_graph(model, analysis)
    own = [factor.analysis for factor in graph.factors.values()]
    if not any(isinstance(item, CubeAnalysis) for item in own):
        return explain_datasets(graph)
    problem = read_problem(graph, NestedSampler(), None)
    found = explain_datasets(_of_a_pixel(problem))
    reductions = _of_all_pixels(problem)
    return found if reductions is None else replace(found, reductions=reductions)


def _of_all_pixels(problem: CubeProblem) -> ExactReductions | None:
    """Return what is reduced where pixels are fitted together; None where they are not.

    There a map in the model is no number, as it is at a single pixel.
    """
    if not fits_rows(problem.model):
        return None
    rows = RowGraph(problem.model)
    try:
        whole = rows.problem(tuple(problem.cubes))
    except ModelError:  # a condition that has no formula; a fit says so
        return None
    if not rows.fits_rows:
        return None
    space, users = whole.program.space, rows.own_names(whole)
    names = zip(space.priors, space.names, strict=True)
    return reductions_of_part(
        whole.program,
        hidden=tuple(whole.hidden),
        names={prior: users.get(name, name) for prior, name in names},
    )


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
