"""The progress bar: one line, on a terminal only unless asked for."""

import sys
from types import TracebackType
from typing import Any, Self, final


@final
class Progress:
    """Shows how far a search has come; silent when standard error is no terminal.

    Parameters
    ----------
    label : str
        What is running.
    show : bool or None
        None: show on a terminal.
    """

    __slots__ = ("_bar", "_label", "_show")

    def __init__(self, label: str, show: bool | None) -> None:
        self._label = label
        self._show = sys.stderr.isatty() if show is None else show
        self._bar: Any = None

    @property
    def shown(self) -> bool:
        """Whether anything will be printed."""
        return self._show

    def update(self, note: str) -> None:
        """Show how far the search is, in words."""
        if not self._show:
            return
        if self._bar is None:
            from tqdm import tqdm

            # How much work there will be is not known: show what is done, promise nothing.
            self._bar = tqdm(desc=self._label, bar_format="{desc} [{elapsed}]{postfix}")
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()
