"""The rules by which nested runs are distrusted, against a loop and against chance."""

import math
import re

import numpy as np
import pytest
from scipy import stats

from graphfit.errors import ResultError, SettingError
from graphfit.samples import PixelMaps, Status
from graphfit.samples import health as module
from graphfit.samples.health import HealthLimits, rank_chi_squared, run_health

BINS = 20


def sound(shape, rng, *, ranks=1000):
    """The maps of sound runs."""
    counts = rng.multinomial(ranks, np.full(BINS, 1.0 / BINS), size=shape)
    return {
        "insertion": rng.standard_normal(shape),
        "insertion_counts": counts.astype(np.int32),
        "log_evidence_error": rng.uniform(0.1, 0.3, shape),
        "pareto_k": np.full(shape, np.nan),
        "status": np.zeros(shape, dtype=np.int8),
    }


def pixel_maps(arrays):
    return PixelMaps(arrays["status"].shape, (), arrays)


def slow_reasons(arrays, limits):
    """The same pixel by pixel, as a set of reasons each."""
    found = {}
    for index in np.ndindex(arrays["status"].shape):
        own = {name: values[index] for name, values in arrays.items()}
        reasons = set()
        if own["status"] >= Status.NON_FINITE:
            found[index] = reasons
            continue
        if abs(own["insertion"]) > limits["insertion"]:
            reasons.add("insertion")
        counts = own["insertion_counts"]
        enough = counts.sum() >= 5 * BINS
        if enough and stats.chisquare(counts).statistic > limits["ranks"]:
            reasons.add("ranks")
        if own["log_evidence_error"] > limits["evidence_error"]:
            reasons.add("evidence_error")
        if own["pareto_k"] > limits["pareto_k"]:
            reasons.add("pareto_k")
        if own["status"] in (Status.OUT_OF_EVALUATIONS, Status.STALLED):
            reasons.add("status")
        found[index] = reasons
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def mixed(rng, shape=(9, 11)):
    """Runs of all kinds: too few ranks, polished, given up, without an answer."""
    arrays = sound(shape, rng)
    arrays["insertion"] *= 3.0
    arrays["insertion"][0, 0] = np.nan
    arrays["insertion_counts"][1] //= 30
    arrays["insertion_counts"][2, :, 0] += 150
    arrays["pareto_k"] = rng.uniform(0.2, 1.0, shape)
    arrays["pareto_k"][3] = np.nan
    codes = [0, 0, 0, 0, Status.OUT_OF_EVALUATIONS, Status.STALLED, Status.MASKED,
             Status.NOT_REACHED]  # fmt: skip
    arrays["status"] = rng.choice(codes, shape).astype(np.int8)
    lost = arrays["status"] >= Status.NON_FINITE
    for name in ("insertion", "log_evidence_error", "pareto_k"):
        arrays[name][lost] = np.nan
    return arrays


@pytest.mark.parametrize(
    "limits",
    [
        HealthLimits(),
        HealthLimits(insertion=1.0, ranks=15, evidence_error=0.2, pareto_k=0.5),
    ],
    ids=["default", "given"],
)
def test_the_rules_are_those_of_a_loop(rng, monkeypatch, limits):
    arrays = mixed(rng)
    monkeypatch.setattr(module, "BLOCK", 25)  # two rows at a time
    found = run_health(pixel_maps(arrays), limits)
    slow = slow_reasons(arrays, found.limits)
    for index, reasons in slow.items():
        assert {n for n, where in found.reasons.items() if where[index]} == reasons
        assert found.flagged[index] == bool(reasons)
    assert found.counts == {
        name: sum(name in reasons for reasons in slow.values())
        for name in module.REASONS
    }
    known = arrays["status"] < Status.NON_FINITE
    assert found.runs == known.sum()
    pooled = arrays["insertion_counts"][known].sum(axis=0)
    np.testing.assert_array_equal(found.pooled_ranks, pooled)
    expected = stats.chisquare(pooled)
    assert found.chi_squared == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.departure == pytest.approx(abs(pooled / pooled.mean() - 1).max())


def test_default_limits_are_quantiles_of_one_in_p():
    limits = HealthLimits().chosen(27_000, BINS)
    assert 2.0 * stats.norm.sf(limits["insertion"]) == pytest.approx(1.0 / 27_000)
    assert stats.chi2.sf(limits["ranks"], BINS - 1) == pytest.approx(1.0 / 27_000)
    assert limits["evidence_error"] == math.inf
    assert limits["pareto_k"] == 0.7
    few = HealthLimits().chosen(1, BINS)  # else any run alone would be flagged
    assert few == HealthLimits().chosen(100, BINS)
    assert HealthLimits(insertion=3).chosen(9, BINS)["insertion"] == 3.0


def test_of_a_sound_cube_each_rule_flags_about_one_pixel(rng):
    # 60 cubes: each rule flags 60 pixels by chance, with a standard deviation of 8.  The
    # tail of chi-square is that of the multinomial distribution only for many ranks.
    cubes = [run_health(pixel_maps(sound((20, 25), rng))).counts for _ in range(60)]
    for name in ("insertion", "ranks"):
        assert 35 <= sum(counts[name] for counts in cubes) <= 90
    assert all(counts["status"] == counts["pareto_k"] == 0 for counts in cubes)


def test_chi_square_waits_for_five_ranks_a_bin():
    counts = np.zeros((3, BINS), dtype=np.int32)
    counts[1], counts[2] = 4, 5
    counts[2, 0] = 0
    counts[2, 1] = 10
    found = rank_chi_squared(counts)
    assert np.isnan(found[:2]).all()
    assert found[2] == 10.0


def test_text(rng):
    arrays = sound((10, 10), rng)
    arrays["status"][0, :3] = Status.STALLED
    arrays["insertion"][:] = 0.0
    arrays["insertion_counts"][:] = 50
    text = str(run_health(pixel_maps(arrays)))
    assert text.splitlines() == [
        "Nested runs of 100 pixels, 3 flagged (3 %)",
        "  insertion       0  |U| of the insertion ranks > 2.58",
        "  ranks           0  chi-square of their histogram > 36.2",
        "  status          3  out of evaluations, or stalled",
        "100000 insertion ranks: chi-square 0.0 (19), p = 1, farthest bin 0 % off",
    ]
    arrays["pareto_k"][0, 0] = 0.9
    text = repr(run_health(pixel_maps(arrays), HealthLimits(evidence_error=0.25)))
    assert "  pareto k         1  of the importance weights > 0.7" in text
    assert re.search(r"  evidence error +\d+  of ln Z > 0\.25", text)


def test_runs_without_ranks_are_told_without_them():
    """As of a cube that quadrature has integrated."""
    arrays = sound((2, 2), np.random.default_rng(0))
    arrays["insertion"][:] = np.nan
    arrays["insertion_counts"][:] = 0
    found = run_health(pixel_maps(arrays))
    assert not found.flagged.any()
    assert np.isnan([found.chi_squared, found.p_value, found.departure]).all()
    assert "insertion ranks:" not in str(found)


def test_a_single_fit_has_a_map_without_axes(rng):
    found = run_health(pixel_maps(sound((), rng)), HealthLimits(insertion=1e-9))
    assert found.flagged.shape == ()
    assert found.flagged
    assert found.counts["insertion"] == 1


def test_other_fits_tell_nothing():
    maps = PixelMaps((3,), (), {"status": np.zeros(3, np.int8)})
    with pytest.raises(ResultError, match=r"no map 'insertion', .*gf\.NestedSampler"):
        run_health(maps)


@pytest.mark.parametrize("value", [0.0, -1, "3", True, math.nan])
def test_limits_are_positive_numbers(value):
    with pytest.raises(SettingError, match="insertion is a limit and must be a number"):
        HealthLimits(insertion=value)
    with pytest.raises(SettingError, match="pareto_k"):
        HealthLimits(pareto_k=None)
