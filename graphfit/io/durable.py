"""Files that outlast a crash of the machine: synchronised, then moved into place."""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from graphfit.errors import OutputError
from graphfit.typing import AnyArray

PART = ".part"
OPEN_AT_ONCE = 64  # below the limit on open files of every system


@contextlib.contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn a system's error inside the block into one that says what to do.

    Parameters
    ----------
    action : str
        What is being done, as a verb: ``"write"``.
    path : Path
        To what.

    Raises
    ------
    OutputError
        In place of any other OSError.

    Examples
    --------
    >>> from graphfit.errors import OutputError
    >>> try:
    ...     with explained("read", Path("nowhere/zarr.json")):
    ...         Path("nowhere/zarr.json").read_text()
    ... except OutputError as error:
    ...     print(str(error)[:59])
    Cannot read nowhere/zarr.json: No such file or directory. W
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        msg = (
            f"Cannot {action} {path}: {error.strerror or error}. What was written before is "
            "safe: free space or make the folder writable, then run the same call with the "
            "same store= to go on from here, or choose another store=."
        )
        raise OutputError(msg) from error


def replace_files(contents: Sequence[tuple[Path, AnyArray]]) -> None:
    """Write files so that, of each, a reader finds all of the new or all of the former one.

    When this returns the files survive a loss of power.  A file that is there already is
    replaced in one step.

    Parameters
    ----------
    contents : sequence of (path, array)
        C-contiguous arrays; a file holds the bytes of its array.  The folders exist.

    Raises
    ------
    OSError
        If one of them cannot be written.  Others may be in place then.
    """
    temporaries = [path.with_name(f".{path.name}{PART}") for path, _ in contents]
    with contextlib.ExitStack() as undo:
        undo.callback(_remove, temporaries)
        for start in range(0, len(contents), OPEN_AT_ONCE):
            stop = start + OPEN_AT_ONCE
            arrays = [array for _, array in contents[start:stop]]
            _write_synchronised(temporaries[start:stop], arrays)
        for temporary, (path, _) in zip(temporaries, contents, strict=True):
            temporary.replace(path)
        undo.pop_all()
    for folder in dict.fromkeys(path.parent for path, _ in contents):
        synchronise_folder(folder)


def synchronise_folder(path: Path) -> None:
    """Make the names in a folder survive a loss of power, where the system can.

    Raises
    ------
    OSError
        If the disk reports a fault.
    """
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks
            raise
    finally:
        os.close(descriptor)


def synchronise_tree(path: Path) -> None:
    """Make a folder with all that is in it survive a loss of power."""
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            with open(os.path.join(folder, name), "rb+") as file:
                os.fsync(file.fileno())
        synchronise_folder(Path(folder))


def write_all(descriptor: int, content: memoryview) -> None:
    """Write every byte; the system may take a large piece in several."""
    while content:
        content = content[os.write(descriptor, content) :]


def _write_synchronised(paths: Sequence[Path], arrays: Sequence[AnyArray]) -> None:
    """Write all, then wait for all: the disk orders the writes as it likes."""
    with contextlib.ExitStack() as files:
        descriptors = []
        for path, array in zip(paths, arrays, strict=True):
            file = files.enter_context(path.open("wb", buffering=0))
            write_all(file.fileno(), bytes_of(array))
            descriptors.append(file.fileno())
        for descriptor in descriptors:
            os.fsync(descriptor)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def bytes_of(array: AnyArray) -> memoryview:
    """Return the memory of a C-contiguous array, not a copy, as a row of bytes.

    Examples
    --------
    >>> bytes_of(np.zeros((2, 3))).nbytes
    48
    """
    return array.reshape(-1).view(np.uint8).data
