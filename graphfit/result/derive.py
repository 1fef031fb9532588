"""Derived columns: relations, and what analyses compute from instances."""

import dataclasses

import numpy as np

from graphfit.compiler import Program
from graphfit.errors import FitException, ResultError
from graphfit.model.tree import unique_name
from graphfit.samples import Samples
from graphfit.typing import FloatArray


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
        If an analysis derives other names at one sample than at the best.

    Notes
    -----
    Where the model is rejected (:class:`~graphfit.FitException`) the values are NaN.
    """
    values = program.space.values(np.ascontiguousarray(samples.values.T))
    names = list(program.space.derived_names)
    columns = list(program.space.derived(values))
    taken = {*samples.parameter_names, *names}
    for factor, found in _tables(program, samples).items():
        for name, column in found.items():
            full = f"{factor}.{name}" if len(program.analyses) > 1 else name
            names.append(unique_name(full, taken))
            taken.add(names[-1])
            columns.append(column)
    derived = np.array(columns).T if columns else np.empty((len(samples), 0))
    return dataclasses.replace(
        samples,
        derived_names=tuple(names),
        derived=np.ascontiguousarray(derived),
        derived_variances=_variances(program, samples, len(names)),
    )


def _variances(program: Program, samples: Samples, count: int) -> FloatArray:
    """Return the variances of the derived values about an optimum, to first order.

    ``var = J C J^T`` with J by central differences of a thousandth of the errors.  NaN for
    what analyses derive, and where the parameters are too many for it.
    """
    variances = np.full(count, np.nan)
    held = samples.covariance
    if not samples.is_gaussian or not count or held.ndim == 1:
        return variances if samples.is_gaussian else np.empty(0)
    steps = 1e-3 * np.sqrt(np.diagonal(held))
    around = samples.values[0][:, None] + np.concatenate(
        [np.diag(steps), -np.diag(steps)], axis=1
    )
    found = program.space.derived(program.space.values(around))
    above, below = np.split(found, 2, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = (above - below) / (2.0 * steps)
    variances[: len(found)] = np.einsum("ij,jk,ik->i", slopes, held, slopes)
    return variances


def _tables(program: Program, samples: Samples) -> dict[str, dict[str, FloatArray]]:
    """Return what each analysis derives at every sample, by factor and name."""
    at_best = program.factor_instances(samples.values[samples.best])
    expected = {
        factor: tuple(analysis.derived(instance))
        for (factor, analysis), instance in zip(
            program.analyses.items(), at_best, strict=True
        )
    }
    expected = {factor: names for factor, names in expected.items() if names}
    tables = {
        factor: {name: np.full(len(samples), np.nan) for name in names}
        for factor, names in expected.items()
    }
    if tables:
        for s, theta in enumerate(samples.values):
            for factor, found in _derived_at(program, theta, expected).items():
                for name, value in found.items():
                    tables[factor][name][s] = value
    return tables


def _derived_at(
    program: Program, theta: FloatArray, expected: dict[str, tuple[str, ...]]
) -> dict[str, dict[str, float]]:
    try:
        instances = dict(
            zip(program.factor_names, program.factor_instances(theta), strict=True)
        )
        found = {
            factor: program.analyses[factor].derived(instances[factor])
            for factor in expected
        }
    except FitException:
        return {}
    for factor, values in found.items():
        if tuple(values) != expected[factor]:
            msg = (
                f"Factor '{factor}': derived() returned {tuple(values)} here and "
                f"{expected[factor]} at the best sample; return the same names everywhere."
            )
            raise ResultError(msg)
    return found
