"""``graphfit new DIR``: a workspace to start from."""

import shutil
from pathlib import Path

import click

from graphfit.errors import OutputError

# Made by running the scripts, not part of what is copied.
MADE = ("output", "__pycache__", ".ipynb_checkpoints")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Copy the workspace of example scripts and simulators to DIR."""
    copied = copy_workspace(workspace_source(), folder)
    click.echo(f"Copied {copied} files to {folder}.")
    click.echo(f"Read {folder / 'README.md'} first; a script runs from anywhere:")
    for script in sorted((folder / "scripts").glob("*.py"))[:1]:
        click.echo(f"  python {script}")


def workspace_source() -> Path:
    """Return the folder of the workspace: in the package, or in its checkout.

    Raises
    ------
    OutputError
        If this installation has neither.
    """
    here = Path(__file__).resolve().parent
    checkout = here.parents[1]
    places = [here / "workspace"]
    if (checkout / "pyproject.toml").is_file():
        places.append(checkout / "workspace")
    for place in places:
        if (place / "README.md").is_file():
            return place
    msg = (
        "This installation of graphfit came without the workspace; install it from a "
        "checkout or a wheel that has it."
    )
    raise OutputError(msg)


def copy_workspace(source: Path, folder: Path) -> int:
    """Copy the workspace and return the number of files.

    Parameters
    ----------
    source : Path
        See :func:`workspace_source`.
    folder : Path
        Must not exist, or be empty.

    Raises
    ------
    OutputError
        If there is something already, or it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            msg = f"{folder} exists already and is not empty; give the name of a new folder."
            raise OutputError(msg)
        shutil.copytree(source, folder, ignore=_left_out, dirs_exist_ok=True)
        return sum(path.is_file() for path in folder.rglob("*"))
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        msg = f"Cannot copy the workspace to {folder}: {error.strerror or error}."
        raise OutputError(msg) from error


def _left_out(folder: str, names: list[str]) -> list[str]:
    """Leave out what scripts make: outputs, caches, simulated datasets."""
    if Path(folder).name == "dataset":
        return [name for name in names if name != ".gitkeep"]
    return [name for name in names if name in MADE]
