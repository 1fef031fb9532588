"""Where random numbers come from: one generator enters a fit, children are named.

A fit with ``seed=1`` gives the same bits in every process and on every machine with the
same libraries.  Parts of a fit (the components of a graph, the cells of a grid) draw from
children of that seed, keyed by their position, so that running them apart, in another
order or in parallel changes nothing.
"""

import secrets

import numpy as np


def child_seed(seed: int, *key: int) -> int:
    """Return the seed of part `key` of a fit seeded with `seed`.

    Parameters
    ----------
    seed : int, >= 0
        The seed of the whole.
    *key : int
        The position of the part, e.g. ``(2,)`` for the third component.

    Returns
    -------
    int
        A 63-bit seed.

    Examples
    --------
    >>> child_seed(1, 0) == child_seed(1, 0), child_seed(1, 0) == child_seed(1, 1)
    (True, False)
    """
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator(seed: int | None) -> np.random.Generator:
    """Return the generator that a fit seeded with `seed` draws from.

    Parameters
    ----------
    seed : int or None
        Non-negative; None for fresh entropy.

    Examples
    --------
    >>> bool(generator(3).random() == generator(3).random())
    True
    """
    return np.random.default_rng(seed)


def fresh_seed() -> int:
    """Return a seed that nobody has used: 63 bits from the system."""
    return secrets.randbits(63)
