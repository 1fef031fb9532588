"""Classification: members that are one Gaussian, several, or nothing but draws.

1. Draws whose skewness and kurtosis are within 1.5 standard errors of a Gaussian's, and
   members known as Gaussians: one.
2. Others, where the population has a closed form: the mixture of one to three Gaussians of
   lowest AIC (:mod:`graphfit.population.mixtures`), if it describes the draws.  Where it has
   none but nodes: one, within 3 standard errors.
3. What is left: draws; or, where sites were asked for, that mixture all the same.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from graphfit.population.members import Members
from graphfit.population.method import Plan
from graphfit.population.mixture_sites import MixtureSites, fitted_mixture_sites
from graphfit.population.sites import Sites, fitted_sites
from graphfit.population.whitening import whitened
from graphfit.typing import BoolArray

CERTAIN = 1.5  # standard errors; two peaks of like height are 3 from 100 draws


@final
@dataclass(frozen=True, eq=False)
class Classified:
    """N members by the way they enter the likelihood.

    Attributes
    ----------
    is_one, is_several : ndarray of bool, shape (N,)
        Those of one Gaussian, and of several; the others enter by draws.
    sites : Sites
        Of those of one.
    mixtures : MixtureSites or None
        Of those of several.
    """

    is_one: BoolArray
    is_several: BoolArray
    sites: Sites
    mixtures: MixtureSites | None

    @property
    def by_draws(self) -> BoolArray:
        """The others."""
        left: BoolArray = ~(self.is_one | self.is_several)
        return left


def classified(members: Members, plan: Plan) -> Classified:
    """Return members by the way they enter the likelihood.

    Parameters
    ----------
    members : Members
        With all of their draws.
    plan : Plan
        With a form of sites.
    """
    white = whitened(members, plan.logarithmic)
    sites = fitted_sites(members, plan.logarithmic, white)
    is_several = np.zeros(members.size, dtype=bool)
    is_plain = sites.oddness < CERTAIN
    others = np.flatnonzero(sites.is_usable & ~is_plain)
    if not plan.has_mixtures or not others.size:
        is_one = sites.is_near if plan.keeps_draws else sites.is_usable
        return Classified(is_one, is_several, sites.part(is_one), None)
    found = fitted_mixture_sites(
        members.part(others), plan.logarithmic, white.part(others)
    )
    good = found.describes | (not plan.keeps_draws)
    is_one = sites.is_usable & is_plain
    # With one Gaussian, and without any where that is no matter, the plain site will do.
    is_one[others] = good & (found.count <= 1)
    several = good & (found.count > 1)
    is_several[others] = several
    mixtures = found.part(several) if several.any() else None
    return Classified(is_one, is_several, sites.part(is_one), mixtures)
