"""Members whose draws are the same but for scale and place: one seed for all of them.

Errors of the draws average out over members that are independent.  Fits of like shape with
one seed have the same draws in units of their spread, hence the same error, and a population
of N members is wrong by sqrt(N) times as much.
"""

import numpy as np

from graphfit.population.members import Members
from graphfit.population.whitening import whitened

LOOKED_AT = 64  # members
NEAR = 1e-2  # standard deviations
TEXT = (
    "the members' draws are the same in units of their spread: they were fitted with one "
    "seed, and their errors do not average out. Give each fit a seed of its own, or none."
)


def has_same_noise(members: Members) -> bool:
    """Say whether most neighbours among some members have the same draws.

    Parameters
    ----------
    members : Members
        With all draws, in the order in which they were drawn.
    """
    some = members.part(slice(0, LOOKED_AT))
    some = some.part(~some.is_gaussian)
    if some.size < 2:
        return False
    white = whitened(some, (False,) * some.values.shape[2])
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.diff(white.z, axis=0)).max(axis=2)
    usable = white.is_usable[1:] & white.is_usable[:-1]
    same = (np.median(apart, axis=1) < NEAR) & usable
    return bool(2 * same.sum() > same.size)
