"""Random numbers in compiled code: xoshiro256++, one state a pixel.

Blackman & Vigna (2021), ACM Trans. Math. Softw. 47, 36.  The state is four 64-bit words,
filled by splitmix64 from the pixel's own seed, so no number depends on chunks or threads.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graphfit.kernels.compiled import compiled

RandomState = NDArray[np.int64]

STATE_SIZE = 4
_STEP = 2.0**-52


@compiled
def seed_state(state: RandomState, seed: int) -> None:
    """Fill a state from a seed, by splitmix64.

    Parameters
    ----------
    state : ndarray of int64, shape (4,)
        Overwritten.
    seed : int
        Any 64 bits.
    """
    word = np.uint64(seed)
    for i in range(4):
        word += np.uint64(0x9E3779B97F4A7C15)
        mixed = word
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state[i] = np.int64(mixed ^ (mixed >> np.uint64(31)))


@compiled
def next_word(state: RandomState) -> np.uint64:
    """Return 64 random bits, as an unsigned integer."""
    s0, s1 = np.uint64(state[0]), np.uint64(state[1])
    s2, s3 = np.uint64(state[2]), np.uint64(state[3])
    total = s0 + s3
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    state[0], state[1] = np.int64(s0), np.int64(s1)
    state[2], state[3] = np.int64(s2), np.int64(s3)
    return result


@compiled
def uniform(state: RandomState) -> float:
    """Return a number of (0, 1): neither end, in steps of 2^-52."""
    return (np.float64(next_word(state) >> np.uint64(12)) + 0.5) * _STEP


@compiled
def below(state: RandomState, n: int) -> int:
    """Return a whole number of 0 to n - 1; n at most some thousands."""
    return min(int(uniform(state) * n), n - 1)


@compiled
def normal(state: RandomState) -> float:
    """Return a standard normal number, by the polar method (Marsaglia & Bray 1964)."""
    while True:
        x = 2.0 * uniform(state) - 1.0
        y = 2.0 * uniform(state) - 1.0
        square = x * x + y * y
        if 0.0 < square < 1.0:
            return x * math.sqrt(-2.0 * math.log(square) / square)
