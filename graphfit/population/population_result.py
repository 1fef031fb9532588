"""PopulationResult: the population's hyper-parameters, and its members in their light."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.population.density_curves import density_curves
from graphfit.population.diagnostics import MemberDiagnostics, member_diagnostics
from graphfit.population.hyper_draws import hyper_draws
from graphfit.population.population_text import population_text
from graphfit.population.problem import PopulationProblem
from graphfit.population.shrinkage import (
    ShrunkenMember,
    shrunken_member,
    shrunken_moments,
)
from graphfit.result import CubeResult, Result, ResultList
from graphfit.typing import FloatArray

if TYPE_CHECKING:
    import xarray as xr

FEW, MANY = 16, 200  # draws over which members are averaged: many of them, and few
MANY_MEMBERS = 2000
CHECKED = 8  # at which all draws are looked at
CURVES = 100  # densities of the population


@final
class PopulationResult:
    """What members tell of their population, and the population of its members.

    Attributes
    ----------
    results : ResultList
        Of the hyper-parameters' fit: one entry each for the members that enter by sites,
        by draws, and the selection.
    problem : PopulationProblem
        Members as numbers.

    Examples
    --------
    See :func:`graphfit.population.fit`.
    """

    def __init__(
        self,
        results: ResultList,
        problem: PopulationProblem,
        members: Any,
    ) -> None:
        self.results = results
        self.problem = problem
        self._given = members

    @property
    def result(self) -> Result:
        """The hyper-parameters' Result: samples, medians, evidence.

        The evidence is that of all members' data where every member's own fit has one;
        else it is relative, and compares populations of the same members.
        """
        return self.results.plain[0]

    @property
    def log_evidence(self) -> float:
        """Ln Z of the population."""
        return self.results.log_evidence

    @property
    def names(self) -> tuple[str, ...]:
        """The drawn parameters."""
        return self.problem.population.names

    @property
    def size(self) -> int:
        """The number of members, N."""
        return self.problem.size

    @cached_property
    def members(self) -> MemberDiagnostics:
        """Effective draws of every member, the variance of ln L, the error of sites."""
        return member_diagnostics(self.problem, self._draws(CHECKED))

    @property
    def flagged(self) -> tuple[int, ...]:
        """The positions of members with fewer than 10 effective draws."""
        found = self.members
        return tuple(int(i) for i in found.index[found.flagged])

    def shrunken(self, index: int | Sequence[int]) -> ShrunkenMember:
        """Return one member's posterior under the population.

        Parameters
        ----------
        index : int, or tuple of int
            Its position in the list of results, or its pixel.

        Raises
        ------
        ResultError
            If there is no such member.
        """
        place = self._place(index)
        return shrunken_member(self.problem, self._draws(self._averaged), place)

    @property
    def shrunken_mean(self) -> Any:
        """Means under the population, by parameter: arrays (N,), or maps of a cube."""
        return self._shown(self._moments[0], "mean under the population")

    @property
    def shrunken_sd(self) -> Any:
        """Standard deviations under the population, likewise."""
        return self._shown(self._moments[1], "standard deviation under the population")

    @property
    def shrinkage(self) -> Any:
        """One less the ratio of variances, under the population and before, likewise.

        0: the member's own data say all; 1: the population does.
        """
        with np.errstate(all="ignore"):
            ratio = (self._moments[1] / self.problem.interim["sd"]) ** 2
        return self._shown(1.0 - ratio, "one less the ratio of variances")

    def density(self, name: str, x: Any, draws: int = CURVES) -> FloatArray:
        """Return the population's density at draws of its hyper-parameters.

        Parameters
        ----------
        name : str
            Of a drawn parameter.
        x : array_like, shape (X,)
            Values of it.
        draws : int, >= 1
            K.

        Returns
        -------
        ndarray, shape (K, X)
            The mean over members, where covariates or other drawn parameters take part.

        Raises
        ------
        UnknownNameError
            If no such parameter is drawn.
        """
        if name not in self.names:
            msg = f"No parameter {name!r} is drawn.{close_match(name, self.names)}"
            raise UnknownNameError(msg)
        at = np.atleast_1d(np.asarray(x, dtype=np.float64))
        values = self._draws(draws)
        return density_curves(self.problem, name, at, values, self._moments[0])

    @property
    def info(self) -> str:
        """The fit as text."""
        return population_text(self)

    def _draws(self, count: int) -> list[dict[str, float]]:
        return hyper_draws(self.results, self.problem.population, count)

    @property
    def _averaged(self) -> int:
        """The hyper-draws over which members are averaged."""
        # Many members leave little room to the hyper-parameters.
        return FEW if self.size >= MANY_MEMBERS else MANY

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        return shrunken_moments(self.problem, self._draws(self._averaged))

    def _place(self, index: Any) -> int:
        if isinstance(self._given, CubeResult):
            shape = self._given.shape
            try:
                place = int(np.ravel_multi_index(tuple(np.atleast_1d(index)), shape))
            except (ValueError, TypeError):
                msg = f"There is no pixel {index!r} in a map of shape {shape}."
                raise ResultError(msg) from None
        else:
            place = int(np.asarray(index))
        if place not in self.problem.index:
            msg = (
                f"{index!r} is no member of the population; members are the results "
                f"given, or the {self.size} pixels with an answer."
            )
            raise ResultError(msg)
        return place

    def _shown(self, table: FloatArray, what: str) -> Any:
        """Return a table (N, D) by parameter, as maps where members are pixels."""
        if not isinstance(self._given, CubeResult):
            return Columns(
                {name: table[:, j] for j, name in enumerate(self.names)}, "parameter"
            )
        maps: dict[str, xr.DataArray] = {}
        status = self._given["status"]
        for j, name in enumerate(self.names):
            flat = np.full(int(np.prod(self._given.shape)), np.nan)
            flat[self.problem.index] = table[:, j]
            found = status.copy(data=flat.reshape(self._given.shape)).rename(name)
            found.attrs = {"description": f"{name}: {what}."}
            maps[name] = found
        return Columns(maps, "parameter")

    def __repr__(self) -> str:
        drawn = ", ".join(self.names)
        return (
            f"PopulationResult({self.size} members, {drawn} drawn; "
            f"{self.problem.plan.reason}; ln Z = {self.log_evidence:.2f})"
        )


@final
class Columns(Mapping[str, Any]):
    """Arrays or maps by name, with the close match for a name that is none.

    Parameters
    ----------
    columns : mapping of str to array
    what : str
        What they are, for messages.
    """

    def __init__(self, columns: Mapping[str, Any], what: str) -> None:
        self._columns = dict(columns)
        self._what = what

    def __getitem__(self, name: str) -> Any:
        if name not in self._columns:
            hint = close_match(name, self._columns)
            msg = f"There is no {self._what} {name!r}.{hint}"
            raise UnknownNameError(msg)
        return self._columns[name]

    def __iter__(self) -> Any:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"Columns({', '.join(self._columns)})"
