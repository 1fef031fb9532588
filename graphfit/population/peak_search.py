"""PeakSearch: a posterior with one narrow peak, from few evaluations.

Many members make the hyper-posterior a narrow peak, close to a Gaussian.  Nested sampling
spends nearly all of its calls on the way there.  Here the peak is climbed
(:class:`~graphfit.LBFGS`), its curvature H measured, and draws of Student's t about it are
weighted by posterior over proposal (importance sampling):

    t_m ~ St_5(t*, H^-1),   w_m = L(theta_m) p(theta_m) |d theta / d t| / q(t_m),
    Z = mean w_m,   var ln Z = (mean w^2 / Z^2 - 1) / M.                              [Eq. 1]

The weights make it exact, wherever the proposal covers the posterior; they also tell when it
does not (Pareto k above 0.7).  Then the proposal is fitted to them, and drawn from again.
"""

import math
import warnings
from typing import ClassVar, Literal, final

import numpy as np

from graphfit.errors import ConvergenceError, ConvergenceWarning
from graphfit.samples import Samples, Status
from graphfit.samples.pareto_smoothing import smoothed
from graphfit.search import LBFGS
from graphfit.search.coordinates import Coordinates
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task
from graphfit.typing import FloatArray

DEGREES = 5.0  # of freedom, of the proposal
WIDEN = 1.1
ROUNDS = 4
ENOUGH = 0.3  # effective draws of a round, as a share
HIGHEST_K = 0.7


@final
@settings
class PeakSearch(Search):
    """Importance sampling about the highest peak of the posterior.

    For posteriors that many data make a single peak; of several peaks it finds one.

    Parameters
    ----------
    draws : int, >= 200
        Of the last round, which the samples are.
    n_starts, n_draws : int, >= 1
        As for :class:`~graphfit.LBFGS`.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.
    """

    draws: int = 2000
    n_starts: int = 2
    n_draws: int = 100

    begins_somewhere: ClassVar[bool] = True
    finds: ClassVar[Literal["posterior", "optimum"]] = "posterior"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "draws", self.draws >= 200, "at least 200")
        for name in ("n_starts", "n_draws"):
            require(self, name, getattr(self, name) >= 1, "at least 1")

    def run(self, task: Task) -> Samples:
        climb = LBFGS(n_starts=self.n_starts, n_draws=self.n_draws, n_sweep=5)
        best = climb.run(task)
        target = _Target(task)
        centre = target.coordinates.to_scaled(best.values[0])
        spread = _inverse_curvature(target, centre)
        rng = task.rng()
        drawn = None
        for _ in range(ROUNDS):
            drawn = _Drawn(target, centre, WIDEN**2 * spread, self.draws // 2, rng)
            if not drawn.share:
                # A posterior that is flat within its prior has no curvature to go by.
                spread = spread / 16.0
                continue
            if drawn.share > ENOUGH:
                break
            centre, spread = drawn.moments(spread)
        drawn = _Drawn(target, centre, WIDEN**2 * spread, self.draws, rng)
        return _samples(task, drawn, best.evaluations + target.calls)


@final
class _Target:
    """ln of the posterior as a density of the scaled coordinates t."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.coordinates = Coordinates(task.program.space)
        self.calls = 0

    def parts(self, t: FloatArray) -> tuple[FloatArray, float, float, float]:
        """Return theta, ln L, ln p(theta) and ln |d theta / d t|."""
        theta = self.coordinates.to_physical(t)
        log_prior = float(self._task.program.log_prior(theta))
        if not math.isfinite(log_prior):
            return theta, -math.inf, -math.inf, 0.0
        self.calls += 1
        log_likelihood = float(self._task.log_likelihood(theta))
        slope = np.log(np.abs(self.coordinates.slope(theta))).sum()
        return theta, log_likelihood, log_prior, float(slope)

    def value(self, t: FloatArray) -> float:
        """Return ln L + ln p(theta), as a function of t without its Jacobian."""
        _, log_likelihood, log_prior, _ = self.parts(t)
        return log_likelihood + log_prior

    def gradient(self, t: FloatArray) -> FloatArray | None:
        """Return its gradient, or None where there is no exact one."""
        theta = self.coordinates.to_physical(t)
        exact = self._task.program.gradient(theta)
        if exact is None or not np.isfinite(exact).all():
            return None
        self.calls += 1
        found: FloatArray = exact * self.coordinates.slope(theta)
        return found


def _inverse_curvature(target: _Target, centre: FloatArray) -> FloatArray:
    """Return the inverse of the negative Hessian at the peak, positive definite."""
    size = centre.size
    steps = np.array([_step(target, centre, j) for j in range(size)])
    hessian = np.empty((size, size))
    if target.gradient(centre) is None:
        for i in range(size):
            for j in range(i + 1):
                hessian[i, j] = hessian[j, i] = _second(target, centre, steps, i, j)
    else:
        for j in range(size):
            hessian[j] = _slopes(target, centre, steps[j], j)
    hessian = 0.5 * (hessian + hessian.T)
    scaled = hessian * steps[:, None] * steps[None, :]
    values, vectors = np.linalg.eigh(np.where(np.isfinite(scaled), scaled, 0.0))
    # A direction that does not fall off is given the width of a tenth of its steps' size.
    inverse = (vectors / np.maximum(-values, 0.01)) @ vectors.T
    found: FloatArray = inverse * steps[:, None] * steps[None, :]
    return found


def _step(target: _Target, centre: FloatArray, j: int) -> float:
    """Return how far along parameter j the posterior falls by about a half."""
    top = target.value(centre)
    step = 1e-4
    for _ in range(60):
        falls = []
        for sign in (-1.0, 1.0):
            moved = centre.copy()
            moved[j] += sign * step
            falls.append(top - target.value(moved))
        fall = min(falls)
        if 0.1 <= fall <= 2.0:
            break
        if fall > 2.0:
            step *= max(0.1, math.sqrt(0.5 / fall)) if math.isfinite(fall) else 0.1
        else:
            step *= min(10.0, math.sqrt(0.5 / max(fall, 1e-3)))
        if not 1e-12 < step < 1e3:
            break
    return step


def _slopes(target: _Target, centre: FloatArray, step: float, j: int) -> FloatArray:
    """Return a row of the Hessian by central differences of the gradient."""
    ends = []
    for sign in (-1.0, 1.0):
        moved = centre.copy()
        moved[j] += sign * step
        found = target.gradient(moved)
        ends.append(np.full(centre.size, np.nan) if found is None else found)
    row: FloatArray = (ends[1] - ends[0]) / (2.0 * step)
    return row


def _second(
    target: _Target, centre: FloatArray, steps: FloatArray, i: int, j: int
) -> float:
    """Return an element of the Hessian by differences of values."""
    total = 0.0
    for a in (-1.0, 1.0):
        for b in (-1.0, 1.0):
            moved = centre.copy()
            moved[i] += 0.5 * a * steps[i]
            moved[j] += 0.5 * b * steps[j]
            total += a * b * target.value(moved)
    return float(total / (steps[i] * steps[j]))


@final
class _Drawn:
    """Draws of Student's t about a centre, with their weights."""

    def __init__(
        self,
        target: _Target,
        centre: FloatArray,
        spread: FloatArray,
        count: int,
        rng: np.random.Generator,
    ) -> None:
        size = centre.size
        root = np.linalg.cholesky(spread + 1e-14 * np.diag(np.diagonal(spread)))
        z = rng.standard_normal((count, size))
        scale = np.sqrt(DEGREES / rng.chisquare(DEGREES, count))
        self.t = centre + (z * scale[:, None]) @ root.T
        square = (z * z).sum(axis=1) * scale**2
        log_q = (
            math.lgamma(0.5 * (DEGREES + size))
            - math.lgamma(0.5 * DEGREES)
            - 0.5 * size * math.log(DEGREES * math.pi)
            - np.log(np.diagonal(root)).sum()
            - 0.5 * (DEGREES + size) * np.log1p(square / DEGREES)
        )
        found = [target.parts(t) for t in self.t]
        self.theta = np.array([item[0] for item in found])
        self.log_likelihood = np.array([item[1] for item in found])
        self.log_prior = np.array([item[2] for item in found])
        slope = np.array([item[3] for item in found])
        self.log_weight = self.log_likelihood + self.log_prior + slope - log_q

    @property
    def weight(self) -> FloatArray:
        """The weights, the largest 1."""
        top = self.log_weight.max()
        found: FloatArray = np.exp(self.log_weight - (top if top > -np.inf else 0.0))
        return found

    @property
    def share(self) -> float:
        """The effective draws as a share of all."""
        weight = self.weight
        total = weight.sum()
        return float(total**2 / (weight**2).sum() / weight.size) if total else 0.0

    def moments(self, fallback: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean and covariance of t under the weights."""
        weight = self.weight / self.weight.sum()
        mean = weight @ self.t
        away = self.t - mean
        spread = (weight[:, None] * away).T @ away
        # Of few effective draws part of the covariance is that of before.
        few = 1.0 / (1.0 + 0.05 * self.share * weight.size / mean.size)
        return mean, (1.0 - few) * spread + few * fallback


def _samples(task: Task, drawn: _Drawn, evaluations: int) -> Samples:
    kept = drawn.log_weight > -np.inf
    count = drawn.log_weight.size
    weight = drawn.weight
    if not kept.any():
        msg = (
            f"PeakSearch: none of {count} draws about the highest point lies inside the "
            "prior and has a finite likelihood; use gf.NestedSampler."
        )
        raise ConvergenceError(msg)
    mean = float(weight.mean())
    log_z = float(drawn.log_weight.max() + math.log(mean))
    error = math.sqrt(max(float((weight**2).mean()) / mean**2 - 1.0, 0.0) / count)
    status = Status.CONVERGED
    k = smoothed(drawn.log_weight).k
    if not k < HIGHEST_K:
        status = Status.STALLED
        warnings.warn(
            f"PeakSearch: the posterior is not the single peak that its draws are made "
            f"for (Pareto k = {k:.2f}, above {HIGHEST_K}); use gf.NestedSampler.",
            ConvergenceWarning,
            stacklevel=2,
        )
    task.progress.update(f"{count} draws, ln Z = {log_z:.2f} +/- {error:.3f}, done")
    return Samples(
        kind="nested",
        parameter_names=task.program.space.names,
        values=drawn.theta[kept],
        log_likelihood=drawn.log_likelihood[kept],
        log_prior=drawn.log_prior[kept],
        log_weights=drawn.log_weight[kept] - log_z - math.log(count),
        log_evidence=log_z,
        log_evidence_error=error,
        evaluations=evaluations,
        status=status,
    )
