"""Nested sampling by dynesty, static and dynamic.

Speagle (2020), MNRAS 493, 3132; the settings keep dynesty's names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, final

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import ImpossibleError
from graphfit.samples import Samples
from graphfit.scheduling.processes import require_guard, require_importable, worker_pool
from graphfit.search.evidence_error import evidence_error
from graphfit.search.search import Search
from graphfit.search.settings import require, settings
from graphfit.search.task import Task
from graphfit.typing import FloatArray

Bound = Literal["none", "single", "multi", "balls", "cubes"]
Sample = Literal["auto", "unif", "rwalk", "slice", "rslice"]


@settings
class DynestySettings(Search):
    """What both samplers share (abstract: use DynestyStatic or DynestyDynamic).

    Parameters
    ----------
    bound : {"multi", "single", "none", "balls", "cubes"}
        The shape that bounds the live points.
    sample : {"auto", "unif", "rwalk", "slice", "rslice"}
        How a new point is drawn inside the bound; "auto" picks by dimension.
    bootstrap : int
        Bootstrap realisations by which bounds are enlarged.  dynesty's own default of 5
        can stall on joint fits (bounds as large as the prior), so here it is 0: bounds
        are enlarged by the factor `enlarge`.
    enlarge : float, optional
        The factor by which bounds are enlarged; None: dynesty's 1.25.
    walks, slices : int, optional
        Steps of a random walk, or of slice sampling, per new point.
    facc : float
        The acceptance fraction that random walks aim at.
    ncdim : int, optional
        The number of leading parameters that are clustered.
    update_interval : int or float, optional
        When the bound is made anew, in calls, or in units of the live points.
    maxiter, maxcall : int, optional
        Caps on iterations and on likelihood calls.
    n_workers : int
        Processes that evaluate the likelihood; results depend on their number only
        through the order of proposals.
    """

    bound: Bound = "multi"
    sample: Sample = "auto"
    bootstrap: int = 0
    enlarge: float | None = None
    walks: int | None = None
    slices: int | None = None
    facc: float = 0.5
    ncdim: int | None = None
    update_interval: int | float | None = None
    maxiter: int | None = None
    maxcall: int | None = None
    n_workers: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "facc", 0.0 < self.facc <= 1.0, "in (0, 1]")
        require(self, "n_workers", self.n_workers >= 1, "at least 1")
        for name in ("bootstrap", "walks", "slices", "ncdim", "maxiter", "maxcall"):
            value = getattr(self, name)
            lowest = 0 if name == "bootstrap" else 1
            require(self, name, value is None or value >= lowest, f"at least {lowest}")
        enlarge, interval = self.enlarge, self.update_interval
        require(self, "enlarge", enlarge is None or enlarge >= 1, "at least 1")
        require(self, "update_interval", interval is None or interval > 0, "> 0")

    def _sampler_settings(self, program: Program) -> dict[str, Any]:
        return {
            "ndim": program.dimension,
            "bound": self.bound,
            "sample": self.sample,
            "bootstrap": self.bootstrap,
            "enlarge": self.enlarge,
            "walks": self.walks,
            "slices": self.slices,
            "facc": self.facc,
            "ncdim": self.ncdim,
            "update_interval": self.update_interval,
        }


@final
@settings
class DynestyStatic(DynestySettings):
    """Nested sampling with a fixed number of live points.

    Parameters
    ----------
    nlive : int, >= 2
        Live points; more than twice the number of parameters, and for an unbiased ln Z
        15 times it or more.  The error of ln Z falls as ``nlive^(-1/2)``, the cost grows
        in proportion.
    dlogz : float, > 0
        Stop when the live points can add less than this to ln Z.

    See Also
    --------
    graphfit.search.dynesty.DynestySettings : the settings shared with DynestyDynamic.
    graphfit.search.Search : name, path_prefix, seed and progress.

    Examples
    --------
    >>> import graphfit as gf
    >>> gf.DynestyStatic(nlive=100, seed=1).nlive
    100
    """

    nlive: int = 250
    dlogz: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "nlive", self.nlive >= 2, "at least 2")
        require(self, "dlogz", self.dlogz > 0, "> 0")

    def check(self, program: Program) -> None:
        rule = f"more than {2 * program.dimension}: twice the number of parameters"
        require(self, "nlive", self.nlive > 2 * program.dimension, rule)

    def run(self, task: Task) -> Samples:
        import dynesty

        with _functions(self, task) as (likelihood, transform, pool), _place(self):
            with _plain_calls():
                sampler = dynesty.NestedSampler(
                    likelihood,
                    transform,
                    nlive=self.nlive,
                    rstate=task.rng(),
                    **pool,
                    **self._sampler_settings(task.program),
                )
            sampler.run_nested(
                dlogz=self.dlogz,
                maxiter=self.maxiter,
                maxcall=self.maxcall,
                print_progress=task.progress.shown,
                print_func=_Printer(task, self.dlogz),
                save_bounds=False,
            )
            return _samples(task, sampler.results)


@final
@settings
class DynestyDynamic(DynestySettings):
    """Nested sampling that adds live points where the posterior or the evidence needs them.

    Parameters
    ----------
    nlive_init : int, >= 2
        Live points of the first, static run.
    nlive_batch : int, >= 2
        Live points of each batch added.
    dlogz_init : float, > 0
        Where the first run stops.
    maxbatch : int, optional
        The cap on batches.
    n_effective : int, optional
        Stop at this effective sample size; None: dynesty's default (10 000).
    pfrac : float, in [0, 1]
        The weight of the posterior, against the evidence, in placing batches.

    See Also
    --------
    graphfit.search.dynesty.DynestySettings : the settings shared with DynestyStatic.
    graphfit.search.Search : name, path_prefix, seed and progress.
    """

    nlive_init: int = 250
    nlive_batch: int = 250
    dlogz_init: float = 0.01
    maxbatch: int | None = None
    n_effective: int | None = None
    pfrac: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "nlive_init", self.nlive_init >= 2, "at least 2")
        require(self, "nlive_batch", self.nlive_batch >= 2, "at least 2")
        require(self, "dlogz_init", self.dlogz_init > 0, "> 0")
        require(self, "pfrac", 0.0 <= self.pfrac <= 1.0, "in [0, 1]")
        batches = self.maxbatch is None or self.maxbatch >= 0
        require(self, "maxbatch", batches, "at least 0")
        effective = self.n_effective is None or self.n_effective >= 1
        require(self, "n_effective", effective, "at least 1")

    def check(self, program: Program) -> None:
        rule = f"more than {2 * program.dimension}: twice the number of parameters"
        require(self, "nlive_init", self.nlive_init > 2 * program.dimension, rule)

    def run(self, task: Task) -> Samples:
        import dynesty

        with _functions(self, task) as (likelihood, transform, pool), _place(self):
            with _plain_calls():
                sampler = dynesty.DynamicNestedSampler(
                    likelihood,
                    transform,
                    rstate=task.rng(),
                    nlive=self.nlive_init,
                    **pool,
                    **self._sampler_settings(task.program),
                )
            sampler.run_nested(
                nlive_init=self.nlive_init,
                nlive_batch=self.nlive_batch,
                dlogz_init=self.dlogz_init,
                maxiter=self.maxiter,
                maxcall=self.maxcall,
                maxbatch=self.maxbatch,
                n_effective=self.n_effective,
                wt_kwargs={"pfrac": self.pfrac},
                print_progress=task.progress.shown,
                print_func=_Printer(task, self.dlogz_init),
                save_bounds=False,
            )
            return _samples(task, sampler.results)


@contextmanager
def _functions(
    search: DynestySettings, task: Task
) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """Yield likelihood, transform and pool settings, in this process or in workers."""
    if search.n_workers == 1:
        yield task.log_likelihood, task.program.prior_transform, {}
        return
    who = type(search).__name__
    functions = (task.log_likelihood, task.program.prior_transform)
    require_guard(f"{who}: n_workers > 1")
    require_importable(who, functions)
    from dynesty.pool import initializer, loglike_cache, prior_transform_cache

    # dynesty's own way to send the functions to each worker once.
    arguments: tuple[Any, ...] = (*functions, (), {}, (), {})
    with worker_pool(who, search.n_workers, initializer, arguments) as pool:
        settings_of_pool = {"pool": pool, "queue_size": search.n_workers}
        yield loglike_cache, prior_transform_cache, settings_of_pool


@contextmanager
def _place(search: DynestySettings) -> Iterator[None]:
    """Say in graphfit's words that no draw from the prior is possible."""
    try:
        yield
    except RuntimeError as error:
        if "find a single point" not in str(error):
            raise
        msg = (
            f"{type(search).__name__} found no place to begin: ln L is -inf at a thousand "
            "times as many draws from the prior as there are live points. Check the "
            "likelihood and the conditions, or give priors nearer to the data."
        )
        raise ImpossibleError(msg) from error


@contextmanager
def _plain_calls() -> Iterator[None]:
    """Leave out dynesty's wrappers, which print a failing call with its traceback.

    graphfit's own error names the factor and the parameters, once.
    """
    from dynesty import dynesty as module

    kept = module._function_wrapper
    module._function_wrapper = _PlainCall
    try:
        yield
    finally:
        module._function_wrapper = kept


class _PlainCall:
    """A function where dynesty has a wrapper; goes to workers as it is."""

    def __init__(self, function: Any, *unused: Any, **named: Any) -> None:
        del unused, named
        self._function = function

    def __call__(self, vector: FloatArray) -> Any:
        return self._function(vector)


class _Printer:
    """dynesty's progress callback: iterations, ln Z, and how much is left."""

    def __init__(self, task: Task, stop: float) -> None:
        self._progress = task.progress
        self._stop = stop

    def __call__(self, state: Any, iteration: int, calls: int, **rest: Any) -> None:
        note = f"{iteration} iterations, {calls} likelihood calls"
        if np.isfinite(state.logz) and state.logz > -1e50:
            note += f", ln Z = {state.logz:.2f}"
        if rest.get("dlogz") is not None and np.isfinite(state.delta_logz):
            note += f", remaining {state.delta_logz:.3g} (stops at {self._stop:g})"
        if rest.get("nbatch"):
            note += f", batch {rest['nbatch']}"
        self._progress.update(note)


def _samples(task: Task, results: Any) -> Samples:
    values: FloatArray = np.asarray(results.samples, dtype=float)
    log_weights = np.asarray(results.logwt - results.logz[-1], dtype=float)
    log_likelihood = np.asarray(results.logl, dtype=float)
    # dynesty stands a huge negative number in for minus infinity.
    possible = np.asarray(log_likelihood > -1e290, dtype=bool)
    log_likelihood = np.where(possible, log_likelihood, -np.inf)
    prior = task.program.log_prior(np.ascontiguousarray(values.T))
    log_evidence = float(results.logz[-1])
    count = _live_points(results)
    error = evidence_error(log_weights, count, results.logvol, possible)
    calls = int(np.sum(results.ncall))
    task.progress.update(
        f"{len(values)} samples, {calls} likelihood calls, "
        f"ln Z = {log_evidence:.2f} +/- {error:.2f}, done"
    )
    return Samples(
        kind="nested",
        parameter_names=task.program.space.names,
        values=values,
        log_likelihood=log_likelihood,
        log_prior=np.asarray(prior, dtype=float),
        log_weights=log_weights,
        log_evidence=log_evidence,
        log_evidence_error=error,
        evaluations=calls,
    )


def _live_points(results: Any) -> FloatArray:
    """Return how many live points there were at each sample, shape (S,).

    The volumes tell: a step from n live points leaves n / (n + 1).  Of a plateau, n falls
    by one at each of its points, for all of them are counted among the same n.
    """
    if "samples_n" in results.keys():  # noqa: SIM118 - dynesty's own record, no mapping
        live = np.array(results.samples_n, dtype=float)
    else:
        # A static run ends with its last live points, one fewer each time.
        left = np.arange(len(results.logl), 0, -1, dtype=float)
        live = np.minimum(float(results.nlive), left)
    # The first step is from a volume that the record does not have.
    shrinkage = -np.diff(np.asarray(results.logvol, dtype=float))
    told = np.isfinite(shrinkage) & (shrinkage > 0.0)
    live[1:][told] = 1.0 / np.expm1(shrinkage[told])
    return live
