"""A model comparison as text: what a user reads first."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphfit.model_choice.probabilities import false_positive_bound
from graphfit.result.text import aligned, decimals, number
from graphfit.typing import AnyArray, FloatArray

STRONG = 5.0  # ln B: odds of 148 to 1
TINY = "1e-6"  # of probabilities that are told apart from 0 and 1
SMALLEST = float(TINY)


def with_error(value: float, error: float, least: int = 3) -> str:
    """Return ``value +/- error``, to two digits of the error; the value alone without one.

    Examples
    --------
    >>> with_error(-12.3456, 0.12), with_error(0.25, float("nan")), with_error(1.0, 0.0)
    ('-12.35 +/- 0.12', '0.250', '1.000')
    """
    if not error > 0.0 or not math.isfinite(error):
        return number(value, least)
    if error < 0.5 * SMALLEST:
        return number(value, 6)
    digits = min(decimals(error), 6)
    return f"{number(value, digits)} +/- {number(error, digits)}"


def probability_with_error(value: float, error: float) -> str:
    """Return a probability in the same way; near 0 and 1 the side on which it lies.

    Examples
    --------
    >>> probability_with_error(0.071, 0.024), probability_with_error(3e-45, 1e-45)
    ('0.071 +/- 0.024', '< 1e-6')
    >>> probability_with_error(1.0, 3e-45), probability_with_error(0.0, 0.0)
    ('> 1 - 1e-6', '0')
    """
    if value == 0.0:
        return "0"
    if value < SMALLEST:
        return f"< {TINY}"
    if value > 1.0 - SMALLEST and error > 0.0:
        return f"> 1 - {TINY}"
    return with_error(value, error)


def model_table(
    labels: Sequence[Any],
    evidence: tuple[FloatArray, FloatArray],
    bayes: tuple[FloatArray, FloatArray],
    prior: FloatArray,
    probability: tuple[FloatArray, FloatArray],
) -> str:
    """Return one line a model of one dataset: ln Z, ln B to the best, P(k | data).

    Parameters
    ----------
    labels : sequence
    evidence, bayes, probability : pairs of ndarray, shape (K,)
        Values and standard errors.
    prior : ndarray, shape (K,)
    """
    rows = [["model", "ln Z", "ln B to the best", "prior", "P(model | data)"]]
    for k, label in enumerate(labels):
        cells = [
            with_error(float(value[k]), float(error[k]))
            for value, error in (evidence, bayes)
        ]
        own = probability_with_error(float(probability[0][k]), float(probability[1][k]))
        rows.append([str(label), *cells, f"{prior[k]:.3f}", own])
    return aligned(rows)


def cube_model_table(
    labels: Sequence[Any],
    prior: tuple[FloatArray, FloatArray],
    probability: FloatArray,
    best: AnyArray,
    log_bayes_factor: FloatArray,
) -> list[str]:
    """Return the lines about the models of a map.

    Parameters
    ----------
    labels : sequence, length K
    prior : pair of ndarray, shape (K,)
        Fractions and their standard errors.
    probability, log_bayes_factor : ndarray, shape (K, P...)
        The latter against the first model.
    best : ndarray, shape (P...)
    """
    known = best >= 0
    rows = [["model", "prior", "expected pixels", "most probable in", "median ln B"]]
    for k, label in enumerate(labels):
        p = probability[k][known]
        expected = f"{p.sum():.1f} +/- {np.sqrt((p * (1.0 - p)).sum()):.1f}"
        middle = np.median(log_bayes_factor[k][known]) if known.any() else math.nan
        share = probability_with_error(float(prior[0][k]), float(prior[1][k]))
        at_best = str(int((best == k).sum()))
        rows.append([str(label), share, expected, at_best, f"{middle:.2f}"])
    lines = [f"  {line}" for line in aligned(rows).splitlines()]
    lines.append(f"  ln B is against model {labels[0]}.")
    for k, label in list(enumerate(labels))[1:]:
        count = int((log_bayes_factor[k][known] > STRONG).sum())
        most = float(false_positive_bound(STRONG)) * int(known.sum())
        lines.append(
            f"  {label}: ln B > {STRONG:g} at {count} pixels; if all were {labels[0]}, "
            f"at most {most:.3g} on average (P(B > b) <= 1 / b)."
        )
    return lines
