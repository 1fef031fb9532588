"""NUTS: Hamiltonian chains through many parameters, by nutpie (an extra).

Hoffman & Gelman (2014), JMLR 15, 1593; Betancourt (2017), arXiv:1701.02434.
"""

import os
from typing import ClassVar, Literal, final

import numpy as np

from graphfit.compiler import Program
from graphfit.samples import Samples
from graphfit.search.nuts.beginning import (
    begin_at,
    prior_starts,
    spread_starts,
    tops,
)
from graphfit.search.nuts.chain_samples import chain_samples, warn_of
from graphfit.search.nuts.density import Chain
from graphfit.search.nuts.formulation import Formulation
from graphfit.search.nuts.information import is_informed
from graphfit.search.nuts.sampling import ChainSettings, nutpie_library, sample_chains
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task
from graphfit.seeding import child_seed, generator
from graphfit.typing import BoolArray, FloatArray

# The chains that find out about forms; their draws are not kept.
PILOT_TUNE, PILOT_DRAWS, PILOT_DEPTH = 150, 50, 7
ASKED = 25  # draws of each pilot chain at which the forms are judged

STARTS, PILOT, CHAINS = range(3)  # what random numbers are for


@final
@settings
class NUTS(Search):
    """The no-U-turn sampler: posteriors of many parameters, and of populations.

    Chains follow the gradient of the posterior, so that their cost grows slowly with the
    number of parameters: a graph of a thousand datasets is sampled in minutes.  There is no
    evidence.

    Parameters
    ----------
    draws : int, >= 4
        Draws of each chain that are kept.
    tune : int, >= 1
        Draws of each chain before, in which it finds its steps; they are dropped.
    chains : int, >= 1
        Chains from different starts.  One cannot tell whether it has converged: use 4.
    cores : int, optional
        Chains at a time; None: as many as there are processors.  It changes no number.  A
        graph with a likelihood in Python runs one chain at a time.
    target_accept : float, in (0, 1)
        The acceptance that steps are adapted to; higher is slower, and follows a posterior
        of sharp bends.
    max_treedepth : int, in [1, 20]
        A trajectory is cut short at ``2^max_treedepth`` steps.
    form : {"auto", "centred", "non-centred"}
        How members of populations are sampled, where a population does not say itself: as
        theta, or as ``(theta - mean) / sigma``.  See Notes.
    begin : {"auto", "prior"}
        Without `start`: near maxima of the posterior, climbed from different draws from the
        prior, or at such draws themselves.

    Raises
    ------
    SettingError
        By `fit`: if nutpie is not installed, or a prior or a condition of the model cannot
        be differentiated.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.

    Notes
    -----
    *Coordinates.*  Every parameter is a smooth function of a number y on the whole line, so
    that no chain meets the edge of a support; the density of y has the Jacobian's
    determinant in it.  A prior between two limits is logistic in y, one above a limit
    exponential.

    *Forms.*  A member ``theta ~ N(mean, sigma)`` of which the data say little follows its
    population: sampled as theta it is squeezed where sigma is small (Neal's funnel), sampled
    as y with ``theta = mean + sigma y`` it is not.  A member that the data determine is the
    other way round.  "auto" judges each member by the likelihood's information about y, in
    which the population has unit information: centred where it is above 1 at every draw of
    a short pilot run, else non-centred.  ``result.samples.record.chains.centred``
    tells.

    *Gradients* are exact for compiled factors.  Those of a model that numba or Python
    evaluates are differences: the draws are as right, for they are accepted by the density
    itself, but each costs two evaluations a parameter of its factor.  ``gf.explain(graph)``
    says which factor is which.

    *Steps.*  nutpie adapts a mass matrix from draws and gradients: a diagonal one, with the
    strongest correlations as well up to 50 parameters.

    *Convergence.*  It warns of diverging trajectories, R-hat above 1.01 (or above what
    chance explains), an effective sample size below 400 and energies that hardly move, each
    with what to do (``result.samples.record.chains`` has the figures).  Nothing is resumed:
    a named run that was interrupted begins anew.

    Examples
    --------
    >>> import graphfit as gf, numpy as np
    >>> def line(x, slope, offset):
    ...     return slope * x + offset
    >>> x = np.arange(10.0)
    >>> model = gf.Model(
    ...     line, slope=gf.GaussianPrior(0, 5), offset=gf.GaussianPrior(0, 5)
    ... )
    >>> analysis = gf.ProfileAnalysis(x, 2.0 * x + 1.0, 0.1)
    >>> result = gf.NUTS(draws=500, seed=1).fit(model, analysis)
    >>> abs(result.median_pdf().slope - 2.0) < 0.01
    True
    """

    draws: int = 1000
    tune: int = 500
    chains: int = 4
    cores: int | None = None
    target_accept: float = 0.9
    max_treedepth: int = 10
    form: Literal["auto", "centred", "non-centred"] = "auto"
    begin: Literal["auto", "prior"] = "auto"

    begins_somewhere: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "draws", self.draws >= 4, "at least 4")
        require(self, "tune", self.tune >= 1, "at least 1")
        require(self, "chains", self.chains >= 1, "at least 1")
        require(self, "cores", self.cores is None or self.cores >= 1, "at least 1")
        require(self, "target_accept", 0.0 < self.target_accept < 1.0, "in (0, 1)")
        require(self, "max_treedepth", 1 <= self.max_treedepth <= 20, "in [1, 20]")

    def check(self, program: Program) -> None:
        nutpie_library()
        Formulation(program, self.form).require_gradient()

    def run(self, task: Task) -> Samples:
        formulation = Formulation(task.program, self.form)
        cores = self._cores(task.program)
        peaks, starts = self._starts(task, formulation)
        centred = formulation.centred
        if formulation.open.any():
            starts, centred = self._chosen(task, formulation, peaks, starts)
        density = formulation.density(centred)
        chain_settings = ChainSettings(
            self.tune, self.draws, self.target_accept, self.max_treedepth, cores
        )
        found = sample_chains(
            density,
            _begin(density.chain(), starts, task),
            chain_settings,
            child_seed(task.seed, CHAINS),
            task.progress,
        )
        samples = chain_samples(task, density, found, chain_settings, centred)
        assert samples.chains is not None
        warn_of(samples.chains, task.names or task.program.space.names)
        return samples

    def _cores(self, program: Program) -> int:
        # Users' Python was not written to be called from several threads.
        if not program.is_compiled:
            return 1
        available = len(os.sched_getaffinity(0)) if _HAS_AFFINITY else os.cpu_count()
        return min(self.chains, self.cores or available or 1)

    def _starts(
        self, task: Task, formulation: Formulation
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        """Return theta (D,) of the peak that each chain begins at, and its start there."""
        chain = formulation.density(
            np.zeros(task.program.dimension, dtype=bool)
        ).chain()
        rng = generator(child_seed(task.seed, STARTS))
        if self.begin == "auto" or task.start is not None:
            peaks = tops(task, chain, self.chains)
            starts = spread_starts(chain, peaks, rng)
        else:
            peaks = starts = prior_starts(task, chain, self.chains, rng)
        return [chain.theta(y) for y in peaks], [chain.theta(y) for y in starts]

    def _chosen(
        self,
        task: Task,
        formulation: Formulation,
        peaks: list[FloatArray],
        starts: list[FloatArray],
    ) -> tuple[list[FloatArray], BoolArray]:
        """Return later starts, and who is centred, by a short run of all chains."""
        members = formulation.open
        # Non-centred maxima have too wide populations: of these many are centred, and
        # the pilot's own draws say which of them should not be.
        flat = formulation.density(np.zeros_like(members)).chain()
        first = formulation.centred | is_informed(flat, peaks, members)
        density = formulation.density(first)
        chain = density.chain()
        pilot = sample_chains(
            density,
            _begin(chain, starts, task),
            ChainSettings(
                PILOT_TUNE,
                PILOT_DRAWS,
                self.target_accept,
                PILOT_DEPTH,
                self._cores(task.program),
            ),
            child_seed(task.seed, PILOT),
            task.progress,
        )
        step = PILOT_DRAWS // ASKED
        points = [chain.theta(y) for item in pilot for y in item.y[::step]]
        centred = formulation.centred | is_informed(flat, points, members)
        return [chain.theta(item.y[-1]) for item in pilot], centred


_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


def _begin(chain: Chain, starts: list[FloatArray], task: Task) -> list[FloatArray]:
    """Return y of each start, moved a little where no chain could begin."""
    rng = generator(child_seed(task.seed, STARTS, 1))
    return [begin_at(chain, chain.density.inverse(theta), rng) for theta in starts]
