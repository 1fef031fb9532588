"""Model choice: which of several models made the data, by their evidences.

The core are functions over arrays of ln Z, (K models, P... pixels); results and cubes are
read into them by :func:`compare`, and :func:`fit_components` fits what is compared.
"""

from graphfit.model_choice.averages import averaged
from graphfit.model_choice.compare import compare
from graphfit.model_choice.comparison import ModelComparison
from graphfit.model_choice.cube_comparison import CubeComparison
from graphfit.model_choice.fit_components import fit_components
from graphfit.model_choice.neighbours import PooledPrior, pooled
from graphfit.model_choice.population_prior import PopulationPrior, population_prior
from graphfit.model_choice.probabilities import (
    best_model,
    false_positive_bound,
    log_bayes_factors,
    probabilities,
    probability_errors,
)
from graphfit.model_choice.shared import compare_shared

__all__ = [
    "CubeComparison",
    "ModelComparison",
    "PooledPrior",
    "PopulationPrior",
    "averaged",
    "best_model",
    "compare",
    "compare_shared",
    "false_positive_bound",
    "fit_components",
    "log_bayes_factors",
    "pooled",
    "population_prior",
    "probabilities",
    "probability_errors",
]
