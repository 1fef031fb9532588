"""FitPair: one simulated dataset, fitted without and with the perturbation."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.graph import FactorGraphModel
from graphfit.priors import Prior
from graphfit.result import ResultList
from graphfit.samples import Samples, Status
from graphfit.search.grid.cell_runs import cell_name, is_named
from graphfit.search.grid.run_cells import CellOutcome
from graphfit.search.search import Search
from graphfit.seeding import child_seed
from graphfit.sensitivity.simulation import Simulation

LABELS = ("base", "perturbed")


class FitNumbers(NamedTuple):
    """What a fit says of how well its model describes the data.

    Attributes
    ----------
    log_evidence, log_evidence_error : float
        NaN where the search gives none.
    log_likelihood : float
        The highest.
    parameters : float
        Free ones.
    points : float
        Data points; NaN where an analysis does not say.
    """

    log_evidence: float
    log_evidence_error: float
    log_likelihood: float
    parameters: float
    points: float


class Pair(NamedTuple):
    """The two fits of one simulated dataset: what they say, and their samples."""

    base: FitNumbers
    perturbed: FitNumbers
    samples: tuple[Samples, Samples] | None


@final
@dataclasses.dataclass(frozen=True, eq=False)
class FitPair:
    """Simulates a dataset and fits both models; a function that can be sent to workers.

    Number ``c n_simulations + k`` is simulation k of cell c.

    Attributes
    ----------
    search : Search
    simulation : Simulation
    shape : tuple of int, length K
        Of the grid.
    centres : sequence of sequence of float
        Of every cell, in order, the values of the grid's parameters.
    cells : sequence of mapping from Prior to Prior
        Of every cell, the priors that the fit has in place of the perturbation's own.
    names : tuple of str, length K
        The grid's parameters.
    n_simulations : int
    seed : int
    keep : bool
        Whether to return the samples.
    info : mapping or None
    """

    search: Search
    simulation: Simulation
    shape: tuple[int, ...]
    centres: Sequence[Sequence[float]]
    cells: Sequence[Mapping[Prior, Prior]]
    names: tuple[str, ...]
    n_simulations: int
    seed: int
    keep: bool
    info: Mapping[str, Any] | None

    def label(self, number: int) -> str:
        """Return what a simulation is called in messages."""
        cell, k = divmod(number, self.n_simulations)
        where = ", ".join(
            f"{name} = {value:.6g}"
            for name, value in zip(self.names, self.centres[cell], strict=True)
        )
        which = f", simulation {k}" if self.n_simulations > 1 else ""
        return f"cell {cell}{which}: {where}"

    def graphs(self, number: int) -> tuple[FactorGraphModel, FactorGraphModel]:
        """Return the base graph and the perturbed one over a simulated dataset."""
        cell, k = divmod(number, self.n_simulations)
        analyses = self.simulation.analyses(
            self.centres[cell], child_seed(self.seed, cell, k, 0)
        )
        both = self.simulation.graphs
        return (
            both.base.with_analyses(analyses),
            both.perturbed.with_analyses(analyses, self.cells[cell]),
        )

    def __call__(self, number: int) -> CellOutcome:
        fits: list[ResultList] = []
        for which, graph in enumerate(self.graphs(number)):
            try:
                fits.append(self.own_search(number, which).fit(graph, info=self.info))
            except Exception as error:  # boundary: raised again, with the model's name
                error.add_note(f"In the fit of the {LABELS[which]} model")
                raise
        base, perturbed = fits
        samples = (base.record, perturbed.record) if self.keep else None
        status = max(base.status, perturbed.status)
        pair = Pair(fit_numbers(base), fit_numbers(perturbed), samples)
        return CellOutcome(Status(status), "", pair)

    def own_search(self, number: int, which: int) -> Search:
        """Return the search of one fit, with its own seed and name.

        Parameters
        ----------
        number : int
        which : int
            0 for the base model, 1 for the perturbed one.
        """
        cell, k = divmod(number, self.n_simulations)
        changes: dict[str, Any] = {"seed": child_seed(self.seed, cell, k, 1 + which)}
        if is_named(self.search):
            simulation = f"_{k}" if self.n_simulations > 1 else ""
            own = f"{cell_name(self.search, cell, self.shape)}{simulation}"
            changes["name"] = f"{own}_{LABELS[which]}"
        return dataclasses.replace(self.search, **changes)


def fit_numbers(results: ResultList) -> FitNumbers:
    """Return what a fit says of its model.

    Parameters
    ----------
    results : ResultList
    """
    record = results.record
    counts = [result.analysis.data_point_count() for result in results.plain]
    known = [count for count in counts if count is not None]
    return FitNumbers(
        float(record.log_evidence),
        float(record.log_evidence_error),
        float(record.log_likelihood[record.best]),
        float(len(record.parameter_names)),
        float(sum(known)) if len(known) == len(counts) else np.nan,
    )
