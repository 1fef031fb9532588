"""The maximum of the posterior, or of the likelihood, by Levenberg-Marquardt.

Levenberg (1944), Q. Appl. Math. 2, 164; Marquardt (1963), J. SIAM 11, 431; as More (1978),
Lecture Notes in Mathematics 630, 105, scales it.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np

from graphfit.compiler import as_graph
from graphfit.compiler.problem import Problem
from graphfit.errors import (
    ConvergenceError,
    ConvergenceWarning,
    DataError,
)
from graphfit.graph import FactorGraphModel
from graphfit.priors import Prior
from graphfit.samples import Samples, Status
from graphfit.search.least_squares.arguments import FIT_BATCH, curve_data
from graphfit.search.least_squares.batch_result import BatchResult
from graphfit.search.least_squares.joint import LARGEST_DENSE
from graphfit.search.least_squares.row_problem import (
    FitSettings,
    Likelihood,
    NoiseSettings,
    RowProblem,
    stand_in,
)
from graphfit.search.least_squares.row_starts import row_bounds
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.starting_points import starting_points
from graphfit.search.task import Task
from graphfit.typing import ArrayLike, FloatArray


@final
@settings
class LevenbergMarquardt(Search):
    """The best point, with a Gaussian about it: values, covariance, Laplace evidence.

    Maximises ``ln L(theta) + ln p(theta)``, within the priors' support, by damped
    Gauss-Newton steps ``(H + lambda diag H) d = g``: g the gradient, H the information of
    the data (``J^T W J`` for Gaussian noise, Fisher's otherwise) and the curvature of the
    prior.  Models are compiled with their exact derivatives where they can be; every other
    likelihood is fitted by differences.

    At the optimum ``H^-1`` is the covariance, and::

        ln Z = ln L + ln p + (D / 2) ln 2 pi - (1 / 2) ln det H

    Laplace's approximation of the evidence, right for a posterior that is a Gaussian.

    Parameters
    ----------
    maximize : {"posterior", "likelihood"}
        Whether priors count, or are bounds only (a "prior" then is its support).
    tolerance : float, > 0
        Relative change of the objective that no longer matters; below 1e-10 the answer is
        polished by orthogonal factorisation to all the digits there are.
    max_evaluations : int, >= 1
        Evaluations of each start.
    n_starts : int, >= 1
        Optimisations: from `start` where given, and the best of draws from the prior.
    n_draws : int, >= 1
        Draws from the prior among which the starts are chosen.
    n_sweep : int, >= 0
        Before optimising, each start's parameters are tried one after the other at this
        many quantiles of their priors, as in :class:`~graphfit.LBFGS`.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.
    graphfit.curve_fit : the same for one function and many rows of data.

    Notes
    -----
    A parameter that ends at a bound, a fit without a covariance, and one that did not
    converge are told by ``result.status``.  Then ln Z is NaN.

    Examples
    --------
    >>> import graphfit as gf
    >>> def line(x, slope, offset):
    ...     return slope * x + offset
    >>> model = gf.Model(line, slope=gf.UniformPrior(0, 5), offset=gf.UniformPrior(0, 5))
    >>> x = np.arange(5.0)
    >>> y = 2.0 * x + 1.0 + np.array([0.1, -0.1, 0.0, -0.1, 0.1])
    >>> result = gf.LevenbergMarquardt().fit(model, gf.ProfileAnalysis(x, y, 0.1))
    >>> round(result.instance.slope, 6), round(result.instance.offset, 6)
    (2.0, 1.0)
    >>> low, high = result.errors_at_sigma(1.0).slope
    >>> round(high, 6)
    0.031623
    """

    maximize: Literal["posterior", "likelihood"] = "posterior"
    tolerance: float = 1e-8
    max_evaluations: int = 1000
    n_starts: int = 1
    n_draws: int = 50
    n_sweep: int = 15

    begins_somewhere: ClassVar[bool] = True
    finds: ClassVar[Literal["posterior", "optimum"]] = "optimum"
    needs_unit_cube: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_evaluations", "n_starts", "n_draws"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        require(self, "n_sweep", self.n_sweep >= 0, "at least 0")
        require(self, "tolerance", self.tolerance > 0, "> 0")

    def fit_batch(  # noqa: PLR0913  each is one thing a user may have
        self,
        model: Any,
        x: ArrayLike,
        data: ArrayLike,
        noise_map: ArrayLike | None = None,
        *,
        start: Mapping[str, Any] | None = None,
        mask: ArrayLike | None = None,
        likelihood: Likelihood = "gaussian",
        jitter: str | None = None,
        degrees_of_freedom: float | str | None = None,
        threads: int = 1,
    ) -> BatchResult:
        """Fit one model to every row of data by itself.

        Parameters
        ----------
        model : Model or Collection
            With priors, fixed values, relations; the same for all rows.
        x : array-like, shape (N,), (inputs, N), or that of `data`
            The independent variable.
        data : array-like, shape (..., N)
            A fit for every row of the last axis; NaN is left out.
        noise_map : array-like that broadcasts to `data`, > 0
            Standard deviations; as for :class:`~graphfit.ProfileAnalysis`.
        start : mapping of str to float, or to arrays over the leading axes
            Where to begin, by parameter name.  What is not named begins at the best of
            `n_sweep` quantiles of its prior.  With ``n_starts`` above 1 the others are
            draws from the prior, and the best is kept.
        mask : array-like of bool that broadcasts to `data`
            True marks points to leave out.
        likelihood, jitter, degrees_of_freedom
            As for :class:`~graphfit.ProfileAnalysis`.
        threads : int, >= 1
            Threads over which rows are spread.  The answer does not depend on them.

        Returns
        -------
        BatchResult

        Raises
        ------
        DataError, ModelError, PriorError
            For data, models and starts that cannot be fitted.

        Examples
        --------
        >>> import graphfit as gf
        >>> def line(x, slope, offset):
        ...     return slope * x + offset
        >>> model = gf.Model(
        ...     line, slope=gf.UniformPrior(0, 9), offset=gf.UniformPrior(0, 9)
        ... )
        >>> x = np.arange(5.0)
        >>> rows = np.array([2.0 * x + 1.0, 3.0 * x + 2.0])
        >>> fits = gf.LevenbergMarquardt().fit_batch(model, x, rows, noise_map=0.1)
        >>> fits["slope"].round(6), fits.error("slope").round(6)
        (array([2., 3.]), array([0.031623, 0.031623]))
        """
        values = np.asarray(data)
        if noise_map is None and likelihood != "poisson" and jitter is None:
            msg = "LevenbergMarquardt.fit_batch needs a noise_map > 0, or jitter=."
            raise DataError(msg)
        rows = curve_data(x, values, noise_map, mask, allow_nan=True, words=FIT_BATCH)
        noise = NoiseSettings(likelihood, jitter, degrees_of_freedom)
        analysis = stand_in(
            [row[0] for row in rows.inputs], noise, has_sigma=rows.sigma is not None
        )
        problem = self.row_problem(as_graph(model, analysis), ["0"])
        found = problem.fit({"0": rows}, self.row_settings(threads), start=start)
        if problem.kernels.error is not None:
            raise problem.kernels.error
        return found

    def row_problem(
        self,
        graph: FactorGraphModel,
        own: Sequence[str],
        hidden: Sequence[Prior] = (),
    ) -> RowProblem:
        """Return a graph compiled for many rows of data, see ``RowProblem``."""
        posterior = self.maximize == "posterior"
        return RowProblem(graph, own, posterior=posterior, hidden=hidden)

    def row_settings(self, threads: int = 1, *, strict: bool = True) -> FitSettings:
        """Return the settings that fits of rows take."""
        return FitSettings(
            self.tolerance,
            self.max_evaluations,
            self.n_starts,
            self.n_sweep,
            self.seed,
            threads,
            strict,
        )

    def run(self, task: Task) -> Samples:
        posterior = self.maximize == "posterior"
        work = task.program.problem(posterior=posterior)
        starts, tried = self._starts(task)
        begin = np.stack(starts)
        lower, upper = (a[0] for a in row_bounds(task.program, begin[:1]))
        solved = _solve(self, work, begin, lower, upper)
        _raise_users_error(work)
        status = Status(int(solved.status))
        task.progress.update(
            f"{status.sentence.rstrip('.')}, ln posterior {solved.value + work.offset:.3f}"
        )
        if status >= Status.NON_FINITE:
            msg = f"LevenbergMarquardt found no answer. {status.sentence}"
            raise ConvergenceError(msg)
        if not status.answered or status == Status.SINGULAR:
            warnings.warn(
                f"LevenbergMarquardt: {status.sentence}",
                ConvergenceWarning,
                stacklevel=2,
            )
        evidence = self._laplace(task, solved, status)
        return _samples(task, solved, status, evidence, tried)

    def _starts(self, task: Task) -> tuple[list[FloatArray], int]:
        if task.program.space.improper:
            assert task.start is not None
            return [task.start], 0
        return starting_points(
            task, self.n_starts, self.n_draws, self.n_sweep, type(self).__name__
        )

    def _laplace(self, task: Task, solved: Any, status: Status) -> float:
        """Return ln Z of the Gaussian about the optimum; NaN where that is none."""
        program, theta = task.program, solved.theta
        unknown = program.space.improper or self.maximize == "likelihood"
        if unknown or status != Status.CONVERGED:
            return math.nan
        posterior = task.log_likelihood(theta) + float(program.log_prior(theta))
        volume = theta.size * math.log(2.0 * math.pi) - solved.log_determinant
        return posterior + 0.5 * float(volume)


def _solve(
    search: LevenbergMarquardt,
    work: Problem,
    begin: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> Any:
    if lower.size <= LARGEST_DENSE:
        from graphfit.search.least_squares.batch.fit import fit_batch

        found = fit_batch(
            work.normal,
            begin[None],
            lower,
            upper,
            rows=work.rows,
            tolerance=search.tolerance,
            max_evaluations=search.max_evaluations,
        )
        return type(found)(*(array[0] for array in found))
    from graphfit.search.least_squares.joint.solve import solve_joint

    fits = [
        solve_joint(
            work.normal,
            start,
            lower,
            upper,
            tolerance=search.tolerance,
            max_evaluations=search.max_evaluations,
        )
        for start in begin
    ]
    return max(fits, key=lambda item: (item.status < Status.NON_FINITE, item.value))


def _raise_users_error(work: Problem) -> None:
    """Raise what the user's own code raised inside a kernel."""
    for kernels in work.kernels:
        error = getattr(kernels, "error", None)
        if error is not None:
            raise error


def _samples(
    task: Task, solved: Any, status: Status, log_evidence: float, tried: int
) -> Samples:
    theta = solved.theta
    return Samples(
        kind="optimum",
        parameter_names=task.program.space.names,
        values=theta[None].copy(),
        log_likelihood=np.array([task.log_likelihood(theta)]),
        log_prior=np.atleast_1d(task.program.log_prior(theta)),
        log_weights=np.zeros(1),
        log_evidence=log_evidence,
        evaluations=tried + int(solved.evaluations),
        covariance=solved.covariance,
        status=status,
    )
