"""What the benchmarks against peers ask of the machine."""

import os

import pytest

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture
def one_core() -> None:
    """Skip unless the linear algebra of the peers keeps to one thread.

    Threads that wait count as CPU time: OpenBLAS with two of them makes scipy's sparse fit
    of 300 datasets look ten times dearer than it is.  They are started with numpy, so only
    the environment can tell them in time.
    """
    if not any(os.environ.get(name) == "1" for name in THREADS):
        pytest.skip(f"CPU times of peers need {THREADS[0]}=1 in the environment")
