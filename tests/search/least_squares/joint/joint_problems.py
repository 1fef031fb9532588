"""Problems of many datasets, for tests of joint fits."""

from typing import Any

import numpy as np

import graphfit as gf
from graphfit.search.least_squares.joint.structure import (
    Plan,
    structured_plan,
)
from tests.search.least_squares.joint.joint_kernels import curved_factor

SPARSE = Plan("sparse", "the test asks for it")


def shared_and_own(seed: int, n_shared: int, sizes: Any, **settings: Any) -> Any:
    """Factors of shared and own parameters, the truth, and a start near it."""
    rng = np.random.default_rng(seed)
    d = n_shared + int(np.sum(sizes))
    truth = rng.uniform(0.5, 1.5, d)
    factors, first = [], n_shared
    for size in sizes:
        own = np.arange(first, first + size)
        shared = np.flatnonzero(rng.random(n_shared) < 0.7)
        for _ in range(int(rng.integers(1, 3))):
            local = rng.permutation(np.concatenate([shared, own]))
            factors.append(curved_factor(rng, local, truth, **settings))
        first += size
    factors.append(curved_factor(rng, np.arange(n_shared), truth, **settings))
    return factors, truth, truth + rng.normal(0.0, 0.1, d)


def chain(count: int, seed: int = 0) -> Any:
    """Each parameter shared by two neighbours."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 1.5, count)
    factors = [curved_factor(rng, [i, i + 1], truth) for i in range(count - 1)]
    return factors, truth + 0.1


def line_graph(heights: Any, seed: int) -> Any:
    """A shared centre, own height and width of each dataset; and a start."""
    rng = np.random.default_rng(seed)
    x = np.arange(60.0)
    centre = gf.UniformPrior(0.0, 60.0)
    factors, start = [], [28.0]
    for height in heights:
        width = rng.uniform(3.0, 6.0)
        y = height * np.exp(-0.5 * ((x - 30.0) / width) ** 2)
        y += rng.normal(0.0, 0.2, x.size)
        model = gf.Model(
            peak,
            centre=centre,
            height=gf.UniformPrior(-1e3, 1e3),
            width=gf.UniformPrior(-1e3, 1e3),
        )
        factors.append(gf.AnalysisFactor(model, gf.ProfileAnalysis(x, y, 0.2)))
        start += [0.8 * height, 1.2 * width]
    return gf.FactorGraphModel(*factors), np.array(start)


def peak(x: Any, centre: Any, height: Any, width: Any) -> Any:
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def both_ways(table: Any) -> list[Plan]:
    ways = [structured_plan(table), SPARSE]
    assert ways[0].way == "bordered"
    return ways
