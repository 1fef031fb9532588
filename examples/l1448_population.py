"""The line widths of L1448 as a population: from the fits of its pixels to their law.

What you learn here: to keep posterior draws of every pixel of a cube in a store; to fit,
from them alone, the density that the pixels' line widths are drawn from, and how it moves
with the brightness of the line; to weigh two laws by their evidences; and to have every
pixel's width back in the light of all the others.

    fits         one line at every pixel with signal, by nested sampling, draws in a store
    populations  ln width ~ N(a + b ln(brightness / 2 K), scatter^2); the same with b = 0
    maps         widths alone, under the population, and how much each has shrunk

    python examples/l1448_population.py [--quick] [--output output/l1448_population]

Lines of two velocities at one pixel are one broad line here: examples/l1448_nested.py tells
them apart.  The cube comes with astropy's remote data; a copy in the folder named by the
environment variable GRAPHFIT_DATA is used where there is one.
"""

import argparse
import time as clock
from pathlib import Path

import numpy as np
from astropy.nddata import CCDData
from data_files import find
from scipy import ndimage

import graphfit as gf

NARROWEST = 50.0  # m/s: the thermal width of 13CO at 10 K is 53
WIDEST = 1500.0  # m/s: wider than the cloud's whole range of velocities
BRIGHTEST = 20.0  # K: the gas is not warmer
FAINT = 2.0  # K: a usual line of this cloud


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def read(path, quick):
    """Return the cube (v, y, x) with its sky, the velocities, noise and peaks (y, x)."""
    cube = CCDData.read(path, unit="K")  # the file does not say K
    if quick:
        cube = cube[:, 60:75, 40:55]
    velocity = cube.wcs.spectral.pixel_to_world_values(np.arange(len(cube.data)))
    measured = gf.signal.noise_from_differences(cube.data)
    noise = ndimage.median_filter(measured, size=9, mode="nearest")
    return cube, velocity, noise, np.nanmax(cube.data, axis=0)


def fit_pixels(cube, velocity, noise, has_line, store):
    """Sample the posterior of one line at every pixel that has one; draws in a store."""
    model = gf.Model(
        line,
        amplitude=gf.UniformPrior(0.0, BRIGHTEST),
        mean=gf.UniformPrior(float(velocity[0]), float(velocity[-1])),
        stddev=gf.LogUniformPrior(NARROWEST, WIDEST),
    )
    return gf.fit_cube(
        model,
        gf.NestedSampler(n_live=250, seed=1),
        data=cube,
        noise=noise,
        mask=~has_line,
        draws=100,
        scheduler="threads",
        store=store,
    )


def law(slope, brightness):
    """Return the population's density of the widths, its location moving with brightness."""
    a = gf.UniformPrior(np.log(NARROWEST), np.log(WIDEST), name="a")
    scatter = gf.HalfGaussianPrior(0.5, name="scatter")
    mean = a + slope * gf.pixel_map(np.log(brightness / FAINT))
    return {"stddev": gf.LogGaussianPrior(mean=mean, sigma=scatter)}


def populations(fits, brightness):
    """Return the fits of the two laws: with a slope, and without."""
    slope = gf.GaussianPrior(0.0, 0.5, name="b")
    search = gf.NestedSampler(n_live=400, seed=1, progress=False)
    return {
        name: gf.population.fit(fits, law(b, brightness), search, method="sites")
        for name, b in (("with brightness", slope), ("of its own", 0.0))
    }


def draw(fits, found, brightness, output):
    """Draw the maps, and widths over brightness before and after."""
    from matplotlib.figure import Figure

    alone = fits.maps["stddev"].to_numpy()
    shrunk = found.shrunken_mean["stddev"].to_numpy()
    shrinkage = found.shrinkage["stddev"].to_numpy()
    figure = Figure(figsize=(13.0, 7.4), layout="constrained")
    axes = figure.subplots(2, 3)
    low, high = np.nanpercentile(alone, [2, 98])
    widths = {"vmin": low, "vmax": high, "cmap": "viridis"}
    shown = (
        (alone, "width alone (m/s)", widths),
        (shrunk, "under the population (m/s)", widths),
        (shrinkage, "shrinkage", {"vmin": 0, "vmax": 1, "cmap": "magma"}),
    )
    for axis, (values, title, settings) in zip(axes[0], shown, strict=True):
        axis.set_facecolor("0.85")
        picture = axis.imshow(values, origin="lower", **settings)
        figure.colorbar(picture, ax=axis, shrink=0.85)
        axis.set(title=title, xticks=[], yticks=[])
    peak = np.geomspace(np.nanmin(brightness), np.nanmax(brightness), 50)
    middle = found.result.median_pdf()
    trend = np.exp(middle.a + middle.b * np.log(peak / FAINT))
    for axis, values in ((axes[1, 0], alone), (axes[1, 1], shrunk)):
        axis.plot(brightness.ravel(), values.ravel(), ".", ms=2, color="0.4")
        axis.plot(peak, trend, color="C1")
        for side in (-1, 1):
            edge = trend * np.exp(side * middle.scatter)
            axis.plot(peak, edge, color="C1", lw=0.8, ls="--")
        axis.set(xscale="log", yscale="log", ylim=(0.6 * low, 1.6 * high))
        axis.set(xlabel="peak (K)", ylabel="width (m/s)")
        axis.set(xticks=[1, 2, 4], xticklabels=["1", "2", "4"])
        axis.set(yticks=[300, 600, 1200], yticklabels=["300", "600", "1200"])
        axis.minorticks_off()
    signal = fits.maps["amplitude"] / fits.maps["amplitude_error"]
    axes[1, 2].plot(
        signal.to_numpy().ravel(), shrinkage.ravel(), ".", ms=2, color="0.4"
    )
    axes[1, 2].set(xscale="log", xlabel="amplitude / its error", ylabel="shrinkage")
    figure.savefig(output, dpi=110)


def main():
    """Fit the pixels, then their population; print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("output/l1448_population")
    parser.add_argument("--output", type=Path, default=default, help="a folder")
    parser.add_argument("--quick", action="store_true", help="15 x 15 pixels only")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    path = find("l1448_13co.fits", "l1448/l1448_13co.fits")
    cube, velocity, noise, brightness = read(path, options.quick)
    has_line = brightness > 6.0 * noise
    brightness = np.where(has_line, brightness, FAINT)
    began = clock.perf_counter()
    store = options.output / ("quick.zarr" if options.quick else "fits.zarr")
    fits = fit_pixels(cube, velocity, noise, has_line, store)
    print(f"{fits.counts()}\nsingle fits in {clock.perf_counter() - began:.1f} s\n")

    began = clock.perf_counter()
    found = populations(fits, brightness)
    for name, population in found.items():
        print(f"{name}\n{population.info}\n")
    print(f"two populations in {clock.perf_counter() - began:.1f} s")
    gain = found["with brightness"].log_evidence - found["of its own"].log_evidence
    print(f"ln Z moves by {gain:+.1f} when the width may move with the brightness")
    figure = options.output / "population.png"
    shown = np.where(has_line, brightness, np.nan)
    draw(fits, found["with brightness"], shown, figure)
    print(f"figure: {figure}")


if __name__ == "__main__":
    main()
