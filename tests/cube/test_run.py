"""A run: what is fitted once stays fitted, and pieces are small enough to be sent."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.cube.fitting.worker import Piece
from graphfit.cube.run import SENT_BYTES
from tests.cube.line_cases import SEED, line, model
from tests.faults.cube_run import MASKED, SHAPE, counts, run

once = np.ones(SHAPE, dtype=int)
once[MASKED] = 0


def after(count):
    return lambda seen: sum(seen.values()) >= count


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_resume_with_other_chunks_repeats_no_pixel(scheduler, tmp_path):
    """Pieces of the second run hold pixels of the first; they are passed over."""
    store, log = tmp_path / "run.zarr", tmp_path / "begun"
    options = {"store": store, "pause": 0.0}
    first = run(scheduler, log, chunk_n_max=3, stop=after(11), **options)
    assert "not_reached" in first.counts()
    second = run(scheduler, log, chunk_n_max=5, stop=after(12), **options)
    assert "not_reached" in second.counts()
    third = run(scheduler, log, **options)
    np.testing.assert_array_equal(counts(log), once)
    whole = run("synchronous", tmp_path / "other", pause=0.0)
    for name in whole.names:
        np.testing.assert_array_equal(third[name], whole[name])
    pixels = [found.facts["pixels"] for found in (first, second, third)]
    assert sum(pixels) == once.size
    assert all(pixels)


def test_priority_decides_what_comes_first(tmp_path):
    wanted = np.arange(float(once.size)).reshape(SHAPE)
    wanted[2, 3] = np.nan  # comes last
    found = run(
        "synchronous",
        tmp_path / "begun",
        pause=0.0,
        priority=wanted,
        stop=after(5),
    )
    done = np.argwhere(found["status"].values != 25)
    np.testing.assert_array_equal(done, [[5, 2], [5, 3], [5, 4], [5, 5], [5, 6]])


def test_halves_of_a_piece_share_what_is_to_be_passed_over():
    skip = np.arange(12).reshape(3, 4) % 2 == 0
    piece = Piece((slice(5, 8), slice(2, 6)), skip=skip)
    left, right = piece.halves()
    assert left.region == (slice(5, 8), slice(2, 4))
    assert right.region == (slice(5, 8), slice(4, 6))
    np.testing.assert_array_equal(left.skip, skip[:, :2])
    np.testing.assert_array_equal(right.skip, skip[:, 2:])
    assert Piece((slice(3, 4), slice(0, 1))).halves() == ()


@pytest.mark.distributed
def test_large_cubes_in_memory_are_sent_in_small_pieces():
    """dask warns of large ones, and a warning is an error here."""
    from distributed import Client, LocalCluster

    x = np.linspace(-5.0, 5.0, 1000)
    side = int(np.sqrt(5 * SENT_BYTES / x.nbytes))
    means = np.linspace(-1.0, 1.0, side * side).reshape(side, side)
    data = line(x[:, None, None], 2.0, means, 1.0)
    with (
        LocalCluster(1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        found = gf.fit_cube(
            model(),
            gf.LevenbergMarquardt(seed=SEED),
            data=data,
            noise=0.1,
            world=x,
            scheduler=client,
        )
    np.testing.assert_allclose(found["mean"].values, means, atol=1e-3)
