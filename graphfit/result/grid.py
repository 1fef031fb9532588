"""The fits of all cells of a grid of priors, and what they say together.

Every cell has the same prior mass.  With Z_c the evidence of cell c under its own prior,

    Z = sum_c Z_c / number of cells,                                            [Eq. 1]
    P(cell c | data) = Z_c / sum_c Z_c.                                         [Eq. 2]
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
        What the search returned for each cell; ``results.flat`` is the list.
    """

    def __init__(
        self,
        results: Sequence[ResultList],
        axes: Sequence[Sequence[Prior]],
        names: Mapping[Prior, str],
        *,
        is_joint: bool,
    ) -> None:
        self.grid_priors = tuple(names)
        self.shape = tuple(len(axis) for axis in axes)
        self.results: AnyArray = np.empty(self.shape, dtype=object)
        for position, result in zip(np.ndindex(*self.shape), results, strict=True):
            self.results[position] = result if is_joint else result[0]
        self._names = tuple(names.values())
        self._records = [result.record for result in results]
        self._cells = list(itertools.product(*axes))

    @property
    def log_evidence_values(self) -> FloatArray:
        """Ln Z_c of each cell under its own prior; NaN where the search gives none."""
        return self._grid([record.log_evidence for record in self._records])

    @property
    def log_evidences(self) -> list[float]:
        """The same as a list, in the order of ``results.flat``, which holds no NaN.

        Raises
        ------
        ResultError
            If the search gives no evidence.
        """
        self._require_evidence()
        return [record.log_evidence for record in self._records]

    @property
    def log_likelihoods(self) -> FloatArray:
        """The highest joint ln L in each cell, in the grid's shape."""
        return self._grid([r.log_likelihood[r.best] for r in self._records])

    @property
    def log_evidence(self) -> float:
        """Ln Z of the model with the whole priors [Eq. 1]; NaN without evidences."""
        values = [record.log_evidence for record in self._records]
        return float(logsumexp(values) - math.log(len(values)))

    @property
    def log_evidence_error(self) -> float:
        """The standard error of ln Z, ``sqrt(sum_c P(c)^2 error_c^2)``, of first order."""
        if math.isnan(self.log_evidence):
            return math.nan
        weights = self.cell_probabilities.ravel()
        errors = [record.log_evidence_error for record in self._records]
        pairs = zip(weights, errors, strict=True)
        return math.sqrt(math.fsum((w * e) ** 2 for w, e in pairs if w > 0.0))

    @property
    def cell_probabilities(self) -> FloatArray:
        """The posterior probability of each cell [Eq. 2], in the grid's shape.

        Raises
        ------
        ResultError
            If the search gives no evidence.
        """
        self._require_evidence()
        values = self.log_evidence_values
        return np.asarray(np.exp(values - logsumexp(values)))

    @property
    def best_result(self) -> Any:
        """The result of the cell with the highest joint likelihood."""
        return self.results.flat[int(np.argmax(self.log_likelihoods))]

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
        """The grid as text: each cell's limits, ln Z and highest ln L."""
        rows = [["cell", *self._names, "log evidence", "log likelihood"]]
        cells = zip(np.ndindex(*self.shape), self._cells, self._records, strict=True)
        for position, cell, record in cells:
            limits = [
                f"{a:.6g} - {b:.6g}" for a, b in (prior.support for prior in cell)
            ]
            label = ", ".join(str(i) for i in position)
            best = f"{record.log_likelihood[record.best]:.3f}"
            rows.append([label, *limits, f"{record.log_evidence:.3f}", best])
        head = f"Log evidence (ln Z)  {self.log_evidence:.3f}"
        return f"{head} +/- {self.log_evidence_error:.3f}\n\n{aligned(rows)}"

    def _grid(self, values: Sequence[float]) -> FloatArray:
        return np.array(values, dtype=np.float64).reshape(self.shape)

    def _require_evidence(self) -> None:
        if math.isnan(self.log_evidence):
            msg = (
                "The search of this grid gives no evidence; use one that does, such as "
                "gf.DynestyStatic."
            )
            raise ResultError(msg)

    def __repr__(self) -> str:
        cells = " x ".join(str(count) for count in self.shape)
        return f"GridSearchResult({cells} cells over {', '.join(self._names)})"
