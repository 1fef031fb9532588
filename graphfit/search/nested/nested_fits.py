"""NestedFits: what the compiled sampler found for many rows of data."""

from dataclasses import dataclass, fields
from typing import final

import numpy as np

from graphfit.typing import AnyArray, FloatArray

RANK_BINS = 20
"""Bins of the histogram of insertion ranks, of equal width over the survivors."""


@final
@dataclass(frozen=True, eq=False)
class NestedFits:
    """The runs of P rows; A = D + R values, free parameters (hidden ones too), relations.

    Attributes
    ----------
    median, lower, upper, mean, deviation : ndarray, shape (P, A)
        Of the posterior; the central 68.3 % interval; standard deviation.
    covariance : ndarray, shape (P, D, D)
    best : ndarray, shape (P, A)
        The sample of highest likelihood.
    log_likelihood : ndarray, shape (P,)
        ln L there, normalised.
    log_evidence, log_evidence_error : ndarray, shape (P,)
    information : ndarray, shape (P,)
        H, the Kullback-Leibler divergence from prior to posterior, nat.
    evaluations, iterations : ndarray of int64, shape (P,)
        Calls of the likelihood; points that were replaced.
    insertion : ndarray, shape (P,)
        U statistic of the insertion ranks, a standard normal number for a sound run.
    insertion_counts : ndarray of int32, shape (P, RANK_BINS)
        Histogram of the insertion ranks.
    switched : ndarray of int8, shape (P,)
        1 where the run went over to slice sampling.
    status : ndarray of int8, shape (P,)
    draws : ndarray, shape (P, N, A)
        Equal-weight draws.
    draw_log_likelihood : ndarray, shape (P, N)
        ln L of each.
    pareto_k : ndarray, shape (P,)
        Of the importance weights where the run was polished, else NaN.
    """

    median: FloatArray
    lower: FloatArray
    upper: FloatArray
    mean: FloatArray
    deviation: FloatArray
    covariance: FloatArray
    best: FloatArray
    log_likelihood: FloatArray
    log_evidence: FloatArray
    log_evidence_error: FloatArray
    information: FloatArray
    evaluations: AnyArray
    iterations: AnyArray
    insertion: FloatArray
    insertion_counts: AnyArray
    switched: AnyArray
    status: AnyArray
    draws: FloatArray
    draw_log_likelihood: FloatArray
    pareto_k: FloatArray

    @classmethod
    def of(
        cls, count: int, n_values: int, dimension: int, n_draws: int
    ) -> "NestedFits":
        """Return the fits of P rows, to be written: A, D and N as above."""
        vectors = {"median", "lower", "upper", "mean", "deviation", "best"}
        shapes = {
            "covariance": (dimension, dimension),
            "draws": (n_draws, n_values),
            "draw_log_likelihood": (n_draws,),
            "insertion_counts": (RANK_BINS,),
        }
        kinds = {
            "evaluations": np.int64,
            "iterations": np.int64,
            "insertion_counts": np.int32,
            "switched": np.int8,
            "status": np.int8,
        }
        arrays = {}
        for item in fields(cls):
            own = (n_values,) if item.name in vectors else shapes.get(item.name, ())
            kind = kinds.get(item.name)
            fill = np.nan if kind is None else 0
            arrays[item.name] = np.full((count, *own), fill, dtype=kind or np.float64)
        return cls(**arrays)

    def rows(self, where: slice) -> "NestedFits":
        """Return some of the rows; slices share memory."""
        return NestedFits(
            **{item.name: getattr(self, item.name)[where] for item in fields(self)}
        )
