"""Models for the next fit, with priors centred on what this one found."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import substitute
from graphfit.priors import Prior, TruncatedGaussianPrior
from graphfit.result.model_samples import ModelSamples


@final
@dataclass(frozen=True, slots=True)
class Width:
    """How wide the new priors are.

    Parameters
    ----------
    kind : {"error", "absolute", "relative"}
        `value` times half the 3-sigma interval; `value` itself; `value` times |median|.
    value : float, > 0
    """

    kind: Literal["error", "absolute", "relative"]
    value: float = 1.0


# What was made for which parameter of a fit: one new prior for one old one and one width,
# so that the models of several datasets stay joined.
CentredPriors: TypeAlias = dict[tuple[Width, Prior], Prior]


def centred_model(samples: ModelSamples, width: Width, made: CentredPriors) -> Any:
    """Return the model with a Gaussian prior around the median of each parameter.

    The new priors keep the limits of the old ones' support, and sharing: one prior in two
    places, or in the models of two datasets, becomes one new prior.

    Parameters
    ----------
    samples : ModelSamples
        The posterior.
    width : Width
        The standard deviations.
    made : dict
        The new priors of this fit so far; added to.

    Raises
    ------
    ResultError
        If a width is not above 0, or there are no errors to make widths of.
    """
    model: Any = samples.model
    space = ParameterSpace(model)
    medians = np.array(samples.median_pdf(as_instance=False))
    low, high = space.support(medians)
    replacement: dict[Prior, Prior] = {}
    for i, sigma in enumerate(_sigmas(samples, width, medians)):
        prior = space.priors[i]
        if not sigma > 0:
            msg = (
                f"Parameter {space.names[i]!r}: a prior of width {sigma:g} around "
                f"{medians[i]:g} has no volume; use model_centred_absolute with a width "
                "above 0."
            )
            raise ResultError(msg)
        key = (width, prior)
        if key not in made:
            made[key] = TruncatedGaussianPrior(
                medians[i], sigma, low[i], high[i], name=prior.name
            )
        replacement[prior] = made[key]
    return substitute(model, replacement)


def _sigmas(samples: ModelSamples, width: Width, medians: Any) -> list[float]:
    if width.kind == "absolute":
        return [width.value] * len(medians)
    if width.kind == "relative":
        return [float(width.value * abs(median)) for median in medians]
    limits = samples.values_at_sigma(3.0, as_instance=False)
    return [width.value * 0.5 * (high - low) for low, high in limits]
