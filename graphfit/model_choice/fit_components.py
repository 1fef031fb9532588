"""fit_components: models of 0, 1, 2, ... components, fitted and compared."""

import dataclasses
import inspect
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphfit.analysis import Analysis
from graphfit.cube.analysis import CubeAnalysis
from graphfit.cube.fit_cube import fit_cube
from graphfit.errors import SettingError, close_match
from graphfit.model import Collection
from graphfit.model.tree import free_parameters, relations
from graphfit.model_choice.compare import Prior, compared
from graphfit.model_choice.components import as_node, component_model, require_counts
from graphfit.model_choice.no_component import null_maps, null_result
from graphfit.result import CubeResult


def fit_components(  # noqa: PLR0913  each is one thing a user may have
    component: Any,
    search: Any,
    *,
    data: Any = None,
    analysis: Any = None,
    n_components: Iterable[int] = range(3),
    order: str | None = None,
    baseline: Any = None,
    prior: Prior = None,
    neighbours: int = 0,
    start: Mapping[int, Any] | None = None,
    units: Mapping[str, str] | None = None,
    store: str | os.PathLike[str] | None = None,
    **arguments: Any,
) -> Any:
    """Fit models of 0, 1, 2, ... equal components, and weigh them by their evidences.

    Every number of components is fitted everywhere: pairs of components that only win
    together would be missed by going up until the first failure.

    Parameters
    ----------
    component : Model, Collection, class or function
        A profile with priors.  K components are K copies with priors of their own, and
        parameters ``0.amplitude``, ``1.amplitude``, ...
    search : Search
        One that gives evidences, such as :class:`~graphfit.DynestyStatic`; those of
        :class:`~graphfit.LevenbergMarquardt` are Laplace's approximation.
    data : array-like, path, ...
        The cube, as for :func:`~graphfit.fit_cube`.
    analysis : Analysis
        Without `data`: one dataset to fit instead of a cube.  With `data`: as for
        :func:`~graphfit.fit_cube`.
    n_components : iterable of int
        The numbers of components.  Without a baseline, 0 is not fitted: its evidence is
        the likelihood of zero.
    order : str, optional
        A parameter of the component that is to increase from one to the next, so that
        ``0.`` and ``1.`` mean something: a line's velocity.  The evidence stays the same.
    baseline : Model, Collection, class or function, optional
        A further profile that is there for every number of components.
    prior, neighbours
        As for :func:`~graphfit.compare`.
    start : mapping of int to mapping, optional
        Where the fits of so many components begin, by parameter.
    units : mapping of str to str, optional
        For cubes: units of parameters, by their names in the component or the baseline.
    store : path, optional
        A folder, with a store for every number of components.
    **arguments
        Of :func:`~graphfit.fit_cube` (noise, mask, world, ...), or ``info=`` of a search.

    Returns
    -------
    CubeComparison or ModelComparison
        Of the models 0, 1, 2, ...; their fits are its `results`.

    Raises
    ------
    SettingError
        For arguments that do not exist or do not belong together.
    DataError, GraphError, ModelError, OutputError, PriorError, ResultError
        As :func:`~graphfit.fit_cube` and :func:`~graphfit.compare` do.

    Notes
    -----
    K components that may be swapped have K! equal modes.  Laplace's approximation is made
    about one of them, so that without `order` ln K! is added to its ln Z here; it is not in
    the fits' own.  That is right where modes lie apart.  Least squares gives no evidence
    where a parameter ends at its bound or the data do not determine it, as is usual of a
    component that is not there: the pixels that stay are no fair sample to learn the prior
    from.  Numbers of components want a nested sampler.

    Examples
    --------
    >>> import numpy as np
    >>> import graphfit as gf
    >>> def line(v, amplitude):
    ...     return amplitude * np.exp(-0.5 * v**2)
    >>> v = np.linspace(-6.0, 6.0, 31)
    >>> cube = np.random.default_rng(1).normal(0.0, 1.0, (31, 2, 3))
    >>> cube[:, 0] += line(v, 8.0)[:, None]
    >>> found = fit_components(
    ...     gf.Model(line, amplitude=gf.GaussianPrior(0.0, 9.0)),
    ...     gf.LevenbergMarquardt(maximize="posterior"),
    ...     data=cube, noise=1.0, world=v, n_components=(0, 1),
    ... )
    >>> found["best_model"].values
    array([[1., 1., 1.],
           [0., 0., 0.]])
    """
    counts = require_counts(n_components)
    starts = _starts(start, counts)
    is_cube = data is not None
    _require_one_kind(analysis, is_cube, store=store, units=units)
    _require_known(arguments, fit_cube if is_cube else search.fit)
    node = as_node(component)
    models = {
        count: component_model(node, count, order=order, baseline=baseline)
        for count in counts
    }
    if is_cube:
        given = {**arguments, "data": data, "analysis": analysis}
        results = _cube_fits(models, search, starts, units, store, given)
    else:
        results = _dataset_fits(models, search, analysis, starts, arguments)
    offsets = {}
    if order is None and getattr(search, "finds", "posterior") == "optimum":
        offsets = {count: math.lgamma(count + 1) for count in counts}
    return compared(
        results, prior=prior, neighbours=neighbours, offsets=offsets, same_data=True
    )


def _cube_fits(
    models: dict[int, Collection],
    search: Any,
    starts: dict[int, Any],
    units: Mapping[str, str] | None,
    store: Any,
    given: dict[str, Any],
) -> dict[int, CubeResult]:
    """Return the fits of all models at every pixel; without any child it is exact."""
    largest = models[max(models)]
    _units(units, largest, check=True)
    results = {}
    for count, model in models.items():
        if len(model):
            own = None if store is None else Path(store) / f"components_{count}"
            named = _units(units, model)
            results[count] = fit_cube(
                model, search, start=starts[count], units=named, store=own, **given
            )
        else:
            results[count] = null_maps(largest, CubeAnalysis(**_of_the_cube(given)))
    return results


def _dataset_fits(
    models: dict[int, Collection],
    search: Any,
    analysis: Analysis,
    starts: dict[int, Any],
    arguments: Mapping[str, Any],
) -> dict[int, Any]:
    """Return the fits of all models to one dataset, in folders of their own."""
    results: dict[int, Any] = {}
    for count, model in models.items():
        if not len(model):
            results[count] = null_result(analysis)
            continue
        named = search
        if search.name is not None:
            named = dataclasses.replace(
                search, name=f"{search.name}_{count}_components"
            )
        results[count] = named.fit(model, analysis, start=starts[count], **arguments)
    return results


def _require_one_kind(analysis: Any, is_cube: bool, **of_cubes: Any) -> None:
    """Refuse what is neither a cube nor one dataset, or both."""
    if is_cube:
        return
    if not isinstance(analysis, Analysis):
        msg = (
            "gf.fit_components needs data: data=cube, or analysis= of one dataset, e.g. "
            f"gf.ProfileAnalysis(x, data, noise_map); got analysis={analysis!r}."
        )
        raise SettingError(msg)
    for name, value in of_cubes.items():
        if value is not None:
            msg = f"gf.fit_components: {name}= is for cubes, and analysis= is one dataset."
            raise SettingError(msg)


def _units(
    units: Mapping[str, str] | None, model: Collection, *, check: bool = False
) -> dict[str, str] | None:
    """Return units by the names that the fit gives, from those below the components."""
    if units is None:
        return None
    below = [
        (f"{key}.{name}", name)
        for key, node in model.items()
        for name in (*free_parameters(node).values(), *relations(node).values())
    ]
    known = {name for pair in below for name in pair}
    for name in units if check else ():
        if name not in known:
            hint = close_match(name, sorted(known))
            msg = f"units: no component has a parameter {name!r}.{hint}"
            raise SettingError(msg)
    return {
        whole: units.get(whole, units.get(own, ""))
        for whole, own in below
        if whole in units or own in units
    }


def _starts(start: Any, counts: list[int]) -> dict[int, Any]:
    """Return where to begin, by the number of components."""
    if start is None:
        return dict.fromkeys(counts)
    if not isinstance(start, Mapping) or any(key not in counts for key in start):
        msg = (
            "start: where to begin differs with the number of components; give a dict by "
            f"that number, e.g. start={{1: {{'0.mean': 1.0}}}} of {counts}, got {start!r}."
        )
        raise SettingError(msg)
    return {count: start.get(count) for count in counts}


def _require_known(arguments: Mapping[str, Any], function: Any) -> None:
    """Refuse, before the first fit, arguments that it does not take."""
    known = [*inspect.signature(function).parameters][2:]
    for name in arguments:
        if name not in known:
            own = ("data", "n_components", "order", "baseline", "prior", "neighbours")
            hint = close_match(name, [*known, *own])
            msg = f"gf.fit_components has no argument {name!r}.{hint}"
            raise SettingError(msg)


def _of_the_cube(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to the cube, not to its fit."""
    names = [*inspect.signature(CubeAnalysis).parameters]
    own = {name: value for name, value in given.items() if name in names}
    return {**own, **(given.get("extras") or {})}
