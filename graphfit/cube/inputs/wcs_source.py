"""WcsSource: a world axis that varies over the map, evaluated slice by slice."""

from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np

from graphfit.cube.inputs.source import slice_shape
from graphfit.cube.inputs.wcs_axes import WcsAxes
from graphfit.typing import AnyArray


@final
@dataclass(frozen=True, eq=False)
class WcsSource:
    """A world axis that varies over the map, evaluated slice by slice.

    Attributes
    ----------
    axes : WcsAxes
        The WCS.
    number : int
        Of its world axis.
    label : str
        For messages.
    """

    axes: WcsAxes
    number: int
    label: str = "world"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the cube."""
        return self.axes.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float64."""
        return np.dtype(np.float64)

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """None: any slice can be read alone."""
        return None

    @property
    def is_light(self) -> bool:
        """True: it pickles as its WCS."""
        return True

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return the coordinates of a slice, of its shape."""
        values = self.axes.values(self.number, where)
        return np.broadcast_to(values, slice_shape(where, self.shape))

    def identity(self) -> Any:
        """Return the coordinates at the corners and the middle of the cube."""
        varying = self.axes.varies_with(self.number)
        places = [
            sorted({0, (n - 1) // 2, n - 1}) if axis in varying else [0]
            for axis, n in enumerate(self.shape)
        ]
        found = [
            self.axes.values(self.number, [slice(i, i + 1) for i in place]).item()
            for place in product(*places)
        ]
        return ("wcs", self.number, self.shape, np.array(found))
