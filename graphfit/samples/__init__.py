"""Samples: records of what searches found, and summaries as functions over them."""

from graphfit.samples.samples import Samples
from graphfit.samples.status import Status

__all__ = ["Samples", "Status"]
