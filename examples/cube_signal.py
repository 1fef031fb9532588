"""Where the signal is in a cube, and where its fits should begin: 13CO in L1448.

What you learn here: to measure the noise of every spectrum without counting the line as
noise; to find connected regions of signal in position and velocity; to make one mask for
guesses and a wider one for fitting; and to get peaks, moments, widths and starting values
for a fit of every spectrum.

The cube is read through dask, in chunks of whole spectra: nothing is computed before
``dask.compute``, and a cube that outgrows memory goes the same way.

    python examples/cube_signal.py [--output output/cube_signal.png]

The cube comes with astropy's remote data; a copy in the folder named by the environment
variable GRAPHFIT_DATA is used where there is one.
"""

import argparse
import time as clock
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from data_files import find

from graphfit.cube import signal

CHUNK = 35  # pixels along each side of a chunk of the map
SHOWN = ((82, 30), (60, 60), (30, 75))  # (y, x) of the spectra in the figure


def read_cube(path):
    """Return the cube (53, 105, 105) as a dask array in K, and velocities in km/s."""
    from astropy.io import fits
    from astropy.wcs import WCS

    with fits.open(path, memmap=True) as hdus:
        data, header = hdus[0].data, hdus[0].header
    velocity = WCS(header).spectral.pixel_to_world_values(np.arange(len(data)))
    cube = da.from_array(data, chunks=(-1, CHUNK, CHUNK))
    return cube, velocity / 1e3


def find_signal(cube, velocity):
    """Return all the steps, by name; nothing is computed yet."""
    noise = signal.noise_from_differences(cube)
    found = signal.signal_mask(cube, noise, low=3.0, high=6.0, min_high=5, min_low=40)
    near = signal.dilate(found, channels=1)  # for guesses: the line and its edges
    wide = signal.dilate(found, channels=4)  # for fitting: some baseline on both sides
    return {
        "noise": noise,
        "ends": signal.noise_from_channels(cube, [slice(0, 5), slice(48, None)]),
        "plain": signal.noise_from_channels(cube, slice(None)),
        "found": found,
        "near": near,
        "wide": wide,
        "peak": signal.peak(cube, velocity, near),
        "moments": signal.moments(cube, velocity, noise, near),
        "width": signal.line_width(cube, velocity, near),
        "start": signal.guesses(cube, velocity, near),
        "two": signal.guesses(cube, velocity, near, components=2),
    }


def report(steps):
    """Print what each step found."""
    noise, found = steps["noise"], steps["found"]
    print("noise of a channel, median over the map")
    print(f"  differences of channels                {np.median(noise):.3f} K")
    print(f"  deviation of ten channels at the ends  {np.median(steps['ends']):.3f} K")
    print(f"  deviation of all channels              {np.median(steps['plain']):.3f} K")
    print(
        "    (the line fills the band: the last counts it as noise, the second in part)"
    )

    pixels = found.any(axis=0)
    print("signal: regions above 3 sigma with > 40 voxels, > 5 of them above 6 sigma")
    print(f"  pixels    {pixels.sum()} of {pixels.size}")
    for name, what in (("found", "as found"), ("near", "+- 1"), ("wide", "+- 4")):
        print(f"  voxels    {steps[name].mean():6.1%}   {what}")

    print("where there is signal: median, 5 and 95 per cent, median error")
    moments, width = steps["moments"], steps["width"]
    rows = (
        ("peak (K)", steps["peak"].height, None),
        ("m0 (K km/s)", moments.m0, moments.m0_error),
        ("m1 (km/s)", moments.m1, moments.m1_error),
        ("sqrt(m2) (km/s)", width.from_moments, moments.width_error),
        ("m0 / peak (km/s)", width.from_peak, None),
        *((f"guess of {name}", value, None) for name, value in steps["start"].items()),
    )
    for name, values, errors in rows:
        middle, low, high = np.nanpercentile(values, [50, 5, 95])
        error = "" if errors is None else f"{np.nanmedian(errors):8.3f}"
        print(f"  {name:<20}{middle:8.3f}{low:8.3f}{high:8.3f}{error}")


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def draw(cube, velocity, steps):
    """Return the figure: maps of each step, three spectra with masks and guesses."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.0, 9.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.75, 1.0))
    panels, spectra = above.subplots(2, 5).flat, below.subplots(1, 3)
    moments, start = steps["moments"], steps["start"]
    velocities = {"cmap": "RdBu_r", "limits": np.nanpercentile(start["mean"], [2, 98])}
    widths = {"limits": (0.0, np.nanpercentile(moments.width, 99))}
    maps = (
        ("noise, by differences (K)", steps["noise"], {}),
        ("deviation of all channels / noise", steps["plain"] / steps["noise"], {}),
        ("channels with signal", steps["found"].sum(axis=0), {"cmap": "magma"}),
        ("peak (K)", steps["peak"].height, {}),
        ("integral (K km/s)", moments.m0, {}),
        ("mean velocity (km/s)", moments.m1, velocities),
        ("error of mean velocity (km/s)", moments.m1_error, {"cmap": "magma"}),
        ("width by second moment (km/s)", moments.width, widths),
        ("guess of mean (km/s)", start["mean"], velocities),
        ("guess of stddev (km/s)", start["stddev"], widths),
    )
    for axis, (title, values, settings) in zip(panels, maps, strict=True):
        _map(above, axis, values, title, **settings)
        if title.startswith("peak"):
            peak = axis
    for axis, (y, x), letter in zip(spectra, SHOWN, "abc", strict=True):
        _spectrum(axis, velocity, cube[:, y, x], steps, (y, x), letter)
        peak.plot(x, y, "o", mec="white", mfc="none", ms=5)
        beside = {"xytext": (4, 3), "textcoords": "offset points", "color": "white"}
        peak.annotate(letter, (x, y), **beside)
    spectra[0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _map(figure, axis, values, title, cmap="viridis", limits=None):
    low, high = np.nanpercentile(values, [1, 99]) if limits is None else limits
    axis.set_facecolor("0.85")
    picture = axis.imshow(
        np.asarray(values, dtype=float),
        origin="lower",
        interpolation="nearest",
        cmap=cmap,
        vmin=low,
        vmax=high,
    )
    figure.colorbar(picture, ax=axis, shrink=0.8)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])


def _spectrum(axis, velocity, spectrum, steps, place, letter):
    """Draw a spectrum, its masks as bands, the guesses of one and of two lines."""
    where = (slice(None), *place)
    step = velocity[1] - velocity[0]
    for name, shade, label in (
        ("wide", "0.93", "fitting mask"),
        ("found", "0.82", "signal"),
    ):
        for i, v in enumerate(velocity[steps[name][where]]):
            band = {"color": shade, "lw": 0, "label": label if i == 0 else None}
            axis.axvspan(v - step / 2, v + step / 2, **band)
    axis.step(velocity, spectrum, where="mid", color="0.15", lw=0.9)
    fine = np.linspace(velocity[0], velocity[-1], 400)
    one = [value[place] for value in steps["start"].values()]
    axis.plot(
        fine, line(fine, *one), color="#d55e00", lw=1.6, label="guess of one line"
    )
    both = [value[place] for value in steps["two"].values()]
    pair = line(fine, *both[:3]) + line(fine, *both[3:])
    axis.plot(fine, pair, color="#0072b2", lw=1.2, ls="--", label="guess of two")
    axis.set_title(f"{letter}: spectrum at y, x = {place[0]}, {place[1]}", fontsize=9)
    axis.set(xlabel="velocity (km/s)", ylabel="K", xlim=velocity[[0, -1]])


def main():
    """Read, build the steps, compute them at once, report, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("output/cube_signal.png")
    parser.add_argument("--output", type=Path, default=default, help="the figure")
    options = parser.parse_args()

    cube, velocity = read_cube(find("l1448_13co.fits", "l1448/l1448_13co.fits"))
    print(f"{cube.shape} voxels, {velocity[0]:.2f} to {velocity[-1]:.2f} km/s")
    began = clock.perf_counter()
    cube_read, steps = dask.compute(cube, find_signal(cube, velocity))
    seconds = clock.perf_counter() - began
    print(f"all steps for {cube[0].size} spectra: {1e3 * seconds:.0f} ms\n")
    report(steps)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(cube_read, velocity, steps).savefig(options.output, dpi=110)
    print(f"\nfigure: {options.output}")


if __name__ == "__main__":
    main()
