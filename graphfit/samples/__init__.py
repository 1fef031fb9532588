"""Samples: records of what searches found, and summaries as functions over them."""

from graphfit.samples.pixel_maps import MapSpec, PixelMaps
from graphfit.samples.samples import Samples
from graphfit.samples.status import Status

__all__ = ["MapSpec", "PixelMaps", "Samples", "Status"]
