"""Result: what a fit says about one dataset, and ResultList: about all of them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, final

from graphfit.errors import UnknownNameError, close_match
from graphfit.graph import FactorGraphModel
from graphfit.model.node import Node
from graphfit.result.chaining import CentredPriors, Width, centred_model
from graphfit.result.model_samples import ModelSamples
from graphfit.result.text import joint_text, result_text
from graphfit.samples import Samples, Status, summary
from graphfit.typing import FloatArray


@final
class Result:
    """One factor's share of a fit.

    The posterior is that of the whole fit, seen through this factor's model; the
    likelihood and chi-square at the best point are this factor's own.

    Attributes
    ----------
    name : str
        The factor's name.
    samples : ModelSamples
        The posterior of this factor's model.
    analysis : Analysis
        The dataset.
    log_likelihood : float
        This factor's ln L at the joint maximum.
    joint_log_likelihood : float
        The sum over all factors there.
    chi_squared : float
        This factor's chi-square there; NaN where its analysis defines none.
    """

    def __init__(
        self,
        name: str,
        samples: ModelSamples,
        analysis: Any,
        *,
        log_likelihood: float,
        chi_squared: float,
        centred: CentredPriors | None = None,
    ) -> None:
        self.name = name
        self.samples = samples
        self.analysis = analysis
        self.log_likelihood = log_likelihood
        self.chi_squared = chi_squared
        # Shared by the results of a fit, so that their models stay joined.
        self._centred: CentredPriors = {} if centred is None else centred
        record = samples.record
        self.joint_log_likelihood = float(record.log_likelihood[record.best])

    @property
    def model(self) -> Any:
        """The model as it was fitted, with its original priors, for chaining."""
        return self.samples.model

    @property
    def instance(self) -> Any:
        """The model at the joint maximum of the likelihood."""
        return self.samples.max_log_likelihood()

    @property
    def max_log_likelihood_instance(self) -> Any:
        """The same as `instance`."""
        return self.instance

    def median_pdf(self) -> Any:
        """Return the model at the medians of the marginal posteriors."""
        return self.samples.median_pdf()

    def values_at_sigma(self, sigma: float = 1.0) -> Any:
        """Return (lower, upper) limits at `sigma`, in a tree shaped like the model."""
        return self.samples.values_at_sigma(sigma)

    def errors_at_sigma(self, sigma: float = 1.0) -> Any:
        """Return (minus, plus) errors about the median, shaped like the model."""
        return self.samples.errors_at_sigma(sigma)

    @property
    def covariance_matrix(self) -> FloatArray:
        """The posterior covariance of this factor's parameters, shape (D, D)."""
        return self.samples.covariance_matrix

    @property
    def log_evidence(self) -> float:
        """Ln Z of the whole fit; NaN where the search gives none."""
        return self.samples.record.log_evidence

    @property
    def log_evidence_error(self) -> float:
        """The standard error of ln Z."""
        return self.samples.record.log_evidence_error

    @property
    def status(self) -> Status:
        """How the search ended."""
        return self.samples.record.status

    @property
    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2 of the posterior samples."""
        return summary.effective_sample_size(self.samples.record)

    @property
    def model_centred(self) -> Any:
        """The model with Gaussian priors about the medians, as wide as the 3-sigma error.

        The new priors keep the support of the old ones.  What was shared between datasets
        still is, in the centred models of all results of the fit.
        """
        return centred_model(self.samples, Width("error"), self._centred)

    def model_centred_absolute(self, a: float) -> Any:
        """Return the model with Gaussian priors of standard deviation `a`."""
        return centred_model(self.samples, Width("absolute", a), self._centred)

    def model_centred_relative(self, r: float) -> Any:
        """Return the model with Gaussian priors of standard deviation ``r |median|``."""
        return centred_model(self.samples, Width("relative", r), self._centred)

    @property
    def info(self) -> str:
        """The factor's result as text."""
        return result_text(self)

    def __repr__(self) -> str:
        return f"Result({self.name!r}, log_likelihood={self.log_likelihood:.3f})"


@final
class ResultList(Sequence[Any]):
    """The results of a joint fit: one a factor, by position or name, and the whole.

    Attributes
    ----------
    samples : ModelSamples
        The joint posterior.
    graph : FactorGraphModel
        What was fitted.

    Notes
    -----
    What the list holds is what ``Analysis.make_result`` returned, a :class:`Result` unless
    a user's analysis says otherwise.
    """

    def __init__(
        self,
        results: dict[str, Result],
        samples: ModelSamples,
        returned: dict[str, Any],
        graph: FactorGraphModel,
    ) -> None:
        self._plain = results
        self._results = returned
        self.samples = samples
        self.graph = graph

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._results.values())

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._results:
                msg = f"There is no factor {key!r}.{close_match(key, self._results)}"
                raise UnknownNameError(msg)
            return self._results[key]
        return list(self._results.values())[key]

    @property
    def names(self) -> tuple[str, ...]:
        """The factors' names, in order."""
        return tuple(self._results)

    @property
    def plain(self) -> tuple[Result, ...]:
        """The factors' results, whatever ``Analysis.make_result`` makes of them."""
        return tuple(self._plain.values())

    @property
    def status(self) -> Status:
        """How the search ended."""
        return self.record.status

    @property
    def record(self) -> Samples:
        """The joint samples as arrays."""
        return self.samples.record

    @property
    def model(self) -> Node:
        """The joint model with its original priors."""
        return self.samples.model

    @property
    def instance(self) -> Any:
        """The joint model at the maximum of the likelihood."""
        return self.samples.max_log_likelihood()

    @property
    def log_likelihood(self) -> float:
        """The joint ln L at its maximum."""
        return float(self.record.log_likelihood[self.record.best])

    @property
    def chi_squared(self) -> float:
        """The sum of the factors' chi-squares; NaN if one defines none."""
        return math.fsum(result.chi_squared for result in self.plain)

    @property
    def log_evidence(self) -> float:
        """Ln Z of the joint fit; NaN where the search gives none."""
        return self.record.log_evidence

    @property
    def log_evidence_error(self) -> float:
        """The standard error of ln Z."""
        return self.record.log_evidence_error

    @property
    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2 of the posterior samples."""
        return summary.effective_sample_size(self.record)

    @property
    def covariance_matrix(self) -> FloatArray:
        """The posterior covariance of all free parameters, shape (D, D)."""
        return self.samples.covariance_matrix

    @property
    def info(self) -> str:
        """The joint result as text: evidence, parameters with errors, the datasets."""
        return joint_text(self)

    def to_datatree(self, draws: int = 1000, seed: int = 0) -> Any:
        """Return the posterior as an xarray DataTree in the ArviZ schema.

        Parameters
        ----------
        draws : int, >= 1
            Equal-weight draws of the posterior.
        seed : int
            Of the resampling.

        Raises
        ------
        ResultError
            If the samples are one optimum, which has no posterior.
        """
        from graphfit.io.datatree import samples_to_datatree

        self.samples.require_posterior()
        return samples_to_datatree(self.record, draws, seed)

    def __repr__(self) -> str:
        return f"ResultList({', '.join(self._results)}; ln Z = {self.log_evidence:.2f})"
