"""What the demo says: tables of parameters, evidences, and which model is preferred."""

import math
from collections.abc import Mapping, Sequence

import graphfit as gf
from graphfit.cli.demo_data import Dataset, Truth
from graphfit.cli.demo_models import Way
from graphfit.result.text import aligned, decimals, number
from graphfit.samples import summary


def introduction(truth: Truth, datasets: Sequence[Dataset], seed: int) -> str:
    """Return what is simulated.

    Parameters
    ----------
    truth : Truth
    datasets : sequence of Dataset
    seed : int
    """
    widths = ", ".join(f"{sigma:g}" for sigma in truth.sigmas)
    lines = [
        f"graphfit {gf.__version__}: one line, observed {len(datasets)} times, fitted "
        "jointly in three ways",
        "",
        f"Simulated with seed {seed}: {len(datasets)} datasets of "
        f"{datasets[0].data.size} points, noise {truth.noise:g}; a Gaussian line of",
        f"  centre {truth.centre:g} and normalization {truth.normalization:g} in all, and "
        f"sigma = m * i + c with m = {truth.m:g}, c = {truth.c:g}: {widths}",
    ]
    return "\n".join(lines)


def fit_report(
    way: Way, results: gf.ResultList, truth: Mapping[str, float], seconds: float
) -> str:
    """Return one fit as text: what it assumes, its parameters beside the truth.

    Parameters
    ----------
    way : Way
    results : ResultList
        Of the way's graph.
    truth : mapping from str to float
        True values by parameter name, where there is one.
    seconds : float
        What the fit took.
    """
    record = results.record
    points = sum(result.analysis.data_point_count() for result in results)
    lines = [
        "",
        f"--- {way.name}: {way.meaning}",
        f"{len(record.parameter_names)} free parameters, chi-squared "
        f"{results.chi_squared:.1f} of {points} points, "
        f"ln Z = {results.log_evidence:.2f} +/- {results.log_evidence_error:.2f}",
        f"{record.evaluations} likelihood evaluations in {seconds:.1f} s",
        "",
        parameter_table(results, truth),
    ]
    return "\n".join(lines)


def parameter_table(results: gf.ResultList, truth: Mapping[str, float]) -> str:
    """Return a line a parameter: median, errors, truth, and how far off that is.

    Parameters
    ----------
    results : ResultList
    truth : mapping from str to float
        True values by parameter name; a dash stands for those that have none.
    """
    record = results.record
    middle = summary.median(record)
    low, high = summary.interval(record, 1.0)
    rows = [["parameter", "median", "-1 sigma", "+1 sigma", "truth", "off by"]]
    for name, m, a, b in zip(record.names, middle, low, high, strict=True):
        digits = decimals(min(m - a, b - m))
        row = [name, number(m, digits), f"-{number(m - a, digits)}"]
        row.append(f"+{number(b - m, digits)}")
        if name in truth:
            error = m - a if m > truth[name] else b - m
            row += [f"{truth[name]:g}", f"{(m - truth[name]) / error:+.1f} sigma"]
        else:
            row += ["-", "-"]
        rows.append(row)
    return aligned(rows)


def comparison(fits: Mapping[str, gf.ResultList]) -> str:
    """Return the table of evidences, the best first.

    Parameters
    ----------
    fits : mapping from str to ResultList
        By the name of the way.
    """
    names = ranked(fits)
    best = fits[names[0]]
    rows = [["model", "parameters", "chi-squared", "ln Z", "error", "below the best"]]
    for name in names:
        results = fits[name]
        gap = best.log_evidence - results.log_evidence
        error = _joint_error(best, results)
        rows.append(
            [
                name,
                str(len(results.record.parameter_names)),
                f"{results.chi_squared:.1f}",
                f"{results.log_evidence:.2f}",
                f"{results.log_evidence_error:.2f}",
                "-" if name == names[0] else f"{gap:.2f} +/- {error:.2f}",
            ]
        )
    return "\n".join(["", "--- the evidence of each", aligned(rows)])


def verdict(fits: Mapping[str, gf.ResultList]) -> str:
    """Return the sentence that says which fit the data prefer, and by what odds.

    Parameters
    ----------
    fits : mapping from str to ResultList
        At least two, by the name of the way.
    """
    first, second = ranked(fits)[:2]
    gap = fits[first].log_evidence - fits[second].log_evidence
    error = _joint_error(fits[first], fits[second])
    difference = f"ln Z differs by {gap:.1f} +/- {error:.1f}"
    if gap < max(1.0, 2.0 * error):
        return (
            f"\nThe data do not decide between '{first}' and '{second}':\n{difference}, "
            f"odds of only {odds(gap)} to 1."
        )
    return (
        f"\nThe data prefer '{first}'. Against '{second}', the next best, {difference}:\n"
        f"it is more probable by a factor of e^{gap:.1f}, odds of {odds(gap)} to 1 "
        f"(between {odds(gap - error)} and {odds(gap + error)}\nwithin the error), if both "
        "were as probable before the data."
    )


def ranked(fits: Mapping[str, gf.ResultList]) -> list[str]:
    """Return the names of the fits, the highest evidence first."""
    return sorted(fits, key=lambda name: -fits[name].log_evidence)


def odds(log_odds: float) -> str:
    """Return odds against one from their logarithm, to two digits.

    Examples
    --------
    >>> odds(2.0), odds(10.8), odds(300.0)
    ('7.4', '49 000', '1.9e+130')
    """
    power = math.floor(log_odds / math.log(10.0))
    leading = round(math.exp(log_odds - power * math.log(10.0)), 1)
    if power < 1:
        return f"{leading * 10.0**power:.2g}"
    if power < 6:
        return f"{round(leading * 10) * 10 ** (power - 1):,}".replace(",", " ")
    return f"{leading:.1f}e+{power}"


def _joint_error(one: gf.ResultList, other: gf.ResultList) -> float:
    return math.hypot(one.log_evidence_error, other.log_evidence_error)
