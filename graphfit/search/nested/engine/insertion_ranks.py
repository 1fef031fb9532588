"""Insertion ranks in compiled code: whether new points fill the contour evenly.

The rank r of a new point among the m survivors, the number of those with a lower
likelihood, is uniform on 0 .. m (Fowlie, Handley & Su 2020, MNRAS 497, 5256).
"""

import math

from graphfit.kernels.compiled import compiled
from graphfit.search.nested.nested_fits import RANK_BINS


@compiled
def insertion_statistic(excess: float, variance: float) -> float:
    """Return the U statistic of a run, a standard normal number if the run is sound.

    ``sum_i (r_i - m_i / 2) / sqrt(sum_i m_i (m_i + 2) / 12)``: the ranks less their means,
    in standard deviations of that sum.  It is positive where new points come too high, as
    with bounds that cut the contour short.

    Parameters
    ----------
    excess, variance : float
        The two sums, over the new points.

    Returns
    -------
    float
        NaN if there was no new point among survivors.

    Examples
    --------
    >>> insertion_statistic(3.0, 9.0)
    1.0
    """
    return excess / math.sqrt(variance) if variance > 0.0 else math.nan


@compiled
def rank_bin(rank: int, survivors: int, fraction: float) -> int:
    """Return the bin of a rank in the histogram of RANK_BINS bins.

    The m + 1 ranks share the bins evenly, whatever m is: a rank that lies in two bins
    goes to either, ``(r + v) / (m + 1)`` being uniform on (0, 1).

    Parameters
    ----------
    rank, survivors : int
        r and m.
    fraction : float
        v, a uniform random number.

    Returns
    -------
    int
        0 .. RANK_BINS - 1.

    Examples
    --------
    >>> rank_bin(0, 1, 0.2), rank_bin(1, 1, 0.2), rank_bin(1, 1, 0.9)
    (2, 12, 19)
    """
    return min(int(RANK_BINS * (rank + fraction) / (survivors + 1.0)), RANK_BINS - 1)
