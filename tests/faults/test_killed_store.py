"""A store whose writer dies at any moment: what was acknowledged is there, nothing half."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphfit.io.cube_store import read_store
from graphfit.io.store_lock import StoreLock
from tests.faults import filling_store
from tests.io.store_cases import assert_maps, blank, open_store, part_of, truth

ROOT = Path(__file__).resolve().parents[2]


def assert_nothing_half(path, whole):
    """Check what a reader sees: pixels that count are right in every map."""
    maps, _ = read_store(path)
    done = maps.arrays["status"][...] != 25
    for spec in maps.specs:
        found = maps.arrays[spec.name][...]
        np.testing.assert_array_equal(found[done], whole[spec.name][done])
        # Others may show a value that their status does not vouch for yet, never junk.
        odd = found[~done] != whole[spec.name][~done]
        empty = blank(maps.shape, maps.specs)[spec.name][~done]
        np.testing.assert_array_equal(found[~done][odd], empty[odd])
    return done


@pytest.mark.distributed
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks its writers")
def test_writers_killed_at_random_moments(tmp_path):
    command = [sys.executable, filling_store.__file__, tmp_path, "25", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environment)
    path, whole = tmp_path / "run.zarr", truth(filling_store.SHAPE)
    assert_nothing_half(path, whole)
    content = (tmp_path / "acknowledged").read_bytes()
    acknowledged = np.zeros(filling_store.SHAPE, dtype=bool)
    for rows, columns in np.frombuffer(content, "<i2").reshape(-1, 2, 2):
        acknowledged[slice(*rows), slice(*columns)] = True
    assert acknowledged.any()
    with open_store(path, filling_store.SHAPE, filling_store.TILE) as store:
        assert not store.pending[acknowledged].any()
        np.testing.assert_array_equal(assert_nothing_half(path, whole), ~store.pending)
    assert not [p for p in path.rglob("*") if p.name.endswith((".part", "journal"))]


class Killed(BaseException):
    """The process is no more."""


def nothing(descriptor):
    """In place of os.fsync."""


class Death:
    """From the n-th change of the disk on, none arrives; the n-th may arrive in half."""

    def __init__(self, monkeypatch, moment):
        self.left = moment
        for place, name in [
            (os, "write"),
            (os, "fsync"),
            (os, "ftruncate"),
            (Path, "replace"),
            (Path, "rename"),
            (Path, "unlink"),
        ]:
            monkeypatch.setattr(place, name, self.deadly(getattr(place, name)))

    def deadly(self, operation):
        def call(first, *rest, **options):
            self.left -= 1
            if self.left == 0 and operation.__name__ == "write":
                operation(first, rest[0][: len(rest[0]) // 2])
            if self.left <= 0:
                raise Killed
            return operation(first, *rest, **options)

        return call


@settings(max_examples=25)
@given(st.data())
def test_death_between_any_two_changes_of_the_disk(data):
    shape, tile = (5, 6), data.draw(st.sampled_from([(2, 3), (5, 6), (1, 2)]))
    memory_limit = data.draw(st.sampled_from([0, 200, 2**20]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    whole, acknowledged = truth(shape), np.zeros(shape, dtype=bool)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as quick:
        # A moment to die at; the machine stays on, so nothing need reach the disk.
        quick.setattr(os, "fsync", nothing)
        path = Path(folder) / "run.zarr"
        open_store(path, shape, tile).close()
        for _ in range(3):
            with pytest.MonkeyPatch.context() as patch:
                Death(patch, data.draw(st.integers(1, 120)))
                patch.setattr(StoreLock, "release", lambda lock: None)
                with pytest.raises(Killed):
                    fill(path, shape, tile, memory_limit, rng, whole, acknowledged)
            (path / "status" / "lock").unlink(missing_ok=True)  # its holder is no more
            done = assert_nothing_half(path, whole)
        store = open_store(path, shape, tile)
        assert not store.pending[acknowledged | done].any()
        np.testing.assert_array_equal(assert_nothing_half(path, whole), ~store.pending)
        store.write((slice(None), slice(None)), whole)
        store.close()
        assert_maps(read_store(path)[0], np.ones(shape, dtype=bool), whole)


def fill(path, shape, tile, memory_limit, rng, whole, acknowledged):
    store = open_store(path, shape, tile, memory_limit=memory_limit)
    try:
        while True:
            limits = [np.sort(rng.integers(0, n + 1, 2)) for n in shape]
            region = tuple(slice(int(a), int(b)) for a, b in limits)
            taken = rng.random(acknowledged[region].shape) < 0.7
            store.write(region, part_of(whole, region), taken)
            acknowledged[region] |= taken
            if rng.random() < 0.3:
                store.flush()
            if not store.pending.any():
                raise Killed
    finally:
        if rng.random() < 0.5:
            store.close()  # as `with` would, on the way out of a dying process
