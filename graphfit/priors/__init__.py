"""Priors and relations between them: the leaves of a model."""

from graphfit.priors.beta import BetaPrior
from graphfit.priors.expression import Comparison, Expression, Relation, relation
from graphfit.priors.flat import FlatPrior
from graphfit.priors.gamma import ExponentialPrior, GammaPrior, InverseGammaPrior
from graphfit.priors.gaussian import GaussianPrior, TruncatedGaussianPrior
from graphfit.priors.half_gaussian import HalfGaussianPrior
from graphfit.priors.heavy_tailed import HalfCauchyPrior, StudentTPrior
from graphfit.priors.lkj import LKJCorrelation
from graphfit.priors.log_gaussian import LogGaussianPrior
from graphfit.priors.mixture import MixturePrior, stick_breaking
from graphfit.priors.multivariate import MultivariateGaussianPrior
from graphfit.priors.ordered import OrderedPrior, ordered_priors
from graphfit.priors.pixel_map import pixel_map
from graphfit.priors.prior import Prior
from graphfit.priors.uniform import LogUniformPrior, UniformPrior

# The families by name, as files know them.
PRIOR_FAMILIES: dict[str, type[Prior]] = {
    family.__name__: family
    for family in (
        BetaPrior,
        ExponentialPrior,
        FlatPrior,
        GammaPrior,
        GaussianPrior,
        HalfCauchyPrior,
        HalfGaussianPrior,
        InverseGammaPrior,
        LogGaussianPrior,
        LogUniformPrior,
        MixturePrior,
        OrderedPrior,
        StudentTPrior,
        TruncatedGaussianPrior,
        UniformPrior,
    )
}

__all__ = [
    "PRIOR_FAMILIES",
    "BetaPrior",
    "Comparison",
    "ExponentialPrior",
    "Expression",
    "FlatPrior",
    "GammaPrior",
    "GaussianPrior",
    "HalfCauchyPrior",
    "HalfGaussianPrior",
    "InverseGammaPrior",
    "LKJCorrelation",
    "LogGaussianPrior",
    "LogUniformPrior",
    "MixturePrior",
    "MultivariateGaussianPrior",
    "OrderedPrior",
    "Prior",
    "Relation",
    "StudentTPrior",
    "TruncatedGaussianPrior",
    "UniformPrior",
    "ordered_priors",
    "pixel_map",
    "relation",
    "stick_breaking",
]
