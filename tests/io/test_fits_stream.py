import io

import numpy as np
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from graphfit.io.fits_stream import (
    RECORD,
    append_image,
    encoded_complement,
    ones_complement_sum,
)


def slow_sum(content):
    """The sum as the standard words it: add, and carry around the end."""
    total = 0
    for i in range(0, len(content), 4):
        total += int.from_bytes(content[i : i + 4], "big")
        if total > 0xFFFFFFFF:
            total = (total & 0xFFFFFFFF) + 1
    return total


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40), st.integers(0, 2**32 - 1))
def test_the_sum_is_that_of_the_standard(words, start):
    content = b"".join(word.to_bytes(4, "big") for word in words)
    whole = start.to_bytes(4, "big") + content
    assert ones_complement_sum(content, start) == slow_sum(whole)


@given(st.integers(0, 2**32 - 1))
def test_the_letters_bring_the_sum_to_minus_zero(total):
    """They stand one byte off the words, as the card's value does."""
    letters = encoded_complement(total)
    assert letters.isalnum()
    assert letters.isascii()

    def as_card(text):
        return ones_complement_sum(f"xxx{text}x".encode())

    # What the sixteen zeros counted for is part of the total.
    change = as_card(letters) - as_card("0" * 16)
    assert (total + change) % 0xFFFFFFFF == 0


def header_of(array, bitpix):
    header = fits.Header()
    header["XTENSION"] = "IMAGE"
    header["BITPIX"] = bitpix
    header["NAXIS"] = array.ndim
    for i, length in enumerate(reversed(array.shape), start=1):
        header[f"NAXIS{i}"] = length
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    return header


@given(
    st.sampled_from([("u1", 8), ("i2", 16), ("i4", 32), ("i8", 64), ("f4", -32)]),
    st.integers(1, 40),
    st.permutations(range(4)),
)
def test_blocks_in_any_order_make_the_image_that_astropy_reads(kind, size, order):
    dtype, bitpix = kind
    array = (np.arange(4 * size) * 7 % 100).reshape(4, size).astype(dtype)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU()]).writeto(file)
    blocks = ((row * size, array[row]) for row in order)
    append_image(file, header_of(array, bitpix), blocks)
    append_image(file, header_of(array, bitpix), iter([(0, array.ravel())]))
    assert file.tell() % RECORD == 0
    file.seek(0)
    with fits.open(file, checksum=True) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 3
        for hdu in hdus[1:]:
            np.testing.assert_array_equal(hdu.data, array)
            assert hdu.verify_checksum() == hdu.verify_datasum() == 1
