"""PixelModel: a graph as it is at every pixel: its names, its maps, its numbers.

In it every cube is a *slot*: an analysis without data, whose place a pixel's own takes.
Light enough to be sent to any worker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.cube.fitting.map_table import Wanted, map_table
from graphfit.errors import DataError
from graphfit.graph import FactorGraphModel
from graphfit.model.pixel_maps import pixel_maps
from graphfit.model.space import ParameterSpace
from graphfit.priors import Relation
from graphfit.samples import MapSpec
from graphfit.search.least_squares.row_problem import NoiseSettings
from graphfit.search.nested.nested_sampler import NestedSampler
from graphfit.typing import FloatArray


@final
class Slot(Analysis):
    """Stands in a graph where a pixel's own analysis will be."""

    def log_likelihood_function(self, instance: Any) -> NoReturn:
        """Raise DataError: there are no data."""
        del instance
        msg = "This analysis has no data; fit the graph with gf.fit_cube."
        raise DataError(msg)


@final
@dataclass(frozen=True, eq=False)
class PixelFactor:
    """What a pixel's dataset is made with, for one cube.

    Attributes
    ----------
    settings : NoiseSettings
        Of the likelihood.
    inputs : tuple of ndarray, each of shape (N,)
        World coordinates of one pixel, for the compiler to look at.
    fit_shape : tuple of int
        Lengths of the fitting axes.
    has_sigma : bool
        Whether there are standard deviations.
    analysis : class or None
        The user's own.
    has_own_x : bool
        Whether the world coordinates differ from pixel to pixel.
    """

    settings: NoiseSettings
    inputs: tuple[FloatArray, ...]
    fit_shape: tuple[int, ...]
    has_sigma: bool
    analysis: Any = None
    has_own_x: bool = False


@final
@dataclass(frozen=True, eq=False)
class PixelModel:
    """A graph to be fitted at every pixel.

    Attributes
    ----------
    graph : FactorGraphModel
        With a :class:`Slot` for every cube.
    factors : mapping of str to PixelFactor
        By the cubes' names.
    search : Search
    seed : int
        Of the run; each pixel has a child of it, by its index in the map.
    wanted : Wanted
    time_limit : float or None
        Seconds that a pixel may take.
    trial : tuple of float
        For each map in the model its value at a pixel where all are finite.
    """

    graph: FactorGraphModel
    factors: Mapping[str, PixelFactor]
    search: Any
    seed: int = 0
    wanted: Wanted = field(default_factory=Wanted)
    time_limit: float | None = None
    trial: tuple[float, ...] = ()
    units: Mapping[str, str] | None = None

    @cached_property
    def maps(self) -> tuple[Relation, ...]:
        """The maps in the model."""
        return pixel_maps(self.graph.global_prior_model)

    @cached_property
    def has_free_maps(self) -> bool:
        """Whether a map stands in a condition alone, where no parameter can stand for it."""
        held = pixel_maps(self.graph.global_prior_model, conditions=False)
        return len(held) < len(self.maps)

    @cached_property
    def space(self) -> ParameterSpace:
        """The parameters of a pixel where no cube is missing."""
        graph = self.graph.with_analyses({}, self.numbers(self.trial))
        return ParameterSpace(graph.global_prior_model)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The free parameters."""
        return self.space.names

    @property
    def derived_names(self) -> tuple[str, ...]:
        """The relations."""
        return self.space.derived_names

    @property
    def posterior(self) -> bool:
        """Whether the search finds samples of a posterior."""
        return bool(self.search.finds == "posterior")

    @cached_property
    def table(self) -> tuple[MapSpec, ...]:
        """The maps that a fit fills."""
        return map_table(
            self.parameter_names,
            self.derived_names,
            posterior=self.posterior,
            wanted=self.wanted,
            nested=isinstance(self.search, NestedSampler),
            units=dict(self.units or {}),
            factors=tuple(self.factors),
        )

    def numbers(self, values: Sequence[float]) -> dict[Relation, float]:
        """Return numbers for the maps in the model, by map."""
        return dict(zip(self.maps, map(float, values), strict=True))

    def empty(self, count: int) -> dict[str, Any]:
        """Return the table's arrays for `count` pixels without an answer."""
        return {
            spec.name: np.full((count, *spec.shape), spec.fill, dtype=spec.dtype)
            for spec in self.table
        }

    def __getstate__(self) -> dict[str, Any]:
        fields = self.__dataclass_fields__
        return {name: getattr(self, name) for name in fields}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
