"""Source: an array that is read slice by slice, wherever it lies."""

from typing import Any, Protocol

import numpy as np

from graphfit.typing import AnyArray


class Source(Protocol):
    """What every source has."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of what is read: native byte order."""
        ...

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """Lengths of the blocks that are cheap to read, None where any slice is."""
        ...

    @property
    def label(self) -> str:
        """What messages call it: ``"data"``, ``"l1448.fits[0]"``."""
        ...

    @property
    def is_light(self) -> bool:
        """Whether it may be sent to other processes as it is; else they get slices."""
        ...

    def read(self, where: tuple[slice, ...]) -> AnyArray:
        """Return a slice, one slice an axis, as an ndarray; it may be a view."""
        ...

    def identity(self) -> Any:
        """Return what tells it from others, for a fingerprint."""
        ...


def slice_shape(where: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a slice of an array.

    Examples
    --------
    >>> slice_shape((slice(2, 5), slice(None)), (4, 7))
    (2, 7)
    """
    return tuple(
        len(range(*cut.indices(length)))
        for cut, length in zip(where, shape, strict=True)
    )
