"""Three hundred faint spectra: how does the width of a line grow with temperature?

What you learn here: a population whose location is a regression on a covariate; to sample it
jointly with all the spectra by NUTS, 903 parameters; to have the same answer from fits of
the single spectra, made before, by their recycled draws; and why a straight line through
the best widths is worse than both.

Simulated: each spectrum has one line, of its own height, place and width.  Widths scatter
about a power of the temperature, ln width_i ~ N(a + b ln(T_i / 20 K), scatter^2).

    python examples/population_of_spectra.py [--quick] [--output output/population.png]
"""

import argparse
import time as clock
from pathlib import Path

import numpy as np

import graphfit as gf

CHANNELS = np.linspace(-8.0, 8.0, 48)  # km/s
NOISE = 1.0  # K in a channel
TRUTH = {"a": 0.2, "b": 0.5, "scatter": 0.15}
IN_THE_GRAPH = {"a": "widths.a", "b": "widths.b", "scatter": "widths.sigma"}


def line(v, amplitude, mean, stddev):
    """A Gaussian line over velocity."""
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def simulate(count, rng):
    """Return ln(T / 20 K) (count,) and the spectra (count, 48)."""
    heat = np.log(rng.uniform(10.0, 40.0, count) / 20.0)
    width = np.exp(rng.normal(TRUTH["a"] + TRUTH["b"] * heat, TRUTH["scatter"]))
    height = rng.uniform(2.5, 6.0, count)
    place = rng.normal(0.0, 1.5, count)
    clean = line(CHANNELS, height[:, None], place[:, None], width[:, None])
    return heat, clean + rng.normal(0.0, NOISE, clean.shape)


def model_of_a_spectrum():
    """Return the model of one spectrum, with wide priors of its own."""
    return gf.Model(
        line,
        amplitude=gf.UniformPrior(0.0, 15.0),
        mean=gf.GaussianPrior(0.0, 3.0),
        stddev=gf.LogUniformPrior(0.3, 6.0),
    )


def trend():
    """Return the hyper-parameters: a, b and the scatter about the trend."""
    return (
        gf.GaussianPrior(0.0, 1.0, name="a"),
        gf.GaussianPrior(0.0, 1.0, name="b"),
        gf.HalfGaussianPrior(0.5, name="scatter"),
    )


def jointly(heat, spectra):
    """Sample every spectrum and the population together."""
    a, b, scatter = trend()
    widths = gf.HierarchicalFactor(gf.LogGaussianPrior, name="widths", sigma=scatter)
    factors = []
    for x, spectrum in zip(heat, spectra, strict=True):
        model = model_of_a_spectrum()
        widths.add_drawn_variable(model.stddev, mean=a + b * x)
        analysis = gf.ProfileAnalysis(CHANNELS, spectrum, noise_map=NOISE)
        factors.append(gf.AnalysisFactor(model, analysis))
    graph = gf.FactorGraphModel(*factors, widths)
    return gf.NUTS(draws=500, tune=500, seed=1, progress=False).fit(graph)


def one_by_one(spectra):
    """Fit every spectrum by itself: a cube with one axis of pixels."""
    return gf.fit_cube(
        model_of_a_spectrum(),
        gf.NestedSampler(n_live=250, seed=1),
        data=spectra,
        noise=NOISE,
        world=CHANNELS,
        fitting_axes=1,
        draws=128,
        progress=False,
    )


def recycled(heat, fits):
    """Fit the population to the draws of the single fits."""
    a, b, scatter = trend()
    widths = gf.LogGaussianPrior(mean=a + b * gf.pixel_map(heat), sigma=scatter)
    search = gf.NestedSampler(n_live=400, seed=1, progress=False)
    return gf.population.fit(fits, {"stddev": widths}, search)


def through_the_best(heat, fits):
    """Return what a straight line through the best widths gives: a, b, the scatter."""
    log_width = np.log(fits.maps["stddev"].to_numpy())
    b, a = np.polyfit(heat, log_width, 1)
    return {"a": a, "b": b, "scatter": np.std(log_width - a - b * heat)}


def told(result, name):
    """Return mean and standard deviation as text."""
    record = result.samples.record
    values = record.values[:, record.parameter_names.index(name)]
    mean = np.average(values, weights=record.weights)
    deviation = np.average((values - mean) ** 2, weights=record.weights) ** 0.5
    return f"{mean:.3f} +- {deviation:.3f}"


def draw(heat, fits, population):
    """Return the figure: widths alone, and in the light of the others."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.6), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    alone = fits.maps["stddev"].to_numpy()
    low, high = (fits.maps[f"stddev_{side}"].to_numpy() for side in ("lower", "upper"))
    sides = [alone - low, high - alone]
    axes[0].errorbar(heat, alone, sides, fmt=".", color="0.5", elinewidth=0.6)
    axes[0].set(title="each spectrum alone", ylabel="width (km/s)", yscale="log")
    axes[0].set(yticks=[0.5, 1, 2, 4], yticklabels=["0.5", "1", "2", "4"])
    axes[0].minorticks_off()
    shrunk, error = population.shrunken_mean["stddev"], population.shrunken_sd["stddev"]
    axes[1].errorbar(
        heat, np.asarray(shrunk), np.asarray(error), fmt=".", color="C0", elinewidth=0.6
    )
    axes[1].set(title="under the population", ylim=(0.4, 4.5))
    x = np.linspace(heat.min(), heat.max(), 50)
    for axis in axes:
        axis.plot(
            x, np.exp(TRUTH["a"] + TRUTH["b"] * x), color="C1", label="true trend"
        )
        axis.set(xlabel="ln(T / 20 K)")
    axes[1].legend(frameon=False)
    return figure


def main():
    """Simulate; fit jointly, and by recycled draws; print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("output/population.png")
    parser.add_argument("--output", type=Path, default=default, help="the figure")
    parser.add_argument("--quick", action="store_true", help="40 spectra")
    options = parser.parse_args()

    rng = np.random.default_rng(3)
    heat, spectra = simulate(40 if options.quick else 300, rng)
    seconds = {}

    began = clock.perf_counter()
    fits = one_by_one(spectra)
    seconds["single fits"] = clock.perf_counter() - began
    began = clock.perf_counter()
    population = recycled(heat, fits)
    seconds["recycled"] = clock.perf_counter() - began
    began = clock.perf_counter()
    joint = jointly(heat, spectra)
    seconds["joint NUTS"] = clock.perf_counter() - began

    print(population.info)
    naive = through_the_best(heat, fits)
    print(f"\n{'':<9}{'truth':>7}{'joint NUTS':>18}{'recycled':>18}{'best widths':>14}")
    for name, truth in TRUTH.items():
        row = f"{name:<9}{truth:>7}{told(joint, IN_THE_GRAPH[name]):>18}"
        print(f"{row}{told(population.result, name):>18}{naive[name]:>14.3f}")
    print()
    for what, count in seconds.items():
        print(f"{what:<12}{count:>7.1f} s")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(heat, fits, population).savefig(options.output, dpi=110)
    print(f"\nfigure: {options.output}")


if __name__ == "__main__":
    main()
