"""How common each model is among many pixels, learned from their evidences.

With the evidences ``Z_kp`` of models k at pixels p, the fraction ``pi_k`` of the pixels
that model k made has the likelihood

    ln L(pi) = sum_p ln sum_k pi_k Z_kp                                          [Eq. 1]

and a symmetric Dirichlet prior of concentration c, ``sum_k (c - 1) ln pi_k``.  Their sum is
concave with one maximum.  EM climbs to it without ever going down (Dempster, Laird & Rubin
1977, J. R. Stat. Soc. B 39, 1),

    pi_k <- [sum_p P(k | y_p) + c - 1] / [P + K (c - 1)],                        [Eq. 2]

slowly where evidences tell little.  Every step here is that of EM, or Newton's where that
one climbs higher.
"""

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.errors import ConvergenceWarning, ResultError
from graphfit.typing import ArrayLike, BoolArray, FloatArray

CONCENTRATION = 1.5
"""Of the Dirichlet prior: half a pixel for each model, so that none is ever impossible."""

MOST_STEPS = 1000


@final
@dataclass(frozen=True, eq=False)
class PopulationPrior:
    """The fractions of the models among the pixels.

    Attributes
    ----------
    probability : ndarray, shape (K,)
        The fractions, above 0, summing to one.
    covariance : ndarray, shape (K, K)
        Of the fractions: the inverse of the observed information within the simplex.
    objective : tuple of float
        ln L plus the ln of the Dirichlet prior, unnormalised, step by step; it never falls.
    pixels : int
        How many took part.
    """

    probability: FloatArray
    covariance: FloatArray
    objective: tuple[float, ...]
    pixels: int

    @property
    def error(self) -> FloatArray:
        """Standard errors of the fractions, shape (K,)."""
        return np.sqrt(np.diagonal(self.covariance))


def population_prior(
    log_evidence: ArrayLike, *, concentration: float = CONCENTRATION
) -> PopulationPrior:
    """Return the fractions of the models that make the evidences of all pixels likeliest.

    Parameters
    ----------
    log_evidence : array-like, shape (K, P...)
        ln Z of each model at each pixel; minus infinity is impossible.  Pixels where one
        is NaN take no part.
    concentration : float, > 1
        Of the symmetric Dirichlet prior of the fractions.

    Returns
    -------
    PopulationPrior

    Raises
    ------
    ResultError
        If no pixel has the evidence of every model.

    Notes
    -----
    The order of the pixels does not matter but for rounding.  Errors are those of
    independent pixels: where neighbours share noise (a beam wider than a pixel) they are
    too small.

    Examples
    --------
    >>> sure = np.log([[0.9, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.9]])
    >>> population_prior(sure).probability.round(2)
    array([0.72, 0.28])
    """
    logs = np.asarray(log_evidence, dtype=float)
    logs = logs.reshape(len(logs), -1)
    logs = logs[:, known_pixels(logs)]
    if not logs.size:
        msg = (
            "No pixel has the evidence of every model, so there is nothing to learn how "
            "common the models are from; give the prior, prior='equal' say."
        )
        raise ResultError(msg)
    z = np.exp(logs - logs.max(axis=0))
    return _climb(z, concentration - 1.0)


def known_pixels(log_evidence: FloatArray) -> BoolArray:
    """Return where the evidence of every model (K, P...) is known, and one is not zero."""
    return np.asarray(
        ~np.isnan(log_evidence).any(axis=0) & np.isfinite(log_evidence.max(axis=0))
    )


def _climb(z: FloatArray, pseudo: float) -> PopulationPrior:
    """Return the maximum for evidences (K, P) that are scaled to a maximum of one.

    As the objective is concave, no point lies higher than the current one by more than
    ``max_k g_k - sum_k pi_k g_k``, g its gradient: that is when to stop.
    """
    models, pixels = z.shape
    total = pixels + models * pseudo
    tolerance = max(1e-9, 1e-12 * total)  # nat: some 1e-5 of the standard errors
    pi = np.full(models, 1.0 / models)
    climbed = [_objective(z, pi, pseudo)]
    for _ in range(MOST_STEPS):
        shares = z / (pi @ z)
        gradient = shares.sum(axis=1) + pseudo / pi
        information = shares @ shares.T + np.diag(pseudo / pi**2)
        if gradient.max() - total < tolerance:
            break
        pi, value = max(
            (
                (new, _objective(z, new, pseudo))
                for new in (pi * gradient / total, _newton(pi, gradient, information))
            ),
            key=lambda step: step[1],
        )
        climbed.append(value)
    else:
        msg = f"The population prior has not converged in {MOST_STEPS} steps."
        warnings.warn(msg, ConvergenceWarning, stacklevel=4)
    return PopulationPrior(pi, _inverse_within(information), tuple(climbed), pixels)


def _objective(z: FloatArray, pi: FloatArray, pseudo: float) -> float:
    return float(np.log(pi @ z).sum() + pseudo * np.log(pi).sum())


def _newton(
    pi: FloatArray, gradient: FloatArray, information: FloatArray
) -> FloatArray:
    """Return the end of Newton's step along the simplex, cut short of its edge."""
    step = _inverse_within(information) @ gradient
    shrinking = step < 0.0
    room = (pi[shrinking] / -step[shrinking]).min(initial=np.inf)
    new = pi + min(1.0, 0.99 * room) * step
    return np.asarray(new / new.sum())


def _inverse_within(information: FloatArray) -> FloatArray:
    """Return the inverse of a matrix (K, K) among vectors whose sum is zero."""
    models = len(information)
    if models == 1:
        return np.zeros((1, 1))
    centred = np.eye(models) - 1.0 / models
    basis = np.linalg.svd(centred)[0][:, :-1]
    inside = np.linalg.inv(basis.T @ information @ basis)
    return np.asarray(basis @ inside @ basis.T)
