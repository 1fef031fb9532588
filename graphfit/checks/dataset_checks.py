"""dataset_checks: each dataset of a joint fit in one line."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from graphfit.checks.dataset_likelihoods import dataset_likelihoods
from graphfit.checks.leave_one_out import leave_one_out
from graphfit.checks.left_out_datasets import LeaveOneOut
from graphfit.checks.left_out_text import (
    largest_shift,
    probability,
    remarks,
    with_error,
)
from graphfit.checks.posterior_means import posterior_means
from graphfit.checks.refits import graph_of
from graphfit.compiler import lower
from graphfit.errors import GraphError
from graphfit.result import ResultList
from graphfit.result.text import aligned
from graphfit.typing import FloatArray

WHO = "gf.dataset_checks"


@final
@dataclass(frozen=True, eq=False, repr=False)
class DatasetChecks:
    """How F datasets fare in their joint fit; made by :func:`graphfit.dataset_checks`.

    ``str(checks)`` is a table to read.

    Attributes
    ----------
    results : ResultList
        The joint fit.
    mean_log_likelihood, mean_log_likelihood_error : ndarray, shape (F,)
        ``<ln L_i>`` over the joint posterior; NaN where the fit has no draws.
    left_out : LeaveOneOut
        What the others say of each, see :func:`~graphfit.leave_one_out`.
    """

    results: ResultList
    mean_log_likelihood: FloatArray
    mean_log_likelihood_error: FloatArray
    left_out: LeaveOneOut

    @property
    def names(self) -> tuple[str, ...]:
        """The datasets."""
        return self.left_out.names

    @cached_property
    def log_likelihood(self) -> FloatArray:
        """Ln L_i at the joint maximum, shape (F,)."""
        return np.array([result.log_likelihood for result in self.results.plain])

    @cached_property
    def chi_squared(self) -> FloatArray:
        """Chi-square at the joint maximum, shape (F,); NaN where there is none."""
        return np.array([result.chi_squared for result in self.results.plain])

    @cached_property
    def data_points(self) -> tuple[int | None, ...]:
        """The number of data points of each; None where an analysis does not tell."""
        return tuple(r.analysis.data_point_count() for r in self.results.plain)

    @property
    def log_predictive(self) -> FloatArray:
        """``ln p(D_i | D_-i)``, what the dataset adds to ln Z, shape (F,)."""
        return self.left_out.log_predictive

    @property
    def flagged(self) -> tuple[str, ...]:
        """The datasets that the others do not agree with."""
        return self.left_out.flagged

    @property
    def info(self) -> str:
        """The checks as text."""
        head = ["dataset", "points", "chi-squared", "max ln L", "mean ln L"]
        rows = [[*head, "ln p(D_i | others)", "k", "largest shift", "p"]]
        for i, name in enumerate(self.names):
            points, chi = self.data_points[i], self.chi_squared[i]
            k = self.left_out.pareto_k[i]
            how = "-" if math.isnan(k) else f"{k:.2f}"
            if self.left_out.refitted[i]:
                how = "refit"
            elif not self.left_out.trusted[i]:
                how += " (?)"
            rows.append(
                [
                    name,
                    "-" if points is None else str(points),
                    "-" if math.isnan(chi) else f"{chi:.1f}",
                    f"{self.log_likelihood[i]:.2f}",
                    with_error(
                        self.mean_log_likelihood[i], self.mean_log_likelihood_error[i]
                    ),
                    with_error(
                        self.left_out.log_predictive[i],
                        self.left_out.log_predictive_error[i],
                    ),
                    how,
                    largest_shift(self.left_out, i),
                    probability(self.left_out.p_value[i]),
                ]
            )
        top = f"{len(self.names)} datasets in their joint fit"
        value, error = self.results.log_evidence, self.results.log_evidence_error
        if not math.isnan(value):
            top += f", ln Z = {with_error(value, error)}"
        return "\n".join([top, *aligned(rows).splitlines(), *remarks(self.left_out)])

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        flagged = (
            f"flagged: {', '.join(self.flagged)}" if self.flagged else "none flagged"
        )
        return f"DatasetChecks({len(self.names)} datasets, {flagged})"


def dataset_checks(results: Any, search: Any = None) -> DatasetChecks:
    """Return how each dataset fares in a joint fit: a table of one line a dataset.

    For each dataset its ln L and chi-square at the joint maximum, ln L over the posterior,
    what it adds to ln Z, and how it moves the shared parameters.

    Parameters
    ----------
    results : ResultList
        The fit of a graph.
    search : Search, optional
        To fit without a dataset where the draws do not tell, see
        :func:`~graphfit.leave_one_out`.

    Returns
    -------
    DatasetChecks

    Raises
    ------
    GraphError
        For something else than the fit of a graph of at least two datasets.
    ResultError
        If the fit has no draws and there is no search.

    Examples
    --------
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> height = gf.UniformPrior(-10.0, 10.0)
    >>> graph = gf.FactorGraphModel(*(
    ...     gf.AnalysisFactor(
    ...         gf.Model(level, height=height),
    ...         gf.ProfileAnalysis(np.arange(4.0), np.full(4, value), noise_map=0.2),
    ...     )
    ...     for value in (2.1, 1.9, 2.0)
    ... ))
    >>> results = gf.NestedSampler(n_live=1000, seed=1).fit(graph)
    >>> gf.dataset_checks(results)
    DatasetChecks(3 datasets, none flagged)
    """
    graph, found = graph_of(results, WHO)
    if found is None:
        msg = f"{WHO} needs a fit: give the ResultList that search.fit(graph) returns."
        raise GraphError(msg)
    left_out = leave_one_out(found, search)
    nothing = np.full(len(graph), math.nan)
    if found.record.kind == "optimum":
        return DatasetChecks(found, nothing, nothing, left_out)
    values = dataset_likelihoods(lower(graph), found.record).values
    means = posterior_means(found.record, values)
    return DatasetChecks(found, means.values, means.errors, left_out)
