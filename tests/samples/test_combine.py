"""Independent parts put together: evidences add, each part keeps its posterior."""

import math

import numpy as np
import pytest

from graphfit.samples import Samples
from graphfit.samples.combine import combine
from graphfit.samples.summary import covariance, effective_sample_size, mean, median


def part(rng, count, names, kind="nested", **facts) -> Samples:
    values = rng.normal(size=(count, len(names))) * np.arange(1, len(names) + 1)
    weights = rng.random(count)
    return Samples(
        kind=kind,
        parameter_names=names,
        values=values,
        log_likelihood=rng.normal(size=count),
        log_prior=rng.normal(size=count),
        log_weights=np.log(weights / weights.sum()),
        **facts,
    )


@pytest.fixture
def parts(rng):
    return [
        part(
            rng,
            4000,
            ("a", "c"),
            log_evidence=-3.0,
            log_evidence_error=0.3,
            evaluations=7,
        ),
        part(rng, 900, ("b",), log_evidence=1.5, log_evidence_error=0.4, evaluations=5),
    ]


@pytest.fixture
def joint(parts):
    generator = np.random.default_rng(5)
    return combine(parts, [[0, 2], [1]], ("a", "b", "c"), generator)


def test_evidences_add(joint):
    assert joint.log_evidence == -1.5
    assert joint.log_evidence_error == pytest.approx(0.5)
    assert joint.evaluations == 12
    assert joint.kind == "nested"
    assert joint.parameter_names == ("a", "b", "c")


def test_each_part_keeps_its_moments(parts, joint):
    first, second = parts
    error = 5 / math.sqrt(len(joint))
    np.testing.assert_allclose(mean(joint)[[0, 2]], mean(first), atol=2 * error)
    np.testing.assert_allclose(mean(joint)[1], mean(second)[0], atol=error)
    np.testing.assert_allclose(median(joint)[[0, 2]], median(first), atol=2 * error)
    found = covariance(joint)
    np.testing.assert_allclose(
        found[np.ix_([0, 2], [0, 2])], covariance(first), atol=4 * error
    )
    np.testing.assert_allclose(found[1, 1], covariance(second)[0, 0], atol=error)


def test_parts_are_independent(joint):
    spread = covariance(joint)
    deviation = np.sqrt(np.diag(spread))
    correlation = spread / np.outer(deviation, deviation)
    assert abs(correlation[0, 1]) < 5 / math.sqrt(900)


def test_the_first_row_is_the_joint_maximum(parts, joint):
    assert joint.best == 0
    assert joint.weights[0] == 0.0
    assert joint.log_likelihood[0] == sum(p.log_likelihood.max() for p in parts)
    expected = [
        parts[0].values[parts[0].best, 0],
        parts[1].values[parts[1].best, 0],
        parts[0].values[parts[0].best, 1],
    ]
    np.testing.assert_array_equal(joint.values[0], expected)
    assert joint.log_prior[0] == sum(p.log_prior[p.best] for p in parts)


def test_rows_belong_together(parts, joint):
    """A row's ln L and ln prior are the sums of those of the rows it was made of."""
    first, second = parts
    for s in range(1, 50):
        i = int(np.flatnonzero(first.values[:, 0] == joint.values[s, 0])[0])
        j = int(np.flatnonzero(second.values[:, 0] == joint.values[s, 1])[0])
        assert joint.values[s, 2] == first.values[i, 1]
        assert (
            joint.log_likelihood[s]
            == first.log_likelihood[i] + second.log_likelihood[j]
        )
        assert joint.log_prior[s] == first.log_prior[i] + second.log_prior[j]


def test_repeated_rows_are_not_worth_more_than_the_poorer_part(parts, joint):
    poorer = min(effective_sample_size(p) for p in parts)
    assert effective_sample_size(joint) == pytest.approx(poorer)


def test_optima_stand_side_by_side(rng):
    optima = [part(rng, 1, (name,), kind="optimum") for name in ("a", "b")]
    joint = combine(optima, [[1], [0]], ("b", "a"), rng)
    assert joint.kind == "optimum"
    assert len(joint) == 1
    np.testing.assert_array_equal(
        joint.values, [[optima[1].values[0, 0], optima[0].values[0, 0]]]
    )
    assert joint.weights[0] == 1.0
    assert math.isnan(joint.log_evidence)
