"""A sensitivity map as text: what a user reads first."""

from typing import Any

import numpy as np

from graphfit.model_choice.comparison_text import with_error
from graphfit.result.text import aligned
from graphfit.samples import Status
from graphfit.sensitivity.differences import WORDS

MOST_ROWS = 60  # cells, in the table


def sensitivity_text(result: Any, threshold: float) -> str:
    """Return the summary of a map: how much is detected, and every cell.

    Parameters
    ----------
    result : SensitivityResult
    threshold : float
        Of the statistic.
    """
    found, word = result.differences(), WORDS[result.statistic]
    detected = result.detectable(threshold)
    known = detected[~np.isnan(detected)]
    cells = " x ".join(str(count) for count in result.shape)
    size = f"{cells} cells over {', '.join(result.parameter_names)}"
    if result.n_simulations > 1:
        size += f", {result.n_simulations} simulations each"
    share = f"{known.mean():.1%} of what the prior expects" if known.size else "unknown"
    head = [["Sensitivity", size], [f"{word} > {threshold:g}", share]]
    failed = sum(bool(message) for message in result.messages.flat)
    if failed:
        head.append(["No answer", f"{failed} of {result.statuses.size}"])
    return f"{aligned(head)}\n\n{aligned(_rows(result, found, detected, word))}"


def _rows(result: Any, found: Any, detected: Any, word: str) -> list[list[str]]:
    several = result.n_simulations > 1
    ends = ["scatter", "detected"] if several else ["detected"]
    rows = [["cell", *result.parameter_names, word, *ends]]
    positions = list(np.ndindex(*result.shape))
    for position, values in zip(
        positions[:MOST_ROWS], result.physical_centres_lists, strict=False
    ):
        share = float(detected[position])
        shown = with_error(float(found.mean[position]), float(found.error[position]))
        cells = [f"{found.scatter[position]:.3f}", f"{share:.2f}"]
        row = [shown, *(cells if several else ["yes" if share > 0.0 else "no"])]
        if np.isnan(share):
            row = ["no answer", *[""] * (len(ends) - 1), _why(result, position)]
        label = ", ".join(str(i) for i in position)
        rows.append([label, *(f"{value:.6g}" for value in values), *row])
    if len(positions) > MOST_ROWS:
        rows.append(
            [f"and {len(positions) - MOST_ROWS} more", *[""] * (len(rows[0]) - 1)]
        )
    return rows


def _why(result: Any, position: tuple[int, ...]) -> str:
    """Return how the first simulation of a cell ended."""
    found = result.statuses[position]
    status: Status = found if isinstance(found, Status) else found[0]
    return status.name.lower()
