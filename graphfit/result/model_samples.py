"""Samples seen through a model: numbers in, instances out."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.build import instance_builder
from graphfit.model.node import Node
from graphfit.model.payload import payload_tree
from graphfit.model.space import ParameterSpace
from graphfit.model.tree import free_parameters, relations
from graphfit.priors import Expression
from graphfit.samples import Samples, summary
from graphfit.seeding import generator
from graphfit.typing import FloatArray


@final
class ModelSamples:
    """The posterior of one model: the record of samples, with the model's names.

    Parameters
    ----------
    record : Samples
        The joint samples.
    model : Node
        The model to see them through: the whole, or one factor's.
    positions : mapping from Expression to int
        The column of each prior and relation in the record's table; see
        ``column_positions``.
    derived : mapping from str to int, optional
        The columns of what the analysis derives (``Analysis.derived``), by name.

    Notes
    -----
    Methods return an instance of the model, or with ``as_instance=False`` the list of
    numbers in the order of ``parameter_names``.
    """

    __slots__ = ("_columns", "_derived", "_model", "_positions", "record")

    def __init__(
        self,
        record: Samples,
        model: Node,
        positions: Mapping[Expression, int],
        derived: Mapping[str, int] | None = None,
    ) -> None:
        self._derived = dict(derived or {})
        self.record = record
        self._model = model
        self._positions = positions  # shared by all results of a fit: not copied
        priors = free_parameters(model)
        for prior, name in priors.items():
            if prior not in self._positions:
                msg = (
                    f"The samples have no parameter {name!r} of this model; ask for a "
                    "model made of the same prior objects as the one that was fitted."
                )
                raise ResultError(msg)
        self._columns = [self._positions[prior] for prior in priors]

    @property
    def model(self) -> Node:
        """The model that instances are made of."""
        return self._model

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The model's free parameters by path."""
        return tuple(free_parameters(self._model).values())

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns of the model's free parameters in the record's table."""
        return tuple(self._columns)

    @property
    def derived_columns(self) -> dict[str, int]:
        """The columns of relations and of what the analysis derives, by name."""
        shown = relations(self._model)
        own = {n: self._positions[r] for r, n in shown.items() if r in self._positions}
        return {**own, **self._derived}

    @property
    def values(self) -> FloatArray:
        """The model's free parameters at every sample, shape (S, D)."""
        return self.record.values[:, self._columns]

    @property
    def parameter_lists(self) -> list[list[float]]:
        """The same as nested lists."""
        return [list(map(float, row)) for row in self.values]

    @property
    def weight_list(self) -> list[float]:
        """The samples' weights, summing to one."""
        return list(map(float, self.record.weights))

    @property
    def log_likelihood_list(self) -> list[float]:
        """The joint log-likelihoods."""
        return list(map(float, self.record.log_likelihood))

    @property
    def log_prior_list(self) -> list[float]:
        """The joint log-densities of the prior."""
        return list(map(float, self.record.log_prior))

    @property
    def log_posterior_list(self) -> list[float]:
        """The sums of the two."""
        record = self.record
        return list(map(float, record.log_likelihood + record.log_prior))

    @property
    def log_evidence(self) -> float:
        """Ln Z of the whole fit; NaN where the search gives none."""
        return self.record.log_evidence

    def max_log_likelihood(self, as_instance: bool = True) -> Any:
        """Return the sample of the highest joint log-likelihood."""
        return self._shaped(self.record.values[self.record.best], as_instance)

    def max_log_posterior(self, as_instance: bool = True) -> Any:
        """Return the sample of the highest ln L + ln prior."""
        row = int(np.argmax(self.record.log_likelihood + self.record.log_prior))
        return self._shaped(self.record.values[row], as_instance)

    def median_pdf(self, as_instance: bool = True) -> Any:
        """Return the medians of the parameters' marginal posteriors."""
        medians = summary.median(self.record)[: self.record.values.shape[1]]
        return self._shaped(medians, as_instance)

    def values_at_sigma(self, sigma: float = 1.0, as_instance: bool = True) -> Any:
        """Return (lower, upper) limits of the central interval of each parameter.

        Parameters
        ----------
        sigma : float, > 0
            The interval holds the probability of ``+-sigma`` of a normal distribution.
        as_instance : bool
            A tree shaped like the model (relations included), or a list.

        Raises
        ------
        ResultError
            If the samples are one optimum, which has no posterior.
        """
        low, high = self._interval(sigma)
        return self._shown(_pairs(low, high), as_instance)

    def values_at_lower_sigma(
        self, sigma: float = 1.0, as_instance: bool = True
    ) -> Any:
        """Return the lower limits of `values_at_sigma` alone."""
        return self._shown(self._interval(sigma)[0].tolist(), as_instance)

    def values_at_upper_sigma(
        self, sigma: float = 1.0, as_instance: bool = True
    ) -> Any:
        """Return the upper limits of `values_at_sigma` alone."""
        return self._shown(self._interval(sigma)[1].tolist(), as_instance)

    def errors_at_sigma(self, sigma: float = 1.0, as_instance: bool = True) -> Any:
        """Return (minus, plus) distances from the median to the limits at `sigma`."""
        return self._shown(_pairs(*self._errors(sigma)), as_instance)

    def errors_at_lower_sigma(
        self, sigma: float = 1.0, as_instance: bool = True
    ) -> Any:
        """Return the minus errors of `errors_at_sigma` alone."""
        return self._shown(self._errors(sigma)[0].tolist(), as_instance)

    def errors_at_upper_sigma(
        self, sigma: float = 1.0, as_instance: bool = True
    ) -> Any:
        """Return the plus errors of `errors_at_sigma` alone."""
        return self._shown(self._errors(sigma)[1].tolist(), as_instance)

    @property
    def covariance_matrix(self) -> FloatArray:
        """The posterior covariance of the free parameters, shape (D, D)."""
        self.require_posterior()
        return summary.covariance(self.record)[np.ix_(self._columns, self._columns)]

    def draw_randomly_via_pdf(self, seed: int | None = None) -> Any:
        """Return the instance at one draw from the posterior."""
        rng = generator(seed)
        if self.record.is_gaussian:
            matrix = summary.covariance(self.record)
            vector = rng.multivariate_normal(self.record.values[0], matrix)
        else:
            vector = self.record.values[summary.draw_rows(self.record, 1, rng)[0]]
        return self._shaped(vector, as_instance=True)

    def subsamples(self, model: Node) -> "ModelSamples":
        """Return the same samples seen through a part of the model.

        Parameters
        ----------
        model : Node
            Made of prior objects of the fitted model, e.g. ``result.model.gaussian``.

        Raises
        ------
        ResultError
            If it is no model, or holds another prior.
        """
        given: Any = model  # whatever the annotation says
        if not isinstance(given, Node):
            msg = (
                "subsamples needs a part of the model, a Model or Collection, got "
                f"{given!r}."
            )
            raise ResultError(msg)
        return ModelSamples(self.record, model, self._positions)

    def __len__(self) -> int:
        return len(self.record)

    def require_posterior(self) -> None:
        """Refuse questions about a posterior when the samples are one optimum.

        Raises
        ------
        ResultError
        """
        if self.record.kind == "optimum" and not self.record.is_gaussian:
            msg = (
                "An optimum has no posterior: no errors, no covariance. Use "
                "gf.LevenbergMarquardt, or a sampler such as gf.DynestyStatic, for those."
            )
            raise ResultError(msg)

    def _interval(self, sigma: float) -> tuple[FloatArray, FloatArray]:
        self.require_posterior()
        if not sigma > 0:
            msg = f"sigma must be > 0, got {sigma!r}."
            raise ResultError(msg)
        return summary.interval(self.record, sigma)

    def _errors(self, sigma: float) -> tuple[FloatArray, FloatArray]:
        low, high = self._interval(sigma)
        middle = summary.median(self.record)
        return middle - low, high - middle

    def _shown(self, columns: Sequence[Any], as_instance: bool) -> Any:
        """Return one object a column, as a tree shaped like the model or as a list."""
        if not as_instance:
            return [columns[column] for column in self._columns]
        return payload_tree(
            self._model, {e: columns[i] for e, i in self._positions.items()}
        )

    def _shaped(self, vector: FloatArray, as_instance: bool) -> Any:
        own = np.asarray(vector)[self._columns]
        if not as_instance:
            return list(map(float, own))
        space = ParameterSpace(self._model)
        return instance_builder(self._model, space)(space.values_from_vector(own))


def _pairs(first: FloatArray, second: FloatArray) -> list[tuple[float, float]]:
    return list(zip(first.tolist(), second.tolist(), strict=True))


def column_positions(joint: Node) -> dict[Expression, int]:
    """Return the columns of a record's table: parameters first, then relations.

    Parameters
    ----------
    joint : Node
        The model that was fitted.
    """
    return {e: i for i, e in enumerate([*free_parameters(joint), *relations(joint)])}
