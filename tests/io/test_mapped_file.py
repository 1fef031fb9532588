"""Reading slices of arrays in files: values, byte order, memory, files that change."""

import ctypes
import gc
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.errors import DataError
from graphfit.io import mapped_file
from graphfit.io.fingerprint import fingerprint
from graphfit.io.mapped_file import (
    copy_in_bands,
    map_of,
    mapped_source,
    release,
)

EVERYTHING = (slice(None),) * 3


@pytest.fixture
def cube(tmp_path):
    """A big-endian cube in a file, behind a head of 17 bytes, as a read-only memmap."""
    path = tmp_path / "cube.bin"
    values = np.random.default_rng(1).normal(size=(7, 6, 5)).astype(">f4")
    path.write_bytes(b"h" * 17 + values.tobytes())
    return np.memmap(path, ">f4", "r", offset=17, shape=(7, 6, 5))


def assert_same(source, array):
    read = source.read((slice(None),) * array.ndim)
    assert type(read) is np.ndarray
    assert read.dtype.isnative
    assert read.dtype == source.dtype
    np.testing.assert_array_equal(read, array)


# --- a memmap becomes a path and a layout ------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a,
        lambda a: a[2:5, ::2, 1:],
        lambda a: a[::-1, :, ::-2],
        lambda a: a.T,
        lambda a: np.asarray(a)[1],
        lambda a: np.asarray(a).transpose(1, 2, 0)[:, 1:3],
        lambda a: np.broadcast_to(a[0], (4, 6, 5)),
    ],
    ids=["whole", "slice", "reversed", "transposed", "plane", "ndarray", "repeated"],
)
def test_any_view_of_a_memmap_is_read_from_its_file(cube, view):
    array = view(cube)
    source = mapped_source(array, "the cube")
    assert source is not None
    assert source.shape == array.shape
    assert source.label == "the cube"
    assert source.is_light
    assert source.chunks is None
    assert_same(source, array)
    assert_same(pickle.loads(pickle.dumps(source)), array)


@given(data=st.data())
def test_slices_are_those_of_numpy(tmp_path_factory, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    order = data.draw(st.sampled_from("CF"))
    kind = data.draw(st.sampled_from([">f4", "<f8", ">i2", "u1"]))
    path = tmp_path_factory.mktemp("map") / "cube.bin"
    array = np.memmap(path, kind, "w+", shape=shape, order=order)
    array[...] = np.arange(array.size).reshape(shape)
    source = mapped_source(array)
    where = tuple(data.draw(st.slices(length)) for length in shape)
    band = data.draw(st.sampled_from([1, 8, 40, 2**20]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped_file, "BAND", band)
        read = source.read(where)
    np.testing.assert_array_equal(read, array[where])
    assert read.dtype.isnative


def test_a_writable_map_is_read_as_it_stands(tmp_path):
    array = np.memmap(tmp_path / "cube.bin", "f8", "w+", shape=(2, 3))
    array[:] = 1.5
    assert_same(mapped_source(array), np.full((2, 3), 1.5))


@pytest.mark.parametrize("kind", ["memory", "copy on write", "no file"])
def test_what_has_no_file_that_holds_it_has_no_mapped_source(tmp_path, kind, cube):
    array = np.zeros(3)
    if kind == "copy on write":
        array = np.memmap(cube.filename, "u1", "c")
        array[0] = 7.0  # in memory only
    if kind == "no file":
        array = cube.copy()  # a memmap by class, memory by nature
        assert isinstance(array, np.memmap)
    assert mapped_source(array) is None


def test_identity_is_file_and_layout(cube):
    source, part = mapped_source(cube), mapped_source(cube[1:])
    assert fingerprint(source.identity()) == fingerprint(mapped_source(cube).identity())
    assert fingerprint(source.identity()) != fingerprint(part.identity())


# --- files that change -------------------------------------------------------------


def test_a_file_that_was_written_to_is_refused(cube):
    source = mapped_source(cube)
    found = os.stat(cube.filename)
    os.utime(cube.filename, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    expected = re.escape(
        f"{cube.filename} has changed since the fit began: it was written"
    )
    with pytest.raises(DataError, match=expected):
        source.read(EVERYTHING)


def test_a_file_of_another_size_is_refused(cube):
    source = mapped_source(cube)
    with open(cube.filename, "ab") as file:
        file.write(b"!")
    with pytest.raises(DataError, match="it had 857 bytes and has 858"):
        source.read(EVERYTHING)


def test_a_file_that_is_gone_is_refused(cube):
    source = mapped_source(cube)
    os.unlink(cube.filename)
    with pytest.raises(DataError, match="Cannot read .*cube.bin: No such file"):
        source.read(EVERYTHING)


# --- memory ------------------------------------------------------------------------


def test_bands_cover_everything_once(monkeypatch):
    monkeypatch.setattr(mapped_file, "BAND", 100)
    part = np.arange(7 * 6 * 5.0).reshape(7, 6, 5)
    copy, calls = np.full(part.shape, np.nan), []
    copy_in_bands(part, copy, lambda: calls.append(1))
    np.testing.assert_array_equal(copy, part)
    assert len(calls) >= part.nbytes / 300


def test_an_array_knows_the_map_it_lies_in(cube):
    mapped = map_of(np.asarray(cube)[1:, 2])
    assert mapped is not None
    assert mapped is map_of(cube)
    assert map_of(np.zeros(3)) is None
    assert map_of(np.frombuffer(b"1234", "u1")) is None


def test_released_pages_come_back(cube):
    before = np.array(cube)
    release(map_of(cube))
    np.testing.assert_array_equal(cube, before)


def test_private_changes_survive_a_release(cube):
    changed = np.memmap(cube.filename, "u1", "c")
    changed[5] = 200
    release(map_of(changed))
    assert changed[5] == 200


def resident() -> int:
    """Memory in use, without what the allocator keeps of what was freed."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return psutil.Process().memory_info().rss


def test_memory_does_not_grow_with_what_was_read(tmp_path):
    shape = (1000, 40, 400)  # 64 MB
    path = tmp_path / "cube.bin"
    with path.open("wb") as file:
        for _ in range(shape[0]):
            file.write(np.ones(shape[1:], ">f4").tobytes())
    source = mapped_source(np.memmap(path, ">f4", "r", shape=shape))
    gc.collect()  # of a whole test run: once, it takes a while
    before, most = resident(), 0
    for row in range(0, 40, 4):
        tile = source.read((slice(None), slice(row, row + 4), slice(None)))
        assert tile[0, 0, 0] == 1.0
        most = max(most, resident())
    del tile
    assert most - before < 6.4e6 * 2 + 8e6  # the tile, the one before it
    assert resident() - before < 8e6


PEAK = """
import resource, sys
from graphfit.io.mapped_file import FileState, MappedSource
source = MappedSource(
    FileState.of(sys.argv[1]), 0, (2000, 400, 400), (640000, 1600, 4), ">f4"
)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tile = source.read((slice(None), slice(8, 12), slice(0, 400)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
print(tile.nbytes / 2**20)
"""


@pytest.mark.slow
@pytest.mark.distributed
def test_a_read_of_a_large_cube_holds_the_slice_and_a_band(tmp_path):
    path = tmp_path / "cube.bin"
    with path.open("wb") as file:
        file.truncate(2000 * 400 * 400 * 4)  # holes: 1.3 GB that no disk holds
    run = [sys.executable, "-c", PEAK, str(path)]
    output = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    grown, tile = map(float, output.split())
    assert grown < tile + 16  # MB; a band is 8
