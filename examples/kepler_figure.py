"""The figure of the transit example: stacked transits, residuals, folded, O - C."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

STEP = 0.35  # per cent of flux between stacked transits
RESIDUAL_STEP = 700.0  # parts per million between stacked residuals
REACH = 4.95  # hours shown either side


def draw(linear, free, transit):
    """Return the figure of the joint fit and of the free mid-times."""
    figure = Figure(figsize=(10, 9))
    grid = figure.add_gridspec(
        2, 2, height_ratios=[2.1, 1], hspace=0.24, wspace=0.24,
        left=0.08, right=0.97, top=0.95, bottom=0.065,
    )  # fmt: skip
    stack, left_over = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    below = grid[1, 0].subgridspec(2, 1, height_ratios=[3, 1], hspace=0.0)
    folded = figure.add_subplot(below[0])
    folded_left = figure.add_subplot(below[1], sharex=folded)
    colours = colormaps["viridis"](np.linspace(0.05, 0.82, len(linear)))
    hours = np.linspace(-REACH, REACH, 1000)
    everything = []
    for n, result in enumerate(linear):
        best = result.instance.parameters
        curve = shape_only(transit, best, hours)
        everything.append(_one(stack, left_over, n, result, (hours, curve), colours[n]))
    stack.set(
        xlabel="hours from mid-transit",
        ylabel=f"relative flux (%), each transit shifted by {-STEP}",
        title="One shape, one ephemeris",
        xlim=(-REACH, REACH),
    )
    left_over.set(
        xlabel="hours from mid-transit",
        title="Data minus joint model, in parts per million",
        xlim=(-REACH, REACH),
        yticks=[-RESIDUAL_STEP * n for n in range(len(linear))],
        yticklabels=[f"n = {n}" for n in range(len(linear))],
    )
    _fold(folded, folded_left, everything, (hours, curve))
    _observed_minus_calculated(figure.add_subplot(grid[1, 1]), linear, free, colours)
    return figure


def shape_only(transit, parameters, hours):
    """Return the transit in per cent, without baseline and slope."""
    plain = {**parameters, "mid_time": 0.0, "baseline": 1.0, "slope": 0.0}
    return 100.0 * (transit(hours / 24.0, **plain) - 1.0)


def _one(stack, left_over, n, result, model, colour):
    """Draw one transit in the stacks; return its points for the folded panel."""
    best, analysis = result.instance.parameters, result.analysis
    offset = analysis.x - best["mid_time"]
    line = best["baseline"] + best["slope"] * offset
    flux = 100.0 * (analysis.data / line - 1.0)
    residual = 1e6 * (analysis.data - analysis.model_data(result.instance))
    stack.plot(24 * offset, flux - STEP * n, ".", ms=3.2, color=colour, alpha=0.75)
    stack.plot(model[0], model[1] - STEP * n, "k-", lw=0.9)
    short = " (cut)" if 24 * offset[-1] < 4 else ""
    stack.annotate(
        f"n = {n}{short}", (-4.75, -STEP * n + 0.03), color=colour, fontweight="bold"
    )
    stack.annotate(
        f"BKJD {best['mid_time']:.3f}",
        (4.75, -STEP * n + 0.03),
        ha="right",
        fontsize=8,
        color="0.35",
    )
    left_over.axhline(-RESIDUAL_STEP * n, color="0.6", lw=0.7)
    left_over.plot(
        24 * offset, residual - RESIDUAL_STEP * n, ".", ms=3.2, color=colour, alpha=0.75
    )
    left_over.annotate(
        f"$\\chi^2$ = {result.chi_squared:.0f} of {analysis.data_point_count()} points",
        (4.75, -RESIDUAL_STEP * n + 330),
        ha="right",
        va="center",
        fontsize=8,
        color=colour,
    )
    return 24 * offset, flux, residual


def _fold(axes, axes_left, everything, model):
    """Draw all transits on one another, with means over ten minutes."""
    hours, flux, residual = (
        np.concatenate(part) for part in zip(*everything, strict=True)
    )
    edges = np.arange(-4.8, 4.81, 1 / 6)
    which = np.digitize(hours, edges)
    cells = [which == i for i in range(1, edges.size) if np.any(which == i)]
    centre = [hours[cell].mean() for cell in cells]
    for panel, values in ((axes, flux), (axes_left, residual)):
        panel.plot(hours, values, ".", color="0.78", ms=2)
        panel.plot(centre, [values[cell].mean() for cell in cells], "o", ms=2.8)
    axes.plot(*model, "k-", lw=0.9)
    axes.set(ylabel="relative flux (%)", title="Folded (blue: means over 10 minutes)")
    axes.tick_params(labelbottom=False)
    axes_left.axhline(0, color="k", lw=0.8)
    axes_left.set(
        xlabel="hours from mid-transit",
        ylabel="ppm",
        ylim=(-190, 190),
        xlim=(-REACH, REACH),
    )


def _observed_minus_calculated(axes, linear, free, colours):
    """Draw the free mid-times against the joint linear ephemeris."""
    names = list(linear.samples.parameter_names)
    columns = [names.index(f"mid_time.{name}") for name in ("t0", "period")]
    t0, period = np.array(linear.samples.median_pdf(as_instance=False))[columns]
    covariance = linear.covariance_matrix[np.ix_(columns, columns)]
    fine = np.linspace(-0.5, len(linear) - 0.5, 100)
    slopes = np.stack([np.ones_like(fine), fine])
    band = 86400 * np.sqrt(np.einsum("ik,ij,jk->k", slopes, covariance, slopes))
    axes.fill_between(
        fine, -band, band, color="0.88", label="linear ephemeris, 1 sigma"
    )
    axes.axhline(0, color="k", lw=0.8)
    for n, result in enumerate(free):
        observed = 86400 * (result.median_pdf().mid_time - (t0 + n * period))
        low, high = result.values_at_sigma(1.0).mid_time
        axes.errorbar(
            n,
            observed,
            yerr=43200 * (high - low),
            fmt="o",
            color=colours[n],
            capsize=2.5,
        )
    digits = 1e6 * np.sqrt(covariance[1, 1])
    axes.set(
        xlabel="transit number n",
        ylabel="observed - calculated (s)",
        title=f"P = {period:.6f}({digits:.0f}) d",
        xlim=(-0.5, len(linear) - 0.5),
        xticks=range(len(linear)),
    )
    axes.legend(frameon=False, fontsize=8)
