"""No line, one line or two: posteriors and evidences at every pixel of 13CO in L1448.

What you learn here: to sample the posterior of every pixel of a real cube, not only to find
its best point; to weigh models of 0, 1 and 2 lines by their evidences, with the fractions of
the models learned from the cube; to see which runs can be trusted; and what one dynesty run
costs where a map of them is wanted.

    noise      from the differences of neighbouring channels, smoothed over the map
    one line   K = 0 and 1 at every pixel, amplitudes integrated out
    two lines  K = 0, 1, 2 at every third pixel along both axes (--all: at every one)
    health     ranks at which new points came in, pooled; doubtful pixels run again
    choice     ln Z of each K, P(K | data), the best K
    pixels     three of them: spectrum, posterior predictive, corner
    dynesty    20 pixels again: ln Z, means, standard deviations, time

    python examples/l1448_nested.py [--all | --quick] [--output output/l1448_nested]

Every channel is in the data: a mask about the line would have chosen the model already.
The cube comes with astropy's remote data; a copy in the folder named by the environment
variable GRAPHFIT_DATA is used where there is one.
"""

import argparse
import time as clock
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.nddata import CCDData
from data_files import find
from l1448_nested_figures import (
    draw_choice,
    draw_dynesty,
    draw_pixel,
    maps_of,
)
from scipy import ndimage

import graphfit as gf

CHANNEL = 66.42361  # m/s
NARROWEST = 50.0  # m/s: the thermal width of 13CO at 10 K is 53
WIDEST = 1500.0  # m/s: wider than the cloud's whole range of velocities
BRIGHTEST = 20.0  # K: the gas is not warmer
N_LIVE = 250
NEIGHBOURS = 2  # pixels along the map whose word counts for the number of lines
CLEAR = 100.0  # ln of the odds of a pixel that is shown, about
UNITS = {"amplitude": "K", "mean": "m / s", "stddev": "m / s"}
NAMES = ("no line", "one line", "two lines")


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes
    ----------
    part : tuple of slice
        The part of the map that is taken, (y, x).
    step : int
        Two lines are fitted at every so many pixels along both axes.
    dynesty : tuple of int
        Pixels at which dynesty fits one line, and two.
    """

    part: tuple[slice, slice] = (slice(None), slice(None))
    step: int = 3
    dynesty: tuple[int, int] = (20, 0)

    def in_the_file(self, place):
        """Return the (y, x) of a pixel of the thinned map in the whole cube."""
        firsts = (axis.start or 0 for axis in self.part)
        return tuple(a + self.step * i for a, i in zip(firsts, place, strict=True))


@dataclass(frozen=True)
class Fitted:
    """A comparison of numbers of lines, and what it took.

    Attributes
    ----------
    found : CubeComparison
    seconds : float
        Of the clock, from the call to all maps in hand.
    core_seconds : float
        Of all cores together.
    """

    found: gf.model_choice.CubeComparison
    seconds: float
    core_seconds: float


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def read(path, part):
    """Return the cube (v, y, x) with its sky, its velocities, and the noise (y, x) in K."""
    cube = CCDData.read(path, unit="K")  # the file does not say K
    velocity = cube.wcs.spectral.pixel_to_world_values(np.arange(len(cube.data)))
    measured = gf.signal.noise_from_differences(cube.data)
    # One pixel's noise scatters by 18 %, having 53 channels; that of neighbours is alike.
    noise = ndimage.median_filter(measured, size=9, mode="nearest")
    print(
        f"cube        {cube.shape}, {velocity[0]:.0f} to {velocity[-1]:.0f} m/s\n"
        f"noise       {np.median(noise):.3f} K, {noise.min():.3f} to {noise.max():.3f}"
    )
    return cube[(slice(None), *part)], velocity, noise[part]


def component(velocity):
    """Return one line with its priors."""
    return gf.Model(
        line,
        amplitude=gf.UniformPrior(0.0, BRIGHTEST),
        mean=gf.UniformPrior(float(velocity[0]), float(velocity[-1])),
        stddev=gf.LogUniformPrior(NARROWEST, WIDEST),
    )


def fit(model, search, cube, noise, counts):
    """Fit models of so many lines at every pixel, and weigh them."""
    began, used = clock.perf_counter(), clock.process_time()
    found = gf.fit_components(
        model, search, data=cube, noise=noise, n_components=counts, units=UNITS,
        order="mean",  # line 0 is the one of lower velocity
    )  # fmt: skip
    for result in (*found.results.values(), found):
        result.maps  # noqa: B018  in hand
    return Fitted(found, clock.perf_counter() - began, clock.process_time() - used)


def report_fit(name, fitted):
    """Print how long the fits took, how they ended, and whether they are sound."""
    found = fitted.found
    total = int(np.prod(found.shape))
    print(
        f"\n{name:<12}K = {', '.join(map(str, found.labels))} at {total} pixels in "
        f"{fitted.seconds:.1f} s, call to maps; {1e3 * fitted.core_seconds / total:.2f} ms "
        "of a core a pixel"
    )
    last = found.labels[-1]
    result = found.results[last]
    for count, text in ((n, k.replace("_", " ")) for k, n in result.counts().items()):
        print(f"            {count:6d} {text}")
    maps = result.maps
    calls = maps["evaluations"].values
    print(
        f"K = {last}       {np.median(calls):.0f} likelihood calls in the median, at most "
        f"{calls.max()}; ln Z +/- {np.nanmedian(maps['log_evidence_error']):.2f}\n"
        f"{result.health}"
    )


def run_again(found, label):
    """Return a fit whose doubtful pixels were sampled with four times the live points."""
    result = found.results[label]
    flagged = result.flagged().values
    if not flagged.any():
        return result
    again = result.rerun(flagged, n_live=4 * N_LIVE)
    shift = (again["log_evidence"] - result["log_evidence"]).values[flagged]
    print(
        f"run again   {shift.size} pixels with {4 * N_LIVE} live points: ln Z moved by "
        f"{shift.mean():+.2f} on average, {np.abs(shift).max():.2f} at most"
    )
    return again


def report_choice(found, alone):
    """Print how common the numbers of lines are, and what two lines are like."""
    print(f"\n{found.info}")
    best = alone["best_model"].values
    told = ", ".join(f"{NAMES[k]} at {np.sum(best == k)}" for k in found.labels)
    print(f"\nalone       without the word of its neighbours: {told}")
    where = found["best_model"].values == 2
    if not where.any():
        return
    two = found.results[2].maps
    apart = (two["1.mean"] - two["0.mean"]).values[where]
    faint = np.minimum(two["0.amplitude"], two["1.amplitude"]).values[where]
    low, middle, high = np.percentile(apart, [16, 50, 84])
    print(
        f"two lines   {where.sum()} pixels: {middle:.0f} m/s apart, 68 % in {low:.0f} to "
        f"{high:.0f}; the fainter has {np.median(faint):.2f} K in the median"
    )


def draw_fits(one, two, folder):
    """Draw posterior and evidence maps, the choice, and the health of the runs."""
    own = ("amplitude", "mean", "stddev")
    values = [f"0.{name}" for name in own]
    errors = [f"{name}_error" for name in (*values, "log_evidence")]
    gf.plot.maps(
        one.results[1], [*values, "log_evidence", *errors], path=folder / "one_line.png",
        title="One line at every pixel: medians, ln Z, and their errors",
    )  # fmt: skip
    fit = two.results[2]
    likely = two["probability"].values[..., 2] > 0.5
    shown = {}
    for i, last in ((0, "log_evidence"), (1, "apart")):
        for name in (*own, last):
            key = name if name == last else f"{i}.{name}"
            values = fit["1.mean"] - fit["0.mean"] if name == "apart" else fit[key]
            shown[key] = np.where(likely, values.values, np.nan)
    if likely.any():
        drawn = maps_of(two, shown, {**UNITS, "apart": "m / s"})
        title = "Two lines, where P(two lines) > 0.5"
        gf.plot.maps(drawn, shown, title=title, path=folder / "two_lines.png")
    shown = ("insertion", "information", "log_evidence_error", "evaluations")
    for name, result in (("one", one.results[1]), ("two", two.results[2])):
        gf.plot.maps(result, shown, path=folder / f"health_{name}.png")
        title = f"New points' ranks, {name} line{'s' * (name == 'two')}"
        gf.plot.insertion_ranks(result, title=title, path=folder / f"ranks_{name}.png")


def shown_pixels(found):
    """Return a clear pixel of each number of lines that has one: K to (y, x)."""
    evidence, chance = found["log_evidence"].values, found["probability"].values
    places = {}
    for k in found.labels:
        # Of the k-th line; where there is none, of none.
        gain = evidence[..., k] - evidence[..., max(k - 1, 1 - k)]
        off = np.where(chance[..., k] > 0.9, np.abs(gain - CLEAR), np.inf)
        if np.isfinite(off.min()):
            places[k] = tuple(map(int, np.unravel_index(off.argmin(), off.shape)))
    return places


def report_pixels(found, data, size, folder):
    """Draw and print a pixel of each number of lines."""
    cube, velocity, noise = data
    print()
    for k, place in shown_pixels(found).items():
        chance = found["probability"].values[place]
        told = ", ".join(f"P({j}) = {p:.3f}" for j, p in enumerate(chance))
        where = f"(y, x) = {size.in_the_file(place)}"
        print(f"{NAMES[k]:<12}{where}: {told}")
        # Where there is no line: what could still hide there.
        result = found.results[max(k, 1)].result_at(*place)
        spectrum = velocity, cube.data[(slice(None), *place)], noise[place]
        titles = f"{NAMES[k]}: {where}", told
        draw_pixel(result, line, spectrum, titles, folder / f"pixel_{k}.png")


def beside_dynesty(result, count, sample):
    """Return pairs of results, ours and dynesty's, and dynesty's seconds, at some pixels."""
    information = result["information"].values
    order = np.argsort(information, axis=None)
    rows = []
    for i in order[np.linspace(0, order.size - 1, count).astype(int)]:
        own = result.result_at(*map(int, np.unravel_index(i, information.shape)))
        search = gf.DynestyStatic(
            nlive=N_LIVE, bound="multi", sample=sample, seed=int(i)
        )
        began = clock.process_time()
        peer = search.fit(own.model, own.analysis)
        rows.append((own, peer, clock.process_time() - began))
    return rows


def moments(samples):
    """Return the mean and the standard deviation of every free parameter, (2, D)."""
    weights = np.asarray(samples.weight_list)
    weights = weights / weights.sum()
    mean = weights @ samples.values
    return mean, np.sqrt(weights @ (samples.values - mean) ** 2)


def report_dynesty(name, rows, own_seconds, pixels):
    """Print how both agree, and what a map by dynesty would take; return the differences."""
    ours, peers, seconds = zip(*rows, strict=True)
    z = np.array([[r.log_evidence for r in side] for side in (ours, peers)])
    errors = np.array([[r.log_evidence_error for r in side] for side in (ours, peers)])
    miss = (z[0] - z[1]) / np.hypot(*errors)
    mine, theirs = (
        np.array([moments(r.samples) for r in side]) for side in (ours, peers)
    )
    shift = (mine[:, 0] - theirs[:, 0]) / theirs[:, 1]
    ratio = mine[:, 1] / theirs[:, 1]
    mean = float(np.mean(seconds))
    print(
        f"\ndynesty     {len(rows)} pixels, {name}: ln Z differs by {miss.mean():+.2f} +/- "
        f"{miss.std():.2f} combined errors, at most {np.abs(miss).max():.1f}\n"
        f"            means differ by {np.sqrt((shift**2).mean()):.3f} sd, sds by "
        f"{100.0 * np.abs(ratio - 1.0).mean():.1f} %\n"
        f"            {mean:.2f} s a pixel beside {1e3 * own_seconds:.2f} ms: "
        f"{mean / own_seconds:.0f} times; the map of {pixels} pixels takes it "
        f"{mean * pixels / 3600.0:.1f} h of a core"
    )
    return miss, shift, ratio


def compare_with_dynesty(one, two, size, folder):
    """Run dynesty at pixels from the faintest to the brightest, as they are."""
    pixels = int(np.prod(one.found.shape))
    cost = one.core_seconds / pixels
    differences = {}
    rows = beside_dynesty(one.found.results[1], size.dynesty[0], "unif")
    differences["one line"] = report_dynesty("one line", rows, cost, pixels)
    if size.dynesty[1]:
        both = two.core_seconds / int(np.prod(two.found.shape))
        rows = beside_dynesty(two.found.results[2], size.dynesty[1], "rwalk")
        differences["two lines"] = report_dynesty(
            "two lines", rows, both - cost, pixels
        )
    draw_dynesty(differences, folder / "dynesty.png")


def arguments():
    """Return the size and the folder that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--all", action="store_true", help="two lines at every pixel")
    choice.add_argument("--quick", action="store_true", help="12 x 12 pixels only")
    parser.add_argument(
        "--output", type=Path, default=Path("output/l1448_nested"), help="a folder"
    )
    given = parser.parse_args()
    size = Size()
    if given.all:
        size = Size(step=1, dynesty=(20, 6))
    if given.quick:
        part = slice(72, 84), slice(0, 12)  # where the cloud ends
        size = Size(part=part, step=2, dynesty=(2, 0))
    return size, given.output


def main():
    """Fit, weigh, run doubtful pixels again, draw, compare with dynesty."""
    size, folder = arguments()
    folder.mkdir(parents=True, exist_ok=True)
    path = find("l1448_13co.fits", "l1448/l1448_13co.fits")
    cube, velocity, noise = read(path, size.part)
    model, search = component(velocity), gf.NestedSampler(n_live=N_LIVE, seed=1)

    one = fit(model, search, cube, noise, (0, 1))
    report_fit("one line", one)
    thin = (slice(None, None, size.step), slice(None, None, size.step))
    few = cube[(slice(None), *thin)], velocity, noise[thin]
    two = fit(model, search, few[0], few[2], (0, 1, 2))
    report_fit("two lines", two)

    results = dict(two.found.results)  # that of no line is exact
    results |= {k: run_again(two.found, k) for k in (1, 2)}
    alone, found = gf.compare(results), gf.compare(results, neighbours=NEIGHBOURS)
    report_choice(found, alone)
    draw_fits(one.found, found, folder)
    draw_choice(found, alone, folder / "choice.png")
    report_pixels(found, few, size, folder)
    compare_with_dynesty(one, two, size, folder)
    found.to_fits(folder / "l1448_choice.fits", overwrite=True)
    print(f"\nFITS        {folder / 'l1448_choice.fits'}")
    print(
        f"figures     {', '.join(p.stem for p in sorted(folder.glob('*.png')))} in {folder}"
    )


if __name__ == "__main__":
    main()
