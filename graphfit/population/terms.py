"""MemberTerms: the population's likelihood as a profile over members.

A member stands where a data point does in other fits: its numbers (sites, draws, covariates)
are the columns, the hyper-parameters are the parameters, and the profile's value is the
member's log-likelihood.  So a population is fitted by what fits any profile: compiled, with
an exact gradient, by every search.
"""

import inspect
import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis, Pointwise
from graphfit.model import Model
from graphfit.population.population_model import PopulationModel
from graphfit.typing import FloatArray

BLOCK = 4096  # members that Python evaluates at once


@final
class MemberTerms:
    """``f(*columns, **hyperparameters)``: ln L_i of members, for arrays and stand-ins.

    Parameters
    ----------
    form : DrawForm, GaussianForm or NodeForm
        How a member's columns are used.
    population : PopulationModel
        The covariates stand behind the form's columns.
    """

    __name__ = "population"

    def __init__(self, form: Any, population: PopulationModel) -> None:
        self.form = form
        self.hyperparameters = dict(population.hyperparameters)
        self.covariates = population.covariates
        count = form.width + len(self.covariates)
        self.columns = tuple(f"column_{i}" for i in range(count))
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [
                inspect.Parameter(name, kind)
                for name in (*self.columns, *self.hyperparameters)
            ]
        )

    def known(self, columns: Sequence[Any], values: dict[str, Any]) -> dict[Any, Any]:
        """Return the values of hyper-parameters and covariates by their objects."""
        found: dict[Any, Any] = {
            prior: values[name] for name, prior in self.hyperparameters.items()
        }
        given = columns[self.form.width :]
        return found | dict(zip(self.covariates, given, strict=True))

    def __call__(self, *columns: Any, **values: Any) -> Any:
        """Return ln L_i, (N,)."""
        return self.form(columns[: self.form.width], self.known(columns, values))

    def term(self, columns: Sequence[Any], values: dict[str, Any]) -> Any:
        """Return all that the form says of members at one point."""
        with np.errstate(all="ignore"):
            known = self.known(columns, values)
            return self.form.term(columns[: self.form.width], known)

    def model(self) -> Model:
        """Return the hyper-parameters' model, whose profile this is."""
        return Model(self, independent_vars=self.columns, **self.hyperparameters)


@final
class MemberAnalysis(Analysis):
    """Members of a population: the sum of their log-likelihoods.

    Parameters
    ----------
    columns : sequence of ndarray, each of shape (N,)
        The arguments of the profile.
    offset : float
        What no hyper-parameter changes.
    """

    def __init__(self, columns: Sequence[FloatArray], offset: float) -> None:
        self.columns = tuple(np.ascontiguousarray(column) for column in columns)
        self.offset = offset

    def log_likelihood_function(self, instance: Any) -> float:
        sums = []
        for start in range(0, self.size, BLOCK):
            part = [column[start : start + BLOCK] for column in self.columns]
            with np.errstate(all="ignore"):
                values = instance(*part)
            sums.append(float(np.sum(values)))
        total = math.fsum(sums) if all(map(math.isfinite, sums)) else -math.inf
        return total + self.offset

    def pointwise(self) -> Pointwise:
        return Pointwise(
            inputs=self.columns,
            data=np.zeros(self.size),
            likelihood="density",
            offset=self.offset,
        )

    @property
    def size(self) -> int:
        """N, the number of members."""
        return int(self.columns[0].size)

    def data_point_count(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"MemberAnalysis({self.size} members)"
