"""The demo's three models: how much the datasets have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import graphfit as gf
from graphfit.cli.demo_data import Dataset, Truth


@final
@dataclass(frozen=True, slots=True)
class Way:
    """One way to fit the datasets jointly.

    Attributes
    ----------
    name : str
        What it is called.
    meaning : str
        What the datasets have in common, in words.
    graph : callable
        ``graph(datasets)`` is the joint model.
    expected : callable
        ``expected(truth)`` are the true values by name, where there is one.
    """

    name: str
    meaning: str
    graph: Callable[[Sequence[Dataset]], gf.FactorGraphModel]
    expected: Callable[[Truth], Mapping[str, float]]


def shared(datasets: Sequence[Dataset]) -> gf.FactorGraphModel:
    """Return a graph in which every dataset has the same model object."""
    model = gf.Model(
        gf.ex.Gaussian, centre=centre(), normalization=normalization(), sigma=width()
    )
    return gf.FactorGraphModel(
        *[gf.AnalysisFactor(model, dataset.analysis()) for dataset in datasets]
    )


def per_dataset(datasets: Sequence[Dataset]) -> gf.FactorGraphModel:
    """Return a graph that shares the centre: its one prior stands in every model."""
    middle = centre()
    factors = []
    for dataset in datasets:
        model = gf.Model(
            gf.ex.Gaussian, centre=middle, normalization=normalization(), sigma=width()
        )
        factors.append(gf.AnalysisFactor(model, dataset.analysis()))
    return gf.FactorGraphModel(*factors)


def relational(datasets: Sequence[Dataset]) -> gf.FactorGraphModel:
    """Return a graph whose widths lie on a line: ``sigma = m * i + c`` in dataset i."""
    middle, area = centre(), normalization()
    m = gf.UniformPrior(0.0, 10.0, name="m")
    c = gf.UniformPrior(0.5, 25.0, name="c")
    factors = []
    for i, dataset in enumerate(datasets):
        model = gf.Model(
            gf.ex.Gaussian, centre=middle, normalization=area, sigma=m * i + c
        )
        factors.append(gf.AnalysisFactor(model, dataset.analysis()))
    return gf.FactorGraphModel(*factors)


# The same priors in all three, so that the evidences compare nothing but the sharing.
def centre() -> gf.UniformPrior:
    """Return a new prior for a line's position: anywhere in the data."""
    return gf.UniformPrior(0.0, 100.0)


def normalization() -> gf.LogUniformPrior:
    """Return a new prior for a line's area: of any order between 1 and 100."""
    return gf.LogUniformPrior(1.0, 100.0)


def width() -> gf.UniformPrior:
    """Return a new prior for a line's width."""
    return gf.UniformPrior(0.5, 25.0)


def _shared_truth(truth: Truth) -> Mapping[str, float]:
    return {"centre": truth.centre, "normalization": truth.normalization}


def _own_truth(truth: Truth) -> Mapping[str, float]:
    values = {"centre": truth.centre}
    for i, sigma in enumerate(truth.sigmas):
        values |= {f"{i}.normalization": truth.normalization, f"{i}.sigma": sigma}
    return values


def _relational_truth(truth: Truth) -> Mapping[str, float]:
    widths = {f"{i}.sigma": sigma for i, sigma in enumerate(truth.sigmas)}
    return {**_shared_truth(truth), "sigma.m": truth.m, "sigma.c": truth.c, **widths}


WAYS = (
    Way(
        "shared", "all parameters are the same in every dataset", shared, _shared_truth
    ),
    Way(
        "per-dataset",
        "the centre is shared, each dataset has its own normalization and sigma",
        per_dataset,
        _own_truth,
    ),
    Way(
        "relational",
        "centre and normalization are shared, sigma = m * i + c in dataset i",
        relational,
        _relational_truth,
    ),
)
