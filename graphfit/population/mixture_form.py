"""MixtureForm: a member's likelihood in closed form, where its posterior is a few Gaussians.

With W_k the share of part k, c_k its constant, and ln L_ik what its site says
(:mod:`graphfit.population.gaussian_form`),

    ln L_i = ln sum_k q'_k,   q'_k = W_k exp(c_k) L_ik.                             [Eq. 1]

Bias.  Of S draws a share of W_k +/- sqrt(W_k (1 - W_k) / S) falls into part k, and mean and
covariance of its n_k = S W_k draws have errors of their own, from which ln L_ik has the bias
b_k and the variance ``v_k = e^2 / n_k + tr[(V + e e^T - 1)^2] / (2 (n_k - 1))``, e and V
the mean and covariance of z under the population.  With ``q = q' / sum q'``, ln L_i is too
high by

    sum_k q_k (b_k + v_k / 2) - [sum_k q_k^2 (v_k + 1 / n_k) - 1 / S] / 2            [Eq. 2]

to second order, as if the parts did not overlap.  It is subtracted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.population.evaluation import Known, highest
from graphfit.population.gaussian_form import GaussianForm, SiteTerm, moments


class MixtureTerm(NamedTuple):
    """What mixture sites say of members at one Lambda.

    Attributes
    ----------
    value : (N,)
        ln L_i, corrected.
    share : sequence of K arrays (N,)
        q.
    parts : sequence of K SiteTerm
        Of each part.
    weight : sequence of K arrays (N,)
        W.
    """

    value: Any
    share: Sequence[Any]
    parts: Sequence[SiteTerm]
    weight: Sequence[Any]


@final
@dataclass(frozen=True)
class MixtureForm:
    """The closed form of up to K Gaussians a member.

    Its columns are those of `form` and ``c_k + ln W_k`` for each part, then 1 / S.

    Parameters
    ----------
    form : GaussianForm
        Of one of them.
    count : int
        K.
    """

    form: GaussianForm
    count: int

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.count * (self.form.width + 1) + 1

    @property
    def logarithmic(self) -> tuple[bool, ...]:
        """Whether t is ln theta."""
        return self.form.logarithmic

    def __call__(self, columns: Sequence[Any], known: Known) -> Any:
        """Return ln L_i of every member, as arrays or stand-ins."""
        return self.term(columns, known).value

    def term(self, columns: Sequence[Any], known: Known) -> MixtureTerm:
        """Return all that the sites say.

        Parameters
        ----------
        columns : sequence of (N,)
            As above.
        known : mapping
            Values of the hyper-parameters and the covariates.
        """
        width = self.form.width
        parts, inverse, logs, biases = [], [], [], []
        for k in range(self.count):
            own = columns[k * (width + 1) : (k + 1) * (width + 1)]
            term = self.form.term(own[:width], known)
            parts.append(term)
            inverse.append(own[width - 1])
            # The term is corrected as if it stood alone; among others see Eq. 2.
            logs.append(own[width] + term.value + term.bias)
            biases.append(term.bias)
        top = highest(logs)
        terms = [np.exp(item - top) for item in logs]
        total = _sum(terms)
        share = [item / total for item in terms]
        variances = [_variance(*pair) for pair in zip(parts, inverse, strict=True)]
        bias = 0.5 * columns[self.width - 1]
        for q, n, b, v in zip(share, inverse, biases, variances, strict=True):
            bias = bias + q * (b + 0.5 * v) - 0.5 * q * q * (v + n)
        weight = [columns[self.width - 1] / item for item in inverse]
        return MixtureTerm(top + np.log(total) - bias, share, parts, weight)


def _sum(terms: Sequence[Any]) -> Any:
    return sum(terms[1:], start=terms[0])


def _variance(term: SiteTerm, inverse: Any) -> Any:
    """Return v_k."""
    mean, covariance = moments(term.share, term.parts)
    rows = range(len(mean))
    away: Any = 0.0
    for i in rows:
        for j in rows:
            own = covariance[i][j] + mean[i] * mean[j] - (1.0 if i == j else 0.0)
            away = away + own * own
    length = _sum([item * item for item in mean])
    return length * inverse + 0.5 * away * inverse / (1.0 - inverse)
