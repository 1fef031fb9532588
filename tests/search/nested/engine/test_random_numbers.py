"""xoshiro256++ and splitmix64 in compiled code, against plain Python with 64-bit masks."""

import numpy as np
import pytest
from scipy import stats

from graphfit.compiler.driving.driver import driver
from graphfit.search.nested.engine.random_numbers import (
    STATE_SIZE,
    below,
    next_word,
    normal,
    seed_state,
    uniform,
)

MASK = (1 << 64) - 1
SEEDS = [0, 1, 12_345, -1, 2**63 - 1, -(2**63)]


@driver("void", *["int64[::1]"] * 2, *["float64[::1]"] * 2, "int64[::1]", "int64")
def _draw(state, words, uniforms, normals, wholes, n):
    for i in range(len(words)):
        words[i] = np.int64(next_word(state))
    for i in range(len(uniforms)):
        uniforms[i] = uniform(state)
    for i in range(len(normals)):
        normals[i] = normal(state)
    for i in range(len(wholes)):
        wholes[i] = below(state, n)


@driver("void", "int64[::1]", "int64")
def _seed(state, seed):
    seed_state(state, seed)


def seeded(seed):
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    _seed(state, seed)
    return state


def drawn(seed, *, words=0, uniforms=0, normals=0, wholes=0, n=1):
    state = seeded(seed)
    out = (
        np.zeros(words, dtype=np.int64),
        np.zeros(uniforms),
        np.zeros(normals),
        np.zeros(wholes, dtype=np.int64),
    )
    _draw(state, *out, n)
    return out


# --- the twin, as Blackman and Vigna (2021) and Steele et al. (2014) give them -------------


def splitmix(seed):
    word = seed & MASK
    while True:
        word = (word + 0x9E3779B97F4A7C15) & MASK
        z = word
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def rotated(word, by):
    return ((word << by) | (word >> (64 - by))) & MASK


def slow_words(seed, count):
    stream = splitmix(seed)
    s = [next(stream) for _ in range(4)]
    found = []
    for _ in range(count):
        found.append((rotated((s[0] + s[3]) & MASK, 23) + s[0]) & MASK)
        shifted = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotated(s[3], 45)
    return found


def unsigned(words):
    return [int(word) & MASK for word in words]


@pytest.mark.parametrize("seed", SEEDS)
def test_words(seed):
    stream = splitmix(seed)
    assert unsigned(seeded(seed)) == [next(stream) for _ in range(4)]
    assert unsigned(drawn(seed, words=1000)[0]) == slow_words(seed, 1000)


def test_first_words_of_splitmix_as_published():
    """Of seed 1234567, in the test of Rosetta Code's `Pseudo-random numbers/Splitmix64`."""
    assert unsigned(seeded(1_234_567)) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
    ]


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_uniform_numbers_are_words_over_their_range(seed):
    found = drawn(seed, uniforms=1000)[1]
    expected = np.array(slow_words(seed, 1000), dtype=float) * 2.0**-64
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=2.0**-52)


@pytest.mark.parametrize("word", [0, MASK])
def test_the_ends_are_left_out(word):
    """The states whose next word is all zeros and all ones: s0 = word, s3 = -s0."""
    state = np.array([word, 5, 9, -word & MASK], dtype=np.uint64).view(np.int64)
    words, none = np.zeros(1, dtype=np.int64), np.zeros(0)
    _draw(state.copy(), words, none, none, words[:0], 1)
    assert unsigned(words) == [word]
    found, wholes = np.zeros(1), np.zeros(1, dtype=np.int64)
    _draw(state.copy(), wholes[:0], found, none, wholes[:0], 1)
    assert 0.0 < found[0] < 1.0
    _draw(state.copy(), wholes[:0], none, none, wholes, 1000)
    assert wholes[0] == (0 if word == 0 else 999)


def test_uniform_numbers():
    found = drawn(7, uniforms=200_000)[1]
    assert 0.0 < found.min() < 1e-4
    assert 1.0 - 1e-4 < found.max() < 1.0
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    # Neighbours: the correlation of n pairs scatters by 1 / sqrt(n).
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4.0 / np.sqrt(found.size)


@pytest.mark.parametrize("n", [1, 2, 7, 4000])
def test_whole_numbers_below(n):
    found = drawn(3, wholes=100_000, n=n)[3]
    counts = np.bincount(found, minlength=n)
    assert len(counts) == n
    if n > 1:
        assert stats.chisquare(counts).pvalue > 1e-3


def test_normal_numbers():
    found = drawn(5, normals=200_000)[2]
    assert stats.kstest(found, "norm").pvalue > 1e-3
    # Moments of n draws scatter by sqrt((E x^2k - (E x^k)^2) / n).
    for k, moment, square in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105)):
        error = np.sqrt((square - moment**2) / found.size)
        assert abs(np.mean(found**k) - moment) < 4.0 * error
