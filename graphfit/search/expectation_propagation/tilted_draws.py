"""TiltedDraws: what a search found in a tilted problem, in normal coordinates.

The draws are kept with the cavity that they were made under.  They say what another cavity
would give, by importance weights, as long as they cover it: a sweep then costs no new
fit, and has the same random numbers as the one before.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.compiler import lower
from graphfit.compiler.factor_sum import FactorSum
from graphfit.errors import ConvergenceError
from graphfit.samples import Samples
from graphfit.search.expectation_propagation.factor_part import (
    FactorPart,
    TiltedProblem,
    tilted_problem,
)
from graphfit.search.expectation_propagation.message import Message
from graphfit.search.expectation_propagation.normal_form import NormalForm
from graphfit.search.progress import Progress
from graphfit.search.task import Task
from graphfit.typing import FloatArray

_NEGLIGIBLE = 1e-6
"""Of the weight, that the draws which are left out have together."""


@final
@dataclass(frozen=True, eq=False)
class TiltedDraws:
    """Weighted draws of a tilted density, or the Gaussian about its optimum.

    Attributes
    ----------
    cavity : Message
        That they were made under.
    points : ndarray, shape (S, d + m)
        z, shared coordinates first.
    score : ndarray, shape (S, d + m) or (0, 0)
        The gradient of ln L with respect to z, where there is one.
    log_weights : ndarray, shape (S,)
        Under that cavity; they sum to one.
    covariance : ndarray, shape (d + m, d + m) or (0, 0)
        Of the Gaussian about an optimum, which is then the only point.
    log_evidence, log_evidence_error : float
        ln of the integral of the normalised cavity, the local priors and L.
    size : float
        The effective sample size that the search states.
    evaluations : int
    """

    cavity: Message
    points: FloatArray
    score: FloatArray
    log_weights: FloatArray
    covariance: FloatArray
    log_evidence: float
    log_evidence_error: float
    size: float
    evaluations: int

    @property
    def is_gaussian(self) -> bool:
        """Whether they are the Gaussian about an optimum."""
        return self.covariance.size > 0


class Piece(NamedTuple):
    """One tilted fit, for a worker."""

    number: int
    part: FactorPart
    cavity: Message
    search: Any
    seed: int


class Failure(NamedTuple):
    """Why a tilted fit gave nothing."""

    reason: str


def fit_tilted(piece: Piece) -> TiltedDraws | Failure:
    """Fit a tilted problem, on a worker.

    Parameters
    ----------
    piece : Piece

    Returns
    -------
    TiltedDraws or Failure
        A factor that fails is a record: the others go on.
    """
    try:
        return _fitted(piece)
    except Exception as error:  # boundary: a search on a user's likelihood  # noqa: BLE001
        return Failure(f"{type(error).__name__}: {error}")


def _fitted(piece: Piece) -> TiltedDraws:
    if not piece.part.priors:
        return _constant(piece)
    is_optimum = piece.search.finds == "optimum"
    problem = tilted_problem(piece.part, piece.cavity, normal_locals=is_optimum)
    program = lower(problem.graph)
    piece.search.check(program)
    with Progress("", show=False) as progress:
        task = Task(program, program.log_likelihood, piece.seed, progress, None)
        samples = piece.search.run(task)
    order = {prior: i for i, prior in enumerate(program.space.priors)}
    columns = [order[prior] for prior in (*problem.whitened, *problem.local)]
    if is_optimum:
        return _of_optimum(piece, samples, columns)
    return _of_draws(piece, problem, samples, columns)


def _constant(piece: Piece) -> TiltedDraws:
    """Return what a factor without free parameters says: a number."""
    graph = piece.part.graph
    instance = graph.global_prior_model.instance_from_vector([])
    value = graph.log_likelihood_function(instance)
    nothing = np.empty((0, 0))
    empty, one = np.empty((1, 0)), np.zeros(1)
    return TiltedDraws(piece.cavity, empty, nothing, one, nothing, value, 0.0, 1.0, 1)


def _of_optimum(piece: Piece, samples: Samples, columns: list[int]) -> TiltedDraws:
    if not samples.is_gaussian or samples.covariance.ndim != 2:
        msg = (
            f"{type(piece.search).__name__} found an optimum without a covariance, which "
            f"makes no message. {samples.status.sentence}"
        )
        raise ConvergenceError(msg)
    mean, root = _to_cavity(piece.cavity, len(columns))
    covariance = root @ samples.covariance[np.ix_(columns, columns)] @ root.T
    return TiltedDraws(
        piece.cavity,
        (mean + root @ samples.values[0, columns])[None],
        np.empty((0, 0)),
        np.zeros(1),
        0.5 * (covariance + covariance.T),
        samples.log_evidence,
        0.0,
        np.inf,
        samples.evaluations,
    )


def _to_cavity(cavity: Message, size: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and root of z = mean + root e, local coordinates as they are."""
    d = len(cavity.linear)
    mean, root = np.zeros(size), np.eye(size)
    mean[:d], covariance = cavity.moments
    root[:d, :d] = np.linalg.cholesky(covariance)
    return mean, root


def _of_draws(
    piece: Piece, problem: TiltedProblem, samples: Samples, columns: list[int]
) -> TiltedDraws:
    part, d = piece.part, len(piece.part.shared)
    weights = samples.weights
    order = np.argsort(weights, kind="stable")
    kept = np.sort(order[np.cumsum(weights[order]) > _NEGLIGIBLE])
    found = samples.values[kept][:, columns].T
    mean, root = _to_cavity(piece.cavity, len(columns))
    normal = np.zeros(found.shape)
    normal[:d] = (root @ np.vstack([found[:d], normal[d:]]))[:d] + mean[:d, None]
    if part.local:
        form = NormalForm(part.priors)
        physical = np.vstack([form.to_physical(normal)[:d], found[d:]])
        normal[d:] = form.to_normal(physical)[d:]
    log_weights = np.log(weights[kept])
    log_weights -= np.logaddexp.reduce(log_weights)
    points = np.ascontiguousarray(normal.T)
    return TiltedDraws(
        piece.cavity,
        points,
        _score(part, points),
        log_weights,
        np.empty((0, 0)),
        samples.log_evidence,
        samples.log_evidence_error,
        min(float(1.0 / np.sum(weights**2)), samples.ess_limit),
        samples.evaluations,
    )


def _score(part: FactorPart, points: FloatArray) -> FloatArray:
    """Return the gradient of ln L with respect to z at each point, or none."""
    nothing = np.empty((0, 0))
    if part.has_conditions:
        return nothing
    standard = Message.standard(len(part.shared))
    problem = tilted_problem(part, standard, normal_locals=True)
    program = lower(problem.graph)
    order = {prior: i for i, prior in enumerate(program.space.priors)}
    columns = [order[prior] for prior in (*problem.whitened, *problem.local)]
    if not program.is_compiled or len(program.paths) != 1:
        return nothing
    kernels, data = program.paths[0].callable_kernels()
    likelihood = FactorSum([kernels], [data], "gradient", program.dimension)
    scores = np.empty(points.shape)
    theta = np.empty(program.dimension)
    for row, point in enumerate(points):
        theta[columns] = point
        scores[row] = likelihood.with_gradient(theta)[1][columns]
    return scores if np.isfinite(scores).all() else nothing
