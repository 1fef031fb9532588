import math
import pickle

import numpy as np
import pytest
from astropy.modeling.models import Const1D, Gaussian1D
from dask import array as da
from hypothesis import given
from hypothesis import strategies as st

from graphfit.cube.astropy_fit.arguments import Given
from graphfit.cube.astropy_fit.job import Chunking, Output, read_job
from graphfit.cube.astropy_fit.pieces import chunks, most_fits, pieces
from graphfit.cube.astropy_fit.rows import JobReader, Spectra

shapes = st.lists(st.integers(1, 9), min_size=0, max_size=3).map(tuple)


def job(data, most=None, keep=False, model=None, **given_):
    chunking = Chunking(most, keep)
    given_ = Given(data, **given_)
    return read_job(model or Const1D(), given_, 0, None, chunking, Output())


def lengths(piece):
    return tuple(part.stop - part.start for part in piece.region)


def data_of(piece):
    return piece.rows.factors["0"].data.y


@given(shapes, st.integers(1, 30))
def test_pieces_cover_the_map_once(shape, most):
    data = np.arange(2.0 * math.prod(shape)).reshape(2, *shape)
    model = Gaussian1D(mean=data[0])
    seen = np.zeros(shape, dtype=int)
    own = job(data, most, model=model)
    reader = JobReader.of(own)
    for piece in pieces(own, reads_there=True):
        assert piece.rows is None
        assert 1 <= math.prod(lengths(piece)) <= most
        seen[piece.region] += 1
        rows = reader.read(piece.region)
        part = data[(slice(None), *piece.region)].reshape(2, -1)
        np.testing.assert_array_equal(rows.factors["0"].data.y, part.T)
        np.testing.assert_array_equal(rows.start["mean"], part[0])
    assert (seen == 1).all()


@given(shapes.filter(bool), st.integers(1, 30), st.integers(1, 4))
def test_chunks_are_not_cut_but_joined(shape, most, size):
    own = job(da.zeros((2, *shape), chunks=(2, *(size,) * len(shape))), most)
    for chunk in chunks(own):
        for part, length in zip(chunk, shape, strict=True):
            assert part.start % size == 0
            assert part.stop % size == 0 or part.stop == length


def test_a_chunk_of_dask_is_computed_once():
    calls = []

    def load(block):
        calls.append(block.shape)
        return block

    data = da.ones((5, 6, 6), chunks=(5, 3, 6)).map_blocks(load, dtype=float)
    calls.clear()  # dask tries the function on nothing
    found = pieces(job(data, 2), reads_there=True)
    assert not calls  # nothing is read before it is needed
    found = list(found)
    assert len(found) == 18
    for piece in found:
        assert data_of(piece).shape == (math.prod(lengths(piece)), 5)
    assert calls == [(5, 3, 6)] * 2


def test_small_chunks_are_read_together():
    data = da.ones((5, 1, 40), chunks=(5, 1, 1))
    found = list(pieces(job(data, 20), reads_there=True))
    assert [lengths(piece) for piece in found] == [(1, 20), (1, 20)]


def test_native_chunks_are_kept():
    data = da.ones((5, 7), chunks=(5, (3, 4)))
    found = list(pieces(job(data, 1, keep=True), reads_there=False))
    assert [lengths(piece) for piece in found] == [(3,), (4,)]


def test_a_piece_to_be_sent_holds_its_slices_only():
    data = np.zeros((10, 1000))
    mask = np.zeros((10, 1), dtype=bool)
    piece = next(pieces(job(data, 4, mask=mask), reads_there=False))
    content = pickle.dumps(piece)
    assert len(content) < 3000
    np.testing.assert_array_equal(data_of(pickle.loads(content)), data[:, :4].T)


def test_weights_and_start_are_halved_with_their_piece():
    data = np.arange(2.0 * 15).reshape(2, 3, 5)
    own = job(data, 15, weights=data + 1.0, mask=data == 7.0, model=Const1D(data[0]))
    (piece,) = pieces(own, reads_there=False)
    todo, seen = [piece], np.zeros((3, 5), dtype=int)
    while todo:
        one = todo.pop()
        parts = one.halves()
        todo += parts
        if parts:
            continue
        seen[one.region] += 1
        spectra = Spectra(one.rows, (2,))
        spectrum, pixel = spectra.at(0), data[(slice(None), *one.region)].ravel()
        np.testing.assert_array_equal(spectrum.data, pixel)
        np.testing.assert_array_equal(spectrum.weights, pixel + 1.0)
        np.testing.assert_array_equal(spectrum.mask, pixel == 7.0)
        assert spectra.start.tolist() == [[pixel[0]]]
    assert (seen == 1).all()


@pytest.mark.parametrize(("count", "expected"), [(400, 16), (6400, 200), (10**6, 500)])
def test_a_small_map_is_spread_over_workers(count, expected):
    assert most_fits(job(np.zeros((2, count), dtype=bool))) == expected


def test_an_empty_map_has_no_pieces():
    assert not list(pieces(job(np.zeros((2, 0))), reads_there=True))


def test_what_is_light_can_be_sent():
    lazy = da.ones((2, 4), chunks=(2, 1))
    assert JobReader.of(job(lazy, weights=2 * lazy, mask=lazy < 0)).is_light
    assert not JobReader.of(job(lazy, weights=np.ones((2, 4)))).is_light
    assert not JobReader.of(job(np.ones((2, 4)))).is_light
    assert not JobReader.of(job(lazy, model=Const1D(np.ones(4)))).is_light
