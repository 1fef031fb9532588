"""The live points, sorted by likelihood, and the place of a new one among them."""

from graphfit.kernels.compiled import compiled
from graphfit.search.nested.engine.random_numbers import below
from graphfit.search.nested.engine.workspace import (
    FIRST,
    N_LIVE,
    RANK_SUM,
    RANK_VARIANCE,
    Live,
    State,
)
from graphfit.typing import AnyArray

_BLOCK = 32  # numbers that are compared with one at once


@compiled
def store(live: Live, state: State, slot: int, birth: float) -> None:
    """Keep the trial as a live point."""
    for j in range(len(state.trial)):
        live.units[slot, j] = state.trial[j]
    for j in range(len(state.trial_values)):
        live.values[slot, j] = state.trial_values[j]
    live.births[slot] = birth


@compiled
def sort(live: Live, n: int) -> None:
    """Sort the live points by likelihood: heapsort."""
    for start in range(n // 2 - 1, -1, -1):
        _sift(live, start, n)
    for end in range(n - 1, 0, -1):
        _swap(live, 0, end)
        _sift(live, 0, end)


@compiled
def _sift(live: Live, start: int, end: int) -> None:
    root = start
    while 2 * root + 1 < end:
        child = 2 * root + 1
        if child + 1 < end and live.log_l[child] < live.log_l[child + 1]:
            child += 1
        if live.log_l[root] >= live.log_l[child]:
            return
        _swap(live, root, child)
        root = child


@compiled
def _swap(live: Live, a: int, b: int) -> None:
    value, slot = live.log_l[a], live.order[a]
    live.log_l[a], live.order[a] = live.log_l[b], live.order[b]
    live.log_l[b], live.order[b] = value, slot


@compiled
def insert(live: Live, state: State, value: float, level: float) -> int:
    """Put the trial among the live points; return how many of them are below it.

    It takes the slot of the last point that left.  Among equals its place is drawn.
    """
    whole, real = state.whole, state.real
    first, n = whole[FIRST], whole[N_LIVE]
    slot = live.order[first - 1]
    store(live, state, slot, level)
    low = first + _number_below(live.log_l[first:n], value)
    equal = 0
    while low + equal < n and live.log_l[low + equal] == value:
        equal += 1
    if equal > 0:
        low += below(state.random, equal + 1)
    move_down(live.log_l[first - 1 : low])
    move_down(live.order[first - 1 : low])
    live.log_l[low - 1] = value
    live.order[low - 1] = slot
    whole[FIRST] = first - 1
    survivors = n - first
    rank: int = low - first
    real[RANK_SUM] += rank - 0.5 * survivors
    real[RANK_VARIANCE] += survivors * (survivors + 2.0) / 12.0
    return rank


@compiled
def _number_below(a: AnyArray, value: float) -> int:
    """Return how many numbers of a rising array are below a value.

    Blocks are counted, then numbers within one.  A search by halves takes fewer steps, but
    at each the processor guesses which way it goes, and is wrong every other time.
    """
    n = len(a)
    first = 0
    for block in range(n // _BLOCK):
        first += int(a[_BLOCK * block + _BLOCK - 1] < value)
    first *= _BLOCK
    found = first
    for i in range(first, min(first + _BLOCK, n)):
        found += int(a[i] < value)
    return found


@compiled
def move_down(a: AnyArray) -> None:
    """Move all entries but the first down by one; eight are read before any is written."""
    n = len(a) - 1
    for block in range(n // 8):
        i = 8 * block
        v0, v1, v2, v3 = a[i + 1], a[i + 2], a[i + 3], a[i + 4]
        v4, v5, v6, v7 = a[i + 5], a[i + 6], a[i + 7], a[i + 8]
        a[i], a[i + 1], a[i + 2], a[i + 3] = v0, v1, v2, v3
        a[i + 4], a[i + 5], a[i + 6], a[i + 7] = v4, v5, v6, v7
    for i in range(n - n % 8, n):
        a[i] = a[i + 1]
