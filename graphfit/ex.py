"""The components of the examples, known to users as ``gf.ex``."""

from graphfit.analysis.example import Analysis, Exponential, Gaussian

__all__ = ["Analysis", "Exponential", "Gaussian"]
