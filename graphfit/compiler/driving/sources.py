"""One digest of a module's source and of every module of the package that it imports.

Machine code of a function contains the functions it calls.  Numba looks only at the file
of the function itself, so after an edit or an upgrade of another file its own cache would
go on returning the old code.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple, final

import graphfit.errors

# The package's own folder: imports of other packages are pinned by their versions.
_PACKAGE = Path(graphfit.errors.__file__).parent
_IMPORT = re.compile(
    r"^[ \t]*(?:import\s+(?P<module>graphfit[\w.]*)"
    r"|from\s+(?P<parent>graphfit[\w.]*)\s+import\s+(?P<names>\([^)]*\)|[^\n]*))",
    re.MULTILINE,
)


@final
class Sources(NamedTuple):
    """What a module is made of.

    Attributes
    ----------
    digest : str
        64 hexadecimal digits of the content of all its files.
    changed : float
        When the last of them was changed, s since 1970.
    """

    digest: str
    changed: float


def sources_of(path: Path) -> Sources | None:
    """Return a digest of a file and of all it imports from graphfit, at any distance.

    Parameters
    ----------
    path : Path
        A Python file.

    Returns
    -------
    Sources or None
        None if a file cannot be read, as inside an archive.

    Notes
    -----
    An import counts wherever it stands, also inside a function or a docstring: one file
    too many costs a compilation, one too few costs a wrong answer.

    Examples
    --------
    >>> len(sources_of(Path(__file__)).digest)
    64
    """
    found: dict[Path, bytes] = {}
    changed = 0.0
    waiting = [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        try:
            content, status = file.read_bytes(), file.stat()
        except OSError:
            return None
        found[file] = hashlib.sha256(content).digest()
        # An installer may date a file back; the second time then tells.
        changed = max(changed, status.st_mtime, status.st_ctime)
        waiting += _imported(content.decode(errors="replace"))
    # By content: the same files in another place are the same source.
    digest = hashlib.sha256(b"".join(sorted(found.values())))
    return Sources(digest.hexdigest(), changed)


def _imported(text: str) -> list[Path]:
    modules = []
    for found in _IMPORT.finditer(text):
        module = found["module"] or found["parent"]
        modules.append(module)
        # A name may be a module of its own, or something inside the parent.
        modules += [
            f"{module}.{name}" for name in re.findall(r"\w+", found["names"] or "")
        ]
    paths: list[Path] = []
    for module in modules:
        place = _PACKAGE.joinpath(*module.split(".")[1:])
        paths += [place.with_suffix(".py"), place / "__init__.py"]
    return [path for path in paths if path.is_file()]
