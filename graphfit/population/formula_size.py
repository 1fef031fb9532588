"""How many draws of a member fit into one formula.

The compiler unrolls the sum over draws, and refuses formulas beyond a size.  The lines of a
formula with its gradient rise in proportion to the draws, so two small ones tell the rest.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphfit.compiler.differentiate import gradient
from graphfit.compiler.trace import trace
from graphfit.compiler.tracer import MOST_LINES, Tracer, Untraceable
from graphfit.population.draw_form import DrawForm
from graphfit.population.population_model import PopulationModel

FEW, MORE = 4, 8  # draws
MARGIN = 0.9
FEWEST = 16  # of which a compiled likelihood is worth having


def most_draws(population: PopulationModel, wanted: int) -> int:
    """Return the draws to keep: as many as wanted, or as the compiler takes.

    Parameters
    ----------
    population : PopulationModel
        A density that has no formula runs as Python, with all draws.
    wanted : int
        Draws.

    Examples
    --------
    >>> import graphfit as gf
    >>> model = PopulationModel(width=gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0))
    >>> most_draws(model, 100), most_draws(model, 10_000) < 1000
    (100, True)
    """
    try:
        few, more = _lines(population, FEW), _lines(population, MORE)
    except Untraceable:
        return wanted
    each = (more - few) / (MORE - FEW)
    most = int((MARGIN * MOST_LINES - few) / each) + FEW
    return wanted if most < FEWEST else min(wanted, most)


def _lines(population: PopulationModel, draws: int) -> int:
    """Return the lines of the formula of so many draws, its gradient included."""
    form = DrawForm(population.priors, draws)
    hyper = list(population.hyperparameters.values())
    count = form.width + len(population.covariates)

    def call(x: Sequence[Any], parameter: Callable[[int], Tracer]) -> list[Any]:
        known: dict[Any, Any] = {prior: parameter(j) for j, prior in enumerate(hyper)}
        known |= dict(zip(population.covariates, x[form.width :], strict=True))
        return [form(x[: form.width], known)]

    unit = np.ones(1)
    traced = trace(call, [unit] * count, unit.shape)
    wrt = [traced.tape.parameter(j) for j in range(len(hyper))]
    gradient(traced.tape, traced.outputs[0], wrt)
    return len(traced.tape.nodes)
