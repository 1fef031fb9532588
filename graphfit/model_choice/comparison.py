"""ModelComparison: models of one dataset, weighed by their evidences."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from graphfit.errors import UnknownNameError, close_match
from graphfit.model_choice.comparison_text import model_table, probability_with_error
from graphfit.model_choice.probabilities import probabilities, probability_errors
from graphfit.typing import FloatArray


@final
@dataclass(frozen=True, eq=False, repr=False)
class ModelComparison:
    """Fits of K models to the same data; made by :func:`graphfit.compare`.

    ``str(comparison)`` is a table to read.

    Attributes
    ----------
    results : mapping of label to Result or ResultList
    log_evidence, log_evidence_error : ndarray, shape (K,)
        ln Z and its standard error, NaN where the search states none; 0 where it is exact.
    prior : ndarray, shape (K,)
        Probabilities of the models before the data, summing to one.

    Examples
    --------
    >>> comparison = ModelComparison(
    ...     {"line": None, "curve": None}, np.array([-9.0, -7.0]), np.full(2, 0.1),
    ...     np.full(2, 0.5),
    ... )
    >>> comparison
    ModelComparison(line 0.119 +/- 0.015, curve 0.881 +/- 0.015)
    >>> print(comparison)
    model            ln Z  ln B to the best  prior  P(model | data)
    line   -9.00 +/- 0.10    -2.00 +/- 0.14  0.500  0.119 +/- 0.015
    curve  -7.00 +/- 0.10             0.000  0.500  0.881 +/- 0.015
    """

    results: Mapping[Any, Any]
    log_evidence: FloatArray
    log_evidence_error: FloatArray
    prior: FloatArray

    @property
    def labels(self) -> tuple[Any, ...]:
        """The models, in order."""
        return tuple(self.results)

    @property
    def best(self) -> Any:
        """The label of the most probable model."""
        return self.labels[int(np.argmax(self.probability))]

    @cached_property
    def probability(self) -> FloatArray:
        """P(k | data), shape (K,)."""
        return probabilities(self.log_evidence, self.prior)

    @cached_property
    def probability_error(self) -> FloatArray:
        """Standard errors of `probability`, from those of ln Z, to first order."""
        return probability_errors(self.probability, self.log_evidence_error)

    @property
    def log_bayes_factor(self) -> FloatArray:
        """``ln B = ln Z_k - ln Z_best``, shape (K,): best is the highest evidence."""
        return np.asarray(self.log_evidence - self.log_evidence.max())

    @property
    def log_bayes_factor_error(self) -> FloatArray:
        """Standard errors of `log_bayes_factor`; 0 for the best against itself."""
        top = int(np.argmax(self.log_evidence))
        errors = np.hypot(self.log_evidence_error, self.log_evidence_error[top])
        errors[top] = 0.0
        return np.asarray(errors)

    @property
    def info(self) -> str:
        """The comparison as text."""
        return model_table(
            self.labels,
            (self.log_evidence, self.log_evidence_error),
            (self.log_bayes_factor, self.log_bayes_factor_error),
            self.prior,
            (self.probability, self.probability_error),
        )

    def __getitem__(self, label: Any) -> Any:
        """Return the fit of one model."""
        if label not in self.results:
            hint = close_match(str(label), map(str, self.labels))
            msg = f"There is no model {label!r}.{hint}"
            raise UnknownNameError(msg)
        return self.results[label]

    def __str__(self) -> str:
        return self.info

    def __repr__(self) -> str:
        pairs = zip(self.labels, self.probability, self.probability_error, strict=True)
        inside = ", ".join(
            f"{k} {probability_with_error(float(p), float(e))}" for k, p, e in pairs
        )
        return f"ModelComparison({inside})"
