"""Data beside what the fit would have given: predictive bands."""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphfit.analysis.replicates import drawn_vectors, replicates
from graphfit.errors import ResultError
from graphfit.plot.observation import Observation, observe
from graphfit.plot.style import (
    INK,
    MODEL,
    MUTED,
    house_style,
    new_figure,
    saved,
)
from graphfit.seeding import child_seed, generator
from graphfit.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
FEWEST_DRAWS = 20  # a 95 % band of fewer has no meaning
# As read in the legend.
ORDER = ("data", "upper limit", "masked", "68 % of replicates", "95 % of replicates")


def predictive(
    result: Any,
    *,
    title: str | None = None,
    xlabel: str = "x",
    ylabel: str = "data",
    draws: int = 400,
    path: str | PathLike[str] | None = None,
) -> "Figure":
    """Draw each dataset over the bands in which the fit would expect its points.

    The bands hold 68 % and 95 % of replicated data at each point: draws from the posterior,
    with noise.  Of sound data one point in twenty lies outside of the wider one.  The
    p-value is that of chi-square, as :func:`~graphfit.posterior_predictive` defines it.

    Parameters
    ----------
    result : Result, ResultList or iterable of Result
        Of analyses that :func:`fit` draws and that have ``simulate(instance, rng)``.
    title : str, optional
        Above all panels; by default none.
    xlabel, ylabel : str
        What the axes show.
    draws : int, >= 20
        Replicates, with a fixed seed.
    path : str or path, optional
        Where to save the figure.

    Returns
    -------
    Figure
        matplotlib's, with one axes a dataset, four to a row.

    Raises
    ------
    ResultError
        If there is no result, the fit has no posterior, or an analysis does not have what
        is drawn.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import graphfit as gf
    >>> line = gf.ex.Gaussian(centre=50.0, normalization=25.0, sigma=10.0)
    >>> analysis = gf.ex.Analysis(line(np.arange(100.0)), np.full(100, 0.1))
    >>> result = gf.LevenbergMarquardt().fit(gf.Model(gf.ex.Gaussian), analysis)
    >>> figure = gf.plot.predictive(result, ylabel="flux (Jy)")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['flux (Jy)']
    """
    parts = _parts(result)
    if draws < FEWEST_DRAWS:
        msg = f"plot.predictive needs draws >= {FEWEST_DRAWS}, got {draws!r}."
        raise ResultError(msg)
    expected = [_expected(part, draws, i) for i, part in enumerate(parts)]
    columns = min(len(parts), COLUMNS)
    rows = -(-len(parts) // columns)
    width, height = (5.0, 3.2) if len(parts) == 1 else (2.6 * columns, 2.1 * rows)
    with house_style():
        figure = new_figure(
            width, height + 0.5 + 0.3 * bool(title), layout="constrained"
        )
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axes in panels[len(parts) :]:
            axes.remove()
        for i, (axes, part) in enumerate(zip(panels, parts, strict=False)):
            _draw(axes, expected[i])
            _name(axes, part, expected[i])
            axes.set_xlabel("data point" if expected[i].seen.x_is_number else xlabel)
            if i % columns == 0:
                axes.set_ylabel(ylabel)
        _explain(figure, panels[: len(parts)])
        return saved(figure, path)


class _Expected(NamedTuple):
    """One dataset, and what its replicates are like."""

    seen: Observation
    narrow: FloatArray  # (2, N), in the order of x
    wide: FloatArray
    p_value: float


def _parts(result: Any) -> list[Any]:
    """Return the results of datasets in what a user may give."""
    if hasattr(result, "analysis"):
        return [result]
    parts = list(getattr(result, "plain", result))
    if not parts:
        msg = "plot.predictive needs at least one result, got none."
        raise ResultError(msg)
    return parts


def _expected(part: Any, draws: int, number: int) -> _Expected:
    """Return the bands of a dataset; masked points have none."""
    seen = observe(part, 0)
    rng = generator(child_seed(0, number))
    vectors = drawn_vectors(part.samples, draws, rng)
    rows, larger = [], []
    for instance, again in replicates(part, vectors, rng):
        drawn: Any = again
        rows.append(np.asarray(drawn.data, dtype=float))
        own, other = part.analysis.chi_squared(instance), again.chi_squared(instance)
        if own is not None and other is not None:
            larger.append(float(other >= own))
    levels = np.quantile(np.array(rows), [0.1587, 0.8413, 0.025, 0.975], axis=0)
    order = np.argsort(_positions(part.analysis, levels.shape[1]), kind="stable")
    levels = levels[:, order]
    levels[:, ~seen.used | seen.limits] = np.nan  # these are not drawn anew
    p_value = float(np.mean(larger)) if larger else float("nan")
    return _Expected(seen, levels[:2], levels[2:], p_value)


def _positions(analysis: Any, count: int) -> FloatArray:
    """Return what :func:`observe` has put in order."""
    x = getattr(analysis, "xvalues", None)
    x = np.asarray(analysis.x if x is None else x, dtype=float)
    return x if x.ndim == 1 else np.arange(count, dtype=float)


def _draw(axes: "Axes", found: _Expected) -> None:
    seen = found.seen
    bands = (
        ("95 % of replicates", found.wide, 0.18),
        ("68 % of replicates", found.narrow, 0.3),
    )
    for label, (low, high), alpha in bands:
        axes.fill_between(
            seen.x, low, high, color=MODEL, alpha=alpha, lw=0, label=label, zorder=1
        )
    marks = (
        ("data", seen.used & ~seen.limits, ".", INK),
        ("upper limit", seen.used & seen.limits, "v", INK),
        ("masked", ~seen.used, "x", MUTED),
    )
    for label, chosen, mark, colour in marks:
        if chosen.any():
            axes.plot(
                seen.x[chosen],
                seen.data[chosen],
                mark,
                color=colour,
                ms=3.0,
                mew=0.7,
                label=label,
                zorder=3,
            )
    axes.margins(x=0.02)


def _name(axes: "Axes", part: Any, found: _Expected) -> None:
    name = f"dataset {part.name}" if part.name.isdigit() else part.name
    axes.set_title(name, loc="left", fontweight="bold")
    if np.isfinite(found.p_value):
        p = found.p_value
        text = f"p = {p:.2f}" if p >= 0.01 else "p < 0.01"
        axes.set_title(text, loc="right", color=MUTED, fontsize=8.0)


def _explain(figure: "Figure", panels: Iterable["Axes"]) -> None:
    """Explain the marks of all panels below them, each once."""
    found: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    names = [name for name in ORDER if name in found]
    figure.legend(
        [found[name] for name in names],
        names,
        loc="outside lower left",
        ncols=len(names),
        handlelength=1.6,
    )
