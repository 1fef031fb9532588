"""From samples to results: the last step of every fit, fresh or reloaded."""

from typing import Any

from graphfit.compiler import Program
from graphfit.result.chaining import CentredPriors
from graphfit.result.model_samples import ModelSamples, column_positions
from graphfit.result.result import Result, ResultList
from graphfit.samples import Samples


def make_results(program: Program, samples: Samples) -> ResultList:
    """Return the results of a fit, one a factor.

    Parameters
    ----------
    program : Program
        Of the graph that was fitted.
    samples : Samples
        What the search found.
    """
    joint = program.graph.global_prior_model
    positions = column_positions(joint)
    best = samples.values[samples.best]
    likelihoods = program.factor_log_likelihoods(best)
    chi_squared = program.factor_chi_squared(best)
    results: dict[str, Result] = {}
    returned: dict[str, Any] = {}
    centred: CentredPriors = {}
    for i, (name, analysis) in enumerate(program.analyses.items()):
        results[name] = Result(
            name,
            ModelSamples(
                samples, joint[name], positions, _derived(program, samples, name)
            ),
            analysis,
            log_likelihood=float(likelihoods[i]),
            chi_squared=float(chi_squared[i]),
            centred=centred,
        )
        returned[name] = analysis.make_result(results[name])
    whole = ModelSamples(samples, joint, positions)
    return ResultList(results, whole, returned, program.graph)


def _derived(program: Program, samples: Samples, factor: str) -> dict[str, int]:
    """Return the columns of what one factor's analysis derives, by its own names."""
    first = len(samples.parameter_names) + len(program.space.derived_names)
    if first == len(samples.names):
        return {}
    prefix = f"{factor}." if len(program.analyses) > 1 else ""
    return {
        name.removeprefix(prefix): column
        for column, name in enumerate(samples.names)
        if column >= first and name.startswith(prefix)
    }
