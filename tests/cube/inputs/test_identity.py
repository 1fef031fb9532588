"""What tells sources from one another follows their values, and reads them in pieces."""

import tracemalloc

import dask.array as da
import numpy as np
import pytest

from graphfit.cube.inputs.dask_source import dask_source
from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.spectral_cube_source import SpectralCubeSource
from graphfit.cube.inputs.wcs_axes import WcsAxes
from graphfit.cube.inputs.wcs_source import WcsSource
from graphfit.io import values_digest
from graphfit.io.fingerprint import fingerprint
from tests.cube.cube_cases import wcs
from tests.cube.inputs.test_stored_source import Stored


def identity(data):
    return fingerprint(read_cube(data).source.identity())


def test_dask_data_that_were_written_anew(tmp_path):
    import zarr

    path = tmp_path / "a.zarr"
    found = []
    for value in (1.0, 2.0, 1.0):
        values = np.full((4, 3, 3), value)
        zarr.create_array(path, data=values, overwrite=True)
        lazy = da.from_zarr(path)
        found.append((lazy.name, identity(lazy), identity(lazy * 2.0)))
    (name, first, twice), (same_name, other, twice_other), again = found
    assert name == same_name  # the name is that of the path
    assert first != other
    assert twice != twice_other
    assert (name, first, twice) == again


def test_dask_arrays_are_told_apart_by_values_and_types():
    values = np.arange(60.0).reshape(3, 4, 5)
    same = {identity(da.from_array(a, chunks=2)) for a in (values, values.copy())}
    assert len(same) == 1
    others = (values + 1.0, values.astype("f4"), values[:2], values[::-1])
    assert len(same | {identity(da.from_array(a, chunks=2)) for a in others}) == 5
    swapped = values.astype(">f8")
    assert identity(da.from_array(swapped, chunks=2)) in same


def test_the_blocks_of_a_dask_array_are_not_held():
    def block(block_info=None):
        return np.full((1, 256, 256), block_info[None]["chunk-location"][0], float)

    lazy = da.map_blocks(block, chunks=((1,) * 40, (256,), (256,)), dtype=float) + 1.0
    source = dask_source(lazy)
    source.identity()
    tracemalloc.start()
    source.identity()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 256 * 256 * 8  # of 40 blocks


def test_stored_arrays_are_read_in_pieces(monkeypatch):
    monkeypatch.setattr(values_digest, "BLOCK_BYTES", 12 * 4)
    stored = Stored(np.arange(36, dtype="f4").reshape(3, 3, 4))
    read_cube(stored).source.identity()
    assert stored.asked == [
        (slice(i, i + 1), slice(0, 3), slice(0, 4)) for i in range(3)
    ]
    stored = Stored(np.arange(36, dtype="f4").reshape(3, 3, 4))
    stored.chunks = (3, 1, 4)  # as h5py has them
    read_cube(stored).source.identity()
    assert stored.asked == [
        (slice(0, 3), slice(i, i + 1), slice(0, 4)) for i in range(3)
    ]


def test_spectral_cubes_are_read_in_pieces(monkeypatch):
    spectral_cube = pytest.importorskip("spectral_cube")
    from astropy import units as u

    monkeypatch.setattr(values_digest, "BLOCK_BYTES", 15 * 8)
    values = np.arange(60.0).reshape(4, 3, 5)
    cube = spectral_cube.SpectralCube(values * u.K, wcs())
    found = {identity(cube), identity(cube), identity(cube + 1.0 * u.K)}
    assert len(found) == 2
    masks = [cube.with_mask(values > least) for least in (7.0, 8.0)]
    assert len({fingerprint(read_cube(m).mask.identity()) for m in masks}) == 2
    asked = []
    plain = SpectralCubeSource.read
    monkeypatch.setattr(
        SpectralCubeSource,
        "read",
        lambda self, where: asked.append(where) or plain(self, where),
    )
    identity(cube)
    assert [where[0] for where in asked] == [slice(i, i + 1) for i in range(4)]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 6, 7, 8, 11])
def test_a_wcs_is_told_by_its_corners_and_middle(length, monkeypatch):
    asked = []
    plain = WcsAxes.values

    def values(self, world, where):
        asked.append(where[1].start)
        return plain(self, world, where)

    monkeypatch.setattr(WcsAxes, "values", values)
    axes = WcsAxes(wcs(), (4, length, 3), (0, 1, 2))
    source = WcsSource(axes, 1)  # the declination
    assert fingerprint(source.identity()) == fingerprint(source.identity())
    assert set(asked) == {0, (length - 1) // 2, length - 1}
