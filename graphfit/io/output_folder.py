"""The folder of a named run: where it is, whose it is, whether it is finished."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from graphfit.errors import OutputError
from graphfit.io.files import read_json, write_json, write_text
from graphfit.io.samples_file import (
    read_samples,
    write_dead_birth,
    write_samples,
    write_samples_csv,
)
from graphfit.samples import Samples

ROOT = Path("output")


@final
class OutputFolder:
    """``output/<path_prefix>/<name>/<identifier>/``, one folder a run.

    Parameters
    ----------
    path : Path
        The folder; made if need be.
    identity : str
        The run's fingerprint.
    facts : mapping
        What to remember of the run: settings, versions, the seed.

    Raises
    ------
    OutputError
        If it cannot be written, or holds a run of another identity.
    """

    __slots__ = ("facts", "identity", "path")

    def __init__(self, path: Path, identity: str, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = identity
        self._require_writable()
        run = self.files / "run.json"
        if run.exists():
            stored = read_json(run)
            if not isinstance(stored, dict) or not {"identity", "seed"} <= set(stored):
                msg = (
                    f"{run} is not what a run writes there; remove {path} to run the fit "
                    "again."
                )
                raise OutputError(msg)
            if stored["identity"] != identity:
                msg = (
                    f"{path} holds another run (identity {stored['identity']}, this one "
                    f"is {identity}); choose another name, or move that folder away."
                )
                raise OutputError(msg)
            self.facts: dict[str, Any] = stored
        else:
            self.facts = {"identity": identity, **facts}
            write_json(run, self.facts)

    @property
    def files(self) -> Path:
        """Where the machine-readable files are."""
        return self.path / "files"

    @property
    def images(self) -> Path:
        """Where the figures of the whole fit are."""
        return self.path / "image"

    def analysis_folder(self, name: str) -> Path:
        """Where the figures and data of one factor are; made if need be."""
        folder = self.path / "analyses" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def is_complete(self) -> bool:
        """Whether the run has finished and all its files are in place."""
        return (self.path / ".completed").exists()

    def complete(self) -> None:
        """Mark the run as finished and drop what only an unfinished one needs."""
        write_text(self.path / ".completed", "")
        shutil.rmtree(self.files / "evaluations", ignore_errors=True)

    def journal_path(self, part: str) -> Path:
        """Return the file of likelihood evaluations of one part of the run."""
        folder = self.files / "evaluations"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{part}.log"

    def write_samples(self, samples: Samples) -> None:
        """Write the samples, exactly, as a table, and a nested run as such."""
        write_samples(self.files / "samples.npz", samples)
        write_samples_csv(self.files / "samples.csv", samples)
        write_dead_birth(self.files, samples)

    def read_samples(self) -> Samples:
        """Return the samples of a finished run."""
        return read_samples(self.files / "samples.npz")

    def write_text(self, name: str, text: str) -> None:
        """Write a text for people at the top of the folder."""
        write_text(self.path / name, text if text.endswith("\n") else text + "\n")

    def write_json(self, name: str, content: Any) -> None:
        """Write plain data among the machine-readable files."""
        write_json(self.files / name, content)

    def _require_writable(self) -> None:
        try:
            self.files.mkdir(parents=True, exist_ok=True)
            probe = self.files / f".probe.{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            msg = (
                f"The output folder {self.path} is not writable: {error.strerror or error}. "
                "Choose another place with path_prefix=, or fit without name and "
                "path_prefix to write nothing."
            )
            raise OutputError(msg) from error


def run_path(path_prefix: str, name: str, unique_tag: str, identity: str) -> Path:
    """Return the folder of a run below ``output/`` (or an absolute `path_prefix`)."""
    return ROOT / path_prefix / unique_tag / name / identity
