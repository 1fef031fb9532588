"""Affine-invariant ensemble sampling by emcee (an extra).

Foreman-Mackey et al. (2013), PASP 125, 306; Goodman & Weare (2010).
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Literal, final

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import ConvergenceWarning, ImpossibleError, SettingError
from graphfit.samples import Samples
from graphfit.search.lbfgs import LBFGS
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task
from graphfit.typing import FloatArray


@final
@settings
class Emcee(Search):
    """Markov chains of an ensemble of walkers, for posteriors without evidence.

    Parameters
    ----------
    nwalkers : int, optional
        Walkers, even and at least twice the number of parameters; None: four times as many
        as parameters, at least 32.
    nsteps : int, >= 1
        Steps of every walker, burn-in included.
    discard : float, in [0, 1)
        The fraction of steps dropped as burn-in.
    thin : int, optional
        Keep every `thin`-th step; None: one every autocorrelation time, so that the
        samples are nearly independent.
    begin : {"map", "prior"}
        Without `start`: around the maximum of the posterior as :class:`LBFGS` finds it, or
        at draws from the prior (walkers may stay behind in poor regions).
    ball : float, in (0, 1)
        Around `start` or the maximum, walkers begin within this fraction of the prior.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.

    Notes
    -----
    The walkers move in the unit cube's coordinates z = Phi^-1(u), where every prior is a
    standard normal density: ln p(z) = ln L(theta(z)) - z.z / 2.  No walker can leave the
    support.
    """

    nwalkers: int | None = None
    nsteps: int = 5000
    discard: float = 0.5
    thin: int | None = None
    begin: Literal["map", "prior"] = "map"
    ball: float = 0.001

    begins_somewhere: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "nsteps", self.nsteps >= 1, "at least 1")
        require(self, "discard", 0.0 <= self.discard < 1.0, "in [0, 1)")
        require(self, "thin", self.thin is None or self.thin >= 1, "at least 1")
        require(self, "ball", 0.0 < self.ball < 1.0, "in (0, 1)")

    def check(self, program: Program) -> None:
        try:
            import emcee  # noqa: F401
        except ModuleNotFoundError:
            msg = "gf.Emcee needs the package emcee: pip install 'graphfit[emcee]'."
            raise SettingError(msg) from None
        least = 2 * program.dimension
        fits = self.nwalkers is None or (
            self.nwalkers >= least and self.nwalkers % 2 == 0
        )
        require(
            self, "nwalkers", fits, f"even and at least {least}, twice the parameters"
        )

    def run(self, task: Task) -> Samples:
        import emcee

        counted = _Counted(task.log_likelihood)
        task = replace(task, log_likelihood=counted)
        dimension = task.program.dimension
        walkers = self.nwalkers or max(32, 4 * dimension)
        rng = task.rng()
        sampler = emcee.EnsembleSampler(walkers, dimension, _Density(task))
        # emcee draws from a legacy generator of its own: seed that one.
        state = emcee.State(
            self._begin(task, walkers, rng),
            random_state=np.random.RandomState(rng.integers(2**32)).get_state(),
        )
        for step, _ in enumerate(
            sampler.sample(state, iterations=self.nsteps), start=1
        ):
            accepted = float(np.mean(sampler.acceptance_fraction))
            task.progress.update(
                f"step {step} of {self.nsteps}, acceptance {accepted:.2f}"
            )
        return self._samples(task, sampler, counted.calls)

    def _begin(self, task: Task, walkers: int, rng: np.random.Generator) -> FloatArray:
        from scipy.special import ndtri

        program = task.program
        first = task.start
        if first is None and self.begin == "map":
            first = LBFGS(n_starts=4).run(task).values[0]
        centre = None if first is None else program.space.unit(first)
        found: list[FloatArray] = []
        for _ in range(1000 * walkers):
            unit = rng.random(program.dimension)
            if centre is not None:
                low = np.clip(centre - 0.5 * self.ball, 0.0, 1.0 - self.ball)
                unit = low + self.ball * unit
            if task.log_likelihood(program.prior_transform(unit)) > -np.inf:
                found.append(ndtri(unit))
            if len(found) == walkers:
                return np.array(found)
        msg = (
            "Emcee found no place to begin: the log-likelihood is -inf nearly everywhere "
            "under the prior. Give start=, or priors nearer to the data."
        )
        raise ImpossibleError(msg)

    def _samples(self, task: Task, sampler: Any, calls: int) -> Samples:
        from scipy.special import ndtr

        dropped = int(self.discard * self.nsteps)
        time = self._autocorrelation(sampler, dropped)
        thin = self.thin or math.ceil(time)
        chain = sampler.get_chain(discard=dropped, thin=thin, flat=True)
        log_density = sampler.get_log_prob(discard=dropped, thin=thin, flat=True)
        values = np.array([task.program.prior_transform(ndtr(z)) for z in chain])
        count = len(values)
        return Samples(
            kind="mcmc",
            parameter_names=task.program.space.names,
            values=values,
            log_likelihood=log_density + 0.5 * np.sum(chain**2, axis=1),
            log_prior=np.asarray(
                task.program.log_prior(np.ascontiguousarray(values.T))
            ),
            log_weights=np.full(count, -np.log(count)),
            evaluations=calls,
            ess_limit=(self.nsteps - dropped) * sampler.nwalkers / time,
        )

    def _autocorrelation(self, sampler: Any, dropped: int) -> float:
        """Return the longest autocorrelation time in steps; warn of a short chain."""
        from emcee.autocorr import integrated_time

        chain = sampler.get_chain(discard=dropped)
        with np.errstate(invalid="ignore"):  # a chain that has not moved: 0 / 0
            times = integrated_time(chain, tol=0, quiet=True)
        longest = float(np.max(np.where(np.isfinite(times), times, 1.0)))
        if len(chain) < 50 * longest:
            warnings.warn(
                f"Emcee: {len(chain)} steps after burn-in are only "
                f"{len(chain) / longest:.0f} autocorrelation times ({longest:.0f} steps); "
                "errors are uncertain below 50. Raise nsteps.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return max(1.0, longest)


class _Counted:
    """A log-likelihood that knows how often it was called."""

    def __init__(self, likelihood: Callable[[FloatArray], float]) -> None:
        self._likelihood = likelihood
        self.calls = 0

    def __call__(self, theta: FloatArray) -> float:
        self.calls += 1
        return self._likelihood(theta)


class _Density:
    """ln L(theta(z)) - z.z / 2, the posterior where the prior is a standard normal."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __call__(self, z: FloatArray) -> float:
        from scipy.special import ndtr

        theta = self._task.program.prior_transform(ndtr(z))
        return self._task.log_likelihood(theta) - 0.5 * float(z @ z)
