"""NodeForm: a member's likelihood by a fixed rule of nodes, for populations of any family.

With the site of a member in one dimension (:mod:`graphfit.population.sites`), t = m + s z,

    ln L_i = ln integral exp(c - P z^2 / 2 + h z) p(t | Lambda) s dz
           ~ c + ln sum_q step s p(m + s z_q | Lambda) exp(-P z_q^2 / 2 + h z_q)      [Eq. 1]

on equidistant z_q: the trapezoidal rule, whose error falls as ``exp(-2 pi^2 w^2 / step^2)``
for a smooth product of width w (Trefethen & Weideman 2014, SIAM Review 56, 385): 1e-7 where
the population is not narrower than 0.3 s.  The bias of a site's mean and variance is
subtracted, Eq. 2 of :mod:`graphfit.population.gaussian_form`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.population.evaluation import Known, highest, log_density
from graphfit.priors import Prior

REACH, STEP = 4.8, 0.3
NODES = tuple(float(z) for z in np.arange(-REACH, REACH + 0.5 * STEP, STEP))


class NodeTerm(NamedTuple):
    """What nodes say of members at one Lambda: ln L_i corrected, and the nodes' shares."""

    value: Any
    share: Sequence[Any]


@final
@dataclass(frozen=True)
class NodeForm:
    """The form of nodes of one parameter.

    Its columns are the site's mean m and width s in t, P, h, and 1 / S.

    Parameters
    ----------
    prior : Prior
        The population's.
    logarithmic : bool
        Whether t is ln theta.
    """

    prior: Prior
    logarithmic: bool

    @property
    def width(self) -> int:
        """The number of columns."""
        return 5

    def __call__(self, columns: Sequence[Any], known: Known) -> Any:
        """Return ln L_i of every member, as arrays or stand-ins."""
        return self.term(columns, known).value

    def term(self, columns: Sequence[Any], known: Known) -> NodeTerm:
        """Return all that the nodes say.

        Parameters
        ----------
        columns : sequence of (N,)
            As above.
        known : mapping
            Values of the hyper-parameters and the covariates.
        """
        mean, width, precision, slope, inverse_draws = columns
        logs = []
        for z in NODES:
            t = mean + width * z
            x = np.exp(t) if self.logarithmic else t
            value = log_density(self.prior, x, {**known, self.prior: x})
            if self.logarithmic:
                value = value + t
            logs.append(value - (0.5 * z * z) * precision + z * slope)
        top = highest(logs)
        terms = [np.exp(item - top) for item in logs]
        total = sum(terms[1:], start=terms[0])
        share = [item / total for item in terms]
        first, second, fourth = (
            sum(z**power * p for z, p in zip(NODES, share, strict=True))
            for power in (1, 2, 4)
        )
        inner = 0.25 * (fourth - second * second - 4.0 * second + 2.0)
        bias = 0.5 * (second - first * first - 1.0) * inverse_draws
        bias = bias + inner * inverse_draws / (1.0 - inverse_draws)
        value = top + np.log(total) + np.log(STEP * width) - bias
        return NodeTerm(value, share)
