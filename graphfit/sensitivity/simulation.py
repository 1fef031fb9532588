"""Simulation: a dataset, or several, of a model whose parameters are known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.compiler import lower
from graphfit.errors import ModelError, SettingError, close_match
from graphfit.model.space import ParameterSpace
from graphfit.priors import Prior
from graphfit.search.start import start_vector
from graphfit.seeding import generator
from graphfit.sensitivity.perturbed_graph import PerturbedGraph
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False)
class Simulation:
    """Simulates what the perturbed model predicts at a point of the grid.

    Attributes
    ----------
    simulate : callable
        The user's, of an instance and a generator.
    graphs : PerturbedGraph
    truth : ndarray, shape (D,)
        The perturbed model's parameters where the grid does not say otherwise.
    positions : tuple of int, length K
        Where the grid's parameters stand among them.
    """

    simulate: Callable[[Any, np.random.Generator], Any]
    graphs: PerturbedGraph
    truth: FloatArray
    positions: tuple[int, ...]

    def analyses(self, values: Sequence[float], seed: int) -> dict[str, Analysis]:
        """Return simulated datasets by the factors' names.

        Parameters
        ----------
        values : sequence of float, length K
            Of the grid's parameters.
        seed : int
            Of the noise.

        Raises
        ------
        SettingError
            If `simulate` returns something else.
        """
        theta = self.truth.copy()
        theta[list(self.positions)] = values
        model = self.graphs.perturbed.global_prior_model
        instance = model.instance_from_vector(theta)
        names = list(self.graphs.perturbed.factors)
        if not self.graphs.is_joint:
            return {names[0]: _one(self.simulate(instance[names[0]], generator(seed)))}
        return _named(self.simulate(instance, generator(seed)), names)


def true_vector(
    graphs: PerturbedGraph, simulation_instance: Any, axes: Mapping[Prior, float]
) -> FloatArray:
    """Return the perturbed model's parameters `(D,)` at which datasets are simulated.

    Parameters
    ----------
    graphs : PerturbedGraph
    simulation_instance : instance, mapping, array-like or None
        Of the base model, as `start` of a search; None: the medians of its priors.
    axes : mapping from Prior to float
        Values of parameters on the grid, at any cell.

    Raises
    ------
    ModelError
        If the instance is not one of the base model.
    PriorError
        If a parameter has no median and is not given.
    """
    program = lower(graphs.given)
    space = ParameterSpace(graphs.perturbed.global_prior_model)
    if simulation_instance is None:
        program.space.require_proper("Sensitivity, given no simulation_instance=,")
        base = program.space.medians({})
    else:
        try:
            base = start_vector(program, simulation_instance)
        except ModelError as error:
            msg = f"simulation_instance: {str(error).removeprefix('start: ')}"
            raise ModelError(msg) from None
    known = dict(zip(program.space.priors, base.tolist(), strict=True)) | dict(axes)
    given = {i: known[p] for i, p in enumerate(space.priors) if p in known}
    others = [i for i in space.improper if i not in given]
    if others:
        space.require_proper("Sensitivity: perturb_model")
    vector = space.medians(given)
    vector[list(given)] = list(given.values())
    return vector


def _one(made: Any) -> Analysis:
    if not isinstance(made, Analysis):
        msg = (
            "Sensitivity: simulate(instance, rng) must return an Analysis of the simulated "
            f"dataset, got {made!r}."
        )
        raise SettingError(msg)
    return made


def _named(made: Any, names: Sequence[str]) -> dict[str, Analysis]:
    """Return the analyses of a graph's datasets, given by name or in order."""
    if isinstance(made, (list, tuple)) and len(made) == len(names):
        made = dict(zip(names, made, strict=True))
    if not isinstance(made, Mapping):
        msg = (
            "Sensitivity: for a graph simulate(instance, rng) must return an Analysis for "
            f"each of the {len(names)} datasets, as a list or by name "
            f"({', '.join(names)}); got {made!r}."
        )
        raise SettingError(msg)
    for key in made:
        if key not in names:
            msg = (
                f"Sensitivity: simulate returned a dataset {key!r}, which base_model has "
                f"not.{close_match(str(key), names)}"
            )
            raise SettingError(msg)
    missing = [key for key in names if key not in made]
    if missing:
        msg = (
            "Sensitivity: simulate returned no dataset for "
            f"{', '.join(map(repr, missing))}; every factor of base_model needs one."
        )
        raise SettingError(msg)
    return {key: _one(made[key]) for key in names}
