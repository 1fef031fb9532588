"""Sky coordinates of a map's pixels, computed where they are read."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.samples.map_grid import Coordinates
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, slots=True)
class SkyCoordinate:
    """One sky coordinate of every pixel of a map, in degrees; stands for an array.

    Only the pixels that an index asks for are computed, so that a large map's costs
    nothing until it is looked at.

    Attributes
    ----------
    header : mapping
        The FITS cards of the two sky axes; axis 1 is the map's last.
    axis : int
        Which coordinate: 0 for the one of ``CTYPE1``, 1 for that of ``CTYPE2``.
    shape : tuple of int, length 2
        Of the map.

    Examples
    --------
    >>> cards = {"CTYPE1": "RA---TAN", "CRVAL1": 52.0, "CRPIX1": 3.0, "CDELT1": -0.01,
    ...          "CTYPE2": "DEC--TAN", "CRVAL2": 30.0, "CRPIX2": 2.0, "CDELT2": 0.01}
    >>> declination = SkyCoordinate(cards, 1, (4, 5))
    >>> declination[1:3, 2].round(6)
    array([30.  , 30.01])
    """

    header: Mapping[str, Any]
    axis: int
    shape: tuple[int, int]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return np.dtype(float)

    @property
    def ndim(self) -> int:
        """Of the map."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> FloatArray:
        height, width = self.shape
        y = np.broadcast_to(np.arange(float(height))[:, None], self.shape)[key]
        x = np.broadcast_to(np.arange(float(width)), self.shape)[key]
        world = celestial_wcs(self.header).all_pix2world(np.ravel(x), np.ravel(y), 0)
        return np.reshape(world[self.axis], np.shape(x))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        del copy  # it is always a new array
        return np.asarray(self[:, :], dtype)


def celestial_wcs(header: Mapping[str, Any]) -> Any:
    """Return astropy's WCS of plain FITS cards, without its remarks on old spellings."""
    from astropy.io.fits import Header
    from astropy.wcs import WCS, FITSFixedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(Header(dict(header)))


def sky_coordinates(
    header: Mapping[str, Any], dims: tuple[str, ...], shape: tuple[int, ...]
) -> Coordinates:
    """Return both sky coordinates of a map, named as the cards name them.

    Parameters
    ----------
    header : mapping
        The FITS cards of the two sky axes; axis 1 is the last.
    dims, shape : tuple
        The map's axes; the sky is in the last two.

    Returns
    -------
    dict
        E.g. ``{"ra": (("y", "x"), SkyCoordinate, "deg"), "dec": ...}``.

    Examples
    --------
    >>> cards = {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"}
    >>> list(sky_coordinates(cards, ("plane", "y", "x"), (2, 4, 5)))
    ['glon', 'glat']
    """
    height, width = shape[-2:]
    names = [str(header[f"CTYPE{i}"]).partition("-")[0].lower() for i in (1, 2)]
    return {
        name: (dims[-2:], SkyCoordinate(header, axis, (height, width)), "deg")
        for axis, name in enumerate(names)
    }


def celestial_cards(cards: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cards of axes 1 and 2 if they are a sky, None if they are not.

    Parameters
    ----------
    cards : mapping
        FITS cards of all axes of a map, axis 1 its last; None stays None.

    Examples
    --------
    >>> celestial_cards({"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR"})["CUNIT1"]
    'deg'
    >>> celestial_cards({"CTYPE1": "RA---TAN", "CTYPE2": "VRAD"}) is None
    True
    """
    from astropy.wcs import InvalidSubimageSpecificationError, WcsError

    try:
        wcs = celestial_wcs(cards)
        if wcs.naxis > 2:
            wcs = wcs.sub([1, 2])
        if {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
            return None
        return dict(wcs.to_header(relax=True))
    except (InvalidSubimageSpecificationError, WcsError, ValueError):
        return None  # axes of different kinds, or cards that make no WCS
