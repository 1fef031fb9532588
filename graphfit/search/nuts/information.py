r"""What the data say about a member of a population, beside what the population says.

In the non-centred form a member is ``theta = mean + sigma y`` with y of unit prior variance.
The likelihood's information about y is ``I sigma^2``, with ``I = -d^2 ln L / d theta^2``.
Above 1 the data say more about the member than the population does.  Then theta is known
whatever mean and sigma are, while y follows them: the centred form is the rounder one.
Below 1, theta follows the population, and y does not; and only there can sigma be near
zero, where theta would be squeezed into a funnel.
"""

from collections.abc import Sequence

import numpy as np

from graphfit.compiler.factor_sum import FactorSum
from graphfit.search.nuts.density import Chain
from graphfit.search.starting_points import separate_groups
from graphfit.typing import BoolArray, FloatArray, IntArray

STEP = 1e-3  # in y


def is_informed(
    chain: Chain, points: Sequence[FloatArray], members: BoolArray
) -> BoolArray:
    """Return which members (D,) the data know better than their population does.

    ``I sigma^2 > 1`` at every point: where sigma may be small, it is the small ones that
    decide.  Errors have unequal costs.  Non-centred where centred is better, a chain is
    slower by about ``sqrt(I) sigma``; the other way round it does not reach the small
    sigmas, and the answer is wrong.

    Parameters
    ----------
    chain : Chain
        Of the density with all members non-centred.
    points : sequence of ndarray, each of shape (D,)
        theta.
    members : ndarray of bool, shape (D,)
        Whom to judge.
    """
    density = chain.density
    slopes = FactorSum(density.kernels, density.data, "gradient", density.dimension)
    groups = [
        np.array(chosen, dtype=np.intp)
        for group, _ in separate_groups(density.program)
        if (chosen := [i for i in group if members[i]])
    ]
    ratios = np.array([_ratio(chain, theta, slopes, groups) for theta in points])
    found: BoolArray = members & (ratios.min(axis=0) > 1.0)
    return found


def _ratio(
    chain: Chain, theta: FloatArray, slopes: FactorSum, groups: Sequence[IntArray]
) -> FloatArray:
    """Return ``I sigma^2`` (D,), 0 where it is not known.

    The members of a group meet in no factor: they are moved together.
    """
    chain.theta(chain.density.inverse(theta))
    stretch = chain.stretch()
    ratio = np.zeros(theta.size)
    for chosen in groups:
        moved = np.zeros(theta.size)
        moved[chosen] = STEP * stretch[chosen]
        _, above = slopes.with_gradient(theta + moved)
        _, below = slopes.with_gradient(theta - moved)
        change = (below - above)[chosen] / (2.0 * STEP)
        ratio[chosen] = change * stretch[chosen]
    return np.where(np.isfinite(ratio), ratio, 0.0)
