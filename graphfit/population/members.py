"""Members: what is known of each member of a population, from a finished fit of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, final

import numpy as np

from graphfit.samples.summary import effective_sample_size
from graphfit.typing import BoolArray, FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class Members:
    """N members with S draws each of the D parameters that the population speaks of.

    Attributes
    ----------
    index : ndarray of int, shape (N,)
        Their positions: in the list of results, or in the flattened map.
    values : ndarray, shape (N, S, D)
        Draws from the posteriors under the interim priors.
    log_weight : ndarray, shape (N, S)
        ln of the draws' weights, which sum to one; minus infinity for none.
    log_interim : ndarray, shape (N, S)
        ln of the interim prior density at the draws, of the D parameters together.
    effective : ndarray, shape (N,)
        The effective number of draws; infinite where the posterior is known as a Gaussian.
    log_evidence : ndarray, shape (N,)
        ln Z; NaN where it is not known.
    covariates : ndarray, shape (N, C)
        One column a map of the population model.
    gaussian : tuple of ndarray, shapes (N, D), (N, D, D)
        Mean and covariance, NaN where draws are all that is known.
    """

    index: IntArray
    values: FloatArray
    log_weight: FloatArray
    log_interim: FloatArray
    effective: FloatArray
    log_evidence: FloatArray
    covariates: FloatArray
    gaussian: tuple[FloatArray, FloatArray]

    @property
    def size(self) -> int:
        """N."""
        return len(self.index)

    @property
    def draws(self) -> int:
        """S."""
        return int(self.values.shape[1])

    @property
    def is_gaussian(self) -> BoolArray:
        """Which members are known as Gaussians, shape (N,)."""
        known: BoolArray = np.asarray(np.isfinite(self.gaussian[0]).all(axis=1))
        return known

    def part(self, rows: Any) -> "Members":
        """Return some of the members.

        Parameters
        ----------
        rows : slice, or array of int or bool
        """
        mean, covariance = self.gaussian
        return Members(
            self.index[rows],
            self.values[rows],
            self.log_weight[rows],
            self.log_interim[rows],
            self.effective[rows],
            self.log_evidence[rows],
            self.covariates[rows],
            (mean[rows], covariance[rows]),
        )


@final
@dataclass(frozen=True, eq=False)
class LeftOut:
    """What takes no part: reasons with the numbers of members."""

    counts: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.counts.values())

    @property
    def text(self) -> str:
        """In words."""
        return ", ".join(f"{n} {why}" for why, n in self.counts.items() if n)


class MemberSource(Protocol):
    """Where members come from, a block at a time, so that memory is bounded."""

    @property
    def size(self) -> int:
        """The number of places: results in the list, or pixels of the map."""

    def blocks(self, *, whole: bool = False) -> Iterator[Members]:
        """Yield all members, in any order, with the draws kept or with all of them."""

    def kept(self, members: Members) -> Members:
        """Return members of a whole block with the draws that are kept of them."""

    def member(self, index: int) -> Members:
        """Return one member by its position, with the draws kept."""

    def label(self, index: int) -> str:
        """Return what to call it."""


def thinned(samples: Any, count: int, rng: np.random.Generator) -> IntArray | None:
    """Return rows of equal weight where there are more than `count`; else None for all."""
    from graphfit.samples.summary import draw_rows

    if len(samples) <= count:
        return None
    return draw_rows(samples, count, rng)


def stacked(blocks: Sequence[Members]) -> Members:
    """Return blocks as one, in the order of their positions.

    Parameters
    ----------
    blocks : sequence of Members
        With the same D; fewer draws are filled up with draws of weight zero.
    """
    most = max(block.draws for block in blocks)
    filled = [_filled(block, most) for block in blocks]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(block, name) for block in filled])

    whole = Members(
        index=joined("index"),
        values=joined("values"),
        log_weight=joined("log_weight"),
        log_interim=joined("log_interim"),
        effective=joined("effective"),
        log_evidence=joined("log_evidence"),
        covariates=joined("covariates"),
        gaussian=(
            np.concatenate([block.gaussian[0] for block in filled]),
            np.concatenate([block.gaussian[1] for block in filled]),
        ),
    )
    order = np.argsort(whole.index, kind="stable")
    in_order = bool((order == np.arange(order.size)).all())
    return whole if in_order else whole.part(order)


def _filled(members: Members, draws: int) -> Members:
    more = draws - members.draws
    if not more:
        return members
    pad = ((0, 0), (0, more))
    return replace(
        members,
        values=np.pad(members.values, (*pad, (0, 0)), mode="edge"),
        log_weight=np.pad(members.log_weight, pad, constant_values=-np.inf),
        log_interim=np.pad(members.log_interim, pad, mode="edge"),
    )


def effective_draws(samples: Any, kept: int) -> float:
    """Return how many independent draws the kept ones are worth."""
    return min(effective_sample_size(samples), float(kept))
