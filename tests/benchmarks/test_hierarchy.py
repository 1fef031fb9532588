"""gf.NUTS on a population of a thousand spectra, beside emcee on one of fifty.

Every dataset is a line of three parameters over 50 channels; the centres are drawn from a
Gaussian population, so that the graphs have 3 N + 2 parameters in one piece.  What counts is
effective samples a second of the population's mean and scatter.

Ours are the bulk ESS over the time of the whole fit, warm-up and starts included.  emcee's
are those of its stationary chain alone: in 152 dimensions it would not get there in any
short run, and the autocorrelation time of a chain that is short is only a share of its own
length.  So its walkers begin at draws from the posterior, by NUTS, and their correlation
over a lag comes from how far they move, ``rho = 1 - <(z_t - z_0)^2> / 2 var z``, with
``tau = 2 lag / -ln rho``.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_hierarchy.py
"""

import time
import warnings
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

import graphfit as gf
from graphfit.compiler import lower
from graphfit.search.emcee import _Density
from graphfit.search.nuts.formulation import Formulation
from graphfit.search.progress import Progress
from graphfit.search.task import Task
from tests.benchmarks.timing import note, wall_time

CHANNELS = np.linspace(0.0, 100.0, 50)
LARGE, SMALL = 1000, 50
LAG = 500  # steps of emcee
RATIO = 20.0  # promised, of the large graph by NUTS to the small one by emcee


def line(x: Any, amplitude: Any, centre: Any, width: Any) -> Any:
    return amplitude * np.exp(-0.5 * ((x - centre) / width) ** 2)


def population_of_lines(count: int) -> gf.FactorGraphModel:
    rng = np.random.default_rng(1)
    population = gf.HierarchicalFactor(
        gf.GaussianPrior,
        mean=gf.UniformPrior(0.0, 100.0),
        sigma=gf.HalfGaussianPrior(10.0),
    )
    factors = []
    for _ in range(count):
        model = gf.Model(
            line,
            amplitude=gf.LogUniformPrior(0.1, 100.0),
            centre=gf.UniformPrior(0.0, 100.0),
            width=gf.LogUniformPrior(1.0, 30.0),
        )
        population.add_drawn_variable(model.centre)
        data = line(CHANNELS, 5.0, rng.normal(50.0, 3.0), 5.0)
        data += rng.normal(size=CHANNELS.size)
        factors.append(
            gf.AnalysisFactor(model, gf.ProfileAnalysis(CHANNELS, data, 1.0))
        )
    return gf.FactorGraphModel(*factors, population)


def fitted(search: Any, graph: gf.FactorGraphModel) -> tuple[float, Any]:
    """Seconds, and the record."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="NUTS: ")
        record = search.fit(graph).record
    return time.perf_counter() - began, record


def emcee_rate(graph: gf.FactorGraphModel) -> tuple[float, float]:
    """Effective samples a second of mean and scatter, and their time in steps."""
    emcee = pytest.importorskip("emcee", reason="the extra emcee is not installed")
    program = lower(graph)
    _, record = fitted(gf.NUTS(seed=1, draws=500, tune=300), graph)
    z = ndtri(np.array([program.space.unit(theta) for theta in record.values]))
    walkers = 2 * program.dimension
    rng = np.random.default_rng(1)
    start = z[rng.choice(len(z), walkers, replace=False)]
    task = Task(program, program.log_likelihood, 1, Progress("", show=False), None)
    sampler = emcee.EnsembleSampler(walkers, program.dimension, _Density(task))
    state = emcee.State(start, random_state=np.random.RandomState(1).get_state())
    began = time.perf_counter()
    sampler.run_mcmc(state, LAG)
    seconds = time.perf_counter() - began
    moved = sampler.get_chain()[-1] - start
    rho = 1.0 - np.mean(moved**2, axis=0) / (2.0 * z.var(axis=0))
    tau = 2.0 * LAG / -np.log(np.max(rho[-2:]))
    return walkers * LAG / tau / seconds, float(tau)


def test_a_thousand_datasets(benchmark):
    fitted(gf.NUTS(seed=1, draws=20, tune=20), population_of_lines(2))  # compiles
    nuts = gf.NUTS(seed=1, draws=500, tune=300, target_accept=0.8)
    graph = population_of_lines(LARGE)
    seconds, record = benchmark.pedantic(fitted, (nuts, graph), rounds=1)
    theirs, tau = emcee_rate(population_of_lines(SMALL))
    ess = record.chains.bulk_ess
    ours = float(ess[-2:].min()) / seconds
    note(
        benchmark,
        seconds=seconds,
        gradients=record.evaluations,
        chains=str(record.chains),
        ess_of_mean_and_scatter=float(ess[-2:].min()),
        ess_a_second=ours,
        worst_ess_a_second=float(ess.min()) / seconds,
        emcee_tau=tau,
        emcee_ess_a_second=theirs,
        ratio=ours / theirs,
        worst_ratio=float(ess.min()) / seconds / theirs,
    )
    # The truth is in it: the population's mean is 50, its scatter 3.
    assert np.abs(np.mean(record.values[:, -2]) - 50.0) < 0.5
    assert np.abs(np.mean(record.values[:, -1]) - 3.0) < 0.4
    assert ours / theirs > RATIO


def test_one_gradient(benchmark):
    """3002 parameters: microseconds a gradient, and a parameter."""
    program = lower(population_of_lines(LARGE))
    plan = Formulation(program, "auto")
    chain = plan.density(plan.open).chain()
    y = 0.3 * np.random.default_rng(1).normal(size=program.dimension)
    seconds = wall_time(lambda: [chain(y) for _ in range(100)], 5) / 100
    benchmark.pedantic(chain, (y,), rounds=20, iterations=5)
    note(
        benchmark,
        microseconds=1e6 * seconds,
        nanoseconds_a_parameter=1e9 * seconds / program.dimension,
    )
