import numpy as np
import pytest

from graphfit.result import cube_text as module
from graphfit.result.cube_text import cube_text
from graphfit.samples import MapSpec, PixelMaps, Status
from tests.simulated_maps import FACTS, simulated


def text_of(status, facts=None, **arrays):
    status = np.asarray(status, dtype=np.int8)
    specs = [MapSpec(name, "f8", np.nan, "A map.") for name in arrays]
    specs.append(MapSpec("status", "i1", 25, "How it ended."))
    maps = PixelMaps(status.shape, tuple(specs), {**arrays, "status": status})
    return cube_text(maps, ("x",), facts or {})


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0421, "0.0421 s"), (95.5, "95.5 s"), (150, "2 min 30 s"), (7325, "2 h 02 min")],
)
def test_times(seconds, expected):
    text = text_of([0, 0], {"seconds": seconds, "pixels": None})
    assert f"Time      {expected}\n" in text


def test_no_time_at_all():
    assert "pixels a second" not in text_of([0], {"seconds": 0.0, "pixels": 10})


def test_medians_are_over_answered_pixels_only():
    values = np.array([1.0, 2.0, 3.0, 1e9, np.nan])
    status = [0, 0, 0, Status.DIVERGING, Status.MASKED]
    text = text_of(status, {"parameter_names": ["mean"]}, mean=values)
    assert "Maps over the 3 pixels with an answer" in text
    assert text.splitlines()[-1].split() == ["mean", "1.32", "2.00", "2.68", "-"]


def test_no_answers_no_table():
    text = text_of([23, 23], {"parameter_names": ["mean"]}, mean=np.full(2, np.nan))
    assert text.endswith("it was not fitted.")
    assert "masked  2  100.0 %" in text


def test_a_map_of_nothing_finite_has_dashes():
    text = text_of([0], {"parameter_names": ["mean"]}, mean=np.array([np.nan]))
    assert text.splitlines()[-1].split() == ["mean", "-", "-", "-", "-"]


def test_maps_with_further_axes_are_left_out():
    facts = {**FACTS, "parameter_names": ["covariance", "mean"]}
    text = cube_text(simulated().record, ("y", "x"), facts)
    assert "covariance" not in text


def test_large_maps_are_sampled(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 60)
    text = cube_text(simulated().record, ("y", "x"), FACTS)
    assert "in one row of 3" in text
