"""The ways back: a pixel's whole result, model cubes and spectra agree with the maps."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import ResultError
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_same_bits,
    cube,
    fit,
    line,
    model,
)

SHAPE = (3, 4)
DATA = cube(*SHAPE)
DATA[:, 0, 1] = np.nan
DATA[5, 1, 1] = np.nan
NAMES = ("amplitude", "mean", "stddev")
CHEAP = [
    gf.LevenbergMarquardt(seed=SEED),
    gf.LBFGS(n_draws=2, n_sweep=3, seed=SEED),
    gf.DynestyStatic(nlive=20, dlogz=8.0, seed=SEED),
]


@pytest.mark.parametrize("search", CHEAP, ids=lambda search: type(search).__name__)
def test_a_pixel_s_result_is_that_of_the_maps(search):
    data = DATA[:, 1:2, 1:3]
    fits = fit(data, search, noise=np.full(data.shape, NOISE))
    result = fits.result_at(0, 1)
    assert fits.result_at((0, 1)).log_likelihood == result.log_likelihood
    assert fits.result_at(-1, -1).log_likelihood == result.log_likelihood
    likelihood = fits["log_likelihood"].values[0, 1]
    assert result.log_likelihood == pytest.approx(likelihood, rel=1e-12)
    evidence = fits["log_evidence"].values[0, 1]
    assert result.log_evidence == evidence or np.isnan(evidence)
    if search.finds == "optimum":
        vector = [getattr(result.instance, name) for name in NAMES]
    else:
        vector = [getattr(result.median_pdf(), name) for name in NAMES]
    assert vector == [fits[name].values[0, 1] for name in NAMES]
    if "LBFGS" not in repr(search):
        np.testing.assert_array_equal(
            result.covariance_matrix, fits["covariance"].values[0, 1]
        )
    np.testing.assert_allclose(
        result.chi_squared, fits["chi_squared"].values[0, 1], rtol=1e-12
    )
    assert result.status == fits["status"].values[0, 1]
    assert type(result.info) is str


@pytest.mark.parametrize("search", CHEAP, ids=lambda search: type(search).__name__)
def test_cubes_of_the_model_and_of_what_it_leaves(search):
    data = DATA[:, :2, :2]
    fits = fit(data, search)
    shown = fits.model_cube()
    assert shown.shape == data.shape
    assert hasattr(shown, "dask")
    shown = shown.compute()
    best = np.stack([fits[name].values for name in NAMES])
    if "best" in fits:
        best = np.moveaxis(fits["best"].values, -1, 0)
    np.testing.assert_allclose(shown, line(V[:, None, None], *best), rtol=1e-12)
    assert np.isnan(shown[:, 0, 1]).all()
    left = fits.residual_cube().compute()
    np.testing.assert_array_equal(np.isnan(left), np.isnan(data))
    held = ~np.isnan(data)
    np.testing.assert_array_equal(left[held], (data - shown)[held])
    chi = np.nansum((left / NOISE) ** 2, axis=0)[1]
    np.testing.assert_allclose(chi, fits["chi_squared"].values[1], rtol=1e-10)
    for index in ((0, 0), (0, 1), (1, 1)):
        x, y, sigma, own = fits.problem.spectrum_at(index)
        place = (slice(None), *index)
        np.testing.assert_array_equal(x, V)
        np.testing.assert_array_equal(y, data[place])
        np.testing.assert_array_equal(sigma, np.full(V.size, NOISE))
        np.testing.assert_array_equal(own, shown[place])


def test_parts_of_a_model_cube_are_computed_alone(monkeypatch):
    import graphfit.cube.access as module

    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * V.size * 3)
    fits = fit(DATA)
    shown = fits.model_cube()
    assert shown.chunks == ((24,), (1, 1, 1), (3, 1))
    whole = shown.compute()
    np.testing.assert_array_equal(shown[:, 2, 3].compute(), whole[:, 2, 3])
    np.testing.assert_array_equal(fits.model_cube()[3:5, 1:].compute(), whole[3:5, 1:])
    other = fit(DATA + 1.0).model_cube()
    assert other.name != shown.name
    assert fits.residual_cube().name not in (shown.name, other.name)


def test_making_a_model_cube_reads_nothing(monkeypatch):
    fits = fit(DATA)

    def read(region):
        raise AssertionError

    def pickled(reader):
        raise AssertionError  # dask would, to name its tasks

    monkeypatch.setattr(type(fits.problem._problem.reader), "read", read)
    monkeypatch.setattr(
        type(fits.problem._problem.reader), "__reduce_ex__", pickled, raising=False
    )
    assert fits.model_cube().shape == DATA.shape


def test_other_axes_come_back_as_they_were():
    moved = np.moveaxis(DATA, 0, 1)
    fits = fit(moved, fitting_axes=1)
    twin = fit(DATA)
    assert_same_bits(fits, twin)
    np.testing.assert_array_equal(
        np.moveaxis(fits.model_cube().compute(), 1, 0), twin.model_cube().compute()
    )


def test_a_store_that_is_complete_gives_the_ways_back(tmp_path):
    store = tmp_path / "run.zarr"
    first = fit(DATA, store=store)
    again = fit(DATA, store=store, chunk_n_max=3)
    assert_same_bits(first, again)
    np.testing.assert_array_equal(first.model_cube(), again.model_cube())
    assert again.result_at(2, 2).instance.mean == first["mean"].values[2, 2]
    read = gf.CubeResult.open(store)
    assert_same_bits(read, first)
    with pytest.raises(ResultError, match="model_cube needs the data"):
        read.model_cube()


def test_pixels_without_an_answer_have_no_result():
    fits = fit(DATA)
    with pytest.raises(ResultError, match=r"Pixel \(0, 1\) has no result.*masked"):
        fits.result_at(0, 1)
    with pytest.raises(ResultError, match="outside the map"):
        fits.result_at(3, 0)


def test_a_likelihood_without_noise():
    counts = np.random.default_rng(2).poisson(20.0, (24, 1, 2)).astype(float)
    fits = fit(counts, own_model=model(amplitude=gf.UniformPrior(1.0, 90.0)),
               noise=None, likelihood="poisson")  # fmt: skip
    _, y, sigma, own = fits.problem.spectrum_at((0, 1))
    assert sigma is None
    np.testing.assert_array_equal(y, counts[:, 0, 1])
    result = fits.result_at(0, 1)
    np.testing.assert_allclose(own, result.instance(V), rtol=1e-12)
    likelihood = fits["log_likelihood"].values[0, 1]
    assert result.log_likelihood == pytest.approx(likelihood, rel=1e-12)


def test_a_model_that_cannot_be_compiled_in_a_graph_with_a_hole():
    def odd(v, amplitude, mean, stddev):
        if float(mean) > 50.0:  # no tracer follows this
            raise gf.FitException
        return line(v, amplitude, mean, stddev)

    def odd_model(mean):
        return gf.Model(odd, amplitude=gf.UniformPrior(0.1, 9.0), mean=mean,
                        stddev=gf.UniformPrior(0.3, 3.0))  # fmt: skip

    mean = gf.UniformPrior(-5.0, 5.0)
    second = cube(*SHAPE)[:, :1, :2]
    first = DATA[:, :1, :2]  # no data at (0, 1)
    graph = gf.FactorGraphModel(
        gf.AnalysisFactor(
            odd_model(mean), gf.CubeAnalysis(first, NOISE, world=V), name="a"
        ),
        gf.AnalysisFactor(
            odd_model(mean), gf.CubeAnalysis(second, NOISE, world=V), name="b"
        ),
    )
    fits = gf.fit_cube(graph, gf.LevenbergMarquardt(seed=SEED), scheduler="synchronous")
    assert fits.counts() == {"converged": 2}
    shown = fits.model_cube("b").compute()
    best = [fits[name].values[0, 1] for name in ("b.amplitude", "mean", "b.stddev")]
    np.testing.assert_allclose(shown[:, 0, 1], line(V, *best), rtol=1e-12)
    assert np.isnan(fits.model_cube("a").compute()[:, 0, 1]).all()
    assert np.isfinite(fits.model_cube("a").compute()[:, 0, 0]).all()
