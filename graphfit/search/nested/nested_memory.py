"""NestedMemory: what one thread of the compiled sampler works in, and how it is called."""

from typing import Any, final

import numpy as np

from graphfit.search.nested.engine.cubature_memory import CubatureMemory
from graphfit.search.nested.engine.drivers import explore_pixels, polish_pixel
from graphfit.search.nested.engine.mixture import MOST, PolishMemory
from graphfit.search.nested.engine.posterior import ONE_SIGMA
from graphfit.search.nested.engine.quantiles import Shelves
from graphfit.search.nested.engine.target import Target
from graphfit.search.nested.engine.workspace import (
    DEAD,
    FINISHED,
    PHASE,
    Output,
    Settings,
    new_dead,
    new_memory,
)
from graphfit.typing import AnyArray, BoolArray

ROOM = 40  # dead points for each live one, to begin with
MOST_DIMENSIONS = 2  # that are integrated over
TOLERANCE = 1e-4  # of an evidence that is integrated
UNLIMITED = 1 << 62


@final
class NestedMemory:
    """The memory of one thread, and the pixels that it has to do.

    Parameters
    ----------
    d, n_kept : int
        Sampled dimensions, and numbers kept of a point.
    n_live : int
        The largest number of live points.
    settings : Settings
    periodic : array of bool, shape (d,)

    Attributes
    ----------
    live, dead, bound, state : NamedTuple
        See :mod:`graphfit.search.nested.engine.workspace`.
    """

    def __init__(
        self, d: int, n_kept: int, n_live: int, settings: Settings, periodic: AnyArray
    ) -> None:
        self._shape = (d, n_kept)
        self._reserve = settings.polish + 2 * n_live
        self.settings = settings
        self._cells: CubatureMemory | None = None
        capacity = ROOM * n_live + settings.polish
        if settings.quadrature and d <= MOST_DIMENSIONS:
            self._cells = CubatureMemory.of(d, n_kept)
            capacity = max(capacity, len(self._cells.sample[0]))
        self.live, self.dead, self.bound, self.state = new_memory(
            d, n_kept, n_live, capacity, periodic
        )
        self._mixture: PolishMemory | None = None
        if settings.polish:
            self._mixture = PolishMemory.of(d, MOST, settings.polish)
        self._shelves = Shelves.of(capacity)
        self._constants = np.array([TOLERANCE, *ONE_SIGMA])

    def integrate(
        self, table: Any, target: Target, output: Output, jobs: AnyArray
    ) -> BoolArray:
        """Integrate over the cube of every pixel, where it has few enough dimensions.

        Parameters
        ----------
        table, target, output, jobs
            As for `explore`.

        Returns
        -------
        ndarray of bool, shape (P,)
            Where that was exact enough; the others are to be explored.
        """
        exact = np.zeros(len(jobs), dtype=np.int64)
        if self._cells is not None:
            from graphfit.search.nested.engine.quadrature_driver import (
                integrate_pixels,
            )

            integrate_pixels(
                table,
                target,
                self.dead,
                self.state,
                self._shelves,
                self._cells,
                self._constants,
                output,
                jobs,
                exact,
            )
        return np.asarray(exact != 0)

    def explore(
        self,
        table: Any,
        target: Target,
        output: Output,
        jobs: AnyArray,
        first: int,
        last: int,
        limit: int = UNLIMITED,
    ) -> int:
        """Explore pixels `first` to `last - 1`; return the first that is not finished.

        Parameters
        ----------
        table : TableArrays
        target : Target
        output : Output
        jobs : ndarray of int64, shape (P, 2)
            Seed and live points of each pixel.
        first, last : int
        limit : int
            Contours to pass before it returns.
        """
        part = np.array([first, last, limit], dtype=np.int64)
        while True:
            self._make_room()
            done = explore_pixels(
                table,
                target,
                self.settings,
                self.live,
                self.dead,
                self.bound,
                self.state,
                self._shelves,
                self._constants[1:],
                output,
                jobs,
                part,
            )
            if done < last and self.state.whole[PHASE] == FINISHED:
                self._polish(target, output, done)
            elif done == last or not self._is_full:
                return int(done)
            part[0] = done

    def _polish(self, target: Target, output: Output, pixel: int) -> None:
        assert self._mixture is not None
        polish_pixel(
            target,
            self.settings,
            self.dead,
            self.state,
            self._mixture,
            output,
            pixel,
        )

    @property
    def _is_full(self) -> bool:
        used = self.state.whole[DEAD] + self._reserve
        return bool(used >= len(self.dead.log_l))

    def _make_room(self) -> None:
        if self._is_full:
            capacity = 2 * len(self.dead.log_l)
            self.dead = new_dead(*self._shape, capacity, self.dead)
            self._shelves = Shelves.of(capacity)
