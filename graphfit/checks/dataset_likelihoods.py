"""The log-likelihood of every dataset at every sample of a joint fit."""

from typing import NamedTuple, final

import numpy as np

from graphfit.compiler import Program
from graphfit.samples import Samples
from graphfit.typing import BoolArray, FloatArray

NEGLIGIBLE = (
    1e-9  # posterior mass of a sample whose amplitudes a run does not draw back
)


@final
class DatasetLikelihoods(NamedTuple):
    """What the datasets say of the samples.

    Attributes
    ----------
    values : ndarray, shape (S, F)
        ln L_i.
    complete : ndarray of bool, shape (S,)
        Where the values are those that the search had: of samples without weight a run
        that integrates amplitudes out does not draw them.
    """

    values: FloatArray
    complete: BoolArray


def dataset_likelihoods(program: Program, record: Samples) -> DatasetLikelihoods:
    """Return ln L of each of F factors at each of S samples.

    Parameters
    ----------
    program : Program
        Of the joint fit.
    record : Samples
        Its draws.
    """
    values = np.array([program.term_log_likelihoods(theta) for theta in record.values])
    with np.errstate(invalid="ignore"):
        apart = np.abs(values.sum(axis=1) - record.log_likelihood)
        scale = 1.0 + np.abs(record.log_likelihood)
        complete = apart <= 1e-6 * scale
    return DatasetLikelihoods(values, complete | (record.weights > NEGLIGIBLE))
