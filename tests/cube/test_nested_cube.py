"""fit_cube with the compiled nested sampler: its maps, its bits, pixels that are bad."""

import numpy as np
import pytest

import graphfit as gf
from graphfit.samples import Status, summary
from tests.cube.line_cases import NOISE, SEED, V, assert_same_bits, line, truths
from tests.cube.nested_cases import DATA, FITTED, SEARCH, SHAPE, fit


@pytest.fixture(scope="module")
def fits():
    return fit()


# --- the maps --------------------------------------------------------------------------


def test_what_cannot_be_fitted_has_its_status(fits):
    status = fits["status"].values
    assert (status[FITTED] == Status.CONVERGED).all()
    assert status[0, 3] == status[1, 2] == Status.MASKED
    assert status[2, 0] == Status.BAD_NOISE
    for name in fits.names:
        found = fits[name].values
        if found.dtype.kind == "f" and name != "pareto_k":
            assert np.isfinite(found[FITTED]).all(), name
            assert np.isnan(found[~FITTED]).all(), name
    assert (fits["evaluations"].values[FITTED] > 100).all()
    assert (fits["iterations"].values[FITTED] > 100).all()
    assert np.isnan(fits["pareto_k"].values).all()  # not polished


def test_the_lines_are_found(fits):
    for name, truth in truths(*SHAPE).items():
        away = (fits[name].values - truth) / fits[f"{name}_error"].values
        assert np.abs(away[FITTED]).max() < 5.0
        lower, upper = (fits[f"{name}_{side}"].values for side in ("lower", "upper"))
        ordered = (lower < fits[name].values) & (fits[name].values < upper)
        assert ordered[FITTED].all()
    used = np.full(SHAPE, V.size - 3)
    used[0, 1] -= 3
    np.testing.assert_array_equal(
        fits["degrees_of_freedom"].values[FITTED], used[FITTED]
    )


def test_the_best_point_has_its_likelihood(fits):
    best, found = fits["best"].values, fits["log_likelihood"].values
    for index in np.argwhere(FITTED):
        y, x = index
        used = np.isfinite(DATA[:, y, x])
        z = (DATA[:, y, x] - line(V, *best[y, x]))[used] / NOISE
        assert fits["chi_squared"].values[y, x] == pytest.approx(z @ z, rel=1e-9)
        norm = used.sum() * np.log(NOISE * np.sqrt(2.0 * np.pi))
        assert found[y, x] == pytest.approx(-0.5 * z @ z - norm, rel=1e-9)


def test_draws_have_their_likelihood_and_the_spread_of_the_posterior(fits):
    draws, log_l = fits["draws"].values, fits["draw_log_likelihood"].values
    assert draws.shape == (*SHAPE, 7, 3)
    for y, x in np.argwhere(FITTED):
        used = np.isfinite(DATA[:, y, x])
        for own, value in zip(draws[y, x], log_l[y, x], strict=True):
            z = (DATA[:, y, x] - line(V, *own))[used] / NOISE
            norm = used.sum() * np.log(NOISE * np.sqrt(2.0 * np.pi))
            assert value == pytest.approx(-0.5 * z @ z - norm, rel=1e-9)
    names = fits.facts["parameter_names"]
    centre = np.stack([fits[name].values for name in names], axis=-1)
    spread = np.stack([fits[f"{name}_error"].values for name in names], axis=-1)
    away = (draws - centre[..., None, :]) / spread[..., None, :]
    assert 0.6 < np.nanstd(away) < 1.4


def test_the_covariance_goes_with_the_errors(fits):
    covariance = fits["covariance"].values
    names = fits.facts["parameter_names"]
    for y, x in np.argwhere(FITTED):
        deviations = np.sqrt(np.diag(covariance[y, x]))
        errors = [fits[f"{name}_error"].values[y, x] for name in names]
        # The one with the factor n / (n - 1) of weighted samples, the other without.
        np.testing.assert_allclose(deviations, errors, rtol=0.02)
        assert np.linalg.eigvalsh(covariance[y, x]).min() > 0.0
    assert "covariance" not in fit(covariance=False, draws=0).names


def test_health_is_written(fits):
    counts = fits["insertion_counts"].values
    new = fits["iterations"].values - SEARCH.n_live
    np.testing.assert_array_equal(counts.sum(axis=-1)[FITTED], new[FITTED])
    assert (counts[~FITTED] == 0).all()
    assert np.abs(fits["insertion"].values[FITTED]).max() < 4.5
    information = fits["information"].values[FITTED]
    assert ((information > 3.0) & (information < 25.0)).all()
    # sqrt(H / n), H that of the two parameters left where the amplitude is integrated out.
    errors = fits["log_evidence_error"].values[FITTED]
    assert (errors < np.sqrt(information / SEARCH.n_live)).all()


# --- the same bits ---------------------------------------------------------------------


@pytest.mark.parametrize("index", [(0, 0), (0, 1), (2, 3)])
def test_a_single_pixel_is_the_same_problem(fits, index):
    result = fits.result_at(*index)
    record = result.samples.record
    # Without the voxels that are missing the others are added up in another order.
    rtol = 1e-12 if index == (0, 1) else 0.0

    def same(own, name, rtol=rtol):
        np.testing.assert_allclose(
            own, fits[name].values[index], rtol=rtol, err_msg=name
        )

    same(result.log_evidence, "log_evidence")
    same(record.log_evidence_error, "log_evidence_error")
    same(record.run.information, "information")
    same(record.run.insertion, "insertion")
    same(record.log_likelihood[record.best], "log_likelihood")
    same(record.values[record.best], "best")
    same(record.evaluations, "evaluations", 0.0)
    same(len(record.run.contours), "iterations", 0.0)
    assert record.parameter_names == tuple(fits.facts["parameter_names"])
    lower, upper = summary.interval(record, 1.0)
    for j, name in enumerate(record.parameter_names):
        same(summary.median(record)[j], name, 1e-12)
        same(lower[j], f"{name}_lower", 1e-12)
        same(upper[j], f"{name}_upper", 1e-12)
    same(summary.covariance(record), "covariance", 1e-9)


@pytest.mark.parametrize("chunk", [1, 3, None])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_chunks_and_threads_change_no_bit(fits, chunk, scheduler):
    assert_same_bits(fit(chunk_n_max=chunk, scheduler=scheduler, n_workers=2), fits)


@pytest.mark.distributed
@pytest.mark.slow
def test_processes_change_no_bit(fits):
    assert_same_bits(fit(scheduler="processes", n_workers=2, chunk_n_max=4), fits)


@pytest.mark.parametrize(
    "changes", [{"polish": 200}, {"quadrature": True}, {"sample": "slice"}], ids=str
)
def test_options_depend_on_no_chunk(changes):
    search = gf.NestedSampler(n_live=25, dlogz=0.5, seed=SEED, **changes)
    whole = fit(search)
    assert_same_bits(fit(search, chunk_n_max=2), whole)
    assert (whole["status"].values[FITTED] == Status.CONVERGED).all()
    if "quadrature" in changes:
        assert (whole["log_evidence_error"].values[FITTED] < 1e-3).all()
    if "sample" in changes:
        assert (whole["switched"].values[FITTED] == 1).all()


def test_a_store_holds_the_same_and_a_stopped_run_goes_on(fits, tmp_path):
    options = {"store": tmp_path / "run.zarr", "chunk_n_max": 2}
    part = fit(stop=lambda counts: counts.get("converged", 0) >= 3, **options)
    assert 3 <= part.counts()["converged"] < 9
    assert part.counts()["not_reached"] > 0
    assert_same_bits(fit(**options), fits)
    assert_same_bits(fit(**options), fits)
    assert_same_bits(gf.CubeResult.open(tmp_path / "run.zarr"), fits)


def test_a_seed_is_of_the_run_and_of_the_pixel(fits):
    other = fit(gf.NestedSampler(n_live=40, dlogz=0.1, seed=SEED + 1))
    assert (other["evaluations"].values != fits["evaluations"].values)[FITTED].all()
    same = np.repeat(np.repeat(DATA[:, :1, :1], 2, axis=1), 2, axis=2)
    twins = fit(data=same, noise=NOISE, mask=None)["log_evidence"].values
    assert len(np.unique(twins)) == 4
