"""Mixture sites: a member's likelihood as a sum of sites, one for each of its Gaussians.

With the parts of a mixture (:mod:`graphfit.population.mixtures`) and r_ks the responsibility
of part k for draw s, part k has the draws of the weights ``w_s r_ks / W_k``, of which
``S W_k`` are effective: a member of its own, whose site is fitted as any other.  Posterior
over prior is the sum of the sites, each times W_k.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from graphfit.population.members import Members
from graphfit.population.mixtures import MOST, fitted_mixtures
from graphfit.population.sites import Sites, fitted_sites, joined_sites
from graphfit.population.whitening import Whitened
from graphfit.typing import BoolArray, FloatArray, IntArray


@final
@dataclass(frozen=True, eq=False)
class MixtureSites:
    """Sites of N members, up to three each.

    Attributes
    ----------
    parts : tuple of 3 Sites
        Those that do not exist are copies of the first.
    share : ndarray, shape (N, 3)
        W; zero for those.
    count : ndarray of int, shape (N,)
        K; 0 where there is none.
    describes : ndarray of bool, shape (N,)
        Whether they describe the draws.
    """

    parts: tuple[Sites, ...]
    share: FloatArray
    count: IntArray
    describes: BoolArray

    def part(self, rows: Any) -> "MixtureSites":
        """Return some of them."""
        return MixtureSites(
            tuple(part.part(rows) for part in self.parts),
            self.share[rows],
            self.count[rows],
            self.describes[rows],
        )


def fitted_mixture_sites(
    members: Members, logarithmic: Sequence[bool], white: Whitened
) -> MixtureSites:
    """Return the mixture sites of members.

    Parameters
    ----------
    members : Members
        With their draws.
    logarithmic : sequence of bool, length D
        Whether t is ln theta.
    white : Whitened
        Their draws in z.
    """
    mixtures = fitted_mixtures(members, white)
    count, describes = mixtures.count.copy(), mixtures.describes
    weight = np.where(np.isfinite(white.weight), white.weight, 0.0)
    parts: list[Sites] = []
    share = np.zeros((members.size, MOST))
    for k in range(MOST):
        exists = count > k
        own = weight * mixtures.responsibility[:, :, k]
        total = np.where(exists, own.sum(axis=1), 1.0)
        scaled = own / np.maximum(total, 1e-300)[:, None]
        with np.errstate(divide="ignore"):
            log_weight = np.log(np.where(exists[:, None], scaled, weight))
        effective = members.effective * np.where(exists, total, 1.0)
        one = replace(members, log_weight=log_weight, effective=effective)
        sites = fitted_sites(one, logarithmic)
        lost = exists & ~sites.is_usable
        describes &= ~lost
        count[lost] = 0
        share[:, k] = np.where(exists, total, 0.0)
        parts.append(sites)
    return MixtureSites(tuple(parts), share, count, describes)


def joined_mixture_sites(blocks: Sequence[MixtureSites]) -> MixtureSites:
    """Return the mixture sites of several blocks of members as one."""
    return MixtureSites(
        tuple(joined_sites([block.parts[k] for block in blocks]) for k in range(MOST)),
        *(
            np.concatenate([getattr(block, name) for block in blocks])
            for name in ("share", "count", "describes")
        ),
    )
