"""The leave-one-out check as text."""

import math
from typing import Any

import numpy as np

from graphfit.result.text import aligned, decimals, number


def leave_one_out_text(check: Any) -> str:
    """Return a line a dataset: what the others say of it, and what it changes.

    Parameters
    ----------
    check : LeaveOneOut
    """
    rows = [["dataset", "ln p(D_i | others)", "k", "from", "largest shift", "p"]]
    for i, name in enumerate(check.names):
        k = check.pareto_k[i]
        rows.append(
            [
                name,
                with_error(check.log_predictive[i], check.log_predictive_error[i]),
                "-" if math.isnan(k) else f"{k:.2f}",
                _source(check, i),
                largest_shift(check, i),
                probability(check.p_value[i]),
            ]
        )
    head = f"Each of {len(check.names)} datasets left out"
    return "\n".join([head, *aligned(rows).splitlines(), *remarks(check)])


def remarks(check: Any) -> list[str]:
    """Return sentences on what to look at."""
    lines = []
    if check.flagged:
        named = ", ".join(check.flagged)
        lines.append(f"At odds with the others: {named}.")
        if len(check.flagged) > 1:
            lines.append(
                "The worst is first. It is among the others of each: leave it out, and "
                "check again."
            )
    if check.untrusted:
        named = ", ".join(check.untrusted)
        lines.append(
            f"Not to be trusted, as the weights are too uneven: {named}. Give search= to "
            "fit without."
        )
    if not lines:
        lines.append("No dataset disagrees with the others.")
    return lines


def largest_shift(check: Any, i: int) -> str:
    """Return the shared parameter that a dataset moves most, and how far."""
    row = check.shift[i]
    if not row.size or not np.isfinite(row).any():
        return "-"
    j = int(np.nanargmax(np.abs(row)))
    return f"{check.parameter_names[j]} {row[j]:+.2f} sd"


def with_error(value: float, error: float) -> str:
    """Return ``value +/- error`` to two digits of the error, at most three decimals.

    Examples
    --------
    >>> with_error(-12.3456, 0.12), with_error(1.0, 0.0), with_error(float("nan"), 1.0)
    ('-12.35 +/- 0.12', '1.000', '-')
    """
    if math.isnan(value):
        return "-"
    if not error > 0.0 or not math.isfinite(error):
        return number(value, 3)
    digits = min(decimals(error), 3)
    return f"{number(value, digits)} +/- {number(error, digits)}"


def probability(value: float) -> str:
    """Return a p-value in few characters.

    Examples
    --------
    >>> probability(0.0321), probability(3.2e-7), probability(float("nan"))
    ('0.032', '3.2e-07', '-')
    """
    if math.isnan(value):
        return "-"
    return f"{value:.3f}" if value >= 1e-3 else f"{value:.1e}"


def _source(check: Any, i: int) -> str:
    if check.refitted[i]:
        return "refit"
    return "draws" if check.trusted[i] else "draws (?)"
