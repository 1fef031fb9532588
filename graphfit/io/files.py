"""Files that are whole or absent: written beside their place, then moved into it."""

import json
import os
from pathlib import Path
from typing import Any

from graphfit.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write a text file so that a reader finds all of it or the former one.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    text : str
        UTF-8.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write plain data as indented JSON; see :func:`write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file; see :func:`write_text`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        msg = (
            f"Cannot write {path}: {error.strerror or error}. Free space or choose another "
            "place with path_prefix=, or fit without name and path_prefix."
        )
        raise OutputError(msg) from error


def read_json(path: Path) -> Any:
    """Return the plain data of a JSON file.

    Raises
    ------
    OutputError
        If it is missing, unreadable or no JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        msg = f"Cannot read {path}: {error}. Remove the folder to run the fit again."
        raise OutputError(msg) from error
