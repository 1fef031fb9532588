"""Analyses: datasets with their likelihoods."""

from graphfit.analysis.analysis import Analysis
from graphfit.analysis.pointwise import Pointwise
from graphfit.analysis.profile import ProfileAnalysis

__all__ = ["Analysis", "Pointwise", "ProfileAnalysis"]
