import pickle
import subprocess
import sys

import dask
import numpy as np
import pytest

from graphfit.io.grid_facts import grid_facts, grid_from_facts
from graphfit.io.maps_dataset import maps_dataset
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.samples.map_grid import MapGrid
from tests.simulated_maps import FACTS, SHAPE, SKY, simulated


class Disk:
    """Stands for an array on disk; counts what is read."""

    def __init__(self, values, chunks):
        self.values, self.chunks, self.read = values, chunks, 0
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, key):
        found = self.values[key].copy()
        self.read += found.size
        return found


def one(name="mean", values=None, dims=("y", "x"), coordinates=None):
    values = np.zeros((2, 3)) if values is None else values
    spec = MapSpec(name, "f8", np.nan, "A map.", "K")
    grid = MapGrid(dims, values.shape)
    if coordinates is not None:
        grid = MapGrid(dims, values.shape, None, lambda: coordinates)
    return maps_dataset(PixelMaps(values.shape, (spec,), {name: values}), grid, {})


def test_maps_have_axes_units_coordinates_and_facts():
    result = simulated()
    dataset = maps_dataset(result.record, result.grid, result.facts)
    assert dict(dataset.sizes) == {"y": 12, "x": 15, "parameter": 3, "parameter_": 3}
    assert dataset["mean"].attrs == {
        "description": "The line's mean.",
        "units": "km / s",
    }
    assert list(dataset["covariance"].coords["parameter"]) == list(
        FACTS["parameter_names"]
    )
    assert set(dataset["mean"].coords) == {"ra", "dec"}
    assert dataset["ra"].attrs["units"] == "deg"
    assert dataset.attrs["search"] == FACTS["search"]
    assert dataset.attrs["seed"] == 3
    for name, array in result.record.arrays.items():
        assert np.shares_memory(dataset[name].values, array)


def test_the_status_explains_itself():
    flags = maps_dataset(simulated().record, MapGrid(("y", "x"), SHAPE), {})[
        "status"
    ].attrs
    meanings = dict(
        zip(flags["flag_values"], flags["flag_meanings"].split(), strict=True)
    )
    assert meanings == {int(status): status.name.lower() for status in Status}


def test_sky_coordinates_are_worked_out_where_they_are_looked_at():
    dataset = maps_dataset(simulated().record, grid_from_facts(FACTS, SHAPE), {})
    corner = dataset["mean"].isel(y=slice(2, 4), x=3)
    np.testing.assert_allclose(corner["dec"], dataset["dec"].values[2:4, 3])
    assert (np.diff(dataset["ra"].values, axis=1) < 0).all()
    assert (np.diff(dataset["dec"].values, axis=0) > 0).all()


def test_arrays_on_disk_are_read_where_they_are_indexed():
    disk = Disk(np.arange(200.0).reshape(20, 10), (5, 10))
    dataset = one(values=disk)
    assert disk.read == 0
    np.testing.assert_array_equal(
        dataset["mean"].isel(y=slice(2, 4), x=[1, 3]), disk.values[2:4, [1, 3]]
    )
    assert disk.read <= 2 * 3
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again["mean"], disk.values)
    with dask.config.set({"array.chunk-size": "800 B"}):
        chunked = dataset.chunk("auto")
    assert set(chunked.chunks["y"]) <= {5, 10, 15, 20}
    np.testing.assert_array_equal(chunked["mean"], disk.values)


def test_what_is_read_from_disk_can_be_changed_in_memory_only():
    disk = Disk(np.zeros((4, 4)), (2, 2))
    loaded = one(values=disk)["mean"].load()
    loaded[0, 0] = 5.0
    assert disk.values[0, 0] == 0.0


def test_an_axis_called_like_a_map_gets_an_underscore():
    dataset = one("y", coordinates={"y": (("y",), np.array([1.0, 2.0]), "m")})
    assert dataset["y"].dims == ("y_", "x")
    assert dataset["y_"].attrs["units"] == "m"


def test_a_coordinate_called_like_a_map_gets_an_underscore():
    dataset = one("ra", coordinates={"ra": (("y", "x"), np.ones((2, 3)), "deg")})
    assert set(dataset.coords) == {"ra_"}
    assert (dataset["ra"] == 0.0).all()


@pytest.mark.parametrize("header", [None, SKY])
def test_a_grid_is_the_same_from_its_facts(header):
    along = {"x": ("x", [0.5, 1.0, 1.5], "arcsec"), "time": ("y", [2, 3], "")}
    facts = {"dims": ["y", "x"], "celestial_header": header, "coordinates": along}
    grid = grid_from_facts(facts, (2, 3))
    again = grid_from_facts(grid_facts(grid), (2, 3))
    assert (again.dims, again.shape) == (("y", "x"), (2, 3))
    assert again.celestial_header == header
    names = {"x", "time"} | ({"ra", "dec"} if header else set())
    assert set(again.coordinates()) == names
    for name, (dims, values, unit) in grid.coordinates().items():
        found = again.coordinates()[name]
        assert (found[0], found[2]) == (dims, unit)
        np.testing.assert_array_equal(np.asarray(found[1]), np.asarray(values))
    assert pickle.loads(pickle.dumps(again)).coordinates().keys() == names


def test_coordinates_that_json_cannot_hold_are_left_out():
    odd = {"when": (("x",), np.array(["2020-01-01"], dtype="M8[D]"), "")}
    assert grid_facts(MapGrid(("x",), (1,), None, lambda: odd))["coordinates"] == {}


def test_xarray_loads_on_first_use():
    code = "import sys, graphfit.io.maps_dataset; print('xarray' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout.strip() == b"False"
