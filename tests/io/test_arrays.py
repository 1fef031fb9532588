"""gf.util: arrays in JSON files, as the workspaces keep their datasets."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import DataError


@pytest.mark.parametrize(
    "array", [np.arange(3.0), np.zeros((2, 3)), np.array([0.1, 1e-300, -1e300]), [1, 2]]
)
def test_the_same_numbers_come_back(tmp_path, array):
    path = tmp_path / "dataset" / "data.json"
    gf.util.numpy_array_to_json(array, path)
    found = gf.util.numpy_array_from_json(file_path=path)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.asarray(array, dtype=float))


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match=r"no file .*data\.json.*simulators"):
        gf.util.numpy_array_from_json(tmp_path / "data.json")


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": 1}', '["x"]', "[[1, 2], [3]]", "null"]
)
def test_what_is_no_array_of_numbers_is_refused(tmp_path, text):
    path = tmp_path / "data.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"data\.json holds no array of numbers"):
        gf.util.numpy_array_from_json(path)


def test_a_folder_is_no_array(tmp_path):
    with pytest.raises(DataError, match="holds no array"):
        gf.util.numpy_array_from_json(tmp_path)
