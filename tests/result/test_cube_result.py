import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from graphfit.errors import DataError, OutputError, ResultError, UnknownNameError
from graphfit.result.cube_result import CubeResult
from graphfit.samples import PixelMaps, Status
from graphfit.samples.map_grid import MapGrid
from tests.simulated_maps import FACTS, PARAMETERS, SHAPE, simulated, specs

EXPECTED = Path(__file__).resolve().parents[1] / "expected"


@pytest.fixture(scope="module")
def result():
    return simulated()


def assert_same(found, expected):
    """Two results hold the same maps, and say the same."""
    xr.testing.assert_identical(found.maps, expected.maps)
    assert found.info == expected.info
    assert repr(found) == repr(expected)


def test_info(result):
    path = EXPECTED / "result_cube.txt"
    assert result.info + "\n" == path.read_text(), (
        f"if it reads well, write it to {path.name}"
    )


def test_repr(result):
    assert repr(result) == (
        "CubeResult(12 x 15 pixels (y, x): 161 converged, 2 at bound, "
        "1 out of evaluations, 6 diverging, 9 masked, 1 user error; "
        "11 maps: amplitude, mean, stddev, amplitude_error, ...)"
    )


def test_a_map_by_name(result):
    assert result["mean"].dims == ("y", "x")
    np.testing.assert_array_equal(result["mean"], result.record.arrays["mean"])
    assert result["mean"].attrs["units"] == "km / s"
    assert result.maps["mean"].identical(result["mean"])
    assert "mean" in result
    assert "width" not in result
    assert tuple(result) == result.names
    assert result.names[:3] == PARAMETERS


def test_a_misspelt_map_is_named(result):
    with pytest.raises(UnknownNameError, match=r"no map 'meen'\. Did you mean 'mean'"):
        result["meen"]


def test_maps_are_made_once(result):
    assert result.maps is result.maps


def test_statuses(result):
    assert result.counts()["converged"] == 161
    assert sum(result.counts().values()) == 180
    assert result.status_legend()[23] == Status.MASKED.sentence
    assert set(result.status_legend()) == {int(status) for status in Status}


def test_worst_typical_and_best(result):
    chi = result["chi_squared"].values
    assert result.worst(1) == [(3, 7)]  # where a second line is
    assert chi[result.best(1)[0]] == np.nanmin(chi[result["status"].values < 10])
    assert len(result.typical()) == 9
    assert set(result.typical(3)).isdisjoint(result.worst(3) + result.best(3))


@pytest.mark.parametrize("index", [(2, 3), (-10, 3), (np.int64(2), np.int8(3))])
def test_one_pixel(result, index):
    assert result.result_at(*index) == "the result at (2, 3)"
    assert result.result_at(index) == "the result at (2, 3)"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ((1,), r"takes 2 indices \(y, x\), got 1"),
        ((1, 2, 3), "takes 2 indices"),
        ((1.0, 2), "takes whole numbers"),
        ((12, 0), r"outside the map of \(y, x\) = \(12, 15\)"),
        ((0, -16), "outside the map"),
        ((0, 13), r"Pixel \(0, 13\) has no result, its status is masked: The pixel"),
        ((5, 0), "its status is user_error"),
    ],
)
def test_a_pixel_that_has_no_result(result, index, message):
    with pytest.raises(ResultError, match=message):
        result.result_at(*index)


def test_a_point_that_was_given_up_at_can_be_looked_at(result):
    assert result.result_at(0, 6) == "the result at (0, 6)"


def test_cubes(result):
    assert result.model_cube().shape == result.residual_cube().shape == (*SHAPE, 60)


def test_maps_and_grid_must_agree():
    with pytest.raises(ResultError, match=r"maps of shape \(2,\) on a grid of \(3,\)"):
        CubeResult(PixelMaps((2,), (), {}), MapGrid(("x",), (3,)), {})
    with pytest.raises(DataError):
        MapGrid(("x",), ())


def test_fits_and_back(result, tmp_path):
    result.to_fits(tmp_path / "maps.fits")
    with pytest.raises(OutputError, match="overwrite=True"):
        result.to_fits(tmp_path / "maps.fits")
    result.to_fits(tmp_path / "maps.fits", overwrite=True)
    assert_same(CubeResult.open(tmp_path / "maps.fits"), result)


def test_zarr_and_back(result, tmp_path):
    result.to_zarr(tmp_path / "maps.zarr")
    found = CubeResult.open(tmp_path / "maps.zarr")
    assert_same(found, result)
    assert not isinstance(found.record.arrays["mean"], np.ndarray)
    with pytest.raises(OutputError, match="exists; give the path of a new folder"):
        result.to_zarr(tmp_path / "maps.zarr")


def test_xarray_opens_the_zarr_folder(result, tmp_path):
    result.to_zarr(tmp_path / "maps.zarr")
    with xr.open_zarr(tmp_path / "maps.zarr", consolidated=False) as dataset:
        for name in result.names:
            assert dataset[name].dims == result[name].dims
            np.testing.assert_array_equal(dataset[name], result[name])


def test_maps_on_disk_go_into_fits_and_zarr(result, tmp_path):
    result.to_zarr(tmp_path / "maps.zarr")
    found = CubeResult.open(tmp_path / "maps.zarr")
    found.to_fits(tmp_path / "maps.fits")
    found.to_zarr(tmp_path / "again.zarr")
    assert_same(CubeResult.open(tmp_path / "maps.fits"), result)
    assert_same(CubeResult.open(tmp_path / "again.zarr"), result)


def test_a_store_is_written_tile_by_tile(tmp_path):
    """Larger than a tile, with an axis of planes before."""
    shape = (9, 3, 300)
    values = np.arange(9.0 * 3 * 300).reshape(shape)
    chosen = [spec for spec in specs() if spec.name in ("mean", "status")]
    status = np.zeros(shape, dtype=np.int8)
    record = PixelMaps(shape, tuple(chosen), {"mean": values, "status": status})
    CubeResult(record, MapGrid(("z", "y", "x"), shape), {}).to_zarr(tmp_path / "z.zarr")
    found = CubeResult.open(tmp_path / "z.zarr")
    np.testing.assert_array_equal(found["mean"], values)
    assert found.counts() == {"converged": values.size}


def test_a_missing_store_is_an_error(tmp_path):
    with pytest.raises(OutputError):
        CubeResult.open(tmp_path / "nothing.zarr")


@pytest.mark.parametrize("asked", ["result_at", "model_cube", "residual_cube"])
def test_a_result_that_was_read_back_asks_for_the_data(result, tmp_path, asked):
    result.to_fits(tmp_path / "maps.fits")
    found = CubeResult.open(tmp_path / "maps.fits")
    arguments = (2, 3) if asked == "result_at" else ()
    with pytest.raises(ResultError, match=f"{asked} needs the data.*fit_cube.*store="):
        getattr(found, asked)(*arguments)


def test_a_result_can_be_sent(result, tmp_path):
    result.to_zarr(tmp_path / "maps.zarr")
    for one in (result, CubeResult.open(tmp_path / "maps.zarr")):
        assert_same(pickle.loads(pickle.dumps(one)), result)


def test_little_can_be_said_of_little():
    empty = CubeResult(PixelMaps((), (), {}), MapGrid((), ()), {})
    assert empty.info == "Cube fit  1 pixel"
    assert repr(empty) == "CubeResult(1 pixel; 0 maps: )"


def test_facts_are_the_users_own_copy(result):
    facts = dict(FACTS)
    mine = CubeResult(result.record, result.grid, facts)
    facts["seed"] = 99
    assert mine.facts["seed"] == 3
