"""How a run over a cube goes, apart from what it computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from graphfit.errors import SettingError


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class RunSettings:
    """Where a run works, in what order, and when it ends; it changes no number.

    Attributes
    ----------
    scheduler : str, distributed.Client or None
    n_workers : int or None
        Of threads and processes.
    chunk_n_max : int or None
        Pixels that are read and handed out at once.
    store : path or None
    priority : "brightest", array over the map, or None
        Higher ones first.
    stop : float, callable or None
        Seconds after which no new work begins, or ``stop(counts) -> bool``.
    progress : bool or None
    """

    scheduler: Any = None
    n_workers: int | None = None
    chunk_n_max: int | None = None
    store: Any = None
    priority: Any = None
    stop: float | Callable[[Mapping[str, int]], bool] | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        if self.chunk_n_max is not None and self.chunk_n_max < 1:
            msg = f"chunk_n_max must be at least 1 pixel, got {self.chunk_n_max!r}."
            raise SettingError(msg)
        if self.stop is not None and not callable(self.stop) and not self.stop > 0:
            msg = (
                "stop must be a number of seconds > 0, or a function of the counts by "
                f"status, got {self.stop!r}."
            )
            raise SettingError(msg)
        if isinstance(self.priority, str) and self.priority != "brightest":
            msg = (
                'priority must be "brightest", an array over the map (higher first), or '
                f"None, got {self.priority!r}."
            )
            raise SettingError(msg)
