"""The population's density of one parameter, at draws of the hyper-posterior.

Where it depends on covariates or on other drawn parameters, its mean over members is taken:
what a histogram of the members' true values would follow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphfit.population.evaluation import log_density
from graphfit.population.problem import PopulationProblem
from graphfit.typing import FloatArray

MOST_MEMBERS = 200  # over which the mean is taken


def density_curves(
    problem: PopulationProblem,
    name: str,
    x: FloatArray,
    values: Sequence[Mapping[str, float]],
    others: FloatArray,
) -> FloatArray:
    """Return p(x | Lambda) at K draws of Lambda, shape (K, X).

    Parameters
    ----------
    problem : PopulationProblem
    name : str
        The drawn parameter.
    x : ndarray, shape (X,)
    values : sequence of mapping of str to float
        K draws of the hyper-parameters.
    others : ndarray, shape (N, D)
        Every member's drawn parameters, where the density depends on some.
    """
    population = problem.population
    prior = population.priors[population.names.index(name)]
    step = max(1, -(-problem.size // MOST_MEMBERS))
    chosen = np.arange(0, problem.size, step)
    covariates = _covariates(problem)[chosen]
    curves = np.empty((len(values), x.size))
    for k, value in enumerate(values):
        known: dict[Any, Any] = {
            hyper: value[label] for label, hyper in population.hyperparameters.items()
        }
        for j, item in enumerate(population.covariates):
            known[item] = covariates[:, j, None]
        for j, other in enumerate(population.priors):
            known[other] = others[chosen, j, None]
        known[prior] = x[None, :]
        with np.errstate(all="ignore"):
            density = np.exp(log_density(prior, x[None, :], known))
        curves[k] = np.broadcast_to(density, (chosen.size, x.size)).mean(axis=0)
    return curves


def _covariates(problem: PopulationProblem) -> FloatArray:
    """Return the covariates of all members, (N, C)."""
    found = np.empty((problem.size, len(problem.population.covariates)))
    for group in problem.groups:
        rows = np.searchsorted(problem.index, group.index)
        for j, column in enumerate(group.columns[group.terms.form.width :]):
            found[rows, j] = column
    return found
