"""LeaveOneOut: what is found when each dataset of a joint fit is left out."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from graphfit.checks.left_out_text import leave_one_out_text
from graphfit.errors import UnknownNameError, close_match
from graphfit.result import ResultList
from graphfit.typing import BoolArray, FloatArray, IntArray

SUSPECT = 0.01  # the chance that a sound joint fit has any dataset flagged


@final
@dataclass(frozen=True, eq=False, repr=False)
class LeaveOneOut:
    """F datasets, each left out in turn; made by :func:`graphfit.leave_one_out`.

    ``str(check)`` is a table to read.

    Attributes
    ----------
    names : tuple of str, length F
        The datasets.
    log_predictive, log_predictive_error : ndarray, shape (F,)
        ``ln p(D_i | D_-i) = ln Z - ln Z_without_i``, and its standard error.
    pareto_k : ndarray, shape (F,)
        The shape of the weights' tail.
    refitted : ndarray of bool, shape (F,)
        Whether the numbers are those of a fit without the dataset, not of weighted draws.
    trusted : ndarray of bool, shape (F,)
        False where weighted draws do not tell and no search was given to refit.
    parameter_names : tuple of str, length P
        The parameters that datasets share, populations' among them.
    shift : ndarray, shape (F, P)
        How far each moves when the dataset is left out, in standard deviations of the
        joint posterior.
    chi_squared, p_value : ndarray, shape (F,)
        Of the shift of the parameters that a dataset has a say in, and the probability of
        one as large if all is well; NaN where its say cannot be told from noise.
    degrees_of_freedom : ndarray of int, shape (F,)
        Of that chi-square.
    results : ResultList
        The joint fit.
    """

    names: tuple[str, ...]
    log_predictive: FloatArray
    log_predictive_error: FloatArray
    pareto_k: FloatArray
    refitted: BoolArray
    trusted: BoolArray
    parameter_names: tuple[str, ...]
    shift: FloatArray
    chi_squared: FloatArray
    degrees_of_freedom: IntArray
    p_value: FloatArray
    results: ResultList

    @cached_property
    def flagged(self) -> tuple[str, ...]:
        """The datasets that the others do not agree with.

        Those whose p-value, times F, is below 0.01: if all is well, one joint fit in a
        hundred has any.  The worst comes first.  A strong one makes good ones look bad, for
        it is among the others of each: leave it out, and check again.
        """
        low = self.p_value * len(self.names) < SUSPECT  # NaN is not
        order = np.argsort(self.p_value, kind="stable")
        return tuple(self.names[i] for i in order if low[i])

    @property
    def untrusted(self) -> tuple[str, ...]:
        """The datasets whose numbers want a refit."""
        pairs = zip(self.names, self.trusted, strict=True)
        return tuple(name for name, good in pairs if not good)

    def position(self, name: str) -> int:
        """Return the row of a dataset."""
        if name not in self.names:
            msg = f"There is no dataset {name!r}.{close_match(name, self.names)}"
            raise UnknownNameError(msg)
        return self.names.index(name)

    def shifts(self, name: str) -> dict[str, float]:
        """Return the shift of each shared parameter by a dataset, by name."""
        row = self.shift[self.position(name)]
        return dict(zip(self.parameter_names, map(float, row), strict=True))

    @property
    def info(self) -> str:
        """The check as text."""
        return leave_one_out_text(self)

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        flagged = (
            f"flagged: {', '.join(self.flagged)}" if self.flagged else "none flagged"
        )
        wanting = f", {len(self.untrusted)} untrusted" if self.untrusted else ""
        return f"LeaveOneOut({len(self.names)} datasets, {flagged}{wanting})"
