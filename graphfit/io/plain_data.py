"""Plain data: what any program can read from JSON."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphfit.errors import OutputError


def plain_data(value: Any, label: str = "facts") -> Any:
    """Return a value as lists, dictionaries, strings and numbers that JSON can hold.

    Numbers that JSON has no sign for become ``"NaN"``, ``"Infinity"``, ``"-Infinity"``.

    Parameters
    ----------
    value : object
        Plain data; tuples, numpy numbers and arrays are taken too.
    label : str
        Where it is, for the message.

    Raises
    ------
    OutputError
        For any other object.

    Examples
    --------
    >>> plain_data({"seed": np.int64(3), "limits": (0.5, np.inf)})
    {'seed': 3, 'limits': [0.5, 'Infinity']}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, (np.generic, np.ndarray)):
        return plain_data(value.tolist(), label)
    if isinstance(value, Mapping):
        return {
            str(key): plain_data(item, f"{label}[{key!r}]")
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_data(item, f"{label}[{i}]") for i, item in enumerate(value)]
    msg = (
        f"{label} is a {type(value).__name__}, which a store cannot hold; give text, "
        "numbers, or lists and dictionaries of them."
    )
    raise OutputError(msg)


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
