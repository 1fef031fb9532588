"""Where optimisers begin: the best of draws from the prior, improved parameter by parameter.

A parameter at which the likelihood is silent (a line of no strength, a centre off the data)
gives an optimiser nothing to go by.  So each is tried at quantiles of its prior, the others
held.  Parameters that meet in no factor, like the amplitudes of different datasets, are
tried in one evaluation: each keeps what is best for its own factors.  A graph of a thousand
datasets costs as many evaluations as one dataset does.
"""

from collections.abc import Sequence

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import ImpossibleError
from graphfit.priors import Expression, Prior
from graphfit.search.task import Task
from graphfit.typing import FloatArray


def starting_points(
    task: Task, n_starts: int, n_draws: int, n_sweep: int, who: str
) -> tuple[list[FloatArray], int]:
    """Return points `(D,)` to begin at: the given start first, then the best of draws.

    And how many evaluations of the joint likelihood it took.

    Parameters
    ----------
    task : Task
        The problem, with the user's start if there is one.
    n_starts : int, >= 1
        Points wanted; fewer where fewer have a finite likelihood.
    n_draws : int, >= 1
        Draws from the prior; the first is its median.
    n_sweep : int, >= 0
        Quantiles at which each parameter is tried.
    who : str
        The search, for messages.

    Raises
    ------
    ImpossibleError
        If no draw has a finite likelihood.
    """
    program = task.program
    given = [] if task.start is None else [task.start]
    if len(given) >= n_starts:
        return given, 0
    units = task.rng().random((n_draws, program.dimension))
    units[0] = 0.5
    values = np.array([_log_posterior(task, unit) for unit in units])
    order = np.argsort(-values, kind="stable")
    chosen = [units[i] for i in order[: n_starts - len(given)] if values[i] > -np.inf]
    if not chosen and not given:
        msg = (
            f"{who}: ln L is -inf at all of {n_draws} draws from the prior; give start=, or "
            "priors nearer to the data."
        )
        raise ImpossibleError(msg)
    groups = _groups(program)
    swept = [_swept(task, unit, n_sweep, groups) for unit in chosen]
    evaluations = n_draws + len(chosen) * (1 + len(groups) * (n_sweep + 1))
    return given + [program.prior_transform(unit) for unit in swept], evaluations


def separate_groups(program: Program) -> list[tuple[list[int], list[list[int]]]]:
    """Return groups of parameters of which no two reach the same factor.

    Parameters
    ----------
    program : Program
        Of the graph.

    Returns
    -------
    list of (parameters, factors)
        Positions of the parameters, and for each the positions of its factors.
    """
    reach = _factors_of(program)
    groups: list[tuple[list[int], list[list[int]], set[int]]] = []
    for parameter, factors in enumerate(reach):
        for members, reached, taken in groups:
            if not taken.intersection(factors):
                members.append(parameter)
                reached.append(sorted(factors))
                taken.update(factors)
                break
        else:
            groups.append(([parameter], [sorted(factors)], set(factors)))
    return [(members, reached) for members, reached, _ in groups]


def _factors_of(program: Program) -> list[set[int]]:
    """Return the factors that move with each parameter's quantile.

    With a conditional prior's argument the parameter itself moves too.
    """
    order = {prior: i for i, prior in enumerate(program.space.priors)}
    reach: list[set[int]] = [set() for _ in order]
    for factor, priors in enumerate(program.factor_priors):
        for prior in _with_arguments(priors):
            reach[order[prior]].add(factor)
    return reach


def _with_arguments(priors: Sequence[Prior]) -> list[Prior]:
    """Return the priors and all that their arguments depend on."""
    found: dict[Prior, None] = {}
    waiting: list[Expression] = list(priors)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Prior):
            if item in found:
                continue
            found[item] = None
        waiting.extend(o for _, o in item.operands() if isinstance(o, Expression))
    return list(found)


def _log_posterior(task: Task, unit: FloatArray) -> float:
    theta = task.program.prior_transform(unit)
    prior = float(task.program.log_prior(theta))
    return prior + task.log_likelihood(theta) if prior > -np.inf else -np.inf


Groups = Sequence[tuple[list[int], list[list[int]]]]


def _groups(program: Program) -> Groups:
    # A likelihood in Python may be slow: its calls go through the journal, as a whole.
    if not program.is_compiled:
        return [([i], [[0]]) for i in range(program.dimension)]
    return separate_groups(program)


def _swept(task: Task, unit: FloatArray, n_sweep: int, groups: Groups) -> FloatArray:
    """Return the point after one sweep over all parameters' quantiles."""
    best = unit.copy()
    values = _factor_values(task, best)
    for members, reached in groups:
        held = best.copy()
        scores = np.array([values[factors].sum() for factors in reached])
        for quantile in np.arange(1, n_sweep + 1) / (n_sweep + 1):
            tried = held.copy()
            tried[members] = quantile
            found = _factor_values(task, tried)
            sums = np.array([found[factors].sum() for factors in reached])
            better = sums > scores
            best[np.array(members)[better]] = quantile
            scores = np.where(better, sums, scores)
        values = _factor_values(task, best)
    return best


def _factor_values(task: Task, unit: FloatArray) -> FloatArray:
    """Return the factors' log-likelihoods `(F,)`, -inf where the point is rejected."""
    theta = task.program.prior_transform(unit)
    if task.program.is_compiled:
        return task.program.term_log_likelihoods(theta)
    return np.array([task.log_likelihood(theta)])
