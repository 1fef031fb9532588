"""Signal in a cube: its noise, where the lines are, and where their fits should begin.

Each function takes numpy and returns numpy, or takes dask and returns dask with nothing
computed; how a dask array is cut into chunks changes no bit of a result.  NaN is no data.

Masks say True where there is signal, which is what to look at; the ``mask`` of a fit says
True for what to leave out: give it ``~signal``.
"""

from graphfit.cube.signal.dilation import dilate
from graphfit.cube.signal.guesses import guesses
from graphfit.cube.signal.moments import Moments, moments
from graphfit.cube.signal.noise import (
    noise_from_channels,
    noise_from_differences,
    noise_of_rows,
)
from graphfit.cube.signal.peaks import Peak, peak
from graphfit.cube.signal.ratio import signal_to_noise
from graphfit.cube.signal.regions import signal_mask
from graphfit.cube.signal.widths import LineWidth, line_width

__all__ = [
    "LineWidth",
    "Moments",
    "Peak",
    "dilate",
    "guesses",
    "line_width",
    "moments",
    "noise_from_channels",
    "noise_from_differences",
    "noise_of_rows",
    "peak",
    "signal_mask",
    "signal_to_noise",
]
