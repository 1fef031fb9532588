"""RowProblem: a graph of which every row of data is an instance, ready to be fitted.

One row stands in for all: the graph is lowered and compiled once.  What differs from row to
row is data, and numbers that stand where the model has *hidden* parameters: free in the
eyes of the compiler, fixed by the driver, no part of any result.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, final

import numpy as np

from graphfit.analysis import ProfileAnalysis
from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.compiler.lower import lower
from graphfit.compiler.paths import FactorPath
from graphfit.compiler.prior_terms import condition_terms
from graphfit.compiler.program import Program
from graphfit.errors import ModelError
from graphfit.graph import FactorGraphModel
from graphfit.priors import Prior
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.batch_result import BatchResult, batch_result
from graphfit.search.least_squares.row_fits import fit_rows
from graphfit.search.least_squares.row_kernels import RowFactor, RowKernels
from graphfit.search.least_squares.row_starts import (
    given_columns,
    require_inside,
    row_bounds,
    row_starts,
    swept_starts,
)
from graphfit.typing import FloatArray

Likelihood = Literal["gaussian", "student_t", "poisson"]
WAYS = ("compiled", "numba", "python")
Terms = tuple[tuple[Kernels, FactorData], ...]


class NoiseSettings(NamedTuple):
    """How the noise of one factor is distributed; as for ProfileAnalysis."""

    likelihood: Likelihood = "gaussian"
    jitter: str | None = None
    degrees_of_freedom: float | str | None = None


class FitSettings(NamedTuple):
    """How the rows are fitted; as for LevenbergMarquardt."""

    tolerance: float
    max_evaluations: int
    n_starts: int
    n_sweep: int
    seed: int | None
    threads: int = 1
    strict: bool = True  # a start outside the priors is an error, not a status


def stand_in(
    inputs: Sequence[FloatArray], noise: NoiseSettings, *, has_sigma: bool
) -> ProfileAnalysis:
    """Return an analysis that stands for those of all rows.

    Parameters
    ----------
    inputs : sequence of ndarray, each of shape (N,)
        The independent variables of one row.
    noise : NoiseSettings
    has_sigma : bool
        Whether the rows have standard deviations.
    """
    n = len(inputs[0])
    sigma = None
    if noise.likelihood != "poisson" and (has_sigma or noise.jitter is None):
        sigma = np.ones(n)
    return ProfileAnalysis(
        inputs[0] if len(inputs) == 1 else np.stack(inputs),
        np.ones(n),
        sigma,
        likelihood=noise.likelihood,
        jitter=noise.jitter,
        degrees_of_freedom=noise.degrees_of_freedom,
    )


@final
class RowProblem:
    """A graph, lowered and compiled for rows of data.

    Parameters
    ----------
    graph : FactorGraphModel
        With a :func:`stand_in` for every factor that has data of its own in each row.
    own : sequence of str
        The names of those factors; the data of the others are the same in all rows.
    posterior : bool
        Whether the prior counts, or is bounds only.
    hidden : sequence of Prior
        Parameters that stand for numbers given row by row.
    conditions : bool
        Whether the model's conditions are to be terms with derivatives.

    Attributes
    ----------
    program : Program
        Of one row.
    kernels : RowKernels
        Of all rows.
    """

    def __init__(
        self,
        graph: FactorGraphModel,
        own: Sequence[str],
        *,
        posterior: bool,
        hidden: Sequence[Prior] = (),
        conditions: bool = True,
    ) -> None:
        self.program = lower(graph)
        self._posterior = posterior
        order = {prior: i for i, prior in enumerate(self.program.space.priors)}
        self._hidden = {order[prior]: prior for prior in hidden if prior in order}
        self._own = tuple(own)
        terms: Terms = self.program.prior_terms.require() if posterior else ()
        if conditions:
            terms = (*terms, *condition_terms(self.program.space))
        self.kernels = _row_kernels(self.program, set(own), terms)

    @property
    def hidden(self) -> dict[int, Prior]:
        """The hidden parameters, by position."""
        return dict(self._hidden)

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the factors that have data of their own in each row."""
        return self._own

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The free parameters, without hidden ones."""
        names = self.program.space.names
        return tuple(names[j] for j in range(len(names)) if j not in self._hidden)

    def fit(
        self,
        data: Mapping[str, CurveData],
        settings: FitSettings,
        *,
        start: Mapping[str, Any] | None = None,
        numbers: Mapping[Prior, FloatArray] | None = None,
    ) -> BatchResult:
        """Fit every row.

        Parameters
        ----------
        data : mapping of str to CurveData
            P rows of each factor of `own`, by its name.
        settings : FitSettings
        start : mapping of str to float, or to arrays over the leading axes
            Where to begin, by parameter.
        numbers : mapping of Prior to ndarray, shape (P,)
            For the hidden parameters.

        Raises
        ------
        ModelError
            For starts that do not belong to the model, and a model that needs x as a
            whole where x differs from row to row.
        """
        rows = {name: data[name] for name in self._own}
        lead = next(iter(rows.values())).lead
        self._require_any_x(rows)
        given = given_columns(self.program, start, lead)
        given |= {j: (numbers or {})[prior] for j, prior in self._hidden.items()}
        begin = row_starts(self.program, given, settings.n_starts, settings.seed)
        hidden = tuple(self._hidden)
        lower, upper = row_bounds(self.program, begin[:, 0], hidden)
        if settings.strict:
            require_inside(self.program, begin[:, 0], lower, upper)
        else:
            begin, lower, upper = _without_impossible(begin, lower, upper)
        begin = swept_starts(
            self.program,
            self.kernels,
            tuple(rows.values()),
            begin,
            given,
            settings.n_sweep,
        )
        fits = fit_rows(
            self.kernels,
            tuple(rows.values()),
            (begin, lower, upper),
            tolerance=settings.tolerance,
            max_evaluations=settings.max_evaluations,
            threads=settings.threads,
            log_determinant=True,
        )
        return batch_result(
            self.program,
            self.kernels,
            rows,
            fits,
            posterior=self._posterior,
            hidden=hidden,
        )

    def _require_any_x(self, data: Mapping[str, CurveData]) -> None:
        for factor, item in zip(self.kernels.factors, data.values(), strict=True):
            if item.has_own_x and not factor.any_x:
                reason = self.kernels.reason or "it computes with x itself"
                msg = (
                    "LevenbergMarquardt.fit_batch: this model needs all of x at once "
                    f"({reason}), and x differs from row to row; fit the rows one by one, "
                    "or write the model point by point."
                )
                raise ModelError(msg)


def _without_impossible(
    begin: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return starts that are NaN where they, or the bounds, are impossible."""
    first = begin[:, 0]
    wrong = ~(lower <= upper)  # also NaN
    outside = ((first < lower) | (first > upper)).any(axis=1)
    bad = outside | wrong.any(axis=1)
    if bad.any():
        rows = np.broadcast_shapes(first.shape[:1], bad.shape)[0]
        begin = np.repeat(begin, rows, axis=0) if len(begin) < rows else begin.copy()
        begin[np.broadcast_to(bad, rows)] = np.nan
        lower = np.where(wrong, -np.inf, lower)
        upper = np.where(wrong, np.inf, upper)
    return begin, lower, upper


def _row_kernels(program: Program, own: set[str], terms: Terms) -> RowKernels:
    """Return the kernels of a graph of rows, with those of its prior and conditions."""
    factors: list[RowFactor] = []
    shared: list[tuple[Kernels, FactorData]] = []
    pairs = list(zip(program.analyses.items(), program.paths, strict=True))
    for (name, analysis), path in pairs:
        if name not in own:
            shared.append(path.callable_kernels())
            continue
        kernels, data = path.callable_kernels(own_data=False)
        record = analysis.pointwise()
        assert record is not None
        fits_noise = record.jitter is not None and record.noise is not None
        before = 2 + fits_noise + len(record.inputs)
        factors.append(
            RowFactor(
                kernels,
                data.local,
                data.constants,
                data.columns[before:],
                path.any_x,
                record.jitter is not None,
            )
        )
    slowest = max((path for _, path in pairs), key=_slowness)
    return RowKernels(tuple(factors), slowest.way, slowest.reason, tuple(shared), terms)


def _slowness(path: FactorPath) -> int:
    return WAYS.index(path.way)
