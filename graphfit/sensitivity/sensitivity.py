"""Sensitivity: which perturbations data like these would show.

At every cell of a grid over a perturbation's parameters: simulate data of the base model
and that perturbation, fit the base model alone, fit both, and compare,

    ln B = ln Z(base + perturbation) - ln Z(base).                              [Eq. 1]

Where ln B is above a threshold the perturbation would have been found.
"""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np

from graphfit.errors import ConvergenceWarning, ModelError, SettingError
from graphfit.model.tree import free_parameters
from graphfit.priors import Prior
from graphfit.samples import Status
from graphfit.scheduling.workers import require_scheduler
from graphfit.search.grid.cell_runs import is_named, quiet_if_parallel
from graphfit.search.grid.cells import (
    are_counts,
    named_axes,
    require_divisible,
    steps_along,
)
from graphfit.search.grid.run_cells import CellOutcome, run_cells, warn_of_failures
from graphfit.search.grid.workplace import Workplace, workplace
from graphfit.search.output import require_plain
from graphfit.search.search import Search
from graphfit.search.settings import check_types, require, settings
from graphfit.seeding import fresh_seed
from graphfit.sensitivity.fit_pair import FitPair
from graphfit.sensitivity.grid_axis import GridAxis, grid_axis
from graphfit.sensitivity.perturbed_graph import PerturbedGraph, perturbed_graph
from graphfit.sensitivity.sensitivity_result import SensitivityResult
from graphfit.sensitivity.simulation import Simulation, true_vector
from graphfit.typing import BoolArray

WHO = "Sensitivity"
COUNTS = "at least 1, or a tuple of such"


@final
@settings
class Sensitivity:
    """A map of how well a perturbation of a model could be detected.

    Parameters
    ----------
    base_model : Model, Collection or FactorGraphModel
        What the data are without the perturbation.  Of a graph the datasets are replaced by
        simulated ones; its populations, relations and conditions stay.
    perturb_model : Model, Collection, class, function or mapping of str to such
        What is added to the model of each dataset, as its component ``perturb``.  For a
        graph one model is shared by all datasets; a mapping says what is added to which
        factor, and priors that stand in several of its models are shared.
    simulate : callable
        ``simulate(instance, rng)`` returns the `Analysis` of a dataset simulated at the
        instance, with noise drawn from the `numpy.random.Generator` alone.  The instance
        is that of the base model (of a single component: as ``instance.base``), with
        ``instance.perturb``.  For a graph it is the joint instance,
        ``instance["night_1"].perturb``, and what is returned are the analyses by the
        factors' names, or in their order.
    search : Search
        Fits both models in every cell.  With a name each fit is a run of its own,
        ``<name>_cell_<position>_base`` and ``..._perturbed``, which is resumed or read back.
    simulation_instance : instance, mapping or array-like, optional
        The base model's parameters in the simulations, e.g. ``result.instance`` of a fit to
        the real data, or values by name; by default the medians of the priors.
    number_of_steps : int or tuple of int, >= 1
        The cells along each axis: one number, or one an axis.
    grid_priors : sequence of Prior, optional
        The axes of the grid: free parameters of the perturbation; by default all of them.
        Others are simulated at their medians, and are free in the fits.
    n_simulations : int, >= 1
        Datasets with noise of their own in every cell.
    limit_scale : float, > 0, optional
        The fits' priors on the grid's parameters are cut to the cell, widened by this
        factor.  By default they stay whole: what is found then does not depend on the size
        of the cells.
    mask : array-like of bool, of the grid's shape, optional
        Cells to leave out, where True.
    keep_results : bool
        Keep the samples of every fit, see `SensitivityResult.result_at`.
    seed : int, optional
        Of the simulations' noise and the fits; by default the search's.  A search with a
        name needs one, to find its runs again.
    number_of_cores : int, >= 1
        With more than one, cells are fitted in that many processes.
    scheduler : {"threads", "processes", "synchronous", "default"} or distributed.Client
        Where cells are fitted instead; the numbers are the same.
    n_workers : int, optional
        Threads or processes of `scheduler`; else the cores that this process may use.

    Examples
    --------
    >>> import graphfit as gf
    >>> x = np.arange(30.0)
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> def line(x, strength):
    ...     return strength * np.exp(-0.5 * ((x - 15.0) / 2.0) ** 2)
    >>> def simulate(instance, rng):
    ...     return gf.ProfileAnalysis(x, instance(x) + rng.normal(0.0, 1.0, 30), 1.0)
    >>> sensitivity = Sensitivity(
    ...     base_model=gf.Model(level, height=gf.UniformPrior(-5.0, 5.0)),
    ...     perturb_model=gf.Model(line, strength=gf.UniformPrior(0.0, 4.0)),
    ...     simulate=simulate,
    ...     search=gf.LevenbergMarquardt(seed=1),
    ...     number_of_steps=2,
    ... )
    >>> result = sensitivity.run()
    >>> result.centres
    {'perturb.strength': [1.0, 3.0]}
    >>> result.detectable(threshold=5.0).tolist()
    [0.0, 1.0]
    """

    base_model: Any
    perturb_model: Any
    simulate: Any
    search: Search
    simulation_instance: Any = None
    number_of_steps: int | tuple[int, ...] = 4
    grid_priors: Any = None
    n_simulations: int = 1
    limit_scale: float | None = None
    mask: Any = None
    keep_results: bool = True
    seed: int | None = None
    number_of_cores: int = 1
    scheduler: Any = None
    n_workers: int | None = None

    def __post_init__(self) -> None:
        check_types(self)
        require(self, "number_of_steps", are_counts(self.number_of_steps), COUNTS)
        for name in ("number_of_cores", "n_simulations"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        scale = self.limit_scale
        require(self, "limit_scale", scale is None or scale > 0.0, "> 0, or None")
        require(self, "simulate", callable(self.simulate), "a function")
        require(self, "seed", self.seed is None or self.seed >= 0, "at least 0")
        require_scheduler(self.scheduler, self.n_workers)

    def run(self, *, info: Mapping[str, Any] | None = None) -> SensitivityResult:
        """Simulate and fit in every cell.

        Parameters
        ----------
        info : mapping, optional
            Plain data to keep with each named run.

        Returns
        -------
        SensitivityResult

        Warns
        -----
        ConvergenceWarning
            If some cells have no answer; the result says which, and why.

        Raises
        ------
        ModelError
            If the two models do not go together, an axis is no parameter of the
            perturbation, or `simulation_instance` is not of the base model.
        PriorError
            If an axis has no quantiles, or with `limit_scale` cannot be cut.
        SettingError
            If a setting does not suit the problem, or `simulate` returns no analyses.
        """
        require_plain(info)
        place = workplace(WHO, self.scheduler, self.n_workers, self.number_of_cores)
        graphs = perturbed_graph(self.base_model, self.perturb_model)
        axes = self._axes(graphs)
        work = self._work(graphs, axes, place, info)
        use = ~self._masked(work.shape).ravel()
        numbers = np.flatnonzero(np.repeat(use, self.n_simulations)).tolist()
        outcomes = self._outcomes(work, numbers, place)
        nothing = CellOutcome(Status.MASKED)
        count = len(work.centres) * self.n_simulations
        whole = [outcomes.get(number, nothing) for number in range(count)]
        return SensitivityResult(work, axes, whole)

    def _axes(self, graphs: PerturbedGraph) -> list[GridAxis]:
        own = graphs.own_priors
        chosen: Iterable[Prior] = own if self.grid_priors is None else self.grid_priors
        names = named_axes(chosen, graphs.perturbed)
        for prior, name in names.items():
            if prior not in own:
                msg = (
                    f"grid_priors: '{name}' is a parameter of base_model; the grid is over "
                    "the perturbation's."
                )
                raise ModelError(msg)
        steps = steps_along(WHO, self.number_of_steps, len(names))
        if self.limit_scale is not None:
            for prior, name in names.items():
                require_divisible(prior, name)
        return [
            grid_axis(prior, name, count)
            for (prior, name), count in zip(names.items(), steps, strict=True)
        ]

    def _work(
        self,
        graphs: PerturbedGraph,
        axes: Sequence[GridAxis],
        place: Workplace,
        info: Mapping[str, Any] | None,
    ) -> FitPair:
        """Return what simulates and fits in a cell."""
        first = {axis.prior: axis.centres[0] for axis in axes}
        truth = true_vector(graphs, self.simulation_instance, first)
        order = tuple(free_parameters(graphs.perturbed.global_prior_model))
        positions = tuple(order.index(axis.prior) for axis in axes)
        scale = self.limit_scale
        parts: list[list[dict[Prior, Prior]]] = [
            [{}] * axis.count if scale is None else axis.parts(scale) for axis in axes
        ]
        return FitPair(
            search=quiet_if_parallel(self.search, place),
            simulation=Simulation(self.simulate, graphs, truth, positions),
            shape=tuple(axis.count for axis in axes),
            centres=list(itertools.product(*(axis.centres for axis in axes))),
            cells=[_merged(cell) for cell in itertools.product(*parts)],
            names=tuple(axis.name for axis in axes),
            n_simulations=self.n_simulations,
            seed=self._seed(),
            keep=self.keep_results,
            info=info,
        )

    def _seed(self) -> int:
        for seed in (self.seed, self.search.seed):
            if seed is not None:
                return seed
        if is_named(self.search):
            msg = (
                "Sensitivity: a search with a name needs a seed: without one the same call "
                "simulates other data, and does not find its runs again. Give seed=1."
            )
            raise SettingError(msg)
        return fresh_seed()

    def _masked(self, shape: tuple[int, ...]) -> BoolArray:
        """Return which cells are left out."""
        if self.mask is None:
            return np.zeros(shape, dtype=bool)
        mask = np.asarray(self.mask)
        if mask.shape != shape or mask.dtype != bool:
            msg = (
                f"Sensitivity: mask has shape {mask.shape} and type {mask.dtype}; it must "
                f"be an array of bool of the grid's shape {shape}, True where a cell is "
                "left out."
            )
            raise SettingError(msg)
        if mask.all():
            msg = "Sensitivity: mask leaves out every cell; nothing is left to do."
            raise SettingError(msg)
        return mask

    def _outcomes(
        self, work: FitPair, numbers: Sequence[int], place: Workplace
    ) -> dict[int, CellOutcome]:
        with _quiet_convergence():
            outcomes = run_cells(
                work,
                numbers,
                work.label,
                place,
                name=WHO,
                progress=self.search.progress,
            )
        again = " The same call tries them again." if is_named(self.search) else ""
        what = "cells" if self.n_simulations == 1 else "simulations"
        warn_of_failures(WHO, list(outcomes.values()), what=what, again=again)
        return outcomes


def _merged(parts: Iterable[Mapping[Prior, Prior]]) -> dict[Prior, Prior]:
    return {old: new for part in parts for old, new in part.items()}


@contextmanager
def _quiet_convergence() -> Iterator[None]:
    """Leave convergence to the statuses; threads share the filters of this one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
