"""Arrays of other packages, read by slicing."""

import numpy as np

from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.stored_source import StoredSource, is_stored
from tests.cube.cube_cases import whole


class Stored:
    """What a dataset of HDF5 looks like: it is sliced, and not computed with."""

    def __init__(self, values):
        self.shape, self.dtype = values.shape, values.dtype
        self._values = values
        self.asked = []

    def __getitem__(self, where):
        self.asked.append(where)
        return self._values[where]


VALUES = np.arange(24, dtype=">f4").reshape(2, 3, 4)


def test_only_slices_are_read():
    stored = Stored(VALUES)
    source = read_cube(stored).source
    assert isinstance(source, StoredSource)
    assert not stored.asked
    where = (slice(1, 2), slice(None), slice(0, 2))
    np.testing.assert_array_equal(source.read(where), VALUES[where])
    assert stored.asked == [where]
    np.testing.assert_array_equal(whole(source), VALUES)
    assert source.identity() == read_cube(Stored(VALUES)).source.identity()
    assert source.identity() != read_cube(Stored(VALUES + 1)).source.identity()
    assert (source.chunks, source.is_light) == (None, False)


def test_what_is_in_memory_is_not_stored():
    for values in (VALUES, np.ma.array(VALUES), np.float64(1.0), [1.0, 2.0], 3.0):
        assert not is_stored(values)
    assert is_stored(Stored(VALUES))
