"""FitsSource: an image of a FITS file, read slice by slice; and what its header tells."""

import hashlib
import os
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from graphfit.errors import DataError, DataWarning
from graphfit.io.mapped_file import FileState, MappedSource
from graphfit.typing import AnyArray

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz", ".fits.fz")

# Cards worth keeping beside the maps, where they hold plain values.
_KEPT = (
    *("OBJECT", "TELESCOP", "INSTRUME", "OBSERVER", "ORIGIN", "DATE-OBS", "LINE"),
    *("BUNIT", "BMAJ", "BMIN", "BPA", "RESTFRQ", "RESTFREQ", "RESTWAV", "SPECSYS"),
    *("RADESYS", "EQUINOX", "VELREF"),
)
_COMPRESSED = (b"\x1f\x8b", b"BZ", b"PK", b"\xfd7")  # gzip, bzip2, zip, xz


@final
@dataclass(frozen=True)
class Scaling:
    """How the numbers of a file stand for values: ``zero + scale * number``.

    Attributes
    ----------
    scale, zero : float
        ``BSCALE`` and ``BZERO``.
    blank : int or None
        The whole number that stands for no value, which is read as NaN.
    numbers : str
        The type of the values, e.g. ``"<f4"``.
    """

    scale: float
    zero: float
    blank: int | None
    numbers: str

    def values(self, numbers: AnyArray) -> AnyArray:
        """Return the values that numbers of the file stand for."""
        values = numbers.astype(self.numbers)
        if self.scale != 1.0:
            values *= self.scale
        if self.zero != 0.0:
            values += self.zero
        if self.blank is not None:
            values[numbers == self.blank] = np.nan
        return values


@final
@dataclass(frozen=True)
class FitsSource:
    """An image HDU of a FITS file.

    Images that lie in the file number by number are mapped, so a read touches its slice
    only; tile-compressed ones are read tile by tile through astropy.

    Attributes
    ----------
    file : FileState
        The file; a read refuses one that has changed.
    hdu : int
        The number of the HDU.
    shape : tuple of int
        In the order of numpy: the first axis is FITS's last.
    numbers : str
        The type of what is read, in native byte order.
    header_digest : str
        Of the HDU's header.
    label : str
        For messages: ``"l1448.fits[0]"``.
    mapped : MappedSource or None
        Where the numbers lie; None for a compressed image.
    scaling : Scaling or None
        What is done to them, if anything.
    chunks : tuple of int or None
        The tile of a compressed image.
    """

    file: FileState
    hdu: int
    shape: tuple[int, ...]
    numbers: str
    header_digest: str
    label: str
    mapped: MappedSource | None = None
    scaling: Scaling | None = None
    chunks: tuple[int, ...] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        return np.dtype(self.numbers)

    @property
    def is_light(self) -> bool:
        """True: it pickles as a path."""
        return True

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice, as a new array of native byte order.

        Parameters
        ----------
        where : tuple of slice
            One an axis.

        Raises
        ------
        DataError
            If the file has changed, or its compressed values are damaged.
        """
        if self.mapped is None:
            return self._from_tiles(where)
        numbers = self.mapped.read(where)
        return numbers if self.scaling is None else self.scaling.values(numbers)

    def _from_tiles(self, where: tuple[slice, ...]) -> AnyArray:
        self.file.require_unchanged()
        from astropy.io import fits

        with _as_data_error(self.label), fits.open(self.file.path) as hdus:
            return np.array(hdus[self.hdu].section[where], self.dtype)

    def identity(self) -> Any:
        """Return what tells this image from others: file, HDU and header."""
        return (self.file, self.hdu, self.header_digest)


@final
@dataclass(frozen=True, eq=False)
class FitsImage:
    """An image HDU, looked at: nothing but its header is read yet.

    Attributes
    ----------
    source : FitsSource or ndarray
        The whole values where the file is compressed as a whole (``.fits.gz``), for such a
        file can only be read from its start.
    identity : object
        Of the source.
    label : str
        For messages.
    unit : str
        ``BUNIT`` as written; empty where there is none.
    wcs : astropy.wcs.WCS or None
        None where the header has none, or none that can be understood.
    cards : mapping of str to plain values
        For the provenance of results.
    """

    source: FitsSource | AnyArray
    identity: Any
    label: str
    unit: str
    wcs: Any
    cards: Mapping[str, str | int | float | bool]


def open_fits(
    path: str | os.PathLike[str], hdu: int | str | tuple[str, int] | None = None
) -> FitsImage:
    """Look at an image of a FITS file.

    Parameters
    ----------
    path : path
        May be compressed as a whole.
    hdu : int, str or (str, int), optional
        Number, name, or name and version of the HDU; by default the first that holds an
        image with an axis.

    Raises
    ------
    DataError
        If the file is missing, no FITS, or shorter than its header says; if there is no
        such HDU or it holds no image.

    Warns
    -----
    DataWarning
        If the coordinates in the header cannot be understood.
    """
    from astropy.io import fits

    state = FileState.of(path)
    name = Path(path).name
    with _as_data_error(name), _quiet(), fits.open(state.path) as hdus:
        image, number = _choose(hdus, hdu, name)
        label = f"{name}[{number}]"
        header = image.header
        digest = hashlib.blake2b(header.tostring().encode(), digest_size=16).hexdigest()
        wcs = _wcs(header, hdus, len(image.shape), label)
        source = _source(image, state, number, digest, label)
        return FitsImage(
            source,
            (state, number, digest),
            label,
            str(header.get("BUNIT", "")).strip(),
            wcs,
            kept_cards(header),
        )


def _quiet() -> Any:
    """Return a context without astropy's remarks on files; for one thread at a time."""
    from astropy.utils.exceptions import AstropyWarning

    return warnings.catch_warnings(action="ignore", category=AstropyWarning)


@contextmanager
def _as_data_error(label: str) -> Iterator[None]:
    from astropy.io.fits.verify import VerifyError

    try:
        yield
    except DataError:
        raise
    except (
        *(OSError, EOFError, zlib.error, VerifyError),
        *(ValueError, TypeError, KeyError, IndexError, AttributeError),
    ) as error:
        msg = (
            f"{label} cannot be read as FITS: {error}. Fetch the file again, or look at it "
            "with fitsinfo and fitscheck."
        )
        raise DataError(msg) from error


def _choose(hdus: Any, wanted: Any, name: str) -> tuple[Any, int]:
    if wanted is None:
        for number, hdu in enumerate(hdus):
            if hdu.is_image and hdu.header.get("NAXIS", 0) > 0:
                return hdu, number
        msg = f"{name} holds no image with an axis. It holds: {_listing(hdus)}."
        raise DataError(msg)
    try:
        number = hdus.index_of(wanted)
        hdu = hdus[number]
    except (KeyError, IndexError, TypeError, ValueError):
        msg = f"{name} has no HDU {wanted!r}. It holds: {_listing(hdus)}."
        raise DataError(msg) from None
    if not hdu.is_image or hdu.header.get("NAXIS", 0) == 0:
        msg = (
            f"HDU {wanted!r} of {name} is no image with an axis. It holds: "
            f"{_listing(hdus)}."
        )
        raise DataError(msg)
    return hdu, number % len(hdus)


def _listing(hdus: Any) -> str:
    return ", ".join(
        f"{number} {hdu.name or '(no name)'} ({type(hdu).__name__}"
        f"{' of shape ' + str(hdu.shape) if hdu.is_image else ''})"
        for number, hdu in enumerate(hdus)
    )


def _source(
    image: Any, state: FileState, number: int, digest: str, label: str
) -> FitsSource | AnyArray:
    from astropy.io import fits

    if _is_compressed(state.path):
        return _whole(image, label)
    place = image.fileinfo()
    shape = tuple(int(length) for length in image.shape)
    if isinstance(image, fits.CompImageHDU):
        _require_bytes(state, place["datLoc"], place["datSpan"], label)
        first = image.section[(slice(0, 1),) * len(shape)]
        kind = first.dtype.newbyteorder("=").str
        tile = zip(image.tile_shape, shape, strict=True)
        chunks = tuple(min(int(length), whole) for length, whole in tile)
        return FitsSource(state, number, shape, kind, digest, label, chunks=chunks)
    stored = np.dtype(fits.BITPIX2DTYPE[image.header["BITPIX"]]).newbyteorder(">")
    count = int(np.prod(shape)) * stored.itemsize
    _require_bytes(state, place["datLoc"], count, label)
    strides = _c_strides(shape, stored.itemsize)
    mapped = MappedSource(state, place["datLoc"], shape, strides, stored.str, label)
    scaling = _scaling(image.header)
    kind = mapped.dtype.str if scaling is None else scaling.numbers
    return FitsSource(state, number, shape, kind, digest, label, mapped, scaling)


def _scaling(header: Any) -> Scaling | None:
    """Return the scaling of an image, None where numbers are values.

    Values of 8 and 16 bits are exact as float32.
    """
    bits = header["BITPIX"]
    scale, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    blank = header.get("BLANK") if bits > 0 else None
    if scale == 1.0 and zero == 0.0 and blank is None:
        return None
    numbers = np.dtype(np.float32 if bits in (8, 16, -32) else np.float64).str
    return Scaling(scale, zero, None if blank is None else int(blank), numbers)


def _c_strides(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    strides = [size]
    for length in shape[:0:-1]:
        strides.append(strides[-1] * length)
    return tuple(reversed(strides))


def _is_compressed(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) in _COMPRESSED


def _require_bytes(state: FileState, start: int, length: int, label: str) -> None:
    if state.size < start + length:
        msg = (
            f"{label} is cut short: its header promises {start + length} bytes, and "
            f"{state.path} has {state.size}. Fetch or write the file again."
        )
        raise DataError(msg)


def _whole(image: Any, label: str) -> AnyArray:
    try:
        values = image.data
    except (EOFError, OSError, ValueError, TypeError, zlib.error) as error:
        count = int(np.prod(image.shape)) * abs(image.header["BITPIX"]) // 8
        msg = (
            f"{label} is cut short: its header promises {count} bytes of data after "
            f"decompression, and they end before ({error}). Fetch or write the file again."
        )
        raise DataError(msg) from error
    return np.asarray(values, np.dtype(values.dtype).newbyteorder("="))


def _wcs(header: Any, hdus: Any, axes: int, label: str) -> Any:
    """Return the header's coordinates, with as many axes as the image, or None."""
    from astropy.wcs import WCS

    if not any(card[:5] in ("CTYPE", "CRVAL", "CDELT") for card in header):
        return None
    try:
        wcs = WCS(header, hdus)
        if wcs.pixel_n_dim > axes:
            wcs = wcs.sub(axes)
        reason = (
            f"they have {wcs.pixel_n_dim} axes and the image has {axes}"
            if wcs.pixel_n_dim != axes
            else ""
        )
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
    except (MemoryError, OSError) as error:
        reason = str(error)
    if not reason:
        return wcs
    msg = (
        f"{label}: the coordinates in the header cannot be understood ({reason}); the data "
        "are used without them. Mend the header, or give world=."
    )
    warnings.warn(msg, DataWarning, stacklevel=4)
    return None


def kept_cards(header: Any) -> dict[str, str | int | float | bool]:
    """Return the cards of a header that are worth keeping beside maps made from it.

    Parameters
    ----------
    header : astropy.io.fits.Header or mapping
    """
    found = {name: header[name] for name in _KEPT if name in header}
    kinds = (str, int, float, bool)
    return {k: v for k, v in found.items() if isinstance(v, kinds) and v != ""}


def is_fits(path: Path) -> bool:
    """Return whether a file is FITS by its name, or by its first bytes.

    Parameters
    ----------
    path : Path
        Of a file that exists.
    """
    if path.name.lower().endswith(SUFFIXES):
        return True
    with path.open("rb") as file:
        return file.read(9) == b"SIMPLE  ="
