"""Layers: a cube whose pixels were in part fitted again, under another prior."""

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.population.cube_source import CubeSource
from graphfit.population.members import Members
from graphfit.result import CubeResult
from graphfit.typing import IntArray


@final
class LayeredSource:
    """The pixels of several cubes of one shape; the last that answers for one counts.

    Parameters
    ----------
    sources : sequence of CubeSource
        Each with interim priors of its own.
    """

    def __init__(self, sources: Sequence[CubeSource]) -> None:
        self._sources = tuple(sources)
        self._layer = np.zeros(sources[0].size, dtype=np.int64)
        for k, source in enumerate(self._sources):
            for block in source.blocks():
                self._layer[block.index] = k
        self.has_draws = all(source.has_draws for source in sources)

    @property
    def size(self) -> int:
        return self._sources[0].size

    @property
    def layer(self) -> IntArray:
        """Which cube counts at each pixel, shape (N,)."""
        return self._layer

    def label(self, index: int) -> str:
        return self._sources[0].label(index)

    def blocks(self, *, whole: bool = False) -> Iterator[Members]:
        for k, source in enumerate(self._sources):
            for block in source.blocks(whole=whole):
                own = self._layer[block.index] == k
                if own.all():
                    yield block
                elif own.any():
                    yield block.part(own)

    def kept(self, members: Members) -> Members:
        return self._sources[0].kept(members)

    def member(self, index: int) -> Members:
        source = self._sources[int(self._layer[index])]
        return source.member(index)


def as_cubes(results: Any) -> tuple[CubeResult, ...]:
    """Return the cubes among results, none where these are results of single fits.

    Raises
    ------
    ResultError
        If cubes and other results are mixed, or the cubes have different shapes.
    """
    if isinstance(results, CubeResult):
        return (results,)
    if not isinstance(results, (list, tuple)):
        return ()
    cubes = tuple(item for item in results if isinstance(item, CubeResult))
    if not cubes:
        return ()
    if len(cubes) < len(results):
        msg = (
            "gf.population.fit: cubes and results of single fits in one list; fit each "
            "kind of members by itself."
        )
        raise ResultError(msg)
    shapes = {cube.shape for cube in cubes}
    if len(shapes) > 1:
        msg = (
            f"gf.population.fit: cubes of the shapes {sorted(shapes)}; several cubes are "
            "one map whose pixels were in part fitted again, and have one shape."
        )
        raise ResultError(msg)
    return cubes
