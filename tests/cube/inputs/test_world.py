"""World axes: from a WCS, from coordinates, from arrays; shared or varying over the map."""

import math
import pickle
import re
import time

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import NDData
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from graphfit.cube.inputs.grid import output_grid
from graphfit.cube.inputs.reading import read_cube
from graphfit.cube.inputs.wcs_axes import wcs_axes
from graphfit.cube.inputs.world import World, default_fitting_axes, world_axes
from graphfit.cube.inputs.world_axis import world_axis
from graphfit.errors import DataError, DataWarning
from graphfit.io.fingerprint import fingerprint
from tests.cube.cube_cases import CARDS, l1448, slices, wcs, whole

SHAPE = (4, 3, 5)
ZEROS = np.zeros(SHAPE)
EVERYTHING = (slice(None),) * 3
CELL = (slice(1, 3), slice(0, 2), slice(2, 4))


def cube(**options):
    return read_cube(NDData(ZEROS, **options))


def slow_read(world_of_voxel, fitting, where, shape=SHAPE):
    """The rows of one world axis, voxel by voxel: the obvious way."""
    lengths = [range(*cut.indices(n)) for cut, n in zip(where, shape, strict=True)]
    iterating = [axis for axis in range(len(shape)) if axis not in fitting]
    pixels = [range(len(lengths[axis])) for axis in iterating]
    rows = []
    for pixel in np.ndindex(*[len(p) for p in pixels]):
        row = []
        for point in np.ndindex(*[shape[axis] for axis in fitting]):
            index = [0] * len(shape)
            for axis, i in zip(iterating, pixel, strict=True):
                index[axis] = lengths[axis][i]
            for axis, i in zip(fitting, point, strict=True):
                index[axis] = i
            row.append(world_of_voxel(tuple(index)))
        rows.append(row)
    return np.array(rows, dtype=float)


# --- where it comes from -----------------------------------------------------------


def test_pixels_are_counted_where_nothing_else_is_known():
    world = world_axes(None, read_cube(ZEROS), -1)
    assert (world.units, world.names, world.fitting_axes) == (("",), ("axis_2",), (2,))
    assert world.is_shared
    np.testing.assert_array_equal(world.read(CELL)[0], [np.arange(5.0)])


def test_the_spectral_axis_of_a_wcs_is_evaluated_once():
    world = world_axes(None, cube(wcs=wcs()), 0)
    assert world.names == ("velocity",)
    assert world.units == ("m / s",)
    assert world.is_shared
    # wcslib: SI units, and pixel 1 of FITS is pixel 0 here.
    np.testing.assert_allclose(
        world.read(CELL)[0], [[2100.0, 2200.0, 2300.0, 2400.0]], rtol=1e-14
    )
    assert world.sources[0].source.array.shape == (4,)


def test_a_wcs_may_be_given():
    world = world_axes(wcs(), read_cube(ZEROS), 0)
    assert world.names == ("velocity",)
    np.testing.assert_allclose(world.read(CELL)[0][0, 0], 2100.0)


def test_a_wcs_of_the_fitting_axis_alone_may_be_given():
    world = world_axes(wcs().spectral, read_cube(ZEROS.T), -1)
    assert world.is_shared
    np.testing.assert_allclose(world.read(EVERYTHING)[0][0, 0], 2100.0)


def test_a_wcs_of_other_axes_is_refused():
    with pytest.raises(DataError, match="data: the WCS has 2 pixel axes and the data"):
        world_axes(wcs().celestial, read_cube(ZEROS), 0)


def test_coordinates_of_xarray():
    import xarray

    coords = {"velocity": ("velocity", [1.0, 2.0, 4.0, 8.0], {"units": "km/s"})}
    data = xarray.DataArray(ZEROS, dims=("velocity", "y", "x"), coords=coords)
    world = world_axes(None, read_cube(data), 0)
    assert (world.names, world.units) == (("velocity",), ("km / s",))
    np.testing.assert_array_equal(world.read(CELL)[0], [[1.0, 2.0, 4.0, 8.0]])
    assert world_axes(None, read_cube(data), 1).names == ("y",)


def test_coordinates_that_are_no_numbers_are_left_out_with_a_warning():
    import xarray

    data = xarray.DataArray(np.zeros(2), dims=("t",), coords={"t": ["a", "b"]})
    with pytest.warns(DataWarning, match="data.t holds no numbers"):
        world = world_axes(None, read_cube(data), 0)
    np.testing.assert_array_equal(world.read((slice(None),))[0], [[0.0, 1.0]])


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        ([1.0, 2.0, 4.0, 8.0], ""),
        (np.array([1, 2, 4, 8]), ""),
        ([1.0, 2.0, 4.0, 8.0] * u.km / u.s, "km / s"),
        ((np.array([1.0, 2.0, 4.0, 8.0]),), ""),
        (np.array([1.0, 2.0, 4.0, 8.0]).reshape(4, 1, 1), ""),
    ],
    ids=["list", "integers", "Quantity", "tuple", "columns"],
)
def test_an_axis_may_be_given(given, unit):
    world = world_axes(given, cube(wcs=wcs()), 0)
    assert world.is_shared
    assert world.names == ("velocity",)
    assert world.units == (unit,)
    np.testing.assert_array_equal(world.read(CELL)[0], [[1.0, 2.0, 4.0, 8.0]])


# --- varying over the map ----------------------------------------------------------


@given(where=slices(SHAPE), axes=st.permutations(range(3)), count=st.integers(1, 3))
def test_arrays_over_the_cube_are_read_voxel_by_voxel(where, axes, count):
    fitting = tuple(axes[:count])
    rng = np.random.default_rng(5)
    arrays = tuple(rng.normal(size=SHAPE) for _ in fitting)
    world = world_axes(arrays, read_cube(ZEROS), fitting)
    for read, array in zip(world.read(where), arrays, strict=True):
        expected = slow_read(lambda index: array[index], fitting, where)  # noqa: B023
        np.testing.assert_array_equal(read, expected)


def test_an_array_that_varies_along_some_axes_is_broadcast():
    array = np.random.default_rng(5).normal(size=(4, 1, 5))
    world = world_axes(array, read_cube(ZEROS), 0)
    assert not world.is_shared
    expected = slow_read(lambda i: array[i[0], 0, i[2]], (0,), CELL)
    np.testing.assert_array_equal(world.read(CELL)[0], expected)


def test_one_shared_and_one_varying_axis_have_one_shape():
    varying = np.random.default_rng(5).normal(size=SHAPE)
    world = world_axes((np.arange(4.0), varying), read_cube(ZEROS), (0, 1))
    assert not world.is_shared
    first, second = world.read(CELL)
    assert first.shape == second.shape == (2, 12)
    assert first.strides[0] == 0  # repeated, not expanded
    np.testing.assert_array_equal(first[0], np.repeat(np.arange(4.0), 3))


def test_arrays_over_a_plane_of_fits():
    cube_last = read_cube(np.zeros((3, 5, 4)))  # one fit over axes 0 and 1
    y, x = np.mgrid[:3, :5].astype(float)
    world = world_axes((y, x), cube_last, (0, 1))
    assert world.is_shared
    read = world.read((slice(None), slice(None), slice(1, 2)))
    np.testing.assert_array_equal(read[0], [y.ravel()])
    np.testing.assert_array_equal(read[1], [x.ravel()])


def test_the_order_of_the_fitting_axes_is_that_of_the_points():
    world = world_axes(None, read_cube(ZEROS), (2, 0))
    first, second = world.read(CELL)
    np.testing.assert_array_equal(first, [np.repeat(np.arange(5.0), 4)])
    np.testing.assert_array_equal(second, [np.tile(np.arange(4.0), 5)])


def test_a_plane_of_sky_is_the_same_in_every_channel():
    world = world_axes(None, cube(wcs=wcs()), (1, 2))
    assert world.is_shared
    assert world.names == ("dec", "ra")
    dec, ra = world.read(CELL)
    expected = [
        wcs().pixel_to_world_values(x, y, 0)[:2] for y in range(3) for x in range(5)
    ]
    np.testing.assert_array_equal(dec[0], [value[1] for value in expected])
    np.testing.assert_array_equal(ra[0], [value[0] for value in expected])


def test_no_coordinate_is_taken_twice():
    """Two axes of the array on which the same two coordinates depend, not the third."""
    tilted = wcs(PC3_1=0.5, PC1_3=0.1, CTYPE1="LINEAR", CTYPE2="LINEAR")
    axes = wcs_axes(tilted, SHAPE, None, "data")
    assert axes.assigned((0, 2)) == (2, 0)
    assert axes.assigned((2, 0)) == (0, 2)
    # Both coordinates of the second pixel axis are of a lower number than it.
    turned = WCS(naxis=3)
    turned.wcs.cdelt = 1, 2, 3
    turned.wcs.pc = [[1, 0, 1], [0, 1, 1], [1, 0, 0]]
    axes = wcs_axes(turned, SHAPE, None, "data")
    assert axes.assigned((0, 2)) == (1, 0)
    assert axes.own(0) == 1


def test_a_world_is_taken_as_it_is():
    world = world_axes([1.0, 2.0, 3.0, 4.0], read_cube(ZEROS), 0)
    assert world_axes(world, read_cube(ZEROS), 0) is world


def test_rows_need_not_be_finite():
    blank = np.ones(SHAPE)
    blank[:, 0, 0] = np.nan
    axis = world_axis(blank, read_cube(ZEROS), 0, (0,))
    (rows,) = World.of([axis], SHAPE, (0,)).rows((slice(None),) * 3)
    assert np.isnan(rows[0]).all()
    assert np.isfinite(rows[1:]).all()


# A slit that is not straight: the velocity drifts along the map's rows.
DRIFTING = {"PC3_2": 0.5, "CTYPE1": "LINEAR", "CTYPE2": "LINEAR"}


@given(where=slices(SHAPE))
def test_a_wcs_axis_that_varies_is_evaluated_for_the_slice(where):
    varying = wcs(**DRIFTING)
    world = world_axes(varying, read_cube(ZEROS), 0)
    assert not world.is_shared
    expected = slow_read(
        lambda i: varying.pixel_to_world_values(i[2], i[1], i[0])[2], (0,), where
    )
    np.testing.assert_allclose(world.read(where)[0], expected, rtol=1e-14)
    copy = pickle.loads(pickle.dumps(world))
    np.testing.assert_allclose(copy.read(where)[0], expected, rtol=1e-14)


def test_dask_arrays_are_read_for_the_slice():
    import dask.array as da

    array = np.random.default_rng(5).normal(size=SHAPE)
    world = world_axes(da.from_array(array, chunks=(4, 1, 2)), read_cube(ZEROS), 0)
    expected = slow_read(lambda i: array[i], (0,), CELL)
    np.testing.assert_array_equal(world.read(CELL)[0], expected)


# --- units -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "unit", "expected"),
    [
        (None, "km/s", 2.1),
        ([1.0, 2.0, 4.0, 8.0] * u.GHz, "MHz", 1000.0),
        ([1.0, 2.0, 4.0, 8.0] * u.GHz, u.cm, 29.9792458),
        ([1.0, 2.0, 4.0, 8.0], "km / s", 1.0),
        (None, ("km/s",), 2.1),
    ],
)
def test_an_axis_in_another_unit(given, unit, expected):
    world = world_axes(given, cube(wcs=wcs()), 0, unit)
    wanted = unit[0] if isinstance(unit, tuple) else unit
    assert u.Unit(world.units[0]) == u.Unit(wanted)
    assert math.isclose(world.read(CELL)[0][0, 0], expected, rel_tol=1e-14)
    copy = pickle.loads(pickle.dumps(world))
    np.testing.assert_array_equal(copy.read(CELL)[0], world.read(CELL)[0])


def test_units_that_do_not_fit_are_refused():
    expected = (
        "data: world axis 'velocity' is in m / s, which cannot be converted to Hz; "
    )
    with pytest.raises(DataError, match=expected):
        world_axes(None, cube(wcs=wcs()), 0, "Hz")
    with pytest.raises(
        DataError, match="world axis 'velocity': the unit 'parsnips' cannot"
    ):
        world_axes(None, cube(wcs=wcs()), 0, "parsnips")


# --- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (
            np.arange(5.0),
            "has shape (5,); it must be one-dimensional with 4 values along",
        ),
        (
            np.zeros((4, 3)),
            "has shape (4, 3); it must be one-dimensional with 4 values",
        ),
        (3.0, "has shape (); it must be one-dimensional"),
        (
            [1.0, np.nan, 3.0, np.inf],
            "2 of 4 coordinates are not finite, the first at (1,)",
        ),
        (["a", "b", "c", "d"], "must hold real numbers, got values of type <U1."),
        (
            np.zeros(4, complex),
            "must hold real numbers, got values of type complex128.",
        ),
        (
            (np.arange(4.0), np.arange(3.0)),
            "world holds 2 entries for 1 fitting axes (0,)",
        ),
    ],
)
def test_what_is_no_world_axis_is_refused(world, message):
    with pytest.raises(DataError, match=re.escape(message)):
        world_axes(world, read_cube(ZEROS), 0)


def test_one_unit_for_two_axes_is_refused():
    with pytest.raises(DataError, match="unit holds 1 entries for 2 fitting axes"):
        world_axes(None, read_cube(ZEROS), (0, 1), ("m",))


def test_shared_coordinates_that_are_read_later_must_be_finite_too():
    import dask.array as da

    world = world_axes(da.from_array([1.0, np.nan, 3.0, 4.0]), read_cube(ZEROS), 0)
    with pytest.raises(DataError, match=re.escape("world axis 'axis_0': 1 of 4 coord")):
        world.read(CELL)


@pytest.mark.parametrize("is_lazy", [False, True])
def test_coordinates_that_vary_may_be_missing(is_lazy):
    import dask.array as da

    array = np.zeros(SHAPE)
    array[0, 1, 2] = np.nan
    given = da.from_array(array) if is_lazy else array
    world = world_axes(given, read_cube(ZEROS), 0)
    (rows,) = world.read((slice(None),) * 3)
    assert rows.shape == (15, 4)
    np.testing.assert_array_equal(np.argwhere(np.isnan(rows)), [[7, 0]])


def test_a_mask_of_coordinates_is_no_coordinate():
    hidden = np.arange(60).reshape(SHAPE) == 7
    world = world_axes(np.ma.array(ZEROS, mask=hidden), read_cube(ZEROS), 0)
    (rows,) = world.read((slice(None),) * 3)
    np.testing.assert_array_equal(np.argwhere(np.isnan(rows)), [[7, 0]])
    shared = np.ma.array([1, 2, 3, 4], mask=[0, 0, 1, 0])
    with pytest.raises(DataError, match="1 of 4 coordinates are not finite"):
        world_axes(shared, read_cube(ZEROS), 0).read(CELL)


def test_a_wcs_without_a_value_is_refused():
    broken = wcs()
    broken.wcs.crval = [50.0, 30.0, np.nan]
    with pytest.raises(
        DataError, match="world axis 'velocity': 4 of 4 coordinates are not"
    ):
        world_axes(broken, read_cube(ZEROS), 0)


# --- identity ----------------------------------------------------------------------


@pytest.mark.parametrize("cards", [{}, DRIFTING])
def test_identity_follows_the_coordinates(cards):
    def identity(**more):
        world = world_axes(wcs(**cards, **more), read_cube(ZEROS), 0)
        return fingerprint(world.identity())

    assert identity() == identity()
    assert identity() != identity(CRVAL3=2.5)
    assert identity() != fingerprint(world_axes(None, read_cube(ZEROS), 0).identity())


def test_a_world_is_light():
    shared = world_axes(None, cube(wcs=wcs()), 0)
    assert len(pickle.dumps(shared)) < 3000


# --- which axis a fit spans --------------------------------------------------------


def test_the_spectral_axis_is_fitted():
    assert default_fitting_axes(cube(wcs=wcs())) == (0,)
    swapped = wcs().sub([3, 1, 2])
    assert default_fitting_axes(cube(wcs=swapped)) == (2,)
    slit = wcs(CTYPE1="LINEAR", CTYPE2="LINEAR").sub([3, 1])
    assert default_fitting_axes(read_cube(NDData(ZEROS[0], wcs=slit))) == (1,)


@pytest.mark.parametrize("ctype", ["VELOCITY", "VLSR", "wavelength", "AWAV", "FREQ"])
def test_a_spectral_axis_is_known_by_ctype_too(ctype):
    unit = {"w": "m", "A": "m", "F": "Hz"}.get(ctype[0], "m/s")
    odd = wcs(CTYPE3=ctype, CUNIT3=unit)
    assert default_fitting_axes(cube(wcs=odd)) == (0,)
    assert world_axes(odd, cube(), 0).names[0] in (
        *("velocity", "vlsr", "wavelength", "frequency"),
    )


@pytest.mark.parametrize(
    ("dims", "expected"),
    [(("y", "velocity", "x"), 1), (("a", "b", "Wavelength"), 2), (("a", "b", "c"), 0)],
)
def test_an_axis_with_a_spectral_name_is_fitted(dims, expected):
    import xarray

    data = xarray.DataArray(ZEROS, dims=dims)
    assert default_fitting_axes(read_cube(data)) == (expected,)


def test_the_first_axis_is_fitted_where_nothing_is_known():
    assert default_fitting_axes(read_cube(ZEROS)) == (0,)
    assert default_fitting_axes(read_cube(NDData(ZEROS[0], wcs=wcs().celestial))) == (
        0,
    )


def test_a_wcs_without_a_spectral_axis_is_refused():
    times = wcs(CTYPE3="LINEAR", CUNIT3="s")
    with pytest.raises(
        DataError, match="data: the WCS has no spectral axis .its axes are"
    ):
        default_fitting_axes(cube(wcs=times))


# --- the real cube -----------------------------------------------------------------


def test_l1448():
    real = read_cube(l1448())
    assert default_fitting_axes(real) == (0,)
    world = world_axes(None, real, 0)
    assert (world.names, world.units) == (("velocity",), ("m / s",))
    (velocity,) = world.read(EVERYTHING)
    header = real.wcs.to_header()
    expected = (
        header["CRVAL3"] + (np.arange(1, 54) - header["CRPIX3"]) * header["CDELT3"]
    )
    np.testing.assert_allclose(velocity, [expected], rtol=1e-12)
    grid = output_grid(real, (1, 2))
    coordinates = grid.coordinates()
    assert list(coordinates) == ["ra", "dec"]
    ra, dec, _ = real.wcs.pixel_to_world_values(7, 3, 0)
    assert math.isclose(coordinates["ra"][1][3, 7], ra, rel_tol=1e-12)
    assert math.isclose(coordinates["dec"][1][3, 7], dec, rel_tol=1e-12)


def test_the_real_cube_is_looked_at_and_read_in_milliseconds():
    path = l1448()

    def look():
        start = time.perf_counter()
        real = read_cube(path)
        world_axes(None, real, default_fitting_axes(real)).read(EVERYTHING)
        output_grid(real, (1, 2))
        whole(real.source)
        return time.perf_counter() - start

    assert min(look() for _ in range(12)) < 0.015


def test_cards_of_the_cases_are_a_cube():
    assert wcs().pixel_n_dim == len({name[-1] for name in CARDS})
