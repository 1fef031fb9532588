"""run_cells: one piece of work in every cell of a grid, wherever workers are.

A cell that fails is an outcome like any other.  What is wrong for every cell, a setting or
the folder to write to, ends the run instead.
"""

import math
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from graphfit.errors import (
    ConvergenceError,
    ConvergenceWarning,
    FitException,
    ImpossibleError,
    NonFiniteError,
    NotRepeatableError,
    OutputError,
    PriorError,
    SettingError,
)
from graphfit.samples import Status
from graphfit.scheduling.executor import run_pieces
from graphfit.scheduling.workers import worker_count
from graphfit.search.grid.workplace import Workplace
from graphfit.search.progress import Progress

PIECES_A_WORKER = 16  # so that none is left waiting at the end for long
MOST_CELLS = 16  # in a piece
SHOWN = 3  # failures, in the warning
# What a search raises, as a status; everything else is the user's code.
STATUSES = (
    (PriorError, Status.BAD_START),
    (ImpossibleError, Status.IMPOSSIBLE),
    (NotRepeatableError, Status.NOT_REPEATABLE),
    ((NonFiniteError, ConvergenceError, FitException), Status.NON_FINITE),
)
DIED = "The process that worked on this cell died, and died again."


@final
@dataclass(frozen=True)
class CellOutcome:
    """What became of one cell.

    Attributes
    ----------
    status : Status
        Of a fit that ended, or why there is none.
    message : str
        What went wrong: which cell and the error in the first line, below it the traceback.
    value : object
        What the work returned; None where it failed.
    """

    status: Status
    message: str = ""
    value: Any = None


def run_cells(
    work: Callable[[int], CellOutcome],
    numbers: Sequence[int],
    labels: Callable[[int], str],
    place: Workplace,
    *,
    name: str,
    progress: bool | None = None,
) -> dict[int, CellOutcome]:
    """Run a piece of work in every cell, and return what became of each.

    Parameters
    ----------
    work : callable
        ``work(number)``, on a worker.  It may raise: that is the cell's outcome.
    numbers : sequence of int
        The cells.
    labels : callable
        What to call a cell in messages.
    place : Workplace
    name : str
        What is running.
    progress : bool or None
        Show how many cells are done; None: on a terminal.

    Returns
    -------
    dict of int to CellOutcome
        In the order of `numbers`.

    Raises
    ------
    SettingError, OutputError
        Raised by the work: they are no matter of one cell.
    """
    found: dict[int, CellOutcome] = {}
    shown = False if place.is_serial else progress  # then the fits show their own

    with Progress(name, shown) as bar:

        def deliver(piece: tuple[int, ...], outcomes: Sequence[CellOutcome]) -> None:
            found.update(zip(piece, outcomes, strict=True))
            bar.update(f"{len(found)} of {len(numbers)} cells")

        def lost(piece: tuple[int, ...], told: str | None) -> None:
            words = DIED if told is None else f"{DIED}\n{told}"
            text = f"In {labels(piece[0])}: {words}"
            deliver(piece, [CellOutcome(Status.WORKER_DIED, text)])

        run_pieces(
            _Work(work, labels),
            _pieces(numbers, worker_count(place.scheduler, place.n_workers)),
            deliver,
            scheduler=place.scheduler,
            n_workers=place.n_workers,
            split=_halves,
            lost=lost,
        )
    return {number: found[number] for number in numbers}


def warn_of_failures(
    who: str,
    outcomes: Sequence[CellOutcome],
    *,
    what: str = "cells",
    again: str = "",
) -> None:
    """Warn of cells without an answer, if there are some.

    Parameters
    ----------
    who : str
        The grid.
    outcomes : sequence of CellOutcome
    what : str
        What they are, in the plural.
    again : str
        What the user can do.
    """
    failed = [item for item in outcomes if item.message]
    if not failed:
        return
    first = [item.message.partition("\n")[0] for item in failed[:SHOWN]]
    if len(failed) > SHOWN:
        first.append(f"and {len(failed) - SHOWN} more")
    msg = (
        f"{who}: {len(failed)} of {len(outcomes)} {what} have no answer; "
        f"`statuses` and `messages` of the result tell.{again}\n" + "\n".join(first)
    )
    warnings.warn(msg, ConvergenceWarning, stacklevel=3)


@final
class _Work:
    """The work on a piece: each of its cells, none of which can spoil another."""

    def __init__(
        self, work: Callable[[int], CellOutcome], labels: Callable[[int], str]
    ) -> None:
        self._work = work
        self._labels = labels

    def __call__(self, piece: tuple[int, ...]) -> list[CellOutcome]:
        return [self._outcome(number) for number in piece]

    def _outcome(self, number: int) -> CellOutcome:
        try:
            return self._work(number)
        except (SettingError, OutputError) as error:
            error.add_note(f"In {self._labels(number)}")
            raise
        except (Exception, SystemExit) as error:  # boundary: users' code  # noqa: BLE001
            kinds = (status for kind, status in STATUSES if isinstance(error, kind))
            text = f"In {self._labels(number)}: {type(error).__name__}: {error}"
            trace = "".join(traceback.format_exception(error))
            return CellOutcome(next(kinds, Status.USER_ERROR), f"{text}\n{trace}")


def _pieces(numbers: Sequence[int], workers: int) -> list[tuple[int, ...]]:
    size = math.ceil(len(numbers) / (PIECES_A_WORKER * workers))
    size = max(1, min(MOST_CELLS, size))
    return [tuple(numbers[i : i + size]) for i in range(0, len(numbers), size)]


def _halves(piece: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    middle = len(piece) // 2
    return (piece[:middle], piece[middle:]) if middle else ()
