"""World axes of a WCS, seen from the axes of an array.

All of it goes through the common interface of WCS objects (astropy's APE 14), so FITS
WCS, gwcs and sliced ones are alike.  Pixel axes are in reverse order of array axes.
"""

import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from graphfit.errors import DataError
from graphfit.typing import AnyArray, FloatArray

# How CTYPE begins on spectral axes, standard or not, that have no physical type.
_SPECTRAL = (
    "FREQ",
    "ENER",
    "WAV",
    "AWAV",
    "LAMB",
    "VEL",
    "VRAD",
    "VOPT",
    "VLSR",
    "FELO",
)
_NAMES = {
    "em.freq": "frequency",
    "em.wl": "wavelength",
    "em.energy": "energy",
    "em.wavenumber": "wavenumber",
    "spect.dopplerVeloc": "velocity",
    "src.redshift": "redshift",
    "pos.eq.ra": "ra",
    "pos.eq.dec": "dec",
    "pos.galactic.lon": "glon",
    "pos.galactic.lat": "glat",
    "pos.ecliptic.lon": "elon",
    "pos.ecliptic.lat": "elat",
    "phys.polarization.stokes": "stokes",
    "time": "time",
}


@final
@dataclass(frozen=True, eq=False)
class WcsAxes:
    """A WCS whose pixel axes are axes of an array.

    Attributes
    ----------
    wcs : low-level WCS
        Of APE 14.
    shape : tuple of int
        Of the array.
    axes : tuple of int
        The array's axis of each of the WCS's axes, in array order.
    turn : lock
        Held while the WCS computes: wcslib keeps state meanwhile.
    """

    wcs: Any
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    turn: Any = field(default_factory=threading.Lock, repr=False)

    def __reduce__(self) -> Any:
        return WcsAxes, (self.wcs, self.shape, self.axes)

    def varies_with(self, world: int) -> tuple[int, ...]:
        """Return the array axes that a world axis depends on."""
        matrix = np.asarray(self.wcs.axis_correlation_matrix)[world, ::-1]
        return tuple(a for a, used in zip(self.axes, matrix, strict=True) if used)

    def own(self, axis: int) -> int | None:
        """Return the world axis that belongs to an array axis, None where none does.

        Of several that vary with it, the one nearest in number to its pixel axis.
        """
        return self.assigned((axis,))[0]

    def assigned(self, axes: Sequence[int]) -> tuple[int | None, ...]:
        """Return the world axis of each of some array axes, none of them twice.

        Where several world axes vary with several pixel axes, as right ascension and
        declination do, each pixel axis gets the world axis nearest to it in number.
        """
        from scipy.optimize import linear_sum_assignment

        pixels = [len(self.axes) - 1 - self.axes.index(axis) for axis in axes]
        varies = np.asarray(self.wcs.axis_correlation_matrix, dtype=bool)[:, pixels].T
        worlds = np.arange(varies.shape[1])
        distance = np.abs(np.array(pixels)[:, None] - worlds).astype(float)
        distance[~varies] = 1e6
        chosen = dict(zip(*linear_sum_assignment(distance), strict=True))
        return tuple(
            int(chosen[i]) if i in chosen and varies[i, chosen[i]] else None
            for i in range(len(pixels))
        )

    def unit(self, world: int) -> Any:
        """Return the unit of a world axis, None where it has none."""
        from astropy import units

        text = self.wcs.world_axis_units[world]
        if not text:
            return None
        unit = units.Unit(text, parse_strict="silent")
        return None if isinstance(unit, units.UnrecognizedUnit) else unit

    def name(self, world: int) -> str:
        """Return a name for a world axis; empty where nothing tells it."""
        given = self.wcs.world_axis_names[world]
        if given:
            return str(given)
        kind = self.wcs.world_axis_physical_types[world]
        if kind is None:
            return _ctypes(self.wcs)[world].strip().lower()
        kind = kind.partition(";")[0]  # "em.wl;obs.atmos"
        for known, name in _NAMES.items():
            if kind == known or kind.startswith(known + "."):
                return name
        return str(kind.rpartition(".")[2].removeprefix("custom:"))

    def values(self, world: int, where: Sequence[slice]) -> FloatArray:
        """Return a world axis at a slice of the array.

        Parameters
        ----------
        world : int
            Number of the world axis.
        where : sequence of slice
            One an axis of the array.

        Returns
        -------
        ndarray
            With as many axes as the array; of length 1 along those the world axis does
            not vary with.  NaN where the WCS has no value.
        """
        varying = self.varies_with(world)
        ndim = len(self.shape)
        pixels: list[Any] = []
        for axis in reversed(self.axes):
            length = self.shape[axis]
            if axis in varying:
                pixel = np.arange(length, dtype=float)[where[axis]]
                place = [1] * ndim
                place[axis] = len(pixel)
                pixels.append(pixel.reshape(place))
            else:  # the middle is where a WCS is sure to have a value
                pixels.append(np.full((1,) * ndim, (length - 1) // 2, dtype=float))
        grids = np.broadcast_arrays(*pixels)
        with self.turn:
            found = self.wcs.pixel_to_world_values(*(grid.ravel() for grid in grids))
        if self.wcs.world_n_dim > 1:
            found = found[world]
        return np.asarray(found, dtype=float).reshape(grids[0].shape)


def quiet() -> Any:
    """Return a context without astropy's remarks on coordinates."""
    from astropy.utils.exceptions import AstropyWarning

    return warnings.catch_warnings(action="ignore", category=AstropyWarning)


def is_wcs(value: Any) -> bool:
    """Return whether a value is a WCS by the common interface."""
    if "astropy.wcs.wcsapi" not in sys.modules:
        return False  # nothing can derive from what nobody has imported
    from astropy.wcs.wcsapi import BaseHighLevelWCS, BaseLowLevelWCS

    return isinstance(value, (BaseHighLevelWCS, BaseLowLevelWCS))


def wcs_axes(
    wcs: Any, shape: tuple[int, ...], axes: tuple[int, ...] | None, label: str
) -> WcsAxes:
    """Return a WCS over the axes of an array.

    Parameters
    ----------
    wcs : APE-14 WCS
        High- or low-level.
    shape : tuple of int
        Of the array.
    axes : tuple of int or None
        Array axes that a WCS with fewer axes than the array may belong to.
    label : str
        For messages.

    Raises
    ------
    DataError
        If it has another number of axes.
    """
    low = low_level(wcs)
    if low.pixel_n_dim == len(shape):
        return WcsAxes(low, shape, tuple(range(len(shape))))
    if axes is not None and low.pixel_n_dim == len(axes):
        return WcsAxes(low, shape, axes)
    msg = (
        f"{label}: the WCS has {low.pixel_n_dim} pixel axes and the data have "
        f"{len(shape)}; give a WCS of the data, e.g. wcs.sub(...) or wcs.slice(...)."
    )
    raise DataError(msg)


def low_level(wcs: Any) -> Any:
    """Return the low-level side of a WCS."""
    return getattr(wcs, "low_level_wcs", wcs)


def spectral_world_axes(wcs: Any) -> tuple[int, ...]:
    """Return the world axes of a low-level WCS that are spectral, by type or CTYPE."""
    kinds = wcs.world_axis_physical_types
    return tuple(
        number
        for number, (kind, ctype) in enumerate(zip(kinds, _ctypes(wcs), strict=True))
        if (kind or "").startswith(("em.", "spect."))
        or (kind is None and ctype.upper().startswith(_SPECTRAL))
    )


def _ctypes(wcs: Any) -> list[str]:
    """Return the CTYPE of each world axis; empty for a WCS that is not astropy's."""
    fits = getattr(wcs, "wcs", None)
    return [str(ctype) for ctype in getattr(fits, "ctype", [""] * wcs.world_n_dim)]


def require_finite(values: AnyArray, label: str) -> None:
    """Refuse coordinates that are NaN or infinite.

    Raises
    ------
    DataError
        Naming the first, and how many there are.
    """
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        msg = (
            f"{label}: {int(bad.sum())} of {bad.size} coordinates are not finite, the first "
            f"at {first}; every point of a fit needs one, masked or not."
        )
        raise DataError(msg)
