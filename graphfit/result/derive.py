"""Derived columns: relations, and what analyses compute from instances."""

import dataclasses

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import ResultError
from graphfit.samples import Samples


def with_derived(program: Program, samples: Samples) -> Samples:
    """Return the samples with columns for relations and for ``Analysis.derived``.

    Parameters
    ----------
    program : Program
        Of the graph that was fitted.
    samples : Samples
        With free parameters only.

    Raises
    ------
    ResultError
        If an analysis derives other names at one sample than at the first.
    """
    values = program.space.values(np.ascontiguousarray(samples.values.T))
    names = list(program.space.derived_names)
    columns = list(program.space.derived(values))
    for i, (factor, analysis) in enumerate(program.analyses.items()):
        first = analysis.derived(program.factor_instances(samples.values[0])[i])
        if not first:
            continue
        rows = []
        for theta in samples.values:
            found = analysis.derived(program.factor_instances(theta)[i])
            if tuple(found) != tuple(first):
                msg = (
                    f"Factor '{factor}': derived() returned {tuple(found)} here and "
                    f"{tuple(first)} elsewhere; return the same names at every point."
                )
                raise ResultError(msg)
            rows.append(list(found.values()))
        names += [
            f"{factor}.{name}" if len(program.analyses) > 1 else name for name in first
        ]
        columns += list(np.array(rows, dtype=float).T)
    derived = np.array(columns).T if columns else np.empty((len(samples), 0))
    return dataclasses.replace(
        samples, derived_names=tuple(names), derived=np.ascontiguousarray(derived)
    )
