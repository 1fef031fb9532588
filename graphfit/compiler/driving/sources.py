"""One digest of a module's source and of every module of the package that it imports.

Machine code of a function contains the functions it calls.  Numba looks only at the file
of the function itself, so after an edit or an upgrade of another file its own cache would
go on returning the old code.

To read a hundred files takes a process longer than all else before its first fit.  So a
digest is kept on disk under the names, sizes and times of all files of the package, and the
files are read again when one of these is another.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

import graphfit.errors
from graphfit.compiler.cache import FileCache, cache_folder

# The package's own folder: imports of other packages are pinned by their versions.
_PACKAGE = Path(graphfit.errors.__file__).parent
_IMPORT = re.compile(
    r"^[ \t]*(?:import\s+(?P<module>graphfit[\w.]*)"
    r"|from\s+(?P<parent>graphfit[\w.]*)\s+import\s+(?P<names>\([^)]*\)|[^\n]*))",
    re.MULTILINE,
)
_LARGEST_FOLDER = 2**20  # bytes
_MOST_FILES = 1000
# Two changes of a file within one tick of the file system's clock have one time.
_TICK = 2.0  # s; the coarsest in use, of FAT


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
    path = path.resolve()
    key = _facts(path)
    if key is None:
        return _read(path)
    folder = cache_folder()
    files = FileCache(
        folder / "sources" if folder else None, _LARGEST_FOLDER, _MOST_FILES
    )
    kept = files.load(key)
    if kept is not None:
        digest, changed = json.loads(kept)
        return Sources(digest, changed)
    sources = _read(path)
    if sources is not None and _facts(path) == key:  # nothing was edited meanwhile
        files.store(key, json.dumps(sources).encode())
    return sources


def _facts(path: Path) -> str | None:
    """Return a digest of what tells a change of any file; None if something may not.

    A time of change cannot be set back, other than the time of modification by which
    Python trusts its own compiled files.
    """
    now = time.time()
    facts = [str(_PACKAGE)]
    try:
        for name in sorted({str(path), *_files(str(_PACKAGE))}):
            status = os.stat(name)
            if max(status.st_mtime, status.st_ctime) > now - _TICK:
                return None
            times = (status.st_mtime_ns, status.st_ctime_ns)
            facts.append(f"{name} {status.st_ino} {status.st_size} {times}")
    except OSError:
        return None
    return hashlib.sha256("\0".join([str(path), *facts]).encode()).hexdigest()


def _files(folder: str) -> Iterator[str]:
    """Yield all Python files of a folder and of those in it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.is_symlink():
                    msg = f"{entry.path} may lead in a circle"
                    raise OSError(msg)
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            elif entry.name.endswith(".py"):
                yield entry.path


def _read(path: Path) -> Sources | None:
    found: dict[Path, bytes] = {}
    changed = 0.0
    waiting = [path]
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
    for module in dict.fromkeys(modules):
        place = _PACKAGE.joinpath(*module.split(".")[1:])
        paths += [place.with_suffix(".py"), place / "__init__.py"]
    return [path for path in paths if path.is_file()]
