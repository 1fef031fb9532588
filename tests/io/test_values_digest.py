"""Digests of values, block by block."""

import numpy as np
import pytest

from graphfit.io import values_digest
from graphfit.io.values_digest import block_digest, values_identity

VALUES = np.arange(60.0).reshape(3, 4, 5)


class Values:
    """An array that notes what is read of it."""

    def __init__(self, array):
        self.shape, self.dtype = array.shape, array.dtype
        self._array = array
        self.asked = []

    def read(self, where):
        part = self._array[where]
        self.asked.append(part.shape)
        return part


@pytest.mark.parametrize(
    ("room", "chunks", "blocks"),
    [
        (8, None, [(1, 1, 1)] * 60),
        (16, None, [(1, 1, 2), (1, 1, 2), (1, 1, 1)] * 12),
        (80, None, [(1, 2, 5)] * 6),
        (320, None, [(2, 4, 5), (1, 4, 5)]),
        (1000, None, [(3, 4, 5)]),
        (8, (2, 4, 5), [(2, 4, 5), (1, 4, 5)]),
        (160, (1, 2, 2), [(1, 4, 5)] * 3),
        (64, (1, 2, 2), [(1, 2, 4), (1, 2, 1)] * 6),
        (8, (9, 9, 9), [(3, 4, 5)]),
    ],
)
def test_every_value_is_read_once_in_blocks(monkeypatch, room, chunks, blocks):
    monkeypatch.setattr(values_digest, "BLOCK_BYTES", room)
    values = Values(VALUES)
    found = values_identity(values, chunks)
    assert values.asked == blocks
    for place in np.ndindex(VALUES.shape):
        other = VALUES.copy()
        other[place] += 1.0
        assert values_identity(Values(other), chunks) != found
    assert values_identity(Values(VALUES.copy()), chunks) == found


def test_layout_and_byte_order_do_not_count():
    expected = block_digest(VALUES, np.dtype("f8"))
    assert len(expected) == 16
    for same in (np.asfortranarray(VALUES), VALUES.astype(">f8"), VALUES[::1]):
        assert block_digest(same, np.dtype("f8")) == expected
    assert block_digest(VALUES.swapaxes(0, 1), np.dtype("f8")) != expected


def test_shape_and_type_count():
    zeros = np.zeros((2, 3), dtype="f8")
    found = {
        values_identity(Values(a))
        for a in (zeros, zeros.T, zeros.astype("f4"), zeros.astype("i8"), zeros[0])
    }
    assert len(found) == 5


def test_one_number():
    one, other = np.array(1.0), np.array(2.0)
    assert values_identity(Values(one)) != values_identity(Values(other))
