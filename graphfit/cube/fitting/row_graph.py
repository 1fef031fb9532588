"""RowGraph: the graph of a pixel as rows of data are fitted by it, compiled once."""

import threading
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.graph import FactorGraphModel
from graphfit.model.space import ParameterSpace
from graphfit.priors import FlatPrior, Prior
from graphfit.search.least_squares.row_problem import RowProblem, stand_in
from graphfit.typing import FloatArray


@final
class RowGraph:
    """The graph of a pixel, with a parameter in the place of every map's number.

    Parameters
    ----------
    model : PixelModel
        Whose cubes have graphfit's likelihoods.

    Notes
    -----
    A graph of which some cubes hold no data at a pixel is a graph without them there; each
    such part is compiled once, when it is met.
    """

    def __init__(self, model: PixelModel) -> None:
        self._model = model
        # The compiler sees a map's number as a parameter, and the driver fixes it.
        self._hidden: dict[Any, Prior] = {item: FlatPrior() for item in model.maps}
        analyses = {
            name: stand_in(factor.inputs, factor.settings, has_sigma=factor.has_sigma)
            for name, factor in model.factors.items()
        }
        self._graph = model.graph.with_analyses(analyses, self._hidden)
        self._names = self._canonical_names()
        self._problems: dict[tuple[str, ...], RowProblem] = {}
        self._lock = threading.Lock()

    def _canonical_names(self) -> dict[Any, str]:
        """Return what a user calls each prior and relation, whichever cubes are there."""
        space = ParameterSpace(self._graph.global_prior_model)
        hidden = set(self._hidden.values())
        free = [prior for prior in space.priors if prior not in hidden]
        names: dict[Any, str] = dict(
            zip(free, self._model.parameter_names, strict=True)
        )
        derived = zip(space.relations, self._model.derived_names, strict=True)
        return names | dict(derived)

    def problem(self, keys: tuple[str, ...]) -> RowProblem:
        """Return the problem of the graph with some of its cubes."""
        with self._lock:
            if keys not in self._problems:
                search = self._model.search
                self._problems[keys] = RowProblem(
                    self._part(keys),
                    keys,
                    posterior=getattr(search, "maximize", "likelihood") == "posterior",
                    hidden=tuple(self._hidden.values()),
                    conditions=not self._model.posterior,
                )
            return self._problems[keys]

    def _part(self, keys: tuple[str, ...]) -> FactorGraphModel:
        missing = set(self._model.factors) - set(keys)
        if not missing:
            return self._graph
        return self._graph.part([k for k in self._graph.factors if k not in missing])

    @property
    def fits_rows(self) -> bool:
        """Whether pixels can be fitted together.

        Not where a model runs as the Python that it was written in: one pixel's error
        must not be another's.  Nor where it needs all of x, and x differs.
        """
        kernels = self.problem(tuple(self._model.factors)).kernels
        factors = zip(kernels.factors, self._model.factors.values(), strict=True)
        return kernels.way != "python" and all(
            own.any_x or not factor.has_own_x for own, factor in factors
        )

    def global_theta(
        self, keys: tuple[str, ...], theta: FloatArray, numbers: Sequence[FloatArray]
    ) -> FloatArray:
        """Return what the kernels take, (P, all parameters): theta and the maps' numbers.

        Parameters
        ----------
        keys : tuple of str
            The cubes of the problem.
        theta : ndarray, shape (P, D)
            Free parameters, in the order of the maps.
        numbers : sequence of ndarray, each (P,)
            Of the maps in the model.
        """
        priors = self.problem(keys).program.space.priors
        hidden = dict(zip(self._hidden.values(), numbers, strict=True))
        order = self._model.parameter_names
        columns = [
            hidden[prior]
            if prior in hidden
            else theta[:, order.index(self._names[prior])]
            for prior in priors
        ]
        return np.stack(columns, axis=1)

    @property
    def hidden(self) -> tuple[Prior, ...]:
        """The parameters that stand for the maps in the model, in their order."""
        return tuple(self._hidden.values())

    def name(self, item: Any) -> str:
        """Return what a user calls a free prior or a relation, whichever cubes are there."""
        return self._names[item]

    def own_names(self, problem: RowProblem) -> dict[str, str]:
        """Return the users' names of a problem's free parameters, by its own."""
        space = problem.program.space
        pairs = zip(space.priors, space.names, strict=True)
        return {own: self._names[prior] for prior, own in pairs if prior in self._names}
