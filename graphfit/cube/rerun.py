"""Rerun: some pixels of a cube fitted again, with other settings and random numbers."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.cube.fitting.model_checks import check_model
from graphfit.cube.inputs.axes import Region
from graphfit.cube.problem import CubeProblem
from graphfit.cube.run import CubeRun, run_chunk
from graphfit.cube.settings import RunSettings
from graphfit.errors import SettingError
from graphfit.samples import PixelMaps
from graphfit.scheduling.workers import shares_memory, worker_count
from graphfit.seeding import child_seed
from graphfit.typing import BoolArray

# The key of a rerun's seed; no pixel has such an index, so that no pixel has its seed.
RERUNS = 0x7265_7275
OF_A_FOLDER = ("name", "path_prefix", "unique_tag")


@final
@dataclass(frozen=True, eq=False)
class Rerun:
    """What was fitted again.

    Attributes
    ----------
    where : ndarray of bool, of the map's shape
        The pixels.
    problem : CubeProblem
        How they were fitted.
    """

    where: BoolArray
    problem: CubeProblem


@final
class ReplacedMaps:
    """A copy of maps in which some pixels are to be written anew; a MapKeeper.

    Parameters
    ----------
    maps : PixelMaps
        In memory or on disk; they are left as they are.
    where : ndarray of bool, of the map's shape
        Pixels to be written; until then they are as if never reached.
    """

    def __init__(self, maps: PixelMaps, where: BoolArray) -> None:
        self.pending = where
        arrays = {}
        for spec in maps.specs:
            own = np.array(maps.arrays[spec.name][...])
            own[where] = spec.fill
            arrays[spec.name] = own
        self.maps = PixelMaps(maps.shape, maps.specs, arrays)

    def write(
        self, region: Region, values: Mapping[str, Any], wanted: Any = None
    ) -> None:
        """Keep the values of a region."""
        chosen = ... if wanted is None else wanted
        for name, found in values.items():
            self.maps.arrays[name][region][chosen] = found[chosen]

    def close(self) -> None:
        """Do nothing."""


@final
@dataclass(frozen=True, eq=False)
class Refit:
    """What a rerun found.

    Attributes
    ----------
    maps : PixelMaps
        Of all pixels, those that were fitted again in place of what they were.
    note : dict
        Plain data: pixels, settings, seed and seconds.
    notes : list of dict
        What happened at single pixels.
    warnings : list of str
    is_interrupted : bool
        Whether Ctrl-C ended it.
    """

    maps: PixelMaps
    note: dict[str, Any]
    notes: list[dict[str, Any]]
    warnings: list[str]
    is_interrupted: bool


def rerun_problem(
    problem: CubeProblem, changes: Mapping[str, Any], number: int
) -> CubeProblem:
    """Return a problem with other settings of its search, and other random numbers.

    Parameters
    ----------
    problem : CubeProblem
        Of the first run.
    changes : mapping
        Settings of the search.
    number : int, >= 1
        Which rerun it is.  Its seed is ``child_seed(seed, RERUNS, number)`` of the first
        run's seed, unless the settings have one.

    Raises
    ------
    GraphError, PriorError, SettingError
        As the fit of a cube would.
    """
    search = problem.model.search
    for name in OF_A_FOLDER:
        if changes.get(name) is not None:
            msg = (
                f"rerun({name}={changes[name]!r}): a rerun writes no folder; keep its "
                "result with result.to_zarr(path)."
            )
            raise SettingError(msg)
    search = dataclasses.replace(search, **changes)
    seed = changes.get("seed")
    if seed is None:
        seed = child_seed(problem.model.seed, RERUNS, number)
    model = dataclasses.replace(problem.model, search=search, seed=int(seed))
    check_model(model, problem.reader.start)
    return dataclasses.replace(problem, model=model)


def refit(
    problem: CubeProblem,
    maps: PixelMaps,
    where: BoolArray,
    settings: RunSettings,
    changes: Mapping[str, Any],
) -> Refit:
    """Fit some pixels of a map again.

    Parameters
    ----------
    problem : CubeProblem
        Of :func:`rerun_problem`.
    maps : PixelMaps
        What was found before.
    where : ndarray of bool, of the map's shape
        The pixels.
    settings : RunSettings
        Without a store.
    changes : mapping
        The settings that are new, for the note.
    """
    workers = worker_count(settings.scheduler, settings.n_workers)
    keeper = ReplacedMaps(maps, where)
    run = CubeRun(
        problem,
        settings,
        keeper,
        run_chunk(problem, settings, workers),
        workers,
        shares_memory(settings.scheduler),
    )
    is_interrupted = False
    try:
        run.to_the_end()
    except KeyboardInterrupt:
        is_interrupted = True
    note = {
        "pixels": int(where.sum()),
        "settings": ", ".join(f"{name}={value!r}" for name, value in changes.items()),
        "seed": problem.model.seed,
        "seconds": run.seconds,
    }
    return Refit(keeper.maps, note, run.notes, run.warn(), is_interrupted)


def facts_after(
    facts: Mapping[str, Any], found: Refit, where: BoolArray
) -> dict[str, Any]:
    """Return the facts of a result in which pixels were fitted again.

    Parameters
    ----------
    facts : mapping
        Of the result before.
    found : Refit
    where : ndarray of bool, of the map's shape
    """
    kept = [
        note for note in facts.get("notes") or () if not where[tuple(note["index"])]
    ]
    return {
        **facts,
        "reruns": [*(facts.get("reruns") or ()), found.note],
        "notes": [*kept, *found.notes],
        "warnings": [*(facts.get("warnings") or ()), *found.warnings],
    }
