"""Images of FITS files: values against astropy's, lazily, and files with faults."""

import gzip
import pickle
import re
import threading
import warnings

import numpy as np
import pytest
from astropy.io import fits

from graphfit.errors import DataError, DataWarning
from graphfit.io.fingerprint import fingerprint
from graphfit.io.fits_source import FitsSource, is_fits, open_fits

SPECTRAL = {"CTYPE3": "VRAD", "CUNIT3": "m/s", "CDELT3": 100.0, "CRVAL3": 2000.0}
SKY = {
    "CTYPE1": "RA---TAN",
    "CUNIT1": "deg",
    "CDELT1": -0.01,
    "CRVAL1": 50.0,
    "CTYPE2": "DEC--TAN",
    "CUNIT2": "deg",
    "CDELT2": 0.01,
    "CRVAL2": 30.0,
}


def header(**cards):
    return fits.Header({**SKY, **SPECTRAL, **cards})


@pytest.fixture
def values():
    return np.random.default_rng(2).normal(size=(6, 5, 4)).astype("f4")


@pytest.fixture
def path(tmp_path, values):
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(values, header(BUNIT="K", OBJECT="L1448")).writeto(path)
    return path


def whole(source):
    return source.read((slice(None),) * len(source.shape))


def assert_same(source, expected):
    for found in (source, pickle.loads(pickle.dumps(source))):
        read = whole(found)
        assert type(read) is np.ndarray
        assert read.dtype.isnative
        assert read.dtype == source.dtype
        assert read.shape == source.shape
        np.testing.assert_array_equal(read, expected)


# --- what is read ------------------------------------------------------------------


def test_a_plain_image_is_mapped(path, values):
    image = open_fits(path)
    assert image.source.mapped is not None
    assert image.source.chunks is None
    assert image.source.is_light
    assert image.label == image.source.label == "cube.fits[0]"
    assert image.unit == "K"
    assert image.cards == {"OBJECT": "L1448", "BUNIT": "K"}
    assert image.wcs.world_axis_physical_types[2] == "spect.dopplerVeloc.radio"
    assert_same(image.source, values)
    part = image.source.read((slice(1, 3), slice(None), slice(0, 1)))
    np.testing.assert_array_equal(part, values[1:3, :, :1])


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_every_type_of_fits_comes_in_native_byte_order(tmp_path, kind):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    fits.PrimaryHDU(array).writeto(tmp_path / "a.fits")
    source = open_fits(tmp_path / "a.fits").source
    assert source.dtype == np.dtype(kind)
    assert_same(source, array)


SCALED = {
    "unsigned 16": (np.array([[0, 5, 65535]], "u2"), {}),
    "unsigned 32": (np.array([[0, 5, 2**32 - 1]], "u4"), {}),
    "signed 8": (np.array([[-128, 5, 127]], "i1"), {}),
    "16 with scale": (np.array([[-300, 0, 300]], "i2"), {"BSCALE": 0.37, "BZERO": 2.5}),
    "32 with scale": (np.array([[-(2**30), 7]], "i4"), {"BSCALE": 1e-3, "BZERO": 1.0}),
    "16 with blank": (np.array([[1, -99, 3]], "i2"), {"BLANK": -99}),
    "32 with both": (np.array([[1, -99]], "i4"), {"BLANK": -99, "BSCALE": 0.5}),
    "floats with scale": (np.array([[1.5, -2.0]], "f4"), {"BSCALE": 3.0, "BZERO": 1.0}),
    "doubles with zero": (np.array([[1.5, -2.0]], "f8"), {"BZERO": 0.1}),
}


@pytest.mark.parametrize("case", SCALED)
def test_scaled_images_are_those_of_astropy(tmp_path, case):
    path = tmp_path / "scaled.fits"
    array, cards = SCALED[case]
    fits.PrimaryHDU(array).writeto(path)
    with fits.open(path, "update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update(cards)
    source = open_fits(path).source
    assert source.mapped is not None
    expected = fits.getdata(path)
    assert_same(source, expected)
    if "blank" in case:
        assert np.isnan(whole(source)[0, 1])


def test_a_compressed_image_is_read_tile_by_tile(tmp_path):
    array = np.arange(6 * 20 * 30, dtype="i2").reshape(6, 20, 30)
    hdu = fits.CompImageHDU(array, header(), tile_shape=(1, 20, 30), name="CUBE")
    hdu.writeto(tmp_path / "cube.fits.fz")
    source = open_fits(tmp_path / "cube.fits.fz").source
    assert source.hdu == 1
    assert source.mapped is None
    assert source.chunks == (1, 20, 30)
    assert_same(source, array)
    np.testing.assert_array_equal(
        source.read((slice(2, 4), slice(3, 9), slice(None, None, 7))),
        array[2:4, 3:9, ::7],
    )


def test_threads_may_read_one_compressed_image(tmp_path):
    array = np.arange(6 * 20 * 30, dtype="i2").reshape(6, 20, 30)
    fits.CompImageHDU(array, tile_shape=(1, 20, 30)).writeto(tmp_path / "c.fits")
    source = open_fits(tmp_path / "c.fits").source
    found = {}

    def read(i):
        found[i] = source.read((slice(i, i + 1), slice(None), slice(None)))

    threads = [threading.Thread(target=read, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.concatenate([found[i] for i in range(6)]), array)


@pytest.mark.parametrize("ending", [".fits.gz", ".fits"])
def test_a_file_compressed_as_a_whole_is_read_at_once(tmp_path, path, values, ending):
    packed = tmp_path / f"packed{ending}"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    image = open_fits(packed)
    assert type(image.source) is np.ndarray
    assert image.source.dtype == np.dtype("f4")
    assert image.source.dtype.isnative
    np.testing.assert_array_equal(image.source, values)
    assert image.identity[0].path == str(packed)


# --- which HDU ---------------------------------------------------------------------


@pytest.fixture
def several(tmp_path, values):
    path = tmp_path / "several.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])
    hdus = [
        fits.PrimaryHDU(),
        table,
        fits.ImageHDU(values, name="SCI", ver=1),
        fits.ImageHDU(values + 1, name="SCI", ver=2),
        fits.ImageHDU(values + 2, name="ERR"),
    ]
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.mark.parametrize(
    ("hdu", "number", "plus"),
    [
        (None, 2, 0),
        ("sci", 2, 0),
        (("SCI", 2), 3, 1),
        ("ERR", 4, 2),
        (3, 3, 1),
        (-1, 4, 2),
    ],
)
def test_an_hdu_is_chosen_by_number_or_name(several, values, hdu, number, plus):
    image = open_fits(several, hdu)
    assert image.label == f"several.fits[{number}]"
    assert image.wcs is None
    assert_same(image.source, values + plus)


@pytest.mark.parametrize("hdu", ["SKY", 7, 1.5])
def test_an_hdu_that_is_missing_is_named_beside_those_there_are(several, hdu):
    expected = re.escape(
        f"several.fits has no HDU {hdu!r}. It holds: 0 PRIMARY (Primary"
    )
    with pytest.raises(DataError, match=expected):
        open_fits(several, hdu)


@pytest.mark.parametrize("hdu", [0, 1])
def test_an_hdu_without_an_image_is_refused(several, hdu):
    with pytest.raises(
        DataError, match=rf"HDU {hdu} of several.fits is no image with an"
    ):
        open_fits(several, hdu)


def test_a_file_without_an_image_is_refused(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(DataError, match="empty.fits holds no image with an axis"):
        open_fits(tmp_path / "empty.fits")


# --- faults ------------------------------------------------------------------------


def test_a_file_cut_short_is_refused_with_both_lengths(path):
    content = path.read_bytes()
    promised = 2880 + 6 * 5 * 4 * 4
    path.write_bytes(content[: promised - 1])
    expected = re.escape(
        f"cube.fits[0] is cut short: its header promises {promised} bytes, and {path} has "
        f"{promised - 1}."
    )
    with pytest.raises(DataError, match=expected):
        open_fits(path)


def test_padding_that_is_missing_does_no_harm(path, values):
    path.write_bytes(path.read_bytes()[: 2880 + values.nbytes])
    assert_same(open_fits(path).source, values)


def test_a_compressed_image_cut_short_is_refused(tmp_path):
    path = tmp_path / "c.fits"
    array = np.random.default_rng(1).integers(0, 999, (6, 50, 50)).astype("i2")
    fits.CompImageHDU(array, tile_shape=(1, 50, 50)).writeto(path)
    path.write_bytes(path.read_bytes()[:-8640])
    with pytest.raises(DataError, match="c.fits.1. is cut short"):
        open_fits(path)


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_gzipped_file_cut_short_is_refused(tmp_path, kept):
    path = tmp_path / "cube.fits"
    noise = np.random.default_rng(1).normal(size=(40, 40, 40))
    fits.PrimaryHDU(noise).writeto(path)
    packed = gzip.compress(path.read_bytes())
    (tmp_path / "cube.fits.gz").write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(DataError, match="cube.fits.gz.*(cut short|cannot be read)"):
        open_fits(tmp_path / "cube.fits.gz")


@pytest.mark.parametrize(
    "content",
    [b"", b"SIMPLE  =", b"not a FITS file" * 999, b"\x1f\x8b broken", b"\xff" * 9999],
)
def test_what_is_no_fits_is_refused(tmp_path, content):
    path = tmp_path / "odd.fits"
    path.write_bytes(content)
    with pytest.raises(DataError, match="odd.fits cannot be read as FITS: .*fitsinfo"):
        open_fits(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="Cannot read .*none.fits: No such file"):
        open_fits(tmp_path / "none.fits")


@pytest.mark.parametrize(
    "cards",
    [
        {"CDELT3": 0.0},
        {"CTYPE2": "DEC--SIN"},
        {"CTYPE1": "RA---XYZ"},
        {"CUNIT3": "parsnips"},
    ],
    ids=lambda cards: next(iter(cards)),
)
def test_coordinates_that_make_no_sense_are_left_out_with_a_warning(
    tmp_path, values, cards
):
    path = tmp_path / "odd.fits"
    fits.PrimaryHDU(values, header(**cards)).writeto(path)
    with pytest.warns(
        DataWarning, match=r"odd.fits\[0\]: the coordinates in the header"
    ):
        image = open_fits(path)
    assert image.wcs is None
    assert_same(image.source, values)


@pytest.mark.parametrize(
    "card", [b"BMAJ    = ???? 5 = x", b"        = 'x", b"BMAJ    =1.0"]
)
def test_a_header_with_nonsense_cards_is_read(tmp_path, values, card):
    path = tmp_path / "odd.fits"
    fits.PrimaryHDU(values, header(BMAJ=1.0)).writeto(path)
    content = path.read_bytes()
    place = content.index(b"BMAJ    =")
    path.write_bytes(content[:place] + card.ljust(80) + content[place + 80 :])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(open_fits(path).source, values)


def test_a_degenerate_axis_of_the_header_is_dropped(tmp_path, values):
    path = tmp_path / "stokes.fits"
    cards = {"WCSAXES": 4, "CTYPE4": "STOKES", "CRVAL4": 1.0, "CDELT4": 1.0}
    fits.PrimaryHDU(values, header(**cards)).writeto(path)
    assert open_fits(path).wcs.pixel_n_dim == 3


def test_a_changed_file_is_refused_in_another_process(path, values):
    sent = pickle.dumps(open_fits(path).source)
    fits.PrimaryHDU(values[:5], header()).writeto(path, overwrite=True)
    with pytest.raises(DataError, match="cube.fits has changed since the fit began"):
        whole(pickle.loads(sent))


# --- small things ------------------------------------------------------------------


def test_identity_is_file_hdu_and_header(several):
    one, two = (open_fits(several, i).source for i in (2, 3))
    assert fingerprint(one.identity()) == fingerprint(open_fits(several, 2).identity)
    assert fingerprint(one.identity()) != fingerprint(two.identity())


def test_a_fits_source_is_small(path):
    source = open_fits(path).source
    assert isinstance(source, FitsSource)
    assert len(pickle.dumps(source)) < 1000


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.FITS", b"", True),
        ("a.fit.gz", b"", True),
        ("a.dat", b"SIMPLE  =   T", True),
        ("a.dat", b"else", False),
        ("a.npy", b"", False),
    ],
)
def test_fits_is_known_by_name_or_content(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert is_fits(tmp_path / name) is expected
