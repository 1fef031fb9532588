"""Eight schools: eight noisy effects that are draws from one population.

What you learn here: to say that parameters of several datasets are draws from a population;
to sample such a graph by NUTS, in the form without a funnel; to have its evidence by nested
sampling, and so to weigh "all schools are alike" against "each is different"; and to see
what the schools learn from one another.

The data: effects of coaching on a test, with standard errors, of eight parallel
experiments (Rubin 1981, Journal of Educational Statistics 6, 377, table 1).  Two numbers a
school, so the mean and the scatter of the population are known from a grid as well, and the
samplers can be held against them.

    python examples/eight_schools.py [--output output/eight_schools.png]
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import stats

import graphfit as gf

SCHOOLS = "ABCDEFGH"
EFFECT = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
ERROR = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)


def effect_of(x, theta):
    """The expectation of a school's one measured effect."""
    return theta + 0.0 * x


def factors_of(model_of_a_school):
    """Return a factor for each school, with its model."""
    return [
        gf.AnalysisFactor(
            model_of_a_school(),
            gf.ProfileAnalysis(x=[0.0], data=[effect], noise_map=[error]),
            name=school,
        )
        for school, effect, error in zip(SCHOOLS, EFFECT, ERROR, strict=True)
    ]


def hierarchy():
    """Each school has an effect of its own, drawn from a population."""
    population = gf.HierarchicalFactor(
        gf.GaussianPrior,
        name="schools",
        mean=gf.GaussianPrior(0.0, 5.0),
        sigma=gf.HalfCauchyPrior(5.0),
    )

    def model():
        school = gf.Model(effect_of, theta=gf.FlatPrior())
        population.add_drawn_variable(school.theta)
        return school

    return gf.FactorGraphModel(*factors_of(model), population)


def all_alike():
    """One effect for all of them: the limit of a population without scatter."""
    theta = gf.GaussianPrior(0.0, 5.0)
    return gf.FactorGraphModel(*factors_of(lambda: gf.Model(effect_of, theta=theta)))


def on_a_grid():
    """Return mean and standard deviation of the population's two parameters, exactly.

    With the schools' effects integrated out, y_j ~ N(mean, sigma^2 + s_j^2).
    """
    mean = np.linspace(-25.0, 35.0, 601)[:, None]
    # Even in the prior's quantiles, for its long tail: the prior is in the spacing.
    sigma = stats.halfcauchy(scale=5.0).ppf((np.arange(4000) + 0.5) / 4000)
    log_p = stats.norm.logpdf(mean, 0.0, 5.0)
    for effect, error in zip(EFFECT, ERROR, strict=True):
        log_p = log_p + stats.norm.logpdf(effect, mean, np.hypot(sigma, error))
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    moments = {}
    for name, value in (("schools.mean", mean), ("schools.sigma", sigma)):
        average = float((p * value).sum())
        variance = float((p * (value - average) ** 2).sum())
        moments[name] = average, variance**0.5
    return moments


def report(by_nuts, by_nested):
    """Print the population, then the schools, by each way."""
    exact = on_a_grid()
    print(f"\n{'':<14}{'grid':>14}{'NUTS':>14}{'nested':>14}")
    for name, (mean, deviation) in exact.items():
        row = f"{name:<14}{f'{mean:.2f} +- {deviation:.2f}':>14}"
        for results in (by_nuts, by_nested):
            row += f"{_told(results, name):>14}"
        print(row)
    print(f"\n{'school':<8}{'measured':>14}{'NUTS':>14}{'nested':>14}")
    for school, effect, error in zip(SCHOOLS, EFFECT, ERROR, strict=True):
        row = f"{school:<8}{f'{effect:.0f} +- {error:.0f}':>14}"
        for results in (by_nuts, by_nested):
            row += f"{_told(results, f'{school}.theta'):>14}"
        print(row)


def moments(results, name):
    """Return the posterior mean and standard deviation of a parameter."""
    column = results.samples.record.parameter_names.index(name)
    values, weights = (
        results.samples.record.values[:, column],
        results.samples.weight_list,
    )
    mean = np.average(values, weights=weights)
    return mean, np.average((values - mean) ** 2, weights=weights) ** 0.5


def _told(results, name):
    mean, deviation = moments(results, name)
    return f"{mean:.2f} +- {deviation:.2f}"


def draw(results):
    """Return the figure: each school alone, and with the others."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 4.4), layout="constrained")
    axis = figure.subplots()
    where = np.arange(len(SCHOOLS))
    axis.errorbar(
        where - 0.1,
        EFFECT,
        ERROR,
        fmt="o",
        color="0.6",
        label="alone: effect and error",
    )
    found = np.array([moments(results, f"{school}.theta") for school in SCHOOLS])
    axis.errorbar(
        where + 0.1,
        found[:, 0],
        found[:, 1],
        fmt="o",
        color="C0",
        label="with the others",
    )
    mean, deviation = moments(results, "schools.mean")
    axis.axhspan(mean - deviation, mean + deviation, color="C0", alpha=0.15, lw=0)
    axis.axhline(mean, color="C0", lw=1, label="mean of the population")
    axis.set(
        xticks=where, xticklabels=SCHOOLS, xlabel="school", ylabel="effect (points)"
    )
    axis.legend(frameon=False)
    return figure


def main():
    """Sample the hierarchy twice, weigh it against one effect for all, draw the schools."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("output/eight_schools.png")
    parser.add_argument("--output", type=Path, default=default, help="the figure")
    options = parser.parse_args()

    graph = hierarchy()
    print(graph.info)
    by_nuts = gf.NUTS(seed=1, progress=False).fit(graph)
    nested = gf.NestedSampler(n_live=1000, seed=1, progress=False)
    by_nested = nested.fit(graph)
    print(by_nuts.info)
    report(by_nuts, by_nested)
    print()
    fits = {"each its own": by_nested, "all alike": nested.fit(all_alike())}
    print(gf.compare(fits))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(by_nuts).savefig(options.output, dpi=110)
    print(f"\nfigure: {options.output}")


if __name__ == "__main__":
    main()
