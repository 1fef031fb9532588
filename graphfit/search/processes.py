"""Worker processes: what has to be true of a script before they can start."""

import ast
import sys
from types import FrameType

from graphfit.errors import SettingError


def require_guard(who: str) -> None:
    """Refuse to start workers from a script without ``if __name__ == "__main__":``.

    Workers are fresh interpreters that import the script first.  Without the guard each of
    them would start the fit again, and the run would hang without a word.

    Parameters
    ----------
    who : str
        The search, for the message.

    Raises
    ------
    SettingError
        Saying which line to put under the guard.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        is_main = frame.f_globals.get("__name__") == "__main__"
        if is_main and frame.f_code.co_name == "<module>":
            _check_line(frame.f_code.co_filename, frame.f_lineno, who)
        frame = frame.f_back


def _check_line(file: str, line: int, who: str) -> None:
    try:
        with open(file, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):  # a notebook, the prompt, python -c
        return
    for node in tree.body:
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            guarded = isinstance(node, ast.If) and any(
                isinstance(part, ast.Name) and part.id == "__name__"
                for part in ast.walk(node.test)
            )
            if not guarded:
                msg = (
                    f"{who}: n_workers > 1 starts fresh interpreters that import {file}; "
                    f'put line {line} of it under: if __name__ == "__main__":'
                )
                raise SettingError(msg)
