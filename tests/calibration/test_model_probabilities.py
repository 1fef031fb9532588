"""Is a spectrum with P(K | data) = 0.7 one of K lines seven times in ten?

Spectra of 0, 1 and 2 lines, each equally often, with lines from the priors of the fits: then
the probabilities that the evidences give are frequencies.  For each K apart the spectra are
sorted by P(K | data); in each bin, and in all together, the number of spectra that are of K
lines is a sum of independent events with those probabilities.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax

import graphfit as gf
from tests.reference.run_statistics import reliability
from tests.simulated_spectra import CHANNELS, LinePriors, log_likelihood, spectra

MOST = 2  # lines
EDGES = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0]
PRIORS = LinePriors("lines", lambda: gf.LogUniformPrior(0.7, 7.0))


@dataclass(frozen=True)
class Choice:
    """A search for each number of lines, and how many spectra it gets."""

    name: str
    searches: dict[int, object]
    spectra: int


CHOICES = [
    Choice(
        "DynestyStatic",
        {k: gf.DynestyStatic(nlive=50 * k, seed=k) for k in (1, 2)},
        100,
    ),
    Choice(
        "NestedSampler",
        {k: gf.NestedSampler(n_live=250, seed=k) for k in (1, 2)},
        3000,
    ),
]


def simulated(count, rng):
    """How many lines each of `count` spectra has, and the spectra, (53, count)."""
    n_lines = rng.integers(0, MOST + 1, count)
    lines = PRIORS.draw(count * MOST, rng).reshape(count, MOST, 3)
    lines[np.arange(MOST) >= n_lines[:, None], 0] = 0.0
    return n_lines, spectra(lines) + rng.normal(size=(len(CHANNELS), count))


def log_evidences(searches, data):
    """ln Z of 0, 1 and 2 lines at every pixel, (3, count); that of none is ln L."""
    found = [log_likelihood(np.zeros((len(CHANNELS), 1)), data)]
    for n_lines, search in searches.items():
        fit = gf.fit_cube(
            PRIORS.model(n_lines),
            search,
            data=data,
            noise=1.0,
            world=CHANNELS,
            fitting_axes=0,
            covariance=False,
            scheduler="synchronous",
            progress=False,
        )
        found.append(fit.record.arrays["log_evidence"])
    return np.array(found)


def reliabilities(n_lines, log_evidence):
    """The bins of every K and all of them as one, from the true K and ln Z (3, count)."""
    table = {}
    for k, probability in enumerate(softmax(log_evidence, axis=0)):
        happened = n_lines == k
        whole = reliability(probability, happened, [0.0, 1.0])
        table[k] = [*reliability(probability, happened, EDGES), *whole]
    return table


@pytest.mark.calibration
@pytest.mark.parametrize("choice", CHOICES, ids=lambda item: item.name)
def test_probabilities_are_frequencies(choice):
    rng = np.random.default_rng(53)
    n_lines, data = simulated(choice.spectra, rng)
    log_evidence = log_evidences(choice.searches, data)
    # A pixel that ended early has no evidence to be held to.
    answered = np.isfinite(log_evidence).all(axis=0)
    assert answered.mean() > 0.99
    table = reliabilities(n_lines[answered], log_evidence[:, answered])
    for k, bins in table.items():
        places = [f"{a}..{b}" for a, b in pairwise(EDGES)]
        for place, item in zip([*places, "all"], bins, strict=True):
            print(f"\n{choice.name}: P({k} | data) in {place}: {item}", end="")
    worst = min(item.p_value for bins in table.values() for item in bins)
    # One in a hundred for all bins together.
    assert worst > 0.01 / sum(map(len, table.values()))


def test_exact_evidences_are_reliable_and_wrong_ones_are_not(rng):
    """One line of known place and width: the evidence is a sum over its amplitude."""
    count = 4000
    n_lines = rng.integers(0, 2, count)
    prior = gf.LogUniformPrior(0.7, 7.0)
    shape = spectra([[[1.0, 26.0, 3.0]]])
    amplitude = np.where(n_lines == 1, prior.value_for(rng.random(count)), 0.0)
    data = shape * amplitude + rng.normal(size=(len(CHANNELS), count))
    none = log_likelihood(np.zeros((len(CHANNELS), 1)), data)
    grid = prior.value_for((np.arange(400) + 0.5) / 400)
    # chi-square is quadratic in the amplitude.
    slope, curvature = shape[:, 0] @ data, float(np.sum(shape**2))
    ratio = np.exp(grid[:, None] * slope - 0.5 * grid[:, None] ** 2 * curvature)
    log_evidence = np.array(
        [none, none + np.log(ratio.mean(axis=0)), np.full(count, -1e9)]
    )
    bins = [
        item for row in reliabilities(n_lines, log_evidence).values() for item in row
    ]
    assert min(item.p_value for item in bins) > 1e-3
    log_evidence[1] += 0.5  # a factor 1.6 too probable
    bins = [
        item for row in reliabilities(n_lines, log_evidence).values() for item in row
    ]
    assert min(item.p_value for item in bins) < 1e-6


def test_a_few_spectra(rng):
    """That it runs at all; what it finds is for the weekly run."""
    n_lines, data = simulated(2, rng)
    found = log_evidences({1: gf.DynestyStatic(nlive=20, seed=1)}, data)
    assert found.shape == (2, 2)
    assert np.isfinite(found).all()
    assert set(n_lines.tolist()) <= {0, 1, 2}
