"""CubeInput: a cube as a fit reads it: values, and what the input tells about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from graphfit.cube.inputs.source import Source


@final
@dataclass(frozen=True, eq=False)
class CubeInput:
    """A cube as a fit reads it.

    Attributes
    ----------
    source : Source
        The values.
    unit : astropy.units.Unit or None
        Theirs; None where it is not known.
    wcs : APE-14 WCS or None
        World coordinates of the axes.
    mask : Source or None
        Of bool, of the cube's shape; True leaves a voxel out.
    noise : Source or None
        Standard deviations, of the cube's shape and in its unit, where the input has them.
    dims : tuple of str or None
        Names of the axes, where the input has them.
    coords : mapping of str to array or Quantity
        One-dimensional coordinates by the name of their axis.
    header : mapping of str to plain values
        Worth keeping for provenance: object, telescope, beam.
    """

    source: Source
    unit: Any = None
    wcs: Any = None
    mask: Source | None = None
    noise: Source | None = None
    dims: tuple[str, ...] | None = None
    coords: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.source.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.source.shape)

    @property
    def label(self) -> str:
        """What messages call the cube."""
        return self.source.label
