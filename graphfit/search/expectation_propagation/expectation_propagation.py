"""ExpectationPropagation: a graph fitted factor by factor."""

import math
from collections.abc import Iterator
from dataclasses import field
from typing import Any, final

from graphfit.compiler import Program
from graphfit.errors import ConvergenceError, SettingError
from graphfit.samples import Samples
from graphfit.scheduling.executor import run_pieces
from graphfit.search.expectation_propagation.answer import answer
from graphfit.search.expectation_propagation.factor_part import factor_parts
from graphfit.search.expectation_propagation.sweeps import Fits, Rules, Sweeps
from graphfit.search.expectation_propagation.tilted_draws import (
    Failure,
    Piece,
    TiltedDraws,
    fit_tilted,
)
from graphfit.search.lbfgs import LBFGS
from graphfit.search.nested.nested_sampler import NestedSampler
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task


def _default_search() -> Search:
    return NestedSampler(n_live=300)


@final
@settings
class ExpectationPropagation(Search):
    """Each factor fitted by itself, in what the others say of the shared parameters.

    The posterior is approximated by a Gaussian in the shared parameters' normal coordinates
    z, the product of their prior and one Gaussian message a factor (Minka 2001, UAI 17, 362;
    Vehtari et al. 2020, J. Mach. Learn. Res. 21, 17).  A fit has the shared parameters of
    one factor and its local ones, however many factors there are, and factors are fitted in
    parallel.  In the end draws of the approximation get importance weights from the exact
    posterior: where these are sound, samples and ln Z are exact up to their number.

    Parameters
    ----------
    search : Search
        Of each factor's problem: one that samples, or ``LevenbergMarquardt``, whose
        Gaussian about the optimum then makes the message (Laplace propagation).
    damping : float, in (0, 1]
        How far a sweep moves the messages towards what they should be.
    max_sweeps : int, >= 1
        Passes over all factors.
    tolerance : float, > 0
        Symmetric Kullback-Leibler divergence (nat) of two successive approximations below
        which, twice, the messages have converged.  A mean that is off by 0.01 standard
        deviations counts 1e-4.
    precision : float, > 0
        Factors are fitted again until the noise of their draws moves no shared
        parameter's mean or deviation by more than this many standard deviations.
    n_draws : int, >= 100
        Draws of the approximation, to check and to return.
    scheduler : {"threads", "processes", "synchronous"} or distributed.Client
        Where factors are fitted; the samples do not depend on it.
    n_workers : int, optional
        Of threads or processes.

    See Also
    --------
    graphfit.search.Search : name, path_prefix, seed and progress.

    Notes
    -----
    ``results.record.messages`` has the messages, the divergences of the sweeps, factors
    that failed and the check of the answer.  It is not written to disk.

    Independent parts of a graph are fitted apart; a part of one factor has nobody to tell
    anything, and is fitted by `search` as it stands.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def level(x, level):
    ...     return level + 0.0 * x
    >>> mean = gf.GaussianPrior(0.0, 10.0)
    >>> factors = [
    ...     gf.AnalysisFactor(
    ...         gf.Model(level, level=mean),
    ...         gf.ProfileAnalysis(np.zeros(1), np.array([y]), noise_map=1.0),
    ...     )
    ...     for y in (1.0, 2.0, 3.0)
    ... ]
    >>> search = gf.ExpectationPropagation(search=gf.LevenbergMarquardt(), seed=1)
    >>> results = search.fit(gf.FactorGraphModel(*factors))
    >>> round(results[0].median_pdf().level, 1)
    2.0
    """

    search: Search = field(default_factory=_default_search)
    damping: float = 0.5
    max_sweeps: int = 50
    tolerance: float = 1e-4
    precision: float = 0.05
    n_draws: int = 2000
    scheduler: Any = "threads"
    n_workers: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        nested = isinstance(self.search, ExpectationPropagation)
        require(self, "search", not nested, "another search, for one factor at a time")
        require(self, "damping", 0.0 < self.damping <= 1.0, "in (0, 1]")
        require(self, "max_sweeps", self.max_sweeps >= 1, "at least 1")
        for name in ("tolerance", "precision"):
            value = getattr(self, name)
            require(self, name, 0.0 < value < math.inf, "> 0 and finite")
        require(self, "n_draws", self.n_draws >= 100, "at least 100")
        workers = self.n_workers is None or self.n_workers >= 1
        require(self, "n_workers", workers, "at least 1")

    def check(self, program: Program) -> None:
        if isinstance(self.search, LBFGS):
            msg = (
                "ExpectationPropagation(search=LBFGS()): it gives no covariance, so no "
                "messages. Use gf.LevenbergMarquardt, or a sampler such as gf.NestedSampler."
            )
            raise SettingError(msg)
        factor_parts(program.graph)

    def run(self, task: Task) -> Samples:
        shared, parts = factor_parts(task.program.graph)
        if len(parts) == 1 or not shared:
            # Nobody to exchange messages with.
            self.search.check(task.program)
            return self.search.run(task)
        rules = Rules(self.damping, self.max_sweeps, self.tolerance, self.precision)
        sweeps = Sweeps(parts, len(shared), self.search, rules, task.seed)
        self._drive(sweeps, task)
        if not any(factor.batches for factor in sweeps.factors):
            reasons = {factor.reason for factor in sweeps.factors}
            msg = (
                f"ExpectationPropagation: the fit of every factor failed. The first reason: "
                f"{min(reasons)}"
            )
            raise ConvergenceError(msg)
        return answer(task, shared, sweeps, self.n_draws)

    def _drive(self, sweeps: Sweeps, task: Task) -> None:
        """Run the sweeps with one set of workers for all of their fits."""
        found: dict[int, TiltedDraws | Failure] = {}

        def deliver(piece: Piece, value: TiltedDraws | Failure) -> None:
            found[piece.number] = value

        def lost(piece: Piece, told: Any) -> None:
            found[piece.number] = Failure(f"its worker died, twice: {told}")

        run_pieces(
            fit_tilted,
            _pieces(sweeps.run(task.progress.update), found),
            deliver,
            scheduler=self.scheduler,
            n_workers=self.n_workers,
            lost=lost,
        )


def _pieces(fits: Fits, found: dict[int, TiltedDraws | Failure]) -> Iterator[Any]:
    """Yield fits as sweeps ask for them; None while a sweep waits for its last ones."""
    wanted = next(fits, None)
    while wanted is not None:
        found.clear()
        yield from wanted
        while len(found) < len(wanted):
            yield None
        try:
            wanted = fits.send(dict(found))
        except StopIteration:
            return
