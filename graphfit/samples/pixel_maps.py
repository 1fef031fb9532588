"""PixelMaps: what fits of many pixels found, one array a quantity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from graphfit.typing import AnyArray


@final
@dataclass(frozen=True)
class MapSpec:
    """One quantity that every pixel has: a row of the table of outputs.

    What writes, reads and draws maps goes by this table; a new output is a new row.

    Attributes
    ----------
    name : str
        E.g. ``"0.amplitude_error"``.
    dtype : str
        Of numpy, e.g. ``"f8"``, ``"i2"``.
    fill : float or int
        The value at pixels without an answer.
    description : str
        One sentence.
    unit : str
        As astropy writes it; empty where there is none or it is not known.
    axes : tuple of str
        Names of the axes behind those of the map, e.g. ``("parameter", "parameter_")``.
    shape : tuple of int
        Their lengths.
    """

    name: str
    dtype: str
    fill: float | int
    description: str
    unit: str = ""
    axes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class PixelMaps:
    """Arrays over the iterating axes of a cube, with the table that explains them.

    Attributes
    ----------
    shape : tuple of int
        The lengths of the iterating axes.
    specs : tuple of MapSpec
        One a map.
    arrays : mapping of str to array
        By the specs' names, each of shape ``shape + spec.shape``; numpy arrays, or zarr
        arrays on disk, which are read where they are indexed.
    """

    shape: tuple[int, ...]
    specs: tuple[MapSpec, ...]
    arrays: Mapping[str, AnyArray | Any]

    def spec(self, name: str) -> MapSpec:
        """Return the row of the table for one map."""
        return next(spec for spec in self.specs if spec.name == name)
