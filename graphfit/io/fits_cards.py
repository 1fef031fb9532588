"""FITS header cards of maps: what an image is, where it lies, who made it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from graphfit.samples.map_grid import MapGrid
from graphfit.samples.pixel_maps import MapSpec
from graphfit.samples.status import Status

# The type of each dtype on disk: FITS has no signed bytes and no unsigned words.
BITPIX = {
    "b1": 8,
    "u1": 8,
    "i1": 16,
    "i2": 16,
    "u2": 32,
    "i4": 32,
    "u4": 64,
    "i8": 64,
    "f2": -32,
    "f4": -32,
    "f8": -64,
}
# Cards that say what an HDU is, which a WCS header may have brought along.
STRUCTURE = (
    *("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND", "PCOUNT", "GCOUNT"),
    *("BUNIT", "BSCALE", "BZERO", "BLANK", "EXTNAME", "EXTVER", "WCSAXES"),
)


def ascii_text(text: str) -> str:
    r"""Return the text as FITS can hold it; other letters become ``\u03c3``."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def image_header(spec: MapSpec, grid: MapGrid, version: int) -> Any:
    """Return the header of a map's HDU.

    Parameters
    ----------
    spec : MapSpec
    grid : MapGrid
    version : int, >= 1
        Tells apart HDUs whose names differ in their case only, which FITS ignores.

    Returns
    -------
    astropy.io.fits.Header
        The map's last axis is axis 1; axes behind those of the map come after them.
    """
    from astropy.io.fits import Header

    header = Header()
    shape = (*spec.shape, *grid.shape) or (1,)
    header["XTENSION"] = ("IMAGE", "a map")
    header["BITPIX"] = BITPIX[np.dtype(spec.dtype).str[1:]]
    header["NAXIS"] = len(shape)
    for i, length in enumerate(reversed(shape), start=1):
        header[f"NAXIS{i}"] = length
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["EXTNAME"] = (ascii_text(spec.name), "the map")
    header["EXTVER"] = version
    if spec.unit:
        header["BUNIT"] = fits_unit(spec.unit)
    for key, value in world_cards(spec, grid).items():
        header[key] = value
    if spec.name == "status":
        for status in Status:
            name = status.name.lower()
            header[f"STAT{status:02d}"] = f"{name}: {status.sentence}"
    header["COMMENT"] = ascii_text(spec.description)
    header["COMMENT"] = f"At pixels without an answer: {spec.fill}"
    return header


def fits_unit(unit: str) -> str:
    """Return a unit as the FITS Standard spells it, or as it is where it does not.

    Examples
    --------
    >>> fits_unit("km / s"), fits_unit("furlong of mine")
    ('km s-1', 'furlong of mine')
    """
    from astropy.units import Unit

    try:
        return str(Unit(unit).to_string("fits"))
    except ValueError:  # not astropy's, or not of the Standard
        return ascii_text(unit)


def world_cards(spec: MapSpec, grid: MapGrid) -> dict[str, Any]:
    """Return the cards that place every axis of a map's image.

    The last two axes are the sky's where there is one.  An axis with evenly spaced
    coordinates has them; others count pixels from 0.
    """
    names = (*spec.axes, *grid.dims)[::-1]
    cards: dict[str, Any] = {"WCSAXES": max(len(names), 1)}
    sky = grid.celestial_header
    if sky is not None:
        cards.update(
            (key, value)
            for key, value in sky.items()
            if not key.startswith(STRUCTURE) and key not in ("COMMENT", "HISTORY", "")
        )
        for i in (1, 2):
            cards.setdefault(f"CUNIT{i}", "deg")
    has_cd = any(key.startswith("CD") and "_" in key for key in cards)
    lines = _even_coordinates(grid)
    for i, name in enumerate(names, start=1):
        if sky is not None and i <= 2:
            continue
        first, step, unit = lines.get(name, (0.0, 1.0, "pixel"))
        if name in spec.axes:
            first, step, unit = 1.0, 1.0, ""  # parameters and draws count from one
        cards[f"CTYPE{i}"] = "LINEAR"
        cards[f"CNAME{i}"] = ascii_text(name)
        cards[f"CUNIT{i}"] = unit
        cards[f"CRPIX{i}"] = 1.0
        cards[f"CRVAL{i}"] = first
        cards[f"CDELT{i}"] = step
        if has_cd:
            cards[f"CD{i}_{i}"] = step
    return cards


def _even_coordinates(grid: MapGrid) -> dict[str, tuple[float, float, str]]:
    """Return first value, step and unit of axes with a coordinate of even steps."""
    found = {}
    for name, (axes, values, unit) in grid.coordinates().items():
        if axes != (name,) or np.asarray(values).dtype.kind not in "iuf":
            continue
        points = np.asarray(values, dtype=float)
        steps = np.diff(points)
        if not steps.size or not np.isfinite(points).all() or steps[0] == 0.0:
            continue
        # Values that were rounded to a few digits count as even.
        if np.allclose(steps, steps.mean(), rtol=1e-6, atol=0.0):
            step = float(points[-1] - points[0]) / steps.size
            found[name] = (float(points[0]), step, fits_unit(unit) if unit else "")
    return found


def provenance_header(facts: Mapping[str, Any], counts: Mapping[str, int]) -> Any:
    """Return the cards of the primary HDU: who made the maps, from what, how.

    Parameters
    ----------
    facts : mapping
        Of the run.
    counts : mapping of str to int
        Pixels by status.
    """
    from astropy.io.fits import Header

    header = Header()
    header["ORIGIN"] = ("graphfit", "maps of a fit at every pixel")
    versions = dict(facts.get("versions", {}))
    if "graphfit" in versions:
        header["CREATOR"] = f"graphfit {versions['graphfit']}"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    header["DATE"] = (now, "when this file was written, UTC")
    for key, fact, comment in (
        ("SEARCH", "search", ""),
        ("SEED", "seed", "of the random numbers"),
        ("SECONDS", "seconds", "that the fits took"),
    ):
        value = facts.get(fact)
        if value is not None:
            header[key] = (_card_value(value), comment)
    header["NPIXELS"] = (sum(counts.values()), "pixels of a map")
    for label in facts.get("data", ()):
        header["HISTORY"] = ascii_text(f"data: {label}")
    for line in str(facts.get("model", "")).splitlines():
        header["HISTORY"] = ascii_text(f"model: {line}")
    for name, count in counts.items():
        header["HISTORY"] = f"pixels {name}: {count}"
    for package, version in versions.items():
        header["HISTORY"] = ascii_text(f"version: {package} {version}")
    for warning in facts.get("warnings", ()):
        header["HISTORY"] = ascii_text(f"warning: {' '.join(str(warning).split())}")
    return header


def _card_value(value: Any) -> Any:
    """Return what a card can hold: a number that is finite, or ASCII text."""
    if isinstance(value, bool | int) or (
        isinstance(value, float) and math.isfinite(value)
    ):
        return value
    return ascii_text(" ".join(str(value).split()))
