"""SpectralCubeSource: the values, or the mask, of a spectral-cube object, lazily."""

from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from graphfit.io.values_digest import values_identity
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class SpectralCubeSource:
    """One side of a ``SpectralCube``, read through its public views.

    Attributes
    ----------
    cube : spectral_cube.SpectralCube
        In memory, mapped or on dask.
    part : {"values", "mask"}
        The values below the mask, or the mask: True leaves a voxel out.
    label : str
        For messages.
    """

    cube: Any
    part: Literal["values", "mask"] = "values"
    label: str = "data"

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(int(length) for length in self.cube.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what is read: native byte order."""
        if self.part == "mask":
            return np.dtype(bool)
        corner = self.cube.unmasked_data[(slice(0, 1),) * len(self.shape)]
        return np.dtype(str(corner.dtype.newbyteorder("=").str))

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """None: any slice can be read alone."""
        return None

    @property
    def is_light(self) -> bool:
        """False: it pickles as its values."""
        return False

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return the values of a slice, without their unit, or its mask."""
        if self.part == "mask":
            return ~np.asarray(self.cube.mask.include(view=where), dtype=bool)
        return np.asarray(self.cube.unmasked_data[where].value, self.dtype)

    def identity(self) -> Any:
        """Return a digest of all that is read."""
        return values_identity(self)
