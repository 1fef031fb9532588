"""Grid search: one fit in every cell of a grid over some priors.

Each prior of the grid is cut into cells of equal prior mass, and the model is fitted with
every combination of them.  A posterior of many separate modes becomes many easy fits, and
nothing is lost: with m_c the prior mass of cell c and Z_c its evidence,

    Z = sum_c m_c Z_c,  m_c = 1 / number of cells,                              [Eq. 1]
    P(cell c | data) = m_c Z_c / Z.                                             [Eq. 2]
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

from graphfit.compiler import as_graph, lower
from graphfit.graph import FactorGraphModel
from graphfit.priors import Prior
from graphfit.result import GridSearchResult, ResultList, make_results
from graphfit.samples import Samples
from graphfit.scheduling.workers import require_scheduler
from graphfit.search.grid.cell_runs import cell_name, is_named, quiet_if_parallel
from graphfit.search.grid.cells import are_counts, cells, named_axes, steps_along
from graphfit.search.grid.run_cells import CellOutcome, run_cells, warn_of_failures
from graphfit.search.grid.workplace import Workplace, workplace
from graphfit.search.output import require_plain
from graphfit.search.search import Search
from graphfit.search.settings import check_types, require, settings
from graphfit.seeding import child_seed

COUNTS = "at least 1, or a tuple of such"


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
    number_of_steps : int or tuple of int, >= 1
        The cells along each prior of the grid: one number, or one a prior.
    number_of_cores : int, >= 1
        With more than one, cells are fitted in that many processes.
    scheduler : {"threads", "processes", "synchronous", "default"} or distributed.Client
        Where cells are fitted instead; the numbers are the same.  Threads are as quick as
        processes where the search and the likelihood are compiled, and start at once.
    n_workers : int, optional
        Threads or processes of `scheduler`; else the cores that this process may use.

    Notes
    -----
    A cell whose fit fails, or whose process dies, is a status and a message of the result.
    The others go on.

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
    number_of_steps: int | tuple[int, ...] = 4
    number_of_cores: int = 1
    scheduler: Any = None
    n_workers: int | None = None

    def __post_init__(self) -> None:
        check_types(self)
        require(self, "number_of_steps", are_counts(self.number_of_steps), COUNTS)
        require(self, "number_of_cores", self.number_of_cores >= 1, "at least 1")
        require_scheduler(self.scheduler, self.n_workers)

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

        Warns
        -----
        ConvergenceWarning
            If some cells have no answer; the result says which, and why.

        Raises
        ------
        ModelError
            If a prior of the grid is no free parameter of the model, or given twice.
        PriorError
            If it cannot be cut into cells.
        SettingError
            If a setting does not suit the problem, processes cannot be started, or the
            model not be sent to them.
        """
        graph = as_graph(model, analysis)
        names = named_axes(grid_priors, graph)
        steps = steps_along(type(self).__name__, self.number_of_steps, len(names))
        axes = [
            cells(prior, count, name)
            for (prior, name), count in zip(names.items(), steps, strict=True)
        ]
        require_plain(info)
        who = type(self).__name__
        place = workplace(who, self.scheduler, self.n_workers, self.number_of_cores)
        work = _FitCell(
            quiet_if_parallel(self.search, place),
            graph,
            tuple(names),
            axes,
            info,
            whole=place.shares_memory,
        )
        # What is wrong for every cell is refused before any is fitted.
        self.search.refuse(lower(work.graph(0)))
        outcomes = self._outcomes(work, place)
        is_joint = any(isinstance(item, FactorGraphModel) for item in (model, analysis))
        return GridSearchResult(
            [work.results(number, item.value) for number, item in enumerate(outcomes)],
            axes,
            names,
            is_joint=is_joint,
            statuses=[item.status for item in outcomes],
            messages=[item.message for item in outcomes],
        )

    def _outcomes(self, work: "_FitCell", place: Workplace) -> list[CellOutcome]:
        who = type(self).__name__
        found = run_cells(
            work,
            range(work.count),
            work.label,
            place,
            name=who,
            progress=self.search.progress,
        )
        outcomes = list(found.values())
        again = " The same call tries them again." if is_named(self.search) else ""
        warn_of_failures(who, outcomes, again=again)
        return outcomes


@final
class _FitCell:
    """Fits one cell; a function that can be sent to workers.

    Parameters
    ----------
    search : Search
    graph : FactorGraphModel
        With the whole priors.
    priors : tuple of Prior, length K
        The axes.
    axes : sequence of sequence of Prior
        Their cells.
    info : mapping or None
    whole : bool
        Return results as they are, not the arrays alone.
    """

    def __init__(
        self,
        search: Search,
        graph: FactorGraphModel,
        priors: tuple[Prior, ...],
        axes: Sequence[Sequence[Prior]],
        info: Mapping[str, Any] | None,
        *,
        whole: bool,
    ) -> None:
        self._search = search
        self._graph = graph
        self._priors = priors
        self._shape = tuple(len(axis) for axis in axes)
        self._cells = list(itertools.product(*axes))
        self._info = info
        self._whole = whole

    @property
    def count(self) -> int:
        """The number of cells."""
        return len(self._cells)

    def label(self, number: int) -> str:
        """Return what a cell is called in messages."""
        where = ", ".join(str(cell) for cell in self._cells[number])
        return f"cell {number}: {where}"

    def graph(self, number: int) -> FactorGraphModel:
        """Return the graph of a cell: the priors of the axes replaced by its own."""
        pairs = zip(self._priors, self._cells[number], strict=True)
        return self._graph.with_analyses({}, dict(pairs))

    def __call__(self, number: int) -> CellOutcome:
        results: ResultList = self._own_search(number).fit(
            self.graph(number), info=self._info
        )
        record = results.record
        return CellOutcome(record.status, "", results if self._whole else record)

    def results(self, number: int, value: Any) -> ResultList | None:
        """Return the results of a cell from what came back.

        A worker's priors are copies: results are made of the caller's own.
        """
        if isinstance(value, Samples):
            return make_results(lower(self.graph(number)), value)
        return value  # type: ignore[no-any-return]

    def _own_search(self, number: int) -> Search:
        search, changes = self._search, dict[str, Any]()
        if search.seed is not None:
            changes["seed"] = child_seed(search.seed, number)
        if is_named(search):
            changes["name"] = cell_name(search, number, self._shape)
        return dataclasses.replace(search, **changes)
