"""Workplace: where the cells of a grid are worked on."""

from dataclasses import dataclass
from typing import Any, final

from graphfit.errors import SettingError
from graphfit.scheduling.processes import require_guard
from graphfit.scheduling.workers import resolved, shares_memory


@final
@dataclass(frozen=True)
class Workplace:
    """Where the cells of a grid are worked on.

    Attributes
    ----------
    scheduler : {"threads", "processes", "synchronous"} or distributed.Client
    n_workers : int or None
    """

    scheduler: Any
    n_workers: int | None

    @property
    def shares_memory(self) -> bool:
        """Whether what workers return is not copied."""
        return shares_memory(self.scheduler)

    @property
    def is_serial(self) -> bool:
        """Whether it is the calling thread."""
        return isinstance(self.scheduler, str) and self.scheduler == "synchronous"


def workplace(
    who: str, scheduler: Any, n_workers: int | None, number_of_cores: int
) -> Workplace:
    """Return where the settings say that cells are to be worked on.

    Parameters
    ----------
    who : str
        The grid, for the message.
    scheduler : {"threads", "processes", "synchronous", "default"}, Client or None
        None: processes if there is more than one core, else the calling thread.
    n_workers : int or None
        Of threads and processes.
    number_of_cores : int
        The same, in PyAutoFit's word.

    Raises
    ------
    SettingError
        If they contradict one another, or processes cannot be started.
    """
    if number_of_cores > 1:
        if n_workers not in (None, number_of_cores):
            msg = (
                f"{who}: number_of_cores={number_of_cores} and n_workers={n_workers} are "
                "two words for the same; give one."
            )
            raise SettingError(msg)
        n_workers = number_of_cores
    elif n_workers is not None and scheduler is None:
        msg = (
            f"{who}(n_workers={n_workers}): say of what, scheduler='threads' or "
            "scheduler='processes'."
        )
        raise SettingError(msg)
    if scheduler is None:
        scheduler = "processes" if number_of_cores > 1 else "synchronous"
    scheduler = resolved(scheduler)
    if isinstance(scheduler, str) and scheduler == "processes":
        said = f"number_of_cores={number_of_cores}"
        require_guard(
            f"{who}({said if number_of_cores > 1 else 'scheduler=processes'})"
        )
    return Workplace(scheduler, n_workers)
