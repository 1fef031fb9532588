"""Plain data survives a JSON file; anything else is refused by name."""

import json

import numpy as np
import pytest

from graphfit.errors import OutputError
from graphfit.io.plain_data import plain_data


def test_what_comes_back_is_what_was_plain():
    facts = {
        "text": "µm",
        "numbers": (1, 2.5, np.int8(3), np.float32(0.5), True, None),
        "array": np.eye(2),
        3: {"not finite": [np.nan, np.inf, -np.inf, np.float64("nan")]},
    }
    plain = plain_data(facts)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["numbers"] == [1, 2.5, 3, 0.5, True, None]
    assert plain["array"] == [[1.0, 0.0], [0.0, 1.0]]
    assert plain["3"]["not finite"] == ["NaN", "Infinity", "-Infinity", "NaN"]


def test_the_place_of_an_odd_value_is_named():
    with pytest.raises(OutputError, match=r"facts\['a'\]\[1\] is a set"):
        plain_data({"a": [1, {2}]})
