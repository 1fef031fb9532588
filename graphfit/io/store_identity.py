"""Whether a store belongs to a fit; if not, what differs."""

from pathlib import Path
from typing import Any

from graphfit.errors import OutputError
from graphfit.io.store_layout import StoreHead
from graphfit.io.tile_files import stored_dtype


def require_same(folder: Path, stored: StoreHead, head: StoreHead) -> None:
    """Refuse a store that belongs to another fit.

    Parameters
    ----------
    folder : Path
        The store, for the message.
    stored : StoreHead
        What it says of itself.
    head : StoreHead
        What this fit would write.  The tile may differ: the store keeps its own.

    Raises
    ------
    OutputError
        With the entries of the identity that differ.
    """
    names = [*head.identity, *(n for n in stored.identity if n not in head.identity)]
    differing = [
        name for name in names if stored.identity.get(name) != head.identity.get(name)
    ]
    if not differing and stored.shape != head.shape:
        differing.append(f"shape of the maps ({stored.shape}, now {head.shape})")
    if not differing and (changed := _changed(stored, head)):
        differing.append(f"table of maps ({'; '.join(changed)})")
    if differing:
        what = " and the ".join(
            part for part in (", the ".join(differing[:-1]), differing[-1]) if part
        )
        verb = "differs" if len(differing) == 1 else "differ"
        former = what.partition(" (")[0]
        msg = (
            f"{folder} holds another fit: the {what} {verb} from this one's. Choose another "
            f"store=, or remove the folder, or restore the former {former}."
        )
        raise OutputError(msg)


def _changed(stored: StoreHead, head: StoreHead) -> list[str]:
    """Return which maps differ, and their units where that is all."""
    old, new = _columns(stored), _columns(head)
    said = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is not None and now is not None and was[1:] == now[1:]:
            if was != now:
                units = (was[0] or "no unit", now[0] or "no unit")
                said.append(f"{name} in {units[0]}, now in {units[1]}")
        elif was != now:
            said.append(name)
    return said


def _columns(head: StoreHead) -> dict[str, tuple[Any, ...]]:
    """Return what must agree of the maps, units first; descriptions may be reworded."""
    return {
        spec.name: (
            *(spec.unit.replace(" ", ""), stored_dtype(spec).str, str(spec.fill)),
            *(spec.axes, spec.shape),
        )
        for spec in head.specs
    }
