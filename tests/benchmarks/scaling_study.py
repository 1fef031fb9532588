"""How a fit of a cube scales: what was measured here, and what follows for clusters.

Measures what one piece of work costs the process that drives a run, what reading, fitting
and keeping cost a pixel, and puts the figures into the model of :func:`predicted`.  The
model is compared with real runs of 1e5 pixels, and then asked about 1e6 and 1e8 pixels on
up to 1000 workers.  Each figure is the quickest of several; run it with nothing else
running.  What it printed is in docs/explanation/scaling.md.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/scaling_study.py [--quick]
"""

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import graphfit as gf
from graphfit.cube.executor import run_pieces
from graphfit.cube.map_memory import MapMemory, tile_lengths
from graphfit.cube.map_table import Wanted
from graphfit.cube.plan import ChunkRule, chunk_lengths, regions
from graphfit.cube.problem import CubeProblem, cube_problem
from graphfit.cube.run import SECONDS_A_PIECE
from graphfit.cube.worker import FitPieces, Piece
from graphfit.io.cube_store import CubeStore

CHANNELS = 53
MEBI = 1 << 20
SLOTS = (2, 20, 200, 1000)  # pieces at work at a time, of a cluster
V = np.linspace(-10.0, 10.0, CHANNELS)


def line(v: Any, amplitude: Any, mean: Any, stddev: Any) -> Any:
    return amplitude * np.exp(-0.5 * ((v - mean) / stddev) ** 2)


def line_model() -> Any:
    return gf.Model(
        line,
        amplitude=gf.LogUniformPrior(0.1, 20.0),
        mean=gf.UniformPrior(-10.0, 10.0),
        stddev=gf.LogUniformPrior(0.3, 5.0),
    )


def simulated(shape: tuple[int, int]) -> tuple[Any, dict[str, Any]]:
    """Return a cube (53, y, x) and where its fits begin."""
    rng = np.random.default_rng(1)
    mean = rng.uniform(-3.0, 3.0, shape)
    cube = line(V[:, None, None], 3.0, mean, 1.2)
    cube += rng.normal(0.0, 0.3, cube.shape)
    start = {"amplitude": 2.5, "mean": mean + rng.normal(0, 0.3, shape), "stddev": 1.0}
    return cube.astype("f4"), start


def problem_of(data: Any, search: Any, start: Any = None) -> CubeProblem:
    analysis = gf.CubeAnalysis(data, 0.3, world=V, fitting_axes=0)
    return cube_problem(
        line_model(), search, analysis, start=start, wanted=Wanted(), time_limit=None, seed=1
    )


def quickest(call: Callable[[], Any], repeats: int) -> float:
    """Return the least seconds of the clock."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def nothing(piece: Any) -> None:
    """Do nothing with a piece."""


def echo(piece: Any) -> Any:
    return piece


# --- what a piece costs ---------------------------------------------------------------


@contextmanager
def cluster(workers: int, threads: int = 1) -> Iterator[Any]:
    """Yield the client of a cluster of processes on this machine."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=threads, dashboard_address=None
        ) as made,
        Client(made) as client,
    ):
        yield client


def marginal(scheduler: Any, function: Any, pieces: Any, few: int, many: int) -> float:
    """Return the seconds a piece, without starting and ending the workers."""

    def run(count: int) -> float:
        began: list[float] = []

        def deliver(piece: Any, value: Any) -> None:
            began.append(time.perf_counter())

        run_pieces(
            function, pieces(count), deliver, scheduler=scheduler, n_workers=2
        )
        return (began[-1] - began[few - 1]) / (count - few)

    return run(few + many)


def piece_costs(repeats: int, many: int) -> dict[str, float]:
    """Return the seconds of an empty piece, by scheduler."""
    found = {}
    for name, count in (("synchronous", 20), ("threads", 10), ("processes", 2)):
        runs = [
            marginal(name, nothing, range, 50, count * many) for _ in range(repeats)
        ]
        found[name] = min(runs)
    for slots in SLOTS:
        workers = min(2, slots)
        with cluster(workers, slots // workers) as client:
            runs = [
                marginal(client, nothing, range, 4 * slots, many + 8 * slots)
                for _ in range(repeats)
            ]
        found[f"cluster, {slots} at work"] = min(runs)
    return found


def byte_costs(repeats: int) -> dict[str, float]:
    """Return the seconds to send a MiB there and back, less those of an empty piece."""

    def payloads(count: int, size: int) -> Iterator[Any]:
        for _ in range(count):
            yield np.zeros(size, dtype=np.uint8)

    found = {}
    for name in ("processes", "cluster"):
        with cluster(2) if name == "cluster" else _plain(name) as scheduler:
            empty, full = (
                min(
                    marginal(scheduler, echo, partial(payloads, size=size), 8, 40)
                    for _ in range(repeats)
                )
                for size in (1, 4 * MEBI)
            )
        found[name] = (full - empty) / 4.0
    return found


@contextmanager
def _plain(name: str) -> Iterator[str]:
    yield name


# --- what a pixel costs ---------------------------------------------------------------


def reading(folder: Path, cube: Any, repeats: int) -> dict[str, float]:
    """Return the seconds a pixel to read chunks as rows, by where the data lie."""
    import zarr
    from astropy.io import fits

    fits.writeto(folder / "cube.fits", cube)
    stored = zarr.create_array(
        str(folder / "cube.zarr"), shape=cube.shape, chunks=(CHANNELS, 50, 50), dtype="f4"
    )
    stored[:] = cube
    found = {}
    sources = {"memory": cube, "FITS": folder / "cube.fits", "zarr": folder / "cube.zarr"}
    for name, data in sources.items():
        reader = problem_of(data, gf.LevenbergMarquardt()).reader
        chunks = regions(cube.shape[1:], (50, cube.shape[2]))
        seconds = quickest(lambda: [reader.read(c) for c in chunks], repeats)  # noqa: B023
        found[name] = seconds / math.prod(cube.shape[1:])
    return found


def line_costs(sizes: tuple[int, ...], times: list[float]) -> tuple[float, float]:
    """Return seconds a call and seconds a pixel, of a straight line through times."""
    pixel = (times[-1] - times[0]) / (sizes[-1] - sizes[0])
    return max(0.0, times[0] - sizes[0] * pixel), pixel


def fitting(cube: Any, start: Any, repeats: int) -> dict[str, float]:
    """Return the seconds of least squares and of nested sampling."""
    problem = problem_of(cube, gf.LevenbergMarquardt(maximize="likelihood"), start)
    fit, sizes = FitPieces(problem.model, None), (20, 20_000)
    times = []
    for size in sizes:
        width = cube.shape[2]
        where = (slice(0, max(1, size // width)), slice(0, min(size, width)))
        piece = Piece(where, problem.reader.read(where))
        fit(piece)  # compiles
        times.append(quickest(partial(fit, piece), repeats))
    call, pixel = line_costs(sizes, times)
    sampled = problem_of(cube, gf.DynestyStatic(nlive=100, seed=1))
    sample = FitPieces(sampled.model, sampled.reader)
    few = Piece((slice(0, 1), slice(0, 8)))
    sample(few)
    dynesty = quickest(partial(sample, few), repeats) / 8
    return {"call": call, "least squares": pixel, "dynesty": dynesty}


def keeping(folder: Path, cube: Any, repeats: int) -> dict[str, float]:
    """Return the seconds a pixel to keep maps: in memory, in a store."""
    problem = problem_of(cube, gf.LevenbergMarquardt())
    shape, table = problem.map_shape, problem.model.table
    chunk = (50, shape[1])
    values = problem.model.empty(math.prod(chunk))
    values["status"][:] = 0
    block = {k: v.reshape(*chunk, *v.shape[1:]) for k, v in values.items()}
    small = {k: v[:1, :25] for k, v in block.items()}
    tile = tile_lengths(shape, table, chunk)
    number = iter(range(10**6))

    def whole(make: Callable[[], Any]) -> None:
        keeper = make()
        for region in regions(shape, chunk):
            keeper.write(region, block)
        keeper.close()

    def store() -> Any:
        path = folder / f"store{next(number)}.zarr"
        facts = {"dims": ["y", "x"], "seed": 1}
        return CubeStore.open(
            path, identity={"data": "1"}, facts=facts, shape=shape, specs=table, tile=tile
        )

    def bits() -> None:
        with store() as keeper:
            for region in regions((1, shape[1]), (1, 25)):
                keeper.write(region, small)

    pixels = math.prod(shape)
    found = {
        "memory": quickest(lambda: whole(lambda: MapMemory(shape, table)), repeats),
        "store": quickest(lambda: whole(store), repeats),
    }
    found = {name: seconds / pixels for name, seconds in found.items()}
    opened = quickest(lambda: store().close(), repeats)
    found["journal"] = (quickest(bits, repeats) - opened) / (shape[1] // 25)
    found["bytes"] = sum(v.nbytes for v in block.values()) / math.prod(chunk)
    return found


def planning(repeats: int) -> float:
    """Return the seconds a chunk to list the chunks of a map."""
    seconds = quickest(lambda: regions((800, 800), (1, 8)), repeats)
    return seconds / 80_000


# --- the model ------------------------------------------------------------------------


@dataclass(frozen=True)
class Costs:
    """Seconds, of one scheduler and one search.

    Attributes
    ----------
    piece : float
        Of the driver, a piece, whatever is in it.
    driver : float
        Of the driver, a pixel: reading and sending it, or taking and keeping what was found.
    call : float
        Of a worker, a piece.
    worker : float
        Of a worker, a pixel.
    """

    piece: float
    driver: float
    call: float
    worker: float


def piece_pixels(costs: Costs, pixels: int, workers: int, most: int | None) -> int:
    """Return the pixels of a piece, as the plan of a run makes them."""
    rule = ChunkRule(4 * CHANNELS, (1,), most, workers, 256 if costs.worker < 1e-3 else 1)
    (chunk,) = chunk_lengths((pixels,), rule)
    return max(1, min(chunk, int(SECONDS_A_PIECE / costs.worker)))


def predicted(
    costs: Costs, pixels: int, workers: int, piece: int, cores: int | None = None
) -> float:
    """Return the seconds of a run, without starting workers and compiling.

    The driver is one server, the workers are many; the busier of the two decides, and at
    the end all wait for the last piece.  On one machine both share its cores.
    """
    pieces = -(-pixels // piece)
    driver = pieces * costs.piece + pixels * costs.driver
    rounds = -(-pieces // workers)  # whole pieces that the busiest worker gets
    work = rounds * (costs.call + piece * costs.worker)
    least = 0.0
    if cores is not None:
        least = (driver + pieces * costs.call + pixels * costs.worker) / cores
    return max(driver, work, least) + min(driver, work) / max(1, pieces)


def saturation(costs: Costs, piece: int) -> float:
    """Return the number of workers that one driver can feed."""
    return (costs.call / piece + costs.worker) / (costs.piece / piece + costs.driver)


# --- real runs ------------------------------------------------------------------------


def real_runs(costs: dict[str, Costs], cube: Any, start: Any, repeats: int) -> None:
    """Print real runs beside what the model says of them."""
    table("scheduler", "pixels a piece", "predicted, s", "measured, s", "ratio")
    cores = len(os.sched_getaffinity(0))
    shape = cube.shape[1:]
    for name in ("synchronous", "threads", "processes", "cluster"):
        workers = 1 if name == "synchronous" else 2
        with cluster(2) if name == "cluster" else _plain(name) as scheduler:
            for most in (25, 250, 2500):
                made = []
                for _ in range(repeats):
                    made.append(steady_seconds(scheduler, cube, start, most))
                expected = predicted(costs[name], math.prod(shape), workers, most, cores)
                row(name, most, expected, min(made), f"{min(made) / expected:.2f}")


def steady_seconds(scheduler: Any, cube: Any, start: Any, most: int) -> float:
    """Return the seconds of a run from its first delivery on, scaled to all pixels."""
    import graphfit.cube.run as module

    times: list[float] = []
    original = module.CubeProgress.add

    def add(self: Any, status: Any) -> None:
        original(self, status)
        times.append(time.perf_counter())

    module.CubeProgress.add = add  # type: ignore[method-assign]
    try:
        gf.fit_cube(
            line_model(),
            gf.LevenbergMarquardt(maximize="likelihood", seed=1),
            data=cube,
            noise=0.3,
            world=V,
            start=start,
            scheduler=scheduler,
            n_workers=None if hasattr(scheduler, "submit") else 2,
            chunk_n_max=most,
        )
    finally:
        module.CubeProgress.add = original  # type: ignore[method-assign]
    skip = max(1, len(times) // 20)  # while workers start and compile
    return (times[-1] - times[skip]) * len(times) / (len(times) - 1 - skip)


# --- what it prints -------------------------------------------------------------------


def table(*heads: str) -> None:
    print("\n| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|", flush=True)


def row(*cells: Any) -> None:
    shown = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
    print("| " + " | ".join(shown) + " |", flush=True)


def duration(seconds: float) -> str:
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


def extrapolate(costs: dict[str, Costs]) -> None:
    """Print what the model says of clusters."""
    for name, cost in costs.items():
        print(f"\n{name}")
        table("pixels", "workers", "pixels a piece", "driver busy", "time", "ideal")
        for pixels in (10**6, 10**8):
            for workers in (1, 10, 100, 1000):
                piece = piece_pixels(cost, pixels, workers, None)
                seconds = predicted(cost, pixels, workers, piece)
                busy = -(-pixels // piece) * cost.piece + pixels * cost.driver
                ideal = pixels * cost.worker / workers
                row(
                    f"{pixels:.0e}",
                    workers,
                    piece,
                    f"{100 * busy / seconds:.0f} %",
                    duration(seconds),
                    duration(ideal),
                )
        large = piece_pixels(cost, 10**8, 100, None)
        print(f"\none driver feeds {saturation(cost, large):.0f} workers")


def cluster_costs(pieces: dict[str, float], pixel: dict[str, Any]) -> dict[str, Costs]:
    """Return the costs on a cluster whose workers read a file themselves."""
    slowest = pieces[f"cluster, {SLOTS[-1]} at work"]
    back = pixel["keep"]["store"] + pixel["keep"]["bytes"] / MEBI * pixel["byte"]["cluster"]
    there = pixel["read"]["memory"] + 4 * CHANNELS / MEBI * pixel["byte"]["cluster"]
    fits = pixel["fit"]
    read = pixel["read"]["FITS"]
    squares = Costs(slowest, back, fits["call"], fits["least squares"] + read)
    journal = pixel["keep"]["journal"]
    return {
        "least squares, workers read a file": squares,
        "least squares, the driver sends arrays": replace(
            squares, driver=back + there, worker=fits["least squares"]
        ),
        "dynesty, nlive=100, workers read a file": Costs(
            slowest + journal, back, 0.0, fits["dynesty"] + read
        ),
    }


def main(quick: bool) -> None:
    repeats, many = (1, 100) if quick else (5, 1000)
    shape = (100, 200) if quick else (250, 400)
    cube, start = simulated(shape)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixel: dict[str, Any] = {
            "fit": fitting(cube, start, repeats),
            "read": reading(folder, cube, repeats),
            "keep": keeping(folder, cube, repeats),
            "byte": byte_costs(repeats),
        }
    pieces = piece_costs(repeats, many)
    print("Measured: the driver, a piece")
    table("scheduler", "µs an empty piece")
    for scheduler, seconds in pieces.items():
        row(scheduler, 1e6 * seconds)
    for title, found in pixel.items():
        print(f"\nMeasured: {title}")
        table("what", "value")
        for what, value in found.items():
            row(what, f"{value:.4g}" if what == "bytes" else f"{1e6 * value:.4g} µs")
    print(f"\nMeasured: planning {1e6 * planning(repeats):.3g} µs a chunk")

    fits, keep = pixel["fit"], pixel["keep"]["memory"]
    local = keep + pixel["read"]["memory"]
    sent = (4 * CHANNELS + pixel["keep"]["bytes"]) / 2 / MEBI
    costs = {
        name: Costs(
            pieces["cluster, 2 at work" if name == "cluster" else name],
            local + sent * pixel["byte"].get(name, 0.0),
            fits["call"],
            fits["least squares"],
        )
        for name in ("synchronous", "threads", "processes", "cluster")
    }
    print(f"\nReal runs of {math.prod(shape):.0e} pixels, least squares")
    real_runs(costs, cube, start, 1 if quick else 3)
    print("\nExtrapolated")
    extrapolate(cluster_costs(pieces, pixel))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look at whether it runs")
    main(parser.parse_args().quick)
