"""compare: fits of the same data, weighed by their evidences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from graphfit.errors import SettingError, close_match
from graphfit.model_choice.comparison import ModelComparison
from graphfit.model_choice.comparison_maps import Weighed
from graphfit.model_choice.cube_comparison import CubeComparison
from graphfit.model_choice.neighbours import pooled
from graphfit.model_choice.population_prior import population_prior
from graphfit.model_choice.same_data import (
    require_evidence,
    require_same_cube,
    require_same_dataset,
)
from graphfit.result import CubeResult
from graphfit.samples.map_counts import answered
from graphfit.typing import FloatArray

Prior = Literal["learned", "equal"] | Mapping[Any, float] | None


def compare(
    results: Mapping[Any, Any] | Sequence[Any],
    *,
    prior: Prior = None,
    neighbours: int = 0,
) -> Any:
    """Compare models by their evidences: Bayes factors and P(model | data), with errors.

    Parameters
    ----------
    results : mapping of label to result, or sequence of results
        Fits of the same data: all of cubes (CubeResult), or all of one dataset (Result or
        ResultList).  The models of a sequence are called 0, 1, 2, ...  The first is what
        Bayes factors of cubes are against: the null model, where there is one.
    prior : {"learned", "equal"} or mapping of label to float, optional
        Probabilities of the models before the data.  "learned" are the fractions of the
        models among the pixels, see :func:`~graphfit.model_choice.population_prior`: the
        default for cubes.  "equal" is the default for one dataset, which has nothing to
        learn from.  Weights of a mapping are divided by their sum.
    neighbours : int, >= 0
        For cubes: also weigh what the pixels up to so many steps away hold, see
        :func:`~graphfit.model_choice.pooled`.

    Returns
    -------
    ModelComparison or CubeComparison

    Raises
    ------
    DataError
        If the fits are of different data, as far as can be seen.
    ResultError
        If one has no evidence, or no pixel the evidence of all models.
    SettingError
        For results of different kinds, less than two, or a prior that does not go with
        them.

    Examples
    --------
    >>> import graphfit as gf
    >>> x = np.arange(20.0)
    >>> data = gf.ProfileAnalysis(x, 2.0 + 0.0 * x, 1.0)
    >>> def level(x, height):
    ...     return height + 0.0 * x
    >>> search = gf.LevenbergMarquardt()
    >>> fits = {
    ...     name: search.fit(gf.Model(level, height=gf.GaussianPrior(mean, 1.0)), data)
    ...     for name, mean in (("near", 2.0), ("far", 6.0))
    ... }
    >>> print(compare(fits))
    model     ln Z  ln B to the best  prior  P(model | data)
    near   -19.901             0.000  0.500            1.000
    far    -27.520            -7.619  0.500            0.000
    """
    return compared(_labelled(results), prior=prior, neighbours=neighbours)


def compared(
    results: Mapping[Any, Any],
    *,
    prior: Prior,
    neighbours: int,
    offsets: Mapping[Any, float] | None = None,
    same_data: bool = False,
) -> ModelComparison | CubeComparison:
    """Return the comparison of labelled results.

    Parameters
    ----------
    results : mapping
    prior, neighbours : object
        As for :func:`compare`.
    offsets : mapping of label to float, optional
        What ln Z of a model lacks.
    same_data : bool
        Whether the data are known to be the same.
    """
    if len(results) < 2:
        msg = f"gf.compare needs at least two fits, got {len(results)}."
        raise SettingError(msg)
    kinds = {isinstance(result, CubeResult) for result in results.values()}
    if len(kinds) > 1:
        got = ", ".join(f"{k!r}: {type(v).__name__}" for k, v in results.items())
        msg = f"gf.compare: give fits of cubes, or of one dataset, not both; got {got}."
        raise SettingError(msg)
    shifts = np.array([(offsets or {}).get(label, 0.0) for label in results])
    if kinds == {True}:
        return _cubes(results, prior, neighbours, shifts, same_data)
    if neighbours:
        msg = (
            f"gf.compare: neighbours={neighbours!r} is for maps; one dataset has none."
        )
        raise SettingError(msg)
    return _single(results, prior, shifts, same_data)


def _labelled(results: Any) -> dict[Any, Any]:
    if isinstance(results, Mapping):
        labels = list(results)
        whole = all(isinstance(k, int) and not isinstance(k, bool) for k in labels)
        return dict(results) if whole else {str(k): v for k, v in results.items()}
    is_one = isinstance(results, CubeResult) or hasattr(results, "log_evidence")
    if is_one or not isinstance(results, Sequence) or isinstance(results, str):
        msg = (
            'gf.compare needs several fits, e.g. gf.compare({"one line": fit1, "two": '
            f"fit2}}), got {results!r}."
        )
        raise SettingError(msg)
    return dict(enumerate(results))


def _single(
    results: Mapping[Any, Any], prior: Prior, shifts: FloatArray, same_data: bool
) -> ModelComparison:
    values, errors = [], []
    for label, result in results.items():
        try:
            value = float(result.log_evidence)
            error = float(result.log_evidence_error)
        except (AttributeError, TypeError):
            msg = (
                f"gf.compare: {label!r} is a {type(result).__name__}; give a Result, a "
                "ResultList or a CubeResult."
            )
            raise SettingError(msg) from None
        require_evidence(label, value, result)
        values.append(value)
        errors.append(error)
    if not same_data:
        require_same_dataset(results)
    if isinstance(prior, str) and prior == "learned":
        msg = (
            'gf.compare: prior="learned" takes the map of a cube; one dataset does not say '
            'how common its models are. Give prior="equal" or probabilities by label.'
        )
        raise SettingError(msg)
    fractions = _given("equal" if prior is None else prior, list(results))
    return ModelComparison(
        dict(results), np.array(values) + shifts, np.array(errors), fractions
    )


def _cubes(
    results: Mapping[Any, CubeResult],
    prior: Prior,
    neighbours: int,
    shifts: FloatArray,
    same_data: bool,
) -> CubeComparison:
    evidence = [_evidence(label, result) for label, result in results.items()]
    if not same_data:
        require_same_cube(results)
    logs = np.stack([value for value, _ in evidence])
    logs += shifts.reshape(-1, *(1,) * (logs.ndim - 1))
    errors = np.stack([error for _, error in evidence])
    labels = list(results)
    if prior is None or (isinstance(prior, str) and prior == "learned"):
        learned = population_prior(logs)
        fractions, covariance = learned.probability, learned.covariance
        source = f"learned from {learned.pixels} pixels"
    else:
        fractions = _given(prior, labels)
        covariance = np.zeros((len(labels), len(labels)))
        source = "equal" if isinstance(prior, str) else "given"
    if neighbours:
        around = pooled(logs, fractions, neighbours=neighbours)
        weighed = Weighed(logs, errors, around.probability)
        return CubeComparison(results, weighed, (fractions, covariance), source, around)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = covariance / np.outer(fractions, fractions)
    weighed = Weighed(logs, errors, fractions, relative if covariance.any() else None)
    return CubeComparison(results, weighed, (fractions, covariance), source)


def _evidence(label: Any, result: CubeResult) -> tuple[FloatArray, FloatArray]:
    """Return ln Z and its standard error over the map; NaN where the search states none."""
    arrays = result.record.arrays
    nothing = np.full(result.shape, math.nan)
    value = np.array(arrays.get("log_evidence", nothing)[...], dtype=float)
    if answered(result.record).any() and np.isnan(value).all():
        require_evidence(label, math.nan, result)
    error = np.array(arrays.get("log_evidence_error", nothing)[...], dtype=float)
    return value, error


def _given(prior: Any, labels: list[Any]) -> FloatArray:
    """Return the probabilities that the user says."""
    if isinstance(prior, str) and prior == "equal":
        return np.full(len(labels), 1.0 / len(labels))
    if not isinstance(prior, Mapping):
        msg = (
            'gf.compare: prior must be "learned", "equal" or a dict of probabilities by '
            f"label, got {prior!r}."
        )
        raise SettingError(msg)
    for label in prior:
        if label not in labels:
            hint = close_match(str(label), map(str, labels))
            msg = f"gf.compare: prior names no model {label!r}.{hint}"
            raise SettingError(msg)
    weights = np.array([float(prior.get(label, math.nan)) for label in labels])
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.any()):
        msg = (
            "gf.compare: prior needs a probability >= 0 for every model "
            f"{labels}, not all 0, got {dict(prior)!r}."
        )
        raise SettingError(msg)
    return np.asarray(weights / weights.sum())
