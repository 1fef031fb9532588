"""The shape of the package: import direction, quick import, names, sizes, errors.

The ranks are written once, in pyproject.toml. Each check that reads the source is also
shown a file that breaks its rule, so that it cannot pass by seeing nothing.
"""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "graphfit"
SOURCES = sorted(PACKAGE.rglob("*.py"))

LONGEST_FILE = 500
# Names that say where code was put, not what it is.
VAGUE_NAMES = {"base", "common", "helper", "misc", "tool", "util"}
# They load on first use, so that `import graphfit` stays quick.
LATE_MODULES = (
    "astropy",
    "corner",
    "dask",
    "dynesty",
    "emcee",
    "llvmlite",
    "matplotlib",
    "networkx",
    "numba",
    "nutpie",
    "scipy.optimize",
    "scipy.stats",
    "xarray",
    "zarr",
)


def identify(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_source = pytest.mark.parametrize("path", SOURCES, ids=identify)


# --- import direction --------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package in `folder` against the contracts of this project."""
    command = "from importlinter.cli import lint_imports_command as run; run()"
    configuration = ["--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(
        [sys.executable, "-c", command, *configuration, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_one_way():
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("module", "statement", "broken"),
    [
        ("errors.py", "import graphfit.cli", "graphfit.errors -> graphfit.cli"),
        ("priors/new.py", "import graphfit.graph", "graphfit.priors.new -> graphfit"),
        ("io/new.py", "import graphfit.plot", "graphfit.io.new -> graphfit.plot"),
        ("result/new.py", "import matplotlib", "graphfit.result.new -> matplotlib"),
        ("graph/new.py", "import dynesty", "graphfit.graph.new -> dynesty"),
        ("cli/new.py", "import emcee", "graphfit.cli.new -> emcee"),
        ("anything/__init__.py", "", "anything"),
    ],
    ids=lambda value: value if str(value).endswith(".py") else "",
)
def test_a_wrong_import_is_seen(tmp_path, module, statement, broken):
    copy = tmp_path / "graphfit"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(statement + "\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    assert broken in outcome.stdout


# --- the public map ----------------------------------------------------------------


def imports_of_the_public_map(tree: ast.Module) -> list[int]:
    """Lines that import `graphfit` itself, or a name only its `__init__` binds."""
    rooms = {path.stem for path in PACKAGE.iterdir()}
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wrong = any(alias.name == "graphfit" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "graphfit":
            wrong = any(alias.name not in rooms for alias in node.names)
        else:
            continue
        if wrong:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.parent != PACKAGE / "cli"], ids=identify
)
def test_a_file_below_the_command_line_imports_the_room_it_needs(path):
    """The import contract cannot see a rank in `from graphfit import Model`."""
    lines = imports_of_the_public_map(ast.parse(path.read_text()))
    assert not lines, f"lines {lines}: import from the folder that defines the name"


def test_an_import_of_the_public_map_is_seen():
    source = """
import graphfit as gf
from graphfit import Model
from graphfit import errors
from graphfit.model import Model
"""
    assert imports_of_the_public_map(ast.parse(source)) == [2, 3]


LATE_REPORT = """
import sys
import graphfit
print(*sorted({".".join(name.split(".")[:2]) for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def loaded_by_import() -> set[str]:
    """The modules, two levels deep, in a fresh interpreter after `import graphfit`."""
    report = subprocess.run(
        [sys.executable, "-c", LATE_REPORT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(report.stdout.split())


@pytest.mark.parametrize("module", LATE_MODULES)
def test_import_is_quick(loaded_by_import, module):
    assert "graphfit" in loaded_by_import
    assert module not in loaded_by_import


# --- names and sizes ---------------------------------------------------------------


def is_vague(path: Path) -> bool:
    """Whether a file or folder has a vague name: `utils`, `_base`, `helpers2`."""
    return path.stem.strip("_0123456789").removesuffix("s") in VAGUE_NAMES


@every_source
def test_a_name_says_what_is_inside(path):
    parts = path.relative_to(PACKAGE).parents[:-1]
    vague = [str(part) for part in (path, *parts) if is_vague(Path(part))]
    assert not vague, f"{vague}: name the file for the noun it defines"


@pytest.mark.parametrize("name", ["utils.py", "_base.py", "helpers2.py", "common"])
def test_a_vague_name_is_seen(name):
    assert is_vague(Path(name))


@every_source
def test_a_file_holds_one_concept(path):
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, "split it where one concept ends"


# --- errors ------------------------------------------------------------------------


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is bare, or names Exception or BaseException."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def swallowed_errors(source: str) -> list[int]:
    """Lines of broad excepts that do not say which boundary they guard."""
    lines = source.splitlines()
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ExceptHandler)
        and catches_everything(node)
        and not re.search(r"# boundary: \w", lines[node.lineno - 1])
    ]


@every_source
def test_no_error_is_swallowed(path):
    lines = swallowed_errors(path.read_text())
    assert not lines, f"lines {lines}: name the errors, or say '# boundary: why'"


@pytest.mark.parametrize(
    ("clause", "seen"),
    [
        ("except:", True),
        ("except Exception:", True),
        ("except BaseException as error:", True),
        ("except (ValueError, Exception):", True),
        ("except Exception:  # boundary: ", True),
        ("except Exception:  # boundary: a user's likelihood", False),
        ("except ValueError:", False),
    ],
)
def test_a_swallowed_error_is_seen(clause, seen):
    source = f"try:\n    run()\n{clause}\n    pass\n"
    assert bool(swallowed_errors(source)) is seen
