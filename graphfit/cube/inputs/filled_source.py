"""FilledSource: a source with NaN where its mask leaves values out."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.cube_input import CubeInput
from graphfit.cube.inputs.source_protocol import Source
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class FilledSource:
    """A source with NaN where its mask leaves values out.

    Attributes
    ----------
    source : Source
        What is read.
    mask : Source
        Of bool, of the same shape.
    """

    source: Source
    mask: Source

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the source; float64 where it has no NaN."""
        own = self.source.dtype
        return own if own.kind == "f" else np.dtype(np.float64)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Those of the source."""
        return self.source.chunks

    @property
    def label(self) -> str:
        """That of the source."""
        return self.source.label

    @property
    def is_light(self) -> bool:
        """Whether both are."""
        return self.source.is_light and self.mask.is_light

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice, as a new array."""
        values = np.array(self.source.read(where), self.dtype)
        values[self.mask.read(where)] = np.nan
        return values

    def identity(self) -> Any:
        """Return the identities of both."""
        return (self.source.identity(), self.mask.identity())


def filled(cube: CubeInput) -> Source:
    """Return the values of an input, with NaN under its mask where it has one.

    Parameters
    ----------
    cube : CubeInput
        Noise, a map, coordinates: whatever has no mask of its own in a fit.

    Examples
    --------
    >>> from graphfit.cube.inputs.reading import read_cube
    >>> noise = read_cube(np.ma.array([1.0, -9.0], mask=[False, True]))
    >>> filled(noise).read((slice(None),))
    array([ 1., nan])
    """
    return cube.source if cube.mask is None else FilledSource(cube.source, cube.mask)
