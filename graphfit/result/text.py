"""Results as text: what a scientist reads first."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphfit.samples import Samples, summary


def parameter_table(
    record: Samples, columns: Sequence[int], names: Sequence[str]
) -> str:
    """Return one line a parameter: best value, median, 1-sigma and 3-sigma limits.

    Parameters
    ----------
    record : Samples
    columns : sequence of int
        Which columns of ``record.table``.
    names : sequence of str
        What to call them.
    """
    best = record.table[record.best]
    rows: list[list[str]]
    if record.is_gaussian:
        return _gaussian_table(record, columns, names)
    if record.kind == "optimum":
        head = ["parameter", "value"]
        rows = [
            [name, f"{best[j]:.6g}"] for name, j in zip(names, columns, strict=True)
        ]
        return aligned([head, *rows])
    middle = summary.median(record)
    low, high = summary.interval(record, 1.0)
    low3, high3 = summary.interval(record, 3.0)
    head = ["parameter", "median", "-1 sigma", "+1 sigma", "3 sigma interval", "best"]
    rows = []
    for name, j in zip(names, columns, strict=True):
        digits = decimals(min(middle[j] - low[j], high[j] - middle[j]))
        rows.append(
            [
                name,
                number(middle[j], digits),
                f"-{number(middle[j] - low[j], digits)}",
                f"+{number(high[j] - middle[j], digits)}",
                f"({number(low3[j], digits)}, {number(high3[j], digits)})",
                number(best[j], digits),
            ]
        )
    return aligned([head, *rows])


def _gaussian_table(
    record: Samples, columns: Sequence[int], names: Sequence[str]
) -> str:
    """Return one line a parameter: the value at the optimum and its standard error."""
    best, errors = record.table[record.best], record.standard_deviations
    rows = [["parameter", "value", "error"]]
    for name, j in zip(names, columns, strict=True):
        digits = decimals(errors[j])
        known = math.isfinite(errors[j])
        error = f"+/- {number(errors[j], digits)}" if known else "unknown"
        rows.append([name, number(best[j], digits), error])
    return aligned(rows)


def decimals(error: float) -> int:
    """Return how many decimals show two significant digits of an error.

    Without an error they are too many for :func:`number`, which then counts significant
    digits of the value.
    """
    if not error > 0 or not math.isfinite(error):
        return 10
    return max(0, 1 - math.floor(math.log10(error)))


def number(value: float, digits: int) -> str:
    """Return a value with `digits` decimals, or in scientific notation when extreme."""
    if digits > 9 or abs(value) >= 1e9:
        return f"{value:.6g}"
    return f"{value:.{digits}f}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text: first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _head(record: Samples) -> list[str]:
    lines = []
    if not math.isnan(record.log_evidence):
        error = f"+/- {record.log_evidence_error:.3f}"
        if record.is_gaussian:
            error = "(Laplace's approximation)"
        lines.append(f"Log evidence (ln Z)           {record.log_evidence:.3f} {error}")
    best = float(np.max(record.log_likelihood))
    lines.append(f"Maximum log likelihood        {best:.3f}")
    if record.kind != "optimum":
        ess = summary.effective_sample_size(record)
        lines.append(
            f"Effective sample size         {ess:.0f} of {len(record)} samples"
        )
    if record.chains is not None:
        lines.append(f"Chains                        {record.chains}")
    lines.append(f"Likelihood evaluations        {record.evaluations}")
    if record.is_gaussian:
        lines.append(f"Status                        {record.status.sentence}")
    return lines


def joint_text(results: Any) -> str:
    """Return the text of a joint fit.

    Parameters
    ----------
    results : ResultList
    """
    record: Samples = results.record
    count = len(record.parameter_names)
    lines = [*_head(record), "", "Parameters"]
    lines.append(parameter_table(record, range(count), record.parameter_names))
    if record.derived_names:
        columns = range(count, count + len(record.derived_names))
        lines += ["", "Derived values"]
        lines.append(parameter_table(record, columns, record.derived_names))
    lines += ["", "Datasets at the maximum"]
    rows = [["dataset", "log likelihood", "chi-squared", "data points"]]
    rows += [_dataset_row(result) for result in results.plain]
    lines.append(aligned(rows))
    return "\n".join(lines)


def result_text(result: Any) -> str:
    """Return the text of one factor's result.

    Parameters
    ----------
    result : Result
    """
    record: Samples = result.samples.record
    lines = [*_head(record), "", "Parameters"]
    # The one is Python's and the other may be machine code's: equal but for rounding.
    own, joint = result.log_likelihood, result.joint_log_likelihood
    if not math.isclose(own, joint, rel_tol=1e-9, abs_tol=1e-9):
        lines = [f"Dataset '{result.name}' in the joint fit", "", *lines]
    names = result.samples.parameter_names
    lines.append(parameter_table(record, result.samples.columns, names))
    derived = result.samples.derived_columns
    if derived:
        lines += ["", "Derived values"]
        lines.append(parameter_table(record, list(derived.values()), list(derived)))
    lines += ["", "Dataset at the maximum"]
    head = ["dataset", "log likelihood", "chi-squared", "data points"]
    lines.append(aligned([head, _dataset_row(result)]))
    return "\n".join(lines)


def _dataset_row(result: Any) -> list[str]:
    points = result.analysis.data_point_count()
    chi = "-" if math.isnan(result.chi_squared) else f"{result.chi_squared:.2f}"
    return [
        result.name,
        f"{result.log_likelihood:.3f}",
        chi,
        "-" if points is None else str(points),
    ]
