"""The package's samplers of evidence, in one list, and many runs of one problem.

All of it is at module level, so that worker processes can import it.
"""

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import graphfit as gf
from tests.reference.evidence_problems import EvidenceProblem

DRAWS = 64


@dataclass(frozen=True)
class NestedSearch:
    """A sampler, and what its ln Z is expected to be.

    Attributes
    ----------
    name : str
    make : callable
        ``make(n_live, seed, problem)`` returns the search.
    volume : {"mean X", "mean ln X"}
        What it takes for the prior volume X.  A step takes X to n / (n + 1) of it in the
        mean, and to exp(-1/n) in the mean of ln X.  With the second, ln Z is right on
        average; with the first it lies error^2 / 2 high (see
        tests/calibration/test_evidence.py).
    is_compiled : bool
        Whether a run takes milliseconds: then it sits the whole exam by default.
    seeds, costly_seeds : int
        Runs a problem for statistics; those of problems that take long in Python.
    """

    name: str
    make: Callable[[int, int, EvidenceProblem], Any]
    volume: Literal["mean X", "mean ln X"]
    is_compiled: bool
    seeds: int
    costly_seeds: int

    def expected_miss(self, error: Any) -> Any:
        """Return the miss of ln Z that a sound run has, by its stated error."""
        is_high = self.volume == "mean X"
        return 0.5 * np.square(error) if is_high else np.zeros_like(error)


def _static(n_live: int, seed: int, problem: EvidenceProblem) -> Any:
    return gf.DynestyStatic(nlive=n_live, seed=seed, sample=_proposal(problem))


def _dynamic(n_live: int, seed: int, problem: EvidenceProblem) -> Any:
    return gf.DynestyDynamic(
        nlive_init=n_live,
        nlive_batch=n_live,
        maxbatch=2,
        seed=seed,
        sample=_proposal(problem),
    )


def _proposal(problem: EvidenceProblem) -> Any:
    # What "auto" takes from ten dimensions on, random walks, raises ln Z there.
    return "auto" if problem.dimension < 10 else "rslice"


# The sampler itself is examined: amplitudes that are integrated out are not sampled.
_SAMPLED = {"integrate_amplitudes": False, "order_components": False}


def _compiled(n_live: int, seed: int, problem: EvidenceProblem) -> Any:
    return gf.NestedSampler(
        n_live=n_live, seed=seed, periodic=problem.periodic, **_SAMPLED
    )


def _slices(n_live: int, seed: int, problem: EvidenceProblem) -> Any:
    return dataclasses.replace(_compiled(n_live, seed, problem), sample="slice")


NESTED_SEARCHES = [
    NestedSearch("DynestyStatic", _static, "mean X", False, 200, 20),
    NestedSearch("DynestyDynamic", _dynamic, "mean X", False, 40, 10),
    NestedSearch("NestedSampler", _compiled, "mean ln X", True, 200, 200),
    NestedSearch("NestedSampler by slices", _slices, "mean ln X", True, 200, 50),
]

# With bounds of many ellipsoids, or in many dimensions, dynesty takes ten seconds a run.
COSTLY = (
    "normal 10",
    "shells 2",
    "shells 3",
    "shells 5",
    "rosenbrock 3",
    "rosenbrock 5",
    "eggbox",
    "log-gamma 5",
)


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of one problem with different random numbers.

    Attributes
    ----------
    log_evidence, error : ndarray, shape (n,)
    mean, deviation : ndarray, shape (n, D)
        Of the posterior: of equal-weight draws, and as the run states it.
    insertion_counts : ndarray, shape (n, B), or None
        Histograms of the insertion ranks, where the sampler gives them.
    evaluations : ndarray, shape (n,)
    """

    log_evidence: Any
    error: Any
    mean: Any
    deviation: Any
    insertion_counts: Any
    evaluations: Any


def many_runs(search: NestedSearch, problem: EvidenceProblem, count: int) -> Runs:
    """Fit the same data at `count` pixels: the model is lowered once, every run has its own
    random numbers.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*plateau.*")
        found = gf.fit_cube(
            problem.model(),
            search.make(problem.n_live, 1, problem),
            data=np.repeat(problem.data[:, None], count, axis=1),
            noise=problem.noise,
            world=problem.x,
            fitting_axes=0,
            covariance=False,
            draws=DRAWS,
            scheduler="synchronous",
            progress=False,
        )
    assert found.counts() == {"converged": count}, f"{found.counts()}\n{found.notes}"
    maps = found.record.arrays
    names = problem.model().parameter_names
    return Runs(
        maps["log_evidence"],
        maps["log_evidence_error"],
        maps["draws"].mean(axis=1),
        np.stack([maps[f"{name}_error"] for name in names], axis=1),
        maps.get("insertion_counts"),
        maps["evaluations"],
    )


def one_run(search: NestedSearch, problem: EvidenceProblem, seed: int) -> Any:
    """Fit the one dataset in the way of a user; returns its Result."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*plateau.*")
        engine = search.make(problem.n_live, seed, problem)
        return engine.fit(problem.model(), problem.analysis())
