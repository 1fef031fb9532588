"""CubeNotes: what happened at single pixels, in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final, overload

LISTED = 10


@final
class CubeNotes(Sequence[dict[str, Any]]):
    """Notes of single pixels: tracebacks of the user's code, and why there is no answer.

    A sequence of dicts with ``"index"`` (of the map), ``"status"`` and ``"text"``.

    Parameters
    ----------
    notes : iterable of mapping

    Examples
    --------
    >>> notes = CubeNotes([{"index": [1, 2], "status": "time_limit", "text": "too long"}])
    >>> notes
    1 note
      (1, 2) time_limit: too long
    >>> notes[0]["status"], notes.text(1, 2), notes.text(0, 0)
    ('time_limit', 'too long', '')
    """

    def __init__(self, notes: Iterable[Mapping[str, Any]]) -> None:
        self._notes = [dict(note) for note in notes]

    def text(self, *index: int) -> str:
        """Return all that is noted of one pixel; empty if nothing is.

        Parameters
        ----------
        index : int
            One for each axis of the map.
        """
        texts = [n["text"] for n in self._notes if tuple(n["index"]) == index]
        return "\n".join(str(text) for text in texts)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> "CubeNotes": ...
    def __getitem__(self, at: int | slice) -> "dict[str, Any] | CubeNotes":
        found = self._notes[at]
        return CubeNotes(found) if isinstance(found, list) else found

    def __len__(self) -> int:
        return len(self._notes)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._notes)

    def __repr__(self) -> str:
        count = len(self._notes)
        lines = [f"{count or 'no'} note{'s' * (count != 1)}"]
        for note in self._notes[:LISTED]:
            index = ", ".join(str(i) for i in note["index"])
            lines.append(f"  ({index}) {note['status']}: {_gist(str(note['text']))}")
        if count > LISTED:
            lines.append(f"  and {count - LISTED} more")
        return "\n".join(lines)


def _gist(text: str) -> str:
    """Return the line that says what happened: the last one at the margin."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if lines[0].startswith("Traceback"):
        return next(
            (line for line in reversed(lines) if not line[0].isspace()), lines[-1]
        )
    return lines[0]
