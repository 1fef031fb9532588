"""Samples on disk: one exact binary file, and a table for people.

``samples.npz`` holds numpy arrays only (nothing is unpickled) and gives back the same bits;
``samples.csv`` is the table that other programs read.
"""

import io as streams
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from graphfit.errors import OutputError
from graphfit.io.files import write_bytes, write_text
from graphfit.samples import Samples
from graphfit.samples.status import Status

# What numpy and zipfile raise for a file that is missing, cut short or altered.
DAMAGE = (
    EOFError,
    KeyError,
    OSError,
    RuntimeError,  # a flag that says encrypted, or a method that does not exist
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)
ARRAYS = (
    "values",
    "log_likelihood",
    "log_prior",
    "log_weights",
    "derived",
    "covariance",
    "derived_variances",
)


def write_samples(path: Path, samples: Samples) -> None:
    """Write the samples to `path`, an npz file."""
    facts = {
        "kind": samples.kind,
        "parameter_names": samples.parameter_names,
        "derived_names": samples.derived_names,
        "log_evidence": samples.log_evidence.hex(),
        "log_evidence_error": samples.log_evidence_error.hex(),
        "evaluations": samples.evaluations,
        "ess_limit": samples.ess_limit.hex(),
        "status": int(samples.status),
    }
    stream = streams.BytesIO()
    arrays: dict[str, Any] = {name: getattr(samples, name) for name in ARRAYS}
    np.savez(stream, facts=np.array(json.dumps(facts)), **arrays)
    write_bytes(path, stream.getvalue())


def read_samples(path: Path) -> Samples:
    """Return the samples that :func:`write_samples` wrote.

    Raises
    ------
    OutputError
        If the file is missing or damaged.
    """
    try:
        stream = streams.BytesIO(path.read_bytes())
        with np.load(stream, allow_pickle=False) as content:
            facts = json.loads(str(content["facts"]))
            arrays = {name: content[name] for name in ARRAYS}
        return Samples(
            kind=facts["kind"],
            parameter_names=tuple(facts["parameter_names"]),
            derived_names=tuple(facts["derived_names"]),
            log_evidence=float.fromhex(facts["log_evidence"]),
            log_evidence_error=float.fromhex(facts["log_evidence_error"]),
            evaluations=facts["evaluations"],
            ess_limit=float.fromhex(facts["ess_limit"]),
            status=Status(facts["status"]),
            **arrays,
        )
    except DAMAGE as error:
        msg = f"Cannot read {path}: {error}. Remove its folder to run the fit again."
        raise OutputError(msg) from error


def write_samples_csv(path: Path, samples: Samples) -> None:
    """Write one row a sample: parameters, derived values, ln L, ln prior, weight."""
    header = ",".join(
        [*samples.names, "log_likelihood", "log_prior", "log_posterior", "weight"]
    )
    posterior = samples.log_likelihood + samples.log_prior
    columns = np.column_stack(
        [
            samples.table,
            samples.log_likelihood,
            samples.log_prior,
            posterior,
            samples.weights,
        ]
    )
    stream = streams.StringIO()
    np.savetxt(stream, columns, delimiter=",", header=header, comments="", fmt="%.17g")
    write_text(path, stream.getvalue())
