"""Program: a factor graph lowered to arrays, as a search sees it.

Everything that needs names, trees or types has happened before.  Factors that can be
compiled are one call of machine code together (:class:`CompiledFactors`); the others run as
the Python they were written in.  Where machine code gives no finite answer, Python is asked:
it may reject the point, or say what is wrong with it.
"""

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from graphfit.analysis import Analysis
from graphfit.compiler.compiled_factors import CompiledFactors, FactorCall
from graphfit.compiler.paths import FactorPath
from graphfit.compiler.prior_terms import PriorTerms
from graphfit.compiler.problem import Problem, problem
from graphfit.errors import (
    FitException,
    GraphError,
    LikelihoodError,
    NonFiniteError,
)
from graphfit.graph import FactorGraphModel
from graphfit.model.build import instance_builder
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import free_parameters
from graphfit.priors import Prior
from graphfit.typing import ArrayLike, FloatArray


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
        "_compiled",
        "_conditional",
        "_plain",
        "_prior_terms",
        "_problems",
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
        self._compiled: CompiledFactors | None = None
        self._prior_terms: PriorTerms | None = None
        self._problems: dict[bool, Problem] = {}
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
            If a likelihood raised anything else, or returned what is no log-likelihood;
            a NonFiniteError for NaN and plus infinity.
        ModelError
            If the function of a relation failed.
        """
        compiled = self._compiled or self._compile()
        row = None
        if not self._plain:
            row = self._row(theta)
            if row is None:
                return -math.inf
        if not compiled.is_empty:
            terms = compiled.sum(theta).tolist()
            if all(map(math.isfinite, terms)):
                if compiled.is_whole:
                    return math.fsum(terms)
                row = theta.tolist() if row is None else row
                return self._by_python(theta, row, compiled.python, terms)
        row = theta.tolist() if row is None else row
        return self._by_python(theta, row, range(len(self._calls)), ())

    def _by_python(
        self,
        theta: FloatArray,
        row: list[float],
        factors: Sequence[int],
        known: Sequence[float],
    ) -> float:
        """Return ln L with the given factors by their own Python, the others known."""
        terms: list[float] = []
        try:
            for factor in factors:
                call = self._calls[factor]
                terms.append(call.likelihood(call.build(row)))
            total = math.fsum((*known, *terms))
        except FitException:
            return -math.inf
        except Exception as error:  # boundary: the users' models and likelihoods
            if len(terms) == len(factors):
                raise self._bad_value(factors, terms, theta) from error
            name = self.factor_names[factors[len(terms)]]
            raise self._raised(name, error, theta) from error
        if total < math.inf:
            return total
        raise self._bad_value(factors, terms, theta)

    def gradient(self, theta: FloatArray) -> FloatArray | None:
        """Return ``d (lnL + ln p) / d theta`` (D,), p the prior density.

        None where there is no exact one: not every factor is compiled, or a prior depends
        on a relation that cannot be differentiated.  Not finite where the posterior is not.
        """
        compiled = self._compiled or self._compile()
        if not compiled.is_whole:
            return None
        prior = self.prior_terms
        if prior.reason:
            return None
        return compiled.gradient(theta) + prior.gradient(theta)

    @property
    def prior_terms(self) -> PriorTerms:
        """The log-prior as compiled factors without data."""
        if self._prior_terms is None:
            self._prior_terms = PriorTerms(self.space)
        return self._prior_terms

    def problem(self, *, posterior: bool) -> Problem:
        """Return the graph as least squares sees it: tables of kernels, made once.

        Parameters
        ----------
        posterior : bool
            Whether the prior counts; else the likelihood alone.

        Raises
        ------
        ModelError
            If the prior counts, or a condition, and has no formula.
        """
        if posterior not in self._problems:
            prior = self.prior_terms.require() if posterior else ()
            self._problems[posterior] = problem(self.space, self.paths, prior)
        return self._problems[posterior]

    @property
    def is_compiled(self) -> bool:
        """Whether every factor is compiled: an evaluation costs microseconds."""
        return (self._compiled or self._compile()).is_whole

    @property
    def paths(self) -> tuple[FactorPath, ...]:
        """The way in which each factor is evaluated."""
        return (self._compiled or self._compile()).paths

    def _compile(self) -> CompiledFactors:
        models = {name: self.graph.global_prior_model[name] for name in self._analyses}
        self._compiled = CompiledFactors(
            self.space, models, self._analyses, self._calls
        )
        return self._compiled

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

    def term_log_likelihoods(self, theta: FloatArray) -> FloatArray:
        """Return the factors' log-likelihoods `(F,)`, compiled where they can be.

        Minus infinity wherever the point or a factor is rejected, or has no finite value.
        """
        values = np.full(len(self._calls), -math.inf)
        compiled = self._compiled or self._compile()
        row = self._row(theta)
        if row is None:
            return values
        if not compiled.is_empty:
            values[list(compiled.positions)] = compiled.sum(theta)
        for factor in compiled.python:
            call = self._calls[factor]
            try:
                values[factor] = call.likelihood(call.build(row))
            except FitException:
                continue
        return np.where(values < math.inf, values, -math.inf)

    @property
    def factor_priors(self) -> list[list[Prior]]:
        """The free parameters of each factor's model, in its own order."""
        model = self.graph.global_prior_model
        return [list(free_parameters(model[name])) for name in self.factor_names]

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

    def _bad_value(
        self, factors: Sequence[int], terms: list[Any], theta: FloatArray
    ) -> LikelihoodError:
        names = [self.factor_names[factor] for factor in factors]
        for name, value in zip(names, terms, strict=True):
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
                return NonFiniteError(msg) if number else LikelihoodError(msg)
        msg = f"The log-likelihoods {terms} have no finite sum at {self._point(theta)}."
        return NonFiniteError(msg)

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
