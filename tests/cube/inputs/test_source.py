"""Sources: each reads the slices that numpy would, after a journey by pickle too."""

import operator
import pickle
import re
from functools import partial

import numpy as np
import pytest
from astropy import units
from hypothesis import given
from hypothesis import strategies as st

from graphfit.cube.inputs.source import (
    ArraySource,
    array_source,
    broadcast,
    converted,
    dask_source,
    flags,
    in_unit,
    scaled,
    slice_shape,
    with_all_axes,
)
from graphfit.errors import DataError
from graphfit.io.fingerprint import fingerprint
from graphfit.io.mapped_file import MappedSource
from tests.cube.cube_cases import slices, whole

SHAPE = (4, 3, 5)
VALUES = np.random.default_rng(3).normal(size=SHAPE)


def dask_array(values, chunks=(4, 2, 2)):
    import dask.array as da

    return da.from_array(values, chunks=chunks)


def mapped(values, folder):
    array = np.memmap(folder / "cube.bin", values.dtype, "w+", shape=values.shape)
    array[...] = values
    return array_source(array)


# Each makes a source, and the array that it stands for.
KINDS = {
    "array": lambda _: (ArraySource(VALUES), VALUES),
    "big-endian": lambda _: (ArraySource(VALUES.astype(">f4")), VALUES.astype("f4")),
    "transposed": lambda _: (ArraySource(VALUES.T), VALUES.T),
    "mapped": lambda folder: (mapped(VALUES, folder), VALUES),
    "dask": lambda _: (dask_source(dask_array(VALUES)), VALUES),
    "dask big-endian": lambda _: (
        dask_source(dask_array(VALUES.astype(">f8"))),
        VALUES,
    ),
    "scaled": lambda _: (scaled(ArraySource(VALUES), 1000.0), VALUES * 1000.0),
    "scaled floats": lambda _: (
        scaled(ArraySource(VALUES.astype(">f4")), 3.0),
        VALUES.astype("f4") * np.float32(3.0),
    ),
    "scaled integers": lambda _: (
        scaled(ArraySource(np.arange(60).reshape(SHAPE)), 0.5),
        np.arange(60).reshape(SHAPE) * 0.5,
    ),
    "converted": lambda _: (converted(ArraySource(VALUES), np.square), VALUES**2),
    "a number a channel": lambda _: (
        broadcast(ArraySource(np.arange(4.0)), SHAPE, (0,)),
        np.broadcast_to(np.arange(4.0)[:, None, None], SHAPE),
    ),
    "a map": lambda _: (
        broadcast(ArraySource(VALUES[0]), SHAPE),
        np.broadcast_to(VALUES[0], SHAPE),
    ),
    "a map on dask": lambda _: (
        broadcast(dask_source(dask_array(VALUES[:1], (1, 2, 2))), SHAPE),
        np.broadcast_to(VALUES[:1], SHAPE),
    ),
    "one number": lambda _: (
        broadcast(ArraySource(np.array(2.5)), SHAPE),
        np.full(SHAPE, 2.5),
    ),
}


@pytest.fixture(params=KINDS)
def made(request, tmp_path):
    return KINDS[request.param](tmp_path)


def test_all_of_a_source(made):
    source, expected = made
    np.testing.assert_array_equal(whole(source), expected)


def test_a_source_that_travelled_reads_the_same(made):
    source, expected = made
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(whole(copy), expected)
    assert copy.label == source.label
    assert copy.chunks == source.chunks


@pytest.mark.parametrize("kind", KINDS)
def test_slices_are_those_of_numpy(kind, tmp_path_factory):
    source, expected = KINDS[kind](tmp_path_factory.mktemp("source"))

    @given(where=slices(source.shape))
    def check(where):
        read = source.read(where)
        np.testing.assert_array_equal(read, expected[where])
        assert read.dtype == source.dtype
        assert read.shape == slice_shape(where, source.shape)

    check()


def test_identity_tells_sources_apart(made):
    source, _ = made
    other = scaled(source, 2.0)
    assert fingerprint(source.identity()) == fingerprint(source.identity())
    assert fingerprint(source.identity()) != fingerprint(other.identity())


def test_identity_follows_the_values():
    one, other = ArraySource(VALUES), ArraySource(VALUES + 1)
    assert fingerprint(one.identity()) != fingerprint(other.identity())
    told = ArraySource(VALUES, "cube", ("file", 3))
    assert told.identity() == ("file", 3)


# --- arrays ------------------------------------------------------------------------


def test_an_array_in_memory_is_read_as_a_view():
    source = ArraySource(VALUES)
    assert np.shares_memory(source.read((slice(0, 2),) * 3), VALUES)
    assert not source.is_light
    assert source.chunks is None


def test_a_memmap_of_a_file_is_light(tmp_path):
    source = mapped(VALUES, tmp_path)
    assert isinstance(source, MappedSource)
    assert source.is_light
    assert len(pickle.dumps(source)) < 600


def test_a_map_without_a_file_name_is_copied_out(tmp_path):
    import mmap

    (tmp_path / "cube.bin").write_bytes(VALUES.tobytes())
    with (tmp_path / "cube.bin").open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = np.ndarray(SHAPE, "f8", memory)
    source = array_source(array)
    read = whole(source)
    assert not np.shares_memory(read, array)
    np.testing.assert_array_equal(read, VALUES)
    np.testing.assert_array_equal(array, VALUES)  # released, not lost


# --- dask --------------------------------------------------------------------------


def test_a_dask_source_shows_its_largest_chunks():
    assert dask_source(dask_array(VALUES)).chunks == (4, 2, 2)


def test_a_graph_that_makes_its_values_is_light():
    import dask.array as da

    assert dask_source(da.random.default_rng(1).normal(size=(99, 999, 999))).is_light


def test_a_graph_that_holds_its_values_is_not_light():
    big = np.random.default_rng(1).normal(size=(50, 60, 70))
    assert not dask_source(dask_array(big, (50, 30, 70))).is_light


def test_a_graph_that_does_not_pickle_is_not_light():
    import threading

    import dask.array as da

    lock = threading.Lock()
    array = da.ones((4, 4)).map_blocks(lambda block: block if lock else None)
    assert not dask_source(array).is_light


def test_reading_a_dask_source_computes_only_the_blocks_it_touches():
    import dask.array as da

    seen = []

    def block(block_info=None):
        seen.append(block_info[None]["chunk-location"])
        return np.ones((2, 2))

    array = da.map_blocks(
        block, chunks=((2,) * 3, (2,) * 3), dtype=float, meta=VALUES[0]
    )
    source = dask_source(array)
    seen.clear()
    source.read((slice(0, 2), slice(3, 6)))
    assert sorted(seen) == [(0, 1), (0, 2)]


def test_unknown_chunks_are_refused():
    array = dask_array(VALUES)
    with pytest.raises(
        DataError, match="cube: the dask array has unknown chunk lengths"
    ):
        dask_source(array[array[:, 0, 0] > 0], "cube")


@pytest.mark.slow
@pytest.mark.distributed
def test_results_on_a_cluster_are_fetched_from_it():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,  # the results know theirs
    ):
        kept = client.persist(dask_array(VALUES) * 2.0)
        source = dask_source(kept)
        assert source.is_remote
        assert not source.is_light
        np.testing.assert_array_equal(whole(source), VALUES * 2.0)
        assert not dask_source(dask_array(VALUES)).is_remote


# --- what is made of another source ------------------------------------------------


def test_a_factor_of_one_changes_nothing():
    source = ArraySource(VALUES)
    assert scaled(source, 1.0) is source


def test_a_shape_that_is_right_changes_nothing():
    source = ArraySource(VALUES)
    assert broadcast(source, SHAPE) is source


def test_a_broadcast_is_never_expanded():
    source = broadcast(ArraySource(np.ones((1, 1))), (10_000, 10_000, 10_000))
    read = source.read((slice(None), slice(0, 5_000), slice(None)))
    assert read.strides == (0, 0, 0)
    assert not read.flags.writeable


def test_a_broadcast_keeps_the_chunks_of_what_it_reads():
    assert broadcast(ArraySource(VALUES[0]), SHAPE).chunks is None
    one_map = dask_source(dask_array(VALUES[:1], (1, 2, 2)))
    assert broadcast(one_map, SHAPE).chunks == (4, 2, 2)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((3, 4), None),
        ((2, 3, 5), None),
        ((1, 4, 3, 5), None),
        ((3,), (0,)),
        ((5, 5), (2,)),
    ],
)
def test_a_shape_that_does_not_broadcast_is_refused(shape, axes):
    expected = re.escape(
        f"noise has shape {shape}, which does not broadcast to the data's shape {SHAPE}"
    )
    with pytest.raises(DataError, match=expected):
        broadcast(ArraySource(np.ones(shape), "noise"), SHAPE, axes)


@given(
    where=st.lists(st.slices(7), min_size=2, max_size=2).map(tuple),
)
def test_the_shape_of_a_slice(where):
    assert slice_shape(where, (7, 7)) == np.empty((7, 7))[where].shape


def test_a_conversion_tells_its_type():
    source = converted(ArraySource(VALUES), partial(operator.lt, 0.0))
    assert source.dtype == bool
    np.testing.assert_array_equal(whole(source), VALUES > 0.0)


def test_flags():
    assert flags(ArraySource(VALUES > 3.0)).dtype == bool
    counts = flags(ArraySource(np.array([0, 2, -1])))
    assert counts.dtype == bool
    assert whole(counts).tolist() == [False, True, True]


def test_another_unit():
    source = ArraySource(np.array([1.0, 2.0]))
    assert in_unit(source, None, units.m) is source
    assert in_unit(source, units.m, units.m) is source
    assert whole(in_unit(source, units.km, units.m)).tolist() == [1000.0, 2000.0]
    light = in_unit(source, units.um, units.THz)
    np.testing.assert_allclose(whole(light), [299.792458, 149.896229])
    with pytest.raises(units.UnitConversionError):
        in_unit(source, units.um, units.THz, [])


def test_all_axes_without_repeating():
    source = with_all_axes(ArraySource(VALUES[0, 0], "mask"), SHAPE)
    assert source.shape == (1, 1, SHAPE[2])
    assert with_all_axes(source, SHAPE) is source
    with pytest.raises(DataError, match="mask has shape"):
        with_all_axes(ArraySource(np.ones(SHAPE[2] + 1), "mask"), SHAPE)
