"""The folder of a store: where it may be."""

import os
from pathlib import Path

from graphfit.errors import OutputError
from graphfit.io.durable import explained


def local_folder(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path, which holds wherever the process goes.

    Raises
    ------
    OutputError
        For an address of the net, or anything that is no path.

    Examples
    --------
    >>> local_folder("a/../run.zarr").name
    'run.zarr'
    """
    if not isinstance(path, (str, os.PathLike)) or "://" in str(path) or not str(path):
        msg = (
            f"store={path!r} is no folder of this machine; give a path such as "
            "'run.zarr'. A finished store can be copied to a server afterwards."
        )
        raise OutputError(msg)
    return Path(path).expanduser().resolve()


def is_vacant(folder: Path) -> bool:
    """Whether a store may be made there: nothing, or a folder without content.

    Raises
    ------
    OutputError
        If it cannot be looked at.
    """
    with explained("read", folder):
        if not folder.exists():
            return True
        return folder.is_dir() and not any(folder.iterdir())
