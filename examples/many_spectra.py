"""Two thousand spectra, each fitted by itself: maps of a rotating disc.

What you learn here: to fit one line to every spectrum of a cube by ``gf.curve_fit``, with a
guess for each spectrum, bounds and a mask; to read how each fit ended; and to see whether
the errors are right.

The cube is simulated: 40 x 50 positions, 64 channels.  The line is bright in the middle and
fades into the noise.  Two channels are blank (NaN), a corner was not observed, and beyond
the disc there is no line at all.

    python examples/many_spectra.py [--output output/many_spectra.png] [--threads 2]
"""

import argparse
import time as clock
from pathlib import Path

import numpy as np

import graphfit as gf

NAMES = ("amplitude", "mean", "stddev")
UNITS = ("K", "km/s", "km/s")
NOISE = 0.25  # K in a channel
EDGE = 23.0  # pixels from the centre; no line beyond


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def simulate(rng):
    """Return the velocities (64,), the cube (40, 50, 64) and the true maps."""
    v = np.linspace(-16.0, 16.0, 64)
    y, x = np.mgrid[:40, :50]
    dx, dy = x - 24.5, (y - 19.5) * 1.2
    radius = np.hypot(dx, dy)
    truth = {
        "amplitude": np.where(radius < EDGE, 6.0 * np.exp(-radius / 8.0), 0.0),
        "mean": 7.0 * dx / np.hypot(radius, 5.0),
        "stddev": 0.9 + 0.9 * np.exp(-radius / 6.0),
    }
    maps = [truth[name][..., None] for name in NAMES]
    cube = line(v, *maps) + rng.normal(0.0, NOISE, (40, 50, v.size))
    cube[..., 50:52] = np.nan
    return v, cube, truth


def guesses(v, cube):
    """Return amplitude, mean and width to begin at: maps of the peak, one width."""
    filled = np.where(np.isnan(cube), 0.0, cube)
    return [filled.max(axis=-1), v[filled.argmax(axis=-1)], 1.2]


def fit(v, cube, threads):
    """Return the fitted maps, their errors and the information on the fits."""
    unobserved = np.zeros((*cube.shape[:2], 1), dtype=bool)
    unobserved[:8, :8] = True  # a mask may be one value a spectrum, or one a channel
    values, covariance, info = gf.curve_fit(
        line,
        v,
        cube,
        p0=guesses(v, cube),
        sigma=NOISE,
        absolute_sigma=True,  # the noise is known: take it as it is
        bounds=([0.0, v[0], 0.3], [20.0, v[-1], 5.0]),
        nan_policy="omit",
        mask=unobserved,
        threads=threads,
        info=True,
    )
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    return values, errors, info


def report(values, errors, info, truth):
    """Print how the fits ended, and errors against truth in steps of brightness."""
    print(f"{'how the fits ended':<22}{'spectra':>8}")
    for code, count in zip(*np.unique(info.status, return_counts=True), strict=True):
        status = gf.Status(int(code))
        print(f"{status.name.lower():<22}{count:>8}   {status.sentence}")

    # (fit - truth) / error: scatter 1 where the errors are right.
    found = believed(values, errors, info)
    peak = truth["amplitude"] / NOISE
    observed = info.status != gf.Status.TOO_FEW_POINTS
    print("\namplitude above 5 errors, and scatter of (fit - truth) / error there")
    print(f"{'true peak / noise':<18}{'spectra':>9}{'found':>7}", end="")
    print(*(f"{name:>11}" for name in NAMES))
    for low, high in ((15, 30), (8, 15), (5, 8), (3, 5), (1, 3), (0, 1)):
        group = observed & (peak >= low) & (peak < high)
        chosen = group & found
        row = f"{f'{low} to {high}':<18}{group.sum():>9}{chosen.sum():>7}"
        for j, name in enumerate(NAMES):
            pull = (values[..., j] - truth[name])[chosen] / errors[..., j][chosen]
            row += f"{pull.std():>11.2f}" if pull.size > 20 else f"{'':>11}"
        print(row.rstrip())


def believed(values, errors, info):
    """Return where a line was found: a fit that converged, its amplitude over 5 errors.

    A fit to noise converges too, on the highest spike: convergence is no detection.
    """
    with np.errstate(invalid="ignore"):
        return (info.status == gf.Status.CONVERGED) & (
            values[..., 0] > 5.0 * errors[..., 0]
        )


def draw(values, errors, info, truth):
    """Return the figure: truth, fit and error of each parameter; statuses; chi-square."""
    from matplotlib.figure import Figure

    found = believed(values, errors, info)
    shown = np.where(found[..., None], values, np.nan)
    shown_errors = np.where(found[..., None], errors, np.nan)
    real = truth["amplitude"] > 0.0
    figure = Figure(figsize=(12.5, 7.6), layout="constrained")
    axes = figure.subplots(3, 4)
    limits = ((0, 6), (-7.5, 7.5), (0.5, 2.2))
    for j, (name, unit) in enumerate(zip(NAMES, UNITS, strict=True)):
        colours = "RdBu_r" if name == "mean" else "viridis"
        low, high = limits[j]
        seen = {"vmin": low, "vmax": high, "cmap": colours}
        true = np.where(real, truth[name], np.nan)
        _map(figure, axes[j, 0], true, f"true {name} ({unit})", **seen)
        _map(figure, axes[j, 1], shown[..., j], f"fitted {name} ({unit})", **seen)
        size = shown_errors[..., j]
        top = np.nanpercentile(size, 97)
        title = f"error of {name} ({unit})"
        _map(figure, axes[j, 2], size, title, vmin=0, vmax=top, cmap="magma")
    with np.errstate(divide="ignore", invalid="ignore"):
        reduced = info.chi_squared / info.degrees_of_freedom
    title = "reduced chi-square"
    _map(figure, axes[0, 3], reduced, title, vmin=0.4, vmax=1.6, cmap="RdBu_r")
    _statuses(figure, axes[1, 3], info.status)
    pull = ((values[..., 1] - truth["mean"]) / errors[..., 1])[found & real]
    axes[2, 3].hist(pull, bins=np.linspace(-4, 4, 33), density=True, color="0.7")
    z = np.linspace(-4, 4, 200)
    axes[2, 3].plot(z, np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi), color="C3")
    axes[2, 3].set(title="(fit - truth) / error of mean", yticks=[])
    return figure


def _map(figure, axis, values, title, **settings):
    axis.set_facecolor("0.85")
    picture = axis.imshow(values, origin="lower", interpolation="nearest", **settings)
    figure.colorbar(picture, ax=axis, shrink=0.85)
    axis.set(title=title, xticks=[], yticks=[])


def _statuses(figure, axis, status):
    """Draw each status that occurs in a colour of its own."""
    from matplotlib import colormaps

    codes = np.unique(status)
    colours = colormaps["Set2"].resampled(8)
    index = np.searchsorted(codes, status)
    picture = axis.imshow(
        index,
        origin="lower",
        interpolation="nearest",
        cmap=colours,
        vmin=-0.5,
        vmax=7.5,
    )
    bar = figure.colorbar(picture, ax=axis, ticks=range(codes.size), shrink=0.85)
    bar.ax.set_ylim(-0.5, codes.size - 0.5)
    bar.ax.set_yticklabels([gf.Status(int(code)).name.lower() for code in codes])
    axis.set(title="how the fit ended", xticks=[], yticks=[])


def main():
    """Simulate, fit, print the tables, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("output/many_spectra.png")
    parser.add_argument("--output", type=Path, default=default, help="the figure")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    v, cube, truth = simulate(np.random.default_rng(1))
    fit(v, cube[:1], options.threads)  # compiles
    began = clock.perf_counter()
    values, errors, info = fit(v, cube, options.threads)
    seconds = clock.perf_counter() - began
    print(f"{info.status.size} spectra of {v.size} channels: {1e3 * seconds:.0f} ms\n")
    report(values, errors, info, truth)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(values, errors, info, truth).savefig(options.output, dpi=110)
    print(f"\nfigure: {options.output}")


if __name__ == "__main__":
    main()
