"""The one loop that drives a run: pieces out, outcomes in, whatever the scheduler.

A scheduler of dask runs a graph of tasks to its end.  A run over a cube wants more: results
as they come (to make them durable), an order, a stop, a worker that dies without taking
the map with it.  So pieces are handed out a few at a time, and the loop decides what is
next.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from graphfit.errors import GraphfitError
from graphfit.scheduling.outcome import Fate
from graphfit.scheduling.workers import Workers, workers_for

Piece = TypeVar("Piece")
MOST_LOSSES = 5  # of one piece, through no fault of its own
MOST_DEATHS = 40  # of workers, before the first piece is done


class WorkersLostError(GraphfitError, RuntimeError):
    """Workers were lost again and again; what was found before is kept."""


def run_pieces(
    function: Callable[[Piece], Any],
    pieces: Iterable[Piece],
    deliver: Callable[[Piece, Any], None],
    *,
    scheduler: Any = None,
    n_workers: int | None = None,
    split: Callable[[Piece], tuple[Piece, ...]] | None = None,
    lost: Callable[[Piece, Any], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> None:
    """Run a function on every piece, and deliver what it returns as it comes.

    Parameters
    ----------
    function : callable
        ``function(piece)``, on a worker.  What it raises ends the run.
    pieces : iterable
        Taken one by one, when there is room: they may be made on the way, in the order of
        their importance.
    deliver : callable
        ``deliver(piece, value)``, in the calling thread, in the order of completion.
    scheduler : {"threads", "processes", "synchronous", "default"} or distributed.Client
        See :func:`graphfit.scheduling.workers.workers_for`.
    n_workers : int, optional
        Of threads and processes.
    split : callable, optional
        Cuts a piece whose worker died in two, to find the pixel that kills; returns
        nothing for a piece that cannot be cut.
    lost : callable, optional
        ``lost(piece, told)`` takes such a piece, and what the worker told as it died, or
        None; without it that is an error.
    stop : callable, optional
        Asked before a piece is handed out; those being worked on are still delivered.

    Raises
    ------
    WorkersLostError
        If workers die without a piece to blame.

    Examples
    --------
    >>> found = {}
    >>> run_pieces(abs, [-1, 2, -3], found.__setitem__, scheduler="threads", n_workers=2)
    >>> dict(sorted(found.items()))
    {-3: 3, -1: 1, 2: 2}
    """
    with_workers = workers_for(scheduler, function, n_workers)
    run = _Run(with_workers, iter(pieces), deliver, split, lost, stop)
    try:
        run.to_the_end()
    finally:
        with_workers.close()


class _Submitted(NamedTuple):
    """A piece that is being worked on."""

    handle: Any
    piece: Any
    losses: int


class _Run:
    """The state of the loop."""

    def __init__(
        self,
        workers: Workers,
        pieces: Iterator[Any],
        deliver: Callable[[Any, Any], None],
        split: Callable[[Any], tuple[Any, ...]] | None,
        lost: Callable[[Any, Any], None] | None,
        stop: Callable[[], bool] | None,
    ) -> None:
        self._workers = workers
        self._pieces = pieces
        self._deliver = deliver
        self._split = split
        self._lost = lost
        self._stop = stop
        self._out: list[_Submitted] = []  # in the order of submission
        self._again: deque[tuple[Any, int]] = deque()  # with how often each was lost
        # Pieces that were at work when a worker died: each is tried alone.
        self._suspects: deque[Any] = deque()
        self._alone = False
        self._deaths = 0
        self._any_done = False

    def to_the_end(self) -> None:
        while True:
            self._fill()
            if not self._out:
                return
            done = self._workers.finished([item.handle for item in self._out], None)
            for handle in done:
                item = next(item for item in self._out if item.handle is handle)
                outcome = self._workers.outcome(handle)
                self._out = [other for other in self._out if other is not item]
                self._take(item, outcome.fate, outcome.value)

    def _fill(self) -> None:
        """Hand out pieces until no worker has to wait."""
        if self._suspects:
            if not self._out:
                self._alone = True
                self._submit(self._suspects.popleft())
            return
        self._alone = False
        while len(self._out) < self._workers.depth:
            if self._again:
                self._submit(*self._again.popleft())
                continue
            if self._stop is not None and self._stop():
                return
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._submit(piece)

    def _submit(self, piece: Any, losses: int = 0) -> None:
        handle = self._workers.submit(piece, alone=self._alone)
        self._out.append(_Submitted(handle, piece, losses))

    def _take(self, item: "_Submitted", fate: Fate, value: Any) -> None:
        if fate is Fate.DONE:
            self._any_done = True
            self._deliver(item.piece, value)
        elif fate is Fate.LOST:
            self._count_loss(item.losses + 1)
            self._again.append((item.piece, item.losses + 1))
        else:
            self._count_death()
            if self._alone:
                self._divide(item.piece, value)
            else:
                self._suspects.append(item.piece)

    def _divide(self, piece: Any, told: Any) -> None:
        parts = self._split(piece) if self._split is not None else ()
        if parts:
            self._suspects.extendleft(reversed(parts))
        elif self._lost is not None:
            self._lost(piece, told)
        else:
            msg = f"A worker died while it worked on {piece!r}, and died again alone."
            raise WorkersLostError(msg)

    def _count_death(self) -> None:
        """Tell a piece that kills its worker from workers that cannot work at all."""
        self._deaths += 1
        if self._deaths > MOST_DEATHS and not self._any_done:
            msg = (
                f"Workers died {self._deaths} times before any piece of work was done: they "
                "cannot start, run out of memory, or the analysis ends them wherever it is "
                "called. Their own error is above; try scheduler='synchronous' to see it, "
                "or, for a cube, a smaller chunk_n_max."
            )
            raise WorkersLostError(msg)

    def _count_loss(self, count: int) -> None:
        if count > MOST_LOSSES:
            msg = (
                f"A piece of work was lost {count} times without an error; are the workers "
                "being stopped, or their tasks cancelled? With store= the same call goes on "
                "from what is done."
            )
            raise WorkersLostError(msg)
