"""Program: a factor graph lowered to arrays, as a search sees it.

Everything that needs names, trees or types has happened before: a call of
:meth:`Program.log_likelihood` indexes one row of numbers, builds the users' instances from
it and calls the users' functions.  Factors whose profile can be compiled will get a kernel
here; every factor now runs as the Python it was written in.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.errors import FitException, GraphError, LikelihoodError
from graphfit.graph import FactorGraphModel
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.typing import ArrayLike, FloatArray


class FactorCall(NamedTuple):
    """One factor, ready to call: ``likelihood(build(row))``."""

    build: Callable[[Any], Any]
    likelihood: Callable[[Any], float]


@final
class Program:
    """The functions of a factor graph on vectors.

    Parameters
    ----------
    graph : FactorGraphModel
        What to lower; later changes to its models are not followed.

    Attributes
    ----------
    graph : FactorGraphModel
        As given.
    space : ParameterSpace
        Names, prior transform, relations, conditions.
    factor_names : tuple of str, length F
        In the order of the graph.

    Raises
    ------
    GraphError
        If the graph has no free parameter.

    Notes
    -----
    A program is pickled as its graph and lowered anew where it arrives.
    """

    __slots__ = (
        "_analyses",
        "_calls",
        "_conditional",
        "_plain",
        "_root",
        "factor_names",
        "graph",
        "space",
    )

    def __init__(self, graph: FactorGraphModel) -> None:
        model = graph.global_prior_model
        space = ParameterSpace(model)
        if not space.dimension:
            msg = (
                "The model has no free parameters: every value is fixed. Give at least one "
                "parameter a prior, e.g. gf.UniformPrior(0.0, 1.0)."
            )
            raise GraphError(msg)
        self.graph = graph
        self.space = space
        self.factor_names = tuple(graph.factors)
        self._analyses = {
            name: _prepared(name, factor.analysis, model[name])
            for name, factor in graph.factors.items()
        }
        self._calls = tuple(
            FactorCall(
                instance_builder(model[name], space), analysis.log_likelihood_function
            )
            for name, analysis in self._analyses.items()
        )
        self._root = instance_builder(model, space)
        self._conditional = space.is_conditional
        self._plain = space.is_plain and not self._conditional

    def __reduce__(self) -> tuple[type["Program"], tuple[FactorGraphModel]]:
        return Program, (self.graph,)

    @property
    def dimension(self) -> int:
        """The number of free parameters, D."""
        return self.space.dimension

    def prior_transform(self, unit: ArrayLike) -> FloatArray:
        """Return theta `(D,)` at a point `(D,)` of the unit cube."""
        return self.space.transform(unit)

    def log_prior(self, theta: FloatArray) -> Any:
        """Return ln p(theta), normalised, at `(D,)`; or `(S,)` at `(D, S)`.

        Minus infinity where a condition of the model is violated.
        """
        try:
            values = self.space.values(theta)
        except FitException:
            return np.float64(-np.inf)
        return np.where(
            self.space.allowed(values), self.space.log_prior(values), -np.inf
        )

    def log_likelihood(self, theta: FloatArray) -> float:
        """Return ln L(theta), the sum over factors.

        Parameters
        ----------
        theta : ndarray, shape (D,)
            Physical parameters.

        Returns
        -------
        float
            Minus infinity where a condition is violated, where a likelihood or a relation
            raised :class:`~graphfit.FitException`, and where a conditional prior has no
            density.  The sum does not depend on the order of the factors.

        Raises
        ------
        LikelihoodError
            If a likelihood raised anything else, or returned what is no log-likelihood.
        ModelError
            If the function of a relation failed.
        """
        row = theta.tolist() if self._plain else self._row(theta)
        if row is None:
            return -math.inf
        terms: list[float] = []
        try:
            for build, likelihood in self._calls:
                terms.append(likelihood(build(row)))
            total = math.fsum(terms)
        except FitException:
            return -math.inf
        except Exception as error:  # boundary: the users' models and likelihoods
            if len(terms) == len(self._calls):
                raise self._bad_value(terms, theta) from error
            name = self.factor_names[len(terms)]
            raise self._raised(name, error, theta) from error
        if total < math.inf:
            return total
        raise self._bad_value(terms, theta)

    def _row(self, theta: FloatArray) -> list[float] | None:
        """Return the table of values; None where no likelihood is to be asked."""
        if self._conditional and np.isnan(theta).any():
            return None
        try:
            values = self.space.values(theta)
        except FitException:
            return None
        if not self.space.allowed(values):
            return None
        row: list[float] = values.tolist()
        return row

    def factor_log_likelihoods(self, theta: FloatArray) -> FloatArray:
        """Return the factors' log-likelihoods `(F,)` at theta `(D,)`."""
        row = self.space.values(theta).tolist()
        return np.array([call.likelihood(call.build(row)) for call in self._calls])

    def factor_chi_squared(self, theta: FloatArray) -> FloatArray:
        """Return the factors' chi-squares `(F,)`, NaN where an analysis has none."""
        found = [
            analysis.chi_squared(instance)
            for analysis, instance in zip(
                self._analyses.values(), self.factor_instances(theta), strict=True
            )
        ]
        return np.array([math.nan if value is None else value for value in found])

    def instance(self, theta: FloatArray) -> Any:
        """Return the joint instance at theta `(D,)`."""
        return self._root(self.space.values(theta).tolist())

    def factor_instances(self, theta: FloatArray) -> list[Any]:
        """Return each factor's own instance at theta `(D,)`."""
        row = self.space.values(theta).tolist()
        return [call.build(row) for call in self._calls]

    @property
    def analyses(self) -> dict[str, Analysis]:
        """The factors' analyses as prepared for the fit, by name."""
        return dict(self._analyses)

    def _raised(
        self, name: str, error: Exception, theta: FloatArray
    ) -> LikelihoodError:
        model = self.graph.global_prior_model[name].label()
        msg = (
            f"Factor '{name}': {type(self._analyses[name]).__name__} of {model} raised "
            f"{type(error).__name__}: {error}\n  at {self._point(theta)}\n"
            "  Raise gf.FitException in the likelihood to reject such points; the "
            "original traceback is above."
        )
        return LikelihoodError(msg)

    def _bad_value(self, terms: list[Any], theta: FloatArray) -> LikelihoodError:
        for name, value in zip(self.factor_names, terms, strict=True):
            number = isinstance(value, (int, float, np.number)) and not np.iscomplexobj(
                value
            )
            if not number or not value < math.inf:
                kind = type(self._analyses[name]).__name__
                remedy = (
                    "Raise gf.FitException in the likelihood to reject such points."
                )
                if not number:
                    remedy = (
                        "Return one number, a float: is a return missing, or a sum?"
                    )
                msg = (
                    f"Factor '{name}': {kind}.log_likelihood_function returned {value!r}, "
                    f"which is no log-likelihood (a finite number or -inf)\n"
                    f"  at {self._point(theta)}\n"
                    f"  {remedy}"
                )
                return LikelihoodError(msg)
        msg = f"The log-likelihoods {terms} have no finite sum at {self._point(theta)}."
        return LikelihoodError(msg)

    def _point(self, theta: FloatArray) -> str:
        pairs = zip(self.space.names, theta.tolist(), strict=True)
        return ", ".join(f"{name} = {value:.10g}" for name, value in pairs)


def _prepared(name: str, analysis: Analysis, model: Any) -> Analysis:
    prepared: Any = analysis.modify_before_fit(model)  # whatever the annotation says
    if not isinstance(prepared, Analysis):
        msg = (
            f"Factor '{name}': {type(analysis).__name__}.modify_before_fit must return the "
            f"analysis to use, got {prepared!r}."
        )
        raise GraphError(msg)
    return prepared
