"""RowEngine: which pixels are fitted with which cubes, and what of it is written."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphfit as gf
from graphfit.cube.fitting.factor_cube import FactorRows
from graphfit.cube.fitting.map_table import Wanted
from graphfit.cube.fitting.row_engine import RowEngine, grouped
from graphfit.cube.fitting.row_graph import RowGraph
from graphfit.cube.fitting.rows import RegionRows
from graphfit.cube.problem import cube_problem
from graphfit.samples import Status
from graphfit.search.least_squares.arguments import CurveData
from tests.cube.line_cases import NOISE, SEED, V, cube, model

LEAST = gf.LevenbergMarquardt(seed=SEED)


def rows_of(masks, *, masked=None, numbers=(), bad_noise=None, bad_counts=None):
    """Rows of cubes of two points; `masks` says which pixels of each hold no data."""
    count = len(masks[0])
    factors = {}
    for i, gone in enumerate(masks):
        hidden = np.repeat(np.array(gone, dtype=bool)[:, None], 2, axis=1)
        data = CurveData(
            (count,), np.ones((count, 2)), None, hidden, (np.ones((1, 2)),)
        )
        first = i == 0
        factors[f"c{i}"] = FactorRows(
            data, bad_noise if first else None, bad_counts if first else None
        )
    return RegionRows((slice(0, count),), factors, {}, numbers, masked)


def slow_groups(masks):
    """Which cubes hold data, pixel by pixel."""
    groups = {}
    for row in range(len(masks[0])):
        keys = tuple(f"c{i}" for i, gone in enumerate(masks) if not gone[row])
        if keys:
            groups.setdefault(keys, []).append(row)
    return groups


@given(
    st.integers(1, 5).flatmap(
        lambda rows: st.lists(
            st.lists(st.booleans(), min_size=rows, max_size=rows),
            min_size=1, max_size=20,
        )
    )
)  # fmt: skip
def test_rows_are_grouped_by_the_cubes_that_hold_data(masks):
    status, groups = grouped(rows_of(masks))
    assert {key: where.tolist() for key, where in groups.items()} == slow_groups(masks)
    assert (status == Status.MASKED).all()


def test_what_is_not_fitted_has_its_reason():
    gone = [[False, True, False, False, False, False]]
    yes = np.zeros(6, dtype=bool)
    noise, counts, masked = yes.copy(), yes.copy(), yes.copy()
    noise[2] = counts[3] = masked[4] = True
    numbers = np.array([1.0, 1.0, 1.0, 1.0, 1.0, np.nan])
    rows = rows_of(
        gone, masked=masked, numbers=(numbers,), bad_noise=noise, bad_counts=counts
    )
    status, groups = grouped(rows)
    assert groups["c0",].tolist() == [0]
    assert [Status(code) for code in status[1:]] == [
        Status.MASKED, Status.BAD_NOISE, Status.NON_FINITE, Status.MASKED, Status.BAD_START,
    ]  # fmt: skip


def test_rows_without_anything_odd_are_one_group():
    rows = rows_of([[False, False]])
    plain = CurveData((2,), np.ones((2, 2)), None, None, (np.ones((1, 2)),))
    rows = RegionRows(rows.region, {"c0": FactorRows(plain)}, {}, ())
    status, groups = grouped(rows)
    assert status is None
    assert groups["c0",].tolist() == [0, 1]


def problem(data, own=None, **options):
    analysis = gf.CubeAnalysis(data, NOISE, world=V, **options)
    return cube_problem(
        own or model(), LEAST, analysis, start=None, wanted=Wanted(), time_limit=None,
        seed=SEED,
    )  # fmt: skip


def test_the_arrays_are_those_of_the_table():
    data = cube(2, 3)
    data[:, 0, 0] = np.nan
    found = problem(data)
    rows = found.reader.read((slice(0, 2), slice(0, 3)))
    written = RowEngine(found.model, RowGraph(found.model)).fit(rows)
    table = {spec.name: spec for spec in found.model.table}
    assert set(written) == set(table)
    for name, values in written.items():
        assert values.shape == (6, *table[name].shape), name


@pytest.mark.parametrize("holes", [False, True])
def test_a_part_of_the_rows_has_the_same_bits(holes):
    data = cube(3, 4)
    if holes:
        data[:, 1, 1] = np.nan
    found = problem(
        data, model(stddev=gf.pixel_map(np.linspace(0.6, 1.2, 12).reshape(3, 4)))
    )
    sent = pickle.loads(pickle.dumps(found.model))
    engine = RowEngine(sent, RowGraph(sent))
    rows = found.reader.read((slice(0, 3), slice(0, 4)))
    whole = engine.fit(rows)
    region = (slice(1, 3), slice(1, 2))
    part = engine.fit(pickle.loads(pickle.dumps(rows.part(region))))
    own = np.arange(12).reshape(3, 4)[region].ravel()
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][own], err_msg=name)


def test_the_kernels_take_theta_and_the_numbers_of_maps():
    width = gf.pixel_map(np.array([0.7, 0.9]))
    found = problem(cube(2), model(stddev=width))
    engine = RowGraph(found.model)
    theta = np.array([[2.0, 0.1], [3.0, -0.1]])
    numbers = (np.array([0.7, 0.9]),)
    whole = engine.global_theta(("0",), theta, numbers)
    names = engine.problem(("0",)).program.space.names
    by_name = dict(zip(names, whole.T, strict=True))
    np.testing.assert_array_equal(by_name["amplitude"], [2.0, 3.0])
    np.testing.assert_array_equal(by_name["stddev"], [0.7, 0.9])
    assert engine.problem(("0",)).parameter_names == ("amplitude", "mean")
    assert engine.fits_rows
