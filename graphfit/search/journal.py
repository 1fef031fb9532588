"""The journal of likelihood evaluations: how an interrupted run goes on.

A search with a seed asks for the same likelihoods in the same order every time.  So a run
need not store the state of its sampler: it stores each value it has computed, keyed by a
hash of the point, and a resumed run starts from the beginning and finds them there.  It
repeats the sampler's own bookkeeping but no likelihood, works the same for every engine and
any number of workers, and ends in the same bits as an uninterrupted run.

The file is a row of 32-byte records (16 bytes of hash, one float, 8 bytes that check the
two), appended one at a time: whatever has been computed when the process dies is there, and
a record that a crash has damaged is computed again.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np

from graphfit.errors import OutputError
from graphfit.typing import FloatArray

RECORD = np.dtype([("entry", "V24"), ("check", "V8")])
VALUE = struct.Struct("<d")


@final
class JournaledLikelihood:
    """A log-likelihood that remembers its values in a file.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(theta) -> float``.
    path : Path
        The journal; made if need be.  Values in it are not computed again.

    Raises
    ------
    OutputError
        If the journal cannot be written (a full disk, say).
    """

    __slots__ = ("_file", "_known", "_likelihood", "_path", "_pid")

    def __init__(self, likelihood: Callable[[FloatArray], float], path: Path) -> None:
        self._likelihood = likelihood
        self._path = path
        self._known = _read(path)
        self._file = -1
        self._pid = -1

    def __call__(self, theta: FloatArray) -> float:
        """Return the journal's value at theta `(D,)`, or compute and add it."""
        key = hashlib.blake2b(theta.tobytes(), digest_size=16).digest()
        value = self._known.get(key)
        if value is None:
            value = self._likelihood(theta)
            self._append(key, value)
            self._known[key] = value
        return value

    def close(self) -> None:
        """Close the file; a further new value opens it again."""
        if self._pid == os.getpid():
            os.close(self._file)
        self._pid = -1

    def __reduce__(
        self,
    ) -> tuple[type["JournaledLikelihood"], tuple[Callable[[FloatArray], float], Path]]:
        return JournaledLikelihood, (self._likelihood, self._path)

    def __len__(self) -> int:
        return len(self._known)

    def _append(self, key: bytes, value: float) -> None:
        entry = key + VALUE.pack(value)
        record = entry + _check(entry)
        try:
            if self._pid != os.getpid():  # a forked worker opens the file for itself
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                # Another process may have finished the same run and tidied up.
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, flags, 0o644)
                self._pid = os.getpid()
            written = os.write(self._file, record)
        except OSError as error:
            raise OutputError(self._complaint(error.strerror or str(error))) from error
        if written != len(record):
            raise OutputError(
                self._complaint("the record was cut short; is the disk full?")
            )

    def _complaint(self, reason: str) -> str:
        return (
            f"Cannot write to {self._path}: {reason}. What has been computed is kept; free "
            "space and run the same fit again to go on from here."
        )


@contextmanager
def remembering(
    likelihood: Callable[[FloatArray], float], path: Path | None
) -> Iterator[Callable[[FloatArray], float]]:
    """Yield the likelihood with a journal at `path`, or as it is where there is none.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(theta) -> float``.
    path : Path or None
        The journal's file, closed at the end.
    """
    if path is None:
        yield likelihood
        return
    kept = JournaledLikelihood(likelihood, path)
    try:
        yield kept
    finally:
        kept.close()


def _check(entry: bytes) -> bytes:
    return hashlib.blake2b(entry, digest_size=8).digest()


def _read(path: Path) -> dict[bytes, float]:
    """Return the values of a journal, whose last record may have been cut short."""
    try:
        content = path.read_bytes() if path.exists() else b""
        whole = len(content) - len(content) % RECORD.itemsize
        if whole != len(content):
            os.truncate(path, whole)
    except OSError as error:
        msg = f"Cannot read {path}: {error}. Remove it to start the fit anew."
        raise OutputError(msg) from error
    known: dict[bytes, float] = {}
    for entry, check in np.frombuffer(content[:whole], dtype=RECORD).tolist():
        if _check(entry) == check:
            known[entry[:16]] = VALUE.unpack(entry[16:])[0]
    return known
