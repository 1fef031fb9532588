"""NotesFile: what happened at single pixels of a store, a line of JSON each.

Beside the journal and the lock, in the folder of ``status``.  A crash can only tear the last
line; readers pass it over, and the next writer cuts it off.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

from graphfit.io.durable import explained, synchronise_folder, write_all
from graphfit.io.store_folder import local_folder
from graphfit.io.tile_files import STATUS

NAME = "notes.jsonl"
MOST_NOTES = 1000  # in a store; a fault of the model is the same at every pixel
FIELDS = ("index", "status", "text")


@final
class NotesFile:
    """The notes of a store, for the process that holds its lock.

    Parameters
    ----------
    store : path
        The store's folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> Path(folder.name, "status").mkdir()
    >>> notes = NotesFile(folder.name)
    >>> notes.append([{"index": [0, 1], "status": "user_error", "text": "no data"}])
    >>> read_notes(folder.name)
    [{'index': [0, 1], 'status': 'user_error', 'text': 'no data'}]
    >>> folder.cleanup()
    """

    def __init__(self, store: str | os.PathLike[str]) -> None:
        self._path = _path(store)
        self._count = len(read_notes(store))
        self._end = 0
        with explained("read", self._path):
            if self._path.exists():
                # Up to the last line that is whole.
                self._end = self._path.read_bytes().rfind(b"\n") + 1

    def append(self, notes: Iterable[Mapping[str, Any]]) -> None:
        """Add notes, up to a number that somebody may read; durable when it returns.

        Parameters
        ----------
        notes : iterable of mapping
            With ``"index"``, ``"status"`` and ``"text"``.

        Raises
        ------
        OutputError
            If they cannot be written; the file is as it was.
        """
        kept = list(notes)[: MOST_NOTES - self._count]
        if not kept:
            return
        content = "".join(
            json.dumps({name: note[name] for name in FIELDS}) + "\n" for note in kept
        ).encode()
        with explained("write", self._path):
            is_new = not self._path.exists()
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            with contextlib.ExitStack() as last:
                last.callback(os.close, descriptor)
                undo = last.enter_context(contextlib.ExitStack())
                undo.callback(_cut, descriptor, self._end)
                _cut(descriptor, self._end)
                os.lseek(descriptor, self._end, os.SEEK_SET)
                write_all(descriptor, memoryview(content))
                os.fsync(descriptor)
                undo.pop_all()
            if is_new:
                synchronise_folder(self._path.parent)
        self._end += len(content)
        self._count += len(kept)


def read_notes(store: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the notes of a store, the last one of each pixel.

    Parameters
    ----------
    store : path
        The store's folder.

    Raises
    ------
    OutputError
        If the file cannot be read.
    """
    path = _path(store)
    with explained("read", path):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
    found = {}
    for line in content.split(b"\n"):
        note = _note(line)
        if note is not None:
            found[tuple(note["index"])] = note
    return list(found.values())


def _note(line: bytes) -> dict[str, Any] | None:
    """Return the note of a line; None if it was torn."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    is_whole = isinstance(content, dict) and content.keys() >= set(FIELDS)
    return content if is_whole and isinstance(content["index"], list) else None


def _path(store: str | os.PathLike[str]) -> Path:
    return local_folder(store) / STATUS / NAME


def _cut(descriptor: int, end: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, end)
