"""Checks between datasets: whether what is fitted together agrees.

Three questions.  Does each dataset look as the joint fit says
(:func:`posterior_predictive`)?  Do the others foretell it (:func:`leave_one_out`)?  Do two
groups of them want the same parameters (:func:`tension`)?
"""

from graphfit.checks.dataset_checks import DatasetChecks, dataset_checks
from graphfit.checks.leave_one_out import leave_one_out
from graphfit.checks.left_out_datasets import LeaveOneOut
from graphfit.checks.predictive import PredictiveCheck, posterior_predictive
from graphfit.checks.tension import Tension, tension

__all__ = [
    "DatasetChecks",
    "LeaveOneOut",
    "PredictiveCheck",
    "Tension",
    "dataset_checks",
    "leave_one_out",
    "posterior_predictive",
    "tension",
]
