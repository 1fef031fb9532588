"""How a fit of a cube scales: what was measured here, and what follows for clusters.

Measures what one piece of work costs the process that drives a run, what reading, fitting
and keeping cost a pixel, and puts the figures into the model of :func:`predicted`.  The
model is compared with real runs of 1e5 pixels, and then asked about 1e6 and 1e8 pixels on
up to 1000 workers.  Each figure is the quickest of several; run it with nothing else
running.  What it printed is in docs/explanation/scaling.md.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/scaling_study.py [--quick]
"""

import argparse
import hashlib
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import graphfit as gf
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.worker import FitPieces, Piece, PieceFits
from graphfit.cube.map_memory import MapMemory, tile_lengths
from graphfit.cube.plan import LEAST_ROWS, ChunkRule, chunk_lengths, regions
from graphfit.cube.problem import CubeProblem, cube_problem
from graphfit.cube.run import SECONDS_A_PIECE, SLOW_CHUNK, CubeRun, run_chunk
from graphfit.cube.settings import RunSettings
from graphfit.io.cube_store import CubeStore
from graphfit.scheduling.executor import run_pieces

CHANNELS = 53
SCHEDULERS = ("synchronous", "threads", "processes", "cluster")
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
        line_model(),
        search,
        analysis,
        start=start,
        wanted=Wanted(),
        time_limit=None,
        seed=1,
    )


def quickest(
    call: Callable[[], Any],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the least seconds of a call; of the processor, but for disks."""
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return min(times)


def straight(sizes: tuple[int, int], seconds: list[float]) -> "Line":
    """Return the line through the seconds of a small and a large piece."""
    pixel = max(0.0, (seconds[1] - seconds[0]) / (sizes[1] - sizes[0]))
    return Line(max(0.0, seconds[0] - sizes[0] * pixel), pixel)


class Line(NamedTuple):
    """Seconds a piece, whatever is in it, and seconds a pixel."""

    piece: float
    pixel: float


# --- handing out pieces ---------------------------------------------------------------


@contextmanager
def cluster(workers: int, threads: int = 1) -> Iterator[Any]:
    """Yield the client of a cluster of processes on this machine."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            dashboard_address="127.0.0.1:0",
        ) as made,
        Client(made) as client,
    ):
        yield client


@contextmanager
def named(name: str) -> Iterator[Any]:
    """Yield what a scheduler's name stands for, with two workers."""
    if name == "cluster":
        with cluster(2) as client:
            yield client
    else:
        yield name


def nothing(piece: Any) -> None:
    """Do nothing with a piece."""


@dataclass(frozen=True)
class Canned:
    """Returns maps of the right size, without fits.

    Attributes
    ----------
    model : PixelModel
    """

    model: Any

    def __call__(self, piece: Piece) -> PieceFits:
        count = math.prod(part.stop - part.start for part in piece.region)
        return PieceFits(self.model.empty(count), [], 0, 0.0)


def a_piece(scheduler: Any, function: Any, pieces: Any, window: int) -> float:
    """Return the seconds a piece in the quickest `window` pieces that follow each other."""
    times: list[float] = []
    run_pieces(
        function,
        pieces,
        lambda piece, value: times.append(time.perf_counter()),
        scheduler=scheduler,
        n_workers=2,
    )
    done = np.array(times)
    return float((done[window:] - done[:-window]).min()) / window


def empty_pieces(repeats: int, many: int) -> dict[str, float]:
    """Return the seconds of an empty piece, by scheduler."""
    found = {}
    for name, factor in (("synchronous", 20), ("threads", 10), ("processes", 3)):
        count = factor * many
        runs = [a_piece(name, nothing, range(count), many) for _ in range(repeats)]
        found[name] = min(runs)
    for slots in SLOTS:
        with cluster(2, slots // 2) as client:
            window = max(many // 2, 2 * slots)
            runs = [
                a_piece(client, nothing, range(3 * window), window)
                for _ in range(repeats)
            ]
        found[f"cluster, {slots} at work"] = min(runs)
    return found


def sending(cube: Any, repeats: int, *, with_rows: bool) -> dict[str, Line]:
    """Return what it costs to hand out pieces and to take their maps, without fits."""
    problem = problem_of(cube, gf.LevenbergMarquardt())
    sizes = (25, 2500)
    found = {}
    for name in SCHEDULERS:
        seconds = []
        with named(name) as scheduler:
            for size in sizes:
                where = (slice(0, -(-size // 250)), slice(0, min(size, 250)))
                rows = problem.reader.read(where) if with_rows else None
                pieces = [Piece(where, rows)] * 300
                function = Canned(problem.model)
                seconds.append(
                    min(
                        a_piece(scheduler, function, pieces, 100)
                        for _ in range(repeats)
                    )
                )
        found[name] = straight(sizes, seconds)
    return found


def driving(cube: Any, start: Any, repeats: int, *, reads: bool) -> Line:
    """Return what planning, reading in the driver, and keeping in memory cost."""
    problem = problem_of(cube, gf.LevenbergMarquardt(), start)
    sizes, seconds = (25, 2500), []
    for most in sizes:
        settings = RunSettings(chunk_n_max=most, progress=False)
        chunk = run_chunk(problem, settings, 2)
        canned = Canned(problem.model)

        def work(
            settings: Any = settings, chunk: Any = chunk, canned: Any = canned
        ) -> None:
            keeper = MapMemory(problem.map_shape, problem.model.table)
            run = CubeRun(problem, settings, keeper, chunk, 1, not reads)
            for piece in run._pieces():
                run._deliver(piece, canned(piece))

        pieces = len(regions(problem.map_shape, chunk))
        seconds.append(quickest(work, repeats) / pieces)
    return straight(sizes, seconds)


# --- what a pixel costs ---------------------------------------------------------------


def working(cube: Any, start: Any, repeats: int, *, reads: bool) -> Line:
    """Return what a worker takes for a piece of least squares, with or without reading."""
    search = gf.LevenbergMarquardt(maximize="likelihood")
    problem = problem_of(cube, search, start)
    fit = FitPieces(problem.model, problem.reader)
    sizes, seconds = (25, 2500), []
    for size in sizes:
        where = (slice(0, -(-size // 250)), slice(0, min(size, 250)))
        piece = Piece(where, None if reads else problem.reader.read(where))
        fit(piece)  # compiles
        seconds.append(quickest(partial(fit, piece), 4 * repeats))
    return straight(sizes, seconds)


def sampling(cube: Any, repeats: int) -> float:
    """Return the seconds a pixel of nested sampling."""
    sampled = problem_of(cube, gf.DynestyStatic(nlive=100, seed=1))
    sample = FitPieces(sampled.model, sampled.reader)
    few = Piece((slice(0, 1), slice(0, 4)))
    sample(few)
    return quickest(partial(sample, few), repeats) / 4


def reading(folder: Path, cube: Any, repeats: int) -> dict[str, float]:
    """Return the seconds a pixel to read large chunks as rows, by where the data lie."""
    import zarr
    from astropy.io import fits

    fits.writeto(folder / "cube.fits", cube)
    stored = zarr.create_array(
        str(folder / "cube.zarr"),
        shape=cube.shape,
        chunks=(CHANNELS, 50, 50),
        dtype="f4",
    )
    stored[:] = cube
    found = {}
    sources = {
        "memory": cube,
        "FITS": folder / "cube.fits",
        "zarr": folder / "cube.zarr",
    }
    for name, data in sources.items():
        reader = problem_of(data, gf.LevenbergMarquardt()).reader
        chunks = regions(cube.shape[1:], (50, cube.shape[2]))

        def read(reader: Any = reader, chunks: Any = chunks) -> None:
            for chunk in chunks:
                reader.read(chunk)

        found[name] = quickest(read, repeats) / math.prod(cube.shape[1:])
    return found


def keeping(folder: Path, repeats: int, rows: int) -> dict[str, float]:
    """Return the seconds to keep pixels in a store: whole tiles, and few at a time."""
    cube = np.zeros((CHANNELS, 1, 1), dtype="f4")
    table = problem_of(cube, gf.LevenbergMarquardt()).model.table
    shape, chunk = (rows, 1000), (25, 1000)
    tile = tile_lengths(shape, table, chunk)
    number = itertools.count()

    def store() -> CubeStore:
        return CubeStore.open(
            folder / f"store{next(number)}.zarr",
            identity={"data": "1"},
            facts={"dims": ["y", "x"], "seed": 1},
            shape=shape,
            specs=table,
            tile=tile,
        )

    def block(shape: tuple[int, ...]) -> dict[str, Any]:
        return {
            s.name: np.full((*shape, *s.shape), 0 if s.name == "status" else 1, s.dtype)
            for s in table
        }

    whole, few = block(tile), block((1, 1))

    def tiles() -> None:
        with store() as keeper:
            for region in regions(shape, tile):
                lengths = [part.stop - part.start for part in region]
                cut = tuple(slice(0, n) for n in lengths)
                keeper.write(region, {k: v[cut] for k, v in whole.items()})

    def singles(count: int) -> float:
        with store() as keeper:
            began = time.perf_counter()
            for x in range(count):
                keeper.write((slice(0, 1), slice(x, x + 1)), few)
            return (time.perf_counter() - began) / count

    wall = time.perf_counter
    opened = quickest(lambda: store().close(), repeats, wall)
    return {
        "pixel": (quickest(tiles, repeats, wall) - opened) / math.prod(shape),
        "single pixel": min(singles(200) for _ in range(repeats)),
        "bytes": sum(v.nbytes for v in few.values()),
    }


def planning(repeats: int) -> float:
    """Return the seconds a chunk to list the chunks of a map."""
    return quickest(lambda: regions((800, 800), (1, 8)), repeats) / 80_000


# --- the model ------------------------------------------------------------------------


@dataclass(frozen=True)
class Costs:
    """Seconds, of one scheduler and one search.

    Attributes
    ----------
    driver : Line
        Of the process that drives the run: one piece after the other.
    worker : Line
        Of a worker.
    """

    driver: Line
    worker: Line


def piece_pixels(costs: Costs, pixels: int, workers: int) -> int:
    """Return the pixels of a piece, as the plan of a run makes them."""
    is_slow = costs.worker.pixel > 1e-3
    most, least = (SLOW_CHUNK, 1) if is_slow else (None, LEAST_ROWS)
    rule = ChunkRule(4 * CHANNELS, (1,), most, workers, least)
    (chunk,) = chunk_lengths((pixels,), rule)
    return max(1, min(chunk, int(SECONDS_A_PIECE / costs.worker.pixel)))


def predicted(
    costs: Costs, pixels: int, workers: int, piece: int, cores: float | None = None
) -> float:
    """Return the seconds of a run, without starting workers and compiling.

    The driver is one server, the workers are many; the busier decides, and the other adds
    one piece at the end.  On one machine both share its cores.
    """
    pieces = -(-pixels // piece)
    driver = pieces * costs.driver.piece + pixels * costs.driver.pixel
    each = costs.worker.piece + piece * costs.worker.pixel
    work = -(-pieces // workers) * each
    shared = 0.0 if cores is None else (driver + pieces * each) / cores
    return max(driver, work, shared) + min(driver / pieces, each)


def fed(costs: Costs, piece: int) -> float:
    """Return the number of workers that one driver keeps at work."""
    each = costs.worker.piece + piece * costs.worker.pixel
    return each / (costs.driver.piece + piece * costs.driver.pixel)


# --- real runs ------------------------------------------------------------------------


def real_costs(
    empty: dict[str, float], cube: Any, start: Any, repeats: int
) -> dict[str, Costs]:
    """Return the costs of least squares on an array, with the schedulers of one machine."""
    here, sent = (driving(cube, start, repeats, reads=reads) for reads in (False, True))
    whole, fits = (
        working(cube, start, repeats, reads=reads) for reads in (True, False)
    )
    sends = sending(cube, repeats, with_rows=True)
    found = {}
    for name in SCHEDULERS[:2]:
        driver = Line(empty[name] + here.piece, here.pixel)
        found[name] = Costs(driver, whole)
    # Python's part of a piece is one thread's at a time.
    driver = driver._replace(piece=driver.piece + whole.piece)
    found["threads"] = Costs(driver, whole._replace(piece=0.0))
    for name in SCHEDULERS[2:]:
        total = Line(sends[name].piece + sent.piece, sends[name].pixel + sent.pixel)
        found[name] = Costs(total, fits)
    return found


def free_cores() -> float:
    """Return how many cores two busy threads find free; less than 2 on a machine in use."""

    def spin(_: int) -> None:
        hashlib.pbkdf2_hmac("sha256", b"cores", b"free", 40_000)

    wall = time.perf_counter
    with ThreadPoolExecutor(2) as pool:
        alone = quickest(partial(spin, 0), 8)
        together = quickest(lambda: list(pool.map(spin, range(8))), 2, wall)
    return min(2.0, 8 * alone / together)


def real_runs(costs: dict[str, Costs], cube: Any, start: Any, repeats: int) -> None:
    """Print real runs beside what the model says of them."""
    heads = ("scheduler", "pixels a piece", "cores free", "predicted, s", "measured, s")
    table(*heads, "ratio")
    pixels = math.prod(cube.shape[1:])
    for name, cost in costs.items():
        with named(name) as scheduler:
            for most in (25, 250, 2500):
                runs = []
                for _ in range(repeats):
                    cores = 1.0 if name == "synchronous" else free_cores()
                    made = steady_seconds(scheduler, cube, start, most)
                    workers = 1 if name == "synchronous" else 2
                    expected = predicted(cost, pixels, workers, most, cores)
                    runs.append((made / expected, made, expected, cores))
                ratio, made, expected, cores = sorted(runs)[len(runs) // 2]
                row(name, most, cores, expected, made, f"{ratio:.2f}")


def steady_seconds(scheduler: Any, cube: Any, start: Any, most: int) -> float:
    """Return the seconds of a run at the pace of its quickest third.

    The rest is where workers start and compile, and where others use the machine.
    """
    times: list[float] = []

    def ask(counts: Any) -> bool:
        times.append(time.perf_counter())  # once a piece, before it is handed out
        return False

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
        stop=ask,
    )
    done = np.array(times[:-1])
    window = max(1, len(done) // 3)
    return float((done[window:] - done[:-window]).min()) / window * len(done)


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
        heads = (
            "pixels",
            "workers",
            "pixels a piece",
            "driver at work",
            "time",
            "ideal",
        )
        table(*heads)
        for pixels in (10**6, 10**8):
            for workers in (1, 10, 100, 1000):
                piece = piece_pixels(cost, pixels, workers)
                seconds = predicted(cost, pixels, workers, piece)
                pieces = -(-pixels // piece)
                busy = pieces * cost.driver.piece + pixels * cost.driver.pixel
                row(
                    f"1e{len(str(pixels)) - 1}",
                    f"{workers:,}",
                    f"{piece:,}",
                    f"{100 * busy / seconds:.0f} %",
                    duration(seconds),
                    duration(pixels * cost.worker.pixel / workers),
                )
        large = piece_pixels(cost, 10**8, 100)
        print(f"\nOne driver feeds {fed(cost, large):.3g} workers.")


def piece_lengths(driver: float) -> None:
    """Print how long a piece must take for workers not to wait for the driver."""
    table("workers", "s a piece, driver half at work")
    for workers in (10, 100, 1000):
        row(f"{workers:,}", 2 * workers * driver)


def far_costs(
    empty: dict[str, float], cube: Any, start: Any, repeats: int, pixel: dict[str, Any]
) -> dict[str, Costs]:
    """Return the costs with a store, by search and by where the work is done."""
    more = (
        empty[f"cluster, {SLOTS[-1]} at work"] - empty[f"cluster, {SLOTS[0]} at work"]
    )
    keep, read = pixel["store"], pixel["reading"]
    fits = working(cube, start, repeats, reads=False)
    here = driving(cube, start, repeats, reads=False)
    calls = Line(empty["threads"] + here.piece + fits.piece, here.pixel + keep["pixel"])
    found = {
        "Least squares, threads of one machine, a file": Costs(
            calls, Line(0.0, fits.pixel + read["FITS"])
        )
    }
    for who, with_rows in (("workers read a file", False), ("the driver sends", True)):
        drive = driving(cube, start, repeats, reads=with_rows)
        send = sending(cube, repeats, with_rows=with_rows)["cluster"]
        piece = drive.piece + send.piece + max(0.0, more)
        driver = Line(piece, drive.pixel + send.pixel + keep["pixel"])
        reads = 0.0 if with_rows else read["FITS"]
        found[f"Least squares, a cluster, {who}"] = Costs(
            driver, Line(fits.piece, fits.pixel + reads)
        )
    # Of slow pixels the driver reads a chunk, and sends them one at a time.
    slow, pixel_cost = Line(0.0, pixel["dynesty"]), drive.pixel + send.pixel
    single = Line(piece + keep["single pixel"], pixel_cost)
    found["dynesty, a cluster"] = Costs(single, slow)
    found["dynesty, a cluster, maps in memory"] = Costs(Line(piece, pixel_cost), slow)
    return found


def main(quick: bool) -> None:
    repeats, many = (1, 100) if quick else (3, 300)
    cube, start = simulated((40, 250) if quick else (400, 250))
    with tempfile.TemporaryDirectory() as name:
        pixel: dict[str, Any] = {
            "dynesty": sampling(cube, repeats),
            "reading": reading(Path(name), cube, repeats),
            "store": keeping(Path(name), repeats, 100 if quick else 1000),
        }
    empty = empty_pieces(repeats, many)
    print("Measured: an empty piece")
    table("scheduler", "µs")
    for scheduler, seconds in empty.items():
        row(scheduler, 1e6 * seconds)
    costs = real_costs(empty, cube, start, repeats)
    print("\nMeasured: least squares, an array in memory")
    table(
        "scheduler",
        "driver: µs a piece",
        "µs a pixel",
        "worker: µs a piece",
        "µs a pixel",
    )
    for scheduler, cost in costs.items():
        row(scheduler, *(1e6 * item for item in (*cost.driver, *cost.worker)))
    print("\nMeasured: a pixel")
    table("what", "µs")
    for what, seconds in pixel["reading"].items():
        row(f"reading from {what}", 1e6 * seconds)
    row("a store, whole tiles", 1e6 * pixel["store"]["pixel"])
    row("a store, one pixel at a time", 1e6 * pixel["store"]["single pixel"])
    row("dynesty, nlive=100", 1e6 * pixel["dynesty"])
    print(f"\n{pixel['store']['bytes']} bytes of maps a pixel")
    print(f"{1e6 * planning(repeats):.3g} µs to list a chunk")
    print(f"\nReal runs of {math.prod(cube.shape[1:]):,} pixels, least squares")
    real_runs(costs, cube, start, repeats)
    print("\nExtrapolated")
    far = far_costs(empty, cube, start, repeats, pixel)
    extrapolate(far)
    print("\nHow long a piece must take")
    piece_lengths(far["dynesty, a cluster"].driver.piece)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a look at whether it runs"
    )
    main(parser.parse_args().quick)
