"""Fallback: kernels for a factor that runs as the Python that it was written in."""

from typing import Any

import numpy as np

from graphfit.analysis import Analysis
from graphfit.analysis.pointwise import Pointwise
from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.compiler.fallback.likelihood_callback import (
    LikelihoodCallback,
    likelihood_data,
)
from graphfit.compiler.fallback.model_callback import ModelCallback
from graphfit.compiler.fallback.python_factor import PythonFactor
from graphfit.compiler.fallback.sampled_kernel import (
    noise_formula,
    sampled_data,
    sampled_likelihood,
)
from graphfit.compiler.tracer import Untraceable
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import direct_parameters


def callback_kernels(
    space: ParameterSpace,
    model: Any,
    analysis: Analysis,
    data: Pointwise | None,
    *,
    own_data: bool = True,
) -> tuple[Kernels, FactorData]:
    """Return the kernels of a factor that runs as Python, and what to call them with.

    Parameters
    ----------
    space : ParameterSpace
        Of the graph.
    model : Node
        The factor's own model.
    analysis : Analysis
        As prepared for the fit.
    data : Pointwise or None
        What it says of its data.
    own_data : bool
        Whether the kernels will be called with the data of this analysis; only then can
        their values be compared with its own.

    Returns
    -------
    Kernels, FactorData
        A :class:`ModelCallback` where the likelihood is one of graphfit's and only the
        model is Python, else a :class:`LikelihoodCallback`.
    """
    priors = tuple(direct_parameters(model))
    if data is not None:
        try:
            formula = noise_formula(model, space, data)
        except Untraceable:
            pass  # the noise is known from Python alone
        else:
            others = [prior for prior in priors if prior not in formula.parameters]
            priors = (*formula.parameters, *others)
            fixed = [False] * len(formula.literals)
            count = len(priors)
            form = sampled_likelihood(data, formula, fixed, count, range(count))
            factor = PythonFactor(space, model, priors)
            own = sampled_data(data, space, priors, np.zeros(0))
            likelihood = analysis.log_likelihood_function if own_data else None
            return ModelCallback(factor, data, form, likelihood), own
    factor = PythonFactor(space, model, priors)
    kernels = LikelihoodCallback(factor, analysis.log_likelihood_function)
    return kernels, likelihood_data(space, priors, analysis)
