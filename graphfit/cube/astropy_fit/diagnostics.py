"""Diagnostics: a folder for a fit that failed, warned, or was asked for."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from graphfit.cube.astropy_fit.axes import WHERE
from graphfit.errors import OutputError, SettingError, close_match

LEVELS = ("error", "error+warn", "all")


@final
@dataclass(frozen=True)
class Diagnostics:
    """Which fits get a folder, and where.

    Attributes
    ----------
    level : {"error", "error+warn", "all"}
    folder : Path
    shape : tuple of int
        Of the map.
    call : callable or None
        ``call(path, world, data, weights, model, fitter_kwargs)``, for each folder.
    """

    level: Literal["error", "error+warn", "all"]
    folder: Path
    shape: tuple[int, ...]
    call: Callable[..., Any] | None = None

    def wanted(self, error: str, warned: list[str]) -> bool:
        """Whether a fit gets a folder."""
        if self.level == "all" or error:
            return True
        return bool(warned) and self.level == "error+warn"

    def place(self, index: tuple[int, ...]) -> Path:
        """Return the folder of a fit: its index, every number of the same width.

        Examples
        --------
        >>> Diagnostics("all", Path("logs"), (105, 12)).place((7, 3)).name
        '007_003'
        """
        width = len(str(max([1, *self.shape]) - 1))
        return self.folder / ("_".join(f"{i:0{width}d}" for i in index) or "0")

    def write(
        self,
        index: tuple[int, ...],
        error: str,
        warned: list[str],
        arguments: tuple[Any, ...],
    ) -> bool:
        """Write what is known of a fit; return whether the user's callable worked.

        Parameters
        ----------
        index : tuple of int
            Of the fit on the map.
        error : str
            Its traceback; empty where there is none.
        warned : list of str
            Its warnings.
        arguments : tuple
            Of the callable, after the path.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        place = self.place(index)
        try:
            place.mkdir(parents=True, exist_ok=True)
            if error:
                (place / "error.log").write_text(error, encoding="utf-8")
            if warned:
                text = "".join(f"{one}\n" for one in warned)
                (place / "warn.log").write_text(text, encoding="utf-8")
        except OSError as failure:
            msg = (
                f"{WHERE}: cannot write {place}: {failure.strerror or failure}. Free space "
                "or choose another diagnostics_path."
            )
            raise OutputError(msg) from failure
        if self.call is None:
            return True
        try:
            self.call(place, *arguments)
        except Exception:  # boundary: a user's diagnostics_callable  # noqa: BLE001
            text = traceback.format_exc()
            (place / "callable.log").write_text(text, encoding="utf-8")
            return False
        return True


def read_diagnostics(
    level: Any, path: Any, call: Any, shape: tuple[int, ...]
) -> Diagnostics | None:
    """Return the diagnostics of a call; the folder is made.

    Parameters
    ----------
    level : {None, "error", "error+warn", "all"}
    path : str or Path or None
    call : callable or None
    shape : tuple of int
        Of the map.

    Raises
    ------
    SettingError
        For a level that does not exist, or without a path.
    OutputError
        If the folder cannot be made.
    """
    if level is None:
        return None
    if level not in LEVELS:
        msg = (
            "diagnostics should be None, 'error', 'error+warn', or 'all', got "
            f"{level!r}.{close_match(str(level), LEVELS)}"
        )
        raise SettingError(msg)
    if path is None:
        msg = (
            f"diagnostics_path should be set: diagnostics={level!r} needs a folder to write "
            "to."
        )
        raise SettingError(msg)
    if call is not None and not callable(call):
        msg = f"{WHERE}: diagnostics_callable must be a function, got {call!r}."
        raise SettingError(msg)
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{WHERE}: cannot make diagnostics_path {folder}: {error.strerror or error}."
        raise OutputError(msg) from error
    return Diagnostics(level, folder, shape, call)
