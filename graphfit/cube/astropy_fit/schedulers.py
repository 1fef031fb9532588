"""What a call says of its scheduler, in the words of the executor."""

from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

NAMES = {
    "multiprocessing": "processes",
    "threading": "threads",
    "sync": "synchronous",
    "single-threaded": "synchronous",
}


def scheduler_of(given: Any) -> Any:
    """Return the executor's word for what dask's ``compute(scheduler=...)`` takes.

    Parameters
    ----------
    given : str, callable, Executor, distributed.Client or None
        None means processes.

    Examples
    --------
    >>> scheduler_of(None), scheduler_of("sync"), scheduler_of("threads")
    ('processes', 'synchronous', 'threads')
    """
    if given is None:
        return "processes"
    if isinstance(given, str):
        return _named(given)
    if isinstance(given, Executor):
        return "processes" if isinstance(given, ProcessPoolExecutor) else "threads"
    return _owner(given) if callable(given) else given


def _named(name: str) -> Any:
    if name in ("distributed", "dask.distributed"):
        from distributed import default_client

        return default_client()
    return NAMES.get(name, name)


def _owner(get: Any) -> Any:
    """Return what runs where one of dask's functions that run a graph does."""
    client = getattr(get, "__self__", None)
    if client is not None and hasattr(client, "submit"):
        return client
    known = {
        "dask.local": "synchronous",
        "dask.multiprocessing": "processes",
        "dask.threaded": "threads",
    }
    return known.get(getattr(get, "__module__", ""), get)
