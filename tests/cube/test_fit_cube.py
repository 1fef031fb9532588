"""Maps are what a loop of single fits finds, whatever the search and the likelihood."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.errors import (
    DataError,
    PriorError,
)
from graphfit.samples import Status
from tests.cube.line_cases import (
    NOISE,
    SEED,
    V,
    assert_close,
    assert_same_bits,
    cube,
    fit,
    line,
    loop,
    model,
    truths,
)

SHARP = gf.LevenbergMarquardt(tolerance=1e-12, seed=SEED)


def single(data, own_model=None, noise=NOISE, **settings):
    """What the loop fits: the spectrum of a pixel."""

    def at(index):
        sigma = noise if np.ndim(noise) == 0 else noise[(slice(None), *index)]
        y = data[(slice(None), *index)]
        analysis = gf.ProfileAnalysis(V, y, sigma, **settings)
        return (own_model or model()), analysis

    return at


# --- every search --------------------------------------------------------------------


@pytest.mark.parametrize("maximize", ["posterior", "likelihood"])
def test_least_squares_finds_the_optima_of_a_loop(maximize):
    data = cube(3, 4)
    search = gf.LevenbergMarquardt(tolerance=1e-12, maximize=maximize, seed=SEED)
    priors = {"mean": gf.GaussianPrior(0.3, 0.5)}
    fits = fit(data, search, model(**priors))
    twin = loop(search, single(data, model(**priors)), (3, 4))
    assert_close(fits, twin, part=1e-4)
    assert fits.counts() == {"converged": 12}
    assert (fits["degrees_of_freedom"] == V.size - 3).all()
    assert (fits["evaluations"] > 1).all()


@pytest.mark.parametrize(
    "search",
    [
        gf.DynestyStatic(nlive=20, dlogz=5.0, seed=SEED),
        gf.Emcee(nwalkers=8, nsteps=12, seed=SEED),
        gf.LBFGS(n_draws=5, n_sweep=5, seed=SEED),
    ],
    ids=lambda search: type(search).__name__,
)
def test_other_searches_find_the_bits_of_a_loop(search):
    data = cube(1, 2)
    fits = fit(data, search)
    twin = loop(search, single(data), (1, 2))
    for name, expected in twin.items():
        got = np.asarray(fits.record.arrays[name])
        if name.endswith("_error"):  # summed in another order
            np.testing.assert_allclose(got, expected, rtol=1e-10, err_msg=name)
        else:
            np.testing.assert_array_equal(got, expected, err_msg=name)
    posterior = {"amplitude_lower", "best", "log_evidence_error"}
    assert posterior.isdisjoint(fits.names) == (search.finds == "optimum")


def test_a_model_that_cannot_be_compiled_is_fitted_pixel_by_pixel():
    def odd(v, amplitude, mean, stddev):
        if float(mean) > 50.0:  # no tracer follows this
            raise gf.FitException
        return line(v, amplitude, mean, stddev)

    data = cube(2, 2)
    own = gf.Model(
        odd,
        amplitude=gf.LogUniformPrior(0.1, 10.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        stddev=gf.UniformPrior(0.3, 3.0),
    )
    fits = fit(data, SHARP, own)
    assert_close(fits, loop(SHARP, single(data), (2, 2)), part=1e-3)
    result = fits.result_at(1, 0)
    assert result.instance.mean == fits["mean"].values[1, 0]


# --- likelihoods ---------------------------------------------------------------------


def test_student_t():
    data = cube(2, 2)
    data[3] += 2.0
    settings = {"likelihood": "student_t", "degrees_of_freedom": 3.0}
    fits = fit(data, SHARP, **settings)
    assert_close(
        fits, loop(SHARP, single(data, **settings), (2, 2)), skip=("chi_squared",)
    )
    assert np.isnan(fits["chi_squared"]).all()


def test_poisson():
    rng = np.random.default_rng(3)
    counts = rng.poisson(20.0 * np.clip(cube(2, 2), 0.0, None)).astype(float)
    own = model(amplitude=gf.UniformPrior(1.0, 200.0))
    fits = fit(counts, SHARP, own, noise=None, likelihood="poisson")
    at = single(counts, own, noise=None, likelihood="poisson")
    assert_close(fits, loop(SHARP, at, (2, 2)), skip=("chi_squared",))


@pytest.mark.parametrize("noise", [None, NOISE])
def test_jitter(noise):
    class Line:
        def __init__(self, amplitude, mean, stddev, jitter):
            self.amplitude, self.mean, self.stddev = amplitude, mean, stddev
            self.jitter = jitter

        def __call__(self, v):
            return line(v, self.amplitude, self.mean, self.stddev)

    own = gf.Model(
        Line,
        amplitude=gf.LogUniformPrior(0.1, 10.0),
        mean=gf.UniformPrior(-5.0, 5.0),
        stddev=gf.UniformPrior(0.3, 3.0),
        jitter=gf.LogUniformPrior(0.01, 1.0),
    )
    data = cube(2, 2, noise=0.25)
    fits = fit(data, SHARP, own, noise=noise, jitter="jitter")
    twin = loop(SHARP, single(data, own, noise, jitter="jitter"), (2, 2))
    assert_close(fits, twin, skip=("chi_squared",))
    assert np.abs(fits["jitter"].values - 0.23).max() < 0.15


# --- relations and conditions --------------------------------------------------------


def test_relations_have_maps_with_errors():
    def own_model():
        own = model()
        width = own.stddev
        return gf.Model(
            broadened,
            amplitude=own.amplitude,
            mean=own.mean,
            stddev=width,
            instrument=0.5 * width + 0.1,
        )

    data = cube(2, 3)
    fits = fit(data, SHARP, own_model())
    twin = loop(SHARP, single(data, own_model()), (2, 3))
    assert "instrument_error" in twin
    assert_close(fits, twin, part=1e-4)
    np.testing.assert_allclose(fits["instrument_error"], 0.5 * fits["stddev_error"])


def broadened(v, amplitude, mean, stddev, instrument):
    return line(v, amplitude, mean, np.sqrt(stddev**2 + instrument**2))


def test_derived_quantities_of_samplers():
    own = model()
    own = gf.Model(
        broadened, amplitude=own.amplitude, mean=own.mean, stddev=own.stddev,
        instrument=own.stddev / 2.0,
    )  # fmt: skip
    search = gf.Emcee(nwalkers=8, nsteps=6, seed=SEED)
    data = cube(1, 2)
    fits = fit(data, search, own)
    twin = loop(search, single(data, own), (1, 2))
    for name, values in twin.items():
        np.testing.assert_allclose(
            fits.record.arrays[name], values, rtol=1e-10, err_msg=name
        )


# --- an analysis of one's own --------------------------------------------------------


class Robust(gf.Analysis):
    """Sums of absolute residuals, with further arguments."""

    def __init__(self, data, noise_map, mask, x, scale=1.0, window=None, label=""):
        assert data.shape == noise_map.shape == mask.shape == x.shape
        assert label == "given" or not label
        self.x, self.data, self.noise, self.use = x, data, noise_map, ~mask
        self.scale = scale
        self.window = np.ones(data.shape) if window is None else window

    def log_likelihood_function(self, instance):
        away = np.abs(self.data - instance(self.x)) / (self.noise * self.scale)
        return -float(np.sum((away * self.window)[self.use]))


def test_a_class_of_one_s_own_gets_its_slices():
    data = cube(1, 2)
    scale = np.array([[1.0, 2.0]])
    window = np.ones(data.shape)
    window[:4, 0, 1] = 0.0
    mask = np.zeros(data.shape, dtype=bool)
    mask[7, 0, 0] = True
    search = gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED)
    fits = fit(
        data, search, analysis=Robust, mask=mask,
        extras={"scale": scale, "window": window, "label": "given"},
    )  # fmt: skip

    def at(index):
        own = (slice(None), *index)
        return model(), Robust(
            data[own], np.full(V.size, NOISE), mask[own], V, scale[index], window[own]
        )

    twin = loop(search, at, (1, 2))
    for name in ("mean", "stddev", "log_likelihood", "status"):
        np.testing.assert_array_equal(fits[name].values, twin[name])
    assert np.isnan(fits["chi_squared"]).all()
    result = fits.result_at(0, 1)
    assert result.analysis.scale == 2.0
    with pytest.raises(gf.errors.ResultError, match="analysis of your own"):
        fits.model_cube()


def test_a_function_may_make_the_analysis_but_nothing_else():
    def make(data, noise_map):
        return gf.ProfileAnalysis(V, data, noise_map)

    data = cube(1, 2)
    search = gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED)
    fits = fit(data, search, analysis=make)
    twin = loop(search, single(data), (1, 2))
    np.testing.assert_array_equal(fits["mean"].values, twin["mean"])
    fits = fit(data, search, analysis=lambda data: "nonsense")
    assert fits.counts() == {"user_error": 2}
    assert "must make a gf.Analysis for every pixel" in fits.facts["notes"][0]["text"]


# --- starts ----------------------------------------------------------------------------


def test_starts_are_numbers_or_maps():
    data = cube(2, 3)
    truth = truths(2, 3)
    blind = gf.LevenbergMarquardt(n_sweep=0, tolerance=1e-12, seed=SEED)
    starts = {"mean": truth["mean"], "amplitude": 2.0}
    fits = fit(data, blind, start=starts)
    at = lambda index: {"mean": truth["mean"][index], "amplitude": 2.0}  # noqa: E731
    twin = loop(blind, single(data), (2, 3), start_at=at)
    assert_close(fits, twin, part=1e-4)
    search = gf.LBFGS(n_draws=1, n_sweep=0, seed=SEED)
    fits = fit(data[:, :1, :2], search, start=starts | {"mean": truth["mean"][:1, :2]})
    twin = loop(search, single(data), (1, 2), start_at=at)
    np.testing.assert_array_equal(fits["mean"].values, twin["mean"])


def test_starts_may_have_units():
    from astropy import units as u

    data, truth = cube(2, 3) * u.K, truths(2, 3)["mean"]
    options = {"noise": NOISE * u.K, "world": V * (u.km / u.s)}
    plain = fit(data, SHARP, start={"mean": truth, "amplitude": 2.0}, **options)
    start = {"mean": truth * 1000.0 * (u.m / u.s), "amplitude": 2.0 * u.K}
    assert_close(fit(data, SHARP, start=start, **options), plain.record.arrays)
    with pytest.raises(DataError, match=r"start\['mean'\] is in K, which cannot be"):
        fit(data, SHARP, start={"mean": 1.0 * u.K}, **options)
    with pytest.raises(DataError, match="unit of that parameter is not known"):
        fit(cube(1, 2), SHARP, start={"mean": 1.0 * u.K})


@pytest.mark.parametrize("search", [SHARP, gf.LBFGS(n_draws=3, n_sweep=5, seed=SEED)])
def test_impossible_starts_are_statuses_of_their_pixels(search):
    data = cube(1, 3)
    start = np.array([[np.nan, 7.0, 0.0]])
    fits = fit(data, search, start={"mean": start})
    expected = [Status.BAD_START, Status.BAD_START, Status.CONVERGED]
    assert fits["status"].values[0].tolist() == expected
    assert np.isnan(fits["mean"].values[0, :2]).all()
    assert fit(data, search, start={"mean": 7.0}).counts() == {"bad_start": 3}


def test_sweeps_find_lines_without_a_start():
    x = np.linspace(0.0, 400.0, 200)
    rng = np.random.default_rng(2)
    centre = rng.uniform(20.0, 380.0, (5, 6))
    data = line(x[:, None, None], 2.0, centre, 3.0)
    data = data + NOISE * rng.standard_normal(data.shape)
    own = model(mean=gf.UniformPrior(0.0, 400.0), stddev=gf.UniformPrior(1.0, 10.0))
    blind = fit(data, gf.LevenbergMarquardt(n_sweep=0), own, world=x)
    swept = fit(data, gf.LevenbergMarquardt(n_sweep=200), own, world=x)
    assert np.abs(swept["mean"] - centre).max() < 0.5
    assert np.abs(blind["mean"] - centre).max() > 5.0


def test_a_prior_without_a_median_needs_a_start():
    own = model(mean=gf.FlatPrior())
    data = cube(1, 2)
    for start in (None, {"amplitude": 2.0}):
        with pytest.raises(PriorError, match="given no start for it.*'mean'"):
            fit(data, SHARP, own, start=start)
    assert fit(data, SHARP, own, start={"mean": 0.0}).counts() == {"converged": 2}
    with pytest.raises(PriorError, match="mean"):
        fit(data, gf.DynestyStatic(nlive=20), own)


def test_several_starts_are_the_same_in_every_chunk():
    data = cube(3, 4)
    for seed in (None, SEED):
        search = gf.LevenbergMarquardt(n_starts=3, seed=seed, tolerance=1e-4)
        whole = fit(data, search)
        parts = fit(data, search, chunk_n_max=2)
        if seed is not None:
            assert_same_bits(whole, parts)
        for index in ((0, 0), (2, 1)):
            again = parts.result_at(*index)
            assert again.instance.mean == parts["mean"].values[index]


# --- beside the values -----------------------------------------------------------------


def test_covariances_can_be_left_out():
    fits = fit(cube(2, 2), covariance=False)
    assert "covariance" not in fits
    assert np.isfinite(fits["mean_error"]).all()
    search = gf.Emcee(nwalkers=8, nsteps=6, seed=SEED)
    assert "covariance" not in fit(cube(1, 1), search, covariance=False)


def test_draws_are_samples_of_the_posterior():
    search = gf.DynestyStatic(nlive=20, dlogz=5.0, seed=SEED)
    data = cube(1, 2)
    fits = fit(data, search, draws=7)
    assert fits["draws"].shape == (1, 2, 7, 3)
    for index in ((0, 0), (0, 1)):
        samples = fits.result_at(*index).samples
        known = {tuple(row) for row in np.asarray(samples.values)}
        assert {tuple(row) for row in fits["draws"].values[index]} <= known
    plain = fit(data, search)
    np.testing.assert_array_equal(plain["mean"].values, fits["mean"].values)


def test_units_are_found_or_given():
    from astropy import units as u

    fits = fit(cube(1, 2) * u.K, noise=NOISE * u.K, world=V * (u.km / u.s))
    assert fits["mean"].attrs["units"] == "km / s"
    assert fits["amplitude_error"].attrs["units"] == "K"
    fits = fit(cube(1, 2), units={"mean": "Angstrom"})
    assert fits["mean"].attrs["units"] == "Angstrom"
