"""Models for the next fit, with priors centred on what this one found."""

from collections.abc import Callable
from typing import Any

from graphfit.errors import ResultError
from graphfit.model.tree import free_parameters, substitute
from graphfit.priors import GaussianPrior, Prior, TruncatedGaussianPrior
from graphfit.result.model_samples import ModelSamples


def centred_model(samples: ModelSamples, width: Callable[[float, float], float]) -> Any:
    """Return the model with a Gaussian prior around the median of each parameter.

    The new priors keep the limits of the old ones' support, and sharing: one prior in two
    places becomes one new prior.

    Parameters
    ----------
    samples : ModelSamples
        The posterior.
    width : callable
        ``width(median, error)`` gives the standard deviation, > 0; `error` is half the
        3-sigma interval.
    """
    model = samples.model
    medians = samples.median_pdf(as_instance=False)
    errors = [0.5 * (hi - lo) for lo, hi in samples.values_at_sigma(3.0, False)]
    replacement: dict[Prior, Prior] = {}
    names = free_parameters(model)
    for (prior, name), centre, error in zip(
        names.items(), medians, errors, strict=True
    ):
        sigma = width(centre, error)
        if not sigma > 0:
            msg = (
                f"Parameter {name!r}: a prior of width {sigma:g} around {centre:g} has no "
                "volume; use model_centred_absolute with a width > 0."
            )
            raise ResultError(msg)
        replacement[prior] = _gaussian(prior, centre, sigma)
    return substitute(model, replacement)


def _gaussian(prior: Prior, centre: float, sigma: float) -> Prior:
    if prior.is_conditional:
        return GaussianPrior(centre, sigma, name=prior.name)
    lower, upper = prior.support
    return TruncatedGaussianPrior(centre, sigma, lower, upper, name=prior.name)
