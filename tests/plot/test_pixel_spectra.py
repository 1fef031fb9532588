from dataclasses import dataclass, replace

import numpy as np
import pytest

from graphfit.errors import ResultError
from graphfit.plot.pixel_spectra import spectra
from graphfit.result.cube_result import CubeResult
from tests.simulated_maps import NOISE, X, simulated


@pytest.fixture(scope="module")
def result():
    return simulated()


@dataclass(frozen=True)
class Odd:
    """A PixelAccess that returns what it holds, and notes which cube was asked for."""

    spectrum: tuple
    asked: list

    def spectrum_at(self, index, factor=None):
        self.asked.append(factor)
        return self.spectrum


def odd(result, x=X, data=None, noise=None):
    problem = result.problem
    data = problem.data[3, 3] if data is None else data
    access = Odd((x, data, noise, problem.model[3, 3]), [])
    return CubeResult(result.record, result.grid, result.facts, problem=access)


def test_data_model_and_residuals(result, tmp_path):
    figure = spectra(result, [(3, 7)], ylabel="K", path=tmp_path / "spectra.png")
    upper, lower = figure.axes
    data, model = result.problem.data[3, 7], result.problem.model[3, 7]
    lines = {line.get_label(): line.get_ydata() for line in upper.lines}
    np.testing.assert_array_equal(lines["data"], data)
    np.testing.assert_array_equal(lines["model"], model)
    np.testing.assert_allclose(lower.lines[-1].get_ydata(), (data - model) / NOISE)
    assert upper.get_title(loc="left") == "(y, x) = (3, 7)"
    chi = result.record.arrays["chi_squared"][3, 7]
    assert upper.get_title(loc="right") == f"χ² = {chi:.4g} / 57, converged"
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("K", "Δ / σ")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["data", "± noise", "model"]
    assert (tmp_path / "spectra.png").exists()


@pytest.mark.parametrize("which", ["worst", "typical", "best"])
def test_pixels_by_rank(result, which):
    figure = spectra(result, which, n=3)
    places = [axes.get_title(loc="left") for axes in figure.axes[::2]]
    chosen = getattr(result, which)(3)
    assert places == [f"(y, x) = ({y}, {x})" for y, x in chosen]


@pytest.mark.parametrize(
    ("n", "shape"), [(1, (1, 1)), (2, (1, 2)), (4, (2, 2)), (7, (3, 3))]
)
def test_panels(result, n, shape):
    grid = spectra(result, n=n).axes[0].get_gridspec()
    assert (grid.nrows // 2, grid.ncols) == shape


def test_every_residual_is_shown(result):
    for lower in spectra(result, n=4).axes[1::2]:
        assert np.abs(lower.lines[-1].get_ydata()).max() < lower.get_ylim()[1]


def test_a_status_that_is_not_converged_is_written_in_the_panel(result):
    figure = spectra(result, [(0, 6), (3, 3)])
    first, second = figure.axes[::2]
    assert [text.get_text() for text in first.texts] == ["out of evaluations"]
    assert not second.texts
    assert "converged" in second.get_title(loc="right")


def test_labels_that_the_cube_knows(result):
    facts = {**result.facts, "spectrum_labels": {"x": "velocity (m/s)", "y": "T (K)"}}
    told = CubeResult(result.record, result.grid, facts, problem=result.problem)
    upper, lower = spectra(told, n=1).axes
    assert (lower.get_xlabel(), upper.get_ylabel()) == ("velocity (m/s)", "T (K)")
    upper, lower = spectra(told, n=1, xlabel="v", ylabel="T").axes
    assert (lower.get_xlabel(), upper.get_ylabel()) == ("v", "T")


def test_without_noise_residuals_have_the_datas_unit(result):
    figure = spectra(odd(result), n=1)
    _, lower = figure.axes
    difference = result.problem.data[3, 3] - result.problem.model[3, 3]
    np.testing.assert_allclose(lower.lines[-1].get_ydata(), difference)
    assert lower.get_ylabel() == "Δ"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["data", "model"]


def test_points_that_were_left_out_are_gaps(result):
    data = result.problem.data[3, 3].copy()
    data[10:20] = np.nan
    noise = np.full(X.size, NOISE)
    noise[10:20] = 0.0
    figure = spectra(odd(result, data=data, noise=noise), n=1)
    figure.canvas.draw()
    assert np.isnan(figure.axes[1].lines[-1].get_ydata()[10:20]).all()


def test_a_pixel_without_any_data_is_drawn(result):
    figure = spectra(odd(result, data=np.full(X.size, np.nan)), [(0, 13)])
    figure.canvas.draw()
    assert figure.axes[0].get_title(loc="right") == ""


def test_points_of_several_variables_are_numbered(result):
    figure = spectra(odd(result, x=np.array([X, X])), n=1)
    assert figure.axes[1].get_xlabel() == "data point"
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), np.arange(60))


def test_an_axis_that_runs_backwards_is_put_in_order(result):
    figure = spectra(odd(result, x=X[::-1]), n=1)
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), X)
    np.testing.assert_array_equal(line.get_ydata(), result.problem.data[3, 3][::-1])


def test_the_cube_of_one_factor(result):
    several = odd(result)
    spectra(several, n=2, factor="second")
    assert several.problem.asked == ["second", "second"]


def test_maps_of_one_axis():
    whole = simulated(header=None)
    record = replace(
        whole.record,
        shape=(180,),
        arrays={
            name: array.reshape(-1, *array.shape[2:])
            for name, array in whole.record.arrays.items()
        },
    )
    grid = replace(whole.grid, dims=("pixel",), shape=(180,))
    flat = CubeResult(record, grid, whole.facts, problem=odd(whole).problem)
    figure = spectra(flat, [52, -1])
    places = [axes.get_title(loc="left") for axes in figure.axes[::2]]
    assert places == ["pixel 52", "pixel 179"]


@pytest.mark.parametrize(
    ("which", "n", "message"),
    [
        ("worse", 9, r"worst, typical, best pixels, or those of a list.*got 'worse'"),
        ("worst", 0, "n >= 1"),
        ([], 9, "at least one pixel"),
        ([(12, 0)], 9, r"\(12, 0\) is no pixel of maps of shape \(12, 15\)"),
        ([(1, 2, 3)], 9, "is no pixel"),
    ],
)
def test_pixels_that_cannot_be_drawn(result, which, n, message):
    with pytest.raises(ResultError, match=message):
        spectra(result, which, n)


def test_a_result_that_was_read_back_has_no_spectra(result):
    back = CubeResult(result.record, result.grid, result.facts)
    with pytest.raises(ResultError, match="plot.spectra needs the data"):
        spectra(back)
