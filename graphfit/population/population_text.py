"""A population's fit as text: the first thing to read."""

from typing import Any

import numpy as np

from graphfit.population.diagnostics import HIGHEST_NOISE, HIGHEST_VARIANCE
from graphfit.result.text import parameter_table


def population_text(result: Any) -> str:
    """Return the text of a population's fit.

    Parameters
    ----------
    result : PopulationResult
    """
    problem, found = result.problem, result.members
    record = result.results.record
    names = list(problem.population.hyperparameters)
    kind = (
        "" if problem.has_evidence else " (relative: not every member has an evidence)"
    )
    lines = [
        f"Population of {problem.size} members",
        "",
        problem.population.info,
        "",
        parameter_table(record, range(len(names)), record.parameter_names),
        "",
        f"ln Z = {record.log_evidence:.3f} +/- {record.log_evidence_error:.3f}{kind}",
        f"likelihood: {problem.plan.reason}; {_shares(problem)}",
    ]
    n_eff = found.n_eff[np.isfinite(found.n_eff)]
    if n_eff.size:
        lines.append(
            f"effective draws a member: median {np.median(n_eff):.1f}, lowest "
            f"{n_eff.min():.1f}; {int(found.flagged.sum())} members below 10"
        )
    lines.append(
        f"variance of ln L: {found.total_variance:.3g}; it moves the posterior by "
        f"{found.noise:.2g} of its standard deviations (limits {HIGHEST_VARIANCE:g} and "
        f"{HIGHEST_NOISE:g})"
    )
    if problem.sites is not None or problem.mixtures is not None:
        lines.append(
            f"error of sites: {found.site_error:.2g} posterior standard deviations; "
            f"largest difference of one member {found.largest_difference:.2g}"
        )
    if problem.selection is not None:
        lines.append(
            f"injections: {found.effective_injections:.0f} effective, variance of ln L "
            f"{found.selection_variance:.3g}"
        )
    lines += [f"warning: {text}" for text in found.warnings]
    return "\n".join(lines)


def _shares(problem: Any) -> str:
    counts = []
    for group, how in (
        (problem.sites, "sites"),
        (problem.mixtures, "mixtures of 2 or 3"),
        (problem.draws, "draws"),
    ):
        size = 0 if group is None else group.index.size
        if size or how != "mixtures of 2 or 3":
            counts.append(f"{size} by {how}")
    return ", ".join(counts)
