"""leave_one_out: whether the other datasets foretell each, and what each changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, final

import numpy as np

from graphfit.checks.dataset_likelihoods import DatasetLikelihoods, dataset_likelihoods
from graphfit.checks.left_out_datasets import LeaveOneOut
from graphfit.checks.left_out_weights import left_out, local_positions, without
from graphfit.checks.parameter_shift import (
    Disagreement,
    Information,
    Moments,
    disagreement,
    information_of_covariances,
    information_of_likelihood,
    moments,
    weighted_moments,
)
from graphfit.checks.refits import Refits, graph_of, require_search
from graphfit.compiler import Program, lower
from graphfit.errors import GraphError, ResultError, SettingError
from graphfit.result import ResultList
from graphfit.result.model_samples import column_positions
from graphfit.samples import Samples, summary
from graphfit.typing import FloatArray, IntArray

WHO = "gf.leave_one_out"


class Row(NamedTuple):
    """What leaving one dataset out says."""

    log_predictive: float
    error: float
    k: float
    refitted: bool
    trusted: bool
    shift: FloatArray
    disagreement: Disagreement


def leave_one_out(
    fit: Any,
    search: Any = None,
    *,
    refit: Literal["untrusted", "all"] = "untrusted",
) -> LeaveOneOut:
    """Leave each dataset of a joint fit out, and say how well the others foretell it.

    For each dataset ``ln p(D_i | D_-i) = ln Z - ln Z_without_i``, and how far the shared
    parameters move.  Both are computed from the draws of the joint fit, by importance
    weights.  Where the tail of the weights says that they cannot be trusted (Pareto k above
    0.7, a little less for few draws, 0.5 for a dataset with parameters of its own) and a
    search is given, the fit is done anew without the dataset.

    Parameters
    ----------
    fit : ResultList or FactorGraphModel
        A joint fit; or a graph, which `search` then fits.
    search : Search, optional
        For fits without a dataset: the search that made the joint fit, with an evidence.
        After :class:`~graphfit.LevenbergMarquardt`, which has no draws, every dataset is
        left out by a refit.
    refit : {"untrusted", "all"}
        Which datasets `search` fits without: those whose weights are not to be trusted, or
        every one.

    Returns
    -------
    LeaveOneOut

    Raises
    ------
    GraphError
        For something else than a joint fit of at least two datasets.
    ResultError
        If the fit has no draws and there is no search, or a refit has no evidence.
    SettingError
        If `search` is no search, or `refit` is neither.

    Notes
    -----
    ``ln p(D_i | D_-i)`` depends on the number of data points and their noise, so that it
    compares models, not datasets.  The p-value compares datasets: it asks whether the
    shift of the shared parameters is one that noise makes: a chi-square, if posteriors are
    Gaussian (Raveri & Hu 2019, Phys. Rev. D 99, 043506).

    Weights know what the draws have seen.  Where the fit without a dataset would also live
    in a place that the joint fit never visits, as the scatter of a population can without
    its farthest member, they miss it: ``refit="all"`` does not.

    Examples
    --------
    >>> import graphfit as gf
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> height = gf.UniformPrior(-10.0, 10.0)
    >>> nights = [2.1, 1.9, 2.0, 2.8]
    >>> graph = gf.FactorGraphModel(*(
    ...     gf.AnalysisFactor(
    ...         gf.Model(level, height=height),
    ...         gf.ProfileAnalysis(np.arange(4.0), np.full(4, value), noise_map=0.2),
    ...     )
    ...     for value in nights
    ... ))
    >>> found = gf.leave_one_out(graph, gf.LevenbergMarquardt(maximize="posterior"))
    >>> found.flagged[0], round(found.shifts("3")["height"], 1)
    ('3', -4.0)
    """
    _require_settings(search, refit)
    graph, results = graph_of(fit, WHO)
    if results is None:
        if search is None:
            msg = (
                f"{WHO}: a graph is not fitted yet; give search=, e.g. "
                "gf.NestedSampler(seed=1), or the ResultList of its fit."
            )
            raise GraphError(msg)
        results = search.fit(graph)
    program = lower(graph)
    refits = None if search is None else Refits(graph, search, results)
    _require_a_way(results, search)
    shared = shared_positions(program)
    likelihoods = None
    if results.record.kind != "optimum":
        likelihoods = dataset_likelihoods(program, results.record)
    joint = _Joint(program, results, likelihoods, refits, shared, refit == "all")
    rows = [_row(joint, i) for i in range(len(graph))]
    return _gathered(program, results, shared, rows)


def shared_positions(program: Program) -> IntArray:
    """Return the positions of parameters that stay, whichever one dataset is left out."""
    graph = program.graph
    own: set[int] = set()
    for i in range(len(graph)):
        own.update(local_positions(program, without(graph, i)))
    stay = [i for i in range(program.dimension) if i not in own]
    return np.array(stay, dtype=np.intp)


@final
@dataclass(frozen=True, eq=False)
class _Joint:
    """The joint fit, as every dataset is compared with it."""

    program: Program
    results: ResultList
    likelihoods: DatasetLikelihoods | None
    refits: Refits | None
    shared: IntArray
    refits_all: bool

    def held(self, factor: int) -> IntArray:
        """Return which of the shared parameters a dataset's model has, by place."""
        order = {prior: i for i, prior in enumerate(self.program.space.priors)}
        mine = {order[prior] for prior in self.program.factor_priors[factor]}
        places = [place for place, i in enumerate(self.shared) if int(i) in mine]
        return np.array(places, dtype=np.intp)

    @cached_property
    def moments(self) -> Moments:
        """Of the shared parameters."""
        return moments(self.results.record, self.shared)

    @cached_property
    def whole(self) -> ResultList:
        """The joint fit with an evidence."""
        if np.isnan(self.results.log_evidence) and self.refits is not None:
            graph = self.program.graph
            return Refits(graph, self.refits.search).fit(list(graph.factors))
        return self.results


def _row(joint: _Joint, factor: int) -> Row:
    record = joint.results.record
    if joint.likelihoods is None:
        return _refitted(joint, factor, None)
    found = left_out(joint.program, record, joint.likelihoods, factor)
    places = joint.held(factor)
    information = information_of_likelihood(
        joint.moments.of(places),
        record.values[:, joint.shared[places]],
        record.weights,
        found.log_likelihood,
    )
    wanted = joint.refits_all or not found.trusted
    if wanted and joint.refits is not None:
        return _refitted(joint, factor, information)._replace(k=found.k)
    other = weighted_moments(record.values[:, joint.shared], found.weights, found.draws)
    # Both are of the same draws: their difference has only the noise of the weights.
    count = summary.effective_sample_size(record)
    unevenness = max(count / max(found.draws, 1.0) - 1.0, 1e-9)
    return Row(
        found.log_predictive,
        found.log_predictive_error,
        found.k,
        False,
        found.trusted,
        *_moved(joint, factor, other, information, count / unevenness),
    )


def _refitted(joint: _Joint, factor: int, information: Information | None) -> Row:
    """Return the row of a dataset by a fit without it."""
    assert joint.refits is not None
    keys = list(joint.program.graph.factors)
    less = joint.refits.fit([key for i, key in enumerate(keys) if i != factor])
    whole = joint.whole
    _require_evidence(whole, joint.refits)
    _require_evidence(less, joint.refits)
    columns = column_positions(less.model)
    priors = [joint.program.space.priors[i] for i in joint.shared]
    other = moments(less.record, np.array([columns[p] for p in priors], dtype=np.intp))
    if information is None:
        places = joint.held(factor)
        information = information_of_covariances(
            joint.moments.of(places), other.of(places)
        )
    draws = min(joint.moments.draws, other.draws)
    return Row(
        whole.log_evidence - less.log_evidence,
        float(np.hypot(_error(whole.record), _error(less.record))),
        np.nan,
        True,
        True,
        *_moved(joint, factor, other, information, draws),
    )


def _moved(
    joint: _Joint,
    factor: int,
    other: Moments,
    information: Information | None,
    draws: float,
) -> tuple[FloatArray, Disagreement]:
    """Return the shift of all shared parameters in sd, and whether it is noise."""
    move = other.mean - joint.moments.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        sigmas = move / np.sqrt(np.diagonal(joint.moments.covariance))
    places = joint.held(factor)
    whole = joint.moments.of(places)
    return sigmas, disagreement(whole, move[places], information, draws)


def _error(record: Samples) -> float:
    """Return the error of ln Z; none is stated by Laplace's approximation."""
    return 0.0 if record.is_gaussian else record.log_evidence_error


def _gathered(
    program: Program, results: ResultList, shared: IntArray, rows: Sequence[Row]
) -> LeaveOneOut:
    found = [row.disagreement for row in rows]
    return LeaveOneOut(
        names=tuple(program.graph.factors),
        log_predictive=np.array([row.log_predictive for row in rows]),
        log_predictive_error=np.array([row.error for row in rows]),
        pareto_k=np.array([row.k for row in rows]),
        refitted=np.array([row.refitted for row in rows]),
        trusted=np.array([row.trusted for row in rows]),
        parameter_names=tuple(program.space.names[i] for i in shared),
        shift=np.array([row.shift for row in rows]),
        chi_squared=np.array([item.chi_squared for item in found]),
        degrees_of_freedom=np.array([item.degrees_of_freedom for item in found]),
        p_value=np.array([item.p_value for item in found]),
        results=results,
    )


def _require_settings(search: Any, refit: str) -> None:
    if refit not in ("untrusted", "all"):
        msg = f"{WHO}: refit must be 'untrusted' or 'all', got {refit!r}."
        raise SettingError(msg)
    if search is not None:
        require_search(search, WHO)
    elif refit == "all":
        msg = f"{WHO}: refit='all' needs search=, e.g. gf.NestedSampler(seed=1)."
        raise SettingError(msg)


def _require_a_way(results: ResultList, search: Any) -> None:
    """Refuse a fit that has neither draws nor a search to do it again."""
    record = results.record
    if record.kind != "optimum" or (record.is_gaussian and search is not None):
        return
    if record.is_gaussian:
        msg = (
            f"{WHO}: this fit is one optimum, without draws to weigh; give search=, e.g. "
            'gf.LevenbergMarquardt(maximize="posterior"), to fit without each dataset.'
        )
    else:
        msg = (
            f"{WHO} needs the posterior, and this fit is one optimum without errors. Use "
            "gf.NestedSampler, which also gives the evidence."
        )
    raise ResultError(msg)


def _require_evidence(results: ResultList, refits: Refits) -> None:
    if np.isnan(results.log_evidence):
        who = type(refits.search).__name__
        msg = (
            f"{WHO}: the fits by {who} have no evidence, and ln p(D_i | D_-i) of a refit is "
            "a difference of two. Give a search that has one, e.g. "
            "search=gf.NestedSampler(seed=1)."
        )
        raise ResultError(msg)
