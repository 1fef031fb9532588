"""Samples: what a search found, as arrays and nothing else."""

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from graphfit.typing import FloatArray

Kind = Literal["nested", "mcmc", "optimum"]


@final
@dataclass(frozen=True, eq=False)
class Samples:
    """Weighted points of parameter space with their log-likelihoods.

    Attributes
    ----------
    kind : {"nested", "mcmc", "optimum"}
        Weighted nested samples, equally weighted chain, or the one best point.
    parameter_names : tuple of str, length D
        Free parameters.
    values : ndarray, shape (S, D)
        Physical parameters.
    log_likelihood : ndarray, shape (S,)
        ln L, summed over the factors.
    log_prior : ndarray, shape (S,)
        ln p(theta), normalised.
    log_weights : ndarray, shape (S,)
        Logarithms of the weights, which sum to one.
    derived_names : tuple of str, length R
        Relations, and what analyses derive.
    derived : ndarray, shape (S, R)
        Their values.
    log_evidence, log_evidence_error : float
        ln Z and its standard error; NaN where the search gives none.
    evaluations : int
        Calls of the joint likelihood.
    ess_limit : float
        The effective sample size where weights alone overstate it: autocorrelated chains,
        rows that are drawn more than once.
    """

    kind: Kind
    parameter_names: tuple[str, ...]
    values: FloatArray
    log_likelihood: FloatArray
    log_prior: FloatArray
    log_weights: FloatArray
    derived_names: tuple[str, ...] = ()
    derived: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    log_evidence: float = float("nan")
    log_evidence_error: float = float("nan")
    evaluations: int = 0
    ess_limit: float = float("inf")

    @property
    def weights(self) -> FloatArray:
        """The weights `(S,)`, summing to one."""
        weights: FloatArray = np.exp(self.log_weights - self.log_weights.max())
        weights /= weights.sum()
        return weights

    @property
    def best(self) -> int:
        """The row of the highest log-likelihood."""
        return int(np.argmax(self.log_likelihood))

    @property
    def names(self) -> tuple[str, ...]:
        """Free parameters, then derived values."""
        return self.parameter_names + self.derived_names

    @property
    def table(self) -> FloatArray:
        """Free and derived values, shape (S, D + R)."""
        if not self.derived_names:
            return self.values
        return np.concatenate([self.values, self.derived], axis=1)

    def __len__(self) -> int:
        return len(self.log_likelihood)
