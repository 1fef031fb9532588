"""FITS cards need a FITS WCS: the one that a WCS is, or is a slice of."""

from typing import Any


def fits_wcs(wcs: Any) -> Any:
    """Return the ``astropy.wcs.WCS`` of a low-level WCS, or None where it has none.

    An NDData that was sliced has a WCS that looks up another one at other pixels.  Where
    that other one is a FITS WCS, the slice can be written as one, too.

    Parameters
    ----------
    wcs : low-level WCS
        Of astropy's APE 14.
    """
    from astropy.wcs import WCS, WcsError
    from astropy.wcs.wcsapi import SlicedLowLevelWCS

    if isinstance(wcs, WCS):
        return wcs
    whole = getattr(wcs, "_wcs", None)  # astropy has no public name for it
    cuts = getattr(wcs, "_slices_array", None)
    if not isinstance(wcs, SlicedLowLevelWCS) or not isinstance(whole, WCS):
        return None
    if cuts is None:
        return None
    kept = [whole.naxis - i for i, cut in enumerate(cuts) if isinstance(cut, slice)]
    view = [cut if isinstance(cut, slice) else slice(cut, cut + 1) for cut in cuts]
    try:
        return whole.slice(view).sub(kept[::-1])
    except (WcsError, ValueError):  # the axes that are left do not stand alone
        return None
