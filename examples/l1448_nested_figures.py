"""The figures of the nested-sampling example that are not one call of gf.plot."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from scipy import ndimage

import graphfit as gf
from graphfit.samples import MapSpec, PixelMaps

INK, MUTED, FAINT = "#1f2328", "#6e7781", "#d0d7de"
MODEL, POSTERIOR, SECOND = "#d55e00", "#0072b2", "#009e73"
FINE = 400  # points of a smooth curve
DRAWS = 400  # curves behind a band
BINS = 30
LEVELS = (0.954, 0.683, 0.393)  # of the weight: 2, 1 and, in two dimensions, 1 sigma
DPI = 180
NAMES = {"amplitude": "T (K)", "mean": "v (km/s)", "stddev": "σ (km/s)"}


def maps_of(like, named, units=None):
    """Return maps as a result that gf.plot.maps draws; `like` has their sky."""
    units = units or {}
    specs = tuple(
        MapSpec(name, "f8", np.nan, name, units.get(name.rpartition(".")[2], ""))
        for name in named
    )
    return gf.CubeResult(PixelMaps(like.shape, specs, named), like.grid, {})


def draw_choice(found, alone, path):
    """Draw the probabilities of the numbers of lines, the best, and Bayes factors.

    `found` has the word of the neighbours, `alone` has not.
    """
    chance = found["probability"].values
    step, error = found["log_bayes_factor_step"], found["log_bayes_factor_step_error"]
    shown = {
        "P(no line)": chance[..., 0],
        "P(one line)": chance[..., 1],
        "P(two lines)": chance[..., 2],
        "most probable number": found["best_model"].values,
        "ln Z, one line less none": step.values[..., 1],
        "ln Z, two lines less one": step.values[..., 2],
        "its standard error": error.values[..., 2],
        "the same, each pixel alone": alone["best_model"].values,
    }
    figure = gf.plot.maps(maps_of(found, shown), shown)
    for axes in figure.axes[:3]:
        recolour(axes, "viridis", Normalize(0.0, 1.0))
    for axes in (figure.axes[3], figure.axes[7]):
        numbers = ListedColormap(colormaps["viridis"]([0.0, 0.5, 0.95]))
        recolour(axes, numbers, BoundaryNorm([-0.5, 0.5, 1.5, 2.5], 3))
        axes.images[0].colorbar.set_ticks([0, 1, 2])
        axes.images[0].colorbar.minorticks_off()
    # White is no preference; colours span a strong one either way.
    recolour(figure.axes[5], "RdBu_r", Normalize(-20.0, 20.0))
    figure.savefig(path, dpi=DPI)


def recolour(axes, palette, norm):
    """Give a map other colours than gf.plot.maps chooses."""
    image = axes.images[0]
    image.set_cmap(palette)
    image.set_norm(norm)


def draw_pixel(result, line, data, titles, path):
    """Draw a spectrum with the posterior predictive, and beside it the corner."""
    velocity, values, noise = data
    samples = equal_weight(result.samples)
    names = result.samples.parameter_names
    figure = Figure(figsize=(12.5, 5.0) if len(names) > 3 else (10.5, 4.2))
    left, right = figure.add_gridspec(
        1, 2, width_ratios=[1.05, 1.0], left=0.07, right=0.985, top=0.9, bottom=0.13,
        wspace=0.17,
    )  # fmt: skip
    upper, lower = left.subgridspec(2, 1, height_ratios=[3, 1], hspace=0.0)
    above = figure.add_subplot(upper)
    below = figure.add_subplot(lower, sharex=above)
    draw_spectrum(above, below, line, samples, (velocity, values, noise))
    above.set_title(titles[0], loc="left", fontsize=9.5, fontweight="bold", color=INK)
    above.set_title(titles[1], loc="right", fontsize=8, color=MUTED)
    corner(figure, right, names, samples)
    figure.savefig(path, dpi=DPI)


def equal_weight(samples, count=4000):
    """Return draws (count, D) of equal weight."""
    weights = np.asarray(samples.weight_list)
    rng = np.random.default_rng(1)
    return samples.values[rng.choice(weights.size, count, p=weights / weights.sum())]


def draw_spectrum(above, below, line, samples, data):
    """Draw data, the lines' curves, and what new data would be like."""
    velocity, values, noise = data
    fine = np.linspace(velocity[0], velocity[-1], FINE)
    parts = samples[:DRAWS].reshape(
        DRAWS, -1, 3
    )  # of each line: amplitude, mean, stddev
    curves = np.array([[line(fine, *part) for part in draw] for draw in parts])
    total = curves.sum(axis=1)
    at_channels = np.array(
        [sum(line(velocity, *part) for part in draw) for draw in parts]
    )
    rng = np.random.default_rng(2)
    new = at_channels + rng.normal(0.0, 1.0, at_channels.shape) * noise
    km = fine / 1e3
    above.fill_between(
        velocity / 1e3, *np.percentile(new, [2.5, 97.5], axis=0), step="mid", lw=0,
        color=MODEL, alpha=0.13, label="new data, 95 %",
    )  # fmt: skip
    above.plot(
        velocity / 1e3, values, drawstyle="steps-mid", color=INK, lw=0.9, label="data"
    )
    above.fill_between(
        km, *np.percentile(total, [2.5, 97.5], axis=0), color=MODEL, alpha=0.45, lw=0,
        label="model, 95 %",
    )  # fmt: skip
    above.plot(km, np.median(total, axis=0), color=MODEL, lw=1.3, label="model, median")
    if curves.shape[1] > 1:
        for i, colour in enumerate((POSTERIOR, SECOND)):
            above.plot(
                km,
                np.median(curves[:, i], axis=0),
                "--",
                color=colour,
                lw=1.1,
                label=f"line {i}",
            )
    above.set_ylabel("T (K)")
    low, high = above.get_ylim()
    above.set_ylim(low, high + 0.35 * (high - low))  # room for the legend
    above.legend(frameon=False, fontsize=7.5, loc="upper left", ncols=2)
    above.tick_params(labelbottom=False)
    residual = (values - np.median(at_channels, axis=0)) / noise
    below.axhspan(-1.0, 1.0, color=FAINT, alpha=0.5, lw=0)
    below.axhline(0.0, color=MODEL, lw=1.0)
    below.plot(velocity / 1e3, residual, drawstyle="steps-mid", color=INK, lw=0.9)
    reach = max(3.6, 1.1 * np.abs(residual).max())
    below.set(ylim=(-reach, reach), xlabel="velocity (km/s)", ylabel="residual / σ")
    for axes in (above, below):
        plain(axes)
        axes.margins(x=0.01)


def corner(figure, place, names, samples):
    """Draw marginals on the diagonal, and pairs below: 39, 68 and 95 % of the weight."""
    count = len(names)
    values = samples.copy()
    values[:, [not name.endswith("amplitude") for name in names]] /= 1e3
    grid = place.subgridspec(count, count, hspace=0.08, wspace=0.08)
    limits = np.percentile(values, [0.1, 99.9], axis=0).T
    for i in range(count):
        for j in range(i + 1):
            axes = figure.add_subplot(grid[i, j])
            if i == j:
                marginal(axes, values[:, i], limits[i])
            else:
                pair(axes, values[:, [j, i]], limits[[j, i]])
            finish_panel(axes, names, (i, j), count)


def marginal(axes, values, limits):
    """Draw one histogram with its central 68 %."""
    heights, edges = np.histogram(values, BINS, limits)
    axes.stairs(
        ndimage.gaussian_filter1d(heights.astype(float), 1.0), edges, color=POSTERIOR
    )
    low, middle, high = np.percentile(values, [15.87, 50.0, 84.13])
    axes.axvspan(low, high, color=POSTERIOR, alpha=0.15, lw=0)
    axes.axvline(middle, color=POSTERIOR, lw=1.0)
    axes.set(xlim=limits, ylim=(0.0, None))
    digits = max(0, 1 - int(np.floor(np.log10(0.5 * (high - low)))))
    above, below = (f"{error:.{digits}f}" for error in (high - middle, middle - low))
    text = f"${middle:.{digits}f}^{{+{above}}}_{{-{below}}}$"
    axes.set_title(text, fontsize=7.5, pad=4.5, color=INK)


def pair(axes, values, limits):
    """Draw filled contours of a pair of parameters."""
    density, across, up = np.histogram2d(*values.T, BINS, limits)
    density = ndimage.gaussian_filter(density, 1.3)
    ordered = np.sort(density, axis=None)[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [ordered[np.searchsorted(inside, level)] for level in LEVELS]
    middles = 0.5 * (across[1:] + across[:-1]), 0.5 * (up[1:] + up[:-1])
    levels = np.unique([*levels, density.max() * 1.001])
    axes.contourf(*middles, density.T, levels, cmap="Blues", vmin=-0.4 * levels[-1])
    axes.contour(*middles, density.T, levels, colors=POSTERIOR, linewidths=0.7)
    axes.set(xlim=limits[0], ylim=limits[1])


def finish_panel(axes, names, at, count):
    """Label a panel of the corner where it stands at the edge."""
    i, j = at
    axes.tick_params(labelsize=6.5, length=2, color=MUTED)
    axes.locator_params(nbins=3)
    axes.label_outer()
    axes.tick_params(axis="x", rotation=45, labelbottom=i == count - 1)
    if i == j:
        axes.set_yticks([])
    if i == count - 1:
        axes.set_xlabel(label(names[j], count), fontsize=8)
    if j == 0 and i > 0:
        axes.set_ylabel(label(names[i], count), fontsize=8)


def label(name, count):
    """Return the name of a parameter as a physicist writes it, with its unit."""
    place, _, own = name.rpartition(".")
    if count == 3:
        return NAMES[own]
    symbol, unit = NAMES[own].split(" ")
    return f"{symbol}$_{place}$ {unit}"


def draw_dynesty(compared, path):
    """Draw ln Z, means and standard deviations less dynesty's, pixel by pixel.

    Grey is one combined error of ln Z, 0.1 sd of means, 5 % of sds.
    """
    figure = Figure(figsize=(11.0, 2.9 * len(compared)), layout="constrained")
    rows = figure.subplots(len(compared), 3, squeeze=False)
    for row, (name, (miss, shift, ratio)) in zip(rows, compared.items(), strict=True):
        shown = (
            ("ln Z, ours less dynesty's / error", miss[:, None], 0.0, 1.0),
            ("means, ours less dynesty's / sd", shift, 0.0, 0.1),
            ("sds, ours over dynesty's", ratio, 1.0, 0.05),
        )
        for axes, (title, values, middle, reach) in zip(row, shown, strict=True):
            axes.axhspan(middle - reach, middle + reach, color=FAINT, alpha=0.6, lw=0)
            axes.axhline(middle, color=MUTED, lw=0.8)
            for column, marker in zip(values.T, "osD^v<", strict=False):
                axes.plot(column, marker, ms=3.5, color=POSTERIOR, mew=0, alpha=0.8)
            most = 1.1 * max(np.abs(values - middle).max(), 1.5 * reach)
            axes.set(
                ylim=(middle - most, middle + most), xlabel="pixel, faintest first"
            )
            axes.set_title(title, loc="right", fontsize=8, color=MUTED)
            axes.xaxis.get_major_locator().set_params(integer=True)
            plain(axes)
        row[0].set_title(name, loc="left", fontsize=9.5, fontweight="bold")
    figure.savefig(path, dpi=DPI)


def plain(axes):
    """Leave out what says nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, color=MUTED)
