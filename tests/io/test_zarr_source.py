"""Arrays of zarr stores: values, names and units of their axes, stores that change."""

import pickle
import re
import shutil

import numpy as np
import pytest
import zarr

from graphfit.errors import DataError
from graphfit.io.fingerprint import fingerprint
from graphfit.io.zarr_source import open_zarr, zarr_image

VALUES = np.arange(6 * 5 * 4, dtype="f4").reshape(6, 5, 4)


def whole(source):
    return source.read((slice(None),) * len(source.shape))


def make(path, array=VALUES, **options):
    options.setdefault("chunks", (6, 2, 4))
    return zarr.create_array(path, data=array, **options)


@pytest.mark.parametrize("kind", ["<f4", ">f4", "<i2", ">f8"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_array_in_a_folder_is_read(tmp_path, kind, zarr_format):
    make(tmp_path / "a.zarr", VALUES.astype(kind), zarr_format=zarr_format)
    source = open_zarr(tmp_path / "a.zarr").source
    assert source.is_light
    assert source.chunks == (6, 2, 4)
    assert source.place == str(tmp_path / "a.zarr")
    for found in (source, pickle.loads(pickle.dumps(source))):
        read = whole(found)
        assert type(read) is np.ndarray
        assert read.dtype == source.dtype == np.dtype(kind).newbyteorder("=")
        np.testing.assert_array_equal(read, VALUES)
        part = found.read((slice(1, 3), slice(None), slice(0, 4, 2)))
        np.testing.assert_array_equal(part, VALUES[1:3, :, ::2])


def test_what_was_opened_is_not_sent(tmp_path):
    make(tmp_path / "a.zarr")
    source = open_zarr(tmp_path / "a.zarr").source
    before = pickle.dumps(source)
    whole(source)
    assert pickle.dumps(source) == before
    assert len(before) < 500


def test_shards_count_as_chunks(tmp_path):
    make(tmp_path / "a.zarr", chunks=(3, 1, 2), shards=(6, 5, 2))
    assert open_zarr(tmp_path / "a.zarr").source.chunks == (6, 5, 2)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_names_units_and_coordinates_are_those_that_xarray_writes(
    tmp_path, zarr_format
):
    import xarray

    data = xarray.DataArray(
        VALUES,
        dims=("velocity", "y", "x"),
        coords={"velocity": ("velocity", np.arange(6.0), {"units": "km/s"})},
        attrs={"units": "K"},
        name="brightness",
    )
    data.to_zarr(tmp_path / "a.zarr", zarr_format=zarr_format, consolidated=False)
    image = open_zarr(tmp_path / "a.zarr")
    assert image.dims == ("velocity", "y", "x")
    assert image.unit == "K"
    assert list(image.coords) == ["velocity"]
    values, unit = image.coords["velocity"]
    assert unit == "km/s"
    np.testing.assert_array_equal(values, np.arange(6.0))
    np.testing.assert_array_equal(whole(image.source), VALUES)


def test_an_array_of_a_group_is_found_alone_or_by_its_path(tmp_path):
    group = zarr.create_group(tmp_path / "run.zarr")
    group.create_array("line", data=VALUES)
    np.testing.assert_array_equal(
        whole(open_zarr(tmp_path / "run.zarr").source), VALUES
    )
    group.create_array("noise", data=VALUES + 1)
    noise = open_zarr(tmp_path / "run.zarr" / "noise").source
    np.testing.assert_array_equal(whole(noise), VALUES + 1)
    expected = re.escape(
        f"data: the zarr group {tmp_path / 'run.zarr'} holds the arrays line, noise; give "
        f"the path of one array: {tmp_path / 'run.zarr' / '<name>'}."
    )
    with pytest.raises(DataError, match=expected):
        open_zarr(tmp_path / "run.zarr")


def test_an_empty_group_is_refused(tmp_path):
    zarr.create_group(tmp_path / "run.zarr")
    with pytest.raises(DataError, match="run.zarr holds no array"):
        open_zarr(tmp_path / "run.zarr")


def test_a_folder_without_zarr_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=f"cube: {tmp_path} holds no zarr array that can"
    ):
        open_zarr(tmp_path, "cube")


def test_nonsense_for_metadata_is_refused(tmp_path):
    make(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "zarr.json").write_text("{")
    with pytest.raises(DataError, match="holds no zarr array that can be read"):
        open_zarr(tmp_path / "a.zarr")


def test_an_array_in_memory_goes_along_as_it_is():
    array = zarr.create_array(zarr.storage.MemoryStore(), data=VALUES, chunks=(6, 2, 4))
    source = zarr_image(array).source
    assert not source.is_light
    np.testing.assert_array_equal(whole(source), VALUES)
    before = source.identity()
    assert zarr_image(array).source.identity() == before
    array[0, 0, 0] += 1.0
    assert source.identity() != before


def test_an_array_object_in_a_folder_is_its_folder(tmp_path):
    group = zarr.create_group(tmp_path / "run.zarr")
    array = group.create_array("line", data=VALUES)
    assert zarr_image(array).source.place == str(tmp_path / "run.zarr" / "line")


def test_another_array_in_its_place_is_refused(tmp_path):
    make(tmp_path / "a.zarr")
    source = open_zarr(tmp_path / "a.zarr").source
    sent = pickle.dumps(source)
    shutil.rmtree(tmp_path / "a.zarr")
    make(tmp_path / "a.zarr", VALUES[:5], chunks=(5, 2, 4))
    with pytest.raises(
        DataError, match=r"has changed since .*\(6, 5, 4\).*\(5, 5, 4\)"
    ):
        whole(pickle.loads(sent))


def test_identity_follows_the_files(tmp_path):
    array = make(tmp_path / "a.zarr")
    before = fingerprint(open_zarr(tmp_path / "a.zarr").source.identity())
    assert fingerprint(open_zarr(tmp_path / "a.zarr").source.identity()) == before
    array[0, 0, 0] = 99.0
    assert fingerprint(open_zarr(tmp_path / "a.zarr").source.identity()) != before
