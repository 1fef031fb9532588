"""PopulationProblem: members as columns of numbers, and the graph that fits them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.graph import AnalysisFactor, FactorGraphModel
from graphfit.population.classification import classified
from graphfit.population.draw_form import DrawForm
from graphfit.population.gaussian_form import GaussianForm
from graphfit.population.injections import (
    Injections,
    SelectionAnalysis,
    selection_terms,
)
from graphfit.population.members import Members, MemberSource, stacked
from graphfit.population.method import Plan
from graphfit.population.mixture_form import MixtureForm
from graphfit.population.mixture_sites import MixtureSites, joined_mixture_sites
from graphfit.population.population_model import PopulationModel
from graphfit.population.sites import Sites, joined_sites
from graphfit.population.terms import MemberAnalysis, MemberTerms
from graphfit.population.whitening import inverse_roots
from graphfit.typing import FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class Group:
    """Members that enter the likelihood by one form.

    Attributes
    ----------
    index : ndarray of int, shape (N,)
        Their positions, rising.
    columns : list of ndarray, each of shape (N,)
        Of the form, then of the covariates.
    terms : MemberTerms
        The form.
    constant : ndarray, shape (N,)
        What no hyper-parameter changes.
    sites : tuple of Sites
        Of a form of sites, one for each part of a mixture; else none.
    """

    index: IntArray
    columns: list[FloatArray]
    terms: MemberTerms
    constant: FloatArray
    sites: tuple[Sites, ...] = ()

    def part(self, rows: Any) -> list[FloatArray]:
        """Return the columns of some members."""
        return [column[rows] for column in self.columns]


@final
@dataclass(frozen=True, eq=False)
class PopulationProblem:
    """A population model, its members, and the graph of hyper-parameters.

    Attributes
    ----------
    population : PopulationModel
    source : MemberSource
        To read members again.
    plan : Plan
        How they enter.
    sites, mixtures, draws : Group or None
        Those that enter by one Gaussian, by several, and by draws.
    interim : dict of str to ndarray, shape (N, D)
        ``"mean"`` and ``"sd"`` of each member under its interim prior.
    index : ndarray of int, shape (N,)
        The positions of all members, rising.
    has_evidence : bool
        Whether the members' evidences are part of the likelihood.
    graph : FactorGraphModel
        To be fitted.
    selection : SelectionAnalysis or None
    """

    population: PopulationModel
    source: MemberSource
    plan: Plan
    sites: Group | None
    mixtures: Group | None
    draws: Group | None
    interim: Mapping[str, FloatArray]
    index: IntArray
    has_evidence: bool
    graph: FactorGraphModel
    selection: SelectionAnalysis | None

    @property
    def groups(self) -> list[Group]:
        """The groups that have members."""
        every = (self.sites, self.mixtures, self.draws)
        return [group for group in every if group is not None]

    @property
    def size(self) -> int:
        """N."""
        return int(self.index.size)


def population_problem(
    population: PopulationModel,
    source: MemberSource,
    plan: Plan,
    selection: Injections | None,
) -> PopulationProblem:
    """Return the problem: every member is read once.

    Parameters
    ----------
    population : PopulationModel
    source : MemberSource
    plan : Plan
    selection : Injections, optional

    Raises
    ------
    ResultError
        If there are fewer than two members, or one has no site where it needs one.
    """
    reading = _Reading(population, source, plan)
    for block in source.blocks(whole=plan.form is not None):
        reading.add(block)
    index, interim, log_evidence = reading.facts()
    groups = reading.site_group(), reading.mixture_group(), reading.draw_group()
    has_evidence = bool(np.isfinite(log_evidence).all())
    offset = float(math.fsum(log_evidence)) if has_evidence else 0.0
    factors: list[AnalysisFactor] = []
    names = ("sites", "mixtures", "draws")
    for name, group in zip(names, groups, strict=True):
        if group is not None:
            constant = math.fsum(group.constant) + (0.0 if factors else offset)
            analysis = MemberAnalysis(group.columns, constant)
            factors.append(AnalysisFactor(group.terms.model(), analysis, name=name))
    chosen = None
    if selection is not None:
        chosen = SelectionAnalysis(selection, population, index.size)
        model = selection_terms(population).model()
        factors.append(AnalysisFactor(model, chosen, name="selection"))
    return PopulationProblem(
        population,
        source,
        plan,
        *groups,
        interim,
        index,
        has_evidence,
        FactorGraphModel(*factors),
        chosen,
    )


@final
class _Reading:
    """Collects what is kept of blocks of members."""

    def __init__(
        self, population: PopulationModel, source: MemberSource, plan: Plan
    ) -> None:
        self._population = population
        self._source = source
        self._plan = plan
        self._sites: list[tuple[IntArray, FloatArray, Sites]] = []
        self._mixtures: list[tuple[IntArray, FloatArray, MixtureSites]] = []
        self._draws: list[Members] = []
        self._facts: list[tuple[Any, ...]] = []

    def add(self, block: Members) -> None:
        self._facts.append((block.index, *interim_moments(block), block.log_evidence))
        if self._plan.form is None:
            self._draws.append(block)
            return
        found = classified(block, self._plan)
        others = found.by_draws
        if others.any():
            known = block.is_gaussian[others] | (not self._plan.keeps_draws)
            if known.any():
                self._refuse(block.index[others][known])
            self._draws.append(self._source.kept(block.part(others)))
        rows = found.is_one
        self._sites.append((block.index[rows], block.covariates[rows], found.sites))
        rows = found.is_several
        if found.mixtures is not None:
            kept = block.index[rows], block.covariates[rows], found.mixtures
            self._mixtures.append(kept)

    def _refuse(self, index: IntArray) -> None:
        first = self._source.label(int(index[0]))
        more = f" (and {index.size - 1} more)" if index.size > 1 else ""
        msg = (
            f"gf.population.fit: {first}{more} has no Gaussian site: its values have no "
            "spread, lie where the population's coordinate has none (below 0 for a "
            "log-Gaussian one), or are too few draws. Leave it out, or use "
            "method='draws'."
        )
        raise ResultError(msg)

    def facts(self) -> tuple[IntArray, dict[str, FloatArray], FloatArray]:
        """Return positions, moments and evidences of all members, in order."""
        if sum(len(item[0]) for item in self._facts) < 2:
            msg = (
                "gf.population.fit: fewer than two members have an answer, and a "
                "population needs more; look at the status of their fits."
            )
            raise ResultError(msg)
        joined = [np.concatenate(parts) for parts in zip(*self._facts, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        index, mean, sd, evidence = (item[order] for item in joined)
        return index, {"mean": mean, "sd": sd}, evidence

    def site_group(self) -> Group | None:
        index, covariates, order = _in_order(self._sites)
        if not index.size:
            return None
        sites = joined_sites([item[2] for item in self._sites]).part(order)
        columns = [*_site_columns(self._plan.form, sites), *covariates.T]
        terms = MemberTerms(self._plan.form, self._population)
        return Group(index, columns, terms, sites.constant, (sites,))

    def mixture_group(self) -> Group | None:
        if not self._mixtures:
            return None
        index, covariates, order = _in_order(self._mixtures)
        found = joined_mixture_sites([item[2] for item in self._mixtures]).part(order)
        form = MixtureForm(self._plan.form, int(found.count.max()))
        columns: list[FloatArray] = []
        with np.errstate(divide="ignore"):  # of parts that do not exist
            log_share = np.log(found.share)
        for k, sites in enumerate(found.parts[: form.count]):
            columns += _site_columns(form.form, sites)
            columns.append(sites.constant + log_share[:, k])
        columns += [found.parts[0].inverse_draws * found.share[:, 0], *covariates.T]
        terms = MemberTerms(form, self._population)
        constant = np.zeros(index.size)
        return Group(index, columns, terms, constant, found.parts[: form.count])

    def draw_group(self) -> Group | None:
        if not self._draws:
            return None
        return draw_group(stacked(self._draws), self._population)


def _in_order(
    blocks: Sequence[tuple[IntArray, FloatArray, Any]],
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return positions and covariates of blocks, rising, and their order."""
    if not blocks:
        return (
            np.empty(0, dtype=np.int64),
            np.empty((0, 0)),
            np.empty(0, dtype=np.int64),
        )
    index = np.concatenate([item[0] for item in blocks])
    order = np.argsort(index, kind="stable")
    return index[order], np.concatenate([item[1] for item in blocks])[order], order


def draw_group(members: Members, population: PopulationModel) -> Group:
    """Return members as a group of draws.

    Parameters
    ----------
    members : Members
    population : PopulationModel
    """
    form = DrawForm(population.priors, members.draws)
    weight = np.exp(members.log_weight)
    squares = (weight * weight).sum(axis=1)
    # A draw of no weight may lie where there is no prior either.
    logs = np.where(weight > 0.0, members.log_weight - members.log_interim, -np.inf)
    size = members.size
    columns = [
        *members.values.reshape(size, -1).T,
        *logs.T,
        squares,
        1.0 / (squares * members.effective),
        *members.covariates.T,
    ]
    terms = MemberTerms(form, population)
    columns = [np.ascontiguousarray(column) for column in columns]
    return Group(members.index, columns, terms, np.zeros(size))


def interim_moments(members: Members) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation (N, D) under the interim prior."""
    weight = np.exp(members.log_weight)[:, :, None]
    mean = (weight * members.values).sum(axis=1)
    away = members.values - mean[:, None, :]
    variance = (weight * away * away).sum(axis=1)
    draws = np.where(np.isinf(members.effective), 1e300, members.effective)
    variance *= (draws / np.maximum(draws - 1.0, 0.5))[:, None]
    known = members.is_gaussian
    mean[known] = members.gaussian[0][known]
    variance[known] = np.diagonal(members.gaussian[1][known], axis1=1, axis2=2)
    return mean, np.sqrt(variance)


def _site_columns(form: Any, sites: Sites) -> Sequence[FloatArray]:
    """Return the columns of a form of sites."""
    count = sites.mean.shape[1]
    if not isinstance(form, GaussianForm):
        flat = (sites.mean, sites.root[:, 0], sites.precision[:, 0], sites.slope)
        return [*(item[:, 0] for item in flat), sites.inverse_draws]
    inverse = inverse_roots(sites.root)
    triangle = [(i, j) for i in range(count) for j in range(i + 1)]
    return [
        *sites.mean.T,
        *(inverse[:, i, j] for i, j in triangle),
        *(sites.precision[:, i, j] for i, j in triangle),
        *sites.slope.T,
        sites.inverse_draws,
    ]
