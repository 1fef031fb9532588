"""Posterior samples as an xarray DataTree in the ArviZ schema."""

from typing import Any

from graphfit.samples import Samples
from graphfit.samples.summary import draw_rows
from graphfit.seeding import generator


def samples_to_datatree(samples: Samples, draws: int, seed: int) -> Any:
    """Return groups ``posterior`` and ``sample_stats`` with dims (chain, draw).

    Parameters
    ----------
    samples : Samples
    draws : int, >= 1
        Equal-weight draws in the single chain.
    seed : int
        Of the resampling.

    Returns
    -------
    xarray.DataTree
    """
    import xarray as xr

    rows = draw_rows(samples, draws, generator(seed))
    dims = ("chain", "draw")
    posterior = {
        name: (dims, samples.table[rows, j][None])
        for j, name in enumerate(samples.names)
    }
    stats = {"lp": (dims, (samples.log_likelihood + samples.log_prior)[rows][None])}
    attributes = {
        "inference_library": "graphfit",
        "log_evidence": samples.log_evidence,
        "log_evidence_error": samples.log_evidence_error,
    }
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, attrs=attributes),
            "sample_stats": xr.Dataset(stats),
        }
    )
