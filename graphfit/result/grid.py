"""The fits of all cells of a grid of priors, and what they say together.

Every cell has the same prior mass.  With Z_c the evidence of cell c under its own prior,

    Z = sum_c Z_c / number of cells,                                            [Eq. 1]
    P(cell c | data) = Z_c / sum_c Z_c.                                         [Eq. 2]

Both are known only where every cell has an answer.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from scipy.special import logsumexp

from graphfit.errors import ResultError
from graphfit.priors import Prior
from graphfit.result.result import ResultList
from graphfit.result.text import aligned
from graphfit.samples import Status
from graphfit.typing import AnyArray, FloatArray


@final
class GridSearchResult:
    """The fits of all cells of a grid, and what they say together.

    Attributes
    ----------
    grid_priors : tuple of Prior, length K
        The axes of the grid, as given.
    shape : tuple of int, length K
        The number of cells along each.
    results : ndarray of object, of that shape
        What the search returned for each cell; ``results.flat`` is the list.  None where a
        fit failed.
    statuses : ndarray of Status, of that shape
        How each fit ended.
    messages : ndarray of str, of that shape
        Why there is no answer: the error in the first line, below it the traceback; empty
        where there is one.
    """

    def __init__(
        self,
        results: Sequence[ResultList | None],
        axes: Sequence[Sequence[Prior]],
        names: Mapping[Prior, str],
        *,
        is_joint: bool,
        statuses: Sequence[Status],
        messages: Sequence[str],
    ) -> None:
        self.grid_priors = tuple(names)
        self.shape = tuple(len(axis) for axis in axes)
        self.results: AnyArray = np.empty(self.shape, dtype=object)
        self.statuses: AnyArray = np.empty(self.shape, dtype=object)
        self.messages: AnyArray = np.empty(self.shape, dtype=object)
        whole = zip(results, statuses, messages, strict=True)
        for position, (result, status, message) in zip(
            np.ndindex(*self.shape), whole, strict=True
        ):
            shown = result if is_joint or result is None else result[0]
            self.results[position] = shown
            self.statuses[position], self.messages[position] = status, message
        self._names = tuple(names.values())
        self._records = [None if r is None else r.record for r in results]
        self._cells = list(itertools.product(*axes))

    @property
    def log_evidence_values(self) -> FloatArray:
        """Ln Z_c of each cell under its own prior; NaN where there is none."""
        return self._grid(self._evidences)

    @property
    def log_evidences(self) -> list[float]:
        """The same as a list, in the order of ``results.flat``, which holds no NaN.

        Raises
        ------
        ResultError
            If the search gives no evidence, or a cell has no answer.
        """
        self._require_evidence()
        return self._evidences

    @property
    def log_likelihoods(self) -> FloatArray:
        """The highest joint ln L in each cell, in the grid's shape; NaN without answer."""
        return self._grid(
            [
                math.nan if r is None else float(r.log_likelihood[r.best])
                for r in self._records
            ]
        )

    @property
    def log_evidence(self) -> float:
        """Ln Z of the model with the whole priors [Eq. 1]; NaN if a cell's is not known."""
        values = self._evidences
        return float(logsumexp(values) - math.log(len(values)))

    @property
    def log_evidence_error(self) -> float:
        """The standard error of ln Z, ``sqrt(sum_c P(c)^2 error_c^2)``, of first order."""
        if math.isnan(self.log_evidence):
            return math.nan
        weights = self.cell_probabilities.ravel()
        errors = [0.0 if r is None else r.log_evidence_error for r in self._records]
        pairs = zip(weights, errors, strict=True)
        return math.sqrt(math.fsum((w * e) ** 2 for w, e in pairs if w > 0.0))

    @property
    def cell_probabilities(self) -> FloatArray:
        """The posterior probability of each cell [Eq. 2], in the grid's shape.

        Raises
        ------
        ResultError
            If the search gives no evidence, or a cell has no answer.
        """
        self._require_evidence()
        values = self.log_evidence_values
        return np.asarray(np.exp(values - logsumexp(values)))

    @property
    def best_result(self) -> Any:
        """The result of the cell with the highest joint likelihood.

        Raises
        ------
        ResultError
            If no cell has an answer.
        """
        values = self.log_likelihoods
        if np.isnan(values).all():
            first = str(self.messages.flat[0]).partition("\n")[0]
            msg = f"No cell of this grid has an answer. {first}"
            raise ResultError(msg)
        return self.results.flat[int(np.nanargmax(values))]

    @property
    def physical_centres_lists(self) -> list[list[float]]:
        """The median of each cell's priors, one list a cell."""
        return [[prior.median for prior in cell] for cell in self._cells]

    @property
    def physical_lower_limits_lists(self) -> list[list[float]]:
        """The lower limits of each cell, one list a cell."""
        return [[prior.support[0] for prior in cell] for cell in self._cells]

    @property
    def physical_upper_limits_lists(self) -> list[list[float]]:
        """The upper limits of each cell, one list a cell."""
        return [[prior.support[1] for prior in cell] for cell in self._cells]

    @property
    def info(self) -> str:
        """The grid as text: each cell's limits, ln Z and highest ln L, or its status."""
        likelihoods = self.log_likelihoods.ravel()
        rows = [["cell", *self._names, "log evidence", "log likelihood"]]
        for number, position in enumerate(np.ndindex(*self.shape)):
            limits = [
                f"{a:.6g} - {b:.6g}"
                for a, b in (prior.support for prior in self._cells[number])
            ]
            ends = [f"{self._evidences[number]:.3f}", f"{likelihoods[number]:.3f}"]
            if self._records[number] is None:
                status: Any = self.statuses[position]
                ends = ["no answer", status.name.lower()]
            rows.append([", ".join(str(i) for i in position), *limits, *ends])
        head = f"Log evidence (ln Z)  {self.log_evidence:.3f}"
        return f"{head} +/- {self.log_evidence_error:.3f}\n\n{aligned(rows)}"

    @property
    def _evidences(self) -> list[float]:
        """Ln Z of each cell: of one where every draw from the prior was impossible, -inf."""
        nothing = [
            -math.inf if status is Status.IMPOSSIBLE else math.nan
            for status in self.statuses.flat
        ]
        return [
            none if record is None else record.log_evidence
            for none, record in zip(nothing, self._records, strict=True)
        ]

    def _grid(self, values: Sequence[float]) -> FloatArray:
        return np.array(values, dtype=np.float64).reshape(self.shape)

    def _require_evidence(self) -> None:
        failed = sum(
            record is None and status is not Status.IMPOSSIBLE
            for record, status in zip(self._records, self.statuses.flat, strict=True)
        )
        if failed:
            first = next(filter(None, self.messages.flat)).partition("\n")[0]
            msg = (
                f"{failed} of {len(self._records)} cells of this grid have no answer, and "
                f"without them the sum over cells is not known. {first}"
            )
            raise ResultError(msg)
        if math.isnan(self.log_evidence):
            msg = (
                "The search of this grid gives no evidence; use one that does, such as "
                "gf.DynestyStatic."
            )
            raise ResultError(msg)

    def __repr__(self) -> str:
        cells = " x ".join(str(count) for count in self.shape)
        return f"GridSearchResult({cells} cells over {', '.join(self._names)})"
