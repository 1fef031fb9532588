"""Simulation-based calibration of the one-Gaussian spectrum, from no signal to a bright one.

Parameters from the prior, data from the parameters, a fit of each as a pixel of one cube;
then the truth is one more draw from the posterior.  Its rank among L draws is uniform on
0 .. L, for every parameter (Talts et al. 2018, arXiv:1804.06788) and for the joint
log-likelihood, without which a sampler that returns the prior would pass (Modrak et al.
2023, arXiv:2211.02383).  Uniform means: inside simultaneous bands about the distribution
function (Säilynoja, Bürkner & Vehtari 2022), at one in a hundred for all bands of a sampler
together.

Of the draws kept at a pixel, KEPT, a random L are ranked.  All would not do: draws that are
taken from a run at even steps of its weights lie more evenly than independent ones, and the
truth too seldom comes out lowest or highest of them, by (L + 1) / (2 KEPT) of such cases.
"""

from dataclasses import dataclass

import numpy as np
import pytest

import graphfit as gf
from tests.reference.run_statistics import uniform_p_value
from tests.simulated_spectra import CHANNELS, LinePriors, line, log_likelihood, spectra

RANKED = 31  # L
KEPT = 512
NAMES = ("amplitude", "mean", "stddev", "ln L")

SIGNALS = [
    LinePriors("none", lambda: gf.LogUniformPrior(1e-4, 1e-2)),
    LinePriors("faint", lambda: gf.LogUniformPrior(0.1, 5.0)),
    LinePriors(
        "middling",
        lambda: gf.UniformPrior(0.0, 20.0),
        stddev=lambda: gf.UniformPrior(0.7, 10.0),
    ),
    LinePriors("bright", lambda: gf.LogUniformPrior(10.0, 300.0)),
]


@dataclass(frozen=True)
class Calibration:
    """A search and the simulations that it gets, over all signals together."""

    name: str
    search: object
    simulations: int


CALIBRATIONS = [
    Calibration("DynestyStatic", gf.DynestyStatic(nlive=100, seed=1), 400),
    Calibration("NestedSampler", gf.NestedSampler(n_live=250, seed=1), 10_000),
]


def truth_ranks(search, priors, count, rng, kept=KEPT, ranked=RANKED):
    """Ranks of the truth (count, 4): three parameters and ln L; fits of `count` pixels."""
    truth = priors.draw(count, rng)
    data = spectra(truth[:, None, :]) + rng.normal(size=(len(CHANNELS), count))
    found = gf.fit_cube(
        priors.model(),
        search,
        data=data,
        noise=1.0,
        world=CHANNELS,
        fitting_axes=0,
        covariance=False,
        draws=kept,
        scheduler="synchronous",
        progress=False,
    )
    assert found.counts() == {"converged": count}, f"{found.counts()}\n{found.notes}"
    draws = found.record.arrays["draws"]
    some = rng.permuted(np.tile(np.arange(kept), (count, 1)), axis=1)[:, :ranked]
    draws = np.take_along_axis(draws, some[:, :, None], axis=1)
    model = line(CHANNELS[:, None, None], *np.moveaxis(draws, -1, 0))
    heights = log_likelihood(model, data[:, :, None])
    at_truth = log_likelihood(spectra(truth[:, None, :]), data)
    below = [(draws[..., j] < truth[:, None, j]).sum(axis=1) for j in range(3)]
    return np.stack([*below, (heights < at_truth[:, None]).sum(axis=1)], axis=1)


@pytest.mark.calibration
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda item: item.name)
@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=lambda item: item.name)
def test_the_truth_is_one_more_draw(calibration, signal):
    count = calibration.simulations // len(SIGNALS)
    rng = np.random.default_rng([SIGNALS.index(signal), 1])
    ranks = truth_ranks(calibration.search, signal, count, rng)
    bands = len(SIGNALS) * len(NAMES)
    p_values = {
        name: uniform_p_value(column, RANKED)
        for name, column in zip(NAMES, ranks.T, strict=True)
    }
    print(f"\n{calibration.name}, {signal.name}: {p_values}")
    for name, column in zip(NAMES, ranks.T, strict=True):
        counts = np.bincount(column // 4, minlength=8).tolist()
        assert p_values[name] > 0.01 / bands, f"{name}: {counts}"


def test_a_few_simulations():
    """That the calibration runs at all; what it finds is for the weekly run."""
    search = gf.DynestyStatic(nlive=25, seed=1)
    ranks = truth_ranks(search, SIGNALS[3], 3, np.random.default_rng(1), kept=40)
    assert ranks.shape == (3, 4)
    assert np.all((ranks >= 0) & (ranks <= RANKED))


def test_a_sampler_that_returns_the_prior_fails(monkeypatch):
    """Its parameters' ranks are uniform, those of ln L are not."""

    class PriorDraws:
        def counts(self):
            return {"converged": 300}

        notes = ()

        @property
        def record(self):
            return self

        @property
        def arrays(self):
            rng = np.random.default_rng(7)
            draws = SIGNALS[2].draw(300 * 40, rng)
            return {"draws": draws.reshape(300, 40, 3)}

    monkeypatch.setattr(gf, "fit_cube", lambda *args, **kwargs: PriorDraws())
    ranks = truth_ranks(None, SIGNALS[2], 300, np.random.default_rng(1), kept=40)
    p_values = [uniform_p_value(column, RANKED) for column in ranks.T]
    assert min(p_values[:3]) > 1e-3
    assert p_values[3] < 1e-3
