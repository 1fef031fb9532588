"""Chains of nutpie: each by itself, so that their number at a time changes nothing.

nutpie is given the density as a C function, and runs every chain in a thread of its own,
outside of Python.  A chain has its own seed, start and memory.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.errors import ConvergenceError, SettingError
from graphfit.search.nuts.density import Chain, LogDensity
from graphfit.search.progress import Progress
from graphfit.seeding import child_seed
from graphfit.typing import BoolArray, FloatArray, IntArray

# Up to so many parameters a mass matrix that knows the strongest correlations: for two
# parameters of correlation 0.95 an eighth of the gradients for the same effective sample
# size, for hierarchies no difference.  Beyond, its decompositions cost more than gradients:
# for 102 parameters five times as much.
MOST_LOW_RANK = 50
LOOK = 0.05  # seconds between two looks at the keyboard and at users' errors


@final
@dataclass(frozen=True)
class ChainSettings:
    """How long chains are, and how they step.

    Attributes
    ----------
    tune, draws : int
    target_accept : float
    max_depth : int
    cores : int
        Chains at a time.
    """

    tune: int
    draws: int
    target_accept: float
    max_depth: int
    cores: int


@final
@dataclass(frozen=True, eq=False)
class Draws:
    """One chain after its warm-up.

    Attributes
    ----------
    y : ndarray, shape (n, D)
    depths, divergent : ndarray, shape (n,)
    energies : ndarray, shape (n,)
    step_size : float
    calls : int
        Gradients, those of the warm-up included.
    """

    y: FloatArray
    depths: IntArray
    divergent: BoolArray
    energies: FloatArray
    step_size: float
    calls: int


def nutpie_library() -> Any:
    """Return nutpie's compiled module.

    Raises
    ------
    SettingError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # What arviz, which nutpie imports, has to say of its own future.
            warnings.filterwarnings("ignore", category=FutureWarning)
            from nutpie import _lib
    except ModuleNotFoundError:
        msg = "gf.NUTS needs the package nutpie: pip install 'graphfit[nutpie]'."
        raise SettingError(msg) from None
    return _lib


def sample_chains(
    density: LogDensity,
    starts: Sequence[FloatArray],
    settings: ChainSettings,
    seed: int,
    progress: Progress,
) -> list[Draws]:
    """Return a chain from each start, in their order.

    Parameters
    ----------
    density : LogDensity
    starts : sequence of ndarray, each of shape (D,)
        y where the density and its gradient are finite, and no slope is exactly zero.
    settings : ChainSettings
    seed : int
        Chain k draws from its child k.
    progress : Progress

    Raises
    ------
    Exception
        What a user's likelihood raised.
    ConvergenceError
        If nutpie gives up.
    """
    library = nutpie_library()
    waiting = list(enumerate(starts))
    running: dict[int, tuple[Any, Chain]] = {}
    done: dict[int, Draws] = {}
    try:
        while waiting or running:
            while waiting and len(running) < settings.cores:
                number, start = waiting.pop(0)
                chain = density.chain()
                running[number] = (
                    _started(library, chain, start, settings, child_seed(seed, number)),
                    chain,
                )
            for number in [k for k, (run, _) in running.items() if _is_over(run)]:
                run, chain = running.pop(number)
                done[number] = _collected(run, chain)
            density.raise_error()
            calls = sum(c.calls for _, c in running.values())
            calls += sum(item.calls for item in done.values())
            progress.update(
                f"{len(done)} of {len(starts)} chains, {calls} gradient calls"
            )
    finally:
        for run, _ in running.values():
            run.abort()
    return [done[number] for number in range(len(starts))]


def _started(
    library: Any, chain: Chain, start: FloatArray, settings: ChainSettings, seed: int
) -> Any:
    size = start.size
    kind = library.PyNutsSettings
    options = kind.LowRank(seed) if size <= MOST_LOW_RANK else kind.Diag(seed)
    options.num_chains = 1
    options.num_tune = settings.tune
    options.num_draws = settings.draws
    options.maxdepth = settings.max_depth
    options.target_accept = settings.target_accept
    address = chain.data.ctypes.data
    density = library.LogpFunc(chain.density.address, address, chain)
    expand = library.ExpandFunc(size, size, chain.density.expand, address, chain)
    sizes = {"coordinate": size}
    variables = library.PyVariable.new_variables(
        ["y"], ["float64"], [(size,)], sizes, {"y": ("coordinate",)}
    )
    model = library.PyMcModel(
        density, expand, variables, size, sizes, {}, lambda _: start, None
    )
    return library.PySampler.from_pymc(
        options, 1, model, library.ProgressType.none(), library.PyStorage.arrow()
    )


def _is_over(run: Any) -> bool:
    """Wait a moment for a chain; say whether it has ended."""
    try:
        run.wait(LOOK)
    except TimeoutError:
        return False
    except RuntimeError as error:
        reason = str(error).partition("\n\nStack backtrace")[0]
        msg = f"NUTS: a chain could not go on. nutpie says: {reason}"
        raise ConvergenceError(msg) from error
    return bool(run.is_finished())


def _collected(run: Any, chain: Chain) -> Draws:
    (draws,), (stats,) = run.take_results().get_arrow_trace()
    kept = ~_column(stats, "tuning")
    size = chain.density.dimension
    return Draws(
        y=_column(draws, "y").reshape(-1, size)[kept],
        depths=_column(stats, "depth")[kept].astype(np.intp),
        divergent=_column(stats, "diverging")[kept],
        energies=_column(stats, "energy")[kept],
        step_size=float(_column(stats, "step_size_bar")[-1]),
        calls=chain.calls,
    )


def _column(table: Any, name: str) -> Any:
    import pyarrow as pa  # type: ignore[import-untyped]

    column = pa.array(table.column(name))
    if hasattr(column, "flatten"):
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False)
