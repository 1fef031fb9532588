"""Analyses: datasets with their likelihoods."""

from graphfit.analysis.analysis import Analysis

__all__ = ["Analysis"]
