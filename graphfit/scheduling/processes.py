"""Worker processes, and what has to be true of a script before they can start."""

import ast
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from graphfit.errors import LikelihoodError, SettingError


def require_guard(who: str) -> None:
    """Refuse to start workers from a script without ``if __name__ == "__main__":``.

    Workers are fresh interpreters that import the script first.  Without the guard each of
    them would start the fit again, and the run would hang without a word.

    Parameters
    ----------
    who : str
        What starts them, for the message, e.g. "DynestyStatic: n_workers > 1".

    Raises
    ------
    SettingError
        Saying which line to put under the guard.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        is_main = frame.f_globals.get("__name__") == "__main__"
        if is_main and frame.f_code.co_name == "<module>":
            _check_line(frame.f_code.co_filename, frame.f_lineno, who)
        frame = frame.f_back


def require_importable(who: str, functions: Any) -> None:
    """Refuse functions that a fresh interpreter could not import.

    Parameters
    ----------
    who : str
        The search, for the message.
    functions : object
        What workers will be sent.

    Raises
    ------
    SettingError
        Naming what cannot be sent.
    """
    move = "move it to the top level of a module (a .py file), or use n_workers=1"
    try:
        content = pickle.dumps(functions)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        msg = f"{who}: n_workers > 1 cannot send this to workers: {error}; {move}."
        raise SettingError(msg) from None
    main = sys.modules["__main__"]
    typed = main.__spec__ is None and not Path(getattr(main, "__file__", "")).is_file()
    if typed and b"__main__" in content:
        msg = (
            f"{who}: n_workers > 1 starts fresh interpreters, which cannot see a class or "
            f"function that was typed in at the prompt or in a notebook; {move}."
        )
        raise SettingError(msg)


class WorkerPool:
    """What dynesty takes for a pool: an ordered `map` over processes.

    Unlike multiprocessing's own it notices when a worker dies, instead of waiting or
    replacing it for ever.
    """

    def __init__(self, executor: ProcessPoolExecutor, size: int) -> None:
        self._executor = executor
        self.size = size

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Return the function's values in the order of `items`."""
        return list(self._executor.map(function, items))


@contextmanager
def worker_pool(
    who: str, count: int, initializer: Callable[..., None], arguments: tuple[Any, ...]
) -> Iterator[WorkerPool]:
    """Yield a pool of fresh interpreters, each set up by ``initializer(*arguments)``.

    Parameters
    ----------
    who : str
        The search, for the message.
    count : int
        How many processes.
    initializer : callable
        Run once in each.
    arguments : tuple
        Sent once to each.

    Raises
    ------
    LikelihoodError
        If a worker dies.
    """
    executor = fresh_interpreters(count, initializer, *arguments)
    try:
        yield WorkerPool(executor, count)
    except BrokenProcessPool as error:
        msg = (
            f"{who}: a worker process died. If it could not start, its error is above; "
            "else it ran out of memory or crashed in compiled code: try n_workers=1."
        )
        raise LikelihoodError(msg) from error
    finally:
        executor.shutdown(cancel_futures=True)


def fresh_interpreters(
    count: int, initializer: Callable[..., None], *arguments: Any
) -> ProcessPoolExecutor:
    """Return an executor over new interpreters, which end with this process.

    Parameters
    ----------
    count : int
        How many processes.
    initializer : callable
        Run once in each.
    *arguments : object
        Its arguments, sent once to each.
    """
    return ProcessPoolExecutor(
        count,
        get_context("spawn"),
        initializer=_set_up,
        initargs=(initializer, *arguments),
    )


def _set_up(initializer: Callable[..., None], *arguments: Any) -> None:
    """Make a worker ready; let it end with the process that started it."""
    Thread(target=_end_with_parent, daemon=True).start()
    initializer(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a killed parent cannot stop its workers itself


def _check_line(file: str, line: int, who: str) -> None:
    try:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):  # a notebook, the prompt, python -c
        return
    for node in tree.body:
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            guarded = isinstance(node, ast.If) and any(
                isinstance(part, ast.Name) and part.id == "__name__"
                for part in ast.walk(node.test)
            )
            if not guarded:
                msg = (
                    f"{who} starts fresh interpreters that import {file}; "
                    f'put line {line} of it under: if __name__ == "__main__":'
                )
                raise SettingError(msg)
