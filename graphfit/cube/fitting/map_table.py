"""The table of maps that a fit of pixels fills: one row a quantity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from graphfit.samples import MapSpec, Status
from graphfit.search.nested.nested_fits import RANK_BINS

NAN = float("nan")


@final
@dataclass(frozen=True)
class Wanted:
    """What a user wants beside the values and their errors.

    Attributes
    ----------
    covariance : bool
        The covariance of all parameters.
    draws : int
        Equal-weight draws from the posterior, kept at every pixel.
    """

    covariance: bool = True
    draws: int = 0


def map_table(
    parameters: Sequence[str],
    derived: Sequence[str],
    *,
    posterior: bool,
    wanted: Wanted,
    nested: bool = False,
    units: dict[str, str] | None = None,
    factors: Sequence[str] = (),
) -> tuple[MapSpec, ...]:
    """Return the maps of a fit.

    Parameters
    ----------
    parameters, derived : sequence of str
        Names of free parameters (D), and of relations.
    posterior : bool
        Whether the search finds samples of a posterior, not one best point.
    wanted : Wanted
    nested : bool
        Whether the search tells how its nested runs went.
    units : dict, optional
        By the names of parameters.
    factors : sequence of str
        Names of the cubes.
    """
    known = units or {}
    specs: list[MapSpec] = []
    for name in (*parameters, *derived):
        unit = known.get(name, "")
        what = "median of the posterior" if posterior else "best value"
        specs.append(MapSpec(name, "f8", NAN, f"{name}: {what}.", unit))
        specs.append(
            MapSpec(f"{name}_error", "f8", NAN, f"{name}: standard deviation.", unit)
        )
        if posterior:
            for side in ("lower", "upper"):
                text = f"{name}: {side} limit of the central 68.3 % interval."
                specs.append(MapSpec(f"{name}_{side}", "f8", NAN, text, unit))
    count = len(parameters)
    if wanted.covariance:
        specs.append(
            MapSpec(
                "covariance",
                "f8",
                NAN,
                "Covariance of the free parameters, in their order.",
                axes=("parameter", "parameter_"),
                shape=(count, count),
            )
        )
    if posterior:
        text = "Free parameters at the highest likelihood."
        specs.append(MapSpec("best", "f8", NAN, text, "", ("parameter",), (count,)))
    if posterior and wanted.draws:
        specs += _drawn(wanted.draws, count, nested=nested)
    chi_squared = "Sum of ((data - model) / noise)^2."
    specs.append(MapSpec("chi_squared", "f8", NAN, chi_squared))
    if len(factors) > 1:
        specs += [
            MapSpec(f"{name}.chi_squared", "f8", NAN, f"Factor {name}: {chi_squared}")
            for name in factors
        ]
    specs += [
        MapSpec("degrees_of_freedom", "i4", 0, "Points in use less free parameters."),
        MapSpec("log_likelihood", "f8", NAN, "ln L, normalised, at the best point."),
        MapSpec("log_prior", "f8", NAN, "ln of the prior density at the best point."),
        MapSpec("log_evidence", "f8", NAN, "ln Z."),
    ]
    if posterior:
        specs.append(
            MapSpec("log_evidence_error", "f8", NAN, "Standard error of ln Z.")
        )
    if nested:
        specs += _health()
    specs += [
        MapSpec("evaluations", "i4", 0, "Evaluations of the likelihood."),
        MapSpec(
            "status",
            "i1",
            int(Status.NOT_REACHED),
            "How the fit ended; see the legend.",
        ),
    ]
    return tuple(specs)


def _drawn(draws: int, count: int, *, nested: bool) -> list[MapSpec]:
    """Return the maps of equal-weight draws of D parameters."""
    text = "Equal-weight draws from the posterior of the free parameters."
    axes = ("draw", "parameter")
    specs = [MapSpec("draws", "f8", NAN, text, axes=axes, shape=(draws, count))]
    if nested:
        text = "ln L, normalised, of each draw."
        name = "draw_log_likelihood"
        specs.append(MapSpec(name, "f8", NAN, text, axes=("draw",), shape=(draws,)))
    return specs


def _health() -> list[MapSpec]:
    """Return the maps that tell how nested runs went."""
    ranks = "Histogram of the insertion ranks, level for a sound run."
    return [
        MapSpec("information", "f8", NAN, "H, from prior to posterior.", "nat"),
        MapSpec(
            "insertion",
            "f8",
            NAN,
            "U statistic of the insertion ranks: a standard normal number for a sound run.",
        ),
        MapSpec("insertion_counts", "i4", 0, ranks, axes=("rank",), shape=(RANK_BINS,)),
        MapSpec(
            "iterations", "i4", 0, "Points of the run, the last live ones included."
        ),
        MapSpec("switched", "i1", 0, "1 where the run went over to slice sampling."),
        MapSpec(
            "pareto_k",
            "f8",
            NAN,
            "Shape of the tail of the importance weights, where a run was polished.",
        ),
    ]
