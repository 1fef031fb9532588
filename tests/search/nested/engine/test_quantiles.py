"""Compiled quantiles of weighted samples, against those of sorted samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphfit.samples.summary import weighted_quantiles
from graphfit.search.nested.engine.quantiles import Shelves, quantiles

EPSILON = np.finfo(float).eps
LEAST = 8 * np.finfo(float).smallest_subnormal
AT = np.array([0.0, 1e-6, 0.02275, 0.15866, 0.5, 0.84134, 0.97725, 1 - 1e-6, 1.0])

VALUES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "far from zero": lambda rng, n: 1e8 + rng.normal(size=n),
    "far below zero": lambda rng, n: -3.0 + 1e-7 * rng.normal(size=n),
    "tiny": lambda rng, n: 1e-310 * rng.normal(size=n),
    "some ties": lambda rng, n: np.round(rng.normal(size=n), 2),
    "many ties": lambda rng, n: rng.integers(-2, 3, size=n) * 1.0,
    "both zeros": lambda rng, n: np.copysign(0.0, rng.normal(size=n)),
    "all equal": lambda rng, n: np.full(n, rng.normal()),
    "sorted": lambda rng, n: np.sort(rng.uniform(size=n)),
    "backwards": lambda rng, n: -np.sort(rng.uniform(size=n)),
    "log-uniform": lambda rng, n: 10.0 ** rng.uniform(-4, 1, size=n),
    "all sizes": lambda rng, n: 10.0 ** rng.uniform(-300, 300, size=n),
    "both signs": lambda rng, n: (
        rng.choice([-1.0, 1.0], size=n) * 10.0 ** rng.uniform(-200, 200, size=n)
    ),
    "long tails": lambda rng, n: rng.standard_cauchy(size=n) ** 5,
    "an outlier": lambda rng, n: np.append(1e12, rng.normal(size=n - 1)),
    "two clumps": lambda rng, n: (
        rng.choice([-5.0, 5.0], size=n) + 1e-9 * rng.normal(size=n)
    ),
}
WEIGHTS = {
    "equal": lambda rng, n: np.full(n, 1.0),
    "uneven": lambda rng, n: rng.dirichlet(np.ones(n)),
    "few": lambda rng, n: rng.dirichlet(np.full(n, 0.05)) + 1e-12 / n,
    "many are zero": lambda rng, n: np.append(1.0, rng.uniform(size=n - 1).round()),
    "nested": lambda rng, n: np.exp(-800.0 * np.exp(-12 * np.arange(1, n + 1) / n)),
}


def found(values, weights, at, mean=0.0, deviation=0.0):
    """What `quantiles` writes, from and to strided memory and with garbage beyond."""
    rows = np.full((len(values) + 2, 2), np.nan)
    rows[:-2, 0] = values
    out = np.full((len(at), 2), np.nan)
    shelves = Shelves.of(len(values) + 1)
    beyond = np.append(weights, [np.nan] * 2)
    quantiles(rows[:, 0], beyond, len(values), mean, deviation, at, shelves, out[:, 0])
    return out[:, 0]


def sorted_quantiles(values, weights, at):
    return weighted_quantiles(values[:, None], weights, at)[:, 0]


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.one_of(st.integers(1, 80), st.integers(81, 3000)),
    values=st.sampled_from(sorted(VALUES)),
    weights=st.sampled_from(sorted(WEIGHTS)),
)
def test_agrees_with_sorting(seed, n, values, weights):
    rng = np.random.default_rng(seed)
    x, w = VALUES[values](rng, n), WEIGHTS[weights](rng, n)
    w /= w.sum()
    at = np.append(AT, rng.uniform(size=6))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = w @ x
        deviation = np.sqrt(w @ (x - mean) ** 2)
    got = found(x, w, at, mean, deviation)
    # Weights add up to within some n roundings, in whatever order. So far a probability
    # is uncertain, and the quantile anywhere between those of its ends.
    slack = 2 * n * EPSILON
    close = (
        1e-12 * np.nan_to_num(deviation, posinf=0.0) + 8 * EPSILON * np.abs(got) + LEAST
    )
    low = sorted_quantiles(x, w, at - slack)
    high = sorted_quantiles(x, w, at + slack)
    assert (got >= low - close).all()
    assert (got <= high + close).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.one_of(st.integers(1, 20), st.integers(21, 600)),
    values=st.sampled_from(sorted(VALUES)),
    share=st.sampled_from([1, 8, 200]),
)
def test_agrees_to_the_bit_of_a_weight(seed, n, values, share):
    """Weights that add up without rounding leave nothing uncertain, ties least of all."""
    rng = np.random.default_rng(seed)
    x = VALUES[values](rng, n)
    # Some n / share samples hold all weight, in multiples of 2^-20: zeros abound.
    heavy = rng.choice(n, size=max(n // share, 1), replace=False)
    w = np.zeros(n)
    w[heavy] = rng.multinomial(2**20, np.full(len(heavy), 1 / len(heavy))) / 2**20
    middles = np.cumsum(w[np.argsort(x, kind="stable")])
    at = np.concatenate([np.arange(65) / 64, rng.choice(middles, size=8)])
    expected = sorted_quantiles(x, w, at)
    spread = np.ptp(x) if np.isfinite(np.ptp(x)) else 0.0
    got = found(x, w, at, np.median(x), np.std(x) if np.abs(x).max() < 1e100 else 0.0)
    np.testing.assert_allclose(
        got, expected, rtol=8 * EPSILON, atol=4 * EPSILON * spread + LEAST
    )


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [
        (0.0, 0.0),
        (np.nan, np.nan),
        (np.nan, 1.0),
        (0.0, np.inf),
        (np.inf, 1.0),
        (0.0, 1e-320),
        (0.0, 1e300),
        (-1e3, 1.0),
        (1e3, 1.0),
    ],
)
def test_where_bins_are_only_takes_time(mean, deviation):
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=3000), rng.dirichlet(np.ones(3000))
    expected = sorted_quantiles(x, w, AT)
    np.testing.assert_allclose(found(x, w, AT, mean, deviation), expected, atol=1e-13)


@pytest.mark.parametrize("n", [16, 256])
def test_what_is_not_finite_comes_last(n):
    rng = np.random.default_rng(3)
    x = rng.normal(size=n)
    x[rng.choice(n, size=6, replace=False)] = [
        np.inf,
        np.inf,
        -np.inf,
        -np.inf,
        np.nan,
        0,
    ]
    x[0] = -np.nan
    w, at = np.full(n, 1 / n), (np.arange(4 * n) + 0.5) / (4 * n)
    with np.errstate(invalid="ignore"):
        expected = sorted_quantiles(x, w, at)
    assert np.isnan(expected).any()
    got = found(x, w, at, np.nan, np.nan)
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)


def test_no_samples():
    assert np.isnan(found(np.zeros(0), np.zeros(0), AT)).all()
