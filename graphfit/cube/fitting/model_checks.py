"""What can be seen to be wrong with a model before the first pixel is fitted."""

from collections.abc import Container, Mapping, Sequence

import numpy as np

from graphfit.analysis import ProfileAnalysis
from graphfit.compiler import lower
from graphfit.cube.fitting.pixel_model import PixelModel
from graphfit.errors import DataError, FitException, GraphError, PriorError
from graphfit.graph import FactorGraphModel
from graphfit.model.pixel_maps import pixel_maps
from graphfit.search.least_squares.row_problem import stand_in
from graphfit.typing import FloatArray

MOST_TRIALS = 64  # pixels, in search of one where all priors are possible


def trial_numbers(
    graph: FactorGraphModel, values: Sequence[FloatArray]
) -> tuple[float, ...]:
    """Return the values of the maps in a model at a pixel where they can be used.

    Parameters
    ----------
    graph : FactorGraphModel
        The model with its maps.
    values : sequence of ndarray
        The maps' values, of the map's shape.

    Raises
    ------
    DataError
        If they are finite together nowhere.
    PriorError
        If they make impossible priors wherever it was tried.
    """
    if not values:
        return ()
    good = np.isfinite(values[0])
    for item in values[1:]:
        good = good & np.isfinite(item)
    where = np.flatnonzero(good)
    if not where.size:
        msg = "The model's gf.pixel_map values are finite together at no pixel."
        raise DataError(msg)
    count = min(MOST_TRIALS, where.size)
    maps = pixel_maps(graph.global_prior_model)
    refusal: PriorError | None = None
    for place in where[np.linspace(0, where.size - 1, count).astype(np.int64)]:
        index = np.unravel_index(int(place), good.shape)
        numbers = tuple(float(item[index]) for item in values)
        try:
            graph.with_analyses({}, dict(zip(maps, numbers, strict=True)))
        except PriorError as error:
            refusal = refusal or error
            continue
        return numbers
    assert refusal is not None
    raise refusal


def check_model(model: PixelModel, started: Container[str]) -> None:
    """Refuse what the search cannot do, and models that do not fit their data.

    Parameters
    ----------
    model : PixelModel
    started : container of str
        The parameters that are given a start.

    Raises
    ------
    DataError, GraphError, ModelError, PriorError, SettingError
        As a fit of one pixel would.
    """
    space, search = model.space, model.search
    if not space.dimension:
        msg = (
            "The model has no free parameters: every value is fixed. Give at least one "
            "parameter a prior, e.g. gf.UniformPrior(0.0, 1.0)."
        )
        raise GraphError(msg)
    who = type(search).__name__
    if search.needs_unit_cube:
        space.require_proper(who)
    elif any(space.names[i] not in started for i in space.improper):
        space.require_proper(f"{who}, given no start for it,")
    analyses = {
        name: stand_in(factor.inputs, factor.settings, has_sigma=factor.has_sigma)
        for name, factor in model.factors.items()
        if factor.analysis is None
    }
    graph = model.graph.with_analyses(analyses, model.numbers(model.trial))
    search.check(lower(graph))
    _require_names(graph, model, analyses)


def _require_names(
    graph: FactorGraphModel, model: PixelModel, analyses: Mapping[str, ProfileAnalysis]
) -> None:
    """Refuse settings that name a parameter which the model does not have."""
    named = [name for name, item in analyses.items() if item.names]
    if not named:
        return
    # Any values will do: 1 stands for what has no median.
    vector = model.space.medians(dict.fromkeys(model.space.improper, 1.0))
    try:
        joint = graph.global_prior_model.instance_from_vector(vector)
    except FitException:  # these values are not possible together; others are
        return
    for name in named:
        for find in analyses[name].names:
            find(joint[name])
