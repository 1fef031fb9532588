"""Images appended to a FITS file block by block, with their checksums.

astropy writes an image from one array in memory; maps may be larger than that.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from graphfit.typing import AnyArray

# FITS files are made of blocks of this many bytes.
RECORD = 2880
READ_BYTES = RECORD * 4096


def append_image(
    file: BinaryIO, header: Any, blocks: Iterator[tuple[int, AnyArray]]
) -> None:
    """Append one HDU whose pixels come in blocks, in any order.

    Parameters
    ----------
    file : binary file, open for reading and writing, at its end
    header : astropy.io.fits.Header
        Complete but for CHECKSUM and DATASUM, which are added.
    blocks : iterator of (int, ndarray)
        Where a block starts, counted in pixels of the image, and its pixels.  Together
        they cover the image.
    """
    header["CHECKSUM"] = ("0" * 16, "of this HDU")
    header["DATASUM"] = (f"{0:<10}", "of its data")
    start = file.tell()
    file.write(header.tostring().encode("ascii"))
    data_start = file.tell()
    item = abs(int(header["BITPIX"])) // 8
    order = np.dtype(
        f">{'f' if header['BITPIX'] < 0 else 'i' if item > 1 else 'u'}{item}"
    )
    for offset, block in blocks:
        file.seek(data_start + offset * item)
        file.write(np.ascontiguousarray(block, dtype=order).data)
    end = file.seek(0, 2)
    file.write(b"\0" * (-(end - data_start) % RECORD))
    file.seek(data_start)
    total = 0
    while piece := file.read(READ_BYTES):
        total = ones_complement_sum(piece, total)
    header["DATASUM"] = f"{total:<10}"
    text = header.tostring().encode("ascii")
    header["CHECKSUM"] = encoded_complement(ones_complement_sum(text, total))
    file.seek(start)
    file.write(header.tostring().encode("ascii"))
    file.seek(0, 2)


def ones_complement_sum(content: bytes, start: int = 0) -> int:
    """Return the 32-bit ones' complement sum of big-endian words, as FITS defines it.

    Parameters
    ----------
    content : bytes
        A multiple of 4 long.
    start : int
        The sum of what came before.

    Examples
    --------
    >>> hex(ones_complement_sum(bytes.fromhex("ffffffff00000003")))
    '0x3'
    """
    total = start + int(np.frombuffer(content, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def encoded_complement(total: int) -> str:
    """Return the 16 letters that make the sum of an HDU minus zero.

    Appendix J of the FITS Standard 4.0: each byte of the complement is spread over four
    letters or digits that add up to it (from ``"0"``), then all are turned by one place.

    Parameters
    ----------
    total : int
        The sum of the HDU with sixteen ``"0"`` in the place of the letters.

    Examples
    --------
    >>> encoded_complement(868229149)  # the example of the appendix
    'hcHjjc9ghcEghc9g'
    """
    letters = [0] * 16
    for i, byte in enumerate((0xFFFFFFFF - total).to_bytes(4, "big")):
        quarter = [byte // 4 + ord("0")] * 4
        quarter[0] += byte % 4
        while not all(chr(letter).isalnum() for letter in quarter):
            for j in (0, 2):
                if not (chr(quarter[j]) + chr(quarter[j + 1])).isalnum():
                    quarter[j] += 1
                    quarter[j + 1] -= 1
        letters[i::4] = quarter
    return "".join(chr(letter) for letter in letters[-1:] + letters[:-1])
