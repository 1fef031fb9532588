"""The maps of a model comparison: one row of a table a quantity, like those of a fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from graphfit.model_choice.averages import averaged
from graphfit.model_choice.probabilities import (
    best_model,
    false_positive_bound,
    log_bayes_factors,
    log_posterior,
    probabilities,
    probability_errors,
)
from graphfit.result import CubeResult
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.typing import AnyArray, FloatArray

NAN = float("nan")
MODELS = "model"
"""The axis behind those of the map that runs over the models."""


@final
@dataclass(frozen=True, eq=False)
class Weighed:
    """K models at every pixel, with all that their probabilities are made of.

    Attributes
    ----------
    log_evidence, log_evidence_error : ndarray, shape (K, P...)
        Errors are NaN where a search states none.
    prior : ndarray, shape (K,) or (K, P...)
        Of one map, or about every pixel.
    relative_covariance : ndarray, shape (K, K), or None
        Of the logarithms of a prior that was learned.
    """

    log_evidence: FloatArray
    log_evidence_error: FloatArray
    prior: FloatArray
    relative_covariance: FloatArray | None = None

    @cached_property
    def probability(self) -> FloatArray:
        """P(k | y), shape (K, P...)."""
        return probabilities(self.log_evidence, self.prior)


def comparison_maps(
    results: Mapping[Any, CubeResult], labels: Sequence[Any], weighed: Weighed
) -> PixelMaps:
    """Return the maps of a comparison.

    Parameters
    ----------
    results : mapping of label to CubeResult
    labels : sequence
        Of the models, in their order.
    weighed : Weighed
    """
    fits = list(results.values())
    found = [_by_model(len(labels), *row) for row in _model_rows(labels, weighed)]
    found.append(_best(weighed.probability, labels))
    found.append(_status(fits))
    taken = {spec.name for spec, _ in found}
    found += [pair for pair in _averages(fits, weighed) if pair[0].name not in taken]
    return PixelMaps(
        weighed.log_evidence.shape[1:],
        tuple(spec for spec, _ in found),
        {spec.name: values for spec, values in found},
    )


def _by_model(
    count: int, name: str, values: FloatArray, text: str
) -> tuple[MapSpec, AnyArray]:
    """Return a map whose further axis is that of the models."""
    spec = MapSpec(name, "f8", NAN, text, axes=(MODELS,), shape=(count,))
    return spec, np.ascontiguousarray(np.moveaxis(values, 0, -1))


def _model_rows(
    labels: Sequence[Any], weighed: Weighed
) -> Iterator[tuple[str, FloatArray, str]]:
    """Yield the name, the values (K, P...) and the description of each such map."""
    logs, errors, first = weighed.log_evidence, weighed.log_evidence_error, labels[0]
    yield "log_evidence", logs, "ln Z of each model."
    yield "log_evidence_error", errors, "Standard error of ln Z."
    name = "log_bayes_factor"
    values, spread = log_bayes_factors(logs, errors, "first")
    yield name, values, f"ln Z less that of model {first}."
    yield f"{name}_error", spread, f"{name}: standard error."
    text = f"How often data of model {first} reach the Bayes factor, at most."
    yield "false_positive_bound", false_positive_bound(values), text
    name = "log_bayes_factor_step"
    values, spread = log_bayes_factors(logs, errors, "previous")
    yield name, values, "ln Z less that of the model before it."
    yield f"{name}_error", spread, f"{name}: standard error."
    if weighed.prior.ndim > 1:
        text = "Probability of each model before the pixel's own data."
        yield "prior", weighed.prior, text
    probability = weighed.probability
    yield "probability", probability, "Probability of each model, P(k | data)."
    spread = probability_errors(probability, errors, weighed.relative_covariance)
    yield "probability_error", spread, "probability: standard error."


def _best(probability: FloatArray, labels: Sequence[Any]) -> tuple[MapSpec, AnyArray]:
    """Return the map of the most probable model: its label where that is a number."""
    best = best_model(probability)
    numbers = all(isinstance(label, int) for label in labels)
    codes = np.array([*(labels if numbers else range(len(labels))), NAN])
    text = "Which model is the most probable one."
    if not numbers:
        text += f" Models: {', '.join(f'{k} {v}' for k, v in enumerate(labels))}."
    return MapSpec("best_model", "f8", NAN, text), np.asarray(codes[best])


def averaged_names(results: Sequence[CubeResult]) -> dict[str, list[int]]:
    """Return the parameters and derived values of several models: name to their places.

    Parameters
    ----------
    results : sequence of CubeResult
        Of the models, in their order.
    """
    holders: dict[str, list[int]] = {}
    for place, result in enumerate(results):
        for kind in ("parameter_names", "derived_names"):
            for name in result.facts.get(kind) or ():
                if name in result and f"{name}_error" in result:
                    holders.setdefault(name, []).append(place)
    return {
        name: places
        for name, places in holders.items()
        if len(places) > 1
        and len({results[i].record.spec(name).unit for i in places}) == 1
    }


def _averages(
    results: list[CubeResult], weighed: Weighed
) -> Iterator[tuple[MapSpec, AnyArray]]:
    """Yield each such parameter's mean and standard deviation over its models."""
    log_weight = log_posterior(weighed.log_evidence, weighed.prior)
    for name, places in averaged_names(results).items():
        records = [results[i].record for i in places]
        mean, deviation = averaged(
            log_weight[places],
            [np.asarray(record.arrays[name][...]) for record in records],
            [np.asarray(record.arrays[f"{name}_error"][...]) for record in records],
        )
        unit = records[0].spec(name).unit
        text = f"{name}: mean over the models that have it, if one of them is true."
        yield MapSpec(name, "f8", NAN, text, unit), np.asarray(mean)
        text = f"{name}: standard deviation, within and between those models."
        yield MapSpec(f"{name}_error", "f8", NAN, text, unit), np.asarray(deviation)


def _status(results: list[CubeResult]) -> tuple[MapSpec, AnyArray]:
    text = "How the fits ended: the worst of the models."
    spec = MapSpec("status", "i1", int(Status.NOT_REACHED), text)
    held = [r.record.arrays["status"] for r in results if "status" in r.record.arrays]
    worst = np.zeros(results[0].shape, dtype=np.int8)
    for status in held:
        np.maximum(worst, np.asarray(status[...]), out=worst)
    return spec, worst
