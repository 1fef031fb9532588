import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from dask import array as da
from hypothesis import given
from hypothesis import strategies as st

from graphfit.cube.astropy_fit.arguments import Given, read_cube
from graphfit.cube.astropy_fit.pieces import (
    Plan,
    even_cuts,
    joined_chunks,
    split_piece,
)

shapes = st.lists(st.integers(1, 9), min_size=0, max_size=3).map(tuple)


def plan(
    data, shape_of_map, chunks=None, most=None, keep=False, mask=None, weights=None
):
    cube = read_cube(Given(data, weights=weights, mask=mask), 0, 1)
    numbers = np.arange(float(math.prod(shape_of_map))).reshape(shape_of_map)
    return Plan(cube, (), {"a": numbers, "b": -numbers}, chunks, most, keep)


def no_compute(*arrays):
    raise AssertionError(arrays)


def compute(*arrays):
    return da.compute(*arrays, scheduler="synchronous")


@given(shapes, st.integers(1, 30))
def test_pieces_cover_the_map_once(shape, most):
    data = np.arange(2.0 * math.prod(shape)).reshape(2, *shape)
    seen = np.zeros(shape, dtype=int)
    for piece in plan(data, shape, most=most).pieces(no_compute):
        assert 1 <= math.prod(piece.shape) <= most
        seen[piece.where] += 1
        found = piece.slices()
        np.testing.assert_array_equal(found.data, data[(slice(None), *piece.where)])
        assert found.start.shape == (2, *piece.shape)
        np.testing.assert_array_equal(found.start[0] * 2, found.data[0] * 2)
    assert (seen == 1).all()


@given(shapes.filter(bool), st.integers(1, 30), st.integers(1, 4))
def test_chunks_are_not_cut_but_joined(shape, most, size):
    lazy = da.zeros(shape, chunks=size)
    for lengths, edges in zip(
        lazy.chunks, joined_chunks(lazy.chunks, most), strict=True
    ):
        borders = {0, *np.cumsum(lengths).tolist()}
        assert {start for start, _ in edges} | {stop for _, stop in edges} <= borders
        assert edges[0][0] == 0
        assert edges[-1][1] == sum(lengths)
        assert all(a[1] == b[0] for a, b in pairwise(edges))


@given(shapes.filter(bool), st.integers(1, 30))
def test_parts_are_small_enough(shape, most):
    cuts = even_cuts(shape, most)
    assert math.prod(max(b - a for a, b in edges) for edges in cuts) <= most


def test_a_chunk_of_dask_is_computed_once():
    calls = []

    def load(block):
        calls.append(block.shape)
        return block

    data = da.ones((5, 6, 6), chunks=(5, 3, 6)).map_blocks(load, dtype=float)
    calls.clear()  # dask tries the function on nothing
    found = plan(data, (6, 6), ((3, 3), (6,)), most=2)
    pieces = list(found.pieces(compute))
    assert len(pieces) == 18
    assert not calls  # nothing is read before it is needed
    for piece in pieces:
        assert piece.slices().data.shape == (5, *piece.shape)
    assert calls == [(5, 3, 6)] * 2


def test_small_chunks_are_read_together():
    data = da.ones((5, 1, 40), chunks=(5, 1, 1))
    found = list(plan(data, (1, 40), ((1,), (1,) * 40), most=20).pieces(compute))
    assert [piece.shape for piece in found] == [(1, 20), (1, 20)]


def test_native_chunks_are_kept():
    data = da.ones((5, 7), chunks=(5, (3, 4)))
    found = list(plan(data, (7,), ((3, 4),), most=1, keep=True).pieces(compute))
    assert [piece.shape for piece in found] == [(3,), (4,)]


def test_a_packed_piece_holds_its_slices_only():
    data = np.zeros((10, 1000))
    mask = np.zeros((10, 1), dtype=bool)
    piece = next(iter(plan(data, (1000,), most=4, mask=mask).pieces(no_compute)))
    content = pickle.dumps(piece.packed())
    assert len(content) < 3000
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.slices().data, data[:, :4])
    assert again.slices().mask.shape == (10, 1)  # not expanded


@pytest.mark.parametrize("pack", [False, True])
def test_halves(pack):
    data = np.arange(2.0 * 15).reshape(2, 3, 5)
    (piece,) = plan(data, (3, 5), most=15).pieces(no_compute)
    todo, seen = [piece.packed() if pack else piece], np.zeros((3, 5), dtype=int)
    while todo:
        one = todo.pop()
        parts = split_piece(one)
        todo += parts
        if not parts:
            seen[one.where] += 1
            assert math.prod(one.shape) == 1
            np.testing.assert_array_equal(
                one.slices().data, data[(slice(None), *one.where)]
            )
    assert (seen == 1).all()


def test_a_small_map_is_spread_over_workers():
    assert plan(np.zeros((2, 400)), (400,)).limit == 16
    assert plan(np.zeros((2, 6400)), (6400,)).limit == 200
    assert plan(np.zeros((2, 10**6), dtype=bool), (10**6,)).limit == 500


def test_an_empty_map_has_no_pieces():
    assert not list(plan(np.zeros((2, 0)), (0,)).pieces(no_compute))
