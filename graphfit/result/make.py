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
            ModelSamples(samples, joint[name], positions),
            analysis,
            log_likelihood=float(likelihoods[i]),
            chi_squared=float(chi_squared[i]),
            centred=centred,
        )
        returned[name] = analysis.make_result(results[name])
    return ResultList(results, ModelSamples(samples, joint, positions), returned)
