"""DrawForm: a member's likelihood of the hyper-parameters, from draws of its own fit.

With S draws theta_s of weight w_s (summing to one) from a member's posterior under the
interim prior pi, and evidence Z,

    L_i(Lambda) = Z integral p(theta | Lambda) / pi(theta) posterior(theta) dtheta
                ~ Z sum_s w_s p(theta_s | Lambda) / pi(theta_s).                     [Eq. 1]

With r_s the terms of the sum over their total, ``1 / n_eff = sum r_s^2``, and
``q = sum w_s^2`` (1 / S for equal weights), the variance of ln L_i is ``v = 1 / n_eff - q``
and its bias about ``-v / 2``.  That adds up over members: it would shift Lambda by about
sqrt(N) / S standard deviations of its posterior.  It is corrected to second order, with
``k = sum r_s^3 - 3 q sum r_s^2 + 2 q^2`` the third cumulant of the mean,

    ln L_i = ln Z + ln sum_s w_s p(theta_s | Lambda) / pi(theta_s)
             + v / 2 + 3 v^2 / 4 - k / 3.                                           [Eq. 2]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.population.evaluation import Known, highest, log_density
from graphfit.priors import Prior


class DrawTerm(NamedTuple):
    """What draws say of members at one Lambda.

    Attributes
    ----------
    value : (N,)
        ln L_i, corrected [Eq. 2], without ln Z.
    variance : (N,)
        v.
    inverse_effective : (N,)
        1 / n_eff.
    terms : sequence of S arrays (N,)
        r_s, but for a factor.
    scale : (N,)
        That factor.
    """

    value: Any
    variance: Any
    inverse_effective: Any
    terms: Sequence[Any]
    scale: Any

    @property
    def share(self) -> list[Any]:
        """S arrays (N,): r_s."""
        return [item * self.scale for item in self.terms]


@final
@dataclass(frozen=True)
class DrawForm:
    """The form of S draws of D parameters.

    Its columns are the draws, one after the other with their D values; S times
    ``ln w_s - ln pi(theta_s)``; ``sum w_s^2``; and by how much the variance is larger than
    that of independent draws.

    Parameters
    ----------
    priors : tuple of Prior, length D
        The population's.
    draws : int
        S.
    """

    priors: tuple[Prior, ...]
    draws: int

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.draws * (len(self.priors) + 1) + 2

    def __call__(self, columns: Sequence[Any], known: Known) -> Any:
        """Return ln L_i of every member, as arrays or stand-ins."""
        return self.term(columns, known).value

    def term(self, columns: Sequence[Any], known: Known) -> DrawTerm:
        """Return all that the draws say.

        Parameters
        ----------
        columns : sequence of (N,)
            As above.
        known : mapping
            Values of the hyper-parameters and the covariates.
        """
        count = len(self.priors)
        weights = columns[self.draws * count : -2]
        logs = [
            self.log_population(columns[s * count : (s + 1) * count], known)
            + weights[s]
            for s in range(self.draws)
        ]
        top = highest(logs)
        terms = [np.exp(item - top) for item in logs]
        squares = [item * item for item in terms]
        cubes = [a * b for a, b in zip(terms, squares, strict=True)]
        total, square, cube = (
            sum(items[1:], start=items[0]) for items in (terms, squares, cubes)
        )
        # Without any draw where the population is, ln L is minus infinity and no NaN.
        scale = 1.0 / np.where(total > 0.0, total, 1.0)
        q = columns[-2]
        inverse = square * (scale * scale)
        third = cube * (scale * scale * scale) - 3.0 * q * inverse + 2.0 * q * q
        variance = (inverse - q) * columns[-1]
        bias = -0.5 * variance - 0.75 * variance * variance + third / 3.0
        value = top + np.log(total) - bias
        return DrawTerm(value, variance, inverse * columns[-1], terms, scale)

    def log_population(self, values: Sequence[Any], known: Known) -> Any:
        """Return ln p(theta | Lambda) at one value of each drawn parameter."""
        inside: dict[Any, Any] = dict(known)
        inside.update(zip(self.priors, values, strict=True))
        parts = [
            log_density(prior, value, inside)
            for prior, value in zip(self.priors, values, strict=True)
        ]
        return sum(parts[1:], start=parts[0])
