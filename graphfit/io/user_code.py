"""What a user's function refers to: which names, whose modules.

The identity of a run follows code into everything that the user wrote, and stops at
installed packages, which count by name and version.
"""

import dis
import functools
import importlib.util
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INSTALLED = frozenset({"site-packages", "dist-packages"})
OWN = __name__.partition(".")[0]  # graphfit counts as installed, wherever it is


def global_names(code: types.CodeType) -> list[str]:
    """Return the globals that a function's code reads, nested functions included.

    Attributes are not among them: ``self.data`` is no use of a global ``data``.
    """
    names = [
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    ]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += global_names(constant)
    return list(dict.fromkeys(names))


def imported_names(code: types.CodeType) -> list[str]:
    """Return the modules that a function imports inside its body."""
    names = [
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname == "IMPORT_NAME"
    ]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += imported_names(constant)
    return list(dict.fromkeys(names))


def named_members(
    module: types.ModuleType, code: types.CodeType
) -> Iterator[tuple[str, Any]]:
    """Yield the members of a user's module that a function's code names.

    Parameters
    ----------
    module : module
        Met as a global: ``shapes`` in ``shapes.line(x)``.
    code : code
        The function's.
    """
    for name in _all_names(code):
        member = vars(module).get(name)
        if isinstance(member, types.ModuleType):
            if member is not module and not is_library(member.__name__):
                yield from named_members(member, code)
        elif name in vars(module) and not name.startswith("__"):
            yield f"{module.__name__}.{name}", member


def source_files(module: str) -> list[Path]:
    """Return the files of a user's module by name, without importing it.

    Parameters
    ----------
    module : str
        Its dotted name; the files are those of the top-level module or package.

    Returns
    -------
    list of Path
        Sorted; empty for installed packages and for what cannot be found.
    """
    top = module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # a relative import; __main__
        return []
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return []
    origin = Path(str(spec.origin))
    if _is_installed(origin):
        return []
    if spec.submodule_search_locations:
        return sorted(origin.parent.rglob("*.py"))
    return [origin]


@functools.cache
def is_library(module: str | None) -> bool:
    """Say whether a module is installed, rather than the user's own.

    Code without a module (from ``exec``, as symbolic algebra makes it) is the user's.
    """
    if module is None:
        return False
    if module in sys.builtin_module_names or module.partition(".")[0] == OWN:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and _is_installed(Path(file))


def library_name(value: Any) -> str:
    """Return what stands for a function or class of an installed package."""
    return f"{value.__module__}.{value.__qualname__} {_version(value.__module__)}"


def is_library_code(function: types.FunctionType) -> bool:
    """Say whether a function's body stands in an installed package.

    Its ``__module__`` may be another: decorators of packages take on the name of what
    they decorate.
    """
    return is_library(function.__globals__.get("__name__"))


def is_library_member(function: types.FunctionType) -> bool:
    """Say whether a function can be found in an installed package by its name.

    A function that was made inside one of the package's, by a call or by a decorator,
    cannot: what it holds is the user's.
    """
    module = function.__module__
    if not is_library(module):
        return False
    found: Any = sys.modules.get(module)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def code_name(function: types.FunctionType) -> str:
    """Return what stands for the body of a function in an installed package."""
    module = function.__globals__["__name__"]
    return f"{module}.{function.__code__.co_qualname} {_version(module)}"


def _version(module: str) -> str:
    package = sys.modules.get(module.partition(".")[0])
    return str(getattr(package, "__version__", ""))


def _is_installed(path: Path) -> bool:
    if INSTALLED & set(path.parts):
        return True
    places = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib")}
    return any(place and path.is_relative_to(place) for place in places)


def _all_names(code: types.CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _all_names(constant)
    return list(dict.fromkeys(names))
