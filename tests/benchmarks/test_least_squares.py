"""Batches of small least-squares fits: gf.curve_fit beside MINPACK, scipy and astropy.

Times are CPU times of one core but where a test says otherwise.  graphfit's include the
covariances, which no peer computes here.  Peers slower than 1e4 fits a second do a part of
the rows; every figure is per fit.  Ratios are the peer's time over graphfit's.

    OPENBLAS_NUM_THREADS=1 python -m pytest --benchmark-only -s \\
        tests/benchmarks/test_least_squares.py
"""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphfit as gf
from tests.benchmarks import peers
from tests.benchmarks.minpack import compile_loop
from tests.benchmarks.problems import (
    REFERENCE_ANSWER,
    REFERENCE_START,
    Spectra,
    exponential,
    l1448,
    line,
    reference_rows,
    synthetic,
)
from tests.benchmarks.timing import cpu_time, note, wall_time

MICROSECONDS = 1e6
SLIGHT = 1e-6  # a relative difference of chi-square that no one would notice


def line_fit(problem: Spectra, bounded: bool = False, threads: int = 1) -> Any:
    limits: Any = (-np.inf, np.inf)
    if bounded:
        low, high = problem.v[0], problem.v[-1]
        limits = ([-np.inf, low, -np.inf], [np.inf, high, np.inf])
    return gf.curve_fit(
        line,
        problem.v,
        problem.data,
        p0=problem.start,
        sigma=problem.noise,
        bounds=limits,
        threads=threads,
        info=True,
    )


def best_seconds(benchmark: Any) -> float:
    return float(benchmark.stats.stats.min)


def reference_fit(x: Any, y: Any) -> Any:
    return gf.curve_fit(exponential, x, y, p0=REFERENCE_START, info=True)


@pytest.mark.benchmark(group="reference", timer=time.process_time)
@pytest.mark.usefixtures("one_core")
def test_reference_problem_against_scipy(benchmark: Any) -> None:
    """5 points, y = a exp(-b x): 1e5 rows; scipy.optimize.leastsq does 2000 of them."""
    part = 2_000
    x, y = reference_rows(100_000)
    reference_fit(x, y[:8])  # compiles
    parameters, _, info = benchmark.pedantic(reference_fit, args=(x, y), rounds=5)
    assert parameters[0] == pytest.approx(REFERENCE_ANSWER, abs=1e-6)
    scipys = cpu_time(lambda: peers.leastsq_rows(x, y[:part], REFERENCE_START))
    assert parameters[:part] == pytest.approx(scipys.value, rel=1e-4)
    own = MICROSECONDS * best_seconds(benchmark) / len(y)
    leastsq = MICROSECONDS * scipys.seconds / part
    note(
        benchmark,
        us_a_fit=own,
        leastsq_us=leastsq,
        leastsq_ratio=leastsq / own,
        evaluations_a_fit=float(np.mean(info.evaluations)),
    )


@pytest.mark.benchmark(group="reference", timer=time.process_time)
@pytest.mark.usefixtures("one_core")
def test_reference_problem_against_minpack(benchmark: Any, tmp_path: Path) -> None:
    """The same rows by C MINPACK's lmdif, with a residual in C."""
    fit_rows = compile_loop(tmp_path)
    x, y = reference_rows(100_000)
    minpacks = cpu_time(lambda: fit_rows(x, y, REFERENCE_START), repeats=5)
    theta, evaluations = minpacks.value
    reference_fit(x, y[:8])  # compiles
    parameters, _, info = benchmark.pedantic(reference_fit, args=(x, y), rounds=5)
    assert parameters == pytest.approx(theta, rel=1e-4)
    own = MICROSECONDS * best_seconds(benchmark) / len(y)
    minpack = MICROSECONDS * minpacks.seconds / len(y)
    note(
        benchmark,
        us_a_fit=own,
        minpack_us=minpack,
        minpack_ratio=minpack / own,
        evaluations_a_fit=float(np.mean(info.evaluations)),
        minpack_evaluations_a_fit=evaluations / len(y),
    )


@pytest.mark.benchmark(group="cube", timer=time.process_time)
@pytest.mark.parametrize("bounded", [False, True], ids=["free", "mean_bounded"])
@pytest.mark.parametrize("name", ["TRFLSQFitter", "LevMarLSQFitter"])
@pytest.mark.usefixtures("one_core")
def test_cube_against_astropy(benchmark: Any, name: str, bounded: bool) -> None:
    """L1448: a Gaussian a spectrum; astropy's parallel_fit_dask does every 25th."""
    from astropy.modeling import fitting

    pytest.importorskip("dask", reason="astropy's parallel_fit_dask needs dask")
    problem, step = l1448(), 25
    line_fit(problem.part(1000), bounded)  # compiles
    parameters, _, info = benchmark.pedantic(
        line_fit, args=(problem, bounded), rounds=3
    )
    part = problem.part(step)
    fitter = getattr(fitting, name)()
    astropys = cpu_time(lambda: peers.astropy_parallel(fitter, part, bounded))
    theirs = part.chi_squared(astropys.value)
    ours = part.chi_squared(parameters[::step])
    own = best_seconds(benchmark) / len(problem.data)
    peer = astropys.seconds / len(part.data)
    note(
        benchmark,
        spectra_a_second=1.0 / own,
        astropy_spectra_a_second=1.0 / peer,
        astropy_ratio=peer / own,
        # NaN is the worst chi-square there is, for either side.
        worse=float(np.mean(~(ours <= theirs * (1.0 + SLIGHT)) & np.isfinite(theirs))),
        better=float(np.mean(~(theirs <= ours * (1.0 + SLIGHT)) & np.isfinite(ours))),
        evaluations_a_fit=float(np.mean(info.evaluations)),
        evaluations_of_the_worst_3_percent=share_of_the_worst(info.evaluations, 0.03),
    )


def share_of_the_worst(evaluations: Any, part: float) -> float:
    """The share of all evaluations that the `part` of fits with the most of them takes."""
    ordered = np.sort(np.asarray(evaluations, dtype=float))[::-1]
    return float(ordered[: max(1, int(part * ordered.size))].sum() / ordered.sum())


@pytest.mark.benchmark(group="scaling", timer=time.process_time)
def test_linear_in_the_number_of_spectra(benchmark: Any) -> None:
    """1e4, 1e5 and 1e6 spectra of 53 channels; `linearity` is 1 where cost is linear."""
    line_fit(synthetic(100))  # compiles
    seconds = {}
    for count in (10_000, 100_000):
        problem = synthetic(count)
        seconds[count] = cpu_time(lambda p=problem: line_fit(p), 3).seconds / count
    problem = synthetic(1_000_000)
    benchmark.pedantic(line_fit, args=(problem,), rounds=1)
    seconds[1_000_000] = best_seconds(benchmark) / 1_000_000
    note(
        benchmark,
        spectra_a_second={count: round(1.0 / t) for count, t in seconds.items()},
        linearity=seconds[1_000_000] / seconds[10_000],
    )


@pytest.mark.benchmark(group="memory", timer=time.process_time)
@pytest.mark.parametrize("count", [10_000, 100_000, 1_000_000])
def test_memory_beyond_the_data(benchmark: Any, count: int) -> None:
    """The peak of a fit in bytes a spectrum; the data take 424, the results about 130."""
    resource = pytest.importorskip("resource", reason="not on this system")
    problem = synthetic(count)
    line_fit(problem.part(count // 100))  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        results = benchmark.pedantic(line_fit, args=(problem,), rounds=1)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(results[0]) == count
    note(
        benchmark,
        peak_bytes_a_spectrum=peak / count,
        kept_bytes_a_spectrum=kept / count,
        data_bytes_a_spectrum=problem.data.nbytes / count,
        # Of the process (kB on Linux); 0 where an earlier test had a higher peak.
        rise_of_the_peak_megabytes=(after - before) / 1024,
    )


@pytest.mark.benchmark(group="threads")
def test_two_threads(benchmark: Any) -> None:
    """Seconds of the clock: 2e5 spectra on one thread and on two, to the same bits."""
    problem = synthetic(200_000)
    line_fit(problem.part(1000))  # compiles
    one = wall_time(lambda: line_fit(problem), repeats=3)
    two, *_ = benchmark.pedantic(line_fit, args=(problem, False, 2), rounds=3)
    assert np.array_equal(two, line_fit(problem)[0], equal_nan=True)
    note(benchmark, one_thread_s=one, speed_up=one / best_seconds(benchmark))
