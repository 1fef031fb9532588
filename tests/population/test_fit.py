"""gf.population.fit: what goes in, what is refused, what is reported."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import graphfit as gf
from graphfit.errors import (
    ConvergenceWarning,
    DataError,
    ModelError,
    ResultError,
    SettingError,
    UnknownNameError,
)
from graphfit.population.injections import selection_terms
from graphfit.population.result_source import ResultSource
from tests.population.cases import (
    cube,
    flat,
    grid_moments,
    level,
    normal_marginal,
    posterior_draws,
    result,
    truths,
)

SEARCH = gf.population.PeakSearch(seed=1, draws=400)


def gaussian(**more: Any) -> dict[str, Any]:
    mean = gf.UniformPrior(-10.0, 10.0)
    return {
        "height": gf.GaussianPrior(mean=mean, sigma=gf.UniformPrior(0.2, 5.0), **more)
    }


def some(size: int = 12, draws: int = 100, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    y, s = truths(rng, size)
    table = posterior_draws(rng, y, 0.5 * s, draws, None)
    return [result(flat(), row[:, None]) for row in table]


def quietly(*args: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return gf.population.fit(*args, **kwargs)


def mean_and_sd(found: Any) -> tuple[np.ndarray, np.ndarray]:
    record = found.results.record
    mean = record.weights @ record.values
    return mean, np.sqrt(record.weights @ (record.values - mean) ** 2)


# --- what goes in -------------------------------------------------------------------


def test_the_factors_of_a_graph_are_members() -> None:
    rng = np.random.default_rng(1)
    x = np.arange(5.0)
    factors = [
        gf.AnalysisFactor(
            flat(), gf.ProfileAnalysis(x, rng.normal(truth, 0.5, 5), noise_map=0.5)
        )
        for truth in rng.normal(2.0, 1.0, 8)
    ]
    joint = gf.LevenbergMarquardt().fit(gf.FactorGraphModel(*factors))
    found = quietly(joint, gaussian(), SEARCH)
    assert found.size == 8
    assert found.problem.sites.index.size == 8
    assert found.problem.has_evidence
    heights = [item.instance.height for item in joint]
    assert abs(mean_and_sd(found)[0][0] - np.mean(heights)) < 0.3


def test_weights_of_samples_are_used() -> None:
    rng = np.random.default_rng(2)
    y, s = truths(rng, 20)
    s = 0.5 * s
    plain, weighted = [], []
    for centre, error in zip(y, s, strict=True):
        wide = centre + 2.0 * error * rng.standard_normal(600)
        log_w = -0.5 * ((wide - centre) / error) ** 2 * 0.75
        log_w -= np.log(np.exp(log_w).sum())
        weighted.append(result(flat(), wide[:, None], log_weights=log_w))
        draws = centre + error * rng.standard_normal(100)
        plain.append(result(flat(), draws[:, None]))
    model = gaussian()
    first, sd = mean_and_sd(quietly(plain, model, SEARCH, max_draws=100))
    second, _ = mean_and_sd(quietly(weighted, model, SEARCH, max_draws=100))
    assert np.abs((first - second) / sd).max() < 0.3


def test_few_weighted_draws_need_no_thinning() -> None:
    members = some(6)
    tilted = []
    for item in members:
        values = item.samples.record.values
        log_w = np.log(np.arange(1.0, 101.0))
        log_w -= np.log(np.exp(log_w).sum())
        tilted.append(result(flat(), values, log_weights=log_w))
    found = quietly(tilted, gaussian(), SEARCH, method="draws")
    squares = found.problem.draws.columns[-2]
    np.testing.assert_allclose(squares, np.sum(np.arange(1.0, 101.0) ** 2) / 5050.0**2)


def test_other_parameters_keep_their_prior() -> None:
    # A second parameter with any prior cancels: the numbers are the same.
    rng = np.random.default_rng(3)
    members, wider = [], []
    for item in some():
        draws = item.samples.record.values
        second = rng.standard_normal(draws.shape)
        model = gf.Model(
            lambda x, height, slope: height + slope * x,
            height=gf.UniformPrior(-100.0, 100.0),
            slope=gf.GaussianPrior(0.0, 3.0),
        )
        members.append(result(flat(), draws))
        wider.append(result(model, np.concatenate([draws, second], axis=1)))
    model = gaussian()
    first = quietly(members, model, SEARCH)
    second = quietly(wider, model, SEARCH)
    np.testing.assert_array_equal(
        first.results.record.values, second.results.record.values
    )


def test_a_prior_that_depends_on_another_parameter_is_evaluated() -> None:
    rng = np.random.default_rng(4)
    low = gf.UniformPrior(0.0, 1.0)
    height = gf.GaussianPrior(mean=2.0 * low, sigma=1.0)
    model = gf.Model(lambda x, low, height: low + height * x, low=low, height=height)
    draws = np.stack([rng.random(50), rng.normal(1.0, 0.1, 50)], axis=1)
    members = [result(model, draws), result(model.copy(), draws)]
    # The same prior objects within one record are one joint fit.
    joint = [result(model, draws)] * 2
    with pytest.raises(ResultError, match="shares"):
        ResultSource(joint, ["height"], np.empty((2, 0)), most=50, divided=True)
    source = ResultSource(members, ["height"], np.empty((2, 0)), most=50, divided=True)
    expected = gf.GaussianPrior(0.0, 1.0).log_density_at(
        draws[:, 1] - 2.0 * draws[:, 0]
    )
    np.testing.assert_allclose(source.member(0).log_interim[0], expected)


def test_a_covariate_of_a_list() -> None:
    rng = np.random.default_rng(5)
    distance = np.linspace(0.0, 4.0, 60)
    truth = 1.0 + 2.0 * distance + 0.5 * rng.standard_normal(60)
    members = [
        result(
            flat(),
            (t + 0.3 * rng.standard_normal() + 0.3 * rng.standard_normal(100))[:, None],
        )
        for t in truth
    ]
    slope = gf.UniformPrior(-5.0, 5.0, name="slope")
    base = gf.UniformPrior(-5.0, 5.0, name="base")
    mean = base + slope * gf.pixel_map(distance)
    model = {"height": gf.GaussianPrior(mean=mean, sigma=gf.UniformPrior(0.1, 3.0))}
    for method in ("draws", "sites"):
        found = quietly(members, model, SEARCH, method=method)
        assert found.result.samples.parameter_names == ("base", "slope", "height_sigma")
        middle, sd = mean_and_sd(found)
        assert (np.abs(middle - [1.0, 2.0, 0.5]) < 4.0 * sd).all()
        assert sd[1] < 0.1


def test_a_cube_with_masked_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    y, s = truths(rng, 60)
    s = 0.4 * s
    draws = posterior_draws(rng, y, s, 100, None).reshape(6, 10, 100, 1)
    status = np.zeros((6, 10), dtype=int)
    status[0, 3], status[2, 2], status[5, 9] = 23, 20, 10
    draws[0, 3] = np.nan
    draws[4, 4, 0] = np.nan  # broken, whatever its status says
    maps = {"height": draws.mean(axis=(2, 3)), "log_evidence": np.zeros((6, 10))}
    whole = cube(maps, draws, ("height",), status)
    model = flat()
    with pytest.raises(ResultError, match="read back without its model.*model="):
        quietly(whole, gaussian(), SEARCH)
    drawn = gaussian()
    found = quietly(whole, drawn, SEARCH, model=model)
    assert found.size == 57  # 10 is a point that a search gave up at: it has draws
    shrunken = found.shrunken_mean["height"]
    assert shrunken.dims == ("y", "x")
    assert np.isnan(shrunken.values[0, 3])
    assert np.isnan(shrunken.values[4, 4])
    assert np.isfinite(shrunken.values[5, 9])
    assert float(found.shrinkage["height"].mean()) > 0.0
    assert found.shrunken((3, 3)).names == ("height",)
    with pytest.raises(ResultError, match="no member of the population"):
        found.shrunken((0, 3))
    with pytest.raises(ResultError, match="no pixel"):
        found.shrunken((9, 9))
    with pytest.raises(UnknownNameError, match="height"):
        found.shrunken_sd["heigth"]
    whole.to_zarr(tmp_path / "maps.zarr")
    kept = gf.CubeResult.open(tmp_path / "maps.zarr")
    again = quietly(kept, drawn, SEARCH, model=model)
    np.testing.assert_array_equal(
        found.results.record.values, again.results.record.values
    )


def test_a_fitted_cube_knows_its_priors() -> None:
    rng = np.random.default_rng(7)
    x = np.arange(4.0)
    truth = rng.normal(2.0, 1.0, (3, 4))
    data = truth[None] + 0.5 * rng.standard_normal((4, 3, 4))
    centre = gf.pixel_map(np.full((3, 4), 2.0))
    model = gf.Model(level, height=gf.GaussianPrior(mean=centre, sigma=5.0))
    fitted = gf.fit_cube(
        model,
        gf.NestedSampler(n_live=50, seed=1),
        data=data,
        world=x,
        noise=0.5,
        draws=100,
        scheduler="synchronous",
        progress=False,
    )
    found = quietly(fitted, gaussian(), SEARCH)
    assert found.size == 12
    assert found.problem.has_evidence
    expected = gf.GaussianPrior(2.0, 5.0).log_density_at(
        fitted["draws"].values[0, 0, :, 0]
    )
    first = next(found.problem.source.blocks())
    np.testing.assert_allclose(first.log_interim[0], expected)


def test_a_cube_of_optima_is_made_of_sites() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(1.0, 1.0, (4, 5))
    found = quietly(
        cube(
            {"height": values},
            None,
            ("height",),
            np.zeros((4, 5), dtype=int),
            np.full((4, 5, 1, 1), 0.01),
        ),
        gaussian(),
        SEARCH,
        model=flat(),
    )
    assert found.problem.sites.index.size == 20
    assert np.isnan(found.members.n_eff).all()
    np.testing.assert_allclose(found.shrunken_mean["height"], values, atol=0.1)


# --- selection ----------------------------------------------------------------------


def test_selection_by_a_threshold() -> None:
    rng = np.random.default_rng(9)
    mu, tau, error, threshold = 1.0, 1.0, 0.3, 1.0
    y = []
    while len(y) < 150:
        seen = rng.normal(mu, tau) + error * rng.standard_normal()
        if seen > threshold:
            y.append(seen)
    members = [
        result(flat(), (v + error * rng.standard_normal(100))[:, None]) for v in y
    ]
    made = rng.uniform(-5.0, 8.0, 60_000)
    seen = made + error * rng.standard_normal(made.size)
    injections = gf.population.Injections(
        {"height": made}, np.full(made.size, -np.log(13.0)), seen > threshold
    )
    model = {
        "height": gf.GaussianPrior(
            mean=gf.UniformPrior(-3.0, 4.0), sigma=gf.UniformPrior(0.3, 3.0)
        )
    }
    blind = mean_and_sd(quietly(members, model, SEARCH, method="sites"))
    found = quietly(members, model, SEARCH, method="sites", selection=injections)
    middle, sd = mean_and_sd(found)
    assert (blind[0][0] - mu) / blind[1][0] > 5.0
    # The exact one: y is a Gaussian cut at the threshold.
    grid = np.linspace(-3.0, 4.0, 351), np.linspace(0.3, 3.0, 271)
    total = normal_marginal(np.array(y), np.full(150, error), *grid)
    spread = np.hypot(grid[1], error)
    total = total - 150 * norm.logsf(threshold, grid[0][:, None], spread)
    mean, exact_sd = grid_moments(total, *grid)
    assert (np.abs(middle - mean) < 0.3 * exact_sd).all()
    np.testing.assert_allclose(sd, exact_sd, rtol=0.2)
    assert found.members.effective_injections > 4.0 * 150
    # alpha at the truth has a closed form.
    alpha = norm.sf(threshold, mu, np.hypot(tau, error))
    names = list(found.problem.population.hyperparameters)
    terms = selection_terms(found.problem.population)
    values = dict(zip(names, (mu, tau), strict=True))
    alpha_found = found.problem.selection.detection(lambda *c: terms(*c, **values))
    assert np.exp(alpha_found.log_fraction) == pytest.approx(alpha, rel=0.05)
    assert "injections" in found.info


def test_too_few_injections_are_refused() -> None:
    injections = gf.population.Injections({"height": [1.0, 3.0, 4.0]}, np.zeros(3))
    with pytest.raises(ResultError, match="Farr 2019"):
        quietly(some(), gaussian(), SEARCH, selection=injections)


def test_injections_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="one number an injection"):
        gf.population.Injections({"height": [1.0]}, np.zeros(2))
    with pytest.raises(DataError, match="there must be some"):
        gf.population.Injections({"height": [1.0]}, [0.0], [False])
    other = gf.population.Injections({"heigth": [1.0, 2.0]}, np.zeros(2))
    with pytest.raises(UnknownNameError, match="Did you mean|height"):
        quietly(some(), gaussian(), SEARCH, selection=other)


# --- what is refused ----------------------------------------------------------------


def test_what_is_refused() -> None:
    members = some(3)
    with pytest.raises(UnknownNameError, match="height"):
        gf.population.fit(
            members, {"heigth": gf.GaussianPrior(gf.UniformPrior(0, 1), 1.0)}
        )
    with pytest.raises(ResultError, match="at least 2 members"):
        gf.population.fit(members[:1], gaussian())
    with pytest.raises(ResultError, match="needs the results"):
        gf.population.fit([1.0, 2.0], gaussian())
    with pytest.raises(ModelError, match="nothing to fit"):
        gf.population.fit(members, {"height": gf.GaussianPrior(0.0, 1.0)})
    with pytest.raises(ModelError, match="population model"):
        gf.population.fit(members, gf.GaussianPrior(0.0, 1.0))
    with pytest.raises(ModelError, match="is drawn from a prior"):
        gf.population.fit(members, {"height": 3.0})
    with pytest.raises(SettingError, match="method"):
        gf.population.fit(members, gaussian(), method="quick")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="search"):
        gf.population.fit(members, gaussian(), "nested")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="interim"):
        gf.population.fit(members, gaussian(), interim="no")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="max_draws"):
        gf.population.fit(members, gaussian(), max_draws=3)
    with pytest.raises(SettingError, match="model="):
        gf.population.fit(members, gaussian(), model=flat())
    with pytest.raises(SettingError, match="ends at a limit"):
        gf.population.fit(members, gaussian(lower_limit=1.0), method="sites")
    mean = gf.UniformPrior(0, 1) * gf.pixel_map(np.zeros(5))
    with pytest.raises(DataError, match="one number a member"):
        gf.population.fit(members, {"height": gf.GaussianPrior(mean, 1.0)})


def test_members_of_different_models_are_named() -> None:
    other = result(
        gf.Model(lambda x, tall: tall + 0.0 * x, tall=gf.UniformPrior(0, 1)),
        np.ones((50, 1)),
    )
    with pytest.raises(UnknownNameError, match="member 2"):
        gf.population.fit([*some(2), other], gaussian())


def test_a_member_without_draws() -> None:
    alone = result(flat(), np.ones((1, 1)), covariance=np.empty((0, 0)))
    with pytest.raises(ResultError, match="no draws and no covariance"):
        gf.population.fit([*some(2), alone], gaussian(), method="sites")
    constant = result(flat(), np.ones((50, 1)))
    with pytest.raises(ResultError, match="no Gaussian site"):
        gf.population.fit([*some(2), constant], gaussian(), method="sites")
    optimum = result(flat(), np.ones((1, 1)), covariance=np.eye(1))
    with pytest.raises(SettingError, match="have no draws"):
        gf.population.fit([*some(2), optimum], gaussian(), method="draws")


def test_a_condition_on_a_drawn_parameter_is_refused() -> None:
    model = gf.Model(
        lambda x, height, depth: height + depth * x,
        height=gf.UniformPrior(0.0, 1.0),
        depth=gf.UniformPrior(0.0, 1.0),
    )
    model.add_assertion(model.depth < model.height)
    draws = np.random.default_rng(1).random((50, 2))
    with pytest.raises(ResultError, match="condition"):
        gf.population.fit(
            [result(model, draws), result(model.copy(), draws)], gaussian()
        )


def test_a_relation_has_no_prior_of_its_own() -> None:
    low = gf.UniformPrior(0.0, 1.0)
    model = gf.Model(level, height=2.0 * low)
    members = [result(model, np.ones((50, 1))), result(model, np.ones((50, 1)))]
    with pytest.raises(ResultError, match="is a relation"):
        gf.population.fit(members, gaussian())


# --- what is reported ---------------------------------------------------------------


def test_few_effective_draws_are_flagged_and_refreshed() -> None:
    rng = np.random.default_rng(10)
    x = np.arange(4.0)
    members: list[Any] = []
    for truth in 5.0 + 0.05 * rng.standard_normal(8):
        data = gf.ProfileAnalysis(
            x, truth + 8.0 * rng.standard_normal(4), noise_map=8.0
        )
        members.append(gf.NestedSampler(n_live=50, seed=1).fit(flat(), data))
    narrow = {
        "height": gf.GaussianPrior(
            mean=gf.UniformPrior(4.9, 5.1), sigma=gf.UniformPrior(0.04, 0.06)
        )
    }
    search = gf.NestedSampler(n_live=60, seed=1)
    with pytest.warns(ConvergenceWarning, match="fewer than 10 effective.*refresh"):
        found = gf.population.fit(members, narrow, search, method="draws")
    assert found.flagged
    assert "warning" in found.info
    new = gf.population.refresh(members, found, gf.NestedSampler(n_live=50, seed=2))
    kept = [i for i in range(8) if i not in found.flagged]
    assert all(new[i] is members[i] for i in kept)
    again = quietly(new, narrow, search, method="draws")
    assert again.members.n_eff[list(found.flagged)].min() > 10.0
    assert again.members.total_variance < 0.1 * found.members.total_variance


def test_the_text_of_a_fit() -> None:
    found = quietly(some(), gaussian(), SEARCH, method="sites")
    text = found.info
    assert text.startswith("Population of 12 members\n\nheight ~ GaussianPrior(mean = ")
    for part in (
        "height_mean",
        "height_sigma",
        "ln Z = ",
        "12 by sites",
        "error of sites",
    ):
        assert part in text
    assert repr(found).startswith("PopulationResult(12 members, height drawn; sites")
    assert repr(found.shrunken(0)).startswith("ShrunkenMember(height = ")


@pytest.mark.parametrize(
    "search",
    [
        gf.NestedSampler(n_live=60, seed=1),
        gf.LBFGS(seed=1),
        gf.LevenbergMarquardt(seed=1),
        gf.Emcee(nwalkers=16, nsteps=200, seed=1),
    ],
    ids=lambda search: type(search).__name__,
)
def test_every_search_fits_a_population(search: Any) -> None:
    members = some(30)
    model = gaussian()
    expected, sd = mean_and_sd(quietly(members, model, SEARCH, method="sites"))
    found = quietly(members, model, search, method="sites")
    record = found.results.record
    middle = record.weights @ record.values
    assert (np.abs(middle - expected) < 0.7 * sd).all()
    assert len(found.shrunken_mean["height"]) == 30
