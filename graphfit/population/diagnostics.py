"""Diagnostics: how far the likelihood of a population can be trusted.

At draws Lambda_k of the hyper-posterior every member is looked at through its draws.

- n_eff of a member: the effective number of its draws under the population; below 10 what
  they say of it is chance.
- variance of ln L, the sum over members: of a likelihood made of draws.  It should be below
  1 (Talbot & Golomb 2023, MNRAS 526, 3495); but noise that is the same at all Lambda moves
  nothing.
- noise: of the difference of ln L at two draws of Lambda the variance is
  ``sum_i sum_s (r_is(k) - r_is(0))^2``.  A slope that moves the posterior by b of its
  standard deviations makes it 2 b^2, so b is the root of half its mean (Essick & Farr 2022,
  arXiv:2204.00461, for the difference).
- site error: the standard deviation over k of ``Delta_k``, ln L of the draws less that of
  the sites: about b again.  Members whose own draws cannot tell (an expected n_eff below
  20, :mod:`graphfit.population.comparable`) are not compared.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.population.comparable import expected_share
from graphfit.population.injections import selection_terms
from graphfit.population.members import Members
from graphfit.population.problem import Group, PopulationProblem, draw_group
from graphfit.typing import BoolArray, FloatArray, IntArray

FEWEST = 10.0  # effective draws
HIGHEST_VARIANCE = 1.0  # of ln L
HIGHEST_NOISE = 0.15  # posterior standard deviations; rare draws make it twice as large
MOST_FLAGGED = 0.01  # of all members
HIGHEST_SITE_ERROR = 0.5  # likewise
COMPARABLE = 20.0  # effective draws, of members whose sites are checked
INJECTIONS_A_MEMBER = 4.0  # Farr 2019


@final
@dataclass(frozen=True, eq=False)
class MemberDiagnostics:
    """What the draws say of the fit, member by member and in all.

    Attributes
    ----------
    index : ndarray of int, shape (N,)
        The members' positions in the list of results, or in the flattened map.
    n_eff : ndarray, shape (N,)
        Effective draws under the population, the median over hyper-draws; NaN for members
        that are known as Gaussians alone.
    by_draws : ndarray of bool, shape (N,)
        Whether the member enters the likelihood by its draws.
    variance : float
        Of ln L from the members that enter by draws, the mean over hyper-draws.
    noise : float
        By how many posterior standard deviations the noise of draws and injections moves
        the posterior; NaN where the fit has one point.
    site_error : float
        As above; 0 without sites, NaN where no member can be compared.
    largest_difference : float
        The largest difference of one member's ln L by draws and by site.
    selection_variance : float
        Of ln alpha^N; 0 without injections.
    effective_injections : float
        The smallest over hyper-draws; infinite without injections.
    """

    index: IntArray
    n_eff: FloatArray
    by_draws: BoolArray
    variance: float
    noise: float
    site_error: float
    largest_difference: float
    selection_variance: float
    effective_injections: float

    @property
    def flagged(self) -> BoolArray:
        """Members whose effective draws are fewer than 10, shape (N,)."""
        few: BoolArray = self.n_eff < FEWEST
        return few

    @property
    def total_variance(self) -> float:
        """The variance of ln L from draws and from injections together."""
        return self.variance + self.selection_variance

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be distrusted, a sentence each, with what to do."""
        found: list[str] = []
        flagged_draws = int((self.flagged & self.by_draws).sum())
        many_flagged = flagged_draws > MOST_FLAGGED * self.index.size
        if many_flagged:
            found.append(
                f"{flagged_draws} members that enter by draws have fewer than "
                f"{FEWEST:g} effective ones under the population; fit them again with it "
                "as their prior (gf.population.refresh), or keep more draws."
            )
        # One draw that is all of a member's likelihood differs from itself nowhere; and of
        # one point nothing is known of differences.
        is_noisy = many_flagged or not self.noise <= HIGHEST_NOISE
        if self.total_variance > HIGHEST_VARIANCE and is_noisy:
            found.append(
                f"the variance of ln L is {self.total_variance:.3g}, above "
                f"{HIGHEST_VARIANCE:g} (members' draws {self.variance:.3g}, injections "
                f"{self.selection_variance:.3g}), and moves the posterior by about "
                f"{self.noise:.2g} of its standard deviations. Its bias is corrected, its "
                "noise is not: keep more draws, use method='sites', refresh the flagged "
                "members, or make more injections."
            )
        if self.site_error > HIGHEST_SITE_ERROR:
            found.append(
                "sites and draws differ by what would move the posterior by about "
                f"{self.site_error:.2g} of its standard deviations; use method='auto', "
                "which keeps draws for members that are not Gaussian, or method='draws'."
            )
        return tuple(found)


def member_diagnostics(
    problem: PopulationProblem, values: Sequence[Mapping[str, float]]
) -> MemberDiagnostics:
    """Return the diagnostics of a fit at draws of the hyper-parameters.

    Parameters
    ----------
    problem : PopulationProblem
    values : sequence of mapping of str to float
        The hyper-parameters, by name.
    """
    looking = _Looking(problem, values)
    for block in problem.source.blocks(whole=problem.plan.form is not None):
        looking.add(block)
    return looking.result(_selection(problem, values))


class _Selection(NamedTuple):
    """Of injections: the variance of ln alpha^N, of its differences, and the fewest."""

    variance: float = 0.0
    moving: float = 0.0
    effective: float = math.inf


def _selection(
    problem: PopulationProblem, values: Sequence[Mapping[str, float]]
) -> _Selection:
    if problem.selection is None:
        return _Selection()
    terms = selection_terms(problem.population)
    effective, shares = [], []
    for value in values:
        given = dict(value)
        found = problem.selection.detection(
            lambda *columns, given=given: terms(*columns, **given)
        )
        effective.append(max(found.effective, 1e-300))
        shares.append(problem.selection.shares(terms, given))
    scale = float(problem.size) ** 2
    moved = [scale * float(((s - shares[0]) ** 2).sum()) for s in shares[1:]]
    variance = float(np.mean([scale / n for n in effective]))
    return _Selection(variance, float(np.mean(moved or [np.nan])), min(effective))


@final
class _Looking:
    """Goes through blocks of members."""

    def __init__(
        self, problem: PopulationProblem, values: Sequence[Mapping[str, float]]
    ) -> None:
        self._problem = problem
        self._values = [dict(value) for value in values]
        size = problem.size
        self._n_eff = np.full(size, np.nan)
        self._by_draws = np.zeros(size, dtype=bool)
        if problem.draws is not None:
            self._by_draws[np.searchsorted(problem.index, problem.draws.index)] = True
        self._variance = np.zeros(size)
        self._moving = np.zeros(size)
        self._compared = np.zeros(size, dtype=bool)
        self._difference = np.zeros((len(values), size))

    def add(self, block: Members) -> None:
        """Look at members: by the draws that enter the likelihood, else by all."""
        by_draws = self._by_draws[np.searchsorted(self._problem.index, block.index)]
        own = block.part(by_draws)
        if own.size:
            self._look(self._problem.source.kept(own))
        others = block.part(~by_draws & ~block.is_gaussian)
        if others.size:
            self._look(others)

    def _look(self, drawn: Members) -> None:
        group = draw_group(drawn, self._problem.population)
        places = np.searchsorted(self._problem.index, group.index)
        effective = np.empty((len(self._values), drawn.size))
        variance = np.empty_like(effective)
        moving = np.zeros(drawn.size)
        first: Any = None
        for k, value in enumerate(self._values):
            term = group.terms.term(group.columns, value)
            effective[k] = 1.0 / np.maximum(term.inverse_effective, 1e-300)
            variance[k] = term.variance
            share = np.array(term.share)
            first = share if first is None else first
            moving += ((share - first) ** 2).sum(axis=0)
            self._compare(k, group, (term.value, drawn.effective), value)
        effective[~np.isfinite(effective)] = 0.0  # no draw where the population is
        self._n_eff[places] = np.median(effective, axis=0)
        self._variance[places] = variance.mean(axis=0)
        stretch = group.columns[group.terms.form.width - 1]
        self._moving[places] = moving * stretch / max(len(self._values) - 1, 1)

    def _compare(
        self,
        k: int,
        group: Group,
        drawn: tuple[FloatArray, FloatArray],
        value: dict[str, float],
    ) -> None:
        """Note ln L by draws less that by sites, of `drawn`: ln L and effective draws."""
        for sites in (self._problem.sites, self._problem.mixtures):
            if sites is not None:
                self._compare_with(sites, k, group, drawn, value)

    def _compare_with(
        self,
        sites: Group,
        k: int,
        group: Group,
        drawn: tuple[FloatArray, FloatArray],
        value: dict[str, float],
    ) -> None:
        by_draws, effective = drawn
        inside = np.isin(group.index, sites.index)
        if not inside.any():
            return
        rows = np.searchsorted(sites.index, group.index[inside])
        term = sites.terms.term(sites.part(rows), value)
        by_sites = term.value + sites.constant[rows]
        places = np.searchsorted(self._problem.index, group.index[inside])
        self._difference[k, places] = by_draws[inside] - by_sites
        if k == 0:
            with np.errstate(all="ignore"):
                share = expected_share(term, rows.size)
            draws = effective[inside]
            self._compared[places] = share * draws >= COMPARABLE

    def result(self, selection: _Selection) -> MemberDiagnostics:
        own = self._by_draws
        moving = float(self._moving[own].sum()) + selection.moving
        several = len(self._values) > 1
        error, largest = self._site_error(several)
        return MemberDiagnostics(
            index=self._problem.index,
            n_eff=self._n_eff,
            by_draws=own,
            variance=float(self._variance[own].sum()),
            noise=math.sqrt(0.5 * moving) if several else math.nan,
            site_error=error,
            largest_difference=largest,
            selection_variance=selection.variance,
            effective_injections=selection.effective,
        )

    def _site_error(self, several: bool) -> tuple[float, float]:
        """Return the error of sites, and the largest difference of one member."""
        if self._problem.sites is None and self._problem.mixtures is None:
            return 0.0, 0.0
        compared = self._compared
        if not compared.any():
            return math.nan, math.nan
        differences = self._difference[:, compared]
        total = differences.sum(axis=1)
        error = float(np.std(total, ddof=1)) if several else math.nan
        return error, float(np.abs(differences).max())
