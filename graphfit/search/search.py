"""Search: the one way from a graph to results, whatever the engine.

``fit`` is written once: take the arguments for a graph, lower it, find what a named run has
done already, split the graph into independent parts, let the engine run each, put them
together, return results and write them down.  An engine is a record of settings with one
method, ``run``.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from os import PathLike
from typing import Any, ClassVar, Literal

from graphfit.compiler import Program, as_graph, lower
from graphfit.errors import SettingError
from graphfit.graph import FactorGraphModel
from graphfit.io.output_folder import OutputFolder
from graphfit.result import ResultList, make_results
from graphfit.result.derive import with_derived
from graphfit.samples import Samples
from graphfit.samples.combine import combine
from graphfit.search.journal import remembering
from graphfit.search.output import open_folder, require_plain, write_results
from graphfit.search.progress import Progress
from graphfit.search.settings import check_types, require, settings
from graphfit.search.start import start_vector
from graphfit.search.task import Task
from graphfit.seeding import child_seed, fresh_seed, generator
from graphfit.typing import FloatArray


@settings
class Search(ABC):
    """An engine's settings and its `fit` (abstract: use one of the engines).

    Parameters
    ----------
    name : str, optional
        Names the run's output folder; nothing is written without `name` or `path_prefix`.
    path_prefix : str or path, optional
        Folders between ``output/`` and the name; an absolute path is used as it is.
    unique_tag : str, optional
        One more folder level, e.g. the name of the dataset.
    seed : int, optional
        The same seed gives the same samples; None draws a new one.
    progress : bool, optional
        Show a progress bar; None: on a terminal.
    figures : bool
        Draw the graph, the marginal posteriors and each dataset's fit into the folder of a
        named run.
    split_components : bool
        Fit independent parts of a graph apart (their evidences add).
    """

    name: str | None = None
    path_prefix: str | PathLike[str] | None = None
    unique_tag: str | None = None
    seed: int | None = None
    progress: bool | None = None
    figures: bool = True
    split_components: bool = True

    begins_somewhere: ClassVar[bool] = False
    finds: ClassVar[Literal["posterior", "optimum"]] = "posterior"
    # Whether it draws from the priors, and so cannot do without their quantiles.
    needs_unit_cube: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_types(self)
        if self.seed is not None:
            require(self, "seed", self.seed >= 0, "a non-negative integer")

    @abstractmethod
    def run(self, task: Task) -> Samples:
        """Explore one connected problem and return its samples."""

    def check(self, program: Program) -> None:
        """Refuse, before any work, a problem that this engine cannot do."""
        del program

    def refuse(self, program: Program, *, start_given: bool = False) -> None:
        """Raise, before any work, what `fit` would raise of a problem.

        Parameters
        ----------
        program : Program
            The problem.
        start_given : bool
            Whether there is a place to begin at.

        Raises
        ------
        PriorError, SettingError
            See `fit`.
        """
        if self.needs_unit_cube or not start_given:
            who = type(self).__name__
            needed = "" if self.needs_unit_cube else ", given no start=,"
            program.space.require_proper(f"{who}{needed}")
        self.check(program)

    def fit(
        self,
        model: Any,
        analysis: Any = None,
        *,
        start: Any = None,
        info: Mapping[str, Any] | None = None,
    ) -> Any:
        """Fit a graph, or a model to one dataset.

        Parameters
        ----------
        model : FactorGraphModel, Model or Collection
            A graph; a graph's ``global_prior_model``; or a model.
        analysis : Analysis or FactorGraphModel, optional
            The dataset of `model`, or the graph of ``global_prior_model``.
        start : mapping, instance or array-like, optional
            Where to begin, for searches that begin somewhere: values by parameter name, an
            instance of the model, or a vector.
        info : mapping, optional
            Plain data to keep with a named run, e.g. the date of observation.

        Returns
        -------
        ResultList or Result
            One Result a factor for a graph; the one Result for a model.

        Raises
        ------
        GraphError, ModelError
            If there is nothing to fit.
        LikelihoodError
            If a likelihood fails or returns NaN.
        PriorError
            If a prior without an integral meets a search that draws from the priors, or
            one that is given no `start`.
        SettingError
            If a setting does not suit the problem, or the search takes no `start`.
        OutputError
            If the output folder cannot be used.
        """
        graph = as_graph(model, analysis)
        if start is not None and not self.begins_somewhere:
            msg = (
                f"{type(self).__name__} begins all over the prior and takes no start=; "
                "give narrower priors, or use a search such as gf.Emcee or gf.LBFGS."
            )
            raise SettingError(msg)
        require_plain(info)
        program = lower(graph)
        self.refuse(program, start_given=start is not None)
        vector = None if start is None else start_vector(program, start)
        folder = open_folder(self, graph, vector)
        if folder is not None and folder.is_complete:
            results = make_results(program, folder.read_samples())
        else:
            results = self._fresh(program, vector, folder, info)
        is_joint = isinstance(model, FactorGraphModel) or isinstance(
            analysis, FactorGraphModel
        )
        return results if is_joint else results[0]

    def _fresh(
        self,
        program: Program,
        start: FloatArray | None,
        folder: OutputFolder | None,
        info: Mapping[str, Any] | None,
    ) -> ResultList:
        began = time.perf_counter()
        seed = self.seed
        if folder is not None:
            seed = folder.facts["seed"]
        elif seed is None:
            seed = fresh_seed()
        self._probe(program, seed, start)
        samples = with_derived(program, self._explore(program, start, folder, seed))
        results = make_results(program, samples)
        if folder is not None:
            seconds = time.perf_counter() - began
            write_results(folder, self, program, results, seconds, info)
        return results

    def _explore(
        self,
        program: Program,
        start: FloatArray | None,
        folder: OutputFolder | None,
        seed: int,
    ) -> Samples:
        parts = (
            program.graph.components() if self.split_components else (program.graph,)
        )
        found: list[Samples] = []
        columns: list[list[int]] = []
        order = {prior: i for i, prior in enumerate(program.space.priors)}
        for number, part in enumerate(parts):
            own = program if len(parts) == 1 else lower(part)
            where = [order[prior] for prior in own.space.priors]
            label = type(self).__name__
            if len(parts) > 1:
                label += f" part {number + 1} of {len(parts)}"
            journal = None if folder is None else folder.journal_path(f"{number}")
            first = None if start is None else start[where]
            with (
                Progress(label, self.progress) as progress,
                remembering(own.log_likelihood, journal) as likelihood,
            ):
                task = Task(
                    own,
                    likelihood,
                    child_seed(seed, number),
                    progress,
                    first,
                    tuple(program.space.names[i] for i in where),
                )
                found.append(self.run(task))
            columns.append(where)
        if len(parts) == 1:
            return found[0]
        return combine(found, columns, program.space.names, generator(seed))

    def _probe(self, program: Program, seed: int, start: FloatArray | None) -> None:
        """Evaluate before starting: a broken likelihood fails here, at once."""
        if program.space.improper:
            points = [] if start is None else [start]
        else:
            # Not at the medians: there symmetric priors are all 0, where no sampler goes.
            units = generator(seed).random((2, program.dimension))
            points = [program.prior_transform(unit) for unit in units]
        for theta in points:
            if program.log_likelihood(theta) == -math.inf:
                continue
            # What is derived after the search must not fail then, with all work done.
            instances = program.factor_instances(theta)
            for analysis, instance in zip(
                program.analyses.values(), instances, strict=True
            ):
                analysis.derived(instance)
