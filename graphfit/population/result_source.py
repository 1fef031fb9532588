"""ResultSource: members that were fitted one by one, a result each."""

from collections.abc import Iterator, Sequence
from typing import Any, final

import numpy as np

from graphfit.errors import ResultError
from graphfit.population.interim import Interim, interim_priors
from graphfit.population.members import Members, effective_draws, stacked, thinned
from graphfit.priors import Prior
from graphfit.result import Result, ResultList
from graphfit.samples.summary import covariance
from graphfit.seeding import child_seed, generator
from graphfit.typing import FloatArray, IntArray

PSEUDO_DRAWS = 64  # that stand for a Gaussian known by mean and covariance
BLOCK = 2000  # results put together at once
BLOCK_BYTES = 16 << 20
LOWEST = -30.0  # ln weight, relative to the largest


@final
class ResultSource:
    """The members of a list of results.

    Parameters
    ----------
    results : sequence of Result
        One a member; of one joint fit or of many.
    names : sequence of str, length D
        The drawn parameters, by their names in each member's own model.
    covariates : ndarray, shape (N, C)
        Of the population model.
    most : int
        Draws of a member that are kept; more are thinned.
    divided : bool
        Whether the fits had priors.

    Raises
    ------
    ResultError
        If members share the parameters that are drawn, or have no posterior.
    """

    def __init__(
        self,
        results: Sequence[Result],
        names: Sequence[str],
        covariates: FloatArray,
        *,
        most: int,
        divided: bool,
    ) -> None:
        self._results = tuple(results)
        self._covariates = covariates
        self._most = most
        self._first: dict[int, int] = {}
        for i, result in enumerate(self._results):
            self._first.setdefault(id(result.samples.record), i)
        self._interim: list[Interim] = []
        for i, result in enumerate(self._results):
            interim = interim_priors(
                result.model, names, self.label(i), divided=divided
            )
            if interim.maps:
                msg = f"{self.label(i)}: its priors hold gf.pixel_map, which has no value."
                raise ResultError(msg)
            self._interim.append(interim)
        self._refuse_shared(names)

    @property
    def size(self) -> int:
        return len(self._results)

    def label(self, index: int) -> str:
        return f"member {index} ('{self._results[index].name}')"

    def blocks(self, *, whole: bool = False) -> Iterator[Members]:
        most = max(len(item.samples.record) for item in self._results)
        draws = most if whole else min(most, self._most)
        count = len(self._interim[0].priors)
        step = max(1, min(BLOCK, BLOCK_BYTES // (8 * draws * (count + 2))))
        for start in range(0, self.size, step):
            rows = range(start, min(start + step, self.size))
            yield stacked([self._read(i, whole=whole) for i in rows])

    def kept(self, members: Members) -> Members:
        return stacked([self.member(int(i)) for i in members.index])

    def member(self, index: int) -> Members:
        return self._read(index, whole=False)

    def _read(self, index: int, *, whole: bool) -> Members:
        result, interim = self._results[index], self._interim[index]
        record = result.samples.record
        count = len(interim.priors)
        own = list(result.samples.columns)
        mean = np.full((1, count), np.nan)
        spread = np.full((1, count, count), np.nan)
        if record.kind == "optimum":
            values, weights = self._of_gaussian(index)
            own_columns = [own[i] for i in interim.positions]
            mean = record.values[:1, own_columns]
            spread = covariance(record)[np.ix_(own_columns, own_columns)][None]
            effective = np.inf
        else:
            rows, weights = self._rows(index, whole=whole)
            values = record.values[rows][:, own]
            effective = effective_draws(record, len(values))
        by_column = {i: values[:, i] for i in range(values.shape[1])}
        return Members(
            index=np.array([index]),
            values=values[None][:, :, interim.positions],
            log_weight=weights[None],
            log_interim=interim.log_density(by_column)[None],
            effective=np.array([effective]),
            log_evidence=np.array([self._log_evidence(index)]),
            covariates=self._covariates[index : index + 1],
            gaussian=(mean, spread),
        )

    def _rows(self, index: int, *, whole: bool) -> tuple[IntArray, FloatArray]:
        """Return rows of a member's samples, and ln of their weights."""
        record = self._results[index].samples.record
        rows = None
        if not whole:
            rng = generator(child_seed(0, index))
            rows = thinned(record, self._most, rng)
        if rows is not None:
            return rows, np.full(len(rows), -np.log(len(rows)))
        log_weights = record.log_weights
        rows = np.arange(len(record))
        if whole:
            # Nested samples climb from where nothing weighs anything.
            rows = np.flatnonzero(log_weights > log_weights.max() + LOWEST)
            log_weights = log_weights[rows]
        return rows, log_weights - _log_total(log_weights)

    def _of_gaussian(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Return draws of the Gaussian about an optimum, of all parameters, and weights."""
        result = self._results[index]
        record = result.samples.record
        if not record.is_gaussian:
            msg = (
                f"{self.label(index)} has no draws and no covariance, so nothing tells how "
                "sure its values are; use gf.LevenbergMarquardt or a sampler."
            )
            raise ResultError(msg)
        own = list(result.samples.columns)
        matrix = covariance(record)[np.ix_(own, own)]
        if not np.isfinite(matrix).all():
            msg = f"{self.label(index)} has no finite covariance: {result.status.sentence}"
            raise ResultError(msg)
        draws = gaussian_draws(record.values[:1, own], matrix[None])[0]
        return draws, np.full(len(draws), -np.log(len(draws)))

    def _log_evidence(self, index: int) -> float:
        # Members of one joint fit share one evidence: it is counted once, with the first.
        record = self._results[index].samples.record
        is_first = self._first[id(record)] == index
        return float(record.log_evidence) if is_first else 0.0

    def _refuse_shared(self, names: Sequence[str]) -> None:
        """Refuse members whose draws are not independent of one another."""
        owner: dict[Any, int] = {}
        for i, (result, interim) in enumerate(
            zip(self._results, self._interim, strict=True)
        ):
            record = id(result.samples.record)
            for prior in interim.columns:
                first = owner.setdefault((record, prior), i)
                if first != i:
                    name = _name(names, interim, prior)
                    msg = (
                        f"{self.label(i)} shares {name} with {self.label(first)}: they "
                        "were fitted jointly, and are no independent members of a "
                        "population. Fit them apart, or put gf.HierarchicalFactor into "
                        "the graph and fit all at once."
                    )
                    raise ResultError(msg)


def gaussian_draws(mean: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return points with these means and covariances to the last digit.

    Parameters
    ----------
    mean : ndarray, shape (N, D)
    matrix : ndarray, shape (N, D, D)
        Covariances.

    Returns
    -------
    ndarray, shape (N, S, D)
    """
    count = mean.shape[1]
    half = max(PSEUDO_DRAWS, 8 * count) // 2
    z = np.random.default_rng(0).standard_normal((half, count))
    z = np.concatenate([z, -z])
    root = np.linalg.cholesky(z.T @ z / len(z))
    z = np.linalg.solve(root, z.T).T
    values, vectors = np.linalg.eigh(matrix)
    spread = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    found: FloatArray = mean[:, None, :] + z @ spread.transpose(0, 2, 1)
    return found


def as_members(results: Any) -> tuple[Result, ...]:
    """Return the results of a list, one a member.

    Parameters
    ----------
    results : ResultList, or sequence of Result and ResultList
        A ResultList stands for all of its factors.

    Raises
    ------
    ResultError
        If there is none, or something else.
    """
    found: list[Result] = []
    for item in [results] if isinstance(results, (Result, ResultList)) else results:
        if isinstance(item, Result):
            found.append(item)
        elif isinstance(item, ResultList):
            found += item.plain
        else:
            msg = (
                "gf.population.fit needs the results of the members' own fits: a list of "
                "results, the ResultList of a graph, or the result of gf.fit_cube; got "
                f"{item!r} among them."
            )
            raise ResultError(msg)
    if len(found) < 2:
        msg = f"gf.population.fit needs at least 2 members, got {len(found)}."
        raise ResultError(msg)
    return tuple(found)


def _log_total(log_weights: FloatArray) -> float:
    top = log_weights.max()
    return float(top + np.log(np.exp(log_weights - top).sum()))


def _name(names: Sequence[str], interim: Interim, prior: Prior) -> str:
    if prior in interim.priors:
        return f"the parameter '{names[interim.priors.index(prior)]}'"
    return f"the parameter {prior}"
