"""Message: a Gaussian in natural parameters, proper or not.

What factors send one another is the exponential of a quadratic,

    m(z) = exp(h . z - z . L z / 2),

which need not be a density: the precision L of a message may have negative directions.
Products of messages add their parameters, quotients subtract them.
"""

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from graphfit.typing import FloatArray

_SMALLEST = 1e-10
"""Of an eigenvalue of a proper precision, relative to the largest."""


@final
@dataclass(frozen=True, eq=False)
class Message:
    """The exponential of a quadratic of z.

    Parameters
    ----------
    linear : ndarray, shape (d,)
        h.
    precision : ndarray, shape (d, d)
        L, symmetric.

    Examples
    --------
    >>> message = Message.of_moments(np.array([1.0]), np.array([[0.25]]))
    >>> message.linear.tolist(), message.precision.tolist()
    ([4.0], [[4.0]])
    >>> (message - message).is_proper
    False
    """

    linear: FloatArray
    precision: FloatArray

    @classmethod
    def nothing(cls, dimension: int) -> Self:
        """Return the message that says nothing: one everywhere."""
        return cls(np.zeros(dimension), np.zeros((dimension, dimension)))

    @classmethod
    def standard(cls, dimension: int) -> Self:
        """Return N(0, I), every prior in its normal coordinates."""
        return cls(np.zeros(dimension), np.eye(dimension))

    @classmethod
    def of_moments(cls, mean: FloatArray, covariance: FloatArray) -> Self:
        """Return the Gaussian of a mean `(d,)` and a covariance `(d, d)`."""
        precision = np.linalg.inv(covariance)
        precision = 0.5 * (precision + precision.T)
        return cls(precision @ mean, precision)

    def __add__(self, other: "Message") -> "Message":
        return Message(self.linear + other.linear, self.precision + other.precision)

    def __sub__(self, other: "Message") -> "Message":
        return Message(self.linear - other.linear, self.precision - other.precision)

    def scaled(self, factor: float) -> "Message":
        """Return the message to a power."""
        return Message(factor * self.linear, factor * self.precision)

    def placed(self, positions: list[int], dimension: int) -> "Message":
        """Return the message about more parameters, of which it speaks of some."""
        wide = Message.nothing(dimension)
        wide.linear[positions] = self.linear
        wide.precision[np.ix_(positions, positions)] = self.precision
        return wide

    def marginal(self, positions: list[int]) -> "Message":
        """Return the marginal density of some parameters; the message is proper."""
        mean, covariance = self.moments
        return Message.of_moments(
            mean[positions], covariance[np.ix_(positions, positions)]
        )

    @property
    def is_proper(self) -> bool:
        """Whether it is a density: the precision is positive definite, and finite."""
        if not (np.isfinite(self.linear).all() and np.isfinite(self.precision).all()):
            return False
        if not self.linear.size:
            return True
        values = np.linalg.eigvalsh(self.precision)
        return bool(values[0] > _SMALLEST * max(values[-1], _SMALLEST))

    @property
    def moments(self) -> tuple[FloatArray, FloatArray]:
        """The mean `(d,)` and the covariance `(d, d)` of a proper message."""
        covariance = np.linalg.inv(self.precision)
        covariance = 0.5 * (covariance + covariance.T)
        return covariance @ self.linear, covariance

    @property
    def log_partition(self) -> float:
        """``ln integral of m(z) dz`` of a proper message, less ``d/2 ln 2 pi``."""
        _, log_determinant = np.linalg.slogdet(self.precision)
        mean = np.linalg.solve(self.precision, self.linear)
        return 0.5 * float(self.linear @ mean - log_determinant)

    def log_density(self, points: FloatArray) -> FloatArray:
        """Return ln of the normalised density at points `(S, d)`, shape (S,)."""
        quadratic = np.einsum("si,ij,sj->s", points, self.precision, points)
        log_norm = self.log_partition + 0.5 * len(self.linear) * math.log(2.0 * math.pi)
        density: FloatArray = points @ self.linear - 0.5 * quadratic - log_norm
        return density


def divergence(first: Message, second: Message) -> float:
    """Return the symmetric Kullback-Leibler divergence of two proper messages, in nat.

    ``J = (tr(L1 V2 + L2 V1) - 2 d + (m1 - m2) . (L1 + L2) (m1 - m2)) / 2``: one standard
    deviation between two means is 1.

    Parameters
    ----------
    first, second : Message

    Examples
    --------
    >>> one = Message.standard(2)
    >>> divergence(one, Message(one.linear + np.array([1.0, 0.0]), one.precision))
    1.0
    """
    mean_1, covariance_1 = first.moments
    mean_2, covariance_2 = second.moments
    shift = mean_1 - mean_2
    spread = np.sum(first.precision * covariance_2 + second.precision * covariance_1)
    distance = shift @ (first.precision + second.precision) @ shift
    return 0.5 * float(spread - 2 * len(shift) + distance)


def coverage(target: Message, proposal: Message) -> float:
    """Return the share of independent draws that importance weights leave.

    ``1 / integral of t(z)^2 / p(z) dz`` for the densities t of the target and p of the
    proposal; 0 where the integral does not exist.

    Parameters
    ----------
    target, proposal : Message

    Examples
    --------
    >>> narrow, wide = Message.standard(1).scaled(4.0), Message.standard(1)
    >>> round(coverage(narrow, wide), 3), coverage(wide, narrow)
    (0.661, 0.0)
    """
    product = target.scaled(2.0) - proposal
    if not product.is_proper:
        return 0.0
    log_integral = product.log_partition - 2.0 * target.log_partition
    log_integral += proposal.log_partition
    return math.exp(-max(log_integral, 0.0))
