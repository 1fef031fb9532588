"""Where pieces of work run: here, in threads, in processes, on a dask cluster.

Four kinds of workers with the same three verbs, so that one loop drives them all
(:mod:`graphfit.cube.executor`).  None of them keeps a queue of its own: what is submitted
is being worked on, or next.
"""

import itertools
import os
import signal
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol, final

from graphfit.cube.sending import Parcel, run_parcel
from graphfit.errors import SettingError, close_match
from graphfit.search.processes import fresh_interpreters, require_guard

SCHEDULERS = ("threads", "processes", "synchronous", "default")
Function = Callable[[Any], Any]


class Fate(Enum):
    """What became of a piece that was submitted."""

    DONE = auto()
    DIED = auto()  # its worker died, and it may be the reason
    GUILTY = auto()  # its worker died, and it is the reason
    LOST = auto()  # through no fault of its own


class Outcome(NamedTuple):
    """A piece's fate and, where it is done, what the function returned."""

    fate: Fate
    value: Any = None


class Workers(Protocol):
    """Where a function runs on pieces.

    Attributes
    ----------
    slots : int
        Pieces worked on at a time.
    depth : int
        Pieces to keep submitted, so that no worker waits.
    shares_memory : bool
        Whether pieces reach the function without being copied.
    """

    slots: int
    depth: int
    shares_memory: bool

    def submit(self, piece: Any) -> Any:
        """Begin with a piece; return its handle."""

    def finished(self, handles: Sequence[Any], seconds: float | None) -> list[Any]:
        """Return handles that are finished; wait for the first of them."""

    def outcome(self, handle: Any) -> Outcome:
        """Return what became of a finished piece; raise what the function raised."""

    def close(self) -> None:
        """Drop what has not begun, and end the workers."""


@final
class Here:
    """The calling thread: one piece at a time, when it is asked for."""

    slots, depth, shares_memory = 1, 1, True

    def __init__(self, function: Function) -> None:
        self._function = function

    def submit(self, piece: Any) -> Any:
        """Return the piece: the work is done by `outcome`."""
        return (piece,)

    def finished(self, handles: Sequence[Any], seconds: float | None) -> list[Any]:
        """Return the first."""
        del seconds
        return list(handles[:1])

    def outcome(self, handle: Any) -> Outcome:
        """Do the work."""
        return Outcome(Fate.DONE, self._function(*handle))

    def close(self) -> None:
        """Do nothing."""


@final
class Threads:
    """Threads of this process; compiled fits release the interpreter's lock."""

    shares_memory = True

    def __init__(self, function: Function, count: int) -> None:
        self._function = function
        self.slots, self.depth = count, count + 1
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="graphfit")

    def submit(self, piece: Any) -> Future[Any]:
        """Begin with a piece."""
        return self._pool.submit(self._function, piece)

    def finished(
        self, handles: Sequence[Future[Any]], seconds: float | None
    ) -> list[Future[Any]]:
        """Return the futures that are done."""
        return _first_done(handles, seconds)

    def outcome(self, handle: Future[Any]) -> Outcome:
        """Return what the function returned."""
        return Outcome(Fate.DONE, handle.result())

    def close(self) -> None:
        """Let the pieces being worked on end; drop the others."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@final
class Processes:
    """Fresh interpreters on this machine; one that dies is replaced."""

    shares_memory = False

    def __init__(self, function: Function, count: int) -> None:
        require_guard("gf.fit_cube with scheduler='processes'")
        self._parcel = Parcel.of(function)
        self.slots, self.depth = count, count + 1
        self._pool: Any = None

    def submit(self, piece: Any) -> Future[Any]:
        """Send a piece."""
        try:
            sent: Future[Any] = self._executor().submit(run_parcel, self._parcel, piece)
        except BrokenProcessPool:  # it broke since the last piece was sent
            self._drop()
            sent = self._executor().submit(run_parcel, self._parcel, piece)
        return sent

    def finished(
        self, handles: Sequence[Future[Any]], seconds: float | None
    ) -> list[Future[Any]]:
        """Return the futures that are done."""
        return _first_done(handles, seconds)

    def outcome(self, handle: Future[Any]) -> Outcome:
        """Return what came back, or that a worker died while the piece was there."""
        try:
            return Outcome(Fate.DONE, handle.result())
        except BrokenProcessPool:
            self._drop()
            return Outcome(Fate.DIED)
        except CancelledError:
            return Outcome(Fate.LOST)

    def close(self) -> None:
        """End the processes at once."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            self._pool = None

    def _executor(self) -> Any:
        if self._pool is None:
            self._pool = fresh_interpreters(self.slots, _ignore_interrupts)
        return self._pool

    def _drop(self) -> None:
        if self._pool is not None and self._pool._broken:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


@final
class Cluster:
    """The workers of a dask.distributed client."""

    shares_memory = False

    def __init__(self, function: Function, client: Any) -> None:
        self._client = client
        self._parcel = Parcel.of(function)
        # Keys that no other run has: equal names would be taken for equal work.
        self._run = uuid.uuid4().hex[:12]
        self._number = itertools.count()
        self.slots = max(1, sum(client.nthreads().values()))
        self.depth = 2 * self.slots

    def submit(self, piece: Any) -> Any:
        """Send a piece; earlier ones have precedence."""
        number = next(self._number)
        return self._client.submit(
            run_parcel,
            self._parcel,
            piece,
            key=f"graphfit-{self._run}-{number}",
            priority=-number,
            pure=False,
        )

    def finished(self, handles: Sequence[Any], seconds: float | None) -> list[Any]:
        """Return the futures that are done."""
        from distributed import wait as wait_for

        ready = [handle for handle in handles if handle.done()]
        if ready:
            return ready
        try:
            wait_for(list(handles), timeout=seconds, return_when="FIRST_COMPLETED")
        except (TimeoutError, CancelledError):
            pass  # a cancelled future is done, too
        return [handle for handle in handles if handle.done()]

    def outcome(self, handle: Any) -> Outcome:
        """Return what came back; a piece that killed several workers is guilty."""
        from distributed import CancelledError as DistributedCancelledError
        from distributed.scheduler import KilledWorker

        try:
            return Outcome(Fate.DONE, handle.result())
        except KilledWorker:
            return Outcome(Fate.GUILTY)
        except (CancelledError, DistributedCancelledError):
            return Outcome(Fate.LOST)
        finally:
            handle.release()

    def close(self) -> None:
        """Leave the client as it was found: futures are released with their handles."""


def resolved(scheduler: Any) -> Any:
    """Return what "default" and None stand for: a client, or a name."""
    return _default_scheduler() if scheduler in (None, "default") else scheduler


def worker_count(scheduler: Any, n_workers: int | None) -> int:
    """Return how many pieces a scheduler works on at a time."""
    found = resolved(scheduler)
    if found == "synchronous":
        return 1
    if isinstance(found, str):
        return n_workers or _configured_workers()
    return int(max(1, sum(found.nthreads().values())))


def shares_memory(scheduler: Any) -> bool:
    """Say whether a scheduler's workers are threads of this process."""
    return resolved(scheduler) in ("threads", "synchronous")


def workers_for(scheduler: Any, function: Function, n_workers: int | None) -> Workers:
    """Return the workers that a user's `scheduler` stands for.

    Parameters
    ----------
    scheduler : {"threads", "processes", "synchronous", "default"} or distributed.Client
        "default" and None: the active distributed client, else what dask is configured
        for, else threads.
    function : callable
        Of one piece.
    n_workers : int, optional
        Of threads and processes; else what dask is configured for, else the cores that
        this process may use.

    Raises
    ------
    SettingError
        For a scheduler that does not exist.
    """
    if n_workers is not None and n_workers < 1:
        msg = f"n_workers must be at least 1, got {n_workers!r}."
        raise SettingError(msg)
    scheduler = resolved(scheduler)
    if not isinstance(scheduler, str) and hasattr(scheduler, "submit"):
        return Cluster(function, scheduler)
    count = n_workers or _configured_workers()
    if scheduler == "threads":
        return Threads(function, count)
    if scheduler == "processes":
        return Processes(function, count)
    if scheduler == "synchronous":
        return Here(function)
    hint = close_match(scheduler, SCHEDULERS) if isinstance(scheduler, str) else ""
    msg = (
        f"scheduler must be one of {', '.join(map(repr, SCHEDULERS))} or a "
        f"distributed.Client, got {scheduler!r}.{hint}"
    )
    raise SettingError(msg)


def _default_scheduler() -> Any:
    import dask
    from distributed import default_client

    try:
        return default_client()
    except ValueError:  # there is none
        configured = dask.config.get("scheduler", None)
    known = {"single-threaded": "synchronous", "sync": "synchronous"}
    known |= {"threading": "threads", "multiprocessing": "processes"}
    named = known.get(configured, configured)
    return named if named in SCHEDULERS and named != "default" else "threads"


def _configured_workers() -> int:
    import dask
    from dask.system import CPU_COUNT

    configured = dask.config.get("num_workers", None)
    if configured:
        return int(configured)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return max(1, min(int(CPU_COUNT), available or int(CPU_COUNT)))


def _first_done(
    handles: Sequence[Future[Any]], seconds: float | None
) -> list[Future[Any]]:
    wait(handles, timeout=seconds, return_when=FIRST_COMPLETED)
    return [handle for handle in handles if handle.done()]  # in the order of submission


def _ignore_interrupts() -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that drives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
