"""The maximum of the posterior by L-BFGS-B.

Byrd, Lu, Nocedal & Zhu (1995), SIAM J. Sci. Comput. 16, 1190, as in scipy.
"""

import warnings
from typing import Any, ClassVar, Literal, final

import numpy as np

from graphfit.errors import ConvergenceWarning
from graphfit.samples import Samples
from graphfit.search.coordinates import Coordinates
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.starting_points import starting_points
from graphfit.search.task import Task
from graphfit.typing import FloatArray

ITERATIONS_USED_UP = 1  # scipy's status
STEP = float(np.sqrt(np.finfo(float).eps))  # of forward differences, relative


@final
@settings
class LBFGS(Search):
    """The point of the highest posterior density (MAP), from several starts.

    Maximises ``ln L(theta) + ln p(theta)`` over the physical parameters within the priors'
    support, by scaled coordinates (logarithmic where the prior is).

    Parameters
    ----------
    n_starts : int, >= 1
        Optimisations: from `start` where given, and the best of draws from the prior.
    n_draws : int, >= 1
        Draws from the prior among which the starts are chosen.
    n_sweep : int, >= 0
        Before optimising, each start's parameters are tried one after the other at this
        many quantiles of their priors.  So a parameter that fell where the likelihood does
        not speak of it (a line of no strength, a centre off the data) finds its place.
    maxiter : int, >= 1
        Iterations of each optimisation.
    tolerance : float, > 0
        Relative change of the objective at which an optimisation ends.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.
    """

    n_starts: int = 4
    n_draws: int = 200
    n_sweep: int = 15
    maxiter: int = 1000
    tolerance: float = 1e-12

    begins_somewhere: ClassVar[bool] = True
    finds: ClassVar[Literal["posterior", "optimum"]] = "optimum"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_starts", "n_draws", "maxiter"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        require(self, "n_sweep", self.n_sweep >= 0, "at least 0")
        require(self, "tolerance", self.tolerance > 0, "> 0")

    def run(self, task: Task) -> Samples:
        from scipy.optimize import minimize

        coordinates = Coordinates(task.program.space)
        objective = _Objective(task, coordinates)
        best: Any = None
        starts, tried = starting_points(
            task, self.n_starts, self.n_draws, self.n_sweep, type(self).__name__
        )
        for number, first in enumerate(map(coordinates.to_scaled, starts), start=1):
            found = minimize(
                objective.value_and_gradient,
                first,
                jac=True,
                method="L-BFGS-B",
                bounds=coordinates.bounds,
                options={"maxiter": self.maxiter, "ftol": self.tolerance, "gtol": 1e-8},
            )
            if best is None or found.fun < best.fun:
                best = found
            task.progress.update(
                f"start {number} of {len(starts)}, ln posterior {-best.fun:.3f}"
            )
        if best.status == ITERATIONS_USED_UP:
            warnings.warn(
                f"LBFGS stopped after maxiter={self.maxiter} iterations, short of the "
                "maximum. Raise maxiter.",
                ConvergenceWarning,
                stacklevel=2,
            )
        theta = coordinates.to_physical(best.x)
        return Samples(
            kind="optimum",
            parameter_names=task.program.space.names,
            values=theta[None],
            log_likelihood=np.array([task.log_likelihood(theta)]),
            log_prior=np.atleast_1d(task.program.log_prior(theta)),
            log_weights=np.zeros(1),
            evaluations=tried + objective.calls,
        )


class _Objective:
    """-(ln L + ln prior) of scaled coordinates; infinite where the posterior is zero."""

    def __init__(self, task: Task, coordinates: Coordinates) -> None:
        self._task = task
        self._coordinates = coordinates
        self._upper = np.array([high for _, high in coordinates.bounds])
        self._wall = -np.inf
        self.calls = 0

    def __call__(self, scaled: FloatArray) -> float:
        self.calls += 1
        theta = self._coordinates.to_physical(scaled)
        prior = float(self._task.program.log_prior(theta))
        if prior == -np.inf:
            return np.inf
        value = -(self._task.log_likelihood(theta) + prior)
        if value < np.inf:
            self._wall = max(self._wall, value)
        return value

    def value_and_gradient(self, scaled: FloatArray) -> tuple[float, FloatArray]:
        """Return the value and the gradient, finite everywhere.

        Exact where the program is compiled, else by forward differences.  Infinity would
        stop the line search: beyond the edge of what is possible the value is a little
        above the highest one seen, so that the step is shortened instead.
        """
        value = self(scaled)
        gradient = np.zeros(scaled.size)
        if value == np.inf:
            return self._wall + 1.0 + abs(self._wall), gradient
        theta = self._coordinates.to_physical(scaled)
        exact = self._task.program.gradient(theta)
        if exact is not None and np.isfinite(exact).all():
            return value, -exact * self._coordinates.slope(theta)
        for i, step in enumerate(STEP * np.maximum(1.0, np.abs(scaled))):
            # Backwards where forwards is out of bounds or refused.
            for signed in (step, -step):
                moved = scaled.copy()
                moved[i] += signed
                other = self(moved) if moved[i] <= self._upper[i] else np.inf
                if other < np.inf:
                    gradient[i] = (other - value) / (moved[i] - scaled[i])
                    break
        return value, gradient
