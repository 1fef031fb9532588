"""Analysis: a dataset and its likelihood, the one class that a user writes.

Three from one contract.  A ready-made analysis compares a profile with data
(:class:`~graphfit.analysis.profile.ProfileAnalysis`).  A user's analysis holds whatever
data there is and returns a log-likelihood for an instance of the model.  A factor graph is
the sum of many.
"""

from typing import Any

import numpy as np

from graphfit.analysis.pointwise import Pointwise


class Analysis:
    """A dataset and its likelihood (abstract: subclass and write the likelihood).

    A subclass stores its data as attributes: they are what identifies a run, so that an
    output folder never answers for other data.  All hooks but the likelihood are optional.

    Examples
    --------
    >>> import graphfit as gf
    >>> class Counts(gf.Analysis):
    ...     def __init__(self, counts):
    ...         self.counts = counts
    ...     def log_likelihood_function(self, instance):
    ...         rate = instance.rate
    ...         return float(self.counts.sum() * np.log(rate) - self.counts.size * rate)
    """

    def log_likelihood_function(self, instance: Any) -> float:
        """Return ln p(data | instance).

        Parameters
        ----------
        instance : object
            The factor's model with values: an object of the user's class, a
            :class:`~graphfit.ProfileInstance`, or a :class:`~graphfit.ModelInstance`.

        Returns
        -------
        float
            Finite, or minus infinity where the data are impossible.

        Raises
        ------
        FitException
            To reject the point.  Any other exception, NaN or plus infinity stops the fit.
        """
        msg = f"{type(self).__name__} must define log_likelihood_function(self, instance)."
        raise NotImplementedError(msg)

    def pointwise(self) -> Pointwise | None:
        """Return what a compiled fit may use in place of the likelihood, or None.

        For a likelihood that is a sum over independent data points: the arrays and the
        kind of noise, see :mod:`graphfit.analysis.pointwise`.  Then
        `log_likelihood_function` must equal that sum.  By default None: the likelihood
        is called as it stands.  So it is for a subclass that defines
        `log_likelihood_function` anew without this hook.
        """
        return None

    def chi_squared(self, instance: Any) -> float | None:
        """Return sum ((data - model) / noise)^2 at the instance, or None if undefined."""
        del instance
        return None

    def data_point_count(self) -> int | None:
        """Return the number of data points that are compared, or None if undefined."""
        return None

    def simulate(self, instance: Any, rng: np.random.Generator) -> "Analysis":
        """Return an analysis like this one, of data drawn from the model at `instance`.

        For checks that compare the data with what the model would have given, such as
        :func:`~graphfit.posterior_predictive`.  Whatever is no random number (positions,
        noise, masks) is that of this dataset.

        Parameters
        ----------
        instance : object
            As for `log_likelihood_function`.
        rng : numpy.random.Generator
            All randomness comes from it.

        Examples
        --------
        >>> import graphfit as gf
        >>> class Counts(gf.Analysis):
        ...     def __init__(self, counts):
        ...         self.counts = counts
        ...     def simulate(self, instance, rng):
        ...         return Counts(rng.poisson(instance.rate, self.counts.size))
        """
        del instance, rng
        kind = type(self).__name__
        msg = (
            f"{kind} does not say how its data come about: define simulate(self, instance, "
            f"rng), which returns {kind}(...) of data drawn from the model at the instance."
        )
        raise NotImplementedError(msg)

    def derived(self, instance: Any) -> dict[str, float]:
        """Return further numbers to tabulate for every posterior sample, by name.

        The names must be the same at every point.  Called once per sample after the
        search, not inside it.
        """
        del instance
        return {}

    def modify_before_fit(self, model: Any) -> "Analysis":
        """Return the analysis to use, prepared for `model`; called once before a fit."""
        del model
        return self

    def visualize(self, folder: Any, instance: Any) -> None:
        """Write figures of the fit at `instance` into `folder`, a ``pathlib.Path``."""
        del folder, instance

    def save_attributes(self, folder: Any) -> None:
        """Write the dataset into `folder`, a ``pathlib.Path``, for later inspection."""
        del folder

    def make_result(self, result: Any) -> Any:
        """Return what the fit returns for this factor; by default the result itself."""
        return result
