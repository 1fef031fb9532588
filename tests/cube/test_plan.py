"""The plan: every pixel once, in pieces of a size that pays, the important ones first."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.cube.plan import (
    CHUNK_BYTES,
    LARGEST_CHUNK,
    ChunkRule,
    Pace,
    chunk_lengths,
    ordered,
    parts,
    regions,
    with_work,
)

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


def counted(shape, found):
    """How often each pixel is in one of the regions."""
    times = np.zeros(shape, dtype=int)
    for region in found:
        times[region] += 1
    return times


@given(SHAPES, st.data())
def test_regions_cover_a_map_once(shape, data):
    lengths = tuple(data.draw(st.integers(1, n)) for n in shape)
    assert (counted(shape, regions(shape, lengths)) == 1).all()


@given(SHAPES, st.integers(1, 100), st.data())
def test_parts_cover_a_region_once_and_are_small(shape, most, data):
    region = tuple(
        slice(low, data.draw(st.integers(low + 1, n)))
        for n in shape
        for low in [data.draw(st.integers(0, n - 1))]
    )
    found = list(parts(region, most))
    times = counted(shape, found)
    assert (times[region] == 1).all()
    assert times.sum() == math.prod(part.stop - part.start for part in region)
    assert max(math.prod(p.stop - p.start for p in part) for part in found) <= most


@given(
    SHAPES, st.integers(1, 1 << 30), st.one_of(st.none(), st.integers(1, 50)),
    st.integers(1, 64), st.integers(1, 300), st.data(),
)  # fmt: skip
def test_chunks_keep_to_their_limits(shape, size, most, workers, least, data):
    native = tuple(data.draw(st.integers(1, 12)) for _ in shape)
    rule = ChunkRule(size, native, most, workers, least)
    lengths = chunk_lengths(shape, rule)
    assert all(1 <= length <= n for length, n in zip(lengths, shape, strict=True))
    pixels = math.prod(lengths)
    if all(n == 1 for n in native):
        assert pixels <= max(1, CHUNK_BYTES // size)
        assert most is None or pixels <= most
    blocks = math.prod(min(n, m) for n, m in zip(native, shape, strict=True))
    assert pixels <= max(1, blocks, CHUNK_BYTES // size)
    assert pixels * size <= max(LARGEST_CHUNK, CHUNK_BYTES, size)


def test_chunks_are_whole_blocks_of_the_data():
    rule = ChunkRule(8, (10, 20), None, 1, 100000)
    lengths = chunk_lengths((100, 100), rule)
    assert lengths[0] % 10 == 0
    assert lengths[1] % 20 == 0 or lengths[1] == 100


def test_there_is_work_for_all_workers():
    rule = ChunkRule(800, (1, 1), None, 8, 1)
    found = regions((40, 40), chunk_lengths((40, 40), rule))
    assert len(found) >= 16


def test_the_highest_priority_comes_first():
    found = regions((4, 4), (2, 2))
    priority = np.arange(16.0).reshape(4, 4)
    assert ordered(found, priority) == found[::-1]
    assert ordered(found, None) == found
    priority[2:] = np.nan
    assert ordered(found, priority)[:2] == [found[1], found[0]]


def test_regions_without_work_are_left_out():
    found = regions((4, 4), (2, 2))
    pending = np.zeros((4, 4), dtype=bool)
    pending[3, 0] = True
    assert with_work(found, pending) == [found[2]]
    assert with_work(found, None) == found


def test_the_pace_follows_the_cost_of_a_pixel():
    pace = Pace(1, 0.5, 100)
    assert pace.pixels == 1
    pace.note(1, 0.1)
    assert pace.pixels == 5
    for _ in range(5):
        pace.note(10, 1e-9)
    assert pace.pixels == 100
    for _ in range(200):
        pace.note(1, 10.0)
    assert pace.pixels == 1


@pytest.mark.parametrize("pixels", [0, 1])
def test_nothing_done_is_no_division_by_zero(pixels):
    pace = Pace(3, 0.5, 100)
    pace.note(pixels, 0.0)
    assert pace.pixels == 100
