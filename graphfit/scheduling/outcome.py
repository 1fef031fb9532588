"""Outcome: what became of a piece that was handed to a worker."""

from enum import Enum, auto
from typing import Any, NamedTuple


class Fate(Enum):
    """What became of a piece that was submitted."""

    DONE = auto()
    DIED = auto()  # its worker died, and it may be the reason
    LOST = auto()  # through no fault of its own


class Outcome(NamedTuple):
    """A piece's fate, and what the function returned or a dying worker told."""

    fate: Fate
    value: Any = None
