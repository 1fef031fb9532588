"""A Gaussian line at every pixel of a real cube: 13CO in L1448.

What you learn here: to go from a FITS cube to maps of a line's brightness, velocity and
width with their errors, in a fraction of a second; to see which fits can be trusted; to
keep a run in a store that survives a crash; and to look at what the model leaves over.

    noise      from the differences of neighbouring channels, smoothed over the map
    mask       connected regions of signal; for the guesses, and wider for the fits
    guesses    peak, velocity and width of every line
    trial      three pixels first, by the same code as the whole map
    fit        Levenberg-Marquardt at all pixels, with errors, covariances and statuses
    results    maps with sky coordinates and units, a model cube, residuals, FITS

    python examples/l1448_cube.py [--output output/l1448]

The cube comes with astropy's remote data; a copy in the folder named by the environment
variable GRAPHFIT_DATA is used where there is one.
"""

import argparse
import time as clock
from pathlib import Path

import numpy as np
from data_files import find
from scipy import ndimage

import graphfit as gf

TRIALS = ((82, 30), (60, 60), (30, 75))  # (y, x)
CHANNEL = 66.42361  # m/s
NARROWEST, WIDEST = 0.5 * CHANNEL, 1500.0  # m/s, of a line's standard deviation


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def read(path):
    """Return the cube (53, 105, 105) in K and the velocities of its channels in m/s."""
    from astropy.io import fits
    from astropy.wcs import WCS

    with fits.open(path) as hdus:
        cube = hdus[0].data.astype(np.float32)
        velocity = WCS(hdus[0].header).spectral.pixel_to_world_values(
            np.arange(len(cube))
        )
    return cube, velocity


def prepare(cube, velocity):
    """Return the noise, the mask of voxels to leave out, and where fits begin."""
    measured = gf.signal.noise_from_differences(cube)
    # One pixel's noise scatters by 18 %, having 53 channels; that of neighbours is alike.
    noise = ndimage.median_filter(measured, size=9, mode="nearest")
    signal = gf.signal.signal_mask(cube, noise, low=3.0, high=6.0)
    near = gf.signal.dilate(signal, channels=1)
    wide = gf.signal.dilate(signal, channels=4)
    start = gf.signal.guesses(cube, velocity, near)
    # A fit begins inside its priors; a spike of one channel has no width of its own.
    start["stddev"] = np.clip(start["stddev"], NARROWEST, WIDEST)
    print(
        f"noise       {np.median(noise):.3f} K, {noise.min():.3f} to {noise.max():.3f}"
    )
    print(f"signal      {signal.any(axis=0).sum()} of {signal[0].size} pixels")
    print(
        f"fitted      {wide.mean():.1%} of the voxels: the line and some channels beside"
    )
    return noise, ~wide, start


def line_model(velocity):
    """Return the line with its priors."""
    return gf.Model(
        line,
        amplitude=gf.LogUniformPrior(0.05, 20.0),
        mean=gf.UniformPrior(float(velocity[0]), float(velocity[-1])),
        stddev=gf.UniformPrior(NARROWEST, WIDEST),
    )


def report(fit, cube, noise, start, seconds):
    """Print how the fits ended, and what they found."""
    maps = fit.maps
    total = int(np.prod(fit.shape))
    print(f"\nfit         {total} pixels in {1e3 * seconds:.0f} ms, call to maps")
    for name, count in fit.counts().items():
        print(f"            {count:6d} {name}")
    answered = maps["status"].values < 10
    reduced = (maps["chi_squared"] / maps["degrees_of_freedom"]).values[answered]
    low, middle, high = np.percentile(reduced, [16, 50, 84])
    print(
        f"reduced chi-squared         median {middle:.2f}, 68 % in {low:.2f} to {high:.2f}"
    )
    for name in ("amplitude", "mean", "stddev"):
        values, errors = maps[name].values[answered], maps[f"{name}_error"].values
        unit = maps[name].attrs.get("units", "")
        print(
            f"{name:<12}{np.median(values):9.3f}  +/- {np.nanmedian(errors):.3f} {unit}, "
            f"median of the map and of its errors; "
            f"fit - guess {np.nanmedian(values - start[name][answered]):+.3f}"
        )
    model = fit.model_cube().compute()
    kept = np.where(np.isfinite(model), cube, np.nan)
    area = np.nansum(model, axis=0) * CHANNEL / 1e3
    direct = np.nansum(kept, axis=0) * CHANNEL / 1e3
    print(
        f"integral    {np.median(area[answered]):.3f} K km/s of the fits, "
        f"{np.median(direct[answered]):.3f} of the data, medians"
    )
    left = fit.residual_cube().compute() / noise
    print(f"residuals   {np.nanstd(left):.3f} of the noise in the fitted voxels")
    return model


def main():
    """Prepare, try, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("output/l1448"), help="a folder"
    )
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)

    path = find("l1448_13co.fits", "l1448/l1448_13co.fits")
    cube, velocity = read(path)
    print(f"cube        {cube.shape}, {velocity[0]:.0f} to {velocity[-1]:.0f} m/s")
    noise, mask, start = prepare(cube, velocity)
    model, search = line_model(velocity), gf.LevenbergMarquardt()

    def fit_pixels(left_out, **settings):
        # The file knows its velocities and its place on the sky; it does not say K.
        return gf.fit_cube(
            model, search, data=path, unit="K", noise=noise, mask=left_out, start=start,
            **settings,
        )  # fmt: skip

    chosen = np.ones(cube.shape[1:], dtype=bool)
    for place in TRIALS:
        chosen[place] = False
    trial = fit_pixels(mask | chosen)
    gf.plot.spectra(trial, TRIALS, path=folder / "trial.png")
    best = trial.result_at(*TRIALS[0])
    print(f"\ntrial at {TRIALS[0]}\n{best.info}")

    began = clock.perf_counter()
    fit = fit_pixels(mask)
    maps = fit.maps
    seconds = clock.perf_counter() - began
    report(fit, cube, noise, start, seconds)

    store = folder / "l1448.zarr"
    kept = fit_pixels(mask, store=store)
    again = fit_pixels(mask, store=store)  # finished: nothing is left to do
    same = all(np.array_equal(maps[k], again.maps[k], equal_nan=True) for k in maps)
    print(f"\nstore       {store}: {kept!r}")
    print(f"            read back, every map has the same bits: {same}")
    fit.to_fits(folder / "l1448_maps.fits", overwrite=True)
    print(f"FITS        {folder / 'l1448_maps.fits'}")

    shown = ("amplitude", "mean", "stddev", "mean_error", "chi_squared", "status")
    gf.plot.maps(fit, shown, path=folder / "maps.png")
    gf.plot.spectra(fit, "worst", path=folder / "worst.png")
    gf.plot.spectra(fit, "typical", path=folder / "typical.png")
    print(f"figures     trial, maps, worst, typical .png in {folder}")


if __name__ == "__main__":
    main()
