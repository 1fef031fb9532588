"""What is sent to workers in other processes: a function, packed once."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, final

from graphfit.errors import SettingError

MOST = 4  # functions that a worker keeps


@final
@dataclass(frozen=True)
class Parcel:
    """A function as bytes, with a digest by which workers know that they have it.

    Attributes
    ----------
    content : bytes
        Pickled by value where it was typed in at a prompt or a notebook.
    digest : str
    """

    content: bytes
    digest: str

    @classmethod
    def of(cls, function: Callable[[Any], Any]) -> "Parcel":
        """Return the parcel of a function.

        Raises
        ------
        SettingError
            If something that it holds cannot be sent.
        """
        import cloudpickle

        try:
            content = cloudpickle.dumps(function)
        except Exception as error:  # boundary: users' objects
            msg = (
                f"The model or an analysis cannot be sent to other processes: {error}. Use "
                "scheduler='threads', or leave out what cannot be pickled (open files, "
                "locks, handles)."
            )
            raise SettingError(msg) from error
        return cls(content, hashlib.blake2b(content, digest_size=16).hexdigest())


def run_parcel(parcel: Parcel, piece: Any) -> Any:
    """Return the function's value on a piece; runs in the worker."""
    return _known().function(parcel)(piece)


@final
class _Functions:
    """The functions that this process was sent, so that each is unpacked once."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def function(self, parcel: Parcel) -> Callable[[Any], Any]:
        import cloudpickle

        with self._lock:
            if parcel.digest not in self._held:
                # Sent by the process that drives the run; not read from a disk.
                loads = cloudpickle.loads  # noqa: TID251
                self._held[parcel.digest] = loads(parcel.content)
                if len(self._held) > MOST:
                    self._held.popitem(last=False)
            self._held.move_to_end(parcel.digest)
            found: Callable[[Any], Any] = self._held[parcel.digest]
            return found


@cache
def _known() -> _Functions:
    return _Functions()
