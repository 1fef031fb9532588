"""Sweeps: factors and their messages, until the global approximation stands still.

The posterior of the shared coordinates z is N(z; 0, I) times one likelihood a factor,
local parameters integrated out.  Each likelihood is stood for by a Gaussian message.  A
sweep takes a factor's message out (the *cavity* is left), puts its likelihood in (the
*tilted* density), and lets the message be what gives the tilted mean and covariance:

    message = N(tilted moments) / cavity,       for all factors at once, damped.

Minka (2001), UAI 17, 362; Vehtari et al. (2020), J. Mach. Learn. Res. 21, 17.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np

from graphfit.search.expectation_propagation.factor_part import FactorPart
from graphfit.search.expectation_propagation.message import (
    Message,
    coverage,
    divergence,
)
from graphfit.search.expectation_propagation.tilted_draws import (
    Failure,
    Piece,
    TiltedDraws,
)
from graphfit.search.expectation_propagation.tilted_moments import (
    Moments,
    tilted_moments,
    weighted,
)
from graphfit.seeding import child_seed
from graphfit.typing import FloatArray

_COVERED = 0.5
"""The share of the draws that must be left under a new cavity; below, a new fit."""
_ALIKE = 0.7
"""The same between one cavity for alike factors and their own."""
_CIRCLE = 5  # sweeps
_SHORTEST_STEP = 0.05
_MOST_HALVINGS = 6
_MOST_FAILURES = 3
"""Of one factor; then it keeps the message it has."""
_MOST_REFITS = 4
"""Fits of a factor about the final cavity, to bring the noise down."""


Fits = Generator[list[Piece], dict[int, TiltedDraws | Failure], None]


class Rules(NamedTuple):
    """When a sweep is done and when all of them are."""

    damping: float
    max_sweeps: int
    tolerance: float
    precision: float


@final
@dataclass(eq=False)
class Factor:
    """What is known of one factor so far."""

    part: FactorPart
    site: Message
    batches: list[TiltedDraws] = field(default_factory=list)
    fits: int = 0
    evaluations: int = 0
    failures: int = 0
    reason: str = ""
    skipped: int = 0
    moments: Moments | None = None
    log_evidence: float = math.nan
    log_evidence_error: float = math.nan

    @property
    def given_up(self) -> bool:
        """Whether it failed too often to be tried again."""
        return self.failures >= _MOST_FAILURES


@final
class Sweeps:
    """The state of expectation propagation over a graph.

    Parameters
    ----------
    parts : sequence of FactorPart
    dimension : int
        d, shared coordinates.
    search : Search
        Of the tilted problems.
    rules : Rules
    seed : int

    Attributes
    ----------
    factors : list of Factor
    whole : Message
        The global approximation.
    divergences : list of float
        Between the approximations before and after each sweep, as if undamped.
    """

    def __init__(
        self,
        parts: Sequence[FactorPart],
        dimension: int,
        search: Any,
        rules: Rules,
        seed: int,
    ) -> None:
        self.factors = [
            Factor(part, Message.nothing(len(part.shared))) for part in parts
        ]
        self.whole = Message.standard(dimension)
        self.divergences: list[float] = []
        self._search = search
        self._rules = rules
        self._seed = seed
        self._step = rules.damping
        self._last_turn = 0

    @property
    def is_converged(self) -> bool:
        """Whether two sweeps in a row changed less than the tolerance."""
        last = self.divergences[-2:]
        return len(last) == 2 and max(last) < self._rules.tolerance

    def cavity(self, factor: Factor) -> Message:
        """Return what the others say of a factor's shared coordinates."""
        return self.whole.marginal(factor.part.positions) - factor.site

    def noise(self) -> FloatArray:
        """Return the standard error of the global means in posterior deviations (d,).

        And that of the deviations, whichever is larger.
        """
        _, covariance = self.whole.moments
        width = np.sqrt(np.diagonal(covariance))
        total = np.zeros((2, len(width)))
        for factor in self.factors:
            if factor.moments is not None:
                at = factor.part.positions
                total[0, at] += (factor.moments.mean_error / width[at]) ** 2
                total[1, at] += factor.moments.spread_error**2
        larger: FloatArray = np.sqrt(total.max(axis=0))
        return larger

    def run(self, tell: Callable[[str], None]) -> Fits:
        """Sweep until nothing changes and the noise is low enough.

        Parameters
        ----------
        tell : callable
            Takes a line a sweep.

        Yields
        ------
        list of Piece
            Tilted problems to fit; it is to be sent what came of them, by their numbers.
        """
        refits = 0
        for number in range(1, self._rules.max_sweeps + 1):
            yield from self._fit(self._uncovered())
            change = self._sweep()
            self.divergences.append(change)
            tell(f"sweep {number}, divergence {change:.2g}")
            if not any(factor.batches for factor in self.factors):
                return
            if self._is_circling() and refits < _MOST_REFITS:
                refits += 1
                yield from self._fit([f for f in self.factors if not f.given_up])
            elif self.is_converged:
                noisy = np.max(self.noise(), initial=0.0) > self._rules.precision
                if not noisy or refits == _MOST_REFITS:
                    return
                refits += 1
                yield from self._fit([f for f in self.factors if not f.given_up])

    def _is_circling(self) -> bool:
        """Whether sweeps go round in a circle, as draws near the edge of use make them."""
        recent = self.divergences[self._last_turn :]
        is_so = len(recent) >= 2 * _CIRCLE and min(recent[-_CIRCLE:]) > 0.5 * min(
            recent[-2 * _CIRCLE : -_CIRCLE]
        )
        if is_so:
            self._last_turn = len(self.divergences)
            self._step = max(0.5 * self._step, _SHORTEST_STEP)
        return is_so

    # --- fits -------------------------------------------------------------------------

    def _uncovered(self) -> list[Factor]:
        return [
            factor
            for factor in self.factors
            if not factor.given_up and not self._is_covered(factor)
        ]

    def _is_covered(self, factor: Factor) -> bool:
        cavity = self.cavity(factor)
        if not factor.batches:
            return False
        if factor.batches[-1].is_gaussian:
            change = divergence(cavity, factor.batches[-1].cavity)
            return change < 0.01 * self._rules.tolerance
        factor.batches = [
            batch
            for batch in factor.batches
            if coverage(cavity, batch.cavity) > 0.5 * _COVERED
        ]
        if not factor.batches:
            return False
        return weighted(factor.batches, cavity).share > _COVERED

    def _fit(self, factors: list[Factor]) -> Fits:
        if not factors:
            return
        cavities = self._common([self.cavity(factor) for factor in factors], factors)
        numbers = [self.factors.index(factor) for factor in factors]
        pieces = [
            Piece(
                number,
                factor.part,
                cavity,
                self._search,
                child_seed(self._seed, number, factor.fits),
            )
            for number, factor, cavity in zip(numbers, factors, cavities, strict=True)
        ]
        found = yield pieces
        for number, factor in zip(numbers, factors, strict=True):
            _take(factor, found[number])

    def _common(self, cavities: list[Message], factors: list[Factor]) -> list[Message]:
        """Return the cavities to fit under: one for alike factors, compiled once."""
        if self._search.finds == "optimum":
            return cavities
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, factor in enumerate(factors):
            groups.setdefault(tuple(factor.part.positions), []).append(i)
        chosen = list(cavities)
        for members in groups.values():
            mean = cavities[members[0]]
            for i in members[1:]:
                mean = mean + cavities[i]
            mean = mean.scaled(1.0 / len(members))
            if mean.is_proper and all(
                coverage(cavities[i], mean) > _ALIKE for i in members
            ):
                for i in members:
                    chosen[i] = mean
        return chosen

    # --- messages ---------------------------------------------------------------------

    def _sweep(self) -> float:
        """Update all messages at once; return how much the whole would change."""
        wanted = [self._wanted(factor) for factor in self.factors]
        step = self._step
        for _ in range(_MOST_HALVINGS):
            sites = [
                factor.site
                if new is None
                else factor.site.scaled(1.0 - step) + new.scaled(step)
                for factor, new in zip(self.factors, wanted, strict=True)
            ]
            whole = self._product(sites)
            if whole.is_proper and self._have_cavities(whole, sites):
                break
            step *= 0.5
        else:
            self._step = max(0.5 * self._step, _SHORTEST_STEP)
            return math.inf
        change = divergence(whole, self.whole) / step**2
        for factor, site in zip(self.factors, sites, strict=True):
            factor.site = site
        self.whole = whole
        return change

    def _wanted(self, factor: Factor) -> Message | None:
        """Return the message that gives the tilted moments; None where there is none."""
        if not factor.batches:
            return None
        cavity = self.cavity(factor)
        last = factor.batches[-1]
        if last.is_gaussian:
            d = len(factor.part.shared)
            tilted = Message.of_moments(last.points[0, :d], last.covariance[:d, :d])
            factor.log_evidence, factor.log_evidence_error = last.log_evidence, 0.0
            return tilted - last.cavity
        found = weighted(factor.batches, cavity)
        moments = tilted_moments(found, cavity)
        factor.log_evidence = found.log_evidence
        factor.log_evidence_error = found.log_evidence_error
        if not factor.part.shared:
            return factor.site
        values = np.linalg.eigvalsh(moments.covariance)
        if not (np.isfinite(moments.mean).all() and values[0] > 1e-12 * values[-1]):
            factor.skipped += 1
            return None
        factor.moments = moments
        return Message.of_moments(moments.mean, moments.covariance) - cavity

    def _product(self, sites: list[Message]) -> Message:
        dimension = len(self.whole.linear)
        whole = Message.standard(dimension)
        for factor, site in zip(self.factors, sites, strict=True):
            whole = whole + site.placed(factor.part.positions, dimension)
        return whole

    def _have_cavities(self, whole: Message, sites: list[Message]) -> bool:
        return all(
            (whole.marginal(factor.part.positions) - site).is_proper
            for factor, site in zip(self.factors, sites, strict=True)
        )


def _take(factor: Factor, found: TiltedDraws | Failure) -> None:
    factor.fits += 1
    if isinstance(found, Failure):
        factor.failures += 1
        factor.reason = found.reason
        return
    factor.failures, factor.reason = 0, ""
    factor.evaluations += found.evaluations
    factor.batches.append(found)


def log_evidence(sweeps: Sweeps) -> tuple[float, float]:
    """Return ln Z of expectation propagation, and the error that its fits state.

    ``ln Z = sum_f ln C_f + ln integral N(z; 0, I) prod_f m_f(z) dz``, where C_f scales a
    message to its tilted evidence: ``C_f integral c_f m_f = Z_f`` for the normalised
    cavity c_f.

    Parameters
    ----------
    sweeps : Sweeps
        Converged.
    """
    total = sweeps.whole.log_partition
    variance = 0.0
    for factor in sweeps.factors:
        cavity = sweeps.cavity(factor)
        total += factor.log_evidence
        total -= (cavity + factor.site).log_partition - cavity.log_partition
        variance += factor.log_evidence_error**2
    return total, math.sqrt(variance)
