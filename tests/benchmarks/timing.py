"""CPU time of one call, and the notes a benchmark leaves beside its own figures."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Timed:
    """What a call returned, and the CPU seconds it took (all threads of the process)."""

    seconds: float
    value: Any


def cpu_time(call: Callable[[], Any], repeats: int = 1) -> Timed:
    """The quickest of `repeats` calls; peers may warn, as about fits they gave up."""
    best, value = float("inf"), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(repeats):
            began = time.process_time()
            value = call()
            best = min(best, time.process_time() - began)
    return Timed(best, value)


def wall_time(call: Callable[[], Any], repeats: int = 1) -> float:
    """The quickest of `repeats` calls in seconds of the clock, for more than one thread."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best


def note(benchmark: Any, **figures: Any) -> None:
    """Store figures with the benchmark (--benchmark-json) and print them (pytest -s)."""
    rounded = {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in figures.items()
    }
    benchmark.extra_info.update(rounded)
    print()  # below pytest's own line
    print(f"{benchmark.name}:", ", ".join(f"{k} {v}" for k, v in rounded.items()))
