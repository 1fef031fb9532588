"""A model fitted to many rows of data: the posterior's maximum of each, and its errors."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from scipy.special import gammaln

from graphfit.analysis import ProfileAnalysis
from graphfit.compiler.factor_kernel import FactorData, Kernels
from graphfit.compiler.lower import as_graph, lower
from graphfit.compiler.prior_terms import condition_terms
from graphfit.compiler.program import Program
from graphfit.errors import ModelError, UnknownNameError, close_match
from graphfit.priors.density import UNIFORM
from graphfit.samples.status import Status
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_fits import RowFits
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.seeding import generator
from graphfit.typing import AnyArray, FloatArray

Likelihood = Literal["gaussian", "student_t", "poisson"]
HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


@final
@dataclass(frozen=True, eq=False)
class BatchResult:
    """The fits of one model to many rows of data; arrays over the leading axes of them.

    ``result["centre"]`` is a parameter or a relation, ``result.error("centre")`` its
    standard deviation.

    Attributes
    ----------
    parameter_names, derived_names : tuple of str
        Free parameters (D), and relations (R).
    values : ndarray, shape (..., D)
        NaN where there is no answer.
    derived : ndarray, shape (..., R)
    covariance : ndarray, shape (..., D, D)
        Of the Gaussian about the optimum; NaN where there is none.
    log_likelihood, log_prior : ndarray, shape (...)
        At the optimum, normalised.
    log_evidence : ndarray, shape (...)
        Laplace's approximation; NaN where a fit did not converge inside its bounds, and
        where the prior does not count.
    chi_squared : ndarray, shape (...)
        NaN for likelihoods that are not least squares.
    points : ndarray of int, shape (...)
        Data points in use.
    evaluations, status : ndarray of int, shape (...)
        Of the model with its derivatives; see :class:`~graphfit.Status`.
    way, reason : str
        How the model was evaluated, as in ``gf.explain``.
    """

    parameter_names: tuple[str, ...]
    derived_names: tuple[str, ...]
    values: FloatArray
    derived: FloatArray
    covariance: FloatArray
    log_likelihood: FloatArray
    log_prior: FloatArray
    log_evidence: FloatArray
    chi_squared: FloatArray
    points: AnyArray
    evaluations: AnyArray
    status: AnyArray
    way: str
    reason: str

    def __getitem__(self, name: str) -> FloatArray:
        """Return one parameter or relation of all fits, shape (...)."""
        if name in self.derived_names:
            return self.derived[..., self.derived_names.index(name)]
        return self.values[..., self._position(name)]

    def error(self, name: str) -> FloatArray:
        """Return one parameter's standard deviation in all fits, shape (...)."""
        j = self._position(name)
        return np.sqrt(self.covariance[..., j, j])

    def counts(self) -> dict[str, int]:
        """Return how many fits ended in each status."""
        codes, numbers = np.unique(self.status, return_counts=True)
        pairs = zip(codes.tolist(), numbers.tolist(), strict=True)
        return {Status(code).name.lower(): number for code, number in pairs}

    def __iter__(self) -> Iterator[str]:
        return iter((*self.parameter_names, *self.derived_names))

    def _position(self, name: str) -> int:
        if name not in self.parameter_names:
            known = (*self.parameter_names, *self.derived_names)
            msg = f"The fits have no parameter {name!r}.{close_match(name, known)}"
            raise UnknownNameError(msg)
        return self.parameter_names.index(name)

    def __repr__(self) -> str:
        ends = ", ".join(f"{number} {name}" for name, number in self.counts().items())
        names = ", ".join(self.parameter_names)
        return f"BatchResult({self.status.size} fits of {names}: {ends}; {self.way})"


def row_program(
    model: Any, data: CurveData, likelihood: Likelihood, settings: Mapping[str, Any]
) -> Program:
    """Return the program of the model on one row, a stand-in for all of them.

    Parameters
    ----------
    model : Model or Collection
    data : CurveData
        The rows.
    likelihood : {"gaussian", "student_t", "poisson"}
    settings : mapping
        jitter and degrees_of_freedom, as for ProfileAnalysis.
    """
    inputs = [row[0] for row in data.inputs]
    n = data.y.shape[1]
    noise = None
    if likelihood != "poisson" and (
        data.sigma is not None or settings["jitter"] is None
    ):
        noise = np.ones(n)
    analysis = ProfileAnalysis(
        inputs[0] if len(inputs) == 1 else np.stack(inputs),
        np.ones(n),
        noise,
        likelihood=likelihood,
        jitter=settings["jitter"],
        degrees_of_freedom=settings["degrees_of_freedom"],
    )
    return lower(as_graph(model, analysis))


def row_kernels(program: Program, *, posterior: bool) -> RowKernels:
    """Return the kernels of a row's program, with those of the prior if it counts."""
    (path,) = program.paths
    kernels, data = path.callable_kernels(own_data=False)
    (analysis,) = program.analyses.values()
    pointwise = analysis.pointwise()
    assert pointwise is not None
    fits_noise = pointwise.jitter is not None
    before = 2 + (fits_noise and pointwise.noise is not None) + len(pointwise.inputs)
    terms: tuple[tuple[Kernels, FactorData], ...] = ()
    if posterior:
        terms = program.prior_terms.require()
    terms = (*terms, *condition_terms(program.space))
    return RowKernels(
        kernels,
        data.local,
        data.constants,
        data.columns[before:],
        path.way,
        path.reason,
        path.any_x,
        fits_noise,
        terms,
    )


def row_starts(
    program: Program,
    start: Mapping[str, Any] | None,
    lead: tuple[int, ...],
    n_starts: int,
    seed: int | None,
) -> FloatArray:
    """Return where the fits begin, (P or 1, S, D).

    Parameters
    ----------
    program : Program
        Of one row.
    start : mapping of str to float or array over the leading axes, or None
        Values by name; what is not named begins at its prior's median.
    lead : tuple of int
        The leading axes of the data.
    n_starts : int
        S; those after the first are draws from the prior.
    seed : int or None
        Of the draws.
    """
    names = program.space.names
    given = dict(start or {})
    for name in given:
        if name not in names:
            msg = f"start: there is no parameter {name!r}.{close_match(name, names)}"
            raise ModelError(msg)
    total = int(np.prod(lead)) if lead else 1
    columns: dict[int, Any] = {}
    for name, value in given.items():
        try:
            columns[names.index(name)] = np.broadcast_to(
                np.asarray(value, dtype=np.float64), lead
            ).reshape(total)
        except (TypeError, ValueError):
            msg = (
                f"start: {name} must be a number or an array of shape {lead}, got shape "
                f"{np.shape(value)}."
            )
            raise ModelError(msg) from None
    missing = [names[i] for i in program.space.improper if i not in columns]
    if missing:
        program.space.require_proper("LevenbergMarquardt, given no start for it,")
    first = program.space.medians(dict.fromkeys(columns, math.nan))
    shared = all(np.ptp(column) == 0 for column in columns.values())
    points = np.repeat(first[None], 1 if shared else total, axis=0)
    for i, column in columns.items():
        points[:, i] = column[: len(points)]
    if n_starts == 1:
        return points[:, None]
    units = generator(seed).random((n_starts - 1, program.dimension))
    flat = {i: float(points[0, i]) for i in program.space.improper}
    draws = np.array([program.space.transform_given(unit, flat) for unit in units])
    more = np.repeat(draws[None], len(points), axis=0)
    return np.concatenate([points[:, None], more], axis=1)


def require_inside(
    program: Program, start: FloatArray, lower: FloatArray, upper: FloatArray
) -> None:
    """Refuse starts (P or 1, D) outside the priors; NaN is a status of its row.

    Raises
    ------
    ModelError
        Naming the first.
    """
    outside = (start < lower) | (start > upper)
    if outside.any():
        row, j = np.argwhere(outside)[0]
        at = f" in row {row}" if len(start) > 1 else ""
        msg = (
            f"start: {program.space.names[j]} = {start[row, j]:g}{at} is outside its "
            f"prior's range {lower[j]:g} to {upper[j]:g}; start where the prior density "
            "is not zero."
        )
        raise ModelError(msg)


def batch_result(
    program: Program,
    kernels: RowKernels,
    data: CurveData,
    fits: RowFits,
    *,
    posterior: bool,
) -> BatchResult:
    """Return the fits as a record, with everything that follows from them."""
    space, lead = program.space, data.lead
    columns = np.ascontiguousarray(fits.theta.T)
    table = space.values(columns)
    with np.errstate(invalid="ignore"):
        log_prior = np.asarray(space.log_prior(table), dtype=np.float64)
    value = fits.value
    if posterior:
        # The kernels' sum holds the priors that are not constant inside their limits.
        value = value - (log_prior - _constant_log_prior(program))
    (analysis,) = program.analyses.values()
    record = analysis.pointwise()
    assert record is not None
    log_likelihood = value + _offsets(record, data, fits)
    is_plain = getattr(kernels.kernels, "is_plain", False)
    chi_squared = -2.0 * value if is_plain else np.full(len(value), np.nan)
    evidence = np.full(len(value), np.nan)
    if posterior and not space.improper:
        volume = space.dimension * math.log(2.0 * math.pi) - fits.log_determinant
        laplace = log_likelihood + log_prior + 0.5 * volume
        evidence = np.where(fits.status == Status.CONVERGED, laplace, np.nan)
    shape = (*lead, space.dimension)
    return BatchResult(
        parameter_names=space.names,
        derived_names=space.derived_names,
        values=fits.theta.reshape(shape),
        derived=space.derived(table).T.reshape(*lead, len(space.derived_names)),
        covariance=fits.covariance.reshape(*shape, space.dimension),
        log_likelihood=log_likelihood.reshape(lead),
        log_prior=log_prior.reshape(lead),
        log_evidence=evidence.reshape(lead),
        chi_squared=chi_squared.reshape(lead),
        points=fits.points.reshape(lead),
        evaluations=fits.evaluations.reshape(lead),
        status=fits.status.reshape(lead),
        way=kernels.way,
        reason=kernels.reason,
    )


def _constant_log_prior(program: Program) -> float:
    """Return the log-densities, summed, of priors that are constant in their limits."""
    return sum(
        -math.log(prior.support[1] - prior.support[0])
        for prior in program.space.priors
        if not prior.is_conditional and prior.density is UNIFORM
    )


def _offsets(record: Any, data: CurveData, fits: RowFits) -> FloatArray:
    """Return what the log-likelihoods hold that no parameter changes, see Pointwise."""
    used: Any = np.ones(data.y.shape[1], dtype=bool)
    if data.masked is not None:
        used = ~data.masked
    if record.likelihood == "poisson":
        counts = np.where(used, data.y, 0.0)
        return -np.asarray(gammaln(counts + 1.0).sum(axis=1))
    offset = np.zeros(len(data.y))
    if record.jitter is None and data.sigma is not None:
        rows = data.sigma[:1] if data.sigma.strides[0] == 0 else data.sigma
        counted = used & (rows > 0.0)
        logs = np.log(np.where(counted, rows, 1.0))
        offset -= logs.sum(axis=1)
    constant = -HALF_LOG_2_PI
    if record.likelihood == "student_t":
        nu = record.degrees_of_freedom
        constant = -0.5 * math.log(math.pi)
        if not isinstance(nu, str):
            constant += float(
                gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * math.log(nu)
            )
    return offset + constant * fits.points
