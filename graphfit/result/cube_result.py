"""CubeResult: the maps of a fit at every pixel, and the way back to single pixels."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, final

from graphfit.errors import ResultError, UnknownNameError, close_match
from graphfit.result.chosen_pixels import chosen_pixels, one_pixel
from graphfit.result.cube_notes import CubeNotes
from graphfit.result.cube_text import cube_text, size_text
from graphfit.result.pixel_access import PixelAccess
from graphfit.samples.health import HealthLimits, RunHealth, run_health
from graphfit.samples.map_counts import ranked, status_counts
from graphfit.samples.map_grid import MapGrid
from graphfit.samples.pixel_maps import PixelMaps
from graphfit.samples.status import Status

if TYPE_CHECKING:
    import xarray as xr


@final
class CubeResult:
    """What the fits of all pixels found: one map a quantity.

    ``result["mean"]`` is a map as an xarray DataArray; ``result.maps`` holds all of them.

    Parameters
    ----------
    record : PixelMaps
        The maps as arrays, in memory or on disk.
    grid : MapGrid
        The map's axes and where they lie.
    facts : mapping
        Of the run, plain data: model, search, names, units, times, versions, warnings.
    problem : PixelAccess, optional
        The data and the model, for what maps alone cannot answer.

    Attributes
    ----------
    record, grid, facts, problem : object
        As given.

    Raises
    ------
    ResultError
        If maps and grid have different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> from graphfit.samples import MapSpec
    >>> specs = (
    ...     MapSpec("mean", "f8", np.nan, "Centre of the line.", "km / s"),
    ...     MapSpec("status", "i1", 25, "How the fit ended."),
    ... )
    >>> arrays = {"mean": np.ones((2, 3)), "status": np.zeros((2, 3), np.int8)}
    >>> result = CubeResult(
    ...     PixelMaps((2, 3), specs, arrays), MapGrid(("y", "x"), (2, 3)), {}
    ... )
    >>> result
    CubeResult(2 x 3 pixels (y, x): 6 converged; 2 maps: mean, status)
    >>> result["mean"].dims, result.counts(), result.status_legend()[0]
    (('y', 'x'), {'converged': 6}, 'The fit converged.')
    """

    def __init__(
        self,
        record: PixelMaps,
        grid: MapGrid,
        facts: Mapping[str, Any],
        *,
        problem: PixelAccess | None = None,
    ) -> None:
        if record.shape != grid.shape:
            msg = f"CubeResult: maps of shape {record.shape} on a grid of {grid.shape}."
            raise ResultError(msg)
        self.record = record
        self.grid = grid
        self.facts = dict(facts)
        self.problem = problem

    @classmethod
    def open(cls, path: str | PathLike[str]) -> "CubeResult":
        """Return the maps of a store, finished or not, or of a file of :meth:`to_fits`.

        Parameters
        ----------
        path : str or path
            The folder that was given as ``store=``, or a FITS file.

        Raises
        ------
        OutputError
            If there is none, or it is damaged.

        Notes
        -----
        The maps of a store stay on disk and are read where they are indexed.  Data and
        model are not in it: for `result_at` and the like, give them to ``gf.fit_cube``
        again with the same store, which has nothing left to fit.
        """
        from graphfit.io.grid_facts import grid_from_facts
        from graphfit.io.maps_fits import SUFFIXES, read_maps_fits

        if fspath(path).lower().endswith(SUFFIXES):
            return cls(*read_maps_fits(path))
        from graphfit.io.cube_store import read_store
        from graphfit.io.notes_file import read_notes

        record, facts = read_store(path)
        facts["notes"] = read_notes(path)
        return cls(record, grid_from_facts(facts, record.shape), facts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the map's axes."""
        return self.record.shape

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the maps."""
        return tuple(spec.name for spec in self.record.specs)

    @cached_property
    def maps(self) -> "xr.Dataset":
        """All maps as an xarray Dataset with sky coordinates and units.

        Those of a store are read where they are indexed; ``.chunk("auto")`` makes dask
        arrays of them.
        """
        from graphfit.io.maps_dataset import maps_dataset

        return maps_dataset(self.record, self.grid, self.facts)

    def __getitem__(self, name: str) -> "xr.DataArray":
        if name not in self.record.arrays:
            msg = f"There is no map {name!r}.{close_match(name, self.names)}"
            raise UnknownNameError(msg)
        return self.maps[name]

    def __contains__(self, name: object) -> bool:
        return name in self.record.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def counts(self) -> dict[str, int]:
        """Return the number of pixels by status, e.g. ``{"converged": 170, ...}``."""
        return status_counts(self.record)

    def status_legend(self) -> dict[int, str]:
        """Return what each code of the status map means."""
        return {int(status): status.sentence for status in Status}

    @property
    def notes(self) -> CubeNotes:
        """What happened at single pixels, in words: tracebacks of the user's code, ..."""
        return CubeNotes(self.facts.get("notes") or ())

    @property
    def info(self) -> str:
        """The fit as text: model, search, time, pixels by status, medians, warnings."""
        return cube_text(self.record, self.grid.dims, self.facts)

    def worst(self, n: int = 9) -> list[tuple[int, ...]]:
        """Return the indices of the `n` answered pixels of highest reduced chi-square."""
        return ranked(self.record, "worst", n)

    def typical(self, n: int = 9) -> list[tuple[int, ...]]:
        """Return those nearest to the median of the reduced chi-squares."""
        return ranked(self.record, "typical", n)

    def best(self, n: int = 9) -> list[tuple[int, ...]]:
        """Return those of lowest reduced chi-square."""
        return ranked(self.record, "best", n)

    def result_at(self, *index: int) -> Any:
        """Return the full result of one pixel.

        Parameters
        ----------
        index : int
            One for each axis of the maps; negative ones count from the end.

        Returns
        -------
        Result, or ResultList for a graph of several factors

        Raises
        ------
        ResultError
            If there is no such pixel, it has no answer, or the result was read back and
            has no data.
        """
        place = one_pixel(index, self.grid)
        problem = self._problem("result_at")
        status = self._status_at(place)
        if status >= Status.NON_FINITE:
            msg = (
                f"Pixel {place} has no result, its status is {status.name.lower()}: "
                f"{status.sentence}"
            )
            raise ResultError(msg)
        return problem.result_at(place)

    @property
    def health(self) -> RunHealth:
        """How the nested runs went: pixels to be distrusted by reason, pooled ranks."""
        return run_health(self.record)

    def flagged(
        self,
        *,
        insertion: float | None = None,
        ranks: float | None = None,
        evidence_error: float | None = None,
        pareto_k: float = 0.7,
    ) -> "xr.DataArray":
        """Return the pixels whose nested run is to be distrusted, a boolean map.

        Those where any limit is passed, and those that ended as OUT_OF_EVALUATIONS or
        STALLED.  Pixels without an answer are not among them.

        Parameters
        ----------
        insertion : float, optional
            Limit of ``|U|``, U the statistic of the insertion ranks, a standard normal
            number for a sound run.  By default what one of P sound runs goes beyond by
            chance, P the pixels with an answer (100 if they are fewer).
        ranks : float, optional
            Limit of chi-square of the histogram of a run's own ranks.  By default likewise.
        evidence_error : float, nat, optional
            Limit of the standard error of ln Z.
        pareto_k : float
            Limit of the tail of the importance weights, where runs were polished.

        Raises
        ------
        ResultError
            If the maps do not tell how nested runs went.
        SettingError
            If a limit is no number above 0.
        """
        limits = HealthLimits(
            insertion=insertion,
            ranks=ranks,
            evidence_error=evidence_error,
            pareto_k=pareto_k,
        )
        found = run_health(self.record, limits)
        flagged = self["status"].copy(data=found.flagged)
        flagged.attrs = {"description": "The nested run is to be distrusted."}
        return flagged.rename("flagged")

    def rerun(
        self,
        where: Any,
        *,
        n_live: int | None = None,
        scheduler: Any = None,
        n_workers: int | None = None,
        progress: bool | None = None,
        **settings: Any,
    ) -> "CubeResult":
        """Fit some pixels again, with other settings of the search and other random numbers.

        Parameters
        ----------
        where : array or DataArray of bool, or sequence of tuple of int
            The pixels: a map such as :meth:`flagged`, or indices.
        n_live : int, optional
            Live points, of a search that has this setting.
        scheduler, n_workers, progress
            As for ``gf.fit_cube``.
        **settings : object
            Any other settings of the search that are to be replaced.

        Returns
        -------
        CubeResult
            With the new values of these pixels, and those of all others as they were; in
            memory, also where the first run has a store.  Where there is no pixel, the
            result itself.

        Raises
        ------
        ResultError
            If `where` is no set of pixels of the map, or the result was read back and has
            no data.
        SettingError
            For what is no setting of the search.
        FitInterrupted
            On Ctrl-C; pixels that were not reached have no values then.

        Notes
        -----
        The k-th rerun has the seed ``child_seed(seed, 0x72657275, k)`` of the first run's
        seed, whatever the settings, unless they have a ``seed``: its random numbers are
        independent of those of the first run, and the same whenever it is done again.
        `facts` and `info` tell of every rerun.
        """
        changes = settings if n_live is None else {"n_live": n_live, **settings}
        problem = self._problem("rerun")
        found: CubeResult = problem.rerun(
            self,
            chosen_pixels(where, self.grid),
            changes,
            scheduler=scheduler,
            n_workers=n_workers,
            progress=progress,
        )
        return found

    def model_cube(self, factor: str | None = None) -> Any:
        """Return the fitted model over the whole cube, a lazy dask array like the data.

        Parameters
        ----------
        factor : str, optional
            Whose cube, where the graph has several.

        Raises
        ------
        ResultError
            If the result was read back and has no data.
        """
        return self._problem("model_cube").model_cube(factor)

    def residual_cube(self, factor: str | None = None) -> Any:
        """Return data minus model; see :meth:`model_cube`."""
        return self._problem("residual_cube").residual_cube(factor)

    def to_fits(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write all maps into a FITS file, one image a map.

        Parameters
        ----------
        path : str or path
            Ends in ``.fits``.
        overwrite : bool
            Whether to replace a file that is there.

        Raises
        ------
        OutputError
            If the file exists, or cannot be written.
        """
        from graphfit.io.maps_fits import write_maps_fits

        write_maps_fits(path, self.record, self.grid, self.facts, overwrite=overwrite)

    def to_zarr(self, path: str | PathLike[str]) -> None:
        """Write all maps into a new zarr folder, which :meth:`open` and xarray read.

        Parameters
        ----------
        path : str or path
            Must not exist.

        Raises
        ------
        OutputError
            If the folder exists, or cannot be written.
        """
        from graphfit.io.maps_zarr import write_maps_zarr

        write_maps_zarr(path, self.record, self.grid, self.facts)

    def _problem(self, asked: str) -> PixelAccess:
        if self.problem is None:
            msg = (
                f"{asked} needs the data and the model, and this result was read back from "
                "disk without them; call gf.fit_cube with model, data and the same store= "
                "again, which has nothing left to fit, and ask its result."
            )
            raise ResultError(msg)
        return self.problem

    def _status_at(self, place: tuple[int, ...]) -> Status:
        if "status" not in self.record.arrays:
            return Status.CONVERGED
        return Status(int(self.record.arrays["status"][place]))

    def __repr__(self) -> str:
        counts = self.counts()
        pixels = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in counts.items()
        )
        names = ", ".join([*self.names[:4], *(["..."] if len(self.names) > 4 else [])])
        size = size_text(self.shape, self.grid.dims)
        held = f"{len(self.names)} map{'s' * (len(self.names) != 1)}: {names}"
        return f"CubeResult({size}{': ' * bool(pixels)}{pixels}; {held})"
