"""How a run over a cube goes, apart from what it computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, final

import numpy as np

from graphfit.errors import SettingError

LONGEST = 1e8  # s, three years: what timers of all systems can take


def require_seconds(name: str, value: Any, otherwise: str = "") -> None:
    """Refuse what is no time; None is no limit.

    Raises
    ------
    SettingError
        Saying what is allowed.

    Examples
    --------
    >>> require_seconds("stop", 2.5)
    >>> from graphfit.errors import SettingError
    >>> try:
    ...     require_seconds("stop", 0)
    ... except SettingError as error:
    ...     print(error)
    stop must be a number of seconds > 0, or None for no limit; got 0.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if value is None or (is_number and 0.0 < float(value) < LONGEST):
        return
    msg = (
        f"{name} must be a number of seconds > 0,{otherwise} or None for no limit; got "
        f"{value!r}."
    )
    raise SettingError(msg)


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
        most = self.chunk_n_max
        is_whole = isinstance(most, (int, np.integer)) and not isinstance(most, bool)
        if most is not None and (not is_whole or most < 1):
            msg = (
                f"chunk_n_max must be a whole number of at least 1 pixel, got {most!r}."
            )
            raise SettingError(msg)
        if not callable(self.stop):
            require_seconds(
                "stop", self.stop, " or a function of the counts by status,"
            )
        if self.progress not in (True, False, None):
            msg = f"progress must be True, False or None, got {self.progress!r}."
            raise SettingError(msg)
        if isinstance(self.priority, str) and self.priority != "brightest":
            msg = (
                'priority must be "brightest", an array over the map (higher first), or '
                f"None, got {self.priority!r}."
            )
            raise SettingError(msg)
