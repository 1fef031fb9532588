from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import dask
import dask.multiprocessing
import dask.threaded
import pytest

from graphfit.cube.astropy_fit.schedulers import scheduler_of


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "processes"),
        ("processes", "processes"),
        ("multiprocessing", "processes"),
        (dask.multiprocessing.get, "processes"),
        ("threads", "threads"),
        ("threading", "threads"),
        (dask.threaded.get, "threads"),
        ("sync", "synchronous"),
        ("single-threaded", "synchronous"),
        (dask.get, "synchronous"),
        ("default", "default"),
        ("nonsense", "nonsense"),
        (3, 3),
    ],
)
def test_words_of_dask(given, expected):
    assert scheduler_of(given) == expected


def test_executors():
    with ThreadPoolExecutor(1) as pool:
        assert scheduler_of(pool) == "threads"
    with ProcessPoolExecutor(1) as pool:
        assert scheduler_of(pool) == "processes"
