"""BatchResult: the fits of one graph to many rows of data, and what follows from them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.special import gammaln

from graphfit.compiler.program import Program
from graphfit.errors import UnknownNameError, close_match
from graphfit.priors.density import UNIFORM
from graphfit.samples.status import Status
from graphfit.search.least_squares.arguments import CurveData
from graphfit.search.least_squares.row_fits import RowFits, factor_values
from graphfit.search.least_squares.row_kernels import RowKernels
from graphfit.typing import AnyArray, FloatArray

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
    derived, derived_error : ndarray, shape (..., R)
        The errors to first order.
    covariance : ndarray, shape (..., D, D)
        Of the Gaussian about the optimum; NaN where there is none.
    log_likelihood, log_prior : ndarray, shape (...)
        At the optimum, normalised.
    log_evidence : ndarray, shape (...)
        Laplace's approximation; NaN where a fit did not converge inside its bounds, and
        where the prior does not count.
    chi_squared : ndarray, shape (...)
        NaN for likelihoods that are not least squares.
    factor_chi_squared : mapping of str to ndarray, shape (...)
        The same of each factor, where there are several.
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
    derived_error: FloatArray
    covariance: FloatArray
    log_likelihood: FloatArray
    log_prior: FloatArray
    log_evidence: FloatArray
    chi_squared: FloatArray
    factor_chi_squared: Mapping[str, FloatArray]
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
        """Return the standard deviation of a parameter or relation in all fits."""
        if name in self.derived_names:
            return self.derived_error[..., self.derived_names.index(name)]
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


def batch_result(
    program: Program,
    kernels: RowKernels,
    data: Mapping[str, CurveData],
    fits: RowFits,
    *,
    posterior: bool,
    hidden: Sequence[int] = (),
) -> BatchResult:
    """Return the fits as a record, with everything that follows from them.

    Parameters
    ----------
    program : Program
        Of the graph.
    kernels : RowKernels
        As they were fitted.
    data : mapping of str to CurveData
        By the factors' names.
    fits : RowFits
        Of all rows.
    posterior : bool
        Whether the prior counted.
    hidden : sequence of int
        Positions of parameters that stand for given numbers: no part of the result.
    """
    space, lead = program.space, next(iter(data.values())).lead
    shown = [j for j in range(space.dimension) if j not in set(hidden)]
    table = space.values(np.ascontiguousarray(fits.theta.T))
    with np.errstate(all="ignore"):
        log_prior = np.asarray(space.log_prior(table), dtype=np.float64)
    value = fits.value
    if posterior:
        # The kernels' sum holds the priors that are not constant inside their limits.
        value = value - (log_prior - _constant_log_prior(program))
    log_likelihood = value + offsets(program, kernels, data, fits.factor_points)
    chi_squared = np.full(len(value), np.nan)
    if kernels.is_plain:
        chi_squared = np.maximum(-2.0 * value, 0.0)
    evidence = np.full(len(value), np.nan)
    if posterior and set(space.improper) <= set(hidden):
        volume = len(shown) * math.log(2.0 * math.pi) - fits.log_determinant
        laplace = log_likelihood + log_prior + 0.5 * volume
        evidence = np.where(fits.status == Status.CONVERGED, laplace, np.nan)
    values, covariance = fits.theta, fits.covariance
    if len(shown) < space.dimension:
        values = values[:, shown]
        covariance = covariance[:, shown][:, :, shown]
    points = fits.points + sum(item.points for _, item in kernels.shared)
    shape = (*lead, len(shown))
    return BatchResult(
        parameter_names=tuple(space.names[j] for j in shown),
        derived_names=space.derived_names,
        values=values.reshape(shape),
        derived=space.derived(table).T.reshape(*lead, len(space.derived_names)),
        derived_error=_derived_errors(program, fits).reshape(
            *lead, len(space.derived_names)
        ),
        covariance=covariance.reshape(*shape, len(shown)),
        log_likelihood=log_likelihood.reshape(lead),
        log_prior=log_prior.reshape(lead),
        log_evidence=evidence.reshape(lead),
        chi_squared=chi_squared.reshape(lead),
        factor_chi_squared=_factor_chi_squared(kernels, data, fits),
        points=points.reshape(lead),
        evaluations=fits.evaluations.reshape(lead),
        status=fits.status.reshape(lead),
        way=kernels.way,
        reason=kernels.reason,
    )


def _factor_chi_squared(
    kernels: RowKernels, data: Mapping[str, CurveData], fits: RowFits
) -> dict[str, FloatArray]:
    if len(data) + len(kernels.shared) < 2:
        return {}
    values = factor_values(kernels, tuple(data.values()), fits.theta)
    return {
        name: np.where(factor.is_plain, -2.0 * values[i], np.nan).reshape(item.lead)
        for i, (factor, (name, item)) in enumerate(
            zip(kernels.factors, data.items(), strict=True)
        )
    }


def _derived_errors(program: Program, fits: RowFits) -> FloatArray:
    """Return the standard deviations of relations (P, R), to first order.

    ``var = J C J^T``, with J by central differences of a thousandth of the errors.
    """
    space = program.space
    count = len(space.derived_names)
    if not count:
        return np.empty((len(fits.theta), 0))
    base = np.ascontiguousarray(fits.theta.T)
    slopes = np.zeros((count, *base.shape))
    with np.errstate(all="ignore"):
        steps = 1e-3 * np.sqrt(np.diagonal(fits.covariance, axis1=1, axis2=2)).T
        for j, step in enumerate(steps):
            above, below = base.copy(), base.copy()
            above[j] += step
            below[j] -= step
            rise = space.derived(space.values(above)) - space.derived(
                space.values(below)
            )
            # A parameter that stands for a number has no error, and no slope.
            slopes[:, j] = np.where(step == 0.0, 0.0, rise / (2.0 * step))
        variances = np.einsum("rjp,pjk,rkp->pr", slopes, fits.covariance, slopes)
        return np.asarray(np.sqrt(variances))


def _constant_log_prior(program: Program) -> float:
    """Return the log-densities, summed, of priors that are constant in their limits."""
    return sum(
        -math.log(prior.support[1] - prior.support[0])
        for prior in program.space.priors
        if not prior.is_conditional and prior.density is UNIFORM
    )


def offsets(
    program: Program,
    kernels: RowKernels,
    data: Mapping[str, CurveData],
    factor_points: AnyArray,
) -> FloatArray:
    """Return what the log-likelihoods (P,) hold that no parameter changes, see Pointwise.

    Parameters
    ----------
    program : Program
        Of one row.
    kernels : RowKernels
    data : mapping of str to CurveData
        P rows, of each factor with data of its own.
    factor_points : ndarray of int, shape (F, P)
        Data points in use.
    """
    fixed = float(sum(item.offset for _, item in kernels.shared))
    total = np.full(factor_points.shape[1], fixed)
    for i, (name, item) in enumerate(data.items()):
        record = program.analyses[name].pointwise()
        assert record is not None
        total += _offset(record, item, factor_points[i])
    return total


def _offset(record: Any, data: CurveData, points: AnyArray) -> FloatArray:
    if record.likelihood == "poisson":
        counts = np.asarray(data.y, dtype=np.float64)
        if data.masked is not None:
            counts = np.where(data.masked, 0.0, counts)
        return -_row_sums(gammaln(counts + 1.0))
    offset = np.zeros(len(data.y))
    if record.jitter is None and data.sigma is not None:
        offset -= _log_scales(data, data.sigma, points)
    constant = -HALF_LOG_2_PI
    if record.likelihood == "student_t":
        nu = record.degrees_of_freedom
        constant = -0.5 * math.log(math.pi)
        if not isinstance(nu, str):
            constant += float(
                gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * math.log(nu)
            )
    return offset + constant * points


def _log_scales(data: CurveData, sigma: AnyArray, points: AnyArray) -> FloatArray:
    """Return the sum of ln sigma over each row's points in use."""
    if sigma.strides[1] == 0:  # one number a row
        first = sigma[:1, 0] if sigma.strides[0] == 0 else sigma[:, 0]
        logs = np.log(np.where(first > 0.0, first, 1.0), dtype=np.float64)
        return np.asarray(points * logs, dtype=np.float64)
    rows = sigma[:1] if sigma.strides[0] == 0 else sigma
    logs = np.log(np.where(rows > 0.0, rows, 1.0), dtype=np.float64)
    if data.masked is None:
        return np.broadcast_to(_row_sums(logs), (len(data.y),))
    return _row_sums(np.where(data.masked, 0.0, logs))


def _row_sums(values: AnyArray) -> FloatArray:
    """Return sums over rows, rounded in one way however the array lies in memory."""
    return np.asarray(np.ascontiguousarray(values).sum(axis=1), dtype=np.float64)
