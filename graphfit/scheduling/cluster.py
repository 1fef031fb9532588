"""Cluster: the workers of a dask.distributed client.

Every piece is sent to one worker and to no other.  Left to itself the scheduler would try a
piece that kills its worker on four of them, with whatever else they were at; and a cluster
gives up a worker that happens to be away 15 s after it died, also if it is only away again.
"""

import contextlib
import itertools
import math
import time
import uuid
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, final

from graphfit.scheduling.outcome import Fate, Outcome
from graphfit.scheduling.sending import Parcel, run_parcel

BETWEEN_LOOKS = 1.0  # s, at who is there
WITHOUT_WORKERS = 60.0  # s, until the user is told
TO_FETCH = 5.0  # s, until it is asked whether the worker with the value is there
TO_RESTART = 5.0  # s, beyond the time after which a cluster gives up a worker


@final
@dataclass
class _Seat:
    """A worker, who has a name as long as he lives."""

    threads: int
    since: float
    pieces: int = 0


@final
class Cluster:
    """The workers of a client.

    Parameters
    ----------
    function : callable
        Of one piece.
    client : distributed.Client
    """

    def __init__(self, function: Callable[[Any], Any], client: Any) -> None:
        self._client = client
        self._parcel = Parcel.of(function)
        # Keys that no other run has: equal names would be taken for equal work.
        self._run = uuid.uuid4().hex[:12]
        self._number = itertools.count()
        self._seats: dict[str, _Seat] = {}
        self._out: dict[Any, str | None] = {}  # where each piece is
        self._seen_at = self._looked_at = time.monotonic()
        self._has_told = False
        self._look(since=-math.inf)  # who is here already has been for long

    @property
    def depth(self) -> int:
        """Twice the threads of the workers, who may come and go."""
        self._look_again()
        return 2 * max(1, sum(seat.threads for seat in self._seats.values()))

    def submit(self, piece: Any, *, alone: bool = False) -> Any:
        """Send a piece; earlier ones have precedence."""
        number = next(self._number)
        address = self._oldest() if alone else self._freest()
        handle = self._client.submit(
            run_parcel,
            self._parcel,
            piece,
            key=f"graphfit-{self._run}-{number}",
            priority=-number,
            pure=False,
            workers=None if address is None else [address],
        )
        self._out[handle] = address
        if address is not None:
            self._seats[address].pieces += 1
        return handle

    def finished(self, handles: Sequence[Any], seconds: float | None) -> list[Any]:
        """Return futures that are done, or whose worker has gone; wait a while for one."""
        from distributed import wait as wait_for

        if not any(handle.done() for handle in handles):
            most = BETWEEN_LOOKS if seconds is None else seconds
            # Not every client is the default one; and what is cancelled is done, too.
            with (
                self._client.as_current(),
                contextlib.suppress(TimeoutError, CancelledError),
            ):
                wait_for(list(handles), timeout=most, return_when="FIRST_COMPLETED")
        self._look_again()
        return [item for item in handles if item.done() or self._is_orphan(item)]

    def outcome(self, handle: Any) -> Outcome:
        """Return what came back, or that the worker which had the piece died."""
        from distributed import CancelledError as DistributedCancelledError
        from distributed.scheduler import KilledWorker

        try:
            if handle.done():
                return Outcome(Fate.DONE, self._value(handle))
            return Outcome(Fate.DIED)
        except _GoneError:
            return Outcome(Fate.LOST)
        except KilledWorker:
            return Outcome(Fate.DIED)
        except (CancelledError, DistributedCancelledError):
            return Outcome(Fate.LOST)
        finally:
            self._let_go(handle)

    def close(self) -> None:
        """Leave the client as it was found: without tasks of this run."""
        # A client that is closed, or has lost its scheduler, has no tasks.
        with contextlib.suppress(OSError, RuntimeError, TimeoutError, CancelledError):
            if self._out:
                self._client.cancel(list(self._out), force=True)
        self._out.clear()

    def _value(self, handle: Any) -> Any:
        """Return a future's value, unless its worker dies before it is handed over."""
        while True:
            try:
                return handle.result(timeout=TO_FETCH)
            except TimeoutError:
                if handle.status == "error":  # the function's own
                    raise
                self._look()
                if self._is_orphan(handle):
                    raise _GoneError from None

    def _let_go(self, handle: Any) -> None:
        address = self._out.pop(handle, None)
        if address in self._seats:
            self._seats[address].pieces -= 1
        if not handle.done():
            with contextlib.suppress(OSError, TimeoutError, CancelledError):
                self._client.cancel([handle], force=True)
        handle.release()

    def _is_orphan(self, handle: Any) -> bool:
        address = self._out.get(handle)
        return address is not None and address not in self._seats

    def _freest(self) -> str | None:
        """Return the worker with most room; None, which is any, where there is none."""
        if not self._seats:
            return None
        return max(
            self._seats,
            key=lambda name: -self._seats[name].pieces / self._seats[name].threads,
        )

    def _oldest(self) -> str | None:
        """Return the worker that has been there longest, and long enough to die again."""
        import dask
        from dask.utils import parse_timedelta

        name = "distributed.deploy.lost-worker-timeout"
        enough = parse_timedelta(dask.config.get(name, "15s")) + TO_RESTART
        while True:
            self._look()
            since = {name: seat.since for name, seat in self._seats.items()}
            oldest = min(since, key=since.__getitem__, default=None)
            if oldest is not None and time.monotonic() - since[oldest] >= enough:
                return oldest
            time.sleep(BETWEEN_LOOKS)

    def _look_again(self) -> None:
        if time.monotonic() - self._looked_at >= BETWEEN_LOOKS:
            self._look()

    def _look(self, since: float | None = None) -> None:
        """See who is there; tell if there has been nobody for long."""
        moment = self._looked_at = time.monotonic()
        there = {k: n for k, n in self._client.nthreads().items() if n}
        self._seats = {
            name: self._seats.get(name)
            or _Seat(threads, moment if since is None else since)
            for name, threads in there.items()
        }
        if self._seats:
            self._seen_at = moment
        elif not self._has_told and moment - self._seen_at > WITHOUT_WORKERS:
            self._has_told = True
            msg = (
                "The cluster has had no workers for a minute; the run waits for some. "
                "cluster.scale(n) asks for them; their own logs say why they went."
            )
            warnings.warn(msg, UserWarning, stacklevel=2)


class _GoneError(Exception):
    """A worker that had a value has died."""
