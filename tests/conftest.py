"""What every test may rely on."""

import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# Run by hand, with mpmath: it makes the table that the tests read.
collect_ignore = ["reference/make_distribution_values.py"]

# Tests draw to memory, also beside a display. Set before anything imports matplotlib.
os.environ["MPLBACKEND"] = "Agg"

# `ci` is the default: the same cases on every machine. HYPOTHESIS_PROFILE=search looks
# for new ones.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is not a fault
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator in the same state for every test."""
    return np.random.default_rng(20_260_101)


@pytest.fixture(autouse=True)
def ctrl_c_interrupts() -> None:
    """Ctrl-C raises KeyboardInterrupt: importing dask-jobqueue makes it end the process."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
