"""Samples: what a search found, as arrays and nothing else."""

from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np

from graphfit.samples.chains import ChainRecord
from graphfit.samples.factor_messages import FactorMessages
from graphfit.samples.nested_run import NestedRun
from graphfit.samples.status import Status
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
    covariance : ndarray, shape (D, D) or (D,)
        Of an optimum whose posterior is taken for a Gaussian about it; the variances alone
        where the parameters are very many; of size 0 where it is not known.
    derived_variances : ndarray, shape (R,)
        Of the derived values, to first order.
    status : Status
        How the search ended.
    run : NestedRun or None
        The contours of a nested run whose engine tells them.
    chains : ChainRecord or None
        How Markov chains went, where their engine tells it.
    messages : FactorMessages or None
        What the factors told one another in expectation propagation.
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
    covariance: FloatArray = field(default_factory=lambda: np.empty((0, 0)))
    derived_variances: FloatArray = field(default_factory=lambda: np.empty(0))
    status: Status = Status.CONVERGED
    run: NestedRun | None = None
    messages: FactorMessages | None = None
    chains: ChainRecord | None = None

    @property
    def weights(self) -> FloatArray:
        """The weights `(S,)`, summing to one."""
        weights: FloatArray = np.exp(self.log_weights - self.log_weights.max())
        weights /= weights.sum()
        return weights

    @property
    def is_gaussian(self) -> bool:
        """Whether the posterior is a Gaussian about the one sample."""
        return self.kind == "optimum" and self.covariance.size > 0

    @property
    def standard_deviations(self) -> FloatArray:
        """Of that Gaussian: free and derived values, shape (D + R,)."""
        free = self.covariance
        variances = np.diagonal(free) if free.ndim == 2 else free
        derived = self.derived_variances
        if derived.size != len(self.derived_names):
            derived = np.full(len(self.derived_names), np.nan)
        deviations: FloatArray = np.sqrt(np.concatenate([variances, derived]))
        return deviations

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
