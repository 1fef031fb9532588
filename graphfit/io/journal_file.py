"""JournalFile: records appended to a file, each of them there as a whole or not at all.

A record is its length (8 bytes), a digest of length and content (16 bytes), and the
content.  A crash can only tear the last one; its digest tells.
"""

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

from graphfit.io.durable import explained, synchronise_folder, write_all

LENGTH = struct.Struct("<Q")
DIGEST_SIZE = 16
HEAD_SIZE = LENGTH.size + DIGEST_SIZE
PERSON = b"graphfit store 1"  # records of other files, or of another format, do not fit


@final
class JournalFile:
    """An append-only file of byte records for one writing process.

    Parameters
    ----------
    path : Path
        The file; made at the first record.  Its folder exists.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> journal = JournalFile(Path(folder.name) / "journal")
    >>> journal.append([b"one", b" record"])
    >>> list(journal.records())
    [b'one record']
    >>> journal.clear()
    >>> journal.size
    0
    >>> journal.close()
    >>> folder.cleanup()
    """

    __slots__ = ("_end", "_file", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._end = 0
        with explained("read", path):
            if path.exists():
                self._end = path.stat().st_size

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._end

    def append(self, parts: Sequence[bytes | memoryview]) -> None:
        """Add one record, the parts one behind the other; durable when it returns.

        Raises
        ------
        OutputError
            If it cannot be written; the journal is as it was.
        """
        length = LENGTH.pack(sum(memoryview(part).nbytes for part in parts))
        head = length + _digest(length, parts)
        with explained("write", self._path):
            self._open()
            with contextlib.ExitStack() as undo:
                undo.callback(self._cut_back)
                os.lseek(self._file, self._end, os.SEEK_SET)
                for part in (head, *parts):
                    write_all(self._file, memoryview(part).cast("B"))
                os.fsync(self._file)
                undo.pop_all()
        self._end += HEAD_SIZE + LENGTH.unpack(length)[0]

    def records(self) -> Iterator[bytes]:
        """Yield the whole records in order, then cut what a crash left behind them.

        A damaged record between whole ones is passed over.

        Raises
        ------
        OutputError
            If the file cannot be read.
        """
        whole = 0
        with explained("read", self._path):
            if self._end:
                with self._path.open("rb") as file:
                    for end, content in _read(file.fileno(), self._end):
                        whole = end
                        yield content
        if whole != self._end:
            self._truncate(whole)

    def clear(self) -> None:
        """Drop all records; durable when it returns.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        if self._end:
            self._truncate(0)

    def close(self) -> None:
        """Close the file, and remove it if it is empty; a further record makes it anew.

        Raises
        ------
        OutputError
            If the disk refuses.
        """
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if not self._end:
            with explained("remove", self._path):
                self._path.unlink(missing_ok=True)

    def _cut_back(self) -> None:
        """Remove what a failure has left; the next record would cover it anyway."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self._end)

    def _truncate(self, end: int) -> None:
        with explained("write", self._path):
            self._open()
            os.ftruncate(self._file, end)
            os.fsync(self._file)
        self._end = end

    def _open(self) -> None:
        if self._file < 0:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._file = os.open(self._path, flags, 0o644)
            synchronise_folder(self._path.parent)


def _read(descriptor: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield the end and the content of each record that is whole."""
    start = 0
    while start + HEAD_SIZE <= size:
        os.lseek(descriptor, start, os.SEEK_SET)
        head = _read_exactly(descriptor, HEAD_SIZE)
        length = head[: LENGTH.size]
        end = start + HEAD_SIZE + LENGTH.unpack(length)[0]
        if end > size:
            return
        content = _read_exactly(descriptor, end - start - HEAD_SIZE)
        if _digest(length, [content]) == head[LENGTH.size :]:
            yield end, content
        start = end


def _read_exactly(descriptor: int, count: int) -> bytes:
    pieces = []
    while count and (piece := os.read(descriptor, count)):
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _digest(length: bytes, parts: Sequence[bytes | memoryview]) -> bytes:
    digest = hashlib.blake2b(length, digest_size=DIGEST_SIZE, person=PERSON)
    for part in parts:
        digest.update(part)
    return digest.digest()
