"""Where pieces of work run: here, in threads, in processes, on a dask cluster.

Four kinds of workers with the same three verbs, so that one loop drives them all
(:mod:`graphfit.scheduling.executor`).  None of them keeps a queue of its own: what
is submitted is being worked on, or next.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol, final

import numpy as np

from graphfit.errors import SettingError, close_match
from graphfit.scheduling.cluster import Cluster
from graphfit.scheduling.last_words import LastWords, speak_when_dying
from graphfit.scheduling.outcome import Fate, Outcome
from graphfit.scheduling.processes import fresh_interpreters, require_guard
from graphfit.scheduling.sending import Parcel, run_parcel
from graphfit.scheduling.time_limit import raise_in

SCHEDULERS = ("threads", "processes", "synchronous", "default")
SECONDS_TO_END = 5.0  # for a process that is told to
Function = Callable[[Any], Any]


class Workers(Protocol):
    """Where a function runs on pieces."""

    @property
    def depth(self) -> int:
        """Pieces to keep submitted, so that no worker waits."""

    def submit(self, piece: Any, *, alone: bool = False) -> Any:
        """Begin with a piece, which may be deadly if it is alone; return its handle."""

    def finished(self, handles: Sequence[Any], seconds: float | None) -> list[Any]:
        """Return handles that are finished; wait a while for the first of them."""

    def outcome(self, handle: Any) -> Outcome:
        """Return what became of a finished piece; raise what the function raised."""

    def close(self) -> None:
        """Drop what has not begun, and end the workers."""


@final
class Here:
    """The calling thread: one piece at a time, when it is asked for."""

    depth = 1

    def __init__(self, function: Function) -> None:
        self._function = function

    def submit(self, piece: Any, *, alone: bool = False) -> Any:
        """Return the piece: the work is done by `outcome`."""
        del alone
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

    def __init__(self, function: Function, count: int) -> None:
        self._function = function
        self.depth = count + 1
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="graphfit")
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def submit(self, piece: Any, *, alone: bool = False) -> Future[Any]:
        """Begin with a piece."""
        del alone
        return self._pool.submit(self._work, piece)

    def finished(
        self, handles: Sequence[Future[Any]], seconds: float | None
    ) -> list[Future[Any]]:
        """Return the futures that are done."""
        return _first_done(handles, seconds)

    def outcome(self, handle: Future[Any]) -> Outcome:
        """Return what the function returned."""
        return Outcome(Fate.DONE, handle.result())

    def close(self) -> None:
        """Drop what is left: without an answer to wait for, no thread is to go on."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for identity in self._busy:
                raise_in(identity, _ClosedError)

    def _work(self, piece: Any) -> Any:
        identity = threading.get_ident()
        with self._lock:
            self._busy.add(identity)
        try:
            return self._function(piece)
        finally:
            with self._lock:
                self._busy.discard(identity)


@final
class Processes:
    """Fresh interpreters on this machine; one that dies is replaced."""

    def __init__(self, function: Function, count: int) -> None:
        require_guard("scheduler='processes'")
        self._parcel = Parcel.of(function)
        self._count, self.depth = count, count + 1
        self._last_words = LastWords()
        self._pool: Any = None

    def submit(self, piece: Any, *, alone: bool = False) -> Future[Any]:
        """Send a piece."""
        del alone
        try:
            return self._sent(piece)
        except BrokenProcessPool:  # it broke since the last piece was sent
            self._drop()
            return self._sent(piece)

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
            return Outcome(Fate.DIED, self._last_words.taken())
        except CancelledError:
            return Outcome(Fate.LOST)

    def close(self) -> None:
        """End the processes at once."""
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(SECONDS_TO_END)
                if process.exitcode is None:
                    process.kill()
            self._pool = None
        self._last_words.close()

    def _sent(self, piece: Any) -> Future[Any]:
        if self._pool is None:
            self._pool = fresh_interpreters(self._count, _set_up, self._last_words.path)
        with _no_interrupts():  # what is started here is started without them, too
            sent: Future[Any] = self._pool.submit(run_parcel, self._parcel, piece)
        return sent

    def _drop(self) -> None:
        if self._pool is not None and self._pool._broken:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def resolved(scheduler: Any) -> Any:
    """Return what "default" and None stand for: a client, or a name."""
    is_default = scheduler is None or (
        isinstance(scheduler, str) and scheduler == "default"
    )
    return _default_scheduler() if is_default else scheduler


def require_scheduler(scheduler: Any, n_workers: Any) -> None:
    """Refuse schedulers that do not exist.

    Parameters
    ----------
    scheduler, n_workers : object
        As a user gave them.

    Raises
    ------
    SettingError
        Saying which there are.
    """
    is_whole = isinstance(n_workers, (int, np.integer)) and n_workers is not True
    if n_workers is not None and (not is_whole or n_workers < 1):
        msg = f"n_workers must be a whole number of at least 1, got {n_workers!r}."
        raise SettingError(msg)
    if scheduler is None or (isinstance(scheduler, str) and scheduler in SCHEDULERS):
        return
    if all(hasattr(scheduler, name) for name in ("submit", "nthreads", "cancel")):
        if getattr(scheduler, "asynchronous", False):
            msg = "scheduler is an asynchronous distributed.Client; give a plain one."
            raise SettingError(msg)
        return
    hint = close_match(scheduler, SCHEDULERS) if isinstance(scheduler, str) else ""
    if hasattr(scheduler, "get_client"):
        hint = " This is a cluster: give its client, cluster.get_client()."
    msg = (
        f"scheduler must be one of {', '.join(map(repr, SCHEDULERS))} or a "
        f"distributed.Client, got {scheduler!r}.{hint}"
    )
    raise SettingError(msg)


def worker_count(scheduler: Any, n_workers: int | None) -> int:
    """Return how many pieces a scheduler works on at a time."""
    require_scheduler(scheduler, n_workers)
    found = resolved(scheduler)
    if not isinstance(found, str):
        return int(max(1, sum(found.nthreads().values())))
    return 1 if found == "synchronous" else n_workers or _configured_workers()


def shares_memory(scheduler: Any) -> bool:
    """Say whether a scheduler's workers are threads of this process."""
    found = resolved(scheduler)
    return isinstance(found, str) and found in ("threads", "synchronous")


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
    require_scheduler(scheduler, n_workers)
    found = resolved(scheduler)
    if not isinstance(found, str):
        return Cluster(function, found)
    if found == "synchronous":
        return Here(function)
    count = n_workers or _configured_workers()
    return (
        Threads(function, count) if found == "threads" else Processes(function, count)
    )


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


class _ClosedError(BaseException):
    """Nobody waits for this piece any more."""


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to all processes, for the one that drives."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _set_up(last_words: str) -> None:
    """Make a worker process ready; Ctrl-C is for the one that drives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    speak_when_dying(last_words)
