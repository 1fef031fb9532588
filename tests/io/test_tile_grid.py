"""Tiles: every pixel of a region is in exactly one part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.errors import OutputError
from graphfit.io.tile_grid import TileGrid, lengths

lengths_of_axes = st.lists(
    st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=0, max_size=3
)


@given(lengths_of_axes, st.data())
def test_parts_cut_a_region_without_gap_or_overlap(axes, data):
    grid = TileGrid(tuple(n for n, _ in axes), tuple(t for _, t in axes))
    whole = np.arange(int(np.prod(grid.shape))).reshape(grid.shape)
    limits = [
        sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n))))
        for n, _ in axes
    ]
    region = tuple(slice(*pair) for pair in limits)
    found = np.full(lengths(region), -1)
    for part in grid.parts(region):
        tile = whole[grid.region(part.index)]
        assert (found[part.outer] == -1).all()
        found[part.outer] = tile[part.inner]
    np.testing.assert_array_equal(found, whole[region])


@given(lengths_of_axes)
def test_tiles_cover_the_map_once(axes):
    grid = TileGrid(tuple(n for n, _ in axes), tuple(t for _, t in axes))
    count = np.zeros(grid.shape, dtype=int)
    for index in grid.indices():
        count[grid.region(index)] += 1
    assert (count == 1).all()
    assert len(list(grid.indices())) == int(np.prod(grid.counts))


def test_limits_count_from_zero():
    grid = TileGrid((5, 4), (2, 2))
    region = grid.normalised((slice(None), slice(-3, None)))
    assert region == (slice(0, 5), slice(1, 4))
    assert lengths(grid.normalised((slice(4, 2), slice(9, 12)))) == (0, 0)


@pytest.mark.parametrize(
    "region",
    [
        (slice(0, 2),),
        [slice(0, 1)] * 2,
        (0, slice(0, 1)),
        (slice(0, 4, 2), slice(0, 1)),
    ],
)
def test_what_is_no_region_is_refused(region):
    with pytest.raises(OutputError, match=r"no part of maps of shape \(5, 4\); give"):
        TileGrid((5, 4), (2, 2)).normalised(region)
