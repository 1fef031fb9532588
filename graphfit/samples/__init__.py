"""Samples: records of what searches found, and summaries as functions over them."""

from graphfit.samples.samples import Samples

__all__ = ["Samples"]
