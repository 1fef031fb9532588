"""CubeStore: what was written is there, in any order, tiling, memory and reopening."""

import contextlib
import errno
import gc
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphfit.errors import OutputError
from graphfit.io import cube_store, tile_files
from graphfit.io.cube_store import read_store
from graphfit.io.tile_grid import lengths
from graphfit.samples import MapSpec
from tests.io.store_cases import (
    SPECS,
    assert_maps,
    blank,
    open_store,
    part_of,
    truth,
)

ALL = (slice(None), slice(None))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.zarr"


# --- in any order ------------------------------------------------------------------


@st.composite
def fillings(draw):
    axes = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), max_size=3))
    shape = tuple(length for length, _ in axes)
    steps = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["write", "write", "some", "flush", "reopen"]))
        limits = [
            sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape
        ]
        region = tuple(slice(*pair) for pair in limits)
        steps.append((kind, region, draw(st.integers(0, 2**32 - 1))))
    return shape, tuple(tile for _, tile in axes), steps


@settings(max_examples=40)
@given(fillings(), st.sampled_from([0, 300, 2**20]))
def test_any_regions_in_any_order(filling, memory_limit):
    shape, tile, steps = filling
    whole = truth(shape)
    done = np.zeros(shape, dtype=bool)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # quick; no crash here
        path = Path(folder) / "run.zarr"

        def opened():
            return open_store(path, shape, tile, memory_limit=memory_limit)

        store = opened()
        for kind, region, seed in steps:
            if kind == "flush":
                store.flush()
                assert_maps(store.maps, done, whole)
            elif kind == "reopen":
                store.close()
                store = opened()
            else:
                wanted = None
                if kind == "some":
                    rng = np.random.default_rng(seed)
                    wanted = rng.random(lengths(region)) < 0.5
                store.write(region, part_of(whole, region), wanted)
                done[region] |= True if wanted is None else wanted
            np.testing.assert_array_equal(store.pending, ~done)
        store.close()
        assert_maps(read_store(path)[0], done, whole)
        assert {entry.name for entry in (path / "status").iterdir()} <= {
            "zarr.json",
            *(entry.name for entry in (path / "status").glob("c*")),
        }


def test_one_tile_or_many_the_same_bits(path):
    shape = (7, 5)
    whole = truth(shape)
    contents = []
    for tile in [(7, 5), (2, 2), (1, 1), (99, 99)]:
        with open_store(path / str(tile[0]), shape, tile) as store:
            store.write(ALL, whole)
        maps, _ = read_store(path / str(tile[0]))
        contents.append({n: a[...].tobytes() for n, a in maps.arrays.items()})
    assert all(content == contents[0] for content in contents)


def test_no_axes_and_no_pixels(path):
    with open_store(path / "one", (), ()) as store:
        assert store.pending.shape == ()
        store.write((), truth(()))
        assert not store.pending
        assert "5 maps of 1 pixels, 1 done, 0 to do" in store.describe()
    assert_maps(read_store(path / "one")[0], np.array(True), truth(()))
    with open_store(path / "none", (0, 3), (2, 2)) as store:
        store.write(ALL, truth((0, 3)))
        assert store.pending.shape == (0, 3)


def test_a_map_with_an_axis_of_length_0(path):
    specs = (*SPECS, MapSpec("draws", "f8", np.nan, "", axes=("draw",), shape=(0,)))
    whole = truth((3, 3), specs)
    with open_store(path, (3, 3), (2, 2), specs=specs) as store:
        store.write(ALL, whole)
        assert store.maps.arrays["draws"].shape == (3, 3, 0)


# --- what counts -------------------------------------------------------------------


def test_the_first_value_of_a_pixel_stays(path):
    whole = truth((4, 4))
    other = {name: np.roll(values, 1, axis=0) for name, values in whole.items()}
    with open_store(path, (4, 4), (2, 2)) as store:
        store.write((slice(0, 3), slice(0, 4)), part_of(whole, (slice(0, 3),)))
        store.write(ALL, other)  # the last row is new
    maps, _ = read_store(path)
    for name, values in whole.items():
        np.testing.assert_array_equal(maps.arrays[name][:3], values[:3])
        np.testing.assert_array_equal(maps.arrays[name][3], other[name][3])


def test_a_pixel_that_was_not_reached_is_not_written(path):
    whole = truth((4, 4))
    values = {name: array.copy() for name, array in whole.items()}
    values["status"][1, 2] = 25
    done = values["status"] != 25
    with open_store(path, (4, 4), (2, 2)) as store:
        store.write(ALL, values)
        np.testing.assert_array_equal(store.pending, ~done)
        store.flush()
        assert_maps(store.maps, done, whole)
        store.write(ALL, whole)
        assert not store.pending.any()


def test_pending_is_not_to_be_written_to(path):
    with open_store(path, (2, 2), (2, 2)) as store:
        assert store.pending.dtype == bool
        with pytest.raises(ValueError, match="read-only"):
            store.pending[0, 0] = False


def test_a_tile_that_is_incomplete_is_durable_before_it_is_in_its_file(path):
    whole, row = truth((4, 4)), (slice(0, 1), slice(0, 4))
    store = open_store(path, (4, 4), (2, 2))
    store.write(row, part_of(whole, row))
    assert "4 done, 12 to do; 2 tiles in the journal" in store.describe()
    assert_maps(store.maps, np.zeros((4, 4), bool), whole)  # a reader sees tiles only
    shutil.copytree(path, path.with_name("copy.zarr"))  # as a crash would leave it
    (path.with_name("copy.zarr") / "status" / "lock").unlink()
    with open_store(path.with_name("copy.zarr"), (4, 4), (2, 2)) as copy:
        np.testing.assert_array_equal(copy.pending[0], False)
        assert_maps(copy.maps, ~copy.pending, whole)
    store.close()


def test_the_journal_is_emptied_before_it_outgrows_the_disk(path):
    whole = truth((40, 40))
    sizes = []
    with open_store(path, (40, 40), (40, 40), memory_limit=2000) as store:
        for row in range(40):
            region = (slice(row, row + 1), slice(0, 40))
            store.write(region, part_of(whole, region))
            journal = path / "status" / "journal"
            sizes.append(journal.stat().st_size if journal.exists() else 0)
    assert max(sizes) < 4 * 2000 + 2000
    assert_maps(read_store(path)[0], np.ones((40, 40), bool), whole)


def test_tiles_of_fills_are_no_files(path):
    values = blank((4, 4))
    values["status"][...] = 23
    with open_store(path, (4, 4), (2, 2)) as store:
        store.write(ALL, values)
        assert not store.pending.any()
    assert len(list((path / "status").glob("c*"))) == 4
    assert not list((path / "mean").glob("c*"))


def test_lists_and_narrower_numbers_are_taken(path):
    values = {
        name: array.astype("f4" if array.dtype == "f8" else array.dtype).tolist()
        for name, array in truth((2, 2)).items()
    }
    values["covariance"] = truth((2, 2))["covariance"].astype(">f8")
    with open_store(path, (2, 2), (2, 2)) as store:
        store.write(ALL, values)
        assert_maps(store.maps, np.ones((2, 2), bool), truth((2, 2)))


# --- opening -----------------------------------------------------------------------


def test_facts_are_those_of_the_first_run(path):
    facts = {"dims": ("y", "x"), "seed": np.int64(4), "tolerance": np.inf}
    with open_store(path, (2, 2), (2, 2), facts=facts) as store:
        first = store.facts
    assert first == {"dims": ["y", "x"], "seed": 4, "tolerance": "Infinity"}
    with open_store(path, (2, 2), (1, 1), facts={"dims": ("y", "x")}) as store:
        assert store.facts == first
        assert store.maps.arrays["mean"].chunks == (2, 2)  # and so is the tile
    maps, read = read_store(path)
    assert read == first
    assert [spec.name for spec in maps.specs] == [spec.name for spec in SPECS]
    for found, spec in zip(maps.specs, SPECS, strict=True):
        assert str(found) == str(spec)


def test_an_empty_folder_and_missing_parents_will_do(tmp_path):
    (tmp_path / "empty").mkdir()
    open_store(tmp_path / "empty", (2, 2), (2, 2)).close()
    open_store(str(tmp_path / "a" / "b" / "run.zarr"), (2, 2), (2, 2)).close()
    assert read_store(tmp_path / "a" / "b" / "run.zarr")[0].shape == (2, 2)
    assert sorted(os.listdir(tmp_path)) == ["a", "empty"]


def test_the_path_holds_where_the_process_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("run.zarr", (2, 2), (2, 2))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.write(ALL, truth((2, 2)))
    store.close()
    assert_maps(read_store("../run.zarr")[0], np.ones((2, 2), bool), truth((2, 2)))


def test_a_store_in_use_is_refused_and_a_forgotten_one_is_not(path):
    store = open_store(path, (2, 2), (2, 2))
    with pytest.raises(OutputError, match="open already in this process"):
        open_store(path, (2, 2), (2, 2))
    read_store(path)  # reading is always possible
    store.write(ALL, truth((2, 2)), np.eye(2, dtype=bool))
    del store
    gc.collect()
    with open_store(path, (2, 2), (2, 2)) as again:
        np.testing.assert_array_equal(again.pending, ~np.eye(2, dtype=bool))


def test_xarray_opens_it(path):
    import xarray as xr

    specs = [*SPECS, MapSpec("x", "f8", 0.0, "A parameter named as an axis.")]
    whole = truth((3, 4), specs)
    store = open_store(path, (3, 4), (2, 2), specs=specs)
    store.write((slice(0, 2), slice(0, 3)), part_of(whole, (slice(0, 2), slice(0, 3))))
    for consolidated in (None, False):  # with the lock and the journal in place
        with xr.open_zarr(path, consolidated=consolidated, chunks=None) as dataset:
            assert dict(dataset.sizes) == {
                "y": 3,
                "x_": 4,
                "parameter": 2,
                "parameter_": 2,
            }
            assert dataset["mean"].attrs == {
                "description": "The centre.",
                "units": "m / s",
            }
            assert dataset["status"].dtype == np.int8
            flags = dataset["status"].attrs
            meanings = flags["flag_meanings"].split()
            code = dict(zip(meanings, flags["flag_values"], strict=True))
            assert code["not_reached"] == 25
            np.testing.assert_array_equal(
                dataset["covariance"][:2, :2], whole["covariance"][:2, :2]
            )
    store.close()


def test_repr_and_context(path):
    with open_store(path, (3, 4), (2, 2)) as store:
        line = f"{path}: 5 maps of 3 x 4 pixels, 0 done, 12 to do"
        assert store.describe() == line
        assert repr(store) == f"<CubeStore {line}>"
    store.close()
    assert repr(store) == f"<CubeStore closed, {line}>"
    with pytest.raises(OutputError, match="is closed; open it again"):
        store.write(ALL, truth((3, 4)))
    with pytest.raises(OutputError, match="is closed"):
        store.flush()


# --- what a store refuses ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"identity": {"data": "1f", "model": "2e", "search settings": "0"}},
            r"the search settings differs from .*restore the former search settings\.",
        ),
        (
            {"identity": {"data": "0", "model": "0", "noise": "4"}},
            r"the data, the model, the noise and the search settings differ from this "
            r"one's. Choose another store=, or remove the folder, or restore the former",
        ),
        (
            {"shape": (3, 2)},
            r"the shape of the maps \(\(2, 2\), now \(3, 2\)\) differs",
        ),
        ({"specs": SPECS[1:]}, r"the table of maps \(mean\) differs"),
    ],
)
def test_the_store_of_another_fit(path, changes, message):
    open_store(path, (2, 2), (2, 2)).close()
    arguments = {"shape": (2, 2), "tile": (2, 2), **changes}
    with pytest.raises(OutputError, match=message):
        open_store(path, **arguments)
    open_store(path, (2, 2), (2, 2)).close()


def test_a_reworded_description_is_the_same_map(path):
    open_store(path, (2, 2), (2, 2)).close()
    specs = [MapSpec("mean", "<f8", np.nan, "The middle.", "m/s"), *SPECS[1:]]
    open_store(path, (2, 2), (2, 2), specs=specs).close()


def test_a_map_in_another_unit_is_another_map(path):
    open_store(path, (2, 2), (2, 2)).close()
    specs = [MapSpec("mean", "f8", np.nan, "The centre.", "km / s"), *SPECS[1:]]
    with pytest.raises(
        OutputError,
        match=r"table of maps \(mean in m/s, now in km/s\) differs from this one's\. "
        r".* or restore the former table of maps\.",
    ):
        open_store(path, (2, 2), (2, 2), specs=specs)


def snapshot(folder):
    return {
        entry: (entry.read_bytes() if entry.is_file() else None, entry.stat().st_mtime)
        for entry in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("content", ["notes", "zarr", "text in zarr.json", "a list"])
def test_a_folder_of_somebody_else_is_left_as_it_is(path, content):
    if content == "zarr":
        import zarr

        zarr.create_group(str(path)).create_array("mean", shape=(2, 2), dtype="f8")
    else:
        path.mkdir()
        name = "notes.txt" if content == "notes" else "zarr.json"
        (path / name).write_text("[1]" if content == "a list" else "precious")
    before = snapshot(path.parent)
    for opening in (lambda: open_store(path, (2, 2), (2, 2)), lambda: read_store(path)):
        with pytest.raises(
            OutputError, match="no store of graphfit; it is left as it is. Choose"
        ):
            opening()
    assert snapshot(path.parent) == before


def test_a_file_in_its_place(path):
    path.write_text("precious")
    with pytest.raises(OutputError, match="no store of graphfit; it is left as it is"):
        open_store(path, (2, 2), (2, 2))
    assert path.read_text() == "precious"


def test_a_newer_format(path):
    open_store(path, (2, 2), (2, 2)).close()
    head = path / "zarr.json"
    head.write_text(head.read_text().replace('"format": 1', '"format": 2'))
    for opening in (lambda: open_store(path, (2, 2), (2, 2)), lambda: read_store(path)):
        with pytest.raises(OutputError, match=r"newer graphfit \(format 2.*upgrade"):
            opening()


@pytest.mark.parametrize("place", ["s3://bucket/run.zarr", "", None, 3])
def test_only_folders_of_this_machine(place):
    with pytest.raises(OutputError, match="is no folder of this machine; give a path"):
        open_store(place, (2, 2), (2, 2))
    with pytest.raises(OutputError, match="is no folder of this machine"):
        read_store(place)


def test_nothing_to_read(path):
    with pytest.raises(OutputError, match=r"There is no store .*run.zarr; check"):
        read_store(path)


def test_a_missing_map(path):
    open_store(path, (2, 2), (2, 2)).close()
    shutil.rmtree(path / "mean")
    with pytest.raises(OutputError, match="no map 'mean' that could be read"):
        read_store(path)


def test_a_damaged_tile(path):
    with open_store(path, (4, 4), (2, 2)) as store:
        store.write(ALL, truth((4, 4)))
    for name in ("status", "mean"):
        file = path / name / "c.0.0"
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(
        OutputError, match=r"c.0.0 is damaged: .* Remove .*status/c.0.0"
    ):
        open_store(path, (4, 4), (2, 2))
    assert not (path / "status" / "lock").exists()
    (path / "status" / "c.0.0").unlink()
    with open_store(path, (4, 4), (2, 2)) as store:
        assert store.pending.sum() == 4
        store.write(ALL, truth((4, 4)))
        assert_maps(store.maps, np.ones((4, 4), bool), truth((4, 4)))


def spec(name="a", dtype="f8", fill=0):
    return MapSpec(name, dtype, fill, "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specs": SPECS[:-1]}, "lack 'status'"),
        ({"specs": [spec("status", "i1", 0)]}, "'status' has fill=0; give it 25"),
        ({"specs": [*SPECS, spec("a/b")]}, "'a/b' cannot be the name of a folder"),
        ({"specs": [*SPECS, spec("..")]}, "cannot be the name"),
        ({"specs": [*SPECS, spec("__a")]}, "cannot be the name"),
        ({"specs": [*SPECS, spec("mean")]}, "More than one map is called mean; rename"),
        ({"specs": [*SPECS, spec(dtype="c16")]}, "'a' has dtype 'c16'"),
        ({"specs": [*SPECS, spec(dtype="U3")]}, "floats, integers and bools"),
        ({"tile": (2,)}, r"tile=\(2,\) does not cut maps of shape \(2, 2\)"),
        ({"tile": (0, 2)}, "at least 1 an axis"),
        ({"facts": {"dims": ("y",)}}, r"facts\['dims'\] is \['y'\]; give 2 names"),
        ({"facts": {"dims": ("y", 1)}}, "give 2 names"),
        ({"facts": {"hook": print}}, r"facts\['hook'\] is a builtin_function"),
    ],
)
def test_what_a_store_cannot_hold(path, changes, message):
    arguments = {"shape": (2, 2), "tile": (2, 2), **changes}
    with pytest.raises(OutputError, match=message):
        open_store(path, **arguments)
    assert os.listdir(path.parent) == []


def test_names_that_the_disk_takes_for_one(path, monkeypatch):
    exists = Path.exists

    def on_another_disk(self):
        return self.name == "A" or exists(self)

    monkeypatch.setattr(Path, "exists", on_another_disk)
    with pytest.raises(
        OutputError, match="'A' from another whose name differs in case"
    ):
        open_store(path, (2, 2), (2, 2), specs=[*SPECS, spec("a"), spec("A")])
    monkeypatch.undo()
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maen": np.zeros((2, 2))}, "no map 'maen'. Did you mean 'mean'"),
        ({"mean": None}, r"lack the maps mean; give every map"),
        ({"mean": np.zeros((2, 3))}, r"'mean': got shape \(2, 3\).*give \(2, 2\)"),
        ({"covariance": np.zeros((2, 2))}, r"give \(2, 2, 2, 2\) and float32"),
        ({"evaluations": np.zeros((2, 2))}, "dtype float64 .* and int32"),
        ({"wanted": np.ones((2, 3), bool)}, r"wanted has shape \(2, 3\)"),
        ({"wanted": np.ones((2, 2))}, r"dtype float64; give \(2, 2\) and bool"),
    ],
)
def test_values_that_do_not_fit(path, changes, message):
    values = {**truth((2, 2)), **changes}
    wanted = values.pop("wanted", None)
    values = {name: array for name, array in values.items() if array is not None}
    with open_store(path, (2, 2), (2, 2)) as store:
        with pytest.raises(OutputError, match=message):
            store.write(ALL, values, wanted)
        assert store.pending.all()


# --- a disk that refuses -----------------------------------------------------------


class FullDisk:
    """Lets so many bytes through, then none."""

    def __init__(self, monkeypatch, room):
        self._write, self.room = os.write, room
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor, content):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(descriptor, content[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("columns", [4, 3])
@pytest.mark.parametrize("room", [0, 1, 30, 100, 250])
def test_a_full_disk(path, monkeypatch, columns, room):
    whole, shape = truth((4, 4)), (4, 4)
    first = (slice(0, 1), slice(0, 1))
    region = (slice(0, 4), slice(0, columns))
    store = open_store(path, shape, (2, 2))
    store.write(first, part_of(whole, first))
    disk = FullDisk(monkeypatch, room)
    message = "Cannot write .*No space left.*written before is safe: free space"
    with pytest.raises(OutputError, match=message):
        store.write(region, part_of(whole, region))
    assert not store.pending[0, 0]
    assert_maps(read_store(path)[0], ~pending_on_disk(path), whole)
    assert not list(path.rglob("*.part"))
    disk.room = 10**9
    store.write(region, part_of(whole, region))
    assert not store.pending[region].any()
    store.close()
    assert_maps(read_store(path)[0], ~store.pending, whole)


def pending_on_disk(path):
    return read_store(path)[0].arrays["status"][...] == 25


def test_a_full_disk_at_the_end_keeps_the_journal(path, monkeypatch):
    whole, region = truth((4, 4)), (slice(0, 3), slice(0, 3))
    store = open_store(path, (4, 4), (2, 2))
    store.write(region, part_of(whole, region))
    with monkeypatch.context() as patch:
        FullDisk(patch, 20)
        with pytest.raises(OutputError, match="No space left"):
            store.close()
    assert "closed" in repr(store)
    with open_store(path, (4, 4), (2, 2)) as again:
        assert not again.pending[region].any()
        assert_maps(again.maps, ~again.pending, whole)


def test_a_full_disk_between_journal_and_tiles_loses_nothing(path, monkeypatch):
    """The journal has it, memory has not: it must outlive the next flush."""
    whole, rows = truth((4, 6)), (slice(0, 3), slice(0, 6))
    store = open_store(path, (4, 6), (2, 2), memory_limit=0)
    files = type(store._files)
    write = files.write

    def refusing(self, index, arrays):
        raise OutputError("full")

    first = (slice(0, 1), slice(0, 6))
    monkeypatch.setattr(files, "write", refusing)
    with pytest.raises(OutputError, match="full"):
        store.write(first, part_of(whole, first))  # three tiles: two are in the way
    with pytest.raises(OutputError, match="full"):
        store.write(rows, part_of(whole, rows))
    monkeypatch.setattr(files, "write", write)
    store.close()
    with open_store(path, (4, 6), (2, 2)) as again:
        assert not again.pending[0].any()
        assert_maps(again.maps, ~again.pending, whole)


def test_a_tile_is_right_after_a_failure_and_a_better_try(path, monkeypatch):
    """What a failed write left in memory must not replace the tile later on."""
    whole = truth((2, 2))
    store = open_store(path, (2, 2), (2, 2))
    store.write(ALL, whole, np.eye(2, dtype=bool))
    with monkeypatch.context() as patch:
        FullDisk(patch, 0)
        with pytest.raises(OutputError, match="No space left"):
            store.write(ALL, whole)
    store.write(ALL, whole)
    store.close()
    assert_maps(read_store(path)[0], np.ones((2, 2), bool), whole)


def test_a_crash_between_the_maps_and_their_status(path, monkeypatch):
    whole, first = truth((2, 4)), (slice(0, 1), slice(0, 1))
    with open_store(path, (2, 4), (2, 2)) as store:
        store.write(first, part_of(whole, first))
        store.flush()
        replace_files, calls = tile_files.replace_files, []

        def crashing(contents):
            calls.append(None)
            if len(calls) % 2 == 0:
                raise OSError(errno.EIO, "crash")
            replace_files(contents)

        monkeypatch.setattr(tile_files, "replace_files", crashing)
        for columns in (slice(0, 2), slice(2, 4)):  # one tile has a status, one has not
            with pytest.raises(OutputError, match="crash"):
                store.write(
                    (slice(0, 2), columns), part_of(whole, (slice(0, 2), columns))
                )
        monkeypatch.undo()
        store._buffers.__init__(store._files, 0)  # memory is lost
    maps, _ = read_store(path)
    assert (maps.arrays["status"][...] != 25).sum() == 1
    assert (
        maps.arrays["evaluations"][1, 3] == whole["evaluations"][1, 3]
    )  # there, but does not count
    with open_store(path, (2, 4), (2, 2)) as store:
        assert store.pending.sum() == 7
        assert not (path / "mean" / "c.0.1").exists()
        second = (slice(1, 2), slice(0, 1))
        store.write(second, part_of(whole, second))
    assert_maps(read_store(path)[0], np.arange(8).reshape(2, 4) % 4 == 0, whole)


@pytest.mark.parametrize("columns", [2, 4])
def test_an_interrupt_anywhere_within_a_write(tmp_path, monkeypatch, columns):
    whole, region = truth((2, 4)), (slice(0, 2), slice(0, columns))
    within, left = cube_store.within, [10**9]
    path = tmp_path / "run.zarr"
    specs = SPECS[::-1]  # whatever the order, the status goes last
    open_store(path, (2, 4), (1, 4), specs=specs).close()

    def interrupted(array, region):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return within(array, region)

    monkeypatch.setattr(cube_store, "within", interrupted)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # quick
    for moment in range(1, 34, 2 if columns == 4 else 1):
        for what_follows in ("close", "write"):
            copy = tmp_path / f"{moment}-{what_follows}.zarr"
            shutil.copytree(path, copy)
            store = open_store(copy, (2, 4), (1, 4), specs=specs)
            left[0] = moment
            with contextlib.suppress(KeyboardInterrupt):
                store.write(region, part_of(whole, region))
            left[0] = 10**9
            if what_follows == "write":
                store.write(ALL, whole)
            store.close()
            done = ~pending_on_disk(copy)
            assert what_follows == "close" or done.all()
            maps, _ = read_store(copy)
            for name, values in whole.items():
                np.testing.assert_array_equal(
                    maps.arrays[name][...][done], values[done]
                )
            shutil.rmtree(copy)


def test_a_store_that_cannot_be_made(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: os.read(-1, 1))
        with pytest.raises(
            OutputError, match=r"Cannot make .*run.zarr.*another store="
        ):
            open_store(path, (2, 2), (2, 2))
    assert os.listdir(path.parent) == []
    (path.parent / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot make .*file/run.zarr: "):
        open_store(path.parent / "file" / "run.zarr", (2, 2), (2, 2))


def test_a_store_that_another_process_makes_meanwhile(path, monkeypatch):
    mkdir = Path.mkdir

    def slow(self, *args, **kwargs):
        mkdir(self, *args, **kwargs)
        if self.suffix == ".part":
            monkeypatch.undo()
            with open_store(path, (2, 2), (2, 2)) as other:
                other.write(ALL, truth((2, 2)))

    monkeypatch.setattr(Path, "mkdir", slow)
    with open_store(path, (2, 2), (2, 2)) as store:
        assert not store.pending.any()
    assert os.listdir(path.parent) == ["run.zarr"]


def test_everything_is_synchronised_before_the_status(path, monkeypatch):
    """No rename before its content is on disk, no status before all other names are."""
    store = open_store(path, (4, 4), (2, 2))
    fsync, replace = os.fsync, Path.replace
    synchronised, renamed = set(), []

    def noted_fsync(descriptor):
        fsync(descriptor)
        synchronised.add(os.fstat(descriptor).st_ino)

    def noted_replace(self, target):
        assert self.stat().st_ino in synchronised
        if target.parent.name == "status":
            assert all(folder in synchronised for folder in renamed)
        result = replace(self, target)
        renamed.append(target.parent.stat().st_ino)
        synchronised.discard(renamed[-1])
        return result

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    store.write(ALL, truth((4, 4)))
    assert renamed
    assert all(folder in synchronised for folder in renamed)
    store.close()


def test_a_fork_neither_writes_nor_closes(path, monkeypatch):
    store = open_store(path, (2, 2), (2, 2))
    store.write(ALL, truth((2, 2)), np.eye(2, dtype=bool))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1)
        store.close()
        with pytest.raises(OutputError, match="is closed"):
            store.write(ALL, truth((2, 2)))
    assert store.pending.sum() == 2
    store.close()
