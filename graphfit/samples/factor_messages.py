"""FactorMessages: what the factors of a graph told one another, and how it ended."""

from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.errors import UnknownNameError, close_match
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False, repr=False)
class FactorMessages:
    """The Gaussian messages of expectation propagation, and the check of their product.

    All of it is about the normal coordinates z of the shared parameters, in which their
    prior is N(0, I): ``theta = Q(Phi(z))``, conditional priors after what they depend on.

    Attributes
    ----------
    shared_names : tuple of str, length d
        Parameters that several factors depend on.
    factor_names : tuple of str, length F
    mean : ndarray, shape (d,)
        Of the global approximation.
    covariance : ndarray, shape (d, d)
    linear : ndarray, shape (F, d)
        h of each factor's message ``exp(h . z - z . L z / 2)``.
    precisions : ndarray, shape (F, d, d)
        L; zero where a factor does not depend on a parameter.
    log_evidence : float
        ln Z of expectation propagation; NaN where the search of the factors gives none.
    log_evidence_error : float
        That the fits of the factors leave in it.
    divergences : ndarray
        Symmetric Kullback-Leibler divergence of each sweep, in nat.
    noise : ndarray, shape (d,)
        Standard error of the global mean (or deviation, if larger) in posterior
        deviations, from the draws of all factors.
    fits : int
        Tilted fits in all.
    failures : dict of str to str
        Factors whose last fit failed, and why.  They keep their last good message.
    pareto_k : float
        Of the importance weights of the exact posterior over draws of the approximation;
        below 0.7 they are good.
    effective_size : float
        Of those weights.
    shift : ndarray, shape (d,)
        What the weights make of the mean, in deviations of the approximation.
    is_corrected : bool
        Whether the samples carry those weights.
    """

    shared_names: tuple[str, ...]
    factor_names: tuple[str, ...]
    mean: FloatArray
    covariance: FloatArray
    linear: FloatArray
    precisions: FloatArray
    log_evidence: float
    log_evidence_error: float
    divergences: FloatArray
    noise: FloatArray
    fits: int
    failures: dict[str, str]
    pareto_k: float
    effective_size: float
    shift: FloatArray
    is_corrected: bool

    def site(self, factor: str) -> tuple[FloatArray, FloatArray]:
        """Return h `(d,)` and L `(d, d)` of a factor's message.

        Parameters
        ----------
        factor : str
            By name.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        if factor not in self.factor_names:
            hint = close_match(factor, self.factor_names)
            msg = f"There is no factor {factor!r}.{hint}"
            raise UnknownNameError(msg)
        i = self.factor_names.index(factor)
        return self.linear[i], self.precisions[i]

    @property
    def information(self) -> FloatArray:
        """The share of each shared parameter's posterior precision by factor, (F, d).

        What is missing to one is the prior's.
        """
        total = np.diagonal(np.linalg.inv(self.covariance))
        share: FloatArray = np.diagonal(self.precisions, axis1=1, axis2=2) / total
        return share

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        answer = "corrected" if self.is_corrected else "not corrected"
        return (
            f"FactorMessages({len(self.factor_names)} factors, "
            f"{len(self.shared_names)} shared parameters; {len(self.divergences)} sweeps, "
            f"{self.fits} fits{failed}; Pareto k {self.pareto_k:.2f}, {answer})"
        )
