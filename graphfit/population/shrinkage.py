"""Shrinkage: each member's posterior under the population.

``p(theta_i | all data) = integral p(theta_i | y_i, Lambda) p(Lambda | all data) dLambda``,
the average over draws of the hyper-posterior: of the member's draws with the shares r_s that
they have at Lambda, or of its site times the population's density.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from graphfit.population.draw_form import DrawForm
from graphfit.population.gaussian_form import GaussianForm, SiteTerm, moments
from graphfit.population.mixture_form import MixtureForm, MixtureTerm
from graphfit.population.node_form import NODES, NodeTerm
from graphfit.population.problem import Group, PopulationProblem, draw_group
from graphfit.population.sites import Sites
from graphfit.typing import FloatArray

BLOCK = 20_000  # members at once


@final
@dataclass(frozen=True, eq=False)
class ShrunkenMember:
    """One member's posterior under the population.

    Attributes
    ----------
    names : tuple of str, length D
    values : ndarray, shape (S, D)
        The draws of its own fit.
    weights : ndarray, shape (S,)
        What they weigh under the population; they sum to one.
    mean, sd : ndarray, shape (D,)
        As in the maps: by the form that the member enters the likelihood by.
    """

    names: tuple[str, ...]
    values: FloatArray
    weights: FloatArray
    mean: FloatArray
    sd: FloatArray

    def __repr__(self) -> str:
        inside = ", ".join(
            f"{name} = {mean:.4g} +/- {sd:.2g}"
            for name, mean, sd in zip(self.names, self.mean, self.sd, strict=True)
        )
        return f"ShrunkenMember({inside})"


def shrunken_moments(
    problem: PopulationProblem, values: Sequence[Mapping[str, float]]
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation (N, D) of every member under the population.

    Parameters
    ----------
    problem : PopulationProblem
    values : sequence of mapping of str to float
        Draws of the hyper-parameters.
    """
    shape = (problem.size, problem.population.dimension)
    mean, sd = np.full(shape, np.nan), np.full(shape, np.nan)
    for group in problem.groups:
        places = np.searchsorted(problem.index, group.index)
        for start in range(0, group.index.size, BLOCK):
            rows = slice(start, start + BLOCK)
            mean[places[rows]], sd[places[rows]] = _averaged(group, rows, values)
    return mean, sd


def shrunken_member(
    problem: PopulationProblem, values: Sequence[Mapping[str, float]], index: int
) -> ShrunkenMember:
    """Return one member's draws with their weights under the population.

    Parameters
    ----------
    problem : PopulationProblem
    values : sequence of mapping of str to float
        Draws of the hyper-parameters.
    index : int
        The member's position.
    """
    group = draw_group(problem.source.member(index), problem.population)
    shares = [
        np.array([part[0] for part in group.terms.term(group.columns, dict(v)).share])
        for v in values
    ]
    count = problem.population.dimension
    draws = len(shares[0])
    table = np.array([column[0] for column in group.columns[: draws * count]])
    for own in problem.groups:
        row = int(np.searchsorted(own.index, index))
        if row < own.index.size and own.index[row] == index:
            mean, sd = _averaged(own, slice(row, row + 1), values)
    return ShrunkenMember(
        problem.population.names,
        table.reshape(draws, count),
        np.mean(shares, axis=0),
        mean[0],
        sd[0],
    )


def _averaged(
    group: Group, rows: slice, values: Sequence[Mapping[str, float]]
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation (n, D) over hyper-draws."""
    first: Any = 0.0
    second: Any = 0.0
    # About the mean at the first hyper-draw, so that squares do not cancel.
    base: Any = None
    columns = group.part(rows)
    for value in values:
        mean, variance = _moments(group, rows, columns, dict(value))
        base = mean if base is None else base
        first = first + (mean - base) / len(values)
        second = second + (variance + (mean - base) ** 2) / len(values)
    return base + first, np.sqrt(np.maximum(second - first * first, 0.0))


def _moments(
    group: Group, rows: slice, columns: list[FloatArray], value: dict[str, float]
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance (n, D) of theta at one Lambda."""
    term = group.terms.term(columns, value)
    form = group.terms.form
    if isinstance(form, DrawForm):
        return _of_draws(form, columns, term.share)
    if isinstance(form, GaussianForm):
        return _of_sites(form, group.sites[0].part(rows), term)
    if isinstance(form, MixtureForm):
        return _of_mixtures(form, group, rows, term)
    return _of_nodes(form.logarithmic, columns, term)


def _of_draws(
    form: DrawForm, columns: list[FloatArray], share: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    count = len(form.priors)
    weight = np.stack(list(share), axis=1)[:, :, None]
    values = np.stack(columns[: form.draws * count], axis=1)
    values = values.reshape(len(values), form.draws, count)
    mean = (weight * values).sum(axis=1)
    variance = (weight * (values - mean[:, None, :]) ** 2).sum(axis=1)
    return mean, variance


def _of_nodes(
    logarithmic: bool, columns: list[FloatArray], term: NodeTerm
) -> tuple[FloatArray, FloatArray]:
    weight = np.stack(list(term.share), axis=1)
    t = columns[0][:, None] + columns[1][:, None] * np.array(NODES)
    x = np.exp(t) if logarithmic else t
    mean = (weight * x).sum(axis=1)
    variance = (weight * (x - mean[:, None]) ** 2).sum(axis=1)
    return mean[:, None], variance[:, None]


def _of_mixtures(
    form: MixtureForm, group: Group, rows: slice, term: MixtureTerm
) -> tuple[FloatArray, FloatArray]:
    found = [
        _of_sites(form.form, sites.part(rows), part)
        for sites, part in zip(group.sites, term.parts, strict=True)
    ]
    base = found[0][0]
    first, second = np.zeros_like(base), np.zeros_like(base)
    for q, (mean, variance) in zip(term.share, found, strict=True):
        weight = np.asarray(q)[:, None]
        first += weight * (mean - base)
        second += weight * (variance + (mean - base) ** 2)
    return base + first, np.maximum(second - first * first, 0.0)


def _of_sites(
    form: GaussianForm, sites: Sites, term: SiteTerm
) -> tuple[FloatArray, FloatArray]:
    root, centre = sites.root, sites.mean
    size, count = centre.shape
    first = np.zeros((size, count))
    second = np.zeros((size, count))
    base = centre + _times(root, _vector(moments(term.share, term.parts)[0], size))
    start = np.where(form.logarithmic, np.exp(base), base)
    for share, part in zip(term.share, term.parts, strict=True):
        weight = np.broadcast_to(share, (size,))[:, None]
        mean = centre + _times(root, _vector(part.mean, size))
        spread = np.empty((size, count, count))
        for i in range(count):
            for j in range(count):
                spread[:, i, j] = part.covariance[i][j]
        variance = np.einsum("nij,njk,nik->ni", root, spread, root)
        # Of ln theta ~ N(m, v): mean exp(m + v / 2), variance mean^2 (exp(v) - 1).
        x = np.where(form.logarithmic, np.exp(mean + 0.5 * variance), mean)
        v = np.where(form.logarithmic, x * x * np.expm1(variance), variance)
        first += weight * (x - start)
        second += weight * (v + (x - start) ** 2)
    return start + first, np.maximum(second - first * first, 0.0)


def _vector(parts: Sequence[Any], size: int) -> FloatArray:
    return np.stack([np.broadcast_to(part, (size,)) for part in parts], axis=1)


def _times(root: FloatArray, vector: FloatArray) -> FloatArray:
    found: FloatArray = (root * vector[:, None, :]).sum(axis=2)
    return found
