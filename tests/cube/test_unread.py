"""Data that cannot be read in mid-run: what was found stays, the rest is tried again."""

import numpy as np
import pytest

import graphfit as gf
from tests.cube.line_cases import NOISE, V, cube, model


class Disk:
    """A cube on a disk with a bad patch, until it is mended."""

    def __init__(self, values, bad_rows):
        self.values, self.bad_rows, self.is_mended = values, bad_rows, False
        self.good_reads = 0
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, where):
        y = range(*where[1].indices(self.shape[1]))
        self.good_reads -= 1
        if self.good_reads < 0 and not self.is_mended and set(y) & self.bad_rows:
            raise OSError("bad sector")
        return self.values[where]


def lazy(disk):
    import dask.array as da

    return da.from_array(disk, chunks=(-1, 1, -1), name=False, asarray=False)


SETTINGS = {"noise": NOISE, "world": V, "fitting_axes": 0, "chunk_n_max": 4}


@pytest.mark.parametrize("search", [gf.LevenbergMarquardt(), gf.LBFGS(seed=1)])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_what_could_be_read_is_kept(search, scheduler):
    values = cube(4, 4)
    disk = Disk(values, {1})
    with pytest.warns(gf.DataWarning, match="were not reached.*bad sector.*store="):
        fit = gf.fit_cube(
            model(), search, data=lazy(disk), scheduler=scheduler, **SETTINGS
        )
    status = fit["status"].values
    assert (status[1] == gf.Status.NOT_REACHED).all()
    assert (np.delete(status, 1, axis=0) < 20).all()
    assert any("bad sector" in note["text"] for note in fit.notes)
    assert fit.facts["warnings"]


def test_a_store_tries_it_again(tmp_path):
    values = cube(4, 4)
    disk = Disk(values, {0, 2})
    data, store = lazy(disk), tmp_path / "run.zarr"
    search = gf.LevenbergMarquardt()
    with pytest.raises(gf.GraphfitError, match="data could not be read: OSError: bad"):
        gf.fit_cube(model(), search, data=data, store=store, **SETTINGS)
    disk.good_reads = 4  # it goes bad when the store has seen it
    with pytest.warns(gf.DataWarning, match="bad sector"):
        gf.fit_cube(model(), search, data=data, store=store, **SETTINGS)
    disk.is_mended = True
    fit = gf.fit_cube(model(), search, data=data, store=store, **SETTINGS)
    whole = gf.fit_cube(model(), search, data=values, **SETTINGS)
    for name in whole.names:
        np.testing.assert_array_equal(fit[name].values, whole[name].values)


def test_nothing_to_read_is_an_error():
    values = cube(4, 4)
    disk = Disk(values, set(range(values.shape[1])))
    with pytest.raises(
        gf.GraphfitError, match="could not be read. OSError: bad sector"
    ):
        gf.fit_cube(model(), gf.LevenbergMarquardt(), data=lazy(disk), **SETTINGS)
