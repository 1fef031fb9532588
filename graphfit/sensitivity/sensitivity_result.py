"""SensitivityResult: a map of how well a perturbation is detected."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np

from graphfit.compiler import lower
from graphfit.errors import ResultError
from graphfit.result import make_results
from graphfit.samples import Samples, Status
from graphfit.search.grid.run_cells import CellOutcome
from graphfit.sensitivity.differences import (
    Differences,
    Statistic,
    chosen,
    differences,
    over_simulations,
)
from graphfit.sensitivity.fit_pair import FitNumbers, FitPair, Pair
from graphfit.sensitivity.grid_axis import GridAxis
from graphfit.sensitivity.sensitivity_text import sensitivity_text
from graphfit.typing import AnyArray, FloatArray

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 5.0  # ln B: odds of 148 to 1
REPEATS = 1e-6  # of ln L, at the same point of the same data


class ResultPair(NamedTuple):
    """The results of both fits to one simulated dataset."""

    base: Any
    perturbed: Any


@final
class SensitivityResult:
    """What `Sensitivity.run` found, as arrays of the grid's shape.

    ``print(result.info)`` is a table to read.  Where there are several simulations a cell,
    numbers are means over those that were fitted.

    Attributes
    ----------
    parameter_names : tuple of str, length K
        The axes of the grid.
    shape : tuple of int, length K
        The number of cells along each.
    n_simulations : int
        Simulated datasets a cell.
    statuses : ndarray of Status, of that shape
        How the fits ended, the worse of the two; ``MASKED`` where a cell was left out.
        With several simulations there is one more axis, over them.
    messages : ndarray of str, of the shape of `statuses`
        Why there is no answer: the error in the first line, below it the traceback; empty
        where there is one.
    """

    def __init__(
        self, work: FitPair, axes: Sequence[GridAxis], outcomes: Sequence[CellOutcome]
    ) -> None:
        self.parameter_names = work.names
        self.shape = work.shape
        self.n_simulations = work.n_simulations
        self._work = work
        self._axes = tuple(axes)
        self._pairs: list[Pair | None] = [item.value for item in outcomes]
        self.statuses = self._objects([item.status for item in outcomes])
        self.messages = self._objects([item.message for item in outcomes])
        none = FitNumbers(*[np.nan] * len(FitNumbers._fields))
        self._base = self._columns([p.base if p else none for p in self._pairs])
        self._perturbed = self._columns(
            [p.perturbed if p else none for p in self._pairs]
        )

    @property
    def centres(self) -> dict[str, list[float]]:
        """The values along each axis at which datasets were simulated."""
        return {axis.name: list(axis.centres) for axis in self._axes}

    @property
    def edges(self) -> dict[str, list[float]]:
        """The limits of the cells along each axis; infinite where the prior has none."""
        return {axis.name: list(axis.edges) for axis in self._axes}

    @property
    def physical_centres_lists(self) -> list[list[float]]:
        """The simulated values of the grid's parameters, one list a cell."""
        return [list(values) for values in self._work.centres]

    @property
    def log_evidences_base(self) -> FloatArray:
        """Ln Z of the base model."""
        return over_simulations(self._base["log_evidence"])

    @property
    def log_evidences_perturbed(self) -> FloatArray:
        """Ln Z of the base model with the perturbation."""
        return over_simulations(self._perturbed["log_evidence"])

    @property
    def log_evidence_differences(self) -> FloatArray:
        """``ln B = ln Z_perturbed - ln Z_base``; NaN where the search gives none."""
        return differences(self._base, self._perturbed, "log_evidence").mean

    @property
    def log_likelihood_differences(self) -> FloatArray:
        """The difference of the highest ln L."""
        return differences(self._base, self._perturbed, "log_likelihood").mean

    @property
    def statistic(self) -> Statistic:
        """What is compared if not said otherwise: ln Z, else BIC, else ln L."""
        return chosen(None, self._base)

    def differences(self, statistic: str | None = None) -> Differences:
        """Return how much better the perturbed model is: values, mean, error, scatter.

        Parameters
        ----------
        statistic : {"log_evidence", "bic", "log_likelihood"}, optional
            By default the first of them that the fits tell, see
            :class:`~graphfit.sensitivity.differences.Differences`.

        Raises
        ------
        SettingError
            If there is no statistic of that name.
        ResultError
            If the fits do not tell it.
        """
        known = chosen(statistic, self._base)
        return differences(self._base, self._perturbed, known)

    def detectable(
        self, threshold: float = THRESHOLD, *, statistic: str | None = None
    ) -> FloatArray:
        """Return the fraction of the simulations of each cell that exceed a threshold.

        Its mean is the fraction of the perturbations that the prior expects which would be
        detected, because all cells have the same prior mass.

        Parameters
        ----------
        threshold : float
            Of ln B: 5 are odds of 148 to 1.
        statistic : {"log_evidence", "bic", "log_likelihood"}, optional
            As for `differences`.

        Returns
        -------
        ndarray, of the grid's shape
            In [0, 1]; NaN where no simulation has an answer.
        """
        values = self.differences(statistic).values
        above = np.where(np.isnan(values), np.nan, values > threshold)
        return over_simulations(above)

    def result_at(self, *position: int, simulation: int = 0) -> ResultPair:
        """Return both results of one cell; its dataset is simulated again.

        Parameters
        ----------
        *position : int
            Of the cell, one number an axis.
        simulation : int
            Which of its simulations.

        Raises
        ------
        ResultError
            If it has no answer, samples were not kept, or `simulate` returns other data
            for the same generator.
        IndexError
            If there is no such cell.
        """
        if len(position) != len(self.shape):
            msg = (
                f"result_at needs a position of {len(self.shape)} numbers, one for each of "
                f"{', '.join(self.parameter_names)}; got {position}."
            )
            raise ResultError(msg)
        whole = np.arange(len(self._pairs)).reshape(*self.shape, self.n_simulations)
        number = int(whole[(*position, simulation)])
        pair = self._pairs[number]
        if pair is None:
            text = self.messages.flat[number] or Status.MASKED.sentence
            msg = f"There is no answer. {text}"
            raise ResultError(msg)
        if pair.samples is None:
            msg = "The samples were not kept; use Sensitivity(keep_results=True)."
            raise ResultError(msg)
        return self._result_pair(number, pair, pair.samples)

    @property
    def results(self) -> AnyArray:
        """All pairs of results, an array of the shape of `statuses`; None without answer.

        Every dataset is simulated again, see `result_at`.
        """
        return self._objects(
            [
                self._result_pair(number, pair, pair.samples)
                if pair is not None and pair.samples is not None
                else None
                for number, pair in enumerate(self._pairs)
            ]
        )

    @property
    def info(self) -> str:
        """The map as text: each cell's values, difference and detected fraction."""
        return sensitivity_text(self, THRESHOLD)

    def to_xarray(self) -> "xr.Dataset":
        """Return the map as a Dataset whose axes are the grid's parameters.

        Returns
        -------
        xarray.Dataset
            ``difference`` and its ``difference_error`` and ``scatter``, and by simulation
            ``differences``, ``status``, and ``log_evidence``, ``log_evidence_error`` and
            ``log_likelihood`` of each model, with ``_base`` and ``_perturbed`` behind.
        """
        import xarray as xr

        found, dims = self.differences(), self.parameter_names
        variables: dict[str, Any] = {
            "difference": (dims, found.mean, {"statistic": self.statistic}),
            "difference_error": (dims, found.error),
            "scatter": (dims, found.scatter),
        }
        each = (*dims, "simulation")
        variables["differences"] = (each, found.values)
        codes = np.array([int(status) for status in self.statuses.flat], dtype=np.int16)
        variables["status"] = (each, codes.reshape(found.values.shape))
        for label, columns in (("base", self._base), ("perturbed", self._perturbed)):
            for name in ("log_evidence", "log_evidence_error", "log_likelihood"):
                variables[f"{name}_{label}"] = (each, columns[name])
        return xr.Dataset(variables, self.centres)

    def _result_pair(
        self, number: int, pair: Pair, samples: tuple[Samples, Samples]
    ) -> ResultPair:
        found = []
        graphs = self._work.graphs(number)
        numbers = (pair.base, pair.perturbed)
        for graph, own, told in zip(graphs, samples, numbers, strict=True):
            results = make_results(lower(graph), own)
            # Each dataset's own is computed anew, at the recorded point.
            again = math.fsum(result.log_likelihood for result in results.plain)
            far = abs(again - told.log_likelihood)
            if not far <= REPEATS * max(1.0, abs(told.log_likelihood)):
                msg = (
                    f"In {self._work.label(number)}: simulate returns other data when it "
                    "is called again; draw all noise from the generator that it is given."
                )
                raise ResultError(msg)
            found.append(
                results if self._work.simulation.graphs.is_joint else results[0]
            )
        return ResultPair(*found)

    def _objects(self, items: Sequence[Any]) -> AnyArray:
        several = self.n_simulations > 1
        shape = (*self.shape, self.n_simulations) if several else self.shape
        array: AnyArray = np.empty(len(items), dtype=object)
        for number, item in enumerate(items):
            array[number] = item
        return array.reshape(shape)

    def _columns(self, numbers: Sequence[FitNumbers]) -> dict[str, FloatArray]:
        shape = (*self.shape, self.n_simulations)
        table = np.array(numbers, dtype=np.float64).reshape(*shape, -1)
        return {name: table[..., i] for i, name in enumerate(FitNumbers._fields)}

    def __repr__(self) -> str:
        cells = " x ".join(str(count) for count in self.shape)
        return (
            f"SensitivityResult({cells} cells over {', '.join(self.parameter_names)})"
        )
