"""Arrays in JSON files, as the workspaces of the examples keep their datasets.

Known to users as ``gf.util``.
"""

import json
from os import PathLike
from pathlib import Path

import numpy as np

from graphfit.errors import DataError
from graphfit.io.files import write_json
from graphfit.typing import ArrayLike, FloatArray


def numpy_array_from_json(file_path: str | PathLike[str]) -> FloatArray:
    """Return the float array in a JSON file of nested lists.

    Parameters
    ----------
    file_path : path
        The file, e.g. ``dataset/example_1d/gaussian_x1/data.json``.

    Raises
    ------
    DataError
        If the file is missing, is no JSON, or holds no regular array of numbers.
    """
    try:
        content = json.loads(Path(file_path).read_text())
        if not isinstance(content, list):
            msg = f"it is {type(content).__name__}, not a list"
            raise TypeError(msg)
        return np.array(content, dtype=np.float64)
    except FileNotFoundError:
        msg = (
            f"There is no file {file_path}; run the workspace's simulators first, or check "
            "the folder you are in."
        )
        raise DataError(msg) from None
    except (OSError, ValueError, TypeError) as error:
        msg = f"{file_path} holds no array of numbers: {str(error).rstrip('.')}."
        raise DataError(msg) from error


def numpy_array_to_json(array: ArrayLike, file_path: str | PathLike[str]) -> None:
    """Write an array as nested lists into a JSON file; folders are made if need be."""
    write_json(Path(file_path), np.asarray(array, dtype=float).tolist())
