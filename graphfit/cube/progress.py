"""The progress of a run over a cube: done, rate, time left, and how the fits ended."""

import sys
import time
from typing import Any, final

import numpy as np

from graphfit.samples import Status
from graphfit.typing import AnyArray

EVERY = 0.1  # seconds between two looks at the clock's bar


@final
class CubeProgress:
    """Counts pixels by status, and shows them; silent where nobody looks.

    Parameters
    ----------
    total : int
        Pixels.
    done : int
        Of them, that an earlier run left.
    label : str
        What is running.
    show : bool or None
        None: on a terminal.
    """

    def __init__(self, total: int, done: int, label: str, show: bool | None) -> None:
        self.total = total
        self.added = 0
        self.done = done
        self.counts: dict[Status, int] = {}
        self.began = time.perf_counter()
        self._first = done
        self._show = sys.stderr.isatty() if show is None else show
        self._label = label
        self._bar: Any = None
        self._shown_at = -np.inf

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.began

    def add(self, status: AnyArray) -> None:
        """Count the statuses of pixels that are done."""
        codes, numbers = np.unique(status, return_counts=True)
        for code, number in zip(codes.tolist(), numbers.tolist(), strict=True):
            key = Status(code)
            self.counts[key] = self.counts.get(key, 0) + number
        self.added += status.size
        self.done += status.size
        if self._show:
            self._display()

    def _display(self) -> None:
        now = time.perf_counter()
        if now - self._shown_at < EVERY and self.done < self.total:
            return
        self._shown_at = now
        self._draw()

    def _draw(self) -> None:
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=self.total,
                initial=self._first,
                desc=self._label,
                unit="px",
                unit_scale=True,
                dynamic_ncols=True,
            )
        self._bar.set_postfix_str(self.text, refresh=False)
        self._bar.update(self.done - self._bar.n)

    @property
    def text(self) -> str:
        """The counts by status, largest first."""
        ranked = sorted(self.counts.items(), key=lambda item: -item[1])
        return ", ".join(f"{number} {key.name.lower()}" for key, number in ranked)

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._bar is not None:
            self._draw()
            self._bar.refresh()
            self._bar.close()
