import numpy as np
import pytest

from graphfit.errors import ResultError
from graphfit.plot.cube_maps import maps
from graphfit.plot.map_panel import REDUCED
from graphfit.plot.sky_axes import orientation
from graphfit.plot.status_map import COLOURS
from graphfit.result.cube_result import CubeResult
from graphfit.samples import MapSpec, PixelMaps, Status
from graphfit.samples.map_counts import answered
from graphfit.samples.map_grid import MapGrid
from tests.simulated_maps import PARAMETERS, SHAPE, SKY, simulated


@pytest.fixture(scope="module")
def result():
    return simulated()


def turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {**SKY, "PC1_1": c, "PC1_2": -s, "PC2_1": s, "PC2_2": c}


def exchanged():
    sky = dict(SKY)
    for key in ("CTYPE", "CRVAL", "CDELT", "CUNIT"):
        sky[f"{key}1"], sky[f"{key}2"] = SKY[f"{key}2"], SKY[f"{key}1"]
    return sky


SKIES = {
    "as usual": SKY,
    "upside down": {**SKY, "CDELT2": -SKY["CDELT2"]},
    "mirrored": {**SKY, "CDELT1": -SKY["CDELT1"]},
    "latitude first": exchanged(),
    "across the zero": {**SKY, "CRVAL1": 0.0},
    "galactic": {**SKY, "CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL2": 0.0},
    **{f"turned by {angle}": turned(angle) for angle in (10, 90, 170, -100)},
}


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_parameters_errors_quality_and_status(result, tmp_path):
    figure = maps(result, title="A field", path=tmp_path / "maps.png")
    errors = [f"{name}_error" for name in PARAMETERS]
    rest = ["reduced χ²", "evaluations", "status"]
    assert titles(figure) == [*PARAMETERS, *errors, *rest]
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (3, 3)  # an error is below its parameter
    assert figure.get_suptitle() == "A field"
    assert (tmp_path / "maps.png").exists()


def test_pixels_without_an_answer_are_blank(result):
    figure = maps(result, ["mean"])
    image = figure.axes[0].images[0].get_array()
    good = answered(result.record)
    np.testing.assert_array_equal(image.mask, ~good)
    np.testing.assert_array_equal(
        np.asarray(image)[good], result.record.arrays["mean"][good]
    )
    assert figure.get_supxlabel() == "Grey: no answer there."


def bars(figure, i=0):
    return figure.axes[i].child_axes


def test_colour_bars_have_units(result):
    figure = maps(result, ["mean", "chi_squared"])
    assert bars(figure)[0].get_ylabel() == "km / s"
    assert bars(figure, 1)[0].get_ylabel() == ""


def test_colours_span_the_central_pixels(result):
    norm = maps(result, ["amplitude"]).axes[0].images[0].norm
    values = result.record.arrays["amplitude"][answered(result.record)]
    assert (norm.vmin, norm.vmax) == pytest.approx(
        tuple(np.percentile(values, [1, 99]))
    )


def field(**arrays):
    shape = next(iter(arrays.values())).shape
    specs = [MapSpec(name, "f8", np.nan, "A map.") for name in arrays]
    return CubeResult(
        PixelMaps(shape, tuple(specs), arrays), MapGrid(("y", "x"), shape), {}
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.geomspace(1.0, 1e5, 12), "LogNorm"),
        (np.linspace(1.0, 90.0, 12), "Normalize"),
        (np.linspace(-1.0, 1e5, 12), "Normalize"),
        (np.full(12, 3.0), "Normalize"),
        (np.zeros(12), "Normalize"),
        (np.full(12, np.nan), "Normalize"),
        (np.array([5.0, *[np.nan] * 11]), "Normalize"),
    ],
)
def test_scales(values, kind):
    figure = maps(field(a=values.reshape(3, 4)), ["a"])
    norm = figure.axes[0].images[0].norm
    assert type(norm).__name__ == kind
    assert norm.vmin < norm.vmax
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == (["no answers"] if np.isnan(values).all() else [])


@pytest.mark.parametrize("spread", [1.2, 50.0])
def test_white_is_a_reduced_chi_squared_of_one(spread):
    chi = np.geomspace(0.9, spread, 20).reshape(4, 5)
    norm = maps(field(chi_squared=chi), [REDUCED]).axes[0].images[0].norm
    assert norm(1.0) == pytest.approx(0.5)


def test_statuses_are_categories_with_counts(result):
    axes = maps(result, ["status"]).axes[0]
    names = [text.get_text() for text in axes.child_axes[0].get_yticklabels()]
    assert names == [
        "converged 161",
        "at bound 2",
        "out of evaluations 1",
        "diverging 6",
        "masked 9",
        "user error 1",
    ]
    colours = axes.images[0].to_rgba(axes.images[0].get_array(), bytes=True)[..., :3]
    for status in np.unique(result.record.arrays["status"]):
        seen = colours[result.record.arrays["status"] == status]
        assert "#" + bytes(seen[0]).hex() == COLOURS[Status(status)]
        assert (seen == seen[0]).all()


def test_every_status_has_its_colour():
    assert set(COLOURS) == set(Status)
    assert len(set(COLOURS.values())) == len(Status)


@pytest.mark.parametrize("sky", SKIES.values(), ids=SKIES)
def test_north_is_up_and_east_is_left(sky):
    """The pixels of highest latitude are drawn at the top, of longitude at the left."""
    result = simulated(header=sky)
    axes = maps(result, ["mean"]).axes[0]
    axes.figure.canvas.draw()
    turn = orientation(result.grid)
    names = [str(sky[f"CTYPE{i}"])[:4].strip("-").lower() for i in (1, 2)]
    longitude, latitude = sorted(names, key=lambda name: name[-3:] not in ("ra", "lon"))
    coordinates = result.maps
    middle = (slice(5, 7), slice(7, 9))
    lon = (coordinates[longitude].values[middle] + 180.0) % 360.0 - 180.0
    images = [turn.turned(a) for a in (lon, coordinates[latitude].values[middle])]
    spots = axes.transData.transform([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
    right, up = spots[1] - spots[0], spots[2] - spots[0]
    lon, lat = images
    assert (lat[1, 0] - lat[0, 0]) * up[1] > 0
    assert (lon[0, 1] - lon[0, 0]) * right[0] < 0


@pytest.mark.parametrize(
    ("angle", "letters"), [(0, set()), (2, set()), (25, {"N", "E"})]
)
def test_a_turned_map_has_a_compass(angle, letters):
    axes = maps(simulated(header=turned(angle)), ["mean"]).axes[0]
    assert {text.get_text() for text in axes.texts} == letters


def test_without_a_sky_axes_count_pixels():
    figure = maps(simulated(header=None), ["mean", "stddev"])
    first, second = figure.axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("x (pixel)", "y (pixel)")
    assert (second.get_xlabel(), second.get_ylabel()) == ("x (pixel)", "")


def flat():
    whole = simulated(header=None)
    arrays = {
        name: array.reshape(-1, *array.shape[2:])
        for name, array in whole.record.arrays.items()
    }
    record = PixelMaps((180,), whole.record.specs, arrays)
    return CubeResult(record, MapGrid(("pixel",), (180,)), whole.facts)


def test_maps_of_one_axis_are_points():
    result = flat()
    figure = maps(result, ["mean", REDUCED, "status"])
    line = figure.axes[0].lines[0]
    good = answered(result.record)
    np.testing.assert_array_equal(line.get_ydata(), result.record.arrays["mean"][good])
    assert figure.axes[0].get_ylabel() == "km / s"
    assert figure.axes[0].get_xlabel() == "pixel (number)"
    names = [text.get_text() for text in figure.axes[2].get_yticklabels()]
    assert names[0] == "converged"


def test_a_plane_of_maps_of_three_axes():
    values = np.arange(2.0 * 3 * 4).reshape(2, 3, 4)
    record = PixelMaps((2, 3, 4), (MapSpec("a", "f8", 0, "A."),), {"a": values})
    result = CubeResult(record, MapGrid(("z", "y", "x"), (2, 3, 4)), {})
    image = maps(result, ["a"], plane=(1,)).axes[0].images[0].get_array()
    np.testing.assert_array_equal(image, values[1])
    for plane in ((), (2,), (0, 0)):
        with pytest.raises(ResultError, match="give plane= with 1 indices inside it"):
            maps(result, ["a"], plane=plane)


def test_a_single_fit_has_no_maps():
    record = PixelMaps((), (MapSpec("a", "f8", 0, "A."),), {"a": np.array(1.0)})
    with pytest.raises(ResultError, match="draws maps of one or two axes"):
        maps(CubeResult(record, MapGrid((), ()), {}), ["a"])


def test_names_that_cannot_be_drawn(result):
    with pytest.raises(ResultError, match="Did you mean 'amplitude'"):
        maps(result, ["amplitud"])
    with pytest.raises(ResultError, match=r"'covariance' has the further axes"):
        maps(result, ["covariance"])
    with pytest.raises(ResultError, match="needs at least one map"):
        maps(result, [])


def test_a_result_that_was_read_back_is_drawn(result, tmp_path):
    result.to_zarr(tmp_path / "maps.zarr")
    found = CubeResult.open(tmp_path / "maps.zarr")
    assert titles(maps(found)) == titles(maps(result))
    assert found.shape == SHAPE
