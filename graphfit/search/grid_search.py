"""Grid search: one fit in every cell of a grid over some priors.

Each prior of the grid is cut into cells of equal prior mass, and the model is fitted with
every combination of them.  A posterior of many separate modes becomes many easy fits, and
nothing is lost: with m_c the prior mass of cell c and Z_c its evidence,

    Z = sum_c m_c Z_c,  m_c = 1 / number of cells,                              [Eq. 1]
    P(cell c | data) = m_c Z_c / Z.                                             [Eq. 2]
"""

import dataclasses
import itertools
import multiprocessing
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.compiler import as_graph, lower
from graphfit.errors import (
    GraphfitError,
    LikelihoodError,
    ModelError,
    PriorError,
    SettingError,
)
from graphfit.graph import AnalysisFactor, FactorGraphModel, HierarchicalFactor
from graphfit.model.tree import Substitution, free_parameters
from graphfit.priors import (
    Comparison,
    GaussianPrior,
    LogGaussianPrior,
    LogUniformPrior,
    Prior,
    TruncatedGaussianPrior,
    UniformPrior,
)
from graphfit.result import GridSearchResult, ResultList, make_results
from graphfit.samples import Samples
from graphfit.scheduling.processes import require_guard
from graphfit.search.search import Search
from graphfit.search.settings import check_types, require, settings
from graphfit.seeding import child_seed

# Families whose limits cut them off. (Those of a beta prior would stretch it.)
DIVISIBLE = (
    UniformPrior,
    LogUniformPrior,
    GaussianPrior,
    TruncatedGaussianPrior,
    LogGaussianPrior,
)


@final
@settings
class SearchGridSearch:
    """A grid of fits over cells of some priors.

    Parameters
    ----------
    search : Search
        Fits each cell.  With a seed, cell i (in the order of `GridSearchResult.results`)
        gets the i-th child of it; with a name, each cell is a run of its own,
        ``<name>_cell_<position>``, which is resumed or read back on its own.
    number_of_steps : int, >= 1
        The cells along each prior of the grid.
    number_of_cores : int, >= 1
        The processes that fit cells at the same time; the numbers are the same.

    Examples
    --------
    >>> import graphfit as gf
    >>> class One(gf.Analysis):
    ...     def log_likelihood_function(self, instance):
    ...         return -0.5 * (instance.x - 7.0) ** 2
    >>> model = gf.Collection(x=gf.UniformPrior(0, 10))
    >>> grid = SearchGridSearch(search=gf.LBFGS(seed=1), number_of_steps=2)
    >>> result = grid.fit(model=model, analysis=One(), grid_priors=[model.x])
    >>> result.physical_centres_lists
    [[2.5], [7.5]]
    >>> result.log_likelihoods.round(3).tolist()
    [-2.0, -0.0]
    >>> round(result.best_result.instance.x, 3)
    7.0
    """

    search: Search
    number_of_steps: int = 4
    number_of_cores: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("number_of_steps", "number_of_cores"):
            require(self, name, getattr(self, name) >= 1, "at least 1")

    def fit(
        self,
        model: Any,
        analysis: Any = None,
        *,
        grid_priors: Iterable[Prior],
        info: Mapping[str, Any] | None = None,
    ) -> "GridSearchResult":
        """Fit every cell of the grid.

        Parameters
        ----------
        model, analysis
            A model and its dataset, or a graph alone, as for the search's own ``fit``.
        grid_priors : sequence of Prior, length K
            The axes of the grid: priors of the model, each uniform, log-uniform, or a
            Gaussian (of x or ln x) between two finite limits.  They are cut at equally
            spaced quantiles and keep their families.
        info : mapping, optional
            Plain data to keep with each named run.

        Returns
        -------
        GridSearchResult

        Raises
        ------
        ModelError
            If a prior of the grid is no free parameter of the model, or given twice.
        PriorError
            If it cannot be cut into cells.
        SettingError
            If processes cannot be started, or the model not be sent to them.
        """
        graph = as_graph(model, analysis)
        names = _checked(grid_priors, graph)
        axes = [
            _cells(prior, self.number_of_steps, name) for prior, name in names.items()
        ]
        jobs = [
            self._job(graph, dict(zip(names, cell, strict=True)), number, info)
            for number, cell in enumerate(itertools.product(*axes))
        ]
        done = self._in_processes(jobs) if self.number_of_cores > 1 else _in_turn(jobs)
        is_joint = any(isinstance(item, FactorGraphModel) for item in (model, analysis))
        return GridSearchResult(done, axes, names, is_joint=is_joint)

    def _job(
        self,
        graph: FactorGraphModel,
        cells: Mapping[Prior, Prior],
        number: int,
        info: Mapping[str, Any] | None,
    ) -> "_Job":
        search, shape = self.search, (self.number_of_steps,) * len(cells)
        changes: dict[str, Any] = {}
        if search.seed is not None:
            changes["seed"] = child_seed(search.seed, number)
        if search.name is not None or search.path_prefix is not None:
            position = "_".join(str(i) for i in np.unravel_index(number, shape))
            prefix = "" if search.name is None else f"{search.name}_"
            changes["name"] = f"{prefix}cell_{position}"
        if search.progress is None and self.number_of_cores > 1:
            changes["progress"] = False  # the bars would write over one another
        where = ", ".join(str(cell) for cell in cells.values())
        own = dataclasses.replace(search, **changes)
        return _Job(own, _with_priors(graph, cells), info, f"cell {number}: {where}")

    def _in_processes(self, jobs: Sequence["_Job"]) -> list[ResultList]:
        who = f"SearchGridSearch(number_of_cores={self.number_of_cores})"
        require_guard(who)
        _require_sendable(jobs[0], who)
        with ProcessPoolExecutor(
            min(self.number_of_cores, len(jobs)), multiprocessing.get_context("spawn")
        ) as pool:
            futures = [pool.submit(_samples, *job[:3]) for job in jobs]
            try:
                found = []
                for job, future in zip(jobs, futures, strict=True):
                    with _in_cell(job):
                        found.append(future.result())
            except BrokenProcessPool:
                msg = (
                    f"{who}: a worker process ended early: out of memory, or it could not "
                    "start (then its own message stands above). Finished cells of a named "
                    "search are kept."
                )
                raise LikelihoodError(msg) from None
            finally:
                pool.shutdown(cancel_futures=True)  # the first failure ends the grid
        # The worker's priors are copies: results are made of the caller's own.
        return [
            make_results(lower(job.graph), samples)
            for job, samples in zip(jobs, found, strict=True)
        ]


class _Job(NamedTuple):
    """One cell to fit."""

    search: Search
    graph: FactorGraphModel
    info: Mapping[str, Any] | None
    label: str


def _checked(grid_priors: Iterable[Prior], graph: FactorGraphModel) -> dict[Prior, str]:
    """Return the grid's priors with their names in the model."""
    known = free_parameters(graph.global_prior_model)
    drawn = [prior for population in graph.populations for prior in population.drawn]
    names: dict[Prior, str] = {}
    for prior in grid_priors:
        if not isinstance(prior, Prior):
            msg = f"grid_priors takes priors, e.g. [model.centre], got {prior!r}."
            raise ModelError(msg)
        if any(prior is other for other in drawn):
            msg = (
                f"grid_priors: {prior} is drawn from a population, whose density it has "
                "instead of its own; make a grid over the population's parameters."
            )
            raise ModelError(msg)
        if prior not in known:
            msg = (
                f"grid_priors: {prior} is no free parameter of the model; give the prior "
                f"objects that stand there. Known: {', '.join(known.values())}."
            )
            raise ModelError(msg)
        if prior in names:
            msg = f"grid_priors: '{names[prior]}' is given twice; one axis is enough."
            raise ModelError(msg)
        names[prior] = known[prior]
    if not names:
        msg = "grid_priors is empty; give at least one prior, e.g. [model.centre]."
        raise ModelError(msg)
    return names


def _cells(prior: Prior, count: int, name: str) -> tuple[Prior, ...]:
    """Return the priors of equal mass that `prior` is cut into."""
    divisible = isinstance(prior, DIVISIBLE) and not prior.is_conditional
    if not divisible or not np.isfinite(prior.support).all():
        msg = (
            f"grid_priors: '{name}' ({prior}) cannot be cut into cells. Allowed are "
            "UniformPrior and LogUniformPrior, and GaussianPrior, TruncatedGaussianPrior "
            "and LogGaussianPrior with two finite limits, all with numbers as arguments."
        )
        raise PriorError(msg)
    lowest, highest = prior.support
    inner = [prior.value_for(i / count) for i in range(1, count)]
    whole: Any = prior  # one of DIVISIBLE: it has limits
    return tuple(
        dataclasses.replace(whole, lower_limit=low, upper_limit=high)
        for low, high in itertools.pairwise([lowest, *inner, highest])
    )


def _with_priors(
    graph: FactorGraphModel, replacement: Mapping[Prior, Prior]
) -> FactorGraphModel:
    """Return the graph with some priors replaced wherever they stand."""
    swap = Substitution(replacement)
    factors: list[AnalysisFactor | HierarchicalFactor] = [
        AnalysisFactor(swap.node(factor.prior_model), factor.analysis, factor.name)
        for factor in graph.factors.values()
    ]
    for old in graph.populations:
        hyperpriors = {key: swap.value(value) for key, value in old.hyperpriors.items()}
        new = HierarchicalFactor(old.distribution, name=old.name, **hyperpriors)
        for prior in old.drawn:
            new.add_drawn_variable(swap.value(prior))
        factors.append(new)
    made = FactorGraphModel(*factors)
    # Conditions on the joint model use its own priors: drawn variables are new ones.
    models = (graph.global_prior_model, made.global_prior_model)
    own = Substitution(dict(zip(*map(free_parameters, models), strict=True)))
    conditions = models[0].assertions
    models[1].with_assertions(
        tuple(
            Comparison(own.value(c.lower), own.value(c.upper), strict=c.strict)
            for c in conditions
        )
    )
    return made


def _in_turn(jobs: Sequence[_Job]) -> list[ResultList]:
    found: list[ResultList] = []
    for job in jobs:
        with _in_cell(job):
            found.append(job.search.fit(job.graph, info=job.info))
    return found


def _samples(
    search: Search, graph: FactorGraphModel, info: Mapping[str, Any] | None
) -> Samples:
    """Fit one cell in a worker; only arrays travel back."""
    results: ResultList = search.fit(graph, info=info)
    return results.record


@contextmanager
def _in_cell(job: _Job) -> Iterator[None]:
    """Say in which cell an error happened."""
    try:
        yield
    except GraphfitError as error:
        error.add_note(f"In {job.label}")
        raise


def _require_sendable(job: _Job, who: str) -> None:
    try:
        pickle.dumps(job[:3])
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        msg = (
            f"{who}: the model or an analysis cannot be sent to worker processes: {error}. "
            "Define its classes and functions at the top level of a module, keep open "
            "files out of it, or use number_of_cores=1."
        )
        raise SettingError(msg) from error
