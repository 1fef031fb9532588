import os
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from graphfit.errors import OutputError
from graphfit.io import maps_fits
from graphfit.io.fits_cards import world_cards
from graphfit.io.grid_facts import grid_from_facts
from graphfit.io.maps_fits import read_maps_fits, write_maps_fits
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.samples.map_grid import MapGrid
from tests.simulated_maps import FACTS, SHAPE, SKY, simulated


@pytest.fixture
def path(tmp_path):
    result = simulated()
    write_maps_fits(tmp_path / "maps.fits", result.record, result.grid, result.facts)
    return tmp_path / "maps.fits"


def written(tmp_path, specs, arrays, grid, facts=None):
    record = PixelMaps(grid.shape, tuple(specs), arrays)
    write_maps_fits(tmp_path / "some.fits", record, grid, facts or {})
    return tmp_path / "some.fits"


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert repr(found.specs) == repr(expected.specs)  # NaN fills
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_what_is_written_is_read_back(path):
    result = simulated()
    record, grid, facts = read_maps_fits(path)
    assert_same(record, result.record)
    assert (grid.dims, grid.shape, grid.celestial_header) == (("y", "x"), SHAPE, SKY)
    assert facts == result.facts


def test_the_file_keeps_to_the_standard(path):
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        for hdu in hdus[1:]:
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1


def test_every_image_has_a_sky_and_a_unit(path):
    with fits.open(path) as hdus:
        assert hdus["mean"].header["BUNIT"] == "km s-1"
        assert hdus["amplitude"].header["BUNIT"] == "K"
        assert "BUNIT" not in hdus["chi_squared"].header
        images = [hdu for hdu in hdus[1:] if hdu.is_image]
        assert [hdu.name.lower() for hdu in images] == list(simulated().names)
        for hdu in images:
            wcs = WCS(hdu.header)
            assert wcs.naxis == hdu.header["NAXIS"] == hdu.data.ndim
            sky = wcs.celestial
            np.testing.assert_allclose(sky.all_pix2world(7, 5.5, 0), (51.3, 30.75))


def test_further_axes_come_behind_the_sky(path):
    covariance = simulated().record.arrays["covariance"]
    with fits.open(path) as hdus:
        hdu = hdus["covariance"]
        assert hdu.data.shape == (3, 3, *SHAPE)
        np.testing.assert_array_equal(hdu.data[1, 1], covariance[..., 1, 1])
        assert (hdu.header["CNAME4"], hdu.header["CNAME3"]) == (
            "parameter",
            "parameter_",
        )


def test_the_status_has_a_legend(path):
    with fits.open(path) as hdus:
        header = hdus["status"].header
        assert header["STAT00"] == "converged: The fit converged."
        for status in Status:
            expected = f"{status.name.lower()}: {status.sentence}"
            assert header[f"STAT{status:02d}"] == expected
        rows = hdus["STATUS_LEGEND"].data
        table = {int(row["CODE"]): row["MEANING"] for row in rows}
        assert table == {int(status): status.sentence for status in Status}


def test_the_primary_header_tells_where_the_maps_come_from(path):
    header = fits.getheader(path)
    assert header["ORIGIN"] == "graphfit"
    assert header["CREATOR"] == "graphfit 0.1.0"
    assert header["SEARCH"] == FACTS["search"]
    assert (header["SEED"], header["NPIXELS"]) == (3, 180)
    history = [str(line) for line in header["HISTORY"]]
    assert "model: line(v, amplitude, mean, stddev)" in history
    assert "pixels converged: 161" in history
    assert "version: numpy 2.4.6" in history


def test_long_maps_are_written_in_blocks(path, tmp_path, monkeypatch):
    result = simulated()
    monkeypatch.setattr(maps_fits, "BLOCK_BYTES", 1000)
    write_maps_fits(tmp_path / "b.fits", result.record, result.grid, result.facts)
    with fits.open(path) as whole, fits.open(tmp_path / "b.fits") as blocks:
        for one, other in zip(whole[1:], blocks[1:], strict=True):
            assert one.header["DATASUM"] == other.header["DATASUM"]


TYPES = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", ">f8"]


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_comes_back_as_it_was(tmp_path, dtype):
    values = np.array([[0, 1, 100], [0, 1, 127]]).astype(dtype)
    spec = MapSpec("some", values.dtype.str, 0, "Of some type.")
    path = written(tmp_path, [spec], {"some": values}, MapGrid(("y", "x"), (2, 3)))
    record, _, _ = read_maps_fits(path)
    assert record.arrays["some"].dtype == values.dtype
    np.testing.assert_array_equal(record.arrays["some"], values)


def test_a_type_that_fits_has_not_is_refused(tmp_path):
    spec = MapSpec("some", "c16", 0, "Complex.")
    with pytest.raises(OutputError, match=r"no type for the map 'some' of dtype c16"):
        written(tmp_path, [spec], {"some": np.zeros(2, "c16")}, MapGrid(("x",), (2,)))


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (4, 2, 3)])
def test_maps_of_any_number_of_axes(tmp_path, shape):
    dims = ("z", "y", "x")[3 - len(shape) :]
    rng = np.random.default_rng(1)
    specs = [
        MapSpec("one", "f8", np.nan, "A number."),
        MapSpec("two", "f4", np.nan, "Two numbers.", "", ("draw",), (2,)),
    ]
    arrays = {"one": rng.random(shape), "two": rng.random((*shape, 2)).astype("f4")}
    path = written(tmp_path, specs, arrays, MapGrid(dims, shape))
    record, grid, _ = read_maps_fits(path)
    assert_same(record, PixelMaps(shape, tuple(specs), arrays))
    assert grid.dims == dims


def test_names_of_any_letters(tmp_path):
    """FITS knows capitals of the Latin alphabet only."""
    names = ["σ", "a", "A", "0.amplitude_error"]
    specs = [MapSpec(name, "f8", np.nan, f"The map {name}.", "µm") for name in names]
    arrays = {name: np.full((2, 2), float(i)) for i, name in enumerate(names)}
    facts = {"model": "σ ~ Uniform", "seed": None, "warnings": ["naïve"], "data": ["é"]}
    grid = MapGrid(("y", "x"), (2, 2))
    path = written(tmp_path, specs, arrays, grid, facts)
    record, _, found = read_maps_fits(path)
    assert_same(record, PixelMaps((2, 2), tuple(specs), arrays))
    assert found == facts
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert (hdus["A", 1].data == 1.0).all()
        assert (hdus["A", 2].data == 2.0).all()
        assert (hdus["0.amplitude_error"].data == 3.0).all()


def test_even_coordinates_become_the_axes_scale():
    along = {"x": ("x", [2.0, 2.5, 3.0], "arcsec"), "y": ("y", [0.0, 1.0, 4.0], "m")}
    grid = grid_from_facts({"dims": ["y", "x"], "coordinates": along}, (3, 3))
    cards = world_cards(MapSpec("a", "f8", 0, "A."), grid)
    assert (cards["CRVAL1"], cards["CDELT1"], cards["CUNIT1"]) == (2.0, 0.5, "arcsec")
    assert (cards["CRVAL2"], cards["CDELT2"], cards["CUNIT2"]) == (0.0, 1.0, "pixel")


def test_cards_of_a_cd_matrix_hold_for_further_axes():
    sky = {key: value for key, value in SKY.items() if not key.startswith("CDELT")}
    sky |= {"CD1_1": -0.01, "CD2_2": 0.01, "NAXIS1": 7, "BUNIT": "Jy"}
    spec = MapSpec("a", "f8", 0, "A.", "", ("draw",), (4,))
    cards = world_cards(spec, MapGrid(("y", "x"), SHAPE, sky))
    assert cards["CD3_3"] == 1.0
    assert "NAXIS1" not in cards
    assert "BUNIT" not in cards
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert WCS(fits.Header(cards)).all_pix2world(0, 0, 3, 0)[2] == 4.0


def test_a_file_is_replaced_only_when_told(path):
    result = simulated()
    with pytest.raises(OutputError, match="exists; give overwrite=True"):
        write_maps_fits(path, result.record, result.grid, result.facts)
    write_maps_fits(path, result.record, result.grid, {}, overwrite=True)
    assert read_maps_fits(path)[2] == {}


@pytest.mark.parametrize("name", ["maps", "maps.zarr", "maps.fits.gz"])
def test_another_suffix_is_refused(tmp_path, name):
    result = simulated()
    with pytest.raises(OutputError, match="a file that ends in .fits"):
        write_maps_fits(tmp_path / name, result.record, result.grid, result.facts)


def test_a_full_disk_leaves_the_former_file(path, monkeypatch):
    result = simulated()
    before = path.read_bytes()

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"Cannot write .*No space left"):
        write_maps_fits(path, result.record, result.grid, {}, overwrite=True)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kept", [0, 100, 2880, 30_000, -2880, -5760, -100])
def test_a_file_that_was_cut_short_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(OutputError, match=r"maps\.fits"):
        read_maps_fits(path)


def test_a_damaged_pixel_is_noticed(path):
    content = bytearray(path.read_bytes())
    with fits.open(path) as hdus:
        place = hdus["mean"].fileinfo()["datLoc"] + 40
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"is damaged: .*verification failed"):
        read_maps_fits(path)


def test_other_fits_files_are_refused(tmp_path):
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(OutputError, match="has no table GRAPHFIT"):
        read_maps_fits(tmp_path / "image.fits")
    with pytest.raises(OutputError, match="Cannot read"):
        read_maps_fits(tmp_path / "missing.fits")


def test_a_newer_layout_is_refused(path):
    with fits.open(path, mode="update") as hdus:
        hdus["GRAPHFIT"].header["GFFORMAT"] = 99
        hdus["GRAPHFIT"].add_checksum()
    with pytest.raises(OutputError, match="has layout 99, this graphfit reads up to 1"):
        read_maps_fits(path)
