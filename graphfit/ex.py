"""The components of the examples, known to users as ``gf.ex``."""

from graphfit.analysis.example import Analysis, Exponential, Gaussian
from graphfit.plot.profile import plot_profile_1d

__all__ = ["Analysis", "Exponential", "Gaussian", "plot_profile_1d"]
