"""Samples on disk: one exact binary file, and a table for people.

``samples.npz`` holds numpy arrays only (nothing is unpickled) and gives back the same bits;
``samples.csv`` is the table that other programs read.  A nested run whose contours are known
is written for programs that take nested runs apart, too.
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
from graphfit.samples.chains import ChainRecord
from graphfit.samples.nested_run import NestedRun
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
RUN_ARRAYS = ("contours", "births", "live_points", "log_volume", "ranks")
RUN_NUMBERS = ("information", "insertion", "pareto_k")
CHAIN_COUNTS = ("n_chains", "tune", "max_depth")
CHAIN_ARRAYS = (
    "divergent",
    "depths",
    "energies",
    "step_sizes",
    "r_hat",
    "bulk_ess",
    "tail_ess",
    "bfmi",
    "centred",
)


def write_samples(path: Path, samples: Samples) -> None:
    """Write the samples to `path`, an npz file."""
    facts: dict[str, Any] = {
        "kind": samples.kind,
        "parameter_names": samples.parameter_names,
        "derived_names": samples.derived_names,
        "log_evidence": samples.log_evidence.hex(),
        "log_evidence_error": samples.log_evidence_error.hex(),
        "evaluations": samples.evaluations,
        "ess_limit": samples.ess_limit.hex(),
        "status": int(samples.status),
    }
    arrays: dict[str, Any] = {name: getattr(samples, name) for name in ARRAYS}
    run = samples.run
    if run is not None:
        numbers = {name: float(getattr(run, name)).hex() for name in RUN_NUMBERS}
        facts["run"] = {**numbers, "switched": run.switched}
        arrays |= {f"run.{name}": getattr(run, name) for name in RUN_ARRAYS}
    chains = samples.chains
    if chains is not None:
        facts["chains"] = {name: getattr(chains, name) for name in CHAIN_COUNTS}
        arrays |= {f"chains.{name}": getattr(chains, name) for name in CHAIN_ARRAYS}
    stream = streams.BytesIO()
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
            run = _run(facts["run"], content) if "run" in facts else None
            chains = _chains(facts["chains"], content) if "chains" in facts else None
        return Samples(
            kind=facts["kind"],
            parameter_names=tuple(facts["parameter_names"]),
            derived_names=tuple(facts["derived_names"]),
            log_evidence=float.fromhex(facts["log_evidence"]),
            log_evidence_error=float.fromhex(facts["log_evidence_error"]),
            evaluations=facts["evaluations"],
            ess_limit=float.fromhex(facts["ess_limit"]),
            status=Status(facts["status"]),
            run=run,
            chains=chains,
            **arrays,
        )
    except DAMAGE as error:
        msg = f"Cannot read {path}: {error}. Remove its folder to run the fit again."
        raise OutputError(msg) from error


def _run(facts: dict[str, Any], content: Any) -> NestedRun:
    known: dict[str, Any] = {name: content[f"run.{name}"] for name in RUN_ARRAYS}
    known |= {name: float.fromhex(facts[name]) for name in RUN_NUMBERS}
    return NestedRun(**known, switched=facts["switched"])


def _chains(facts: dict[str, Any], content: Any) -> ChainRecord:
    known: dict[str, Any] = {name: facts[name] for name in CHAIN_COUNTS}
    arrays: dict[str, Any] = {name: content[f"chains.{name}"] for name in CHAIN_ARRAYS}
    return ChainRecord(**known, **arrays)


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


def write_dead_birth(folder: Path, samples: Samples) -> None:
    """Write a nested run as PolyChord does: ``anesthetic.read_chains(folder / "samples")``.

    ``samples_dead-birth.txt`` has one row a point: parameters, derived values, the ln L that
    orders the run, and that of the contour within which the point was drawn;
    ``samples.paramnames`` has the names.

    Parameters
    ----------
    folder : Path
    samples : Samples
        Nothing is written where they have no contours.
    """
    run = samples.run
    if run is None or len(run.contours) == 0:
        return
    columns = np.column_stack([samples.table, run.contours, run.births])
    stream = streams.StringIO()
    np.savetxt(stream, columns, fmt="%.17g")
    write_text(folder / "samples_dead-birth.txt", stream.getvalue())
    # There a name is one word.
    names = ["_".join(name.split()) for name in samples.names]
    write_text(folder / "samples.paramnames", "".join(f"{name}\n" for name in names))
