"""Aligned: an array beside a cube, one number a voxel, a channel, a pixel, or in all."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, final

import numpy as np

from graphfit.cube.inputs.axes import CubeAxes, Region
from graphfit.cube.inputs.source_protocol import Source
from graphfit.errors import DataError
from graphfit.typing import AnyArray

Kind = Literal["voxel", "channel", "pixel"]


@final
@dataclass(frozen=True, eq=False)
class Aligned:
    """An array in one of the shapes that go with a cube.

    Attributes
    ----------
    source : Source
        Of the cube's shape, its fitting axes' or its map's.
    kind : {"voxel", "channel", "pixel"}
        Which of them.
    axes : CubeAxes
        Of the cube.
    """

    source: Source
    kind: Kind
    axes: CubeAxes

    def read(self, region: Region) -> AnyArray:
        """Return the part of a region: (P, N), (1, N) or (P, 1)."""
        if self.kind == "voxel":
            return self.axes.rows(self.source.read(self.axes.where(region)))
        if self.kind == "pixel":
            return self.source.read(region).reshape(-1, 1)
        whole = self.source.read(tuple(slice(None) for _ in self.source.shape))
        return whole.reshape(1, -1)


class _Shape(NamedTuple):
    kind: Kind
    shape: tuple[int, ...]
    what: str


def aligned(source: Source, axes: CubeAxes, label: str) -> Aligned:
    """Return an array as one that goes with a cube, by its shape.

    Parameters
    ----------
    source : Source
        Of the cube's shape (an axis of length 1 repeats), its map's, or its fitting axes'.
    axes : CubeAxes
        Of the cube.
    label : str
        For messages.

    Raises
    ------
    DataError
        For other shapes, and one that could mean two things.
    """
    from graphfit.cube.inputs.derived_source import broadcast

    if len(source.shape) == len(axes.shape):
        fits = all(n in (1, m) for n, m in zip(source.shape, axes.shape, strict=True))
        if fits and all(source.shape[i] == 1 for i in axes.iterating):
            return Aligned(
                _reshaped(source, axes.fit_shape, axes.fitting), "channel", axes
            )
        if fits and all(source.shape[i] == 1 for i in axes.fitting):
            return Aligned(
                _reshaped(source, axes.map_shape, axes.iterating), "pixel", axes
            )
        if fits:
            return Aligned(broadcast(source, axes.shape), "voxel", axes)
    candidates = [
        _Shape("pixel", axes.map_shape, "one a pixel"),
        _Shape("channel", axes.fit_shape, "one a channel"),
    ]
    found = [item for item in candidates if item.shape == source.shape]
    if len(found) == 2 and source.shape:
        msg = (
            f"{label} has shape {source.shape}, which is that of the map and of the fitting "
            "axes; give it all axes of the cube, with length 1 where it does not vary."
        )
        raise DataError(msg)
    if not found:
        msg = (
            f"{label} has shape {source.shape}; the cube has {axes.shape}: give one number "
            f"a voxel {axes.shape}, a pixel {axes.map_shape} or a channel {axes.fit_shape}."
        )
        raise DataError(msg)
    return Aligned(source, found[0].kind, axes)


@final
@dataclass(frozen=True, eq=False)
class _Squeezed:
    """A source without the axes of length 1 that a cube's shape gave it."""

    source: Source
    shape: tuple[int, ...]
    axes: tuple[int, ...]

    @property
    def dtype(self) -> Any:
        return self.source.dtype

    @property
    def chunks(self) -> tuple[int, ...] | None:
        chunks = self.source.chunks
        return None if chunks is None else tuple(chunks[i] for i in self.axes)

    @property
    def label(self) -> str:
        return self.source.label

    @property
    def is_light(self) -> bool:
        return self.source.is_light

    def read(self, where: Region) -> AnyArray:
        slices = [slice(None)] * len(self.source.shape)
        for axis, part in zip(self.axes, where, strict=True):
            slices[axis] = part if self.source.shape[axis] > 1 else slice(None)
        values = self.source.read(tuple(slices))
        others = tuple(i for i in range(values.ndim) if i not in self.axes)
        kept = np.squeeze(values, axis=others)
        order = np.argsort(np.argsort(self.axes))
        lengths = tuple(
            len(range(*part.indices(length)))
            for part, length in zip(where, self.shape, strict=True)
        )
        return np.broadcast_to(kept.transpose(order), lengths)

    def identity(self) -> Any:
        return (self.source.identity(), self.shape, self.axes)


def _reshaped(source: Source, shape: tuple[int, ...], axes: tuple[int, ...]) -> Source:
    return _Squeezed(source, shape, axes)
