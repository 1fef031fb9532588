"""How a posterior moves when a dataset is left out, and whether noise moves it as far.

With all data the posterior is narrower than without one dataset.  If both are Gaussian, the
shift of the mean has the covariance ``C_without - C`` under the joint model, so that

    Q = (m_without - m)^T (C_without - C)^-1 (m_without - m)                            [1]

is a chi-square, of as many degrees of freedom as the dataset determines (Raveri & Hu 2019,
Phys. Rev. D 99, 043506: the difference in the mean of an update).  The difference of two
covariances of draws is mostly noise where a dataset is one of many.  It follows without it
from the dataset's own information F, minus the curvature of its ln L: in coordinates in
which C is the unit matrix

    C_without = (1 - F)^-1,    C_without - C = F (1 - F)^-1                             [2]
"""

import math
from typing import NamedTuple, final

import numpy as np
from scipy.special import chdtrc

from graphfit.samples import Samples, summary
from graphfit.typing import FloatArray, IntArray

LEAST_INFORMATION = 1e-3  # part of the joint information that a shift is asked about
MOST_INFORMATION = 0.999  # beyond, the others say nothing that could disagree
SIGNIFICANT = 3.0  # standard errors that F is to stand above the noise of draws
DRAWS_A_COEFFICIENT = 3.0  # at least, for a curvature to be fitted


@final
class Moments(NamedTuple):
    """Means and covariance of some parameters, and what draws they are from.

    Attributes
    ----------
    mean : ndarray, shape (P,)
    covariance : ndarray, shape (P, P)
    draws : float
        The effective number; infinite for a Gaussian.
    """

    mean: FloatArray
    covariance: FloatArray
    draws: float

    def of(self, positions: IntArray) -> "Moments":
        """Return those of some of the parameters."""
        block = self.covariance[np.ix_(positions, positions)]
        return Moments(self.mean[positions], block, self.draws)


@final
class Information(NamedTuple):
    """What a dataset says, in units of what all say together.

    Attributes
    ----------
    matrix : ndarray, shape (P, P)
        F of [Eq. 2], in the coordinates ``whitened(covariance)``.
    noise : float
        The standard error of an element.
    """

    matrix: FloatArray
    noise: float


@final
class Disagreement(NamedTuple):
    """Whether the shift is more than noise.

    Attributes
    ----------
    chi_squared : float
        [Eq. 1] over the directions that the dataset determines.
    degrees_of_freedom : int
        How many these are; 0 where its say is too small to be told from noise.
    p_value : float
        Of a chi-square as large, if all is well; NaN without degrees of freedom.
    """

    chi_squared: float
    degrees_of_freedom: int
    p_value: float


NOTHING = Disagreement(0.0, 0, math.nan)


def moments(record: Samples, columns: IntArray) -> Moments:
    """Return mean and covariance of columns of the record's parameters."""
    draws = summary.effective_sample_size(record)
    if record.is_gaussian:
        covariance = summary.covariance(record)[np.ix_(columns, columns)]
        return Moments(record.values[0, columns], covariance, math.inf)
    return weighted_moments(record.values[:, columns], record.weights, draws)


def weighted_moments(values: FloatArray, weights: FloatArray, draws: float) -> Moments:
    """Return those of values (S, P) with weights (S,) that sum to one."""
    held = weights > 0.0
    x, w = values[held], weights[held]
    mean = w @ x
    apart = x - mean
    return Moments(mean, (w[:, None] * apart).T @ apart, draws)


def information_of_covariances(whole: Moments, without: Moments) -> Information | None:
    """Return F from the covariances with and without a dataset, both of them exact.

    None where one is singular.
    """
    root = _root(whole)
    if root is None:
        return None
    other = np.linalg.solve(root, np.linalg.solve(root, without.covariance).T)
    try:
        inverse = np.linalg.inv(other)
    except np.linalg.LinAlgError:
        return None
    return Information(np.eye(len(root)) - inverse, 0.0)


def information_of_likelihood(
    whole: Moments, values: FloatArray, weights: FloatArray, log_likelihood: FloatArray
) -> Information | None:
    """Return F from the curvature of a dataset's ln L over the joint draws.

    Parameters
    ----------
    whole : Moments
        Of the joint posterior.
    values : ndarray, shape (S, P)
        The draws.
    weights : ndarray, shape (S,)
    log_likelihood : ndarray, shape (S,)
        Of the dataset alone, its own parameters integrated out; not finite where unknown.

    Returns
    -------
    Information or None
        None where draws are too few for a quadratic function of P parameters.
    """
    root = _root(whole)
    if root is None:
        return None
    size = len(root)
    rows, columns = np.triu_indices(size)
    held = np.isfinite(log_likelihood) & (weights > 0.0)
    if whole.draws < DRAWS_A_COEFFICIENT * (1 + size + rows.size):
        return None
    z = np.linalg.solve(root, (values[held] - whole.mean).T).T
    design = np.concatenate(
        [np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]], axis=1
    )
    scale = np.sqrt(weights[held] / weights[held].sum())
    solution = np.linalg.lstsq(
        scale[:, None] * design, scale * log_likelihood[held], rcond=None
    )[0]
    left = log_likelihood[held] - design @ solution
    matrix = np.zeros((size, size))
    matrix[rows, columns] = -solution[1 + size :]
    matrix += matrix.T  # twice the coefficient of a square, once that of a product
    noise = math.sqrt(2.0 / whole.draws) * float(np.sqrt(np.sum((scale * left) ** 2)))
    return Information(matrix, noise)


def disagreement(
    whole: Moments, move: FloatArray, information: Information | None, noise_of: float
) -> Disagreement:
    """Return whether a shift of the mean is more than noise makes.

    Parameters
    ----------
    whole : Moments
        Of the joint posterior.
    move : ndarray, shape (P,)
        ``m_without - m``.
    information : Information or None
        Of the dataset.
    noise_of : float
        How many independent draws the move is from; infinite if exact.

    Examples
    --------
    >>> before = Moments(np.array([1.0]), np.array([[1.0]]), np.inf)
    >>> after = Moments(np.array([0.0]), np.array([[0.5]]), np.inf)
    >>> own = information_of_covariances(after, before)
    >>> found = disagreement(after, before.mean - after.mean, own, np.inf)
    >>> round(found.chi_squared, 6), found.degrees_of_freedom, round(found.p_value, 3)
    (2.0, 1, 0.157)
    """
    root = _root(whole)
    finite = np.isfinite(move).all()
    if root is None or information is None or not finite:
        return NOTHING
    f, vectors = np.linalg.eigh(information.matrix)
    clear = f > max(LEAST_INFORMATION, SIGNIFICANT * information.noise)
    count = int(clear.sum())
    if not count:
        return NOTHING
    f = np.minimum(f[clear], MOST_INFORMATION)
    along = vectors[:, clear].T @ np.linalg.solve(root, move)
    # The error of the mean itself is part of how far it may lie.
    spread = f / (1.0 - f) + (2.0 - f) / (1.0 - f) / noise_of
    chi_squared = float(np.sum(along**2 / spread))
    return Disagreement(chi_squared, count, float(chdtrc(count, chi_squared)))


def _root(whole: Moments) -> FloatArray | None:
    """Return the Cholesky factor of the covariance; None where it has none."""
    if not whole.mean.size or not np.isfinite(whole.covariance).all():
        return None
    try:
        return np.asarray(np.linalg.cholesky(whole.covariance))
    except np.linalg.LinAlgError:
        return None
