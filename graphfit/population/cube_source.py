"""CubeSource: members that are the pixels of a cube, read a tile at a time."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.model.tree import free_parameters
from graphfit.population.interim import Interim, interim_priors
from graphfit.population.members import Members
from graphfit.population.result_source import gaussian_draws
from graphfit.result import CubeResult
from graphfit.samples import Status
from graphfit.typing import AnyArray, FloatArray, IntArray

BLOCK_BYTES = 16 << 20


@final
class CubeSource:
    """The answered pixels of a cube's result.

    Parameters
    ----------
    result : CubeResult
        With draws, or of a search that tells a covariance.
    model : Node
        As it was fitted at every pixel.
    names : sequence of str, length D
        The drawn parameters.
    covariates : sequence of ndarray
        Maps of the population model, each of the map's shape.
    most : int
        Draws of a pixel that are kept.
    divided : bool
        Whether the fits had priors.
    block_bytes : int
        Of draws that are in memory at once.

    Raises
    ------
    ResultError
        If there are neither draws nor covariances, or the model has other parameters.
    """

    def __init__(
        self,
        result: CubeResult,
        model: Any,
        names: Sequence[str],
        covariates: Sequence[FloatArray],
        *,
        most: int,
        divided: bool,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._result = result
        self._arrays = result.record.arrays
        self._covariates = [np.broadcast_to(c, result.shape) for c in covariates]
        self._most = most
        self._block_bytes = block_bytes
        self._interim = interim_priors(model, names, "the cube", divided=divided)
        self._names = tuple(free_parameters(model).values())
        _require_same_names(result, self._names)
        self._maps = {
            item: np.broadcast_to(item.function.values, result.shape)  # type: ignore[attr-defined]
            for item in self._interim.maps
        }
        self.has_draws = "draws" in self._arrays
        if not self.has_draws and "covariance" not in self._arrays:
            msg = (
                "gf.population.fit: the result has no draws of the posterior at its "
                "pixels; fit with gf.fit_cube(..., draws=100)."
            )
            raise ResultError(msg)

    @property
    def interim(self) -> Interim:
        """The interim priors."""
        return self._interim

    @property
    def size(self) -> int:
        return int(math.prod(self._result.shape))

    def label(self, index: int) -> str:
        place = tuple(int(i) for i in np.unravel_index(index, self._result.shape))
        return f"pixel {place}"

    def blocks(self, *, whole: bool = False) -> Iterator[Members]:
        for tile in self._tiles():
            members = self._read(tile, None if whole else self._most)
            if members.size:
                yield members

    def kept(self, members: Members) -> Members:
        if members.draws <= self._most or not self.has_draws:
            return members
        values = np.ascontiguousarray(members.values[:, : self._most])
        return replace(
            members,
            values=values,
            log_weight=np.full(values.shape[:2], -np.log(self._most)),
            log_interim=members.log_interim[:, : self._most],
            effective=_distinct(values[:, :, 0]),
        )

    def member(self, index: int) -> Members:
        place = np.unravel_index(index, self._result.shape)
        tile = tuple(slice(int(i), int(i) + 1) for i in place)
        found = self._read(tile, self._most)
        if not found.size:
            msg = f"{self.label(index)} has no answer, and is no member of the population."
            raise ResultError(msg)
        return found

    def _tiles(self) -> Iterator[tuple[slice, ...]]:
        """Yield tiles of the map: those of the store, or what fits into memory."""
        shape = self._result.shape
        spec = "draws" if self.has_draws else "covariance"
        array = self._arrays[spec]
        chunks = getattr(array, "chunks", None)
        edge = list(chunks[: len(shape)] if chunks else shape)
        pixel = 8 * math.prod(array.shape[len(shape) :])
        while pixel * math.prod(edge) > self._block_bytes and max(edge) > 1:
            longest = edge.index(max(edge))
            edge[longest] = -(-edge[longest] // 2)
        starts = [range(0, n, e) for n, e in zip(shape, edge, strict=True)]
        for corner in itertools.product(*starts):
            yield tuple(
                slice(a, min(a + e, n))
                for a, e, n in zip(corner, edge, shape, strict=True)
            )

    def _read(self, tile: tuple[slice, ...], most: int | None) -> Members:
        """Return the members of one tile, with so many draws of each, or with all."""
        size = math.prod(part.stop - part.start for part in tile)
        every = np.arange(self.size).reshape(self._result.shape)[tile].ravel()
        status = np.asarray(self._arrays["status"][tile]).ravel()
        table = self._table(tile, size, most)
        rows = np.flatnonzero(
            (status < int(Status.NON_FINITE)) & np.isfinite(table).all(axis=(1, 2))
        )
        covariates = np.empty((rows.size, len(self._covariates)))
        for k, values in enumerate(self._covariates):
            covariates[:, k] = values[tile].ravel()[rows]
        keep = np.isfinite(covariates).all(axis=1)
        rows, covariates = rows[keep], covariates[keep]
        return self._members(tile, rows, every[rows], table[rows], covariates)

    def _table(
        self, tile: tuple[slice, ...], size: int, most: int | None
    ) -> FloatArray:
        """Return draws (n, S, D) of all parameters; of Gaussians the value, then rows."""
        if self.has_draws:
            draws = np.asarray(self._arrays["draws"][tile], dtype=np.float64)
            return draws.reshape(size, *draws.shape[-2:])[:, :most]
        values = [np.asarray(self._arrays[n][tile]).ravel() for n in self._names]
        spread = np.asarray(self._arrays["covariance"][tile], dtype=np.float64)
        count = len(self._names)
        centre = np.stack(values, axis=1)[:, None, :]
        return np.concatenate([centre, spread.reshape(size, count, count)], axis=1)

    def _members(
        self,
        tile: tuple[slice, ...],
        rows: IntArray,
        index: IntArray,
        table: FloatArray,
        covariates: FloatArray,
    ) -> Members:
        positions = self._interim.positions
        count, size = len(positions), rows.size
        mean = np.full((size, count), np.nan)
        spread = np.full((size, count, count), np.nan)
        effective = _distinct(table[:, :, positions[0]])
        if not self.has_draws:
            mean = table[:, 0, positions]
            spread = table[:, 1:][:, positions][:, :, positions]
            effective = np.full(size, np.inf)
            table = gaussian_draws(table[:, 0], table[:, 1:])
        maps = {
            item: values[tile].ravel()[rows][:, None]
            for item, values in self._maps.items()
        }
        by_column = {
            self._interim.columns[p]: table[:, :, self._interim.columns[p]]
            for p in self._interim.own
        }
        draws = table.shape[1]
        return Members(
            index=index,
            values=np.ascontiguousarray(table[:, :, positions]),
            log_weight=np.full((size, draws), -np.log(max(draws, 1))),
            log_interim=self._interim.log_density(by_column, maps),
            effective=effective,
            log_evidence=self._log_evidence(tile)[rows],
            covariates=covariates,
            gaussian=(mean, spread),
        )

    def _log_evidence(self, tile: tuple[slice, ...]) -> AnyArray:
        if "log_evidence" not in self._arrays:
            size = math.prod(part.stop - part.start for part in tile)
            return np.full(size, np.nan)
        return np.asarray(self._arrays["log_evidence"][tile], dtype=np.float64).ravel()


def _distinct(draws: FloatArray) -> FloatArray:
    """Return what equal-weight draws (N, S) are worth: those drawn twice count less.

    ``S^2 / sum c_k^2``, c_k the times that a value occurs.
    """
    ordered = np.sort(draws, axis=1)
    count = draws.shape[1]
    starts = np.ones(ordered.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    row, place = np.nonzero(starts)
    ends = np.append(place[1:], 0)
    ends[np.append(row[1:] != row[:-1], True)] = count
    squares = np.bincount(row, (ends - place) ** 2.0, minlength=len(draws))
    found: FloatArray = count**2 / squares
    return found


def fitted_model(result: CubeResult, model: Any) -> Any:
    """Return the model that a cube was fitted with.

    Parameters
    ----------
    result : CubeResult
    model : Model, Collection, FactorGraphModel or None
        As the user gives it, for a result that was read back.

    Raises
    ------
    ResultError
        If it is not known, and not given.
    """
    if model is None:
        model = getattr(result.problem, "graph", None)
    if model is None:
        msg = (
            "gf.population.fit: the result was read back without its model, so the prior "
            "under which its draws were made is not known; give model=, the one that "
            "was given to gf.fit_cube."
        )
        raise ResultError(msg)
    return getattr(model, "global_prior_model", model)


def _require_same_names(result: CubeResult, names: Sequence[str]) -> None:
    known = result.facts.get("parameter_names")
    if known is not None and tuple(known) != tuple(names):
        msg = (
            f"gf.population.fit: the cube was fitted with the parameters {tuple(known)}, "
            f"and the model given has {tuple(names)}; give the model of that fit."
        )
        raise ResultError(msg)
